package review

import (
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// asking are the fields of the input that tell one domain from another.
var asking = func() [][]string {
	paths := [][]string{{"input"}, {"input", "subject"}, {"input", "resource"}}
	for _, path := range question.FieldsNaming(question.NamesDomain, question.NamesTeam) {
		paths = append(paths, strings.Split(path, "."))
	}
	return paths
}()

// domainShape is the text of a domain's name, or of a team's: sales/orders.
var domainShape = regexp.MustCompile(`^([a-z][a-z0-9_]{1,40})(/|$)`)

// Touches lists the domains that the rules of a draft could name: every text
// with the shape of a domain's or a team's name in a rule that looks at whose
// the subject or the resource is, or in a helper of such a rule. It errs on
// the side of naming too many; the caller knows which domains there are. A
// module that does not parse names none. What Computes lists is not here.
func Touches(d sandbox.Draft) []model.Slug {
	t := readTouches(d)
	if d.Domain != "" {
		t.named[d.Domain] = true
	}
	t.eachAsking(t.collect)
	return slices.Sorted(maps.Keys(t.named))
}

func readTouches(d sandbox.Draft) *touches {
	t := &touches{rules: map[string][]*ast.Rule{}, named: map[model.Slug]bool{}}
	for r := range rulesOf(d) {
		name := r.Head.Ref()[0].Value.String()
		t.rules[name] = append(t.rules[name], r)
	}
	return t
}

// rulesOf gives the rules of a draft with their files, tests left out. What
// cannot be read is told of by the check.
func rulesOf(d sandbox.Draft) iter.Seq2[*ast.Rule, string] {
	return func(yield func(*ast.Rule, string) bool) {
		for _, m := range d.Modules {
			if sandbox.IsTest(m.Path) {
				continue
			}
			module, err := sandbox.ParseModule(m.Path, m.Text, sandbox.Capabilities(false))
			if err != nil {
				continue
			}
			for _, r := range module.Rules {
				if !yield(r, m.Path) {
					return
				}
			}
		}
	}
}

// eachAsking gives each rule that looks at whose something is, with all the
// rules that it needs.
func (t *touches) eachAsking(one func(within map[string]bool)) {
	for _, name := range slices.Sorted(maps.Keys(t.rules)) {
		within := map[string]bool{}
		t.reach(name, within)
		if t.asks(within) {
			one(within)
		}
	}
}

type touches struct {
	rules map[string][]*ast.Rule
	named map[model.Slug]bool
}

// reach adds the rule and every rule of the draft that it needs.
func (t *touches) reach(name string, within map[string]bool) {
	if within[name] {
		return
	}
	within[name] = true
	t.each(name, func(term *ast.Term) {
		var words []string
		switch v := term.Value.(type) {
		case ast.Var:
			words = []string{string(v)}
		case ast.Ref:
			words = sandbox.WordsOf(v)
		}
		for _, w := range words {
			if _, ok := t.rules[w]; ok {
				t.reach(w, within)
			}
		}
	})
}

// asks reports whether one of the rules looks at whose something is.
func (t *touches) asks(within map[string]bool) bool {
	found := false
	for name := range within {
		t.each(name, func(term *ast.Term) {
			switch v := term.Value.(type) {
			case ast.Ref:
				found = found || slices.ContainsFunc(asking, func(path []string) bool { return slices.Equal(path, sandbox.WordsOf(v)) })
			case ast.Var:
				found = found || v == "input"
			}
		})
	}
	return found
}

func (t *touches) collect(within map[string]bool) {
	for name := range within {
		t.each(name, func(term *ast.Term) {
			if s, ok := term.Value.(ast.String); ok {
				if m := domainShape.FindStringSubmatch(string(s)); m != nil {
					t.named[model.Slug(m[1])] = true
				}
			}
		})
	}
}

// each looks at every term of the rules of a name. The words of a reference
// are names of fields, and those of a reason are for people: both are left out.
func (t *touches) each(name string, visit func(*ast.Term)) {
	for _, r := range t.rules[name] {
		eachTermOf(r, visit)
	}
}

func eachTermOf(r *ast.Rule, visit func(*ast.Term)) {
	for ; r != nil; r = r.Else {
		eachTerm(r.Body, visit)
		eachTerm(r.Head.Args, visit)
		if r.Head.Value != nil {
			eachTerm(r.Head.Value, visit)
		}
		if _, reason := question.ValueOf[ast.Object](r.Head.Key); r.Head.Key != nil && !reason {
			eachTerm(r.Head.Key, visit)
		}
	}
}

func eachTerm(x any, visit func(*ast.Term)) {
	ast.WalkTerms(x, func(term *ast.Term) bool {
		visit(term)
		ref, ok := term.Value.(ast.Ref)
		for i, part := range ref {
			_, word := part.Value.(ast.String)
			if _, head := part.Value.(ast.Var); !word && (i > 0 || !head) {
				eachTerm(part, visit)
			}
		}
		return ok
	})
}
