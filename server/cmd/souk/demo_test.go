package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// startDemo starts the demo as a script would, from its one line of JSON.
func startDemo(t *testing.T) (r *running, tokens map[string]string) {
	t.Helper()
	r = start(t, nil, "demo", "--json", "--listen", "127.0.0.1:0")
	var ready struct {
		URL    string            `json:"url"`
		Tokens map[string]string `json:"tokens"`
	}
	if err := json.Unmarshal([]byte(r.await(`^\{.*\}$`)), &ready); err != nil {
		t.Fatal(err)
	}
	r.url = ready.URL
	return r, ready.Tokens
}

// ready is a query that the console offers.
type ready struct {
	Title     string         `json:"title"`
	Query     []string       `json:"query"`
	Variables map[string]any `json:"variables"`
	Fill      string         `json:"fill"`
}

func (q ready) text() string { return strings.Join(q.Query, "\n") }

// changes tells whether running the query would leave something behind, or not end.
func (q ready) changes() bool { return !strings.HasPrefix(q.text(), "query") }

func readyQueries(t *testing.T) (all []ready) {
	t.Helper()
	var groups []struct {
		Queries []ready `json:"queries"`
	}
	text, err := os.ReadFile("../../console/explorer/web/queries.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		all = append(all, g.Queries...)
	}
	return all
}

// filled gives the variables as the page does: what its look-up finds stands
// in the place of every text that ends in three dots.
func (q ready) filled(t *testing.T, who person) map[string]any {
	t.Helper()
	text, err := json.Marshal(q.Variables)
	if err != nil {
		t.Fatal(err)
	}
	if q.Fill == "" {
		return q.Variables
	}
	found := string(who.try(q.Fill, nil).Data)
	filled := regexp.MustCompile(`"(\w+)":"([^"…]*)…"`).ReplaceAllStringFunc(string(text), func(pair string) string {
		key, prefix, _ := strings.Cut(strings.TrimSuffix(pair, `…"`), `:"`)
		value := regexp.MustCompile(key + `:"(` + regexp.QuoteMeta(prefix) + `[^"]*)"`).FindStringSubmatch(found)
		if value == nil {
			return pair
		}
		return key + `:"` + value[1] + `"`
	})
	var variables map[string]any
	if err := json.Unmarshal([]byte(filled), &variables); err != nil {
		t.Fatalf("%s: %v", filled, err)
	}
	return variables
}

// checkReady runs what only asks, and looks up what the others are about. The
// proposal that waits for a vote has not been approved yet, so that there is
// nothing to put in force.
func checkReady(t *testing.T, q ready, who map[string]person) {
	t.Helper()
	for name, p := range who {
		variables := q.filled(t, p)
		if text, _ := json.Marshal(variables); name == "cy" && strings.Contains(string(text), "…") && q.Title != "Put it in force" {
			t.Errorf("%q is left with %s", q.Title, text)
		}
		if q.changes() {
			continue
		}
		a := p.try(q.text(), variables)
		for _, e := range a.Errors {
			if name == "cy" || e.Extensions.Code != "FORBIDDEN" {
				t.Errorf("%s asks %q: %+v", name, q.Title, e)
			}
		}
		if empty := regexp.MustCompile(`^\{"\w+":(null|\{"nodes":\[\]\}|\[\])\}$`); len(a.Errors) == 0 && empty.Match(a.Data) {
			t.Errorf("%s asks %q and finds nothing: %s", name, q.Title, a.Data)
		}
	}
}

// TestDemo holds the demo to what its page and its last line promise.
func TestDemo(t *testing.T) {
	r, tokens := startDemo(t)
	cy, bo := person{r: r, token: tokens["cy"]}, person{r: r, token: tokens["bo"]}
	for _, q := range readyQueries(t) {
		checkReady(t, q, map[string]person{"cy": cy, "bo": bo})
	}
	var seen struct {
		Products struct {
			Nodes []struct{ Name, Status string }
		}
		Requests struct{ Nodes []struct{ ID, Status string } }
		Sources  struct {
			Nodes []struct{ LastRun struct{ Status string } }
		}
	}
	cy.ask(`{ products: dataProducts(first: 10) { nodes { name status } } requests: accessRequests(first: 10) { nodes { id status } } sources(first: 10) { nodes { lastRun { status } } } }`, nil, &seen)
	if len(seen.Products.Nodes) < 2 || len(seen.Sources.Nodes) != 4 || len(seen.Requests.Nodes) != 1 || seen.Requests.Nodes[0].Status != "PENDING" {
		t.Errorf("the company: %+v", seen)
	}
	var refused struct {
		Decisions struct {
			Nodes []struct {
				Decision struct{ Reasons []struct{ Message string } }
			}
		}
	}
	bo.ask(`{ decisions(filter: { outcome: DENY }, first: 5) { nodes { decision { reasons { message } } } } }`, nil, &refused)
	if len(refused.Decisions.Nodes) == 0 || len(refused.Decisions.Nodes[0].Decision.Reasons) == 0 {
		t.Error("Bo does not see why reading was refused")
	}
	tryProposal(t, person{r: r, token: tokens["ana"]}, bo, cy)
	r.stop()
	left, err := filepath.Glob(filepath.Join(strings.TrimPrefix(r.cmd.Env[0], "TMPDIR="), "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the demo leaves %v behind: %v", left, err)
	}
}

// tryProposal goes the rest of the way that the demo leaves open: the votes
// that are missing, into force, and what that changes for Bo.
func tryProposal(t *testing.T, ana, bo, cy person) {
	t.Helper()
	var open struct {
		Proposals struct {
			Nodes []struct {
				ID     string
				Impact struct {
					Hash  string
					Flips []struct{ Change, Team string }
				}
				Votes []struct{ Domain string }
			}
		}
		Product struct{ ID string }
	}
	bo.ask(`{ proposals: policyProposals(filter: { status: ASSESSED }, first: 10) { nodes { id impact { hash flips { change team } } votes { domain } } }
		product: dataProduct(domain: "sales", name: "price_list") { id } }`, nil, &open)
	if len(open.Proposals.Nodes) != 1 || len(open.Proposals.Nodes[0].Votes) != 1 || len(open.Proposals.Nodes[0].Impact.Flips) == 0 {
		t.Fatalf("the open proposals: %+v", open.Proposals)
	}
	p := open.Proposals.Nodes[0]
	reads := func(want string) {
		t.Helper()
		var got struct{ Decision struct{ Outcome string } }
		bo.do("checkAccess", "CheckAccessInput", map[string]any{"productId": open.Product.ID, "purpose": "prices"}, "decision { outcome }", &got)
		if got.Decision.Outcome != want {
			t.Errorf("Bo reads the price list: %s, want %s", got.Decision.Outcome, want)
		}
	}
	reads("DENY")
	var moved struct{ Proposal struct{ Status string } }
	for _, who := range []person{ana, cy} {
		who.do("approvePolicy", "ApprovePolicyInput", map[string]any{"id": p.ID, "reportHash": p.Impact.Hash}, "proposal { status }", &moved)
	}
	ana.do("activatePolicy", "ActivatePolicyInput", map[string]any{"id": p.ID}, "proposal { status }", &moved)
	if moved.Proposal.Status != "ACTIVE" {
		t.Errorf("the proposal is %s", moved.Proposal.Status)
	}
	reads("ALLOW")
}

// TestOpenDoors asks for what needs no token, and for what must need one.
func TestOpenDoors(t *testing.T) {
	r, token := serving(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	if token == "" {
		t.Fatal("a first start prints no token")
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/": 200, "/static/console.css": 200, "/metrics": 200, "/graphql": 401, "/nothing": 404} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, response.StatusCode, want)
		}
	}
	if a := (person{r: r, token: "souk_wrong"}).try(`{ viewer { principal { name } } }`, nil); len(a.Errors) == 0 || a.Errors[0].Extensions.Code != "UNAUTHENTICATED" {
		t.Errorf("a wrong token: %+v", a)
	}
}

// npmInstall installs packages. A registry that does not answer once is asked again.
func npmInstall(t *testing.T, dir string, packages ...string) {
	t.Helper()
	arguments := append([]string{"install", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1", "--fetch-timeout=30000", "--prefix", dir}, packages...)
	for try := 1; ; try++ {
		out, err := exec.CommandContext(t.Context(), "npm", arguments...).CombinedOutput()
		if err == nil {
			return
		}
		if try == 3 {
			t.Fatalf("npm install: %v: %s", err, out)
		}
		t.Logf("npm install, try %d: %v: %s", try, err, out)
	}
}

// TestGraphQLOverHTTP runs the audits of the GraphQL over HTTP working group.
func TestGraphQLOverHTTP(t *testing.T) {
	if os.Getenv("SOUK_TEST_NPM") == "" {
		missing(t, "SOUK_TEST_NPM", "set it to 1 where npm can install graphql-http")
	}
	r, token := serving(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	dir := t.TempDir()
	npmInstall(t, dir, "graphql-http@1.23.1", "graphql@16")
	script, err := os.ReadFile("testdata/audit.mjs")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit.mjs")
	if err := os.WriteFile(path, script, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "node", path, r.url+"/graphql", token).Output()
	if err != nil {
		t.Fatalf("audit: %v: %s", err, out)
	}
	var results []struct{ ID, Name, Status, Reason string }
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	if len(results) < 61 {
		t.Errorf("%d audits ran, want at least 61", len(results))
	}
	for _, a := range results {
		if a.Status != "ok" {
			t.Errorf("%s %s: %s: %s", a.ID, a.Name, a.Status, a.Reason)
		}
	}
}
