package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// naming are the fields of the input that hold names of domains, and namingTeams
// those with names of teams, each of which begins with its domain's.
var (
	naming      = question.FieldsNaming(question.NamesDomain)
	namingTeams = question.FieldsNaming(question.NamesTeam)
)

// UnknownDomains finds each domain that the rules of a draft set a field
// against and that is none of the known ones: such a rule never fires, or fires
// for a domain that somebody makes later. One close to a known name is an error,
// any other a warning; with near there is no warning, for whoever does not know
// all the domains.
func UnknownDomains(d sandbox.Draft, known []model.Slug, near bool) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for r, file := range rulesOf(d) {
		problems = append(problems, unknownIn(r, file, known, near)...)
	}
	return sandbox.InOrder(problems)
}

func unknownIn(r *ast.Rule, file string, known []model.Slug, near bool) []model.PolicyProblem {
	var problems []model.PolicyProblem
	items := itemsOf(r)
	ast.NewGenericVisitor(func(n any) bool {
		for _, t := range textsAgainst(n, naming, items) {
			name := model.Slug(t.Value.(ast.String))
			if p, wrong := unknownDomain(name, known, near); wrong {
				problems = append(problems, located(p, file, t))
			}
		}
		for _, t := range textsAgainst(n, namingTeams, items) {
			if p, wrong := unknownTeam(string(t.Value.(ast.String)), known, near); wrong {
				problems = append(problems, located(p, file, t))
			}
		}
		return false
	}).Walk(r)
	return problems
}

// itemsOf gives the variables of a rule that go through a field of the input,
// as team does in: some team in input.subject.teams. One that goes through two
// fields stands for none.
func itemsOf(r *ast.Rule) map[ast.Var]string {
	items := map[ast.Var]string{}
	ast.NewGenericVisitor(func(n any) bool {
		some, ok := n.(*ast.SomeDecl)
		if !ok {
			return false
		}
		for _, s := range some.Symbols {
			call, ok := s.Value.(ast.Call)
			if !ok || len(call) < 3 {
				continue
			}
			item, isVar := call[len(call)-2].Value.(ast.Var)
			if !isVar {
				continue
			}
			field := fieldSet(call[len(call)-1], nil)
			if was, twice := items[item]; twice && was != field {
				field = ""
			}
			items[item] = field
		}
		return false
	}).Walk(r)
	return items
}

// fieldSet names the field that a term reads, by itself or as one of its items.
func fieldSet(t *ast.Term, items map[ast.Var]string) string {
	switch v := t.Value.(type) {
	case ast.Ref:
		return strings.TrimSuffix(sandbox.FieldName(v), ".")
	case ast.Var:
		return items[v]
	}
	return ""
}

func unknownDomain(name model.Slug, known []model.Slug, near bool) (model.PolicyProblem, bool) {
	best := model.Nearest(string(name), known)
	if name == "" || slices.Contains(known, name) || (near && best == "") {
		return model.PolicyProblem{}, false
	}
	severity, fix := sandbox.SeverityWarning, "create the domain first, or correct its name"
	if best != "" {
		severity, fix = sandbox.SeverityError, fmt.Sprintf("did you mean %s? Or %s", best, fix)
	}
	return model.PolicyProblem{Severity: severity, Code: "policy.unknown_domain", Message: fmt.Sprintf("there is no domain %q", string(name)), Fix: fix}, true
}

// unknownTeam finds a team that names no domain, which no input ever holds, or
// an unknown one. Which teams a domain has changes without its rules.
func unknownTeam(name string, known []model.Slug, near bool) (model.PolicyProblem, bool) {
	domain, team, whole := strings.Cut(name, "/")
	if name == "" || (whole && team != "") {
		return unknownDomain(model.Slug(domain), known, near)
	}
	return model.PolicyProblem{
		Severity: sandbox.SeverityError, Code: "policy.unknown_team", Message: fmt.Sprintf("%q is the name of no team", name),
		Fix: "write it as input.subject.teams holds it: DOMAIN/TEAM",
	}, true
}

func located(p model.PolicyProblem, file string, t *ast.Term) model.PolicyProblem {
	p.File, p.Line = file, t.Location.Row
	return p
}

// textsAgainst gives the texts that an expression sets against one of the fields.
func textsAgainst(n any, fields []string, items map[ast.Var]string) []*ast.Term {
	e, ok := n.(*ast.Expr)
	if !ok || !e.IsCall() || len(e.Operands()) != 2 || !slices.Contains(sandbox.Comparisons, e.Operator().String()) {
		return nil
	}
	a, b := e.Operand(0), e.Operand(1)
	var texts []*ast.Term
	for _, side := range [][2]*ast.Term{{a, b}, {b, a}} {
		if slices.Contains(fields, fieldSet(side[0], items)) {
			texts = append(texts, sandbox.Literals(side[1])...)
		}
	}
	return texts
}
