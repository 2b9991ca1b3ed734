package resolver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/server/resolver"
)

const leaked = "TopSecret99"

// TestNoTextOfAMutationHoldsACredential walks the schema: whatever text a
// mutation takes, now or later, is refused by its place, and never repeated.
func TestNoTextOfAMutationHoldsACredential(t *testing.T) {
	w := newWorld(t)
	schema := resolver.Schema(w.services).Schema()
	sent := 0
	for _, f := range schema.Mutation.Fields {
		for _, a := range f.Arguments {
			for _, p := range places(schema, a.Name, a.Type, func(v any) any { return v }, map[string]bool{}) {
				if p.def.Name != "String" {
					continue
				}
				sent++
				got := w.ask("ana", operation(schema, schema.Mutation, f, a), vars{"v": p.with("see postgres://souk:" + leaked + "@db/shop")})
				if len(got.Errors) != 1 || got.code() != "BAD_USER_INPUT" || got.Errors[0].Extensions["field"] != p.path ||
					!strings.Contains(fmt.Sprint(got.Errors[0].Extensions["hint"]), "take it out") || strings.Contains(got.text, leaked) {
					t.Errorf("%s: %s: %.300s", f.Name, p.path, got.text)
				}
			}
		}
	}
	if sent < 50 {
		t.Errorf("only %d texts were sent", sent)
	}
}

// TestCredentialsByHand has the ways to write one that a walk over variables
// does not take, and what is none.
func TestCredentialsByHand(t *testing.T) {
	w := newWorld(t)
	const secret = "-----BEGIN PRIVATE KEY-----"
	for name, query := range map[string]string{
		"in the document":     `mutation { requestAccess(input: {productId: "dpr_x", duration: "90d", purpose: "` + secret + `"}) { userErrors { code } } }`,
		"in a fragment":       `mutation { ...f ...f } fragment f on Mutation { requestAccess(input: {productId: "dpr_x", duration: "90d", purpose: "` + secret + `"}) { userErrors { code } } }`,
		"in an inner one":     `mutation { ... on Mutation { requestAccess(input: {productId: "dpr_x", duration: "90d", purpose: "` + secret + `"}) { userErrors { code } } } }`,
		"as a default":        `mutation($p: String! = "` + secret + `") { requestAccess(input: {productId: "dpr_x", duration: "90d", purpose: $p}) { userErrors { code } } }`,
		"in the second field": `mutation { a: cancelAccessRequest(input: {id: "arq_x"}) { userErrors { code } } b: requestAccess(input: {productId: "dpr_x", duration: "90d", purpose: "` + secret + `"}) { userErrors { code } } }`,
	} {
		if got := w.ask("bo", query, nil); got.code() != "BAD_USER_INPUT" || got.Errors[0].Extensions["field"] != "input.purpose" {
			t.Errorf("%s: %.300s", name, got.text)
		}
	}
	for _, query := range []string{
		`{ search(query: "` + secret + `", first: 1) { nodes { score } } }`, // nothing is kept
		`mutation { cancelAccessRequest(input: {id: "arq_x", reason: "the password is in the vault, see postgres://user:password@host/db"}) { userErrors { code } } }`,
	} {
		if got := w.ask("bo", query, nil); len(got.Errors) != 0 {
			t.Errorf("%s: %s", query, got.text)
		}
	}
}
