package killtest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Ledger is what the events of a store say that it must hold.
type Ledger struct {
	Acknowledged int // changes whose writer got an answer
	Events       int64

	records map[model.ID]state
}

// state is one record: how often it was written, and by which request last.
type state struct {
	Revision model.Revision
	Request  string
}

// NewLedger begins with an empty store.
func NewLedger() *Ledger { return &Ledger{records: map[model.ID]state{}} }

// String counts what was seen.
func (l *Ledger) String() string {
	return fmt.Sprintf("%d changes acknowledged, %d in the store, %d records left", l.Acknowledged, l.Events, len(l.records))
}

// Verify reads the events since the last time and demands that their numbers
// are dense, that every acknowledged request is among them, and that the
// records are exactly those that the events tell of.
func (l *Ledger) Verify(t *testing.T, s store.Store, acknowledged []string) {
	t.Helper()
	var told []string
	for e, err := range store.Events.All(t.Context(), s, store.Query{Index: "by_seq", Where: store.Between("seq", l.Events+1, nil), Limit: store.MaxPage}) {
		if err != nil {
			t.Fatal(err)
		}
		if l.Events++; e.Seq != l.Events {
			t.Fatalf("event %d where %d should be", e.Seq, l.Events)
		}
		told = append(told, e.RequestID)
		l.enter(t, e)
	}
	slices.Sort(told)
	for _, request := range acknowledged {
		if _, found := slices.BinarySearch(told, request); !found {
			t.Errorf("%s was acknowledged and is lost", request)
		}
	}
	if diff := cmp.Diff(l.records, stored(t, s)); diff != "" {
		t.Errorf("events (-) and records (+) differ:\n%s", diff)
	}
}

func (l *Ledger) enter(t *testing.T, e model.Event) {
	t.Helper()
	if len(e.Touched) != 2 {
		t.Fatalf("event %d touches %d records, want 2", e.Seq, len(e.Touched))
	}
	for _, touch := range e.Touched {
		if touch.Deleted {
			delete(l.records, touch.ID)
			continue
		}
		l.records[touch.ID] = state{Revision: touch.Revision, Request: e.RequestID}
	}
}

// stored reads every record that the writers may have left.
func stored(t *testing.T, s store.Store) map[model.ID]state {
	t.Helper()
	records := map[model.ID]state{}
	enter := func(head model.Meta, name model.Slug, err error) {
		if err != nil {
			t.Fatal(err)
		}
		records[head.ID] = state{Revision: head.Revision, Request: "req_" + string(name)}
	}
	for d, err := range store.Domains.All(t.Context(), s, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		enter(d.Meta, d.Name, err)
	}
	for team, err := range store.Teams.All(t.Context(), s, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		enter(team.Meta, team.Name, err)
	}
	return records
}
