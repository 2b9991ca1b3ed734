package usage

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// SpeaksOf looks at the texts of the rules. The path by which a rule reaches
// into its input is no text of its own.
func SpeaksOf(module *ast.Module, name string) bool {
	found := false
	var visitor *ast.GenericVisitor
	visitor = ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Package, *ast.Import:
			return true
		case ast.Ref:
			for _, term := range x {
				if _, key := term.Value.(ast.String); !key {
					visitor.Walk(term)
				}
			}
			return true
		case ast.String:
			found = found || hasWord(string(x), name)
		}
		return found
	})
	for _, rule := range module.Rules {
		visitor.Walk(rule)
	}
	return found
}

// hasWord reports whether the name stands in the text by itself. A name of
// two parts is one word.
func hasWord(text, name string) bool {
	word := func(r rune) bool {
		return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '@' || r == '.' || r == '-'
	}
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(name)
		before, after := text[:begin], text[end:]
		if (before == "" || !word(rune(before[len(before)-1]))) && (after == "" || !word(rune(after[0]))) {
			return true
		}
		at = begin + 1
	}
}
