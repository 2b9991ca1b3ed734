package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// naming are the fields of the input that hold names of domains.
var naming = []string{"input.subject.domain", "input.resource.domain", "input.subject.steward_of"}

// UnknownDomains finds each domain that the rules of a draft set a field
// against and that is none of the known ones: such a rule never fires, or fires
// for a domain that somebody makes later. One close to a known name is an error,
// any other a warning; with near there is no warning, for whoever does not know
// all the domains.
func UnknownDomains(d Draft, known []model.Slug, near bool) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for _, m := range d.Modules {
		if isTest(m.Path) {
			continue
		}
		module, err := parseModule(m.Path, m.Text, capabilities(false))
		if err != nil {
			continue
		}
		ast.NewGenericVisitor(func(n any) bool {
			for _, t := range domainsIn(n) {
				name := model.Slug(t.Value.(ast.String))
				if p, wrong := unknownDomain(name, known, near); wrong {
					p.File, p.Line = m.Path, t.Location.Row
					problems = append(problems, p)
				}
			}
			return false
		}).Walk(module)
	}
	return inOrder(problems)
}

func unknownDomain(name model.Slug, known []model.Slug, near bool) (model.PolicyProblem, bool) {
	best := model.Nearest(string(name), known)
	if name == "" || slices.Contains(known, name) || (near && best == "") {
		return model.PolicyProblem{}, false
	}
	severity, fix := severityWarning, "create the domain first, or correct its name"
	if best != "" {
		severity, fix = severityError, fmt.Sprintf("did you mean %s? Or %s", best, fix)
	}
	return model.PolicyProblem{Severity: severity, Code: "policy.unknown_domain", Message: fmt.Sprintf("there is no domain %q", string(name)), Fix: fix}, true
}

// domainsIn gives the texts that an expression sets against a domain's name.
func domainsIn(n any) []*ast.Term {
	e, ok := n.(*ast.Expr)
	if !ok || !e.IsCall() || len(e.Operands()) != 2 || !slices.Contains(comparisons, e.Operator().String()) {
		return nil
	}
	a, b := e.Operand(0), e.Operand(1)
	var texts []*ast.Term
	for _, side := range [][2]*ast.Term{{a, b}, {b, a}} {
		ref, ok := side[0].Value.(ast.Ref)
		if !ok || !slices.Contains(naming, strings.TrimSuffix(fieldName(ref), ".")) {
			continue
		}
		texts = append(texts, literals(side[1])...)
	}
	return texts
}
