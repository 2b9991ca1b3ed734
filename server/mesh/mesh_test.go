package mesh_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

var marketplace = servertest.Company{
	Domains: []string{"sales", "marketing"},
	People: []servertest.Person{
		{Name: "ana", Domain: "sales", Steward: true},
		{Name: "eve", Domain: "sales"},
		{Name: "bo", Domain: "marketing", Steward: true},
		{Name: "root", Roles: []model.Role{model.RoleAdmin}},
	},
}

// world is a company under the policies that Souk ships. Ana is steward of
// sales and bo of marketing, eve works in sales, and root runs the platform.
type world struct {
	*servertest.World
	*mesh.Service

	sales     model.Domain
	marketing model.Domain
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return under(t, nil)
}

// under makes the company under rules of the test's own.
func under(t *testing.T, engine *policy.Engine) *world {
	t.Helper()
	c := marketplace
	c.Open, c.Engine = open, engine
	w := &world{World: servertest.New(t, c)}
	w.Service, w.sales, w.marketing = w.Mesh, w.World.Domains["sales"], w.World.Domains["marketing"]
	return w
}

func (w *world) domain(name string, parent model.ID) model.Domain {
	w.Helper()
	d, err := w.CreateDomain(w.System(), mesh.NewDomain{Name: model.Slug(name), ParentID: parent})
	w.Must(err)
	w.World.Domains[name] = d
	return d
}

func (w *world) steward(d model.Domain, person string) model.Domain {
	w.Helper()
	d, err := w.UpdateDomain(w.System(), mesh.DomainEdit{ID: d.ID, StewardIDs: &[]model.ID{w.People[person].ID}})
	w.Must(err)
	return d
}

// asset puts an asset of the domain into the catalogue, as a harvest would.
func (w *world) asset(d model.Domain, name string) model.ID {
	w.Helper()
	return w.Asset(string(d.Name), name).ID
}

func (w *world) product(name string, ports ...model.Port) model.DataProduct {
	w.Helper()
	p, err := w.CreateProduct(w.As("ana"), mesh.NewProduct{Name: model.Slug(name), DomainID: w.sales.ID, Description: "What it says.", Ports: ports})
	w.Must(err)
	return p
}

func output(name string, assets ...model.ID) model.Port {
	return model.Port{Name: model.Slug(name), Direction: model.OutputPort, AssetIDs: assets}
}

func wantReason(t *testing.T, err error, code string) {
	t.Helper()
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Denial == nil || e.Denial.Reasons[0].Code != code {
		t.Fatalf("got error %v, want a refusal for %s", err, code)
	}
}

func TestDomains(t *testing.T) {
	w := newWorld(t)
	d, err := w.CreateDomain(w.As("root"), mesh.NewDomain{Name: "customer_care", Description: "Calls.", ParentID: w.sales.ID, StewardIDs: []model.ID{w.People["eve"].ID}})
	if err != nil {
		t.Fatal(err)
	}
	if d.DisplayName != "Customer care" || d.ParentID != w.sales.ID || !d.HasSteward(w.People["eve"].ID) {
		t.Errorf("got %+v", d)
	}
	if e := w.Last(); e.Action != "domain.create" || e.SubjectID != d.ID || e.ActorID != w.People["root"].ID || e.DecisionID == "" {
		t.Errorf("got event %+v", e)
	}
	title := "Care"
	d, err = w.UpdateDomain(w.As("eve"), mesh.DomainEdit{ID: d.ID, DisplayName: &title, ExpectedRevision: &d.Revision})
	if err != nil || d.DisplayName != "Care" || d.Description != "Calls." {
		t.Errorf("got %+v, %v, want a new title and the rest as it was", d, err)
	}
	stale := model.Revision(1)
	_, err = w.UpdateDomain(w.As("eve"), mesh.DomainEdit{ID: d.ID, DisplayName: &title, ExpectedRevision: &stale})
	servertest.WantField(t, err, model.KindConflict, "expectedVersion")
	_, err = w.UpdateDomain(w.As("bo"), mesh.DomainEdit{ID: d.ID, DisplayName: &title})
	wantReason(t, err, "admin.reserved")
	_, err = w.CreateDomain(w.As("ana"), mesh.NewDomain{Name: "more_sales"})
	wantReason(t, err, "admin.reserved")
	byName, err := w.DomainByName(w.As("bo"), "customer_care")
	if err != nil || byName.ID != d.ID {
		t.Errorf("got %v, %v by name", byName, err)
	}
}

func TestDomainLists(t *testing.T) {
	w := newWorld(t)
	care := w.domain("care", w.sales.ID)
	w.domain("calls", care.ID)
	top := model.ID("")
	for name, c := range map[string]struct {
		f    mesh.DomainFilter
		want []model.Slug
	}{
		"all":   {mesh.DomainFilter{}, []model.Slug{"calls", "care", "marketing", "sales"}},
		"top":   {mesh.DomainFilter{ParentID: &top}, []model.Slug{"marketing", "sales"}},
		"below": {mesh.DomainFilter{ParentID: &w.sales.ID}, []model.Slug{"care"}},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := w.Service.Domains(w.As("bo"), c.f, model.Paging{First: 10})
			if err != nil {
				t.Fatal(err)
			}
			var got []model.Slug
			for _, d := range page.Nodes {
				got = append(got, d.Name)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	some, err := w.DomainsByID(w.As("bo"), care.ID, "dom_none", w.sales.ID)
	if err != nil || len(some) != 2 || some[0].ID != care.ID {
		t.Errorf("got %v, %v by id", some, err)
	}
}

func TestDomainsFormATree(t *testing.T) {
	w := newWorld(t)
	care := w.domain("care", w.sales.ID)
	calls := w.domain("calls", care.ID)
	for _, parent := range []model.ID{w.sales.ID, care.ID, calls.ID} {
		_, err := w.UpdateDomain(w.As("root"), mesh.DomainEdit{ID: w.sales.ID, ParentID: &parent})
		servertest.WantField(t, err, model.KindInvalid, "parentId")
	}
	// Whoever moves a domain runs both ends.
	_, err := w.UpdateDomain(w.As("ana"), mesh.DomainEdit{ID: w.sales.ID, ParentID: &w.marketing.ID})
	wantReason(t, err, "admin.reserved")
	if _, err := w.UpdateDomain(w.As("root"), mesh.DomainEdit{ID: w.sales.ID, ParentID: &w.marketing.ID}); err != nil {
		t.Fatal(err)
	}
	none := model.ID("")
	if d, err := w.UpdateDomain(w.As("ana"), mesh.DomainEdit{ID: w.sales.ID, ParentID: &none}); err != nil || d.ParentID != "" {
		t.Errorf("got %+v, %v, want sales at the top again", d, err)
	}
	up := calls
	for i := range mesh.MaxDepth {
		d, err := w.CreateDomain(w.As("root"), mesh.NewDomain{Name: model.Slug(fmt.Sprintf("deep_%d", i)), ParentID: up.ID})
		if err != nil {
			servertest.WantField(t, err, model.KindInvalid, "parentId")
			return
		}
		up = d
	}
	t.Errorf("%d domains lie above one another", mesh.MaxDepth+3)
}

// meeting is a store in which two moves of domains are written only once both
// have read what they build on.
type meeting struct {
	store.Store
	both sync.WaitGroup
	on   bool
}

func (m *meeting) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	if m.on {
		m.both.Done()
		m.both.Wait()
	}
	return m.Store.Apply(ctx, c)
}

func TestMovesAtOnceMakeNoRing(t *testing.T) {
	w := newWorld(t)
	m := &meeting{Store: w.Store}
	w.Service = mesh.New(m, w.Gate, w.Now, slog.New(slog.DiscardHandler))
	// a over a1, b over b1: moving a below b1 and b below a1 makes a ring of four.
	a, b := w.domain("a_top", ""), w.domain("b_top", "")
	a1, b1 := w.domain("a_below", a.ID), w.domain("b_below", b.ID)
	m.on = true
	m.both.Add(2)
	errs := make(chan error, 2)
	for id, parent := range map[model.ID]model.ID{a.ID: b1.ID, b.ID: a1.ID} {
		go func() {
			_, err := w.UpdateDomain(w.As("root"), mesh.DomainEdit{ID: id, ParentID: &parent})
			errs <- err
		}()
	}
	first, second := <-errs, <-errs
	if first == nil {
		first, second = second, first
	}
	if !model.Is(first, model.KindConflict) || second != nil {
		t.Errorf("got %v and %v, want one move and one conflict", first, second)
	}
}

func TestBadDomains(t *testing.T) {
	w := newWorld(t)
	huge := strings.Repeat("x", 1<<20)
	before := w.Last()
	for name, c := range map[string]struct {
		n     mesh.NewDomain
		kind  model.ErrorKind
		field string
	}{
		"no name":         {mesh.NewDomain{}, model.KindInvalid, "name"},
		"huge name":       {mesh.NewDomain{Name: model.Slug(huge)}, model.KindInvalid, "name"},
		"capital name":    {mesh.NewDomain{Name: "Sales"}, model.KindInvalid, "name"},
		"taken name":      {mesh.NewDomain{Name: "sales"}, model.KindConflict, "name"},
		"huge title":      {mesh.NewDomain{Name: "care", DisplayName: huge}, model.KindInvalid, "displayName"},
		"blank title":     {mesh.NewDomain{Name: "care", DisplayName: " "}, model.KindInvalid, "displayName"},
		"huge text":       {mesh.NewDomain{Name: "care", Description: huge}, model.KindInvalid, "description"},
		"broken text":     {mesh.NewDomain{Name: "care", Description: "\xff"}, model.KindInvalid, "description"},
		"unknown parent":  {mesh.NewDomain{Name: "care", ParentID: "dom_1"}, model.KindInvalid, "parentId"},
		"unknown steward": {mesh.NewDomain{Name: "care", StewardIDs: []model.ID{"prn_1"}}, model.KindInvalid, "stewardIds"},
		"steward twice":   {mesh.NewDomain{Name: "care", StewardIDs: []model.ID{w.People["ana"].ID, w.People["ana"].ID}}, model.KindInvalid, "stewardIds"},
		"many stewards":   {mesh.NewDomain{Name: "care", StewardIDs: make([]model.ID, 51)}, model.KindInvalid, "stewardIds"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.CreateDomain(w.As("root"), c.n)
			servertest.WantField(t, err, c.kind, c.field)
		})
	}
	_, err := w.Service.Domain(w.As("root"), model.ID(huge))
	servertest.WantField(t, err, model.KindNotFound, "")
	_, err = w.DomainByName(w.As("root"), model.Slug(huge))
	servertest.WantField(t, err, model.KindNotFound, "")
	_, err = w.Service.Domains(w.As("root"), mesh.DomainFilter{}, model.Paging{First: 10, After: "nonsense"})
	servertest.WantField(t, err, model.KindBadCursor, "after")
	if after := w.Last(); after.Seq != before.Seq {
		t.Errorf("bad input left the event %s behind", after.Action)
	}
}

func TestTeams(t *testing.T) {
	w := newWorld(t)
	team, err := w.CreateTeam(w.As("ana"), mesh.NewTeam{Name: "order_flow", DomainID: w.sales.ID})
	if err != nil || team.DisplayName != "Order flow" {
		t.Fatalf("got %+v, %v", team, err)
	}
	if _, err := w.CreateTeam(w.As("bo"), mesh.NewTeam{Name: "order_flow", DomainID: w.marketing.ID}); err != nil {
		t.Errorf("the same name in another domain: %v", err)
	}
	_, err = w.CreateTeam(w.As("ana"), mesh.NewTeam{Name: "order_flow", DomainID: w.sales.ID})
	servertest.WantField(t, err, model.KindConflict, "name")
	_, err = w.CreateTeam(w.As("eve"), mesh.NewTeam{Name: "other", DomainID: w.sales.ID})
	wantReason(t, err, "admin.reserved")
	_, err = w.CreateTeam(w.As("ana"), mesh.NewTeam{Name: "other", DomainID: "dom_1"})
	servertest.WantField(t, err, model.KindInvalid, "domainId")
	_, err = w.CreateTeam(w.As("ana"), mesh.NewTeam{Name: "x", DomainID: w.sales.ID})
	servertest.WantField(t, err, model.KindInvalid, "name")
	page, err := w.Teams(w.As("bo"), w.sales.ID, model.Paging{First: 10})
	if err != nil || len(page.Nodes) != 1 || page.Nodes[0].ID != team.ID {
		t.Errorf("got %v, %v, want the one team of sales", page.Nodes, err)
	}
	if got, err := w.Team(w.As("bo"), team.ID); err != nil || got.Name != "order_flow" {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := w.TeamsByID(w.As("bo"), "tea_1", team.ID); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}
