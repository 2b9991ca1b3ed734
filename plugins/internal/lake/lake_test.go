package lake_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
)

// shelf is a store in memory.
type shelf struct {
	content  map[string]string
	objects  []lake.Object // in place of content, where only the listing counts
	pageSize int
	failAt   int // the page whose listing fails, from 1
	failure  error
	readErr  error
	mu       sync.Mutex
	reads    int
}

func (s *shelf) List(_ context.Context, prefix string, page func([]lake.Object) error) error {
	all := s.objects
	if all == nil {
		for key, content := range s.content {
			all = append(all, lake.Object{Key: key, Size: int64(len(content)), Modified: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Tag: content})
		}
		slices.SortFunc(all, func(a, b lake.Object) int { return cmp.Compare(a.Key, b.Key) })
	}
	all = slices.DeleteFunc(slices.Clone(all), func(o lake.Object) bool { return !strings.HasPrefix(o.Key, prefix) })
	n := 0
	for part := range slices.Chunk(all, max(1, s.pageSize)) {
		if n++; n == s.failAt {
			return s.failure
		}
		if err := page(part); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Read(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.readErr != nil {
		return nil, s.readErr
	}
	content, ok := s.content[key]
	if !ok {
		return nil, lake.ErrGone
	}
	offset = min(offset, int64(len(content)))
	return []byte(content[offset:min(int64(len(content)), offset+n)]), ctx.Err()
}

// memory is a sink that keeps everything.
type memory struct {
	mu     sync.Mutex
	assets map[string]*sdk.Asset
	double []string
	done   []string
	kept   []string
	notes  []sdk.Note
	onEmit func() error
}

func (m *memory) Emit(r sdk.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := sdk.Validate(r); err != nil {
		return err
	}
	a := r.(*sdk.Asset)
	if m.assets == nil {
		m.assets = map[string]*sdk.Asset{}
	}
	if m.assets[a.ID.Name] != nil {
		m.double = append(m.double, a.ID.Name)
	}
	m.assets[a.ID.Name] = a
	if m.onEmit != nil {
		return m.onEmit()
	}
	return nil
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes = append(m.notes, n)
	return nil
}

func (m *memory) noted(code string) []sdk.Note {
	return slices.DeleteFunc(slices.Clone(m.notes), func(n sdk.Note) bool { return n.Code != code })
}

func scopeOf(s lake.Store) lake.Scope {
	return lake.Scope{Name: "bucket:b", Store: s, Namespace: "s3://b", ByteOrder: true}
}

// listed harvests a listing of keys without content.
func listed(t *testing.T, o lake.Options, keys ...string) *memory {
	t.Helper()
	s := &shelf{pageSize: 7}
	for _, key := range keys {
		s.objects = append(s.objects, lake.Object{Key: key, Size: 10})
	}
	slices.SortFunc(s.objects, func(a, b lake.Object) int { return cmp.Compare(a.Key, b.Key) })
	o.SkipHeads = true
	m := &memory{}
	if err := lake.Harvest(t.Context(), scopeOf(s), o, m); err != nil {
		t.Fatal(err)
	}
	if len(m.double) > 0 {
		t.Errorf("emitted twice: %q", m.double)
	}
	return m
}

// names gives each dataset with the number of its files.
func (m *memory) names() []string {
	var names []string
	for name, a := range m.assets {
		line := name + " " + a.Properties["files"]
		if a.Properties["partitioned_by"] != "" {
			line += " by " + a.Properties["partitioned_by"]
		}
		if len(a.Aliases) > 0 {
			line += " = " + a.Aliases[0].Name
		}
		names = append(names, line)
	}
	slices.Sort(names)
	return names
}

// groupings are the keys of a listing, and the datasets that they make.
var groupings = []struct {
	name string
	keys []string
	want []string
}{
	{"one file", []string{"in/countries.csv"}, []string{"in/countries.csv 1 = in"}},
	{"two files", []string{"in/countries.csv", "in/cities.csv"}, []string{"in/cities.csv 1", "in/countries.csv 1"}},
	{
		"hive partitions",
		[]string{"w/orders/year=2024/month=01/part-00000-aa.parquet", "w/orders/year=2024/month=02/x.snappy.parquet", "w/orders/_SUCCESS"},
		[]string{"w/orders 2 by year, month"},
	},
	{
		"folders of dates",
		[]string{"logs/2024/01/31/app.jsonl.gz", "logs/2024/02/01/app.jsonl.gz", "logs/2024/02/01/00/db.jsonl"},
		[]string{"logs/*/app.jsonl.gz 2 by folders of dates or hashes", "logs/*/db.jsonl 1 by folders of dates or hashes"},
	},
	{"folders of days", []string{"e/2024-01-31/part-0.parquet", "e/20240201/part-0.parquet"}, []string{"e 2 by folders of dates or hashes"}},
	{
		"parts of writers",
		[]string{"out/part-00000-8a7fc2f5-6a2b-4a3e-9f0e-0d6c1a2b3c4d-c000.snappy.parquet", "out/part-00001-8a7fc2f5-6a2b-4a3e-9f0e-0d6c1a2b3c4d-c000.snappy.parquet"},
		[]string{"out 2"},
	},
	{"parts without a format", []string{"out/part-00000", "out/part-00001", "hive/000000_0", "hive/000001_0"}, []string{"hive 2", "out 2"}},
	{"parts of jobs of Glue", []string{"out/run-1679417237460-part-r-00000", "out/run-1679417237460-part-r-00001"}, []string{"out 2"}},
	{"hashed names", []string{"h/0a1b2c3d4e5f.json", "h/ffeeddccbbaa9988.json", "h/8a7fc2f5-6a2b-4a3e-9f0e-0d6c1a2b3c4d.json"}, []string{"h 3"}},
	{
		"dates in names",
		[]string{"x/orders-2024-01-01.csv", "x/orders-2024-01-02.csv", "x/orders_20240103.csv", "x/lines-2024-01.csv", "x/lines-2024-02.csv"},
		[]string{"x/lines-*.csv 2", "x/orders-*.csv 2", "x/orders_*.csv 1"},
	},
	{"one dated file is named as two would be", []string{"x/report_2024.csv"}, []string{"x/report_*.csv 1 = x"}},
	{"numbers that mean something stay", []string{"x/iso3166.csv", "x/table1.csv", "x/table2.csv", "x/q1.csv"}, []string{"x/iso3166.csv 1", "x/q1.csv 1", "x/table1.csv 1", "x/table2.csv 1"}},
	{
		"tables below partitions",
		[]string{"t/tenant=1/orders/part-0.parquet", "t/tenant=2/orders/part-0.parquet", "t/tenant=2/lines/part-0.parquet"},
		[]string{"t/*/lines 1 by tenant", "t/*/orders 2 by tenant"},
	},
	{"runs by hash", []string{"r/8a7fc2f5-6a2b-4a3e-9f0e-0d6c1a2b3c4d/m.json", "r/9a7fc2f5-6a2b-4a3e-9f0e-0d6c1a2b3c4d/m.json"}, []string{"r/*/m.json 2 by folders of dates or hashes = r"}},
	{
		"Iceberg",
		[]string{"w/t/data/d=1/0001-a.parquet", "w/t/data/0101/1100/x.parquet", "w/t/metadata/00000-a.metadata.json", "w/t/metadata/00001-b.metadata.json", "w/t/metadata/snap-1.avro", "w/u.csv"},
		[]string{"w/t 2 by d", "w/u.csv 1"},
	},
	{
		"Delta",
		[]string{"w/d/_delta_log/00000000000000000000.json", "w/d/day=1/part-0.parquet", "w/d/day=2/part-0.parquet", "w/d/part-1.parquet"},
		[]string{"w/d 3 by day"},
	},
	{"a folder called data", []string{"data/orders/part-0.parquet", "data/x.csv"}, []string{"data/orders 1", "data/x.csv 1"}},
	{"a file and a folder of one name", []string{"o/b.csv", "o/b.csv/part-0"}, []string{"o/b.csv 1", "o/b.csv/ 1"}},
	{"slashes", []string{"/part-0.parquet", "//part-0.parquet", "a//x.csv", "a/x.csv", "part-0.parquet"}, []string{"/ 1", "// 1", "/// 1", "a//x.csv 1 = a/", "a/x.csv 1"}},
	{"odd names", []string{"a/it's \"b\".csv", "a/line\nbreak.csv", "a/😀.csv", "A/x.csv", "a/x.csv", "a/%20+.csv"}, []string{"A/x.csv 1 = A", "a/%20+.csv 1", "a/it's \"b\".csv 1", "a/line\nbreak.csv 1", "a/x.csv 1", "a/😀.csv 1"}},
	{"not UTF-8", []string{"a/\xff.csv", "a/\xfe.csv"}, []string{"a/%FE.csv 1", "a/%FF.csv 1"}},
	{"a very long key", []string{"a/" + strings.Repeat("é", 509) + ".csv"}, []string{"a/" + strings.Repeat("é", 509) + ".csv 1 = a"}},
	{"very deep", []string{strings.Repeat("a/", 500) + "x.csv"}, []string{strings.Repeat("a/", 500) + "x.csv 1 = " + strings.Repeat("a/", 62) + "a"}},
	{"folder marks", []string{"a/", "a/x.csv", "b_$folder$"}, []string{"a/x.csv 1 = a"}},
	{"no data", []string{"a/photo.jpg", "a/README.md", "a/0a1b2c3d4e5f"}, nil},
}

// Bad input: names, not UTF-8.
func TestGrouping(t *testing.T) {
	for _, test := range groupings {
		t.Run(test.name, func(t *testing.T) {
			if diff := gocmp.Diff(test.want, listed(t, lake.Options{}, test.keys...).names()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGroupingAsToldTo(t *testing.T) {
	keys := []string{"r/2024/a-0001.csv", "r/2024/a-0002.csv", "h/k=1/a.csv", "h/k=2/b.csv", "h/k=2/part-0"}
	for _, test := range []struct {
		name    string
		options lake.Options
		want    []string
	}{
		{"hive", lake.Options{Grouping: lake.Hive}, []string{"h 3 by k", "r/2024/a-0001.csv 1", "r/2024/a-0002.csv 1"}},
		{"files", lake.Options{Grouping: lake.Files}, []string{"h/k=1/a.csv 1 = h/k=1", "h/k=2/b.csv 1 = h/k=2", "r/2024/a-0001.csv 1", "r/2024/a-0002.csv 1"}},
		{"named", lake.Options{Datasets: []string{"r", "h/k=*"}}, []string{"h/k=1 1", "h/k=2 2", "r 2 by folders of dates or hashes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := gocmp.Diff(test.want, listed(t, test.options, keys...).names()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A second file of a dataset never gives it another name.
func TestNamesStay(t *testing.T) {
	before := listed(t, lake.Options{}, "x/orders-2024-01-01.csv", "y/part-00000.parquet", "z/k=1/a.parquet")
	after := listed(t, lake.Options{}, "x/orders-2024-01-01.csv", "x/orders-2024-01-02.csv", "x/other.csv", "y/part-00000.parquet", "y/part-00001.parquet", "y/notes.csv", "z/k=1/a.parquet", "z/k=2/b.parquet")
	for name := range before.assets {
		if after.assets[name] == nil {
			t.Errorf("%s has another name when files join it: %q", name, after.names())
		}
	}
}

func TestFoldersOfManyShapes(t *testing.T) {
	var keys []string
	for i := range 3000 {
		word := strings.Map(func(r rune) rune { return 'a' + r - '0' }, fmt.Sprintf("%04d", i))
		keys = append(keys, "in/"+word+".csv")
	}
	m := listed(t, lake.Options{}, keys...)
	if n := len(m.assets); n != 1001 {
		t.Errorf("%d datasets of 3,000 names, and a folder has 1,000 and the rest", n)
	}
	if a := m.assets["in/*.csv"]; a == nil || a.Properties["files"] != "2000" {
		t.Errorf("the rest is %+v", a)
	}
	if notes := m.noted("lake.too_many_shapes"); len(notes) != 1 || notes[0].Sample != "bucket:b: 2000" {
		t.Errorf("notes: %+v", notes)
	}
}

func TestListingsOutOfOrder(t *testing.T) {
	for _, test := range []struct {
		name    string
		ordered bool
		keys    []string
		fails   bool
	}{
		{"in the order of bytes", true, []string{"a.csv", "a/b.csv"}, false},
		{"not in the order of bytes", true, []string{"a/b.csv", "a.csv"}, true},
		{"folder by folder", false, []string{"a/b.csv", "a.csv"}, false},
		{"a folder that comes again", false, []string{"a/b.csv", "b/c.csv", "a/d.csv"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &shelf{pageSize: 1}
			for _, key := range test.keys {
				s.objects = append(s.objects, lake.Object{Key: key, Size: 1})
			}
			scope, m := scopeOf(s), &memory{}
			scope.ByteOrder = test.ordered
			err := lake.Harvest(t.Context(), scope, lake.Options{SkipHeads: true}, m)
			if (err != nil) != test.fails || (len(m.done) == 0) != test.fails {
				t.Errorf("err %v, done %q", err, m.done)
			}
		})
	}
}

func TestListingThatFailsIsNotDone(t *testing.T) {
	good := &shelf{content: map[string]string{"a.csv": "id,name\n1,x\n"}}
	for _, test := range []struct {
		failure error
		code    string // of the note; "" where the run ends
	}{
		{sdk.Unavailable("cut", "try again", nil), "lake.unavailable"},
		{sdk.Denied("the listing is denied", `allow it: {"Action": "s3:ListBucket"}`), "lake.denied"},
		{&sdk.Error{Class: sdk.ClassThrottled, Message: "slow"}, "lake.throttled"},
		{sdk.Auth("the token has expired", "renew it"), ""},
		{errors.New("a mistake of ours"), ""},
	} {
		t.Run(test.failure.Error(), func(t *testing.T) {
			bad := &shelf{content: map[string]string{"a.csv": "id\n1\n", "b.csv": "id\n1\n", "c.csv": "id\n1\n"}, pageSize: 1, failAt: 3, failure: test.failure}
			scopes := []lake.Scope{scopeOf(bad), scopeOf(good)}
			scopes[0].Name, scopes[0].Namespace = "bucket:bad", "s3://bad"
			m := &memory{}
			err := lake.Run(t.Context(), scopes, lake.Options{}, m)
			if test.code == "" {
				if !errors.Is(err, test.failure) || len(m.done) > 0 {
					t.Errorf("err %v, done %q", err, m.done)
				}
				return
			}
			notes := m.noted(test.code)
			if err != nil || !slices.Equal(m.done, []string{"bucket:b"}) || len(notes) != 1 || notes[0].Scope != "bucket:bad" || notes[0].Level != sdk.ErrorLevel {
				t.Errorf("err %v, done %q, notes %+v", err, m.done, m.notes)
			}
			if e, _ := errors.AsType[*sdk.Error](test.failure); !strings.Contains(notes[0].Sample, e.Fix) {
				t.Errorf("the note %q does not say %q", notes[0].Sample, e.Fix)
			}
			if err := lake.Run(t.Context(), scopes[:1], lake.Options{}, &memory{}); !errors.Is(err, test.failure) {
				t.Errorf("alone: %v", err)
			}
		})
	}
}

func TestReadsThatFail(t *testing.T) {
	content := map[string]string{}
	for i := range 100 {
		content[fmt.Sprintf("d%d/x.csv", i)] = "a,b\n1,2\n"
	}
	t.Run("denied", func(t *testing.T) {
		s, m := &shelf{content: content, readErr: sdk.Denied("reading is denied", "allow s3:GetObject"), pageSize: 10}, &memory{}
		err := lake.Harvest(t.Context(), scopeOf(s), lake.Options{}, m)
		notes := m.noted("lake.unreadable")
		if err != nil || len(m.done) != 1 || len(m.assets) != 0 || len(notes) != 100 {
			t.Errorf("err %v, done %q, %d assets, %d notes", err, m.done, len(m.assets), len(notes))
		}
		if s.reads > 30 {
			t.Errorf("%d reads are tried after all were refused", s.reads)
		}
		if notes[0].Asset.Name == "" {
			t.Error("the note names no asset, so the scope could not be done")
		}
	})
	t.Run("an expired token", func(t *testing.T) {
		s, m := &shelf{content: content, readErr: sdk.Auth("expired", "renew"), pageSize: 10}, &memory{}
		err := lake.Run(t.Context(), []lake.Scope{scopeOf(s)}, lake.Options{}, m)
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassAuth || len(m.done) > 0 {
			t.Errorf("err %v, done %q", err, m.done)
		}
	})
	t.Run("gone", func(t *testing.T) {
		s, m := &shelf{objects: []lake.Object{{Key: "a.csv", Size: 3}}}, &memory{}
		if err := lake.Harvest(t.Context(), scopeOf(s), lake.Options{}, m); err != nil || len(m.noted("lake.unreadable")) != 1 {
			t.Errorf("err %v, notes %+v", err, m.notes)
		}
	})
	t.Run("archived", func(t *testing.T) {
		s, m := &shelf{objects: []lake.Object{{Key: "a.csv", Size: 3, Archived: true}}}, &memory{}
		if err := lake.Harvest(t.Context(), scopeOf(s), lake.Options{}, m); err != nil || m.assets["a.csv"].Properties["archived"] != "true" || s.reads > 0 {
			t.Errorf("err %v, %+v", err, m.assets)
		}
	})
}

func TestCancelEndsAHarvest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	content := map[string]string{}
	for i := range 500 {
		content[fmt.Sprintf("d%d/x.csv", i)] = "a,b\n1,2\n"
	}
	m := &memory{onEmit: func() error { cancel(); return ctx.Err() }}
	err := lake.Run(ctx, []lake.Scope{scopeOf(&shelf{content: content, pageSize: 1})}, lake.Options{}, m)
	if !errors.Is(err, context.Canceled) || len(m.done) > 0 {
		t.Errorf("err %v, done %q", err, m.done)
	}
}

func TestPrefixIsAScope(t *testing.T) {
	scope := scopeOf(&shelf{content: map[string]string{"raw/orders/part-0.parquet": "", "raw/ordersX/a.csv": "", "raw/orders/k=1/b.parquet": ""}})
	scope.Prefix, scope.Name = "raw/orders/", "bucket:b/raw/orders"
	m := &memory{}
	if err := lake.Harvest(t.Context(), scope, lake.Options{SkipHeads: true}, m); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]string{"raw/orders 2 by k"}, m.names()); diff != "" || m.assets["raw/orders"].ShortName != "orders" {
		t.Error(diff, m.assets["raw/orders"])
	}
}

func TestSelection(t *testing.T) {
	fields := lake.Fields{Include: "buckets", Exclude: "excludeBuckets", Prefixes: "prefixes"}
	s := lake.Selection{Include: []string{"sales", "raw-*"}, Exclude: []string{"raw-old"}, Prefixes: []string{"lake/a/b", "lake/c/"}, Fields: fields}
	if err := s.Judge(); err != nil {
		t.Fatal(err)
	}
	names, all := s.Named()
	if diff := gocmp.Diff([]string{"lake", "sales"}, names); diff != "" || all {
		t.Error(diff, all)
	}
	for name, want := range map[string]bool{"sales": true, "raw-x": true, "raw-old": false, "other": false, "lake": true} {
		if s.Takes(name) != want {
			t.Errorf("takes %s: %v", name, !want)
		}
	}
	var scopes []string
	for _, scope := range s.Scopes("bucket", "lake", lake.Scope{}) {
		scopes = append(scopes, scope.Name+" "+scope.Prefix)
	}
	if diff := gocmp.Diff([]string{"bucket:lake/a/b a/b/", "bucket:lake/c c/"}, scopes); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []lake.Selection{
		{Include: []string{"a/b"}},
		{Exclude: []string{"[x"}},
		{Prefixes: []string{"lake"}},
		{Prefixes: []string{"/a"}},
		{Prefixes: []string{"lake/a", "lake/a/b"}},
		{Prefixes: []string{"lake/a", "lake/a/"}},
	} {
		bad.Fields = fields
		if e, ok := errors.AsType[*sdk.Error](bad.Judge()); !ok || e.Class != sdk.ClassConfig || e.Field == "" || e.Fix == "" {
			t.Errorf("%+v: %v", bad, e)
		}
	}
}

// TestHolder: datasets lie in their bucket, and the bucket is shown once.
func TestHolder(t *testing.T) {
	s := &shelf{pageSize: 7, objects: []lake.Object{
		{Key: "a/x.csv", Size: 10, Modified: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}, {Key: "b/.hidden", Size: 5}, {Key: "b/y.csv", Size: 20},
	}}
	selection := lake.Selection{Prefixes: []string{"big/a", "big/b"}}
	whole := scopeOf(s)
	whole.Kind, whole.Label = "BUCKET", "b"
	for name, c := range map[string]struct {
		scopes  []lake.Scope
		objects string
	}{
		"a bucket":     {[]lake.Scope{whole}, "3"},
		"parts of one": {selection.Scopes("bucket", "big", scopeOf(s)), ""},
	} {
		m := &memory{}
		if err := lake.Run(t.Context(), c.scopes, lake.Options{SkipHeads: true}, m); err != nil || len(m.double) > 0 {
			t.Fatal(name, err, m.double)
		}
		b := m.assets["/"]
		if b == nil || b.Kind != "BUCKET" || b.ShortName == "" || b.Properties["objects"] != c.objects || (b.Bytes != nil) != (c.objects != "") || b.Bytes != nil && *b.Bytes != 35 {
			t.Errorf("%s: got %+v", name, b)
		}
		if x := m.assets["a/x.csv"]; x.Parent == nil || *x.Parent != b.ID || *x.Bytes != 10 || !x.ChangedAt.Equal(s.objects[0].Modified) {
			t.Errorf("%s: got %+v", name, x)
		}
	}
}

// TestHolderThatIsADataset: files without any folder are the bucket.
func TestHolderThatIsADataset(t *testing.T) {
	s := &shelf{pageSize: 7, objects: []lake.Object{{Key: "day=1/part-0.parquet", Size: 10}, {Key: "other/x.csv", Size: 1}}}
	scope := scopeOf(s)
	scope.Kind, scope.Label = "BUCKET", "b"
	m := &memory{}
	if err := lake.Harvest(t.Context(), scope, lake.Options{SkipHeads: true}, m); err != nil || len(m.double) > 0 {
		t.Fatal(err, m.double)
	}
	root := m.assets["/"]
	if root == nil || root.Kind != "TABLE" || root.Parent != nil || m.assets["other/x.csv"].Parent == nil || *m.assets["other/x.csv"].Parent != root.ID {
		t.Errorf("got %+v and %+v", root, m.assets["other/x.csv"])
	}
}
