package resolver_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/store"
)

// TestNode fetches one record of every noun that is a Node, and null for the
// prefixes of those that are none.
func TestNode(t *testing.T) {
	w := newWorld(t)
	team, err := w.Mesh.CreateTeam(w.As("ana"), mesh.NewTeam{Name: "crew", DomainID: w.Domains["sales"].ID})
	w.Must(err)
	grant, err := w.Access.Grant(w.System(), w.granted("bo"))
	w.Must(err)
	run, err := w.services.Harvest.Start(w.As("ana"), w.source.ID, "manual")
	w.Must(err)
	decisions := w.ok("cy", "{ decisions(first: 1) { nodes { id } } }", nil)
	for prefix, want := range map[model.Prefix]struct {
		id       model.ID
		typename any
	}{
		model.PrefixPrincipal: {w.People["ana"].ID, "Principal"},
		model.PrefixTeam:      {team.ID, "Team"},
		model.PrefixDomain:    {w.Domains["sales"].ID, "Domain"},
		model.PrefixProduct:   {w.orders.ID, "DataProduct"},
		model.PrefixAsset:     {w.assets[0].ID, "Asset"},
		model.PrefixRequest:   {grant.RequestID, "AccessRequest"},
		model.PrefixGrant:     {grant.ID, "Grant"},
		model.PrefixSource:    {w.source.ID, "Source"},
		model.PrefixRun:       {run.ID, "HarvestRun"},
		model.PrefixDecision:  {model.ID(decisions.str("decisions.nodes.0.id")), "DecisionRecord"},
		model.PrefixToken:     {model.NewID(model.PrefixToken), nil},
		model.PrefixAlias:     {model.NewID(model.PrefixAlias), nil},
		model.PrefixEdge:      {model.NewID(model.PrefixEdge), nil},
		model.PrefixQuality:   {model.NewID(model.PrefixQuality), nil},
		model.PrefixEvent:     {model.NewID(model.PrefixEvent), nil},
	} {
		if want.id.Prefix() != prefix {
			t.Errorf("%s is no id of %s", want.id, prefix)
		}
		got := w.ok("cy", "query($id: ID!) { node(id: $id) { __typename id } }", vars{"id": want.id})
		if got.at("node.__typename") != want.typename || want.typename != nil && got.at("node.id") != string(want.id) {
			t.Errorf("%s: got %s, want %v", prefix, got.text, want.typename)
		}
		absent := w.ok("cy", "query($id: ID!) { node(id: $id) { id } }", vars{"id": model.NewID(prefix)})
		if absent.at("node") != nil {
			t.Errorf("%s: an id that names nothing gives %s", prefix, absent.text)
		}
	}
}

// TestNodes keeps the order and makes null of what is hidden.
func TestNodes(t *testing.T) {
	w := newWorld(t)
	ids := []model.ID{w.draft.ID, w.orders.ID, "dpr_nothing", w.Domains["sales"].ID, w.orders.ID, "rubbish", ""}
	got := w.ok("bo", "query($ids: [ID!]!) { nodes(ids: $ids) { ... on CatalogEntity { displayName } } }", vars{"ids": ids})
	want := []any{nil, map[string]any{"displayName": "Orders"}, nil, map[string]any{"displayName": "SALES"}, map[string]any{"displayName": "Orders"}, nil, nil}
	if diff := cmp.Diff(want, got.at("nodes")); diff != "" {
		t.Error(diff)
	}
	many := w.ask("bo", "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", vars{"ids": make([]string, 101)})
	if many.code() != "BAD_USER_INPUT" || many.Errors[0].Extensions["field"] != "ids" {
		t.Errorf("101 ids: %s", many.text)
	}
}

// TestPagesCostBoundedReads proves that the length of a page does not change
// how often the store is asked, whichever way the rows are selected.
func TestPagesCostBoundedReads(t *testing.T) {
	w := newWorld(t)
	var writes []store.Write
	for i := range 60 {
		a := model.Asset{Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "test://n", Name: fmt.Sprintf("t%02d", i), Kind: model.KindTable, Status: model.AssetActive, DomainID: w.Domains["sales"].ID}
		team := model.Team{Meta: model.Meta{ID: model.NewID(model.PrefixTeam)}, Name: model.Slug(fmt.Sprintf("team_%02d", i)), DomainID: w.Domains["marketing"].ID}
		owner := model.Principal{Meta: model.Meta{ID: model.NewID(model.PrefixPrincipal)}, Kind: model.Person, Name: fmt.Sprintf("p%02d", i), DomainID: w.Domains["sales"].ID}
		p := model.DataProduct{
			Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: model.Slug(fmt.Sprintf("product_%02d", i)), DomainID: w.Domains["sales"].ID, OwnerID: owner.ID, OwnerTeamID: team.ID,
			Classification: model.Public, Visibility: model.VisibleToAll, Status: model.Published, Ports: []model.Port{{Name: "out", Direction: model.OutputPort, AssetIDs: []model.ID{a.ID}}},
		}
		writes = append(writes, store.Assets.Put(a), store.Teams.Put(team), store.Principals.Put(owner), store.Products.Put(p))
	}
	_, err := w.Store.Apply(t.Context(), store.Change{Actor: "prn_system", Action: "test.fill", Writes: writes})
	w.Must(err)
	const row = "name domain { name stewards { name } } owner { name domain { name } } ownerTeam { name domain { name } } ports { assets { name aliases { name } qualityRules { name } domain { name } } }"
	for name, query := range map[string]string{
		"nodes": "query($n: Int!) { dataProducts(first: $n) { nodes { " + row + " } } }",
		"edges": "query($n: Int!) { dataProducts(first: $n) { edges { node { " + row + " } } } }",
	} {
		t.Run(name, func(t *testing.T) {
			cost := func(n int) int64 {
				before := w.Store.Reads.Load()
				got := w.ok("cy", query, vars{"n": n})
				if !strings.Contains(got.text, `"name":"t00"`) {
					t.Fatalf("no assets in %s", got.text)
				}
				return w.Store.Reads.Load() - before
			}
			cost(60) // names that never change are remembered
			few, many := cost(5), cost(50)
			t.Logf("5 rows cost %d reads of the store, 50 rows %d", few, many)
			if many > few+4 {
				t.Errorf("50 rows cost %d reads of the store, 5 rows %d", many, few)
			}
		})
	}
}

// TestPaging walks a list to its end without losing or repeating a row.
func TestPaging(t *testing.T) {
	w := newWorld(t)
	var names []any
	after := any(nil)
	for range 10 {
		got := w.ok("cy", "query($after: String) { principals(first: 1, after: $after) { edges { cursor node { name } } nodes { name } pageInfo { hasNextPage endCursor } } }", vars{"after": after})
		names = append(names, got.at("principals.nodes.0.name"))
		if got.at("principals.edges.0.cursor") != got.at("principals.pageInfo.endCursor") {
			t.Errorf("cursors differ in %s", got.text)
		}
		if got.at("principals.pageInfo.hasNextPage") != true {
			break
		}
		after = got.at("principals.pageInfo.endCursor")
	}
	if diff := cmp.Diff([]any{"ana", "bo", "cy", "dee"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestLookUps fetches by name, finds by text and reads what is open to all.
func TestLookUps(t *testing.T) {
	w := newWorld(t)
	got := w.ok("bo", `{ domain(name: "sales") { displayName stewards { name } } principal(name: "ana") { displayName }
		dataProduct(domain: "sales", name: "orders") { displayName status ports { name assets { name properties { name value } } } viewerCan { read requestAccess update } }
		hidden: dataProduct(domain: "sales", name: "draft") { id } none: domain(name: "nowhere") { id } source(name: "shop") { id }
		policies { name domain revision files } plugins { name isBundled isTrusted configSchema secretFields } team(id: "tea_nothing") { id } }`, nil)
	for path, want := range map[string]any{
		"domain.stewards.0.name": "ana", "principal.displayName": "Ana", "dataProduct.ports.0.assets.0.properties.0.name": "a",
		"dataProduct.viewerCan.read": "DENY", "dataProduct.viewerCan.update": "DENY", "hidden": nil, "none": nil, "source": nil, "team": nil,
		"plugins.0.name": "sqlite", "plugins.0.isTrusted": true, "plugins.0.configSchema.type": "object",
	} {
		if got.at(path) != want {
			t.Errorf("%s = %v, want %v", path, got.at(path), want)
		}
	}
	if !strings.Contains(got.text, "souk.platform") {
		t.Errorf("no policies in %s", got.text)
	}
}

// TestIntrospection serves the usual tools.
func TestIntrospection(t *testing.T) {
	w := newWorld(t)
	got := w.ok("dee", `{ __schema { queryType { name } types { name kind description fields(includeDeprecated: true) { name args { name type { kind name ofType { kind name ofType { kind name ofType { name } } } } } type { kind name ofType { kind name ofType { name ofType { name } } } } } enumValues { name } inputFields { name } possibleTypes { name } } directives { name locations } }
		__type(name: "DataProduct") { interfaces { name } } }`, nil)
	if got.at("__type.interfaces.0.name") == nil || !strings.Contains(got.text, "LineageGraph") {
		t.Errorf("got %.200s", got.text)
	}
}

// TestListsCostBoundedReads is TestPagesCostBoundedReads for every other list.
func TestListsCostBoundedReads(t *testing.T) {
	w := newWorld(t)
	w.crowd(60)
	for name, rows := range map[string]string{
		"principals":     "name domain { name } teams { name }",
		"domains":        "name parent { name } stewards { name }",
		"assets":         "name domain { name } aliases { name } qualityRules { name } sightings { source { name } }",
		"accessRequests": "purpose product { name owner { name } } domain { name } requester { name } grant { id } votes { approver { name } }",
		"grants":         "purpose product { name } domain { name } principal { name } revokedBy { name }",
		"sources":        "name domain { name } lastRun { status startedBy { name } }",
		"harvestRuns":    "status source { name domain { name } } startedBy { name }",
		"decisions":      "action principal { name } input",
		"auditEvents":    "action actor { name }",
	} {
		t.Run(name, func(t *testing.T) {
			cost := func(n int) int64 {
				before := w.Store.Reads.Load()
				got := w.ok("cy", "query($n: Int!) { "+name+"(first: $n) { nodes { "+rows+" } } }", vars{"n": n})
				if rows, _ := got.at(name + ".nodes").([]any); len(rows) != n {
					t.Fatalf("%d rows, want %d: %.300s", len(rows), n, got.text)
				}
				return w.Store.Reads.Load() - before
			}
			cost(50) // names that never change are remembered
			few, many := cost(5), cost(50)
			t.Logf("5 rows cost %d reads of the store, 50 rows %d", few, many)
			if many > few+4 {
				t.Errorf("50 rows cost %d reads of the store, 5 rows %d", many, few)
			}
		})
	}
}

// crowd fills every table with n rows that link to rows of their own.
func (w *world) crowd(n int) {
	w.Helper()
	for i := range n {
		d := model.Domain{Meta: model.Meta{ID: model.NewID(model.PrefixDomain)}, Name: model.Slug(fmt.Sprintf("domain_%02d", i)), ParentID: w.Domains["sales"].ID}
		who := model.Principal{Meta: model.Meta{ID: model.NewID(model.PrefixPrincipal)}, Kind: model.Person, Name: fmt.Sprintf("p%02d", i), DomainID: d.ID}
		d.StewardIDs = []model.ID{who.ID}
		p := model.DataProduct{Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: "data", DomainID: d.ID, OwnerID: who.ID, Classification: model.Public, Visibility: model.VisibleToAll, Status: model.Published}
		r := model.AccessRequest{
			Meta: model.Meta{ID: model.NewID(model.PrefixRequest)}, ProductID: p.ID, DomainID: d.ID, RequesterID: who.ID, Purpose: "test", Duration: time.Hour,
			Status: model.RequestApproved, Votes: []model.Vote{{ApproverID: who.ID, Role: "domain_steward", Approve: true}},
		}
		g := model.Grant{Meta: model.Meta{ID: model.NewID(model.PrefixGrant)}, ProductID: p.ID, DomainID: d.ID, PrincipalID: who.ID, RequestID: r.ID, Purpose: "test", Status: model.GrantRevoked, RevokedBy: who.ID, StartsAt: model.Now(), EndsAt: model.Now()}
		r.GrantID = g.ID
		s := model.Source{Meta: model.Meta{ID: model.NewID(model.PrefixSource)}, Name: model.Slug(fmt.Sprintf("source_%02d", i)), DomainID: d.ID, Plugin: "sqlite"}
		run := model.Run{Meta: model.Meta{ID: model.NewID(model.PrefixRun)}, SourceID: s.ID, Status: model.RunSucceeded, StartedBy: who.ID, StartedAt: model.Now()}
		s.LastRunID = run.ID
		a := model.Asset{
			Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "test://n", Name: fmt.Sprintf("t%02d", i), Kind: model.KindTable, Status: model.AssetActive, DomainID: d.ID,
			Sightings: []model.Sighting{{SourceID: s.ID, Kind: model.KindTable}},
		}
		dec := model.DecisionRecord{Meta: model.Meta{ID: model.NewID(model.PrefixDecision)}, At: model.Now(), Action: model.ActDataRead, PrincipalID: who.ID, ResourceID: p.ID, Domain: d.Name, Outcome: model.Allow, Input: json.RawMessage(`{"resource": {"name": "data"}}`)}
		writes := []store.Write{
			store.Domains.Put(d), store.Principals.Put(who), store.Products.Put(p), store.Requests.Put(r), store.Grants.Put(g),
			store.Sources.Put(s), store.Runs.Put(run), store.Assets.Put(a), store.Decisions.Put(dec),
		}
		_, err := w.Store.Apply(w.Context(), store.Change{Actor: who.ID, Action: "test.crowd", Writes: writes})
		w.Must(err)
	}
}
