package gate_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// TestSessionSeesItsOwnChange holds what a session knows to one moment: what
// others change it does not see, and after a change of its own it sees both.
func TestSessionSeesItsOwnChange(t *testing.T) {
	w := newWorld(t)
	sales := domain("sales")
	w.put(store.Domains.Put(sales))
	ctx := w.as(w.ana)
	in := w.Session()
	held := func(when string, want ...string) {
		t.Helper()
		res, err := w.Domain(ctx, sales)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := in.Ask(ctx, model.ActDomainAdmin, res, gate.Extra{})
		if err != nil {
			t.Fatal(err)
		}
		if got := codes(answer.Decision); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", when, got, want)
		}
	}
	held("at first", "no.rule")
	sales.Revision, sales.StewardIDs = 1, []model.ID{w.ana.ID}
	w.put(store.Domains.Put(sales))
	held("after another's change", "no.rule")
	if _, err := w.store.Apply(ctx, in.Change(ctx, "test", sales.ID, "", gate.Answer{}, store.Teams.Put(model.Team{Meta: model.Meta{ID: "tea_1"}, Name: "shop", DomainID: sales.ID}))); err != nil {
		t.Fatal(err)
	}
	held("after its own", "role.domain_steward")
}
