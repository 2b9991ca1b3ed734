package policy_test

import (
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
)

// TestUpgradeAddsNoFunction gives the engine a function that this release does
// not know, as an upgrade would, and a policy that calls it.
func TestUpgradeAddsNoFunction(t *testing.T) {
	before := ast.Builtins
	ast.RegisterBuiltin(&ast.Builtin{Name: "tomorrow.fetch", Decl: types.NewFunction(types.Args(types.S), types.S)})
	t.Cleanup(func() { ast.Builtins = before; delete(ast.BuiltinMap, "tomorrow.fetch") })
	e, err := policy.New(policy.Config{Files: policies.Files})
	if err != nil {
		t.Fatal(err)
	}
	text := "package souk.domains.sales\n\nimport rego.v2\n\nallow contains {\"code\": \"a\", \"message\": \"m\"} if tomorrow.fetch(\"x\") == \"y\"\n"
	_, err = e.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: "domains/sales/rules.rego", Text: text}}})
	if !model.Is(err, model.KindInvalid) || !strings.Contains(err.Error(), "domains/sales/rules.rego:5") || !strings.Contains(err.Error(), "undefined function tomorrow.fetch") {
		t.Errorf("got %v", err)
	}
}
