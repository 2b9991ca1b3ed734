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

// TestNoAnswerFollowsTheOrderOfAMap reads the source of everything: no loop over
// a table that is written as a map leaves its function, since which of two errors
// comes then changes from one call to the next. The table is a list of rows.
func TestNoAnswerFollowsTheOrderOfAMap(t *testing.T) {
	read := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		read++
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse %s: %w", path, err)
		}
		for _, at := range leftByChance(file) {
			t.Errorf("%s: make the map a list of rows", files.Position(at))
		}
		return nil
	})
	if err != nil || read < 400 {
		t.Errorf("%d files, %v: the test holds nothing", read, err)
	}
}

// TestLoopsLeftByChanceAreFound proves that the test above refuses what it is for.
func TestLoopsLeftByChanceAreFound(t *testing.T) {
	const source = `package x

func a(p, q string) string {
	for name, v := range map[string]string{"p": p, "q": q} {
		if v == "" {
			return name
		}
	}
	for name := range map[string]string{"p": p} {
		defer func() string { return name }()
	}
	for _, v := range []string{p, q} {
		return v
	}
	return ""
}
`
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "x.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if at := leftByChance(file); len(at) != 1 || files.Position(at[0]).Line != 4 {
		t.Errorf("found %v, want line 4 alone", at)
	}
}

// leftByChance lists the loops over a map that is written there, and that return
// something from their middle.
func leftByChance(file *ast.File) []token.Pos {
	var found []token.Pos
	ast.Inspect(file, func(n ast.Node) bool {
		loop, ok := n.(*ast.RangeStmt)
		if !ok {
			return true
		}
		table, ok := loop.X.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if _, ok := table.Type.(*ast.MapType); ok && returns(loop.Body) {
			found = append(found, loop.Pos())
		}
		return true
	})
	return found
}

// returns tells whether a loop's body leaves the function that it stands in.
func returns(body *ast.BlockStmt) bool {
	left := false
	ast.Inspect(body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		_, is := n.(*ast.ReturnStmt)
		left = left || is
		return true
	})
	return left
}
