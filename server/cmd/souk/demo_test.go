package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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

// readyQueries are the queries that the console offers.
func readyQueries(t *testing.T) map[string]struct {
	Query     []string       `json:"query"`
	Variables map[string]any `json:"variables"`
} {
	t.Helper()
	type ready = struct {
		Title     string         `json:"title"`
		Query     []string       `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	var groups []struct {
		Queries []ready `json:"queries"`
	}
	text, err := os.ReadFile("../../console/web/queries.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	all := map[string]struct {
		Query     []string       `json:"query"`
		Variables map[string]any `json:"variables"`
	}{}
	for _, g := range groups {
		for _, q := range g.Queries {
			all[q.Title] = struct {
				Query     []string       `json:"query"`
				Variables map[string]any `json:"variables"`
			}{q.Query, q.Variables}
		}
	}
	return all
}

// TestDemo holds the demo to what its page and its last line promise.
func TestDemo(t *testing.T) {
	r, tokens := startDemo(t)
	cy, bo := person{r: r, token: tokens["cy"]}, person{r: r, token: tokens["bo"]}
	for title, q := range readyQueries(t) {
		query := strings.Join(q.Query, "\n")
		if strings.HasPrefix(query, "subscription") {
			continue // the browser test watches a run
		}
		for name, who := range map[string]person{"cy": cy, "bo": bo} {
			a := who.try(query, q.Variables)
			for _, e := range a.Errors {
				if e.Extensions.Code != "FORBIDDEN" {
					t.Errorf("%s asks %q: %+v", name, title, e)
				}
			}
			if strings.HasPrefix(query, "query") && len(a.Errors) == 0 && strings.HasSuffix(string(a.Data), ":null}") {
				t.Errorf("%s asks %q and finds nothing: %s", name, title, a.Data)
			}
		}
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
	r.stop()
	left, err := filepath.Glob(filepath.Join(strings.TrimPrefix(r.cmd.Env[0], "TMPDIR="), "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the demo leaves %v behind: %v", left, err)
	}
}

// TestOpenDoors asks for what needs no token, and for what must need one.
func TestOpenDoors(t *testing.T) {
	r, token := serving(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	if token == "" {
		t.Fatal("a first start prints no token")
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/": 200, "/console.js": 200, "/metrics": 200, "/graphql": 401, "/nothing": 404} {
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

// TestGraphQLOverHTTP runs the audits of the GraphQL over HTTP working group.
func TestGraphQLOverHTTP(t *testing.T) {
	if os.Getenv("SOUK_TEST_NPM") == "" {
		missing(t, "SOUK_TEST_NPM", "set it to 1 where npm can install graphql-http")
	}
	r, token := serving(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", dir, "graphql-http@1.23.1", "graphql@16")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v: %s", err, out)
	}
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
