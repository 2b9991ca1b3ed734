package resolver_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/resolver"
	"github.com/souk-mesh/souk/server/store"
)

// remembered are the lists that know what is long gone: a filter of theirs may
// name what there is none of any more.
var remembered = []string{"auditEvents", "decisions"}

// TestFiltersNameSomething walks the schema and narrows each list to what there
// is none of, by each id and name of a domain that it takes: the error names the
// place. What is hidden is refused in the same words.
func TestFiltersNameSomething(t *testing.T) {
	w := newWorld(t)
	hidden := map[string]model.ID{"productId": w.draft.ID, "sourceId": w.source.ID, "assetId": w.hiddenTable().ID, "subjectId": w.draft.ID}
	absent := map[string]model.ID{
		"grantId":   "grt_00000000000000000000000000",
		"productId": "dpr_00000000000000000000000000", "sourceId": "src_00000000000000000000000000", "assetId": "ast_00000000000000000000000000",
		"subjectId": "dpr_00000000000000000000000000", "proposalId": "ppr_00000000000000000000000000", "domain": "nothing",
		"domainId": "dom_00000000000000000000000000", "parentId": "dom_00000000000000000000000000",
		"requesterId": "prn_00000000000000000000000000", "principalId": "prn_00000000000000000000000000", "authorId": "prn_00000000000000000000000000",
	}
	schema := resolver.Schema(w.services).Schema()
	asked, compared := 0, 0
	for _, f := range schema.Query.Fields {
		if !strings.HasSuffix(f.Type.Name(), "Connection") || slices.Contains(remembered, f.Name) {
			continue
		}
		for _, a := range f.Arguments {
			for _, p := range places(schema, a.Name, a.Type, func(v any) any { return v }, map[string]bool{}) {
				field := p.path[strings.LastIndex(p.path, ".")+1:]
				if p.def.Name != "ID" && field != "domain" {
					continue
				}
				asked++
				none := w.narrow("dee", schema, f, a, p, absent[field])
				named := none.code() == "NOT_FOUND" || none.code() == "BAD_USER_INPUT" && none.Errors[0].Extensions["field"] == p.path
				if len(none.Errors) != 1 || !named || !strings.Contains(none.text, string(absent[field])) {
					t.Errorf("%s by %s: %s", f.Name, p.path, none.text)
				}
				if id := hidden[field]; id != "" {
					compared++
					if got, want := w.narrow("dee", schema, f, a, p, id).unnamed(id), none.unnamed(absent[field]); got != want {
						t.Errorf("%s by %s: hidden %s, absent %s", f.Name, p.path, got, want)
					}
				}
				if p.def.Name == "ID" && field != "subjectId" {
					if got := w.narrow("dee", schema, f, a, p, "tea_00000000000000000000000000"); got.code() != none.code() {
						t.Errorf("%s by %s, which is no team: %s", f.Name, p.path, got.text)
					}
				}
			}
		}
	}
	if asked < 15 || compared < 5 {
		t.Errorf("only %d filters were asked, and %d compared", asked, compared)
	}
}

// narrow asks for a list by one id or name.
func (w *world) narrow(who string, schema *ast.Schema, f *ast.FieldDefinition, a *ast.ArgumentDefinition, p place, id model.ID) reply {
	w.Helper()
	return w.ask(who, operation(schema, schema.Query, f, a), vars{"v": p.with(string(id))})
}

// unnamed is an answer without the id that was asked for, and the request's own.
func (r reply) unnamed(id model.ID) string {
	text := strings.ReplaceAll(r.text, string(id), "ID")
	for _, e := range r.Errors {
		if request, ok := e.Extensions["requestId"].(string); ok {
			text = strings.ReplaceAll(text, request, "REQUEST")
		}
	}
	return text
}

// TestFiltersThatAreRight keep an empty list where what is named is seen and has
// nothing, past the last page, and for what one holds of what one no longer sees.
func TestFiltersThatAreRight(t *testing.T) {
	w := newWorld(t)
	const grants = `query($f: GrantFilter, $a: String) { grants(first: 1, filter: $f, after: $a) { nodes { id } pageInfo { endCursor } } }`
	w.ok("bo", grants, vars{"f": vars{"productId": w.orders.ID}})
	_, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Grants.Put(model.Grant{
		Meta: model.Meta{ID: model.NewID(model.PrefixGrant)}, ProductID: w.draft.ID, DomainID: w.Domains["sales"].ID, PrincipalID: w.People["dee"].ID, Purpose: "x",
	})}})
	w.Must(err)
	of := vars{"productId": w.draft.ID}
	held := w.ok("dee", grants, vars{"f": of}).str("grants.pageInfo.endCursor")
	if got := w.ok("dee", grants, vars{"f": of, "a": held}); got.at("grants.pageInfo.endCursor") != nil {
		t.Errorf("another page: %s", got.text)
	}
	w.ok("bo", `query($d: ID!) { sources(first: 1, domainId: $d) { nodes { id } } }`, vars{"d": w.Domains["marketing"].ID})
	w.ok("cy", `{ policyProposals(first: 1, filter: {domain: "marketing"}) { nodes { id } } }`, nil)
}
