package server_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoLocalShadowsItsPackage reads the source of the rooms: no local has the
// name of something of its package, or whoever reads such a function has to
// remember which of the two is meant.
func TestNoLocalShadowsItsPackage(t *testing.T) {
	packages := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		files := parsed(t, path)
		if len(files) > 0 {
			packages++
		}
		for _, local := range shadows(files) {
			t.Errorf("%s: give it another name", local)
		}
		return nil
	})
	if err != nil || packages < 40 {
		t.Errorf("%d packages, %v: the test holds nothing", packages, err)
	}
}

// TestShadowsAreFound proves that the test above refuses what it is for.
func TestShadowsAreFound(t *testing.T) {
	const source = `package x

import "fmt"

type unit struct{ rule int }

func rule() {}

func a(unit int) { fmt.Println(unit) }

func b() (rule int) { return 1 }

func c() {
	rule := 1
	for unit := range rule {
		var c = unit
		_ = c
	}
	_ = func(b int) {}
	other, fine := 1, unit{rule: 2}
	_, _ = other, fine
}
`
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "x.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(shadows(map[*token.FileSet][]*ast.File{files: {file}}), ", ")
	if want := "x.go:9:8 unit, x.go:11:11 rule, x.go:14:2 rule, x.go:15:6 unit, x.go:16:7 c, x.go:19:11 b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// parsed reads a folder's package without its tests.
func parsed(t *testing.T, folder string) map[*token.FileSet][]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	var all []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file)
	}
	if len(all) == 0 {
		return nil
	}
	return map[*token.FileSet][]*ast.File{files: all}
}

// shadows lists the locals that have the name of something of their package.
func shadows(packages map[*token.FileSet][]*ast.File) []string {
	var found []string
	for files, all := range packages {
		names := topLevel(all)
		note := func(ids ...*ast.Ident) {
			for _, id := range ids {
				if names[id.Name] {
					found = append(found, fmt.Sprintf("%s %s", files.Position(id.Pos()), id.Name))
				}
			}
		}
		for _, file := range all {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok {
					locals(f, note)
				}
			}
		}
	}
	return found
}

// topLevel collects the names that a package declares, other than methods.
func topLevel(files []*ast.File) map[string]bool {
	names := map[string]bool{}
	for _, file := range files {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[d.Name.Name] = names[d.Name.Name] || d.Recv == nil
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						names[s.Name.Name] = true
					case *ast.ValueSpec:
						for _, id := range s.Names {
							names[id.Name] = id.Name != "_"
						}
					}
				}
			}
		}
	}
	return names
}

// locals gives what a function declares: its parameters, and what its body and
// the functions in it do.
func locals(f *ast.FuncDecl, note func(...*ast.Ident)) {
	fields := func(lists ...*ast.FieldList) {
		for _, list := range lists {
			if list == nil {
				continue
			}
			for _, field := range list.List {
				note(field.Names...)
			}
		}
	}
	fields(f.Recv, f.Type.Params, f.Type.Results)
	if f.Body == nil {
		return
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			fields(n.Type.Params, n.Type.Results)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				note(identsOf(n.Lhs)...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				note(identsOf([]ast.Expr{n.Key, n.Value})...)
			}
		case *ast.ValueSpec:
			note(n.Names...)
		case *ast.TypeSpec:
			note(n.Name)
		}
		return true
	})
}

func identsOf(exprs []ast.Expr) []*ast.Ident {
	var ids []*ast.Ident
	for _, e := range exprs {
		if id, ok := e.(*ast.Ident); ok {
			ids = append(ids, id)
		}
	}
	return ids
}
