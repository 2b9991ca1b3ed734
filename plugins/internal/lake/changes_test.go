package lake_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
)

func (m *memory) ScopeKept(scope string) error { m.kept = append(m.kept, scope); return nil }

func (m *memory) Gone(string, sdk.NativeID) error { return errors.New("it names nothing as gone") }

// world is a store of one bucket whose objects change.
type world struct {
	shelf

	rand *rand.Rand
}

func newWorld(seed uint64) *world {
	w := &world{rand: rand.New(rand.NewPCG(seed, 1))}
	w.content, w.pageSize = map[string]string{}, 5
	for range 20 {
		w.change()
	}
	return w
}

var (
	folders = []string{"", "in/", "in/day=1/", "in/day=2/", "tables/a/", "tables/a/metadata/", "tables/d/_delta_log/", "tables/d/"}
	files   = []string{"a.csv", "b.csv", "book.xlsx", "part-00000.csv", "part-00001.csv", "v1.metadata.json", "v2.metadata.json", "00000000000000000000.json", "00000000000000000001.json", "notes.txt"}
)

// change puts, overwrites or takes away one object.
func (w *world) change() {
	key := folders[w.rand.IntN(len(folders))] + files[w.rand.IntN(len(files))]
	if _, there := w.content[key]; there && w.rand.IntN(3) == 0 {
		delete(w.content, key)
		return
	}
	column := string(rune('a' + w.rand.IntN(4))) // of one length, so that the tag alone tells them apart
	switch {
	case strings.HasSuffix(key, ".metadata.json"):
		w.content[key] = `{"format-version":2,"current-schema-id":0,"schemas":[{"schema-id":0,"fields":[{"id":1,"name":"` + column + `","required":true,"type":"long"}]}]}`
	case strings.HasSuffix(key, ".json"):
		w.content[key] = `{"metaData":{"id":"1","schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"` + column + `\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[]}}`
	case strings.HasSuffix(key, ".xlsx"):
		w.content[key] = workbook(w.rand.IntN(3) + 1)
	default:
		w.content[key] = column + ",n\n1,2\n"
	}
}

// workbook is one of so many sheets; it is damaged where there are three.
func workbook(sheets int) string {
	if sheets == 3 {
		return "damaged"
	}
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	for i := range sheets {
		name := fmt.Sprint("Sheet", i+1)
		_, err := book.NewSheet(name)
		if err := errors.Join(err, book.SetSheetRow(name, "A1", &[]any{"id", "name"}), book.SetSheetRow(name, "A2", &[]any{1, "x"})); err != nil {
			panic(err)
		}
	}
	text, err := book.WriteToBuffer()
	if err != nil {
		panic(err)
	}
	return text.String()
}

func (w *world) source() *lake.Source {
	return &lake.Source{
		Word: "bucket", Shut: func() {}, Buckets: func(context.Context) ([]string, error) { return []string{"b"}, nil },
		Bucket: func(string) lake.Scope { return scopeOf(&w.shelf) },
	}
}

// since harvests what has changed, and gives what is known then.
func (w *world) since(t *testing.T, mark sdk.Watermark, known map[string]*sdk.Asset) (*memory, sdk.Watermark, map[string]*sdk.Asset) {
	t.Helper()
	m := &memory{}
	mark, err := w.source().Changes(t.Context(), sdk.Request{}, mark, m)
	if err != nil || len(m.double) > 0 {
		t.Fatalf("%v, twice %v", err, m.double)
	}
	now := map[string]*sdk.Asset{}
	if len(m.kept) > 0 {
		maps.Copy(now, known)
	}
	maps.Copy(now, m.assets)
	for _, n := range m.noted("lake.unreadable") { // what was known of it stays
		if a := known[n.Asset.Name]; a != nil && now[n.Asset.Name] == nil {
			now[n.Asset.Name] = a
		}
	}
	return m, mark, now
}

// TestChangesAreTheWhole of random worlds: what is told since a watermark leads to
// what a harvest of everything finds, but for what could not be read.
func TestChangesAreTheWhole(t *testing.T) {
	var kept, whole int
	for seed := range uint64(120) {
		w := newWorld(seed)
		_, mark, known := w.since(t, nil, nil)
		for step := range 6 {
			for range w.rand.IntN(3) {
				w.change()
			}
			var m *memory
			m, mark, known = w.since(t, mark, known)
			if len(m.kept) > 0 {
				kept++
			} else {
				whole++
			}
			all := &memory{}
			if err := w.source().Harvest(t.Context(), sdk.Request{}, all); err != nil {
				t.Fatal(err)
			}
			for _, n := range all.noted("lake.unreadable") {
				if was := known[n.Asset.Name]; was != nil && all.assets[n.Asset.Name] == nil {
					all.assets[n.Asset.Name] = was
				}
			}
			if diff := gocmp.Diff(all.assets, known); diff != "" {
				t.Fatalf("seed %d, step %d: %v %s", seed, step, slices.Sorted(maps.Keys(w.content)), diff)
			}
		}
	}
	if kept < 100 || whole < 40 {
		t.Errorf("%d were kept, %d read whole", kept, whole)
	}
}

// TestHeadsAreReadOnce reads no head of what is as it was, and one of what is new;
// the bucket has another size then.
func TestHeadsAreReadOnce(t *testing.T) {
	w := &world{}
	w.content = map[string]string{}
	for i := range 200 {
		w.content[fmt.Sprintf("in/t%dx/a.csv", i)] = "a,b\n1,2\n"
	}
	_, mark, known := w.since(t, nil, nil)
	w.reads = 0
	m, mark, known := w.since(t, mark, known)
	if w.reads > 0 || len(m.assets) > 0 || !slices.Equal(m.kept, []string{"bucket:b"}) {
		t.Errorf("as it was: %d reads, %d assets, kept %v", w.reads, len(m.assets), m.kept)
	}
	w.content["in/new.csv"] = "a\n1\n"
	if m, mark, known = w.since(t, mark, known); w.reads > 1 || len(m.assets) != 2 || len(m.done) > 0 {
		t.Errorf("one is new: %d reads, %d assets, done %v", w.reads, len(m.assets), m.done)
	}
	delete(w.content, "in/t0x/a.csv")
	if m, _, known = w.since(t, mark, known); len(m.assets) != 201 || !slices.Equal(m.done, []string{"bucket:b"}) || len(known) != 201 {
		t.Errorf("one is gone: %d assets, done %v", len(m.assets), m.done)
	}
}

// TestWhatIsNotRemembered has everything read again: more datasets than a watermark
// holds, a bucket that is listed no longer, and what nobody has given.
func TestWhatIsNotRemembered(t *testing.T) {
	w := &world{}
	w.content = map[string]string{}
	for i := range 6000 {
		w.content[fmt.Sprintf("in/t%dx/a.csv", i)] = "a,b\n1,2\n"
	}
	if m, mark, _ := w.since(t, nil, nil); mark != nil || len(m.assets) != 6001 {
		t.Errorf("%d assets leave a watermark of %d bytes", len(m.assets), len(mark))
	}
	w.readErr = lake.ErrGone
	if m, mark, _ := w.since(t, nil, nil); mark != nil || len(m.noted("lake.unreadable")) != 6000 {
		t.Errorf("%d that cannot be read leave a watermark of %d bytes", len(m.noted("lake.unreadable")), len(mark))
	}
	w.readErr = nil
	for i := range 1000 {
		delete(w.content, fmt.Sprintf("in/t%dx/a.csv", i))
	}
	_, mark, _ := w.since(t, nil, nil)
	if len(mark) == 0 || len(mark) > 64<<10 {
		t.Fatalf("5,000 datasets leave a watermark of %d bytes", len(mark))
	}
	elsewhere := w.source()
	elsewhere.Buckets = func(context.Context) ([]string, error) { return []string{"other"}, nil }
	for what, err := range map[string]error{
		"another bucket": changesOf(t, elsewhere, mark), "nobody's": changesOf(t, w.source(), []byte("strange")),
		"cut": changesOf(t, w.source(), mark[:len(mark)-1]), "cut early": changesOf(t, w.source(), mark[:9]),
	} {
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Code != "watermark_expired" {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func changesOf(t *testing.T, s *lake.Source, mark sdk.Watermark) error {
	t.Helper()
	_, err := s.Changes(t.Context(), sdk.Request{}, mark, &memory{})
	return err
}

// TestABucketThatFails is read whole the next time, and the others go on.
func TestABucketThatFails(t *testing.T) {
	w, other := newWorld(1), newWorld(2)
	s := w.source()
	s.Buckets = func(context.Context) ([]string, error) { return []string{"b", "c"}, nil }
	s.Bucket = func(name string) lake.Scope {
		scope := scopeOf(&w.shelf)
		if name == "c" {
			scope = scopeOf(&other.shelf)
		}
		scope.Name = "bucket:" + name
		return scope
	}
	changes := func(mark sdk.Watermark) (*memory, sdk.Watermark) {
		t.Helper()
		m := &memory{}
		mark, err := s.Changes(t.Context(), sdk.Request{}, mark, m)
		if err != nil {
			t.Fatal(err)
		}
		return m, mark
	}
	_, mark := changes(nil)
	other.failAt, other.failure = 2, sdk.Unavailable("the store is tired", "wait", nil)
	m, mark := changes(mark)
	if !slices.Equal(m.kept, []string{"bucket:b"}) || len(m.done) > 0 || len(m.noted("lake.unavailable")) != 1 {
		t.Errorf("kept %v, done %v, notes %v", m.kept, m.done, m.notes)
	}
	other.failAt = 0
	if m, _ = changes(mark); !slices.Equal(m.kept, []string{"bucket:b"}) || !slices.Equal(m.done, []string{"bucket:c"}) {
		t.Errorf("kept %v, done %v", m.kept, m.done)
	}
}
