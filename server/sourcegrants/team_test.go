package sourcegrants_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store"
)

// team makes one of marketing, whose members read by dan's role in the database.
func (w *world) team(members ...string) model.Team {
	w.Helper()
	team, err := w.Mesh.CreateTeam(w.System(), mesh.NewTeam{Name: "buyers", DomainID: w.Domains["marketing"].ID})
	w.Must(err)
	for _, name := range members {
		w.joins(name, team.ID)
	}
	_, err = w.grants.SetRole(w.As("ana"), sourcegrants.NewRole{SourceID: w.source.ID, TeamID: team.ID, Role: w.role})
	w.Must(err)
	return team
}

// joins has somebody be in these teams and in no other.
func (w *world) joins(name string, teams ...model.ID) {
	w.Helper()
	_, err := w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.People[name].ID, TeamIDs: &teams})
	w.Must(err)
	w.grants.Hear(store.Principals.Kind(), w.People[name].ID)
}

// ofTeam is what the team has in the source.
func (w *world) ofTeam(team model.ID) []model.SourceGrant {
	w.Helper()
	page, err := store.SourceGrants.Find(w.Context(), w.Store, store.Query{Index: "by_team", Where: store.Eq("team", string(team))})
	w.Must(err)
	return page.Nodes
}

// granted lets somebody ask, and ana say yes.
func (w *world) granted(name string) model.Grant {
	w.Helper()
	r, err := w.As(name).Request(w.product).ApprovedBy("ana").Result()
	w.Must(err)
	g, err := store.Grants.Get(w.Context(), w.Store, r.GrantID)
	w.Must(err)
	w.grants.Hear(store.Grants.Kind(), g.ID)
	return g
}

// TestATeamReadsWhatAllMayRead and nothing that one of its members may not.
func TestATeamReadsWhatAllMayRead(t *testing.T) {
	w := newWorld(t, nil)
	team := w.team("dan", "bo")
	w.granted("dan")
	w.tend()
	const read = "select id, email from app.orders"
	if len(w.ofTeam(team.ID)) != 0 || w.may(read) {
		t.Fatalf("the team has what only dan was granted: %+v", w.ofTeam(team.ID))
	}
	g := w.granted("bo")
	round := func(want bool, what string) {
		t.Helper()
		w.Must(w.grants.Tend(w.System())) // by the news alone
		if w.may(read) != want {
			t.Errorf("%s: the team reads: %t; %+v", what, !want, w.ofTeam(team.ID))
		}
	}
	round(true, "all were granted it")
	if rows := w.ofTeam(team.ID); len(rows) != 1 || rows[0].State != model.SourceGrantApplied || rows[0].ProductID != w.product.ID || rows[0].DecisionID == "" {
		t.Errorf("got %+v", rows)
	}
	w.joins("ana", team.ID)
	round(false, "ana has come, who was not")
	w.joins("ana")
	round(true, "she has left")
	suspend := func(yes bool) {
		_, err := w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.People["bo"].ID, Suspended: &yes})
		w.Must(err)
		w.grants.Hear(store.Principals.Kind(), w.People["bo"].ID)
	}
	suspend(true)
	round(false, "bo is suspended")
	suspend(false)
	round(true, "he is back")
	_, err := w.Access.Revoke(w.As("ana"), g.ID, "over")
	w.Must(err)
	w.grants.Hear(store.Grants.Kind(), g.ID)
	round(false, "his grant is over")
	w.joins("bo")
	round(true, "he has left")
	w.joins("dan")
	round(false, "nobody is left")
}

// TestATeamReadsUnderTheDutiesOfAll its members together, by one view.
func TestATeamReadsUnderTheDutiesOfAll(t *testing.T) {
	w := newWorld(t, map[string]string{"domains/sales/mask.rego": open4all + `
obligations contains {"id": "sales.mask", "type": "mask", "params": {"field": "email", "with": "null"}} if {
	input.action.name == "data.read"
	input.subject.name == "bo"
}

obligations contains {"id": "sales.few", "type": "mask", "params": {"field": "email", "with": "partial"}} if {
	input.action.name == "data.read"
	input.subject.name == "dan"
}

obligations contains {"id": "sales.rows", "type": "row_filter", "params": {"field": "orders.id", "op": "eq", "value": "1"}} if {
	input.action.name == "data.read"
}
`})
	team := w.team("dan", "bo")
	w.granted("dan")
	w.granted("bo")
	w.tend()
	rows := w.ofTeam(team.ID)
	if len(rows) != 1 || rows[0].State != model.SourceGrantApplied {
		t.Fatalf("got %+v", rows)
	}
	right := rows[0].Given
	if right.Masks["email"] != "null" || !slices.Equal(right.Fields, []string{"id"}) || len(right.Filters) != 1 {
		t.Errorf("the duties of both are not all kept: %+v", right)
	}
	view := strings.TrimPrefix(rows[0].Reads, right.Name[:strings.Index(right.Name, ".")+1])
	if !w.may("select id, email from "+view) || w.may("select id from app.orders") {
		t.Error("the team does not read the view alone")
	}
}

// TestTeamsAreNamedLikePeople and share no role with them.
func TestTeamsAreNamedLikePeople(t *testing.T) {
	w := newWorld(t, nil)
	team := w.team("dan")
	for name, tt := range map[string]struct {
		field string
		kind  model.ErrorKind
		n     sourcegrants.NewRole
	}{
		"both":     {"principalId", model.KindInvalid, sourcegrants.NewRole{PrincipalID: w.People["dan"].ID, TeamID: team.ID, Role: "r"}},
		"neither":  {"principalId", model.KindInvalid, sourcegrants.NewRole{Role: "r"}},
		"nobody":   {"teamId", model.KindInvalid, sourcegrants.NewRole{TeamID: model.NewID(model.PrefixTeam), Role: "r"}},
		"a shared": {"role", model.KindConflict, sourcegrants.NewRole{PrincipalID: w.People["dan"].ID, Role: w.role}},
	} {
		tt.n.SourceID = w.source.ID
		_, err := w.grants.SetRole(w.As("ana"), tt.n)
		t.Run(name, func(t *testing.T) { servertest.WantField(t, err, tt.kind, tt.field) })
	}
	again, err := w.grants.SetRole(w.As("ana"), sourcegrants.NewRole{SourceID: w.source.ID, TeamID: team.ID, Role: "another"})
	if err != nil || again.Revision != 2 {
		t.Errorf("the team has two roles: %+v, %v", again, err)
	}
	w.Turn(time.Minute)
}
