package main

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestProof runs the main job on real parts: the real binary, a real
// PostgreSQL, the artifacts of a real dbt run, on each engine.
func TestProof(t *testing.T) {
	for engine, store := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			p := newProof(t, store(t))
			p.found()
			p.harvestBoth()
			p.countsAgree()
			p.oneNodeWhereBothMeet()
			p.secondHarvestChangesNothing()
			p.droppingATableRetiresExactlyThat()
			p.faultsRetireNothing()
			p.trade()
			p.everyStepIsOnRecord()
			p.outlivesARestart()
		})
	}
}

// engines gives the stores to prove it on.
func engines(t *testing.T) map[string]func(*testing.T) string {
	t.Helper()
	return map[string]func(*testing.T) string{
		"sqlite": func(t *testing.T) string {
			t.Helper()
			return "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
		},
		"mongodb": func(t *testing.T) string {
			t.Helper()
			address := os.Getenv("SOUK_TEST_MONGODB_URI")
			if address == "" {
				missing(t, "SOUK_TEST_MONGODB_URI", ".ci/mongod starts a server and prints it")
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal("SOUK_TEST_MONGODB_URI is no URI")
			}
			u.Path = "/souk_proof_" + strings.ToLower(rand.Text()[:12])
			return u.String()
		},
	}
}

// proof is one company on one server.
type proof struct {
	t       *testing.T
	store   string
	env     []string
	db      *freight
	server  *running
	admin   person
	olga    person // steward of operations
	finn    person // of marketing
	domains map[string]string
	sources map[string]string // name to id
	total   int               // assets after the first harvests
	product string
}

func newProof(t *testing.T, store string) *proof {
	t.Helper()
	p := &proof{
		t: t, store: store, db: newFreight(t), domains: map[string]string{}, sources: map[string]string{},
		env: []string{"SOUK_SECRET_FREIGHT=" + harvesterPassword, "SOUK_SECRET_BINDINGS=env:SOUK_SECRET_*=operations@127.0.0.1:*", "SOUK_SOURCE_FOLDERS=operations=" + freightFolder(t)},
	}
	var token string
	p.server, token = serving(t, store, p.env...)
	p.admin = person{r: p.server, token: token}
	return p
}

// found makes two domains with a person each.
func (p *proof) found() {
	for _, name := range []string{"operations", "marketing"} {
		var made struct{ Domain struct{ ID string } }
		p.admin.do("createDomain", "CreateDomainInput", map[string]any{"name": name, "displayName": name, "description": "The " + name + " of the company."}, "domain { id }", &made)
		p.domains[name] = made.Domain.ID
	}
	p.olga = p.hire("olga@operations", "operations")
	p.finn = p.hire("finn@marketing", "marketing")
	p.admin.do("updateDomain", "UpdateDomainInput", map[string]any{"id": p.domains["operations"], "stewardIds": []string{p.olga.id}}, "domain { id }", &struct{}{})
}

func (p *proof) hire(name, domain string) person {
	var made struct{ Principal struct{ ID string } }
	p.admin.do("createPrincipal", "CreatePrincipalInput",
		map[string]any{"kind": "PERSON", "name": name, "domainId": p.domains[domain], "roles": []string{"EMPLOYEE"}, "clearance": "CONFIDENTIAL"}, "principal { id }", &made)
	var issued struct{ Secret string }
	p.admin.do("issueToken", "IssueTokenInput", map[string]any{"principalId": made.Principal.ID, "name": "proof", "lifetime": "P1D"}, "secret", &issued)
	return person{r: p.server, token: issued.Secret, id: made.Principal.ID}
}

type harvestRun struct {
	ID, Status string
	IsFull     bool
	Counts     struct{ Assets, Fields, Edges, QualityRules, Created, Updated, Unchanged, Retired int }
	Notes      []struct{ Code, Title string }
	Failure    *struct{ Fault, Code, Message, Fix string }
}

// freightFolder holds what dbt has written about the company's database.
func freightFolder(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("testdata/freight")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func (p *proof) harvestBoth() {
	target := freightFolder(p.t)
	for _, namespace := range []string{p.db.namespace, "dbt://freight"} {
		p.admin.do("assignNamespace", "AssignNamespaceInput", map[string]any{"namespace": namespace, "domainId": p.domains["operations"]}, "namespace { id }", &struct{}{})
	}
	p.addSource(p.admin, "freight", map[string]any{"plugin": "postgres", "config": map[string]any{"url": p.db.url, "transport": "clear"}, "secrets": []any{map[string]any{"field": "password", "reference": "env:SOUK_SECRET_FREIGHT"}}})
	p.addSource(p.olga, "analytics", map[string]any{"plugin": "dbt", "config": map[string]any{"path": target, "namespace": p.db.namespace}})
	for _, source := range []string{"analytics", "freight"} {
		run := p.harvest(source)
		if run.Status != "SUCCEEDED" {
			p.t.Fatalf("harvest of %s: %+v", source, run)
		}
	}
	p.total = len(p.assets(nil))
}

// addSource sets a source up. A password in clear, to a server on the same
// machine, is for an administrator to allow.
func (p *proof) addSource(by person, name string, input map[string]any) {
	input["name"], input["domainId"] = name, p.domains["operations"]
	var made struct{ Source struct{ ID string } }
	by.do("createSource", "CreateSourceInput", input, "source { id }", &made)
	p.sources[name] = made.Source.ID
}

// harvest reads everything.
func (p *proof) harvest(source string) harvestRun {
	p.t.Helper()
	return p.run(source, true)
}

func (p *proof) run(source string, full bool) harvestRun {
	p.t.Helper()
	var started struct{ Run struct{ ID string } }
	p.olga.do("startHarvest", "StartHarvestInput", map[string]any{"sourceId": p.sources[source], "isFull": full}, "run { id }", &started)
	var got struct{ HarvestRun harvestRun }
	eventually(p.t, time.Minute, "the harvest of "+source+" ends", func() bool {
		p.olga.ask(`query($id: ID!) { harvestRun(id: $id) { id status isFull notes { code title } failure { fault code message fix }
			counts { assets fields edges qualityRules created updated unchanged retired } } }`, map[string]any{"id": started.Run.ID}, &got)
		return got.HarvestRun.Status != "RUNNING"
	})
	return got.HarvestRun
}

type asset struct {
	ID, Name, Namespace, Kind, Status string
	Fields                            []struct{ Name string }
	ForeignKeys                       []struct{ ToName string }
	Parent                            *struct{ Name string }
	Definition                        string
	Indexes                           []struct{ Name string }
}

// assets reads every page of the list.
func (p *proof) assets(filter map[string]any) []asset {
	p.t.Helper()
	var all []asset
	variables := map[string]any{"filter": filter}
	for {
		var got struct {
			Assets struct {
				Nodes    []asset
				PageInfo struct {
					HasNextPage bool
					EndCursor   *string
				}
			}
		}
		p.olga.ask(`query($filter: AssetFilter, $after: String) { assets(filter: $filter, first: 20, after: $after) {
			nodes { id name namespace kind status fields { name } foreignKeys { toName }
			parent { name } definition indexes { name } } pageInfo { hasNextPage endCursor } } }`, variables, &got)
		all = append(all, got.Assets.Nodes...)
		if !got.Assets.PageInfo.HasNextPage {
			return all
		}
		variables["after"] = got.Assets.PageInfo.EndCursor
	}
}

// oneNodeWhereBothMeet looks at a table that dbt reads, by both of its names,
// and walks from it across the border.
func (p *proof) oneNodeWhereBothMeet() {
	var got struct {
		Asset struct {
			ID        string
			Sightings []struct{ Source struct{ Name string } }
			Aliases   []struct{ Scheme, Name string }
		}
	}
	p.olga.ask(`query($namespace: String!) { asset(namespace: $namespace, name: "freight.ops.shipment") { id sightings { source { name } } aliases { scheme name } } }`, map[string]any{"namespace": p.db.namespace}, &got)
	var sources, schemes []string
	for _, s := range got.Asset.Sightings {
		sources = append(sources, s.Source.Name)
	}
	for _, a := range got.Asset.Aliases {
		schemes = append(schemes, a.Scheme)
	}
	slices.Sort(sources)
	slices.Sort(schemes)
	if fmt.Sprint(sources) != "[analytics freight]" || fmt.Sprint(slices.Compact(schemes)) != "[DBT OPENLINEAGE]" {
		p.t.Errorf("freight.ops.shipment is seen by %v under %v", sources, schemes)
	}
	names := p.downstream(got.Asset.ID)
	for _, want := range []string{"freight.ops.open_shipment", "freight.ops.dispatcher_board", "freight.analytics_marts.customer_value", "board_report"} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, want) }) {
			p.t.Errorf("%s is not downstream of the shipments; these are: %v", want, names)
		}
	}
	twins := 0
	for _, a := range p.assets(map[string]any{"namePrefix": "freight.Legacy CRM."}) {
		if strings.EqualFold(a.Name, "freight.Legacy CRM.Contact Person") {
			twins++
		}
	}
	if twins != 2 {
		p.t.Errorf("\"Contact Person\" and \"contact person\" are %d assets, want 2", twins)
	}
}

func (p *proof) downstream(root string) []string {
	var got struct {
		Lineage struct{ Nodes []struct{ Name string } }
	}
	p.olga.ask(`query($id: ID!) { lineage(rootId: $id, direction: DOWNSTREAM, depth: 10, maxNodes: 200) { nodes { name } } }`, map[string]any{"id": root}, &got)
	var names []string
	for _, n := range got.Lineage.Nodes {
		names = append(names, n.Name)
	}
	return names
}

func (p *proof) secondHarvestChangesNothing() {
	for _, source := range []string{"freight", "analytics"} {
		c := p.harvest(source).Counts
		if c.Created+c.Updated+c.Retired != 0 || c.Unchanged == 0 {
			p.t.Errorf("a second harvest of %s: %+v", source, c)
		}
	}
	// The plugin of dbt knows by the files that nothing has changed, and says no more.
	if run := p.run("analytics", false); run.Status != "SUCCEEDED" || run.IsFull || run.Counts.Assets+run.Counts.Retired != 0 {
		p.t.Errorf("a harvest of what has changed: %+v", run)
	}
	if n := len(p.assets(nil)); n != p.total {
		p.t.Errorf("after it there are %d assets, before %d", n, p.total)
	}
}

func (p *proof) retired() []string {
	var names []string
	for _, a := range p.assets(map[string]any{"status": "RETIRED"}) {
		names = append(names, a.Name)
	}
	return names
}

func (p *proof) droppingATableRetiresExactlyThat() {
	p.db.exec(p.db.Conn, "drop table raw.fuel_price")
	if run := p.harvest("freight"); run.Status != "SUCCEEDED" || run.Counts.Retired != 1 {
		p.t.Errorf("after dropping a table: %+v", run)
	}
	if got := p.retired(); fmt.Sprint(got) != "[freight.raw.fuel_price]" {
		p.t.Errorf("retired: %v", got)
	}
}

// faultsRetireNothing takes a privilege away, then the address, then the secret.
func (p *proof) faultsRetireNothing() {
	p.db.exec(p.db.Conn, "revoke usage on schema finance from souk_proof")
	run := p.harvest("freight")
	if len(run.Notes) == 0 && run.Failure == nil {
		p.t.Errorf("a lost privilege goes unnoticed: %+v", run)
	}
	p.db.exec(p.db.Conn, "grant usage on schema finance to souk_proof")
	p.admin.do("updateSource", "UpdateSourceInput", map[string]any{"id": p.sources["freight"], "config": map[string]any{"url": "postgres://souk_proof@127.0.0.1:1/freight", "connectTimeout": "2s"}}, "source { id }", &struct{}{})
	if run = p.harvest("freight"); run.Failure == nil || run.Failure.Fault != "SOURCE" || run.Failure.Fix == "" {
		p.t.Errorf("an unreachable server: %+v", run)
	}
	p.admin.do("updateSource", "UpdateSourceInput", map[string]any{"id": p.sources["freight"], "config": map[string]any{"url": p.db.url, "transport": "clear"}, "secrets": []any{map[string]any{"field": "password", "reference": "env:SOUK_SECRET_ABSENT"}}}, "source { id }", &struct{}{})
	if run = p.harvest("freight"); run.Failure == nil || run.Failure.Fault != "CONFIG" || !strings.Contains(run.Failure.Message, "password") {
		p.t.Errorf("a missing secret: %+v", run)
	}
	if got := p.retired(); fmt.Sprint(got) != "[freight.raw.fuel_price]" {
		p.t.Errorf("faults have retired: %v", got)
	}
	p.admin.do("updateSource", "UpdateSourceInput", map[string]any{"id": p.sources["freight"], "secrets": []any{map[string]any{"field": "password", "reference": "env:SOUK_SECRET_FREIGHT"}}}, "source { id }", &struct{}{})
	if run = p.harvest("freight"); run.Status != "SUCCEEDED" || run.Counts.Retired != 0 {
		p.t.Errorf("once mended: %+v", run)
	}
}

// trade publishes a product, and lets somebody of another domain be refused,
// ask, be allowed and lose it again.
func (p *proof) trade() {
	var shipment struct{ Asset struct{ ID string } }
	p.olga.ask(`query($namespace: String!) { asset(namespace: $namespace, name: "freight.ops.shipment") { id } }`, map[string]any{"namespace": p.db.namespace}, &shipment)
	var made struct{ DataProduct struct{ ID, Status string } }
	p.olga.do("createDataProduct", "CreateDataProductInput", map[string]any{
		"name": "shipments", "domainId": p.domains["operations"], "displayName": "Shipments", "description": "Every consignment with its state.",
		"classification": "CONFIDENTIAL", "ports": []any{map[string]any{"name": "tables", "direction": "OUTPUT", "assetIds": []string{shipment.Asset.ID}}},
	}, "dataProduct { id status }", &made)
	p.product = made.DataProduct.ID
	p.olga.do("publishDataProduct", "PublishDataProductInput", map[string]any{"id": p.product}, "dataProduct { id status }", &made)
	if made.DataProduct.Status != "PUBLISHED" {
		p.t.Errorf("published, the product is %s", made.DataProduct.Status)
	}
	p.mayRead("DENY")
	for _, purpose := range []string{"", "  "} {
		refused := p.finn.try(`mutation($input: RequestAccessInput!) { requestAccess(input: $input) { userErrors { path } } }`, map[string]any{"input": map[string]any{"productId": p.product, "purpose": purpose, "duration": "P7D"}})
		if len(refused.Errors) == 0 && !strings.Contains(string(refused.Data), "purpose") {
			p.t.Errorf("a request for the purpose %q: %s", purpose, refused.Data)
		}
	}
	var asked struct{ AccessRequest struct{ ID, Status string } }
	p.finn.do("requestAccess", "RequestAccessInput", map[string]any{"productId": p.product, "purpose": "Plan the autumn campaign by region.", "duration": "P7D"}, "accessRequest { id status }", &asked)
	if asked.AccessRequest.Status != "PENDING" {
		p.t.Errorf("requested, the request is %s", asked.AccessRequest.Status)
	}
	p.mayRead("DENY")
	own := p.finn.try(`mutation($input: ApproveAccessRequestInput!) { approveAccessRequest(input: $input) { userErrors { code } } }`, map[string]any{"input": map[string]any{"id": asked.AccessRequest.ID}})
	if len(own.Errors) == 0 || own.Errors[0].Extensions.Code != "FORBIDDEN" || len(own.Errors[0].Extensions.Reasons) == 0 {
		p.t.Errorf("approving one's own request: %+v", own)
	}
	var approved struct {
		AccessRequest struct {
			Status string
			Grant  struct{ ID, EndsAt string }
		}
	}
	p.olga.do("approveAccessRequest", "ApproveAccessRequestInput", map[string]any{"id": asked.AccessRequest.ID, "comment": "A good reason."}, "accessRequest { status grant { id endsAt } }", &approved)
	if approved.AccessRequest.Status != "APPROVED" || approved.AccessRequest.Grant.EndsAt == "" {
		p.t.Errorf("approved: %+v", approved)
	}
	p.mayRead("ALLOW")
	p.olga.do("revokeGrant", "RevokeGrantInput", map[string]any{"id": approved.AccessRequest.Grant.ID, "reason": "The campaign is over."}, "grant { status }", &struct{}{})
	p.mayRead("DENY")
}

func (p *proof) mayRead(want string) {
	p.t.Helper()
	var got struct {
		Decision struct {
			Outcome string
			Reasons []struct{ Code, Message string }
		}
	}
	p.finn.do("checkAccess", "CheckAccessInput", map[string]any{"productId": p.product, "purpose": "campaign planning"}, "decision { outcome reasons { code message } }", &got)
	if got.Decision.Outcome != want || (want == "DENY" && len(got.Decision.Reasons) == 0) {
		p.t.Errorf("reading: got %+v, want %s", got.Decision, want)
	}
}

func (p *proof) everyStepIsOnRecord() {
	var feed struct {
		AuditEvents struct {
			Nodes []struct {
				Sequence int64
				Action   string
			}
		}
		Decisions struct {
			Nodes []struct{ Action, Outcome string }
		}
	}
	p.admin.ask(`{ auditEvents(first: 200) { nodes { sequence action } } decisions(first: 200) { nodes { action outcome } } }`, nil, &feed)
	var actions, decisions []string
	for i, e := range feed.AuditEvents.Nodes {
		actions = append(actions, e.Action)
		if i > 0 && e.Sequence != feed.AuditEvents.Nodes[i-1].Sequence-1 {
			p.t.Errorf("the feed jumps from %d to %d", feed.AuditEvents.Nodes[i-1].Sequence, e.Sequence)
		}
	}
	for _, d := range feed.Decisions.Nodes {
		decisions = append(decisions, d.Action+" "+d.Outcome)
	}
	for _, want := range []string{"domain.create", "principal.create", "token.issue", "source.create", "source.update", "product.create", "product.publish", "access.request", "request.approve", "grant.revoke"} {
		if !slices.Contains(actions, want) {
			p.t.Errorf("no %s in the audit feed: %v", want, slices.Compact(slices.Sorted(slices.Values(actions))))
		}
	}
	for _, want := range []string{"product.publish ALLOW", "data.read DENY", "access.request NEEDS_APPROVAL", "request.approve DENY", "request.approve ALLOW", "data.read ALLOW", "grant.revoke ALLOW"} {
		if !slices.Contains(decisions, want) {
			p.t.Errorf("no %s in the decision log: %v", want, slices.Compact(slices.Sorted(slices.Values(decisions))))
		}
	}
}

// outlivesARestart stops the server and starts it again on the same store. No
// secret must have been written anywhere on the way.
func (p *proof) outlivesARestart() {
	p.server.stop()
	said := p.server.errs.String()
	var token string
	p.server, token = serving(p.t, p.store, p.env...)
	if token != "" {
		p.t.Error("a second start prints a token")
	}
	p.admin.r, p.olga.r, p.finn.r = p.server, p.server, p.server
	p.mayRead("DENY")
	if n := len(p.assets(nil)); n != p.total {
		p.t.Errorf("after a restart there are %d assets, before %d", n, p.total)
	}
	for what, text := range map[string]string{"the log": said, "the store": p.onDisk()} {
		for _, secret := range []string{harvesterPassword, p.olga.token} {
			if strings.Contains(text, secret) {
				p.t.Errorf("%s holds a secret", what)
			}
		}
	}
}

func (p *proof) onDisk() string {
	path, ok := strings.CutPrefix(p.store, "sqlite:")
	if !ok {
		return ""
	}
	var all strings.Builder
	for _, name := range []string{path, path + "-wal"} {
		text, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			p.t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
