package resolver_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/audit"
)

// TestBadQueries sends what no client should and wants a code, a field and a remedy.
func TestBadQueries(t *testing.T) {
	w := newWorld(t)
	foreign := w.ok("cy", "{ principals(first: 1) { pageInfo { endCursor } } }", nil).str("principals.pageInfo.endCursor")
	for name, c := range map[string]struct {
		query string
		vars  vars
		code  string
		field any
	}{
		"no GraphQL":               {query: "{ viewer {", code: "GRAPHQL_PARSE_FAILED"},
		"an unknown field":         {query: "{ nonsense }", code: "GRAPHQL_VALIDATION_FAILED"},
		"first is missing":         {query: "{ domains { nodes { id } } }", code: "GRAPHQL_VALIDATION_FAILED"},
		"first is 0":               {query: "{ domains(first: 0) { nodes { id } } }", code: "BAD_USER_INPUT", field: "first"},
		"first is negative":        {query: "{ assets(first: -1) { nodes { id } } }", code: "BAD_USER_INPUT", field: "first"},
		"first is 100000":          {query: "{ dataProducts(first: 100000) { nodes { id } } }", code: "BAD_USER_INPUT", field: "first"},
		"first is beyond 64 bits":  {query: "{ domains(first: 99999999999999999999) { nodes { id } } }", code: "*"},
		"a cursor of another list": {query: "query($a: String) { domains(first: 1, after: $a) { nodes { id } } }", vars: vars{"a": foreign}, code: "BAD_CURSOR"},
		"a cursor of nobody's":     {query: `{ principals(first: 1, after: "zzz") { nodes { id } } }`, code: "BAD_CURSOR"},
		"a cursor of the feed":     {query: "query($a: String) { auditEvents(first: 1, after: $a) { nodes { id } } }", vars: vars{"a": foreign}, code: "BAD_CURSOR"},
		"neither id nor name":      {query: "{ domain { id } }", code: "BAD_USER_INPUT", field: "id"},
		"both id and name":         {query: `{ source(id: "src_x", name: "shop") { id } }`, code: "BAD_USER_INPUT", field: "id"},
		"half a name":              {query: `{ dataProduct(name: "orders") { id } }`, code: "BAD_USER_INPUT", field: "id"},
		"half an asset's name":     {query: `{ asset(namespace: "sqlite://shop") { id } }`, code: "BAD_USER_INPUT", field: "id"},
		"depth 11":                 {query: "query($r: ID!) { lineage(rootId: $r, depth: 11) { rootId } }", vars: vars{"r": w.assets[0].ID}, code: "BAD_USER_INPUT", field: "depth"},
		"depth 0":                  {query: "query($r: ID!) { lineage(rootId: $r, depth: 0) { rootId } }", vars: vars{"r": w.assets[0].ID}, code: "BAD_USER_INPUT", field: "depth"},
		"maxNodes 5000":            {query: "query($r: ID!) { lineage(rootId: $r, maxNodes: 5000) { rootId } }", vars: vars{"r": w.assets[0].ID}, code: "BAD_USER_INPUT", field: "maxNodes"},
		"lineage of nothing":       {query: `{ lineage(rootId: "ast_nothing") { rootId } }`, code: "NOT_FOUND"},
		"too much at once":         {query: "{ accessRequests(first: 200) { nodes { viewerCan { approve } } } }", code: "COMPLEXITY_LIMIT_EXCEEDED"},
		"an unknown enum value":    {query: "{ assets(first: 1, filter: {kind: SPOON}) { nodes { id } } }", code: "GRAPHQL_VALIDATION_FAILED"},
		"an enum in a variable":    {query: "query($k: AssetKind) { assets(first: 1, filter: {kind: $k}) { nodes { id } } }", vars: vars{"k": "SPOON"}, code: "BAD_USER_INPUT"},
		"a megabyte of text":       {query: "query($q: String!) { search(query: $q, first: 1) { nodes { score } } }", vars: vars{"q": strings.Repeat("x", 1<<20)}, code: "BODY_TOO_LARGE"},
		"a long search":            {query: "query($q: String!) { search(query: $q, first: 1) { nodes { score } } }", vars: vars{"q": strings.Repeat("x", 100<<10)}, code: "BAD_USER_INPUT", field: "query"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.ask("cy", c.query, c.vars)
			if len(got.Errors) == 0 || c.code != "*" && got.code() != c.code {
				t.Fatalf("code %q, want %s: %.300s", got.code(), c.code, got.text)
			}
			if c.field != nil && got.Errors[0].Extensions["field"] != c.field {
				t.Errorf("field %v, want %v: %.300s", got.Errors[0].Extensions["field"], c.field, got.text)
			}
			if got.code() == "INTERNAL" {
				t.Errorf("the fault is the sender's: %.300s", got.text)
			}
		})
	}
}

// TestBadInputs sends mutations that cannot be and wants userErrors that name
// the input, and nothing half-written.
func TestBadInputs(t *testing.T) {
	w := newWorld(t)
	sales, marketing := w.Domains["sales"].ID, w.Domains["marketing"].ID
	child := w.ok("cy", `mutation($s: ID!) { createDomain(input: {name: "below", parentId: $s}) { domain { id } userErrors { code } } }`, vars{"s": sales}).str("createDomain.domain.id")
	long := strings.Repeat("x", 100<<10)
	for name, c := range map[string]struct {
		who, mutation string
		input         vars
		code, path    string
	}{
		"a name in capitals":        {"cy", "createDomain", vars{"name": "Sales!"}, "BAD_USER_INPUT", "input.name"},
		"an empty name":             {"cy", "createDomain", vars{"name": ""}, "BAD_USER_INPUT", "input.name"},
		"a name twice":              {"cy", "createDomain", vars{"name": "sales"}, "CONFLICT", "input.name"},
		"a parent of nobody's":      {"cy", "createDomain", vars{"name": "lost", "parentId": "dom_nothing"}, "*", "input.parentId"},
		"a cycle of domains":        {"cy", "updateDomain", vars{"id": sales, "parentId": child}, "*", "input.parentId"},
		"a domain above itself":     {"cy", "updateDomain", vars{"id": sales, "parentId": sales}, "*", "input.parentId"},
		"a steward of nobody's":     {"cy", "updateDomain", vars{"id": sales, "stewardIds": []any{"prn_nothing"}}, "*", "input.stewardIds"},
		"an unknown domain":         {"cy", "updateDomain", vars{"id": "dom_nothing"}, "NOT_FOUND", "input.id"},
		"an id of another noun":     {"cy", "updateDomain", vars{"id": w.orders.ID}, "NOT_FOUND", "input.id"},
		"a description too long":    {"cy", "updateDomain", vars{"id": marketing, "description": long}, "BAD_USER_INPUT", "input.description"},
		"a product's name twice":    {"ana", "createDataProduct", vars{"name": "orders", "domainId": sales}, "CONFLICT", "input.name"},
		"a product of no domain":    {"ana", "createDataProduct", vars{"name": "loose", "domainId": "dom_nothing"}, "*", "input.domainId"},
		"an asset of nobody's":      {"ana", "updateDataProduct", vars{"id": w.orders.ID, "ports": []any{vars{"name": "out", "direction": "OUTPUT", "assetIds": []any{"ast_nothing"}}}}, "*", "input.ports"},
		"a port's name twice":       {"ana", "updateDataProduct", vars{"id": w.orders.ID, "ports": []any{vars{"name": "out", "direction": "OUTPUT"}, vars{"name": "out", "direction": "INPUT"}}}, "BAD_USER_INPUT", "input.ports"},
		"published already":         {"ana", "publishDataProduct", vars{"id": w.orders.ID}, "CONFLICT", "input.id"},
		"no purpose":                {"bo", "requestAccess", vars{"productId": w.orders.ID, "purpose": "  ", "duration": "P1D"}, "BAD_USER_INPUT", "input.purpose"},
		"a minute of access":        {"bo", "requestAccess", vars{"productId": w.orders.ID, "purpose": "attribution", "duration": "PT1M"}, "BAD_USER_INPUT", "input.duration"},
		"a century of access":       {"bo", "requestAccess", vars{"productId": w.orders.ID, "purpose": "attribution", "duration": "P36500D"}, "BAD_USER_INPUT", "input.duration"},
		"a request of nobody's":     {"ana", "approveAccessRequest", vars{"id": "acr_nothing"}, "NOT_FOUND", "input.id"},
		"a principal's name twice":  {"cy", "createPrincipal", vars{"kind": "PERSON", "name": "ana"}, "CONFLICT", "input.name"},
		"a principal without name":  {"cy", "createPrincipal", vars{"kind": "PERSON", "name": ""}, "BAD_USER_INPUT", "input.name"},
		"a token for ever":          {"cy", "issueToken", vars{"name": "eternal", "lifetime": "P3660D"}, "BAD_USER_INPUT", "input.lifetime"},
		"a token for nobody":        {"cy", "issueToken", vars{"principalId": "prn_nothing", "name": "x", "lifetime": "P1D"}, "*", "input.principalId"},
		"an unknown plugin":         {"ana", "createSource", vars{"name": "odd", "domainId": sales, "plugin": "oracle", "config": vars{}}, "BAD_USER_INPUT", "input.plugin"},
		"a config of another shape": {"ana", "createSource", vars{"name": "odd", "domainId": sales, "plugin": "sqlite", "config": vars{"path": 7}}, "BAD_USER_INPUT", "input.config"},
		"a source's name twice":     {"ana", "createSource", vars{"name": "shop", "domainId": sales, "plugin": "sqlite", "config": vars{"path": "x.db"}}, "CONFLICT", "input.name"},
		"no such schedule":          {"ana", "updateSource", vars{"id": w.source.ID, "schedule": "now and then"}, "BAD_USER_INPUT", "input.schedule"},
		"a secret named twice":      {"ana", "checkSourceConfig", vars{"plugin": "sqlite", "config": vars{}, "secrets": []any{vars{"field": "a", "reference": "env:A"}, vars{"field": "a", "reference": "env:B"}}}, "BAD_USER_INPUT", "input.secrets"},
		"a secret of no field":      {"ana", "createSource", vars{"name": "odd", "domainId": sales, "plugin": "sqlite", "config": vars{"path": "/x.db"}, "secrets": []any{vars{"field": "a", "reference": "env:SOUK_SECRET_A"}}}, "BAD_USER_INPUT", "input.secrets.a"},
		"a source of no domain":     {"cy", "createSource", vars{"name": "odd", "domainId": "dom_nothing", "plugin": "sqlite", "config": vars{"path": "/x.db"}}, "BAD_USER_INPUT", "input.domainId"},
		"a namespace without words": {"cy", "assignNamespace", vars{"namespace": "", "domainId": sales}, "BAD_USER_INPUT", "input.namespace"},
		"half a beginning":          {"cy", "assignNamespace", vars{"namespace": "postgres://db", "prefix": "{}", "domainId": sales}, "BAD_USER_INPUT", "input.prefix"},
		"a namespace of no domain":  {"cy", "assignNamespace", vars{"namespace": "postgres://db", "domainId": "dom_nothing"}, "BAD_USER_INPUT", "input.domainId"},
		"a file of another domain":  {"ana", "draftPolicy", vars{"domain": "sales", "title": "Mine", "modules": []any{vars{"path": "domains/marketing/x.rego", "text": "x"}}}, "BAD_USER_INPUT", "input.modules.0"},
		"a policy of no domain":     {"ana", "draftPolicy", vars{"domain": "nowhere", "title": "Mine", "modules": []any{vars{"path": "domains/nowhere/x.rego", "text": "x"}}}, "BAD_USER_INPUT", "input.domain"},
		"a policy without files":    {"ana", "draftPolicy", vars{"domain": "sales", "title": "Mine", "modules": []any{}}, "BAD_USER_INPUT", "input.modules"},
		"a remark without words":    {"ana", "commentOnPolicy", vars{"id": "ppr_nothing", "text": " "}, "BAD_USER_INPUT", "input.text"},
		"a proposal of nobody's":    {"ana", "approvePolicy", vars{"id": "ppr_nothing", "reportHash": "x"}, "NOT_FOUND", "input.id"},
		"two ways to return":        {"ana", "rollbackPolicy", vars{"domain": "sales", "revisionId": "pol_x", "returnsToStart": true}, "BAD_USER_INPUT", "input.returnsToStart"},
		"nothing to return to":      {"ana", "rollbackPolicy", vars{"domain": "sales"}, "CONFLICT", "input.domain"},
		"a run of nobody's":         {"ana", "cancelHarvest", vars{"id": "run_nothing"}, "NOT_FOUND", "input.id"},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.events()
			got := w.ask(c.who, document(c.mutation), vars{"input": c.input})
			if len(got.Errors) > 0 || got.code() == "" || c.code != "*" && got.code() != c.code {
				t.Fatalf("code %q, want %s among the userErrors: %.500s", got.code(), c.code, got.text)
			}
			path, _ := got.at(c.mutation + ".userErrors.0.path").([]any)
			var steps []string
			for _, step := range path {
				steps = append(steps, step.(string))
			}
			if joined := strings.Join(steps, "."); joined != c.path && !strings.HasPrefix(joined, c.path+".") {
				t.Errorf("path %s, want %s: %.500s", joined, c.path, got.text)
			}
			if after := w.events(); after != before {
				t.Errorf("%d changes were written for nothing", after-before)
			}
		})
	}
}

// events counts what has been changed, refusals left out.
func (w *world) events() int {
	w.Helper()
	page, err := w.services.Audit.Events(w.System(), audit.EventFilter{}, model.Paging{First: model.MaxFirst})
	w.Must(err)
	n := 0
	for _, e := range page.Nodes {
		if !strings.HasSuffix(e.Action, ".refused") {
			n++
		}
	}
	return n
}

// TestBadDurations are refused where they are read, with the remedy.
func TestBadDurations(t *testing.T) {
	w := newWorld(t)
	for _, text := range []string{"30 days", "", "P1Y", "-P1D"} {
		got := w.ask("bo", document("requestAccess"), vars{"input": vars{"productId": w.orders.ID, "purpose": "attribution", "duration": text}})
		if got.code() != "BAD_USER_INPUT" || got.Errors[0].Extensions["field"] != "input.duration" || got.Errors[0].Extensions["hint"] == nil {
			t.Errorf("%q: %s", text, got.text)
		}
	}
}
