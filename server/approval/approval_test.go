package approval_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/approval"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

var (
	ofSales    = model.Approval{Role: "domain_steward", Domain: "sales", Min: 1}
	ofPlatform = model.Approval{Role: "platform_steward", Min: 1}
)

// world is a store with domains, their stewards, and people.
type world struct {
	*testing.T
	store store.Store
}

func newWorld(t *testing.T) world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return world{t, db}
}

func (w world) put(writes ...store.Write) {
	w.Helper()
	if _, err := w.store.Apply(w.Context(), store.Change{Action: "test", Writes: writes}); err != nil {
		w.Fatal(err)
	}
}

func (w world) domain(name string, stewards ...model.ID) {
	w.Helper()
	w.put(store.Domains.Put(model.Domain{Meta: model.Meta{ID: model.ID("dom_" + name)}, Name: model.Slug(name), StewardIDs: stewards}))
}

func (w world) person(id string, roles ...model.Role) {
	w.Helper()
	w.put(store.Principals.Put(model.Principal{Meta: model.Meta{ID: model.ID(id)}, Kind: model.Person, Name: id, Roles: roles}))
}

func (w world) tally(m approval.Matter) approval.Tally {
	w.Helper()
	tally, err := approval.New(w.store).Tally(w.Context(), m)
	if err != nil {
		w.Fatal(err)
	}
	return tally
}

func yes(who model.ID, a model.Approval) model.Vote {
	return model.Vote{ApproverID: who, Role: a.Role, Domain: a.Domain, Approve: true}
}

func (w world) wantMissing(tally approval.Tally, want ...model.Approval) {
	w.Helper()
	if !slices.Equal(tally.Missing, want) {
		w.Errorf("got %v missing, want %v", tally.Missing, want)
	}
}

func TestOnlyPersonsInTheRoleCount(t *testing.T) {
	w := newWorld(t)
	w.person("ana")
	w.person("cy", model.RoleSteward)
	w.put(store.Principals.Put(model.Principal{Meta: model.Meta{ID: "gone"}, Kind: model.Person, Name: "gone", Suspended: true}))
	w.put(store.Principals.Put(model.Principal{Meta: model.Meta{ID: "bot"}, Kind: model.Service, Name: "bot", Roles: []model.Role{model.RoleSteward}}))
	w.domain("sales", "ana", "bot", "gone")
	for who, counts := range map[model.ID]bool{"ana": true, "bot": false, "gone": false, "cy": false, "nobody": false} {
		tally := w.tally(approval.Matter{Approvals: []model.Approval{ofSales}, Votes: []model.Vote{yes(who, ofSales)}})
		if got := len(tally.Missing) == 0; got != counts {
			t.Errorf("the vote of %s counts: %v, want %v", who, got, counts)
		}
	}
	tally := w.tally(approval.Matter{Approvals: []model.Approval{ofPlatform}, Votes: []model.Vote{yes("bot", ofPlatform)}})
	w.wantMissing(tally, ofPlatform)
	if got := tally.Wanted[0].VoterIDs; !slices.Equal(got, []model.ID{"cy"}) {
		t.Errorf("got %v who could vote, want cy", got)
	}
}

func TestWhoAskedNeverVotes(t *testing.T) {
	w := newWorld(t)
	w.person("ana")
	w.person("eve")
	w.domain("sales", "ana", "eve")
	m := approval.Matter{Approvals: []model.Approval{ofSales}, Votes: []model.Vote{yes("ana", ofSales)}, Excluded: []model.ID{"ana"}}
	tally := w.tally(m)
	w.wantMissing(tally, ofSales)
	if _, err := tally.Allow("ana"); !model.Is(err, model.KindDenied) {
		t.Errorf("ana votes: got %v, want a refusal", err)
	}
	if open, err := tally.Allow("eve"); err != nil || len(open) != 1 {
		t.Errorf("eve votes: got %v, %v, want one approval", open, err)
	}
}

func TestTwoWantedVotesAreTwoPeoples(t *testing.T) {
	w := newWorld(t)
	w.person("ana", model.RoleSteward)
	w.person("cy", model.RoleSteward)
	w.domain("sales", "ana")
	m := approval.Matter{Approvals: []model.Approval{ofSales, ofPlatform}, Votes: []model.Vote{yes("ana", ofSales), yes("ana", ofPlatform)}}
	tally := w.tally(m)
	w.wantMissing(tally, ofPlatform)
	if got := tally.Wanted[0].VoterIDs; !slices.Equal(got, []model.ID{"cy"}) {
		t.Errorf("got %v who could vote, want cy: ana has", got)
	}
	m.Votes = append(m.Votes, yes("cy", ofPlatform))
	w.wantMissing(w.tally(m))
}

// A domain whose own stewards cannot speak is not lost: the platform's stand in.
func TestPlatformStewardsStandIn(t *testing.T) {
	w := newWorld(t)
	w.person("ana")
	w.person("cy", model.RoleSteward)
	w.domain("sales", "ana")
	w.domain("empty")
	none := model.Approval{Role: "domain_steward", Domain: "empty", Min: 1}
	two := model.Approval{Role: "domain_steward", Domain: "sales", Min: 2}
	for name, c := range map[string]struct {
		m    approval.Matter
		want []model.ID
	}{
		"a domain of no steward":           {approval.Matter{Approvals: []model.Approval{none}}, []model.ID{"cy"}},
		"the only steward asks themselves": {approval.Matter{Approvals: []model.Approval{ofSales}, Excluded: []model.ID{"ana"}}, []model.ID{"cy"}},
		"two wanted of one":                {approval.Matter{Approvals: []model.Approval{two}}, []model.ID{"ana", "cy"}},
		"one wanted of one":                {approval.Matter{Approvals: []model.Approval{ofSales}}, []model.ID{"ana"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := w.tally(c.m).Wanted[0].VoterIDs; !slices.Equal(got, c.want) {
				t.Errorf("got %v who could vote, want %v", got, c.want)
			}
		})
	}
}

func TestSaysWhatToDoWhenNobodyCan(t *testing.T) {
	w := newWorld(t)
	w.person("ana", model.RoleAdmin)
	w.domain("sales", "ana")
	for role, word := range map[model.ApproverRole]string{"platform_steward": "the role STEWARD", "product_owner": "another person as the owner", "ceo": "mend them"} {
		tally := w.tally(approval.Matter{Approvals: []model.Approval{{Role: role, Min: 1}}})
		if got := tally.Say(); len(tally.Wanted[0].VoterIDs) != 0 || !strings.Contains(got, "is missing. Nobody can vote now: ") || !strings.Contains(got, word) {
			t.Errorf("%s: got %q for %v, want it to say what to do", role, got, tally.Wanted[0].VoterIDs)
		}
	}
	if got := w.tally(approval.Matter{Approvals: []model.Approval{ofSales}}).Say(); got != "A steward of sales is missing." {
		t.Errorf("got %q", got)
	}
}

func TestManyMattersAtOnce(t *testing.T) {
	w := newWorld(t)
	w.person("ana")
	w.person("bo")
	w.domain("sales", "ana")
	w.domain("marketing", "bo")
	matters := make([]approval.Matter, 300)
	for i := range matters {
		matters[i] = approval.Matter{Approvals: []model.Approval{{Role: "domain_steward", Min: 1}}, Domain: "sales", Votes: []model.Vote{yes("ana", model.Approval{Role: "domain_steward"})}}
		if i%2 == 1 {
			matters[i].Domain = "marketing"
		}
	}
	tallies, err := approval.New(w.store).Tallies(t.Context(), matters)
	if err != nil {
		t.Fatal(err)
	}
	for i, tally := range tallies {
		if got := len(tally.Missing); got != i%2 {
			t.Fatalf("matter %d: got %d missing, want %d", i, got, i%2)
		}
	}
}
