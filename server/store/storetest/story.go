package storetest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// The kinds that the cases write raw records of, and what they need of each.
const (
	asset     store.Kind = "asset"        // by_name is an order, by_scope is Multi
	principal store.Kind = "principal"    // by_name is unique
	product   store.Kind = "data_product" // by_domain is unique over two paths
	run       store.Kind = "run"          // started is a number
)

// record makes a raw record whose document repeats its keys.
func record(kind store.Kind, id string, revision model.Revision, k store.Keys) store.Record {
	doc, _ := json.Marshal(map[string]any{"id": id, "was": revision, "keys": k}) // plain data
	return store.Record{Kind: kind, ID: model.ID(id), Revision: revision, Doc: doc, Keys: k}
}

func create(kind store.Kind, id string, k store.Keys) store.Write {
	return store.Write{Record: record(kind, id, 0, k)}
}

func update(kind store.Kind, id string, revision model.Revision, k store.Keys) store.Write {
	return store.Write{Record: record(kind, id, revision, k)}
}

func remove(kind store.Kind, id string, revision model.Revision) store.Write {
	return store.Write{Record: store.Record{Kind: kind, ID: model.ID(id), Revision: revision}, Delete: true}
}

// keys makes keys of path, value, path, value.
func keys(pairs ...any) store.Keys {
	k := store.Keys{}
	for i := 0; i < len(pairs); i += 2 {
		path := store.Path(pairs[i].(string))
		k[path] = append(k[path], pairs[i+1])
	}
	return k
}

func change(writes ...store.Write) store.Change {
	return store.Change{Actor: "prn_test", Action: "test.write", Writes: writes}
}

// apply makes a change that must succeed.
func apply(t *testing.T, s store.Store, writes ...store.Write) model.Event {
	t.Helper()
	e, err := s.Apply(t.Context(), change(writes...))
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return e
}

// refused makes a change that must fail with the kind, and gives its error.
func refused(t *testing.T, s store.Store, kind model.ErrorKind, writes ...store.Write) error {
	t.Helper()
	e, err := s.Apply(t.Context(), change(writes...))
	wantKind(t, err, kind)
	if e.ID != "" {
		t.Errorf("a refused change gave the event %+v", e)
	}
	return err
}

func wantKind(t *testing.T, err error, kind model.ErrorKind) {
	t.Helper()
	if !model.Is(err, kind) {
		t.Fatalf("got error %v, want kind %s", err, kind)
	}
}

// wantWords demands that the error is for people: it says all the words.
func wantWords(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not name %q", err, w)
		}
	}
}

// wantCode wants the finer code, by which services tell a lost race.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if !model.HasCode(err, code) {
		t.Errorf("the error %q has not the code %s", err, code)
	}
}

func find(t *testing.T, s store.Store, q store.Query) store.Page {
	t.Helper()
	page, err := s.Find(t.Context(), q)
	if err != nil {
		t.Fatalf("find %+v: %v", q, err)
	}
	if len(page.Cursors) != len(page.Records) {
		t.Fatalf("find %+v: %d records and %d cursors", q, len(page.Records), len(page.Cursors))
	}
	return page
}

// longestWalk is more records than any case writes.
const longestWalk = 5000

// walk reads every page of a query and gives the ids.
func walk(t *testing.T, s store.Store, q store.Query) []string {
	t.Helper()
	var all []string
	for {
		page := find(t, s, q)
		all = append(all, ids(page.Records)...)
		if !page.More {
			return all
		}
		if q.Limit > 0 && len(page.Records) != q.Limit {
			t.Fatalf("a page of %d records says that there are more", len(page.Records))
		}
		if len(all) > longestWalk {
			t.Fatalf("the pages of %+v never end", q)
		}
		q.After = page.Cursors[len(page.Cursors)-1]
	}
}

func ids(records []store.Record) []string {
	list := make([]string, len(records))
	for i, r := range records {
		list[i] = string(r.ID)
	}
	return list
}

func wantIDs(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(slices.Concat([]string{}, want), slices.Concat([]string{}, got)); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

func get(t *testing.T, s store.Store, kind store.Kind, wanted ...model.ID) []store.Record {
	t.Helper()
	records, err := s.Get(t.Context(), kind, wanted...)
	if err != nil {
		t.Fatalf("get %v: %v", wanted, err)
	}
	return records
}

func wantRevision(t *testing.T, s store.Store, kind store.Kind, id model.ID, want model.Revision) {
	t.Helper()
	var got model.Revision
	if records := get(t, s, kind, id); len(records) == 1 {
		got = records[0].Revision
	}
	if got != want {
		t.Errorf("%s is at revision %d, want %d", id, got, want)
	}
}

// lastSeq gives the number of the newest event, 0 when there is none.
func lastSeq(t *testing.T, s store.Store) int64 {
	t.Helper()
	page, err := store.Events.Find(t.Context(), s, store.Query{Index: "by_seq", Desc: true, Limit: 1})
	if err != nil {
		t.Fatalf("read events: %v", err)
	}
	if len(page.Nodes) == 0 {
		return 0
	}
	return page.Nodes[0].Seq
}
