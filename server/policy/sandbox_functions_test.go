package policy

import (
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
)

// TestUpgradeAddsNoFunction gives the engine a function that this release does
// not know, as an upgrade would, and a policy that calls it.
func TestUpgradeAddsNoFunction(t *testing.T) {
	before := ast.Builtins
	ast.RegisterBuiltin(&ast.Builtin{Name: "tomorrow.fetch", Decl: types.NewFunction(types.Args(types.S), types.S)})
	t.Cleanup(func() { ast.Builtins = before; delete(ast.BuiltinMap, "tomorrow.fetch") })
	e, err := New(Config{Files: policies.Files})
	if err != nil {
		t.Fatal(err)
	}
	text := "package souk.domains.sales\n\nimport rego.v2\n\nallow contains {\"code\": \"a\", \"message\": \"m\"} if tomorrow.fetch(\"x\") == \"y\"\n"
	_, err = e.Activate(t.Context(), Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: "domains/sales/rules.rego", Text: text}}})
	if !model.Is(err, model.KindInvalid) || !strings.Contains(err.Error(), "domains/sales/rules.rego:5") || !strings.Contains(err.Error(), "undefined function tomorrow.fetch") {
		t.Errorf("got %v", err)
	}
}

// TestAllowedFunctions holds the list against what this release offers: each
// name is one, and none looks at the world.
func TestAllowedFunctions(t *testing.T) {
	for _, name := range strings.Fields(allowed + allowedInTests) {
		if b := ast.BuiltinMap[name]; b == nil || b.IsNondeterministic() || strings.HasPrefix(name, "http") {
			t.Errorf("%s: %+v", name, b)
		}
	}
	if got, want := len(capabilities(false).Builtins), len(strings.Fields(allowed))+len(metered); got != want {
		t.Errorf("rules may call %d functions, and the lists name %d", got, want)
	}
}
