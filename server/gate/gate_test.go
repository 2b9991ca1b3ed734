package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// platform lets everybody see what is called open, and answers the facts back
// as reasons, so that a test can look at what the policies were told.
const platform = `package souk.platform

import rego.v2

allow contains {"code": "open", "message": "It is open."} if startswith(input.resource.name, "open")

allow contains {"code": "audit", "message": "It is for the audit."} if {
	input.action.name == "audit.read"
	input.resource.name == "audited"
}

allow contains {"code": code, "message": "A role."} if {
	some role in input.facts.roles_held
	code := sprintf("role.%s", [role])
}

allow contains {"code": code, "message": "A grant."} if {
	some grant in input.facts.grants
	code := sprintf("grant.%s", [grant.purpose])
}

allow contains {"code": "team", "message": "A team."} if {
	input.resource.owner_team != ""
	input.resource.owner_team in input.subject.teams
}

approvals contains {"role": "domain_steward", "domain": "sales", "min": 2, "exclude_requester": true} if input.action.name == "product.publish"
`

const template = `package souk.template

import rego.v2

allow contains {"code": "template.open", "message": "It is open."} if startswith(input.resource.name, "open")
`

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// talkative is compiled once: no test of these changes its rules.
var talkative = sync.OnceValues(func() (*policy.Engine, error) {
	return policy.New(policy.Config{Files: fstest.MapFS{
		"platform/p.rego": {Data: []byte(platform)}, "lib/l.rego": {Data: []byte("package souk.lib\n")}, "template/t.rego": {Data: []byte(template)},
	}})
})

// world is a test world with nobody in it: these rules know what they are told, and
// the clock stands still. The nouns are put there as the tests want them described.
type world struct {
	*gate.Gate
	company *servertest.World
	t       *testing.T
	store   store.Store
	ana     model.Principal
}

func newWorld(t *testing.T) *world {
	t.Helper()
	engine, err := talkative()
	if err != nil {
		t.Fatal(err)
	}
	c := servertest.New(t, servertest.Company{Engine: engine})
	w := &world{Gate: gate.New(c.Store, engine, func() time.Time { return now }, nil), company: c, t: t, store: c.Store}
	w.ana = model.Principal{Meta: model.Meta{ID: "prn_ana"}, Kind: model.Person, Name: "ana"}
	return w
}

func (w *world) as(p model.Principal) context.Context { return model.WithPrincipal(w.t.Context(), p) }

func (w *world) put(writes ...store.Write) { w.company.Put(writes...) }

func domain(name string, stewards ...model.ID) model.Domain {
	return model.Domain{Meta: model.Meta{ID: model.ID("dom_" + name)}, Name: model.Slug(name), StewardIDs: stewards}
}

func principal(id, name string) model.Principal {
	return model.Principal{Meta: model.Meta{ID: model.ID(id)}, Kind: model.Person, Name: name}
}

func codes(d model.Decision) []string {
	var all []string
	for _, r := range d.Reasons {
		all = append(all, r.Code)
	}
	return all
}

func TestRefusalsAreLoggedBeforeTheyAreTold(t *testing.T) {
	w := newWorld(t)
	ctx := model.WithRequestID(w.as(w.ana), "req-12345678")
	_, err := w.Require(ctx, model.ActIdentity, policy.Resource{Type: "principal", ID: "prn_x", Name: "closed"})
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Kind != model.KindDenied || e.Denial == nil || e.Denial.Outcome != model.Deny {
		t.Fatalf("got %v, want a refusal with its decision", err)
	}
	row, err := store.Decisions.Get(ctx, w.store, e.Denial.ID)
	if err != nil {
		t.Fatal(err)
	}
	if row.PrincipalID != "prn_ana" || row.ResourceID != "prn_x" || row.Action != model.ActIdentity || row.Outcome != model.Deny ||
		row.RequestID != "req-12345678" || !row.At.Equal(now) || !json.Valid(row.Input) {
		t.Errorf("got the row %+v", row)
	}
	event, err := store.Events.First(ctx, w.store, store.Query{Index: "by_seq", Desc: true})
	if err != nil {
		t.Fatal(err)
	}
	if event.Action != "identity.admin.refused" || event.ActorID != "prn_ana" || event.DecisionID != row.ID || event.RequestID != "req-12345678" {
		t.Errorf("got the event %+v", event)
	}
}

func TestAWishForApprovalsIsARefusalThatNamesThem(t *testing.T) {
	w := newWorld(t)
	_, err := w.Require(w.as(w.ana), model.ActProductPublish, policy.Resource{Type: "data_product", ID: "dpr_x", Name: "open"})
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Kind != model.KindDenied || e.Denial.Outcome != model.NeedsApproval || len(e.Denial.Approvals) != 1 {
		t.Fatalf("got %v, want a refusal with the approvals", err)
	}
	if !strings.Contains(e.Message, "2 domain_steward of sales") {
		t.Errorf("got the sentence %q, want it to say whose approval is missing", e.Message)
	}
}

func TestNobodyAsksNothing(t *testing.T) {
	w := newWorld(t)
	for name, ask := range map[string]func() error{
		"ask": func() error {
			_, err := w.Ask(t.Context(), model.ActMetadataView, policy.Resource{Name: "open"}, gate.Extra{})
			return err
		},
		"filter": func() error { _, err := w.Filter(t.Context(), model.ActMetadataView, nil); return err },
	} {
		if err := ask(); !model.Is(err, model.KindUnauthenticated) {
			t.Errorf("%s: got %v, want unauthenticated", name, err)
		}
	}
}

func TestGrantsAreFactsWhileTheyLast(t *testing.T) {
	w := newWorld(t)
	grant := func(purpose string, status model.GrantStatus, product model.ID, from, to time.Duration) store.Write {
		return store.Grants.Put(model.Grant{
			Meta: model.Meta{ID: model.NewID(model.PrefixGrant)}, PrincipalID: w.ana.ID, ProductID: product,
			Purpose: purpose, Status: status, StartsAt: now.Add(from), EndsAt: now.Add(to),
		})
	}
	w.put(
		grant("live", model.GrantActive, "dpr_x", -time.Hour, time.Hour),
		grant("over", model.GrantActive, "dpr_x", -2*time.Hour, 0),
		grant("early", model.GrantActive, "dpr_x", time.Minute, time.Hour),
		grant("revoked", model.GrantRevoked, "dpr_x", -time.Hour, time.Hour),
		grant("elsewhere", model.GrantActive, "dpr_y", -time.Hour, time.Hour),
	)
	answer, err := w.Ask(w.as(w.ana), model.ActMetadataView, policy.Resource{Type: "data_product", ID: "dpr_x", Product: "dpr_x"}, gate.Extra{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"grant.live"}, codes(answer.Decision)); diff != "" {
		t.Errorf("the grants told (-want +got):\n%s", diff)
	}
}

// A team is told apart from one of the same name in another domain.
func TestTeamsAreTheirDomains(t *testing.T) {
	w := newWorld(t)
	team := func(d string) model.Team {
		return model.Team{Meta: model.Meta{ID: model.ID("tea_" + d)}, Name: "growth", DomainID: model.ID("dom_" + d)}
	}
	product := model.DataProduct{Meta: model.Meta{ID: "dpr_x"}, Name: "orders", OwnerTeamID: "tea_sales"}
	w.put(store.Domains.Put(domain("sales")), store.Domains.Put(domain("marketing")), store.Teams.Put(team("sales")), store.Teams.Put(team("marketing")))
	res, err := w.Product(t.Context(), product)
	if err != nil || res.OwnerTeam != "sales/growth" {
		t.Fatalf("got %q, %v, want sales/growth", res.OwnerTeam, err)
	}
	for id, want := range map[model.ID]bool{"tea_sales": true, "tea_marketing": false} {
		p := w.ana
		p.TeamIDs = []model.ID{id}
		answer, err := w.Ask(w.as(p), model.ActMetadataView, res, gate.Extra{})
		if err != nil || answer.Allowed() != want {
			t.Errorf("a member of %s: got %v, %v, want %v", id, answer.Outcome, err, want)
		}
	}
}

func TestExtraRolesAreFacts(t *testing.T) {
	w := newWorld(t)
	cy := principal("prn_cy", "cy")
	cy.Roles = []model.Role{model.RoleSteward}
	answer, err := w.Ask(w.as(cy), model.ActRequestApprove, policy.Resource{Type: "access_request"},
		gate.Extra{Roles: []model.ApproverRole{model.ApproverDomainSteward, model.ApproverPlatformSteward}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"role.domain_steward", "role.platform_steward"}, codes(answer.Decision)); diff != "" {
		t.Errorf("the roles told (-want +got):\n%s", diff)
	}
}

func TestHiddenIsAbsent(t *testing.T) {
	w := newWorld(t)
	w.put(store.Principals.Put(principal("prn_1", "open_1")), store.Principals.Put(principal("prn_2", "closed")), store.Principals.Put(principal("prn_3", "open_3")))
	ctx := w.as(w.ana)
	if p, res, err := gate.See(ctx, w.Gate, store.Principals, "prn_1", w.Principal); err != nil || p.Name != "open_1" || res.ID != "prn_1" {
		t.Errorf("got %v, %v, %v, want the open one", p, res, err)
	}
	_, _, hidden := gate.See(ctx, w.Gate, store.Principals, "prn_2", w.Principal)
	_, _, absent := gate.See(ctx, w.Gate, store.Principals, "prn_9", w.Principal)
	if !model.Is(hidden, model.KindNotFound) || strings.ReplaceAll(hidden.Error(), "prn_2", "prn_9") != absent.Error() {
		t.Errorf("hidden is %v and absent %v, want the same words", hidden, absent)
	}
	for _, id := range []model.ID{"", "prn_\xff", model.ID(strings.Repeat("x", 1<<20))} {
		if _, _, err := gate.See(ctx, w.Gate, store.Principals, id, w.Principal); !model.Is(err, model.KindNotFound) || len(err.Error()) > 200 {
			t.Errorf("an id that is none: got %v", err)
		}
	}
	seen, err := gate.SeeMany(ctx, w.Gate, store.Principals, gate.Each(w.Principal), "prn_3", "prn_2", "prn_9", "prn_1")
	if err != nil || len(seen) != 2 || seen[0].ID != "prn_3" || seen[1].ID != "prn_1" {
		t.Errorf("got %v, %v, want the open ones in the order asked for", seen, err)
	}
}

func TestReferNamesTheField(t *testing.T) {
	w := newWorld(t)
	w.put(store.Principals.Put(principal("prn_1", "open_1")), store.Principals.Put(principal("prn_2", "closed")))
	ctx := w.as(w.ana)
	if got, err := gate.Refer(ctx, w.Gate, store.Principals, "ownerId", gate.Each(w.Principal), "prn_1"); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	for name, ids := range map[string][]model.ID{"hidden": {"prn_1", "prn_2"}, "absent": {"prn_9"}, "empty": {""}, "twice": {"prn_1", "prn_1"}} {
		_, err := gate.Refer(ctx, w.Gate, store.Principals, "ownerId", gate.Each(w.Principal), ids...)
		if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != model.KindInvalid || e.Field != "ownerId" {
			t.Errorf("%s: got %v, want an error about ownerId", name, err)
		}
	}
}

func TestListsGoOnBehindHiddenRows(t *testing.T) {
	w := newWorld(t)
	var writes []store.Write
	for i := range 900 {
		name := fmt.Sprintf("closed_%03d", i)
		if i%300 == 299 {
			name = fmt.Sprintf("open_%03d", i)
		}
		writes = append(writes, store.Principals.Put(principal(fmt.Sprintf("prn_%03d", i), name)))
	}
	w.put(writes...)
	list := func(p model.Paging) (model.Page[model.Principal], error) {
		return gate.List(w.as(w.ana), w.Gate, store.Principals, store.Query{Index: "by_name"}, p, gate.Each(w.Principal))
	}
	page, err := list(model.Paging{First: 2})
	if err != nil || len(page.Nodes) != 2 || !page.More {
		t.Fatalf("got %d rows, more %v, %v, want two of three", len(page.Nodes), page.More, err)
	}
	page, err = list(model.Paging{First: 2, After: page.Cursors[1]})
	if err != nil || len(page.Nodes) != 1 || page.More {
		t.Errorf("got %d rows, more %v, %v, want the last one", len(page.Nodes), page.More, err)
	}
	audited, err := gate.ListFor(w.as(w.ana), w.Gate, model.ActAuditRead, store.Principals, store.Query{Index: "by_name"}, model.Paging{First: 10},
		func(_ context.Context, rows []model.Principal) ([]policy.Resource, error) {
			resources := make([]policy.Resource, len(rows))
			for i := range resources {
				resources[i].Name = "audited"
			}
			return resources, nil
		})
	if err != nil || len(audited.Nodes) != 10 {
		t.Errorf("another action shows %d rows, %v, want 10", len(audited.Nodes), err)
	}
	for _, first := range []int{0, -1, 201} {
		if _, err := list(model.Paging{First: first}); !model.Is(err, model.KindInvalid) {
			t.Errorf("first %d: got %v, want bad input", first, err)
		}
	}
}

func TestExposedAssets(t *testing.T) {
	w := newWorld(t)
	asset := func(id string) model.Asset {
		return model.Asset{Meta: model.Meta{ID: model.ID(id)}, Name: id, DomainID: "dom_sales"}
	}
	foreign := func(id string, consented bool) store.Write {
		p := model.DataProduct{
			Meta: model.Meta{ID: model.ID("dpr_" + id)}, DomainID: "dom_marketing", Name: model.Slug(id), Status: model.Published, Visibility: model.VisibleToAll,
			Ports: []model.Port{{Name: "port", Direction: model.OutputPort, AssetIDs: []model.ID{model.ID("ast_" + id)}}},
		}
		if consented {
			p.Consents = []model.Consent{{AssetID: model.ID("ast_" + id), DomainID: "dom_sales"}}
		} else {
			p.Unconsented = []model.ID{model.ID("ast_" + id)}
		}
		return store.Products.Put(p)
	}
	product := func(id string, status model.ProductStatus, v model.Visibility, d model.PortDirection, assets ...model.ID) store.Write {
		return store.Products.Put(model.DataProduct{
			Meta: model.Meta{ID: model.ID(id)}, DomainID: "dom_sales", Name: model.Slug(id), Status: status, Visibility: v,
			Ports: []model.Port{{Name: "port", Direction: d, AssetIDs: assets}},
		})
	}
	w.put(
		store.Domains.Put(model.Domain{Meta: model.Meta{ID: "dom_sales"}, Name: "selling"}),
		product("dpr_published", model.Published, model.VisibleToAll, model.OutputPort, "ast_published"),
		product("dpr_deprecated", model.Deprecated, model.VisibleToAll, model.OutputPort, "ast_deprecated"),
		product("dpr_draft", model.Draft, model.VisibleToAll, model.OutputPort, "ast_draft"),
		product("dpr_retired", model.Retired, model.VisibleToAll, model.OutputPort, "ast_retired"),
		product("dpr_home", model.Published, model.VisibleToDomain, model.OutputPort, "ast_home"),
		product("dpr_input", model.Published, model.VisibleToAll, model.InputPort, "ast_input"),
		product("dpr_open", model.Published, model.VisibleToAll, model.OutputPort, "ast_both"),
		product("dpr_closed", model.Published, model.VisibleToDomain, model.OutputPort, "ast_both"),
		foreign("agreed", true), foreign("taken", false),
	)
	want := map[string]bool{
		"ast_both": false, "ast_agreed": true, "ast_taken": false,
		"ast_published": true, "ast_deprecated": true, "ast_draft": false, "ast_retired": false, "ast_home": false, "ast_input": false,
	}
	var all []model.Asset
	for id, exposed := range want {
		all = append(all, asset(id))
		res, err := w.Asset(t.Context(), asset(id)) // one by one, through the index of assets
		if err != nil || res.Exposed != exposed {
			t.Errorf("%s alone: got %v, %v, want %v", id, res.Exposed, err, exposed)
		}
	}
	resources, err := w.Assets(t.Context(), all) // all at once, through the published products
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range resources {
		if res.Exposed != want[res.Name] {
			t.Errorf("%s on a page: got %v, want %v", res.Name, res.Exposed, want[res.Name])
		}
	}
}

// endless is a table without an end, where nothing may be seen.
type endless struct{ rows int }

func (e *endless) Find(_ context.Context, _ store.Store, q store.Query) (store.Nouns[model.Principal], error) {
	page := store.Nouns[model.Principal]{More: true}
	for range q.Limit {
		e.rows++
		page.Nodes, page.Cursors = append(page.Nodes, principal("prn_x", "closed")), append(page.Cursors, store.Cursor(strconv.Itoa(e.rows)))
	}
	return page, nil
}

// An empty page has no cursor to go on from, so it must not claim that more follows.
func TestListsGiveUpAtLast(t *testing.T) {
	w := newWorld(t)
	var table endless
	_, err := gate.List(w.as(w.ana), w.Gate, &table, store.Query{}, model.Paging{First: 1}, gate.Each(w.Principal))
	if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != model.KindInvalid || e.Field != "filter" {
		t.Errorf("got %v, want the advice to narrow the list", err)
	}
	if table.rows < 10_000 || table.rows > 20_000 {
		t.Errorf("looked at %d rows, want many and not all", table.rows)
	}
}
