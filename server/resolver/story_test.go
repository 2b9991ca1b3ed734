package resolver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

const problems = " userErrors { code message hint path } "

// TestAccessStory goes the whole way: refused, asked, approved, allowed,
// revoked, refused, all over HTTP.
func TestAccessStory(t *testing.T) {
	w := newWorld(t)
	check := func() string {
		t.Helper()
		return w.ok("bo", "mutation($p: ID!) { checkAccess(input: {productId: $p, purpose: \"attribution\"}) { decision { id outcome reasons { code message origin } obligations { id type isMandatory params { name value } } revisions { platform domain } }"+problems+"} }",
			vars{"p": w.orders.ID}).str("checkAccess.decision.outcome")
	}
	if got := check(); got != "DENY" {
		t.Errorf("before: %s", got)
	}
	asked := w.ok("bo", `mutation($p: ID!) { requestAccess(input: {productId: $p, purpose: "attribution", duration: "P30D"}) {
		accessRequest { id status duration purpose product { name owner { name } } domain { name } requester { name } approvals { role domain min excludesRequester } missingApprovals { role } grant { id } viewerCan { approve cancel } }`+problems+`} }`, vars{"p": w.orders.ID})
	for path, want := range map[string]any{
		"status": "PENDING", "duration": "P30D", "product.name": "orders", "product.owner.name": "ana", "domain.name": "sales",
		"requester.name": "bo", "missingApprovals.0.role": "domain_steward", "grant": nil, "viewerCan.approve": "DENY", "viewerCan.cancel": "ALLOW",
	} {
		if got := asked.at("requestAccess.accessRequest." + path); got != want {
			t.Errorf("request: %s = %v, want %v", path, got, want)
		}
	}
	id := asked.str("requestAccess.accessRequest.id")
	list := w.ok("ana", `query($d: ID!) { accessRequests(first: 10, filter: {domainId: $d, status: PENDING}) { nodes { id viewerCan { approve reject } } } }`, vars{"d": w.Domains["sales"].ID})
	if list.at("accessRequests.nodes.0.id") != id || list.at("accessRequests.nodes.0.viewerCan.approve") != "ALLOW" {
		t.Errorf("Ana's list: %s", list.text)
	}
	approved := w.ok("ana", `mutation($id: ID!) { approveAccessRequest(input: {id: $id, comment: "fine"}) { accessRequest { status votes { approver { name } role isApproval comment at } missingApprovals { role } grant { id status endsAt principal { name } product { name } requestId revokeReason endedAt } }`+problems+`} }`, vars{"id": id})
	if got := approved.at("approveAccessRequest.accessRequest.grant.status"); got != "ACTIVE" {
		t.Fatalf("approved: %s", approved.text)
	}
	if got := check(); got != "ALLOW" {
		t.Errorf("with a grant: %s", got)
	}
	grant := approved.str("approveAccessRequest.accessRequest.grant.id")
	revoked := w.ok("ana", `mutation($id: ID!) { revokeGrant(input: {id: $id, reason: "done"}) { grant { status endedAt revokedBy { name } revokeReason }`+problems+`} }`, vars{"id": grant})
	if revoked.at("revokeGrant.grant.status") != "REVOKED" || revoked.at("revokeGrant.grant.revokedBy.name") != "ana" {
		t.Errorf("revoked: %s", revoked.text)
	}
	if got := check(); got != "DENY" {
		t.Errorf("after: %s", got)
	}
	log := w.ok("bo", `query($p: ID!) { decisions(first: 50, filter: {principalId: $p}) { nodes { id at action outcome domain principal { name } resourceId decision { outcome reasons { code } } input } } }`, vars{"p": w.People["bo"].ID})
	if n := len(log.at("decisions.nodes").([]any)); n < 4 {
		t.Errorf("%d decisions in the log: %s", n, log.text)
	}
	feed := w.ok("cy", `{ auditEvents(first: 50) { nodes { sequence action actor { name } subjectId reason decisionId touched { kind id version isDeleted } } pageInfo { hasNextPage endCursor } } }`, nil)
	if !strings.Contains(feed.text, `"reason":"done"`) {
		t.Errorf("the feed does not tell why: %s", feed.text)
	}
}

// TestRejectAndCancel closes requests the other two ways.
func TestRejectAndCancel(t *testing.T) {
	w := newWorld(t)
	rejected := w.ok("ana", `mutation($id: ID!) { rejectAccessRequest(input: {id: $id, comment: "no"}) { accessRequest { status closedAt }`+problems+`} }`, vars{"id": w.request("bo")})
	if rejected.at("rejectAccessRequest.accessRequest.status") != "DENIED" {
		t.Errorf("got %s", rejected.text)
	}
	cancelled := w.ok("bo", `mutation($id: ID!) { cancelAccessRequest(input: {id: $id}) { accessRequest { status }`+problems+`} }`, vars{"id": w.request("bo")})
	if cancelled.at("cancelAccessRequest.accessRequest.status") != "CANCELLED" {
		t.Errorf("got %s", cancelled.text)
	}
}

// TestMeshMutations makes and changes domains, teams and products.
func TestMeshMutations(t *testing.T) {
	w := newWorld(t)
	made := w.ok("cy", `mutation($s: ID!) { createDomain(input: {name: "shop", parentId: $s, description: "The shop."}) { domain { id version name displayName parent { name } domain { name } stewards { id } viewerCan { administer createProduct } }`+problems+`} }`, vars{"s": w.Domains["sales"].ID})
	if made.at("createDomain.domain.parent.name") != "sales" || made.at("createDomain.domain.domain.name") != "shop" {
		t.Errorf("got %s", made.text)
	}
	id := made.str("createDomain.domain.id")
	changed := w.ok("cy", `mutation($i: UpdateDomainInput!) { updateDomain(input: $i) { domain { version parent { id } stewards { name } description }`+problems+`} }`,
		vars{"i": vars{"id": id, "parentId": nil, "stewardIds": []any{w.People["ana"].ID}, "expectedVersion": made.at("createDomain.domain.version")}})
	if changed.at("updateDomain.domain.parent") != nil || changed.at("updateDomain.domain.stewards.0.name") != "ana" || changed.at("updateDomain.domain.description") != "The shop." {
		t.Errorf("null clears and absent stays: got %s", changed.text)
	}
	stale := w.ask("cy", `mutation($i: UpdateDomainInput!) { updateDomain(input: $i) { domain { id }`+problems+`} }`,
		vars{"i": vars{"id": id, "description": "late", "expectedVersion": made.at("createDomain.domain.version")}})
	if stale.code() != "CONFLICT" || cmp.Diff([]any{"input", "expectedVersion"}, stale.at("updateDomain.userErrors.0.path")) != "" || stale.at("updateDomain.domain") != nil {
		t.Errorf("stale version: %s", stale.text)
	}
	for detail, answer := range map[string]reply{
		"STALE": w.ask("cy", `mutation($i: UpdateDomainInput!) { updateDomain(input: $i) { userErrors { code detail } } }`,
			vars{"i": vars{"id": id, "description": "late", "expectedVersion": made.at("createDomain.domain.version")}}),
		"EXISTS": w.ask("cy", `mutation { createDomain(input: {name: "shop", description: "Another."}) { userErrors { code detail } } }`, nil),
	} {
		if want := fmt.Sprintf(`{"code":"CONFLICT","detail":%q}`, detail); !strings.Contains(answer.text, want) {
			t.Errorf("got %s, want %s", answer.text, want)
		}
	}
	team := w.ok("ana", `mutation($d: ID!) { createTeam(input: {name: "crew", domainId: $d}) { team { id name displayName domain { name } }`+problems+`} }`, vars{"d": id})
	table := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "sqlite://shop", Name: "baskets", Kind: model.KindTable,
		Status: model.AssetActive, DomainID: model.ID(id),
	}
	_, err := w.Store.Apply(w.Context(), store.Change{Action: "test.asset", Writes: []store.Write{store.Assets.Put(table)}})
	w.Must(err)
	product := w.ok("ana", `mutation($i: CreateDataProductInput!) { createDataProduct(input: $i) { dataProduct { id status classification visibility owner { name } ownerTeam { name } tags ports { name direction assets { name } } viewerCan { read update publish } publishedAt }`+problems+`} }`,
		vars{"i": vars{
			"name": "baskets", "domainId": id, "description": "Baskets.", "ownerTeamId": team.str("createTeam.team.id"), "tags": []any{"kpi"},
			"ports": []any{vars{"name": "out", "direction": "OUTPUT", "assetIds": []any{table.ID}}},
		}})
	for path, want := range map[string]any{
		"status": "DRAFT", "classification": "INTERNAL", "visibility": "COMPANY", "owner.name": "ana",
		"ownerTeam.name": "crew", "ports.0.assets.0.name": "baskets", "viewerCan.publish": "ALLOW", "publishedAt": nil,
	} {
		if got := product.at("createDataProduct.dataProduct." + path); got != want {
			t.Errorf("product: %s = %v, want %v", path, got, want)
		}
	}
	w.liveAndDie(product.str("createDataProduct.dataProduct.id"))
}

// liveAndDie takes a product through its life.
func (w *world) liveAndDie(id string) {
	w.Helper()
	w.ok("ana", `mutation($i: UpdateDataProductInput!) { updateDataProduct(input: $i) { dataProduct { displayName tags }`+problems+`} }`,
		vars{"i": vars{"id": id, "displayName": "All baskets", "tags": []any{}}})
	for _, step := range [][2]string{{"publish", "PUBLISHED"}, {"deprecate", "DEPRECATED"}, {"retire", "RETIRED"}} {
		title := strings.ToUpper(step[0][:1]) + step[0][1:]
		got := w.ok("ana", "mutation($i: "+title+"DataProductInput!) { p: "+step[0]+"DataProduct(input: $i) { dataProduct { status displayName publishedAt tags }"+problems+"} }", vars{"i": vars{"id": id}})
		if got.at("p.dataProduct.status") != step[1] || got.at("p.dataProduct.displayName") != "All baskets" || got.at("p.dataProduct.publishedAt") == nil {
			w.Errorf("%s: %s", step[0], got.text)
		}
	}
}

// TestIdentityMutations makes a principal, lets them in and shuts them out.
func TestIdentityMutations(t *testing.T) {
	w := newWorld(t)
	made := w.ok("cy", `mutation { createPrincipal(input: {kind: SERVICE, name: "robot", displayName: "Robot", roles: [EMPLOYEE]}) { principal { id name clearance domain { id } teams { id } roles isSuspended email }`+problems+`} }`, nil)
	id := made.str("createPrincipal.principal.id")
	issued := w.ok("cy", `mutation($id: ID!) { issueToken(input: {principalId: $id, name: "key", lifetime: "P30D"}) { token { id name principal { name } expiresAt revokedAt } secret`+problems+`} }`, vars{"id": id})
	w.tokens["robot"] = issued.str("issueToken.secret")
	if got := w.ok("robot", "{ viewer { principal { name kind } viewerCan { administerIdentity readPolicies } } }", nil); got.at("viewer.principal.kind") != "SERVICE" || got.at("viewer.viewerCan.administerIdentity") != "DENY" {
		t.Errorf("got %s", got.text)
	}
	tokens := w.ok("robot", "{ tokens(first: 5) { nodes { name expiresAt } edges { cursor node { id } } } }", nil)
	if tokens.at("tokens.nodes.0.name") != "key" || strings.Contains(tokens.text, w.tokens["robot"]) {
		t.Errorf("got %s", tokens.text)
	}
	w.ok("cy", `mutation($id: ID!) { revokeToken(input: {id: $id}) { token { revokedAt }`+problems+`} }`, vars{"id": issued.str("issueToken.token.id")})
	if got := w.ask("robot", "{ viewer { principal { name } } }", nil); got.status != 401 {
		t.Errorf("a revoked token still opens: %d %s", got.status, got.text)
	}
	changed := w.ok("cy", `mutation($id: ID!) { updatePrincipal(input: {id: $id, isSuspended: true, clearance: CONFIDENTIAL}) { principal { isSuspended clearance displayName }`+problems+`} }`, vars{"id": id})
	if changed.at("updatePrincipal.principal.displayName") != "Robot" || changed.at("updatePrincipal.principal.isSuspended") != true {
		t.Errorf("got %s", changed.text)
	}
}

// database writes a real SQLite file with two tables and a view over them.
func database(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.db")
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err == nil {
		err = sqlitex.ExecuteScript(conn, `create table orders (id integer primary key, cents integer not null);
			create table lines (order_id integer references orders (id), sku text);
			create view totals as select o.id, sum(o.cents) as total from orders o join lines l on l.order_id = o.id group by o.id;`, nil)
	}
	if err == nil {
		err = conn.Close()
	}
	if _, e := os.Stat(path); err != nil || e != nil {
		t.Fatal(err, e)
	}
	return path
}

// TestHarvestMutations sets a source up, checks it, harvests it and looks at
// what came of it.
func TestHarvestMutations(t *testing.T) {
	w := newWorld(t)
	config := vars{"path": database(t), "name": "till"}
	w.ok("cy", `mutation($d: ID!) { assignNamespace(input: {namespace: "sqlite://till", domainId: $d}) { namespace { namespace prefix isPending domain { name } }`+problems+`} }`, vars{"d": w.Domains["sales"].ID})
	tried := w.ok("ana", `mutation($c: JSON!) { checkSourceConfig(input: {plugin: "sqlite", config: $c}) { capabilities { name isOk reason hint } failure { fault code message hint }`+problems+`} }`, vars{"c": config})
	if tried.at("checkSourceConfig.capabilities.0.isOk") != true {
		t.Errorf("got %s", tried.text)
	}
	made := w.ok("ana", `mutation($i: CreateSourceInput!) { createSource(input: $i) { source { id name plugin config secrets { field reference } schedule isPaused lastRun { id } domain { name } viewerCan { administer } }`+problems+`} }`,
		vars{"i": vars{"name": "till", "domainId": w.Domains["sales"].ID, "plugin": "sqlite", "config": config}})
	id := made.str("createSource.source.id")
	if made.at("createSource.source.config.name") != "till" || made.at("createSource.source.lastRun") != nil {
		t.Errorf("got %s", made.text)
	}
	w.ok("ana", `mutation($id: ID!) { checkSource(input: {id: $id}) { capabilities { name isOk } failure { code }`+problems+`} }`, vars{"id": id})
	w.ok("ana", `mutation($id: ID!) { updateSource(input: {id: $id, isPaused: true, schedule: "@daily"}) { source { isPaused schedule }`+problems+`} }`, vars{"id": id})
	w.previewed(id)
	started := w.ok("ana", `mutation($id: ID!) { startHarvest(input: {sourceId: $id}) { run { id status trigger startedBy { name } source { name } }`+problems+`} }`, vars{"id": id})
	last := w.watch("ana", started.str("startHarvest.run.id"))
	if last.at("harvestRun.status") != "SUCCEEDED" || last.at("harvestRun.counts.assets") != 3.0 {
		t.Fatalf("the last event: %s", last.text)
	}
	w.harvested(id)
	w.followed(id)
}

// followed harvests again, which is for what has changed, and then in full at the asker's word.
func (w *world) followed(sourceID string) {
	w.Helper()
	const start = `mutation($id: ID!, $full: Boolean!) { startHarvest(input: {sourceId: $id, isFull: $full}) { run { id }` + problems + `} }`
	for _, full := range []bool{false, true} {
		run := w.ok("ana", start, vars{"id": sourceID, "full": full})
		w.watch("ana", run.str("startHarvest.run.id"))
		got := w.ok("ana", `query($s: ID!) { source(id: $s) { fullEvery fullDueAt lastRun { isFull changesSince status counts { assets } completeScopes } } plugins { name offersChanges } }`, vars{"s": sourceID})
		since := got.at("source.lastRun.changesSince")
		if got.at("source.lastRun.isFull") != full || (since == nil) != full || (got.at("source.lastRun.counts.assets") == 0.0) == full || got.at("source.fullEvery") != "P1D" || got.at("source.fullDueAt") == nil {
			w.Errorf("in full: %v: got %s", full, got.text)
		}
	}
	const set = `mutation($id: ID!, $every: Duration) { updateSource(input: {id: $id, fullEvery: $every}) { source { fullEvery }` + problems + `} }`
	for every, want := range map[string]any{"36h": "P1DT12H", "P30D": "P30D", "59m": nil, "31d": nil} {
		got := w.ask("ana", set, vars{"id": sourceID, "every": every})
		if want == nil && (got.at("updateSource.source") != nil || got.at("updateSource.userErrors.0.code") != "BAD_USER_INPUT") || want != nil && got.at("updateSource.source.fullEvery") != want {
			w.Errorf("%s: got %s", every, got.text)
		}
	}
	if got := w.ok("ana", set, vars{"id": sourceID, "every": nil}); got.at("updateSource.source.fullEvery") != "P1D" {
		w.Errorf("null: got %s", got.text)
	}
}

// previewed looks at what a harvest would do before one is made.
func (w *world) previewed(sourceID string) {
	w.Helper()
	started := w.ok("ana", `mutation($id: ID!) { startHarvest(input: {sourceId: $id, isPreview: true}) { run { id isPreview }`+problems+`} }`, vars{"id": sourceID})
	last := w.watch("ana", started.str("startHarvest.run.id"))
	if started.at("startHarvest.run.isPreview") != true || last.at("harvestRun.status") != "SUCCEEDED" || last.at("harvestRun.counts.assets") != 3.0 {
		w.Errorf("got %s, then %s", started.text, last.text)
	}
	got := w.ok("ana", `query($s: ID!) { source(id: $s) { lastRun { isPreview counts { created } progress { done total what } notes { code count samples } } } assets(first: 10, filter: {namespace: "sqlite://till"}) { nodes { name } } }`, vars{"s": sourceID})
	if got.at("source.lastRun.counts.created") != 3.0 || got.at("source.lastRun.progress.total") != 3.0 || got.at("source.lastRun.notes.0.code") != "would_create" || len(got.at("assets.nodes").([]any)) != 0 {
		w.Errorf("got %s", got.text)
	}
}

// harvested looks at the assets, their lineage and the run in the catalog.
func (w *world) harvested(sourceID string) {
	w.Helper()
	got := w.ok("ana", `query($s: ID!) { asset(namespace: "sqlite://till", name: "totals") { id kind displayName fields { name position nativeType isNullable primaryKeyPosition } sightings { source { name } rank isReference } aliases { scheme name } qualityRules { name } rowCount properties { name value } }
		source(id: $s) { lastRun { status completeScopes notes { title } } } harvestRuns(first: 5, filter: {sourceId: $s}) { nodes { id source { name } } }
		assets(first: 10, filter: {namespace: "sqlite://till"}) { nodes { name domain { name } } } }`, vars{"s": sourceID})
	if got.at("asset.kind") != "VIEW" || got.at("asset.fields.1.name") != "total" || got.at("asset.sightings.0.source.name") != "till" || got.at("source.lastRun.status") != "SUCCEEDED" {
		w.Errorf("got %s", got.text)
	}
	if n := len(got.at("assets.nodes").([]any)); n != 3 {
		w.Errorf("%d assets: %s", n, got.text)
	}
	graph := w.ok("ana", `query($r: ID!) { lineage(rootId: $r, direction: UPSTREAM) { rootId isTruncated truncationReason nodes { id name kind depth domainId isRestricted namespace platform } edges { fromId toId kind confidence methods } } }`, vars{"r": got.at("asset.id")})
	if len(graph.at("lineage.nodes").([]any)) != 3 || len(graph.at("lineage.edges").([]any)) != 2 {
		w.Errorf("got %s", graph.text)
	}
}
