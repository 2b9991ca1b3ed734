package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// counted is an engine that counts how often it is read.
type counted struct {
	Engine

	sole   bool
	reads  int
	size   int // of a record
	broken error
	during func() // a commit
}

func (e *counted) Sole() bool { return e.sole }

func (e *counted) Fetch(_ context.Context, kind Kind, ids []model.ID) ([]Record, error) {
	e.reads++
	records := make([]Record, len(ids))
	for i, id := range ids {
		records[i] = Record{Kind: kind, ID: id, Revision: model.Revision(e.reads), Doc: make([]byte, e.size)}
	}
	return records, e.broken
}

func (e *counted) Scan(context.Context, *Plan, *Pager) error {
	e.reads++
	return e.broken
}

func (e *counted) Commit(context.Context, []*Job) error {
	if e.during != nil {
		e.during()
	}
	return nil
}

func (e *counted) Beside(ctx context.Context, _ *Bell) { <-ctx.Done() }

func (e *counted) Close() error { return nil }

func opened(t *testing.T, e *counted) *Front {
	t.Helper()
	f := NewFront(e).Start(t.Context())
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func (e *counted) want(t *testing.T, what string, reads int) {
	t.Helper()
	if e.reads != reads {
		t.Errorf("%s: the engine was read %s, want %d", what, model.Counted(e.reads, "time"), reads)
	}
}

func get(t *testing.T, f *Front, kind Kind, ids ...model.ID) []Record {
	t.Helper()
	records, err := f.Get(t.Context(), kind, ids...)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func write(t *testing.T, f *Front, w Write) {
	t.Helper()
	if _, err := f.Apply(t.Context(), Change{Action: "test.write", Writes: []Write{w}}); err != nil {
		t.Fatal(err)
	}
}

// TestSmallReadsAreKept until something is written into their table.
func TestSmallReadsAreKept(t *testing.T) {
	e := &counted{sole: true, size: 100}
	f := opened(t, e)
	team, asset := Teams.Put(model.Team{Meta: model.Meta{ID: "tea_1"}}), Assets.Put(model.Asset{Meta: model.Meta{ID: "ast_1"}})
	get(t, f, Teams.Kind(), "tea_1")
	get(t, f, Teams.Kind(), "tea_1")[0].ID = "changed by its reader"
	if got := get(t, f, Teams.Kind(), "tea_1"); got[0].ID != "tea_1" {
		t.Errorf("one reader wrote into the answer of the others: %v", got)
	}
	e.want(t, "again and again", 1)
	get(t, f, Teams.Kind(), "tea_1", "tea_2")
	get(t, f, Tokens.Kind(), "tea_1")
	e.want(t, "something else each", 3)
	write(t, f, asset)
	get(t, f, Teams.Kind(), "tea_1")
	e.want(t, "after a change of another table", 3)
	write(t, f, team)
	get(t, f, Teams.Kind(), "tea_1")
	e.want(t, "after a change", 4)
	for range 2 {
		if _, err := f.Find(t.Context(), Query{Kind: Teams.Kind(), Index: "by_name", Where: Eq("domain", "dom_1")}); err != nil {
			t.Fatal(err)
		}
	}
	e.want(t, "a page, twice", 5)
}

// TestEventsAreNotKeptBeyondTheNext: every change writes one, though none names
// their table.
func TestEventsAreNotKeptBeyondTheNext(t *testing.T) {
	e := &counted{sole: true}
	f := opened(t, e)
	get(t, f, Events.Kind(), "evt_1")
	write(t, f, Assets.Put(model.Asset{Meta: model.Meta{ID: "ast_1"}}))
	get(t, f, Events.Kind(), "evt_1")
	e.want(t, "after a change", 2)
}

// TestWhatIsBeingWrittenIsRead: between the beginning of a commit and its end
// nobody can say which of the two states an answer is of.
func TestWhatIsBeingWrittenIsRead(t *testing.T) {
	e := &counted{sole: true}
	f := opened(t, e)
	get(t, f, Teams.Kind(), "tea_1")
	e.during = func() {
		get(t, f, Teams.Kind(), "tea_1")
		get(t, f, Teams.Kind(), "tea_1")
	}
	write(t, f, Teams.Put(model.Team{Meta: model.Meta{ID: "tea_1"}}))
	e.want(t, "in a commit", 3)
}

// TestWhatIsNotKept: large answers, errors, and anything of an engine that
// others write beside us.
func TestWhatIsNotKept(t *testing.T) {
	for what, e := range map[string]*counted{
		"large": {sole: true, size: cachedBytes + 1}, "shared": {size: 1}, "broken": {sole: true, broken: errors.New("the disk is gone")},
	} {
		f := opened(t, e)
		for range 2 {
			_, _ = f.Get(t.Context(), Teams.Kind(), "tea_1")
		}
		e.want(t, what, 2)
	}
	e := &counted{sole: true}
	f := opened(t, e)
	for range 2 {
		get(t, f, Teams.Kind(), make([]model.ID, cachedRecords+1)...)
		get(t, f, Assets.Kind(), "ast_1")
	}
	e.want(t, "many, and what is harvested", 4)
}

// TestEveryQueryHasItsOwnKey compares the keys of queries that look alike.
func TestEveryQueryHasItsOwnKey(t *testing.T) {
	in := func(f Filter) Query { return Query{Kind: "team", Index: "by_name", Where: f} }
	queries := []Query{
		{},
		{Kind: "team"},
		{Index: "team"},
		{Kind: "te", Index: "am"},
		{Kind: "team", After: "x"},
		{Kind: "team", Index: "x"},
		{Desc: true},
		{walk: true},
		{bare: true},
		{Limit: 1},
		{Budget: 1},
		{Limit: 64},
		{Limit: -1},
		{Where: Exists("a")},
		{Only: Exists("a")},
		in(Filter{}), in(Eq("domain", nil)), in(Eq("domain", "1")), in(Eq("domain", 1)), in(Eq("domai", "n1")), in(Eq("domain", "i2")),
		in(In("domain")), in(In("domain", "a", "b")), in(In("domain", "ab")), in(In("domain", "a", nil, "b")), in(In("domain", nil)),
		in(Between("domain", "a", nil)), in(Between("domain", nil, "a")), in(HasPrefix("domain", "a")), in(Exists("domain")),
		in(And(Exists("a"), Exists("b"))), in(Or(Exists("a"), Exists("b"))), in(And(Exists("a"))), in(And(And(Exists("a")), Exists("b"))),
		in(And(And(Exists("a"), Exists("b")))), in(Not(Exists("a"))), in(Not(Not(Exists("a")))),
	}
	seen := map[string]int{}
	for i, q := range queries {
		key, ok := writeQuery(nil, q)
		if !ok {
			t.Fatalf("query %d has no key", i)
		}
		if other, taken := seen[string(key)]; taken {
			t.Errorf("queries %d and %d have one key", other, i)
		}
		seen[string(key)] = i
	}
	moment := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	for what, same := range map[string][2]Filter{
		"a named text": {Eq("domain", model.ID("d")), Eq("domain", "d")}, "a moment": {Eq("at", moment), Eq("at", moment.UnixMilli())}, "no text": {Eq("domain", ""), Eq("domain", nil)},
	} {
		a, _ := writeQuery(nil, in(same[0]))
		b, _ := writeQuery(nil, in(same[1]))
		if string(a) != string(b) {
			t.Errorf("%s has two keys", what)
		}
	}
	if _, ok := writeQuery(nil, in(In("domain", 1.5))); ok {
		t.Error("a value that no path has got a key")
	}
}
