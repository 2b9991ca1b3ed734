package sandbox

import (
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// TestAllowedFunctions holds the list against what this release offers: each
// name is one, and none looks at the world.
func TestAllowedFunctions(t *testing.T) {
	for name := range strings.FieldsSeq(allowed + allowedInTests) {
		if b := ast.BuiltinMap[name]; b == nil || b.IsNondeterministic() || strings.HasPrefix(name, "http") {
			t.Errorf("%s: %+v", name, b)
		}
	}
	if got, want := len(Capabilities(false).Builtins), len(strings.Fields(allowed))+len(Metered); got != want {
		t.Errorf("rules may call %d functions, and the lists name %d", got, want)
	}
}
