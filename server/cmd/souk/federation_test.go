package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestFederation lives through what the rules of a domain live through, on the
// real program and on each engine: they are written, break, are mended,
// assessed, voted on, tried, put in force, survive a crash and are taken back.
func TestFederation(t *testing.T) {
	for engine, store := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			f := newFederation(t, store(t))
			f.settle()
			f.trade()
			f.brokenRulesChangeNothing()
			f.opensToATeam()
			f.onlyOneOfTwoWins()
			f.tightens()
			f.diesAndComesBack()
			f.othersDecideAlike()
			f.rollsBack()
			f.rollsBackToWhatAnotherEngineChecked()
			f.outlivesRulesThatDoNotLoad()
			f.stopsAmidstAnAssessment()
			f.keepsSecrets()
		})
	}
}

// federation is a company of two domains on one server. Sam and Sue are
// stewards of sales, Mo is of marketing, Pia and Pete are of the platform. Mia
// and Nils are analysts in marketing.
type federation struct {
	t        *testing.T
	store    string
	key      string // the file with the key of the bundles
	env      []string
	logs     string // what servers said that have ended
	server   *running
	admin    person
	people   map[string]person
	domains  map[string]string
	products map[string]string
	grant    string // Mia's
	rules    string // where Sam keeps folders of rules
	sound    string // the folder that opens the customers to the analysts
	opens    string // the proposal that opened the customers to a team
	open     string // its revision
	raced    string // the revision that won the race
	trial    string // the proposal on trial
	files    string // the folder that sources of sales may read
}

func newFederation(t *testing.T, store string, env ...string) *federation {
	t.Helper()
	f := &federation{
		t: t, store: store, people: map[string]person{}, domains: map[string]string{}, products: map[string]string{}, rules: t.TempDir(),
		key: filepath.Join(t.TempDir(), "bundles.pem"), files: t.TempDir(),
	}
	f.env = []string{"SOUK_SOURCE_FOLDERS=sales=" + f.files, "SOUK_BUNDLE_KEY=" + f.key, "SOUK_LOG_LEVEL=debug", "SOUK_LOG_FORMAT=json"}
	f.env = append(f.env, env...)
	var token string
	f.server, token = serving(t, store, f.env...)
	f.admin = person{r: f.server, token: token}
	return f
}

// settle makes the domains and hires everybody.
func (f *federation) settle() {
	for _, name := range []string{"sales", "marketing"} {
		var made struct{ Domain struct{ ID string } }
		f.admin.do("createDomain", "CreateDomainInput", map[string]any{"name": name, "description": "What the company calls " + name + "."}, "domain { id }", &made)
		f.domains[name] = made.Domain.ID
	}
	var team struct{ Team struct{ ID string } }
	f.admin.do("createTeam", "CreateTeamInput", map[string]any{"name": "analysts", "domainId": f.domains["marketing"]}, "team { id }", &team)
	for name, input := range map[string]map[string]any{
		"sam": {"domainId": f.domains["sales"]}, "sue": {"domainId": f.domains["sales"]}, "mo": {"domainId": f.domains["marketing"]},
		"mia":  {"domainId": f.domains["marketing"], "teamIds": []string{team.Team.ID}},
		"nils": {"domainId": f.domains["marketing"], "teamIds": []string{team.Team.ID}},
		"pia":  {"roles": []string{"STEWARD"}}, "pete": {"roles": []string{"STEWARD"}},
		"sidecar": {"kind": "SERVICE", "roles": []string{"PEP"}},
	} {
		f.hire(name, input)
	}
	for domain, stewards := range map[string][]string{"sales": {f.people["sam"].id, f.people["sue"].id}, "marketing": {f.people["mo"].id}} {
		f.admin.do("updateDomain", "UpdateDomainInput", map[string]any{"id": f.domains[domain], "stewardIds": stewards}, "domain { id }", &struct{}{})
	}
}

func (f *federation) hire(name string, input map[string]any) {
	principal := map[string]any{"kind": "PERSON", "name": name, "clearance": "CONFIDENTIAL"}
	maps.Copy(principal, input)
	var made struct{ Principal struct{ ID string } }
	f.admin.do("createPrincipal", "CreatePrincipalInput", principal, "principal { id }", &made)
	var issued struct{ Secret string }
	f.admin.do("issueToken", "IssueTokenInput", map[string]any{"principalId": made.Principal.ID, "name": "proof", "lifetime": "P1D"}, "secret", &issued)
	f.people[name] = person{r: f.server, token: issued.Secret, id: made.Principal.ID}
}

// campaign is what Mia and Nils want the data for.
const campaign = "Plan the autumn campaign."

// trade makes decisions that are worth replaying: two products, a refusal, and
// a request that becomes a grant.
func (f *federation) trade() {
	f.harvest()
	for name, classification := range map[string]string{"orders": "INTERNAL", "customers": "CONFIDENTIAL"} {
		var made struct{ DataProduct struct{ ID string } }
		f.people["sam"].do("createDataProduct", "CreateDataProductInput", map[string]any{
			"name": name, "domainId": f.domains["sales"], "description": "All of the " + name + " that sales knows.", "classification": classification,
			"ports": []any{map[string]any{"name": "tables", "direction": "OUTPUT", "assetIds": []string{f.asset(name)}}},
		}, "dataProduct { id }", &made)
		f.products[name] = made.DataProduct.ID
		f.people["sam"].do("publishDataProduct", "PublishDataProductInput", map[string]any{"id": made.DataProduct.ID}, "dataProduct { id }", &made)
	}
	f.reads("mia", "customers", "DENY no.rule")
	var asked struct{ AccessRequest struct{ ID string } }
	f.people["mia"].do("requestAccess", "RequestAccessInput", map[string]any{"productId": f.products["customers"], "purpose": campaign, "duration": "P7D"}, "accessRequest { id }", &asked)
	own := f.people["mia"].try(`mutation($input: ApproveAccessRequestInput!) { approveAccessRequest(input: $input) { userErrors { code } } }`, map[string]any{"input": map[string]any{"id": asked.AccessRequest.ID}})
	if !strings.Contains(reasonsOf(own), "request.own") {
		f.t.Errorf("Mia approves her own request: %+v", own)
	}
	var approved struct {
		AccessRequest struct{ Grant struct{ ID string } }
	}
	f.people["sue"].do("approveAccessRequest", "ApproveAccessRequestInput", map[string]any{"id": asked.AccessRequest.ID}, "accessRequest { grant { id } }", &approved)
	f.grant = approved.AccessRequest.Grant.ID
	f.reads("mia", "customers", "ALLOW read.grant")
	f.reads("nils", "customers", "DENY no.rule")
	f.reads("sam", "customers", "ALLOW read.member")
	f.explains("nils", "data.read", "was refused", "no.rule")
}

// explains has somebody ask why their last question came out as it did.
func (f *federation) explains(who, action string, says ...string) {
	f.t.Helper()
	var last struct {
		Decisions struct{ Nodes []struct{ ID string } }
	}
	filter := map[string]any{"action": action, "principalId": f.people[who].id}
	f.people[who].ask(`query($filter: DecisionFilter) { decisions(filter: $filter, first: 1) { nodes { id } } }`, map[string]any{"filter": filter}, &last)
	if len(last.Decisions.Nodes) != 1 {
		f.t.Fatalf("%s finds no decision about %s", who, action)
	}
	f.souk(who, "policy", "explain", last.Decisions.Nodes[0].ID).must(f.t, 0, says...)
}

// reads asks whether somebody may read, and wants the outcome and the codes of
// the reasons. Each answer is a row of the decision log.
func (f *federation) reads(who, product, want string) {
	f.t.Helper()
	if got := f.answer(who, product); got != want {
		f.t.Errorf("%s reads the %s: got %s, want %s", who, product, got, want)
	}
}

func (f *federation) answer(who, product string) string {
	f.t.Helper()
	var got struct {
		Decision struct {
			Outcome string
			Reasons []struct{ Code, Message string }
		}
	}
	f.people[who].do("checkAccess", "CheckAccessInput", map[string]any{"productId": f.products[product], "purpose": campaign}, "decision { outcome reasons { code message } }", &got)
	var text strings.Builder
	text.WriteString(got.Decision.Outcome)
	for _, r := range got.Decision.Reasons {
		if r.Message == "" {
			f.t.Errorf("the reason %s says nothing to people", r.Code)
		}
		text.WriteString(" " + r.Code)
	}
	return text.String()
}

func reasonsOf(a answer) string {
	var words []string
	for _, e := range a.Errors {
		words = append(words, e.Extensions.Code)
		for _, r := range e.Extensions.Reasons {
			words = append(words, r.Code)
		}
	}
	return strings.Join(words, " ")
}

// standing is everything that broken rules must not change: what decides, and
// how it does.
func (f *federation) standing() string {
	f.t.Helper()
	s := f.state()
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s %s", s.Active.ID, s.ServingHash, s.Problem)
	for _, who := range []string{"mia", "nils", "sam"} {
		for _, product := range []string{"customers", "orders"} {
			text.WriteString("\n" + who + " " + product + " " + f.answer(who, product))
		}
	}
	return text.String()
}

type policyState struct {
	ServingHash, Problem string
	Active, OnTrial      struct{ ID string }
	PastIDs              []string `json:"pastIds"`
}

func (f *federation) state() policyState {
	f.t.Helper()
	var got struct{ PolicyState policyState }
	f.people["sue"].ask(`{ policyState(domain: "sales") { servingHash problem active { id } onTrial { id } pastIds } }`, nil, &got)
	return got.PolicyState
}

// souk runs a command as somebody would at their desk.
func (f *federation) souk(who string, args ...string) said {
	f.t.Helper()
	env := []string{"SOUK_STORE=" + f.store}
	if who != "" {
		env = append(env, "SOUK_TOKEN="+f.people[who].token)
		args = append(args, "--url", f.server.url)
	}
	return invoke(f.t, env, args...)
}

// write starts a folder of rules from a template.
func (f *federation) write(template string, settings ...string) string {
	f.t.Helper()
	dir := filepath.Join(f.rules, strings.ReplaceAll(template+strings.Join(settings, "-"), "/", "-"))
	args := []string{"policy", "new", "--template", template, "--domain", "sales", dir}
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	f.souk("", args...).must(f.t, 0, "wrote")
	return dir
}

// mistakes are the files of testdata/federation, the command that finds out,
// and what it says.
var mistakes = []struct {
	file, command string
	says          []string
}{
	{"typo.rego", "check", []string{"domains/sales/typo.rego:7: error: undefined ref: input.subjct", "did you mean input.subject?"}},
	{"wrong_package.rego", "check", []string{"wrong_package.rego:1: error", "its folder belongs to package souk.domains.sales"}},
	{"old_syntax.rego", "check", []string{"old_syntax.rego:5: error", "this is Rego v0; write Rego v1"}},
	{"foreign.rego", "check", []string{"foreign.rego:7: error", "data.souk.domains.marketing.allow", "may use only itself"}},
	{"circle.rego", "check", []string{"circle.rego:10: error", "recursive", "break the circle"}},
	{"accident_test.rego", "test", []string{"accident_test.rego:6: error: test_nothing_at_all passes whatever the rules say"}},
	{"undenied.rego", "test", []string{"undenied.rego:8: error: no test reaches lines 8 to 10 of a rule that denies"}},
	{"loop.rego", "publish", []string{"product_test.rego:6: error: test_stewards_run_the_products", "took longer than"}},
}

// brokenRulesChangeNothing makes every mistake there is, hears of each with its
// file and line, and wants the server to refuse it as well. The store has no part
// in what is found, only in what is kept: beside one engine, one mistake will do.
func (f *federation) brokenRulesChangeNothing() {
	f.sound = f.write("by_team", "teams=marketing/analysts")
	before := f.standing()
	made := mistakes
	if !strings.HasPrefix(f.store, "sqlite:") {
		made = mistakes[:1]
	}
	for _, m := range made {
		text, err := os.ReadFile(filepath.Join("testdata/federation", m.file))
		if err != nil {
			f.t.Fatal(err)
		}
		path := filepath.Join(f.sound, "domains/sales", m.file)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			f.t.Fatal(err)
		}
		if m.command != "publish" {
			f.souk("", "policy", m.command, f.sound).must(f.t, 1, m.says...)
		}
		f.souk("sam", "policy", "publish", f.sound, "--title", m.file).must(f.t, 1, m.says...)
		if err := os.Remove(path); err != nil {
			f.t.Fatal(err)
		}
	}
	if after := f.standing(); after != before {
		f.t.Errorf("broken rules have changed something:\n%s\nwas\n%s", after, before)
	}
}

// proposal drafts, checks, tests and assesses the folder, and gives the
// proposal's id and what was said.
func (f *federation) proposal(who, dir string) (string, said) {
	f.t.Helper()
	got := f.souk(who, "policy", "impact", dir)
	_, rest, _ := strings.Cut(got.stdout, "The proposal ")
	id, _, ok := strings.Cut(rest, " ")
	if got.status != 0 || !ok {
		f.t.Fatalf("souk policy impact: %+v", got)
	}
	return id, got
}

// opensToATeam takes sound rules all the way. They open confidential data, so
// the platform wants two of its own stewards to agree.
func (f *federation) opensToATeam() {
	id, report := f.proposal("sam", f.sound)
	report.must(f.t, 0, "0 errors", "0 failed", "data.read on confidential data by marketing/analysts would be allowed", "1 live grant", "it allows more than before on confidential or restricted data")
	before := f.standing()
	f.souk("sam", "policy", "publish", "--proposal", id).must(f.t, 1, "only an approved one comes into force")
	f.opens = id
	seen := f.report(id)
	f.vote("sam", id, seen, "FORBIDDEN policy.own")
	f.vote("nils", id, seen, "FORBIDDEN")
	f.vote("sue", id, seen, "")
	f.people["sam"].assess(id) // Nils was refused once more meanwhile
	f.vote("sue", id, seen, "CONFLICT input.reportHash")
	f.approve(id, "sue", "mo", "pia")
	if got := f.people["sam"].activate(id); !strings.Contains(got, "CONFLICT input.status") {
		f.t.Errorf("with the word of one platform steward: %q", got)
	}
	f.approve(id, "pete")
	if after := f.standing(); after != before {
		f.t.Errorf("votes have changed something:\n%s\nwas\n%s", after, before)
	}
	f.souk("sam", "policy", "publish", "--proposal", id).must(f.t, 0, "active")
	f.reads("nils", "customers", "ALLOW read.team")
	f.reads("nils", "orders", "ALLOW read.team")
	f.open = f.state().Active.ID
}

// report gives the hash that approvers sign.
func (f *federation) report(id string) string {
	f.t.Helper()
	var got struct {
		PolicyProposal struct{ Impact struct{ Hash string } }
	}
	f.people["sue"].ask(`query($id: ID!) { policyProposal(id: $id) { impact { hash } } }`, map[string]any{"id": id}, &got)
	return got.PolicyProposal.Impact.Hash
}

// vote approves, and wants to hear what is named: nothing when it is "".
func (f *federation) vote(who, id, hash, want string) {
	f.t.Helper()
	got := f.people[who].change("approvePolicy", "ApprovePolicyInput", map[string]any{"id": id, "reportHash": hash})
	if (want == "") != (got == "") || !strings.Contains(got, want) {
		f.t.Errorf("%s approves: got %q, want %q", who, got, want)
	}
}

func (f *federation) approve(id string, who ...string) {
	f.t.Helper()
	hash := f.report(id)
	for _, name := range who {
		f.vote(name, id, hash, "")
	}
}

// change tries a mutation and gives in words what kept it from happening.
func (p person) change(name, input string, variables map[string]any) string {
	p.r.t.Helper()
	query := fmt.Sprintf("mutation M($input: %s!) { %s(input: $input) { userErrors { code message path } } }", input, name)
	a := p.try(query, map[string]any{"input": variables})
	if len(a.Errors) > 0 {
		return reasonsOf(a)
	}
	var data map[string]payload
	if err := json.Unmarshal(a.Data, &data); err != nil {
		p.r.t.Fatalf("%s: %v", name, err)
	}
	var words []string
	for _, e := range data[name].UserErrors {
		words = append(words, e.Code, strings.Join(e.Path, "."), e.Message)
	}
	return strings.Join(words, " ")
}

func (p person) activate(id string) string {
	p.r.t.Helper()
	return p.change("activatePolicy", "ActivatePolicyInput", map[string]any{"id": id})
}

// assess has the past replayed, and waits for the report.
func (p person) assess(id string) {
	p.r.t.Helper()
	begun := time.Now().Truncate(time.Millisecond)
	if why := p.change("assessPolicy", "AssessPolicyInput", map[string]any{"id": id}); why != "" {
		p.r.t.Fatalf("assess: %s", why)
	}
	var got struct {
		PolicyProposal struct{ Impact *struct{ MadeAt time.Time } }
	}
	eventually(p.r.t, time.Minute, "the report is there", func() bool {
		p.ask(`query($id: ID!) { policyProposal(id: $id) { impact { madeAt } } }`, map[string]any{"id": id}, &got)
		return got.PolicyProposal.Impact != nil && !got.PolicyProposal.Impact.MadeAt.Before(begun)
	})
}

// onlyOneOfTwoWins puts two approved proposals in force at the same moment.
func (f *federation) onlyOneOfTwoWins() {
	var ids []string
	for _, season := range []string{"spring", "summer"} {
		dir := f.write("by_team", "teams=marketing/analysts,marketing/"+season)
		id, _ := f.proposal("sam", dir)
		f.approve(id, "sue", "mo", "pia")
		ids = append(ids, id)
	}
	said := make([]string, len(ids))
	var both sync.WaitGroup
	for i, who := range []string{"sam", "sue"} {
		both.Go(func() { said[i] = f.people[who].activate(ids[i]) })
	}
	both.Wait()
	lost := slices.DeleteFunc(slices.Clone(said), func(s string) bool { return s == "" })
	if len(lost) != 1 || !strings.Contains(lost[0], "CONFLICT") {
		f.t.Fatalf("two activations at once: %q", said)
	}
	f.raced = f.state().Active.ID
	if f.raced == f.open || f.state().Problem != "" {
		f.t.Errorf("after the race: %+v", f.state())
	}
	f.reads("nils", "customers", "ALLOW read.team")
}

// tightens assesses rules under which Mia's grant would open nothing, and has
// them tried beside those in force: only what differs is counted.
func (f *federation) tightens() {
	id, report := f.proposal("sam", f.write("by_purpose", "purposes=billing"))
	report.must(f.t, 0, "would be refused", "1 live grant would open nothing any more: "+f.grant)
	f.trial = id
	if why := f.people["sue"].change("shadowPolicy", "ShadowPolicyInput", map[string]any{"id": id, "isOn": true}); why != "" {
		f.t.Fatalf("trial: %s", why)
	}
	f.reads("sam", "customers", "ALLOW read.member") // both agree
	for range 3 {
		f.reads("nils", "customers", "ALLOW read.team")
	}
	eventually(f.t, 20*time.Second, "the trial counts three differences", func() bool {
		return f.differences() == "data.read CONFIDENTIAL marketing/analysts ALLOW DENY 3 [purpose.other]"
	})
}

func (f *federation) differences() string {
	f.t.Helper()
	var got struct {
		PolicyDifferences struct {
			Nodes []struct {
				Action, Classification, Team, Active, Trial string
				Codes                                       []string
				Count                                       int
			}
		}
	}
	f.people["sue"].ask(`query($id: ID!) { policyDifferences(proposalId: $id, first: 100) { nodes { action classification team active trial codes count } } }`, map[string]any{"id": f.trial}, &got)
	var lines []string
	for _, d := range got.PolicyDifferences.Nodes {
		if d.Action == "data.read" {
			lines = append(lines, fmt.Sprint(d.Action, " ", d.Classification, " ", d.Team, " ", d.Active, " ", d.Trial, " ", d.Count, " ", d.Codes))
		}
	}
	return strings.Join(lines, "; ")
}
