package model_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// TestActions holds the list of actions to the constants that it lists.
func TestActions(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "decision.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Act") || len(spec.Values) != 1 {
			return true
		}
		word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if found++; err != nil || !slices.Contains(model.Actions(), model.Action(word)) {
			t.Errorf("Actions does not list %s, %v", spec.Names[0].Name, err)
		}
		return true
	})
	if found != len(model.Actions()) {
		t.Errorf("%d constants, %d listed", found, len(model.Actions()))
	}
}
