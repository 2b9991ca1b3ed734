package governance_test

import (
	"context"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// patience is how long a test waits for what will come: many times what it
// takes under the race detector on a busy machine.
const patience = 5 * time.Minute

// company is the test world with rules in it: ana and eve are stewards of sales,
// bo of marketing, abe works in sales and dan in marketing, cy and kim are platform
// stewards and cy administers the platform.
type company struct {
	*servertest.World
	*server

	orders model.DataProduct
}

// server is one Souk on a store that others may share.
type server struct {
	*governance.Service

	engine *policy.Engine
	access *access.Service
}

// newServer starts a Souk beside the one of the world.
func newServer(t *testing.T, s store.Store) *server {
	t.Helper()
	e := engineOf(t)
	g := gate.New(s, e, model.Now, nil)
	return serve(t, e, access.New(s, g, model.Now, logOf(t)), governance.Config{Store: s, Gate: g})
}

func serve(tb testing.TB, e *policy.Engine, a *access.Service, cfg governance.Config) *server {
	tb.Helper()
	cfg.Engine, cfg.Now, cfg.Log = e, model.Now, logOf(tb)
	s := &server{Service: governance.New(cfg), engine: e, access: a}
	tb.Cleanup(s.Close)
	return s
}

func logOf(tb testing.TB) *slog.Logger {
	tb.Helper()
	return slog.New(slog.NewTextHandler(tb.Output(), nil))
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
	return settle(t, enginetest.SQLite)
}

// onEngines tells the story of a company on each engine.
func onEngines(t *testing.T, story func(*testing.T, *company)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { story(t, settle(t, enginetest.SQLite)) })
	t.Run("mongodb", func(t *testing.T) { story(t, settle(t, enginetest.MongoDB)) })
}

func settle(t *testing.T, open enginetest.Open) *company {
	t.Helper()
	w := servertest.New(t, servertest.Company{
		Domains: []string{"sales", "marketing"}, Open: open, Engine: engineOf(t),
		People: []servertest.Person{
			{Name: "ana", Domain: "sales", Steward: true, Clearance: model.Confidential},
			{Name: "eve", Domain: "sales", Steward: true, Clearance: model.Confidential},
			{Name: "abe", Domain: "sales", Clearance: model.Confidential},
			{Name: "bo", Domain: "marketing", Steward: true, Clearance: model.Confidential},
			{Name: "dan", Domain: "marketing", Clearance: model.Confidential},
			{Name: "cy", Roles: []model.Role{model.RoleAdmin, model.RoleSteward}, Clearance: model.Confidential},
			{Name: "kim", Roles: []model.Role{model.RoleSteward}, Clearance: model.Confidential},
		},
	})
	c := &company{World: w, server: serve(t, w.Engine, w.Access, governance.Config{Store: w.Store, Gate: w.Gate})}
	c.orders = c.As("ana").Publish("orders", model.Confidential)
	return c
}

// reads asks whether somebody may read the orders to plan a campaign.
func (s *server) reads(c *company, person string, want model.Outcome) {
	c.Helper()
	d, err := s.access.MayRead(c.As(person), c.orders.ID, "campaign")
	c.Must(err)
	if d.Outcome != want {
		c.Errorf("%s reads the orders: got %s %v, want %s", person, d.Outcome, d.Reasons, want)
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

// stall is what sales lives by, far shorter than the template: each proof changes
// every condition once and runs the tests again.
const stall = `package souk.domains.sales

import data.souk.lib
import rego.v2

# METADATA
# title: Members look and read
# description: Members see and read what the domain has.
allow contains {"code": "sales.member", "message": "You belong to sales."} if {
	input.action.name in {"data.read", "metadata.view"}
	lib.is_member(input.subject, input.resource.domain)
}

# METADATA
# title: Stewards publish
# description: Stewards make products and put them on offer.
allow contains {"code": "sales.steward", "message": "You are a steward of sales."} if {
	input.action.name in {"product.create", "product.publish"}
	lib.is_steward(input.subject, input.resource.domain)
}
`

const stallTest = `package souk.domains.sales_test

import data.souk.domains.sales
import rego.v2

test_members_look_and_read if {
	every action in ["data.read", "metadata.view"] {
		codes(sales.allow) == {"sales.member"} with input as ask(abe, action, orders)
		codes(sales.allow) == set() with input as ask(bo, action, orders)
	}
}

test_stewards_publish if {
	every action in ["product.create", "product.publish"] {
		codes(sales.allow) == {"sales.steward"} with input as ask(ana, action, orders)
		codes(sales.allow) == set() with input as ask(abe, action, orders)
	}
}
`

// ofSales is what sales lives by, with its tests, and further files.
func ofSales(t *testing.T, more ...model.PolicyModule) []model.PolicyModule {
	t.Helper()
	company := fromTree(t, "template/company_test.rego")[0]
	return append([]model.PolicyModule{
		{Path: "domains/sales/company_test.rego", Text: strings.Replace(company.Text, "souk.template", "souk.domains.sales", 1)},
		{Path: "domains/sales/stall.rego", Text: stall},
		{Path: "domains/sales/stall_test.rego", Text: stallTest},
	}, more...)
}

// remarked is ofSales once more, under another content address.
func remarked(t *testing.T) []model.PolicyModule {
	t.Helper()
	modules := ofSales(t)
	modules[1].Text += "\n# Ours.\n"
	return modules
}

// engineOf is an engine that begins with the rules of sales.
func engineOf(t *testing.T) *policy.Engine {
	t.Helper()
	files := map[string]string{}
	for _, m := range ofSales(t) {
		files[m.Path] = m.Text
	}
	return servertest.Under(t, files)
}

// fromTree reads policies that Souk ships.
func fromTree(t *testing.T, pattern string) []model.PolicyModule {
	t.Helper()
	files, err := fs.Glob(policies.Files, pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	var modules []model.PolicyModule
	for _, f := range files {
		text, err := fs.ReadFile(policies.Files, f)
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, model.PolicyModule{Path: f, Text: string(text)})
	}
	return modules
}

func campaigns(t *testing.T) []model.PolicyModule {
	t.Helper()
	return ofSales(t, model.PolicyModule{Path: "domains/sales/campaign.rego", Text: campaign},
		model.PolicyModule{Path: "domains/sales/campaign_test.rego", Text: campaignTest})
}

func (c *company) draft(person string, modules []model.PolicyModule) model.PolicyProposal {
	c.Helper()
	p, err := c.Draft(c.As(person), governance.NewProposal{Domain: "sales", Modules: modules, Title: "Campaigns", Description: "Open the orders to marketing."})
	c.Must(err)
	return p
}

// assessed takes a draft as far as the vote.
func (c *company) assessed(p model.PolicyProposal) model.PolicyProposal {
	c.Helper()
	return c.assess(c.tested(p))
}

func (c *company) tested(p model.PolicyProposal) model.PolicyProposal {
	c.Helper()
	p, err := c.Check(c.As("ana"), p.ID)
	c.Must(err)
	if p.Status != model.ProposalChecked {
		c.Fatalf("the check: got %s with %+v", p.Status, p.Problems)
	}
	p, err = c.Test(c.As("ana"), p.ID)
	c.Must(err)
	if p.Status != model.ProposalTested {
		c.Fatalf("the tests: got %s with %+v", p.Status, p.Tests)
	}
	return p
}

func (c *company) assess(p model.PolicyProposal) model.PolicyProposal {
	c.Helper()
	_, err := c.Assess(c.As("ana"), p.ID)
	c.Must(err)
	last := c.watch(p.ID)
	if last.State != model.AssessmentDone || last.ReportHash == "" {
		c.Fatalf("the assessment: got %+v", last)
	}
	p, err = c.Proposal(c.As("ana"), p.ID)
	c.Must(err)
	return p
}

func (c *company) watch(id model.ID) model.PolicyAssessment {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.As("ana"), patience)
	defer cancel()
	states, err := c.WatchAssessment(ctx, id)
	c.Must(err)
	var last model.PolicyAssessment
	for last = range states {
	}
	return last
}

// approved has everybody vote whose word is wanted.
func (c *company) approved(p model.PolicyProposal) model.PolicyProposal {
	c.Helper()
	for _, person := range []string{"eve", "bo", "cy", "kim"} {
		if p.Status == model.ProposalApproved {
			break
		}
		voted, err := c.Approve(c.As(person), p.ID, p.Impact.Hash, "fine")
		if model.Is(err, model.KindDenied) {
			continue
		}
		c.Must(err)
		p = voted
	}
	if p.Status != model.ProposalApproved {
		c.Fatalf("after every vote: got %s, missing %+v", p.Status, p.Missing())
	}
	return p
}

// activated takes a draft all the way.
func (c *company) activated(p model.PolicyProposal) model.PolicyProposal {
	c.Helper()
	p, err := c.Activate(c.As("eve"), c.approved(c.assessed(p)).ID)
	c.Must(err)
	return p
}

func (c *company) rollback(person string) model.PolicyRollback {
	c.Helper()
	back, err := c.Rollback(c.As(person), governance.Return{Domain: "sales", Reason: "it went wrong"})
	c.Must(err)
	return back
}
