package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/souk-mesh/souk/server/store"
)

// TestNounsAreAllPrepared counts the tables that are written down and those that
// an engine prepares: one that is left out would fail at its first record.
func TestNounsAreAllPrepared(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "nouns.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "table" {
				tables++
			}
		}
		return true
	})
	kinds := map[store.Kind]bool{}
	for _, s := range store.Schemas() {
		kinds[s.Kind] = true
	}
	if tables != len(kinds) || tables < 20 {
		t.Errorf("%d tables, and Schemas lists %d", tables, len(kinds))
	}
}
