package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// Owns reports whether rules or standards of the domain's own are in force.
func (s *Snapshot) Owns(domain model.Slug) bool {
	return s.domains[domain] != nil || s.standards[domain] != nil
}

// Mentions lists the files of the rules in force that speak of the name: they
// hold a text in which it stands as a word, or as DOMAIN/NAME. A name that rules
// put together from parts is not seen.
func (s *Snapshot) Mentions(name string) []string {
	files := map[string]bool{}
	for _, u := range s.packages() {
		for file, module := range u.compiler.Modules {
			if !isTest(file) && !files[file] && speaksOf(module, name) {
				files[file] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(files))
}

func (s *Snapshot) packages() []*rulePackage {
	all := []*rulePackage{s.platform, s.template}
	all = slices.AppendSeq(all, maps.Values(s.domains))
	return slices.AppendSeq(all, maps.Values(s.standards))
}

// speaksOf looks at the texts of the rules. The path by which a rule reaches
// into its input is no text of its own.
func speaksOf(module *ast.Module, name string) bool {
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
