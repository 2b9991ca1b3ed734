package server_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGlobalsStayAsTheyAre: tables at the top of a package are constants in all
// but name. No function of the program writes to one.
func TestGlobalsStayAsTheyAre(t *testing.T) {
	packages := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || strings.HasSuffix(d.Name(), "test") {
			return err
		}
		for files, all := range parsed(t, path) {
			packages++
			all = slices.DeleteFunc(all, ast.IsGenerated)
			for _, write := range globalWrites(files, all) {
				t.Errorf("%s: a package-level variable is written to; give it to the struct that needs it", write)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if packages < 20 {
		t.Errorf("%d packages: the test holds nothing", packages)
	}
}

// TestGlobalWritesAreFound proves that the test above refuses what it is for.
func TestGlobalWritesAreFound(t *testing.T) {
	const source = `package x

var table, list, count, entry = map[string]int{}, []int{}, 0, struct{ n int }{}

func write(local []int) {
	table["a"] = 1
	list = append(list, 1)
	count++
	entry.n = 2
	delete(table, "a")
	clear(table)
	fill(&count)
	local[0] = table["a"]
}

func local() {
	table, list := map[string]int{}, []int{}
	table["b"], list[0] = 1, 2
}
`
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "x.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(globalWrites(files, []*ast.File{file}), ", ")
	if want := "x.go:6:2 table, x.go:7:2 list, x.go:8:2 count, x.go:9:2 entry, x.go:10:9 table, x.go:11:8 table, x.go:12:8 count"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// globalWrites lists where the functions of a package write to its variables.
func globalWrites(files *token.FileSet, all []*ast.File) []string {
	variables := packageVariables(all)
	var found []string
	for _, file := range all {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			local := map[string]bool{}
			locals(f, func(ids ...*ast.Ident) {
				for _, id := range ids {
					local[id.Name] = true
				}
			})
			for _, id := range written(f) {
				if variables[id.Name] && !local[id.Name] {
					found = append(found, fmt.Sprintf("%s %s", files.Position(id.Pos()), id.Name))
				}
			}
		}
	}
	return found
}

func packageVariables(all []*ast.File) map[string]bool {
	names := map[string]bool{}
	for _, file := range all {
		for _, d := range file.Decls {
			d, ok := d.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR {
				continue
			}
			for _, s := range d.Specs {
				for _, id := range s.(*ast.ValueSpec).Names {
					names[id.Name] = id.Name != "_"
				}
			}
		}
	}
	return names
}

// written lists the variables that a function assigns to, in whole or in part,
// empties, or gives the address of.
func written(f *ast.FuncDecl) []*ast.Ident {
	var ids []*ast.Ident
	note := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if id := root(e); id != nil {
				ids = append(ids, id)
			}
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				note(n.Lhs...)
			}
		case *ast.IncDecStmt:
			note(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				note(n.X)
			}
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") {
				note(n.Args[0])
			}
		}
		return true
	})
	return ids
}

// root is the variable that an expression is a part of.
func root(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	}
	return nil
}
