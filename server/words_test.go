package server_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// several is a number with a noun that is right for many only, verbs aside.
var (
	several = regexp.MustCompile(`%d (?:[a-z-]+ )?([a-z]+s)\b`)
	verbs   = regexp.MustCompile(`^(is|was|has|does|follows|nests|this)$`)
	limit   = regexp.MustCompile(`(?i)^(max|most|least)`)
)

// TestCountsAgreeWithTheirNoun: no text that people read says "1 domains". A
// number of things goes through model.Counted; a limit is never 1.
func TestCountsAgreeWithTheirNoun(t *testing.T) {
	for _, root := range []string{"../graph", "."} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "test/") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					for _, words := range miscounted(call) {
						t.Errorf("%s: %q is wrong for 1: use model.Counted", files.Position(call.Pos()), words)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// miscounted finds the nouns in a call's format that stand in the plural
// whatever their number.
func miscounted(call *ast.CallExpr) (wrong []string) {
	for i, arg := range call.Args {
		text, ok := arg.(*ast.BasicLit)
		if !ok || text.Kind != token.STRING {
			continue
		}
		format, err := strconv.Unquote(text.Value)
		if err != nil || strings.Contains(format, "limit") || strings.Contains(format, "may have") {
			continue // it is beyond a limit, and so never 1
		}
		for _, at := range several.FindAllStringSubmatchIndex(format, -1) {
			number := i + 1 + strings.Count(strings.ReplaceAll(format[:at[0]], "%%", ""), "%")
			if verbs.MatchString(format[at[2]:at[3]]) || number < len(call.Args) && isLimit(call.Args[number]) {
				continue
			}
			wrong = append(wrong, format[at[0]:at[1]])
		}
	}
	return wrong
}

// isLimit tells a limit by its name.
func isLimit(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return limit.MatchString(e.Name)
	case *ast.SelectorExpr:
		return limit.MatchString(e.Sel.Name)
	}
	return false
}

// speaksOfInput lists the rooms in which input is a word of their own: what
// policies see, and the argument of a mutation.
var speaksOfInput = []string{"policy", "pdp", "audit", "resolver", "cmd"}

// TestWordsOfArgumentsStayInTheResolver: what a service finds wrong it names by
// its own field. That the API gives it in an argument called input is the
// resolver's to say.
func TestWordsOfArgumentsStayInTheResolver(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		room, _, _ := strings.Cut(path, string(filepath.Separator))
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || slices.Contains(speaksOfInput, room) {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		seen++
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && strings.HasPrefix(text.Value, `"input.`) {
				t.Errorf("%s: %s: name the field without the argument", files.Position(n.Pos()), text.Value)
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files, %v: the test holds nothing", seen, err)
	}
}
