package governance_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// patience is how long a test waits for what will come: many times what it
// takes under the race detector on a busy machine.
const patience = 5 * time.Minute

// company is a small company on one store: ana and eve are stewards of sales,
// bo of marketing, dan works in marketing, cy and kim are platform stewards
// and cy administers the platform.
type company struct {
	*server

	t       *testing.T
	domains map[string]model.Domain
	people  map[string]model.Principal
	orders  model.DataProduct
}

// server is one Souk on a store that others may share.
type server struct {
	*governance.Service

	store    store.Store
	gate     *gate.Gate
	engine   *policy.Engine
	log      *slog.Logger
	access   *access.Service
	mesh     *mesh.Service
	identity *identity.Service
	audit    *audit.Service
}

func newServer(t *testing.T, s store.Store) *server {
	t.Helper()
	e, err := policy.New(policy.Config{Files: policies.Files})
	must(t, err)
	g, log := gate.New(s, e, model.Now), slog.New(slog.NewTextHandler(t.Output(), nil))
	srv := &server{
		Service: governance.New(governance.Config{Store: s, Gate: g, Engine: e, Now: model.Now, Log: log}), store: s, gate: g, engine: e, log: log,
		access: access.New(s, g, model.Now, log), mesh: mesh.New(s, g, model.Now, log), identity: identity.New(s, g, model.Now),
		audit: audit.New(s, g, nil, nil),
	}
	t.Cleanup(srv.Close)
	return srv
}

// inTurn skips a test in which one thing follows the other when only what
// happens at once is asked for: the race detector has nothing to find in it
// and makes a proof of rules five times as long.
func inTurn(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("one thing after the other: nothing here can race")
	}
}

func newCompany(t *testing.T) *company {
	t.Helper()
	return settle(t, enginetest.SQLite(t))
}

// onEngines tells the story of a company on each engine.
func onEngines(t *testing.T, story func(*testing.T, *company)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { story(t, settle(t, enginetest.SQLite(t))) })
	t.Run("mongodb", func(t *testing.T) { story(t, settle(t, enginetest.MongoDB(t))) })
}

func settle(t *testing.T, s store.Store) *company {
	t.Helper()
	c := &company{server: newServer(t, s), t: t, domains: map[string]model.Domain{}, people: map[string]model.Principal{}}
	for _, name := range []string{"sales", "marketing"} {
		d, err := c.mesh.CreateDomain(c.system(), mesh.NewDomain{Name: model.Slug(name)})
		must(t, err)
		c.domains[name] = d
	}
	for _, p := range []struct {
		name, domain string
		roles        []model.Role
	}{
		{"ana", "sales", nil},
		{"eve", "sales", nil},
		{"abe", "sales", nil},
		{"bo", "marketing", nil},
		{"dan", "marketing", nil},
		{"cy", "", []model.Role{model.RoleAdmin, model.RoleSteward}},
		{"kim", "", []model.Role{model.RoleSteward}},
	} {
		made, err := c.identity.CreatePrincipal(c.system(), identity.NewPrincipal{
			Kind: model.Person, Name: p.name, DomainID: c.domains[p.domain].ID, Roles: p.roles, Clearance: model.Confidential,
		})
		must(t, err)
		c.people[p.name] = made
	}
	c.stewards("sales", "ana", "eve")
	c.stewards("marketing", "bo")
	c.orders = c.publish("orders")
	return c
}

func (c *company) stewards(domain string, people ...string) {
	c.t.Helper()
	var ids []model.ID
	for _, p := range people {
		ids = append(ids, c.people[p].ID)
	}
	_, err := c.mesh.UpdateDomain(c.system(), mesh.DomainEdit{ID: c.domains[domain].ID, StewardIDs: &ids})
	must(c.t, err)
}

func (c *company) publish(name string) model.DataProduct {
	c.t.Helper()
	asset := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://db", Name: name, Kind: model.KindTable,
		Status: model.AssetActive, DomainID: c.domains["sales"].ID,
	}
	_, err := c.store.Apply(c.t.Context(), store.Change{Action: "test.asset", Writes: []store.Write{store.Assets.Put(asset)}})
	must(c.t, err)
	p, err := c.mesh.CreateProduct(c.as("ana"), mesh.NewProduct{
		Name: model.Slug(name), DomainID: c.domains["sales"].ID, Description: "Every order that customers have placed.", Classification: model.Confidential,
		Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, Description: "All of them.", AssetIDs: []model.ID{asset.ID}}},
	})
	must(c.t, err)
	p, err = c.mesh.PublishProduct(c.as("ana"), p.ID)
	must(c.t, err)
	return p
}

func (c *company) system() context.Context { return model.WithPrincipal(c.t.Context(), model.System()) }

func (c *company) as(person string) context.Context {
	return model.WithPrincipal(c.t.Context(), c.people[person])
}

// reads asks whether somebody may read the orders to plan a campaign.
func (s *server) reads(c *company, person string, want model.Outcome) {
	c.t.Helper()
	d, err := s.access.MayRead(c.as(person), c.orders.ID, "campaign")
	must(c.t, err)
	if d.Outcome != want {
		c.t.Errorf("%s reads the orders: got %s %v, want %s", person, d.Outcome, d.Reasons, want)
	}
}

// campaign opens the data of sales to marketing, for one purpose.
const campaign = `package souk.domains.sales

import rego.v2

# METADATA
# title: Campaigns
# description: Marketing plans its campaigns with what customers order.
allow contains {"code": "read.campaign", "message": "Marketing plans its campaigns with it."} if {
	input.action.name == "data.read"
	input.subject.domain == "marketing"
	input.context.purpose == "campaign"
}
`

const campaignTest = `package souk.domains.sales_test

import data.souk.domains.sales
import rego.v2

_for(subject, purpose) := object.union(ask(subject, "data.read", orders), {"context": {"purpose": purpose}})

test_marketing_plans_its_campaigns if {
	codes(sales.allow) == {"read.campaign"} with input as _for(bo, "campaign")
	codes(sales.allow) == set() with input as _for(bo, "curiosity")
	codes(sales.allow) == set() with input as _for(cy, "campaign")
}
`

// ofSales is the template as the sales domain would take it over, with files added.
func ofSales(t *testing.T, more ...model.PolicyModule) []model.PolicyModule {
	t.Helper()
	files, err := fs.Glob(policies.Files, "template/*.rego")
	must(t, err)
	var modules []model.PolicyModule
	for _, f := range files {
		text, err := fs.ReadFile(policies.Files, f)
		must(t, err)
		moved := strings.NewReplacer(
			"package souk.template", "package souk.domains.sales", "data.souk.template", "data.souk.domains.sales", "template.", "sales.",
		).Replace(string(text))
		modules = append(modules, model.PolicyModule{Path: "domains/sales/" + strings.TrimPrefix(f, "template/"), Text: moved})
	}
	return append(modules, more...)
}

func campaigns(t *testing.T) []model.PolicyModule {
	t.Helper()
	return ofSales(t, model.PolicyModule{Path: "domains/sales/campaign.rego", Text: campaign},
		model.PolicyModule{Path: "domains/sales/campaign_test.rego", Text: campaignTest})
}

func (c *company) draft(person string, modules []model.PolicyModule) model.PolicyProposal {
	c.t.Helper()
	p, err := c.Draft(c.as(person), governance.NewProposal{Domain: "sales", Modules: modules, Title: "Campaigns", Description: "Open the orders to marketing."})
	must(c.t, err)
	return p
}

// assessed takes a draft as far as the vote.
func (c *company) assessed(p model.PolicyProposal) model.PolicyProposal {
	c.t.Helper()
	return c.assess(c.tested(p))
}

func (c *company) tested(p model.PolicyProposal) model.PolicyProposal {
	c.t.Helper()
	p, err := c.Check(c.as("ana"), p.ID)
	must(c.t, err)
	if p.Status != model.ProposalChecked {
		c.t.Fatalf("the check: got %s with %+v", p.Status, p.Problems)
	}
	p, err = c.Test(c.as("ana"), p.ID)
	must(c.t, err)
	if p.Status != model.ProposalTested {
		c.t.Fatalf("the tests: got %s with %+v", p.Status, p.Tests)
	}
	return p
}

func (c *company) assess(p model.PolicyProposal) model.PolicyProposal {
	c.t.Helper()
	_, err := c.Assess(c.as("ana"), p.ID)
	must(c.t, err)
	last := c.watch(p.ID)
	if last.State != model.AssessmentDone || last.ReportHash == "" {
		c.t.Fatalf("the assessment: got %+v", last)
	}
	p, err = c.Proposal(c.as("ana"), p.ID)
	must(c.t, err)
	return p
}

func (c *company) watch(id model.ID) model.PolicyAssessment {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.as("ana"), patience)
	defer cancel()
	states, err := c.WatchAssessment(ctx, id)
	must(c.t, err)
	var last model.PolicyAssessment
	for last = range states {
	}
	return last
}

// approved has everybody vote whose word is wanted.
func (c *company) approved(p model.PolicyProposal) model.PolicyProposal {
	c.t.Helper()
	for _, person := range []string{"eve", "bo", "cy", "kim"} {
		if p.Status == model.ProposalApproved {
			break
		}
		voted, err := c.Approve(c.as(person), p.ID, p.Impact.Hash, "fine")
		if model.Is(err, model.KindDenied) {
			continue
		}
		must(c.t, err)
		p = voted
	}
	if p.Status != model.ProposalApproved {
		c.t.Fatalf("after every vote: got %s, missing %+v", p.Status, p.Missing())
	}
	return p
}

// activated takes a draft all the way.
func (c *company) activated(p model.PolicyProposal) model.PolicyProposal {
	c.t.Helper()
	p, err := c.Activate(c.as("eve"), c.approved(c.assessed(p)).ID)
	must(c.t, err)
	return p
}

func (c *company) rollback(person string) model.PolicyRollback {
	c.t.Helper()
	back, err := c.Rollback(c.as(person), governance.Return{Domain: "sales", Reason: "it went wrong"})
	must(c.t, err)
	return back
}

// last gives the newest event.
func (c *company) last() model.Event {
	c.t.Helper()
	e, err := store.Events.First(c.t.Context(), c.store, store.Query{Index: "by_seq", Desc: true})
	must(c.t, err)
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantField(t *testing.T, err error, kind model.ErrorKind, field string) {
	t.Helper()
	if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != kind || e.Field != field {
		t.Fatalf("got error %v, want one of kind %s about %q", err, kind, field)
	}
}

func wantDenied(t *testing.T, err error, code string) {
	t.Helper()
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Denial == nil || !slices.ContainsFunc(e.Denial.Reasons, func(r model.Reason) bool { return r.Code == code }) {
		t.Fatalf("got error %v, want a refusal for %s", err, code)
	}
}
