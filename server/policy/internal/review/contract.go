package review

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// breach is a case that the draft answers otherwise than the contract accepts.
type breach struct {
	name     string
	action   model.Action
	accepted []string
	decision model.Decision
}

// keepsContract asks the draft every question of the contract: about its own
// domain, and for the platform's about one that lives by the template and about
// those that write their own rules.
func (e *Desk) keepsContract(ctx context.Context, d sandbox.Draft) ([]model.PolicyProblem, error) {
	if d.Domain != "" {
		return e.keepsFor(ctx, d, d.Domain)
	}
	problems, err := e.keepsFor(ctx, d, question.AnyDomain)
	if err != nil {
		return nil, err
	}
	others, err := e.keepsForOthers(ctx, d)
	return append(problems, others...), err
}

// keepsForOthers asks a draft of the platform's about every domain that writes
// its own rules: together with those, the new guardrails may lack something.
func (e *Desk) keepsForOthers(ctx context.Context, d sandbox.Draft) ([]model.PolicyProblem, error) {
	return e.keepsFor(ctx, d, e.Snapshot().Domains()...)
}

func (e *Desk) keepsFor(ctx context.Context, d sandbox.Draft, domains ...model.Slug) ([]model.PolicyProblem, error) {
	u, err := e.Compile(ctx, d)
	if err != nil {
		return nil, err
	}
	return e.breachesOf(ctx, e.Snapshot().With(d.Domain, u).OnTrial(), domains)
}

// Breaches lists what the rules in force answer otherwise than the contract
// accepts. None came into force like that; but a new release of the server may
// bring other guardrails or another contract.
func (e *Desk) Breaches(ctx context.Context) ([]model.PolicyProblem, error) {
	s := e.Snapshot()
	return e.breachesOf(ctx, s.OnTrial(), append(s.Domains(), question.AnyDomain))
}

func (e *Desk) breachesOf(ctx context.Context, s *decide.Snapshot, domains []model.Slug) ([]model.PolicyProblem, error) {
	var problems []model.PolicyProblem
	for _, domain := range domains {
		found, err := e.breaches(ctx, s, domain)
		if err != nil {
			return nil, err
		}
		for _, b := range found {
			problems = append(problems, b.problem(domain, s))
		}
	}
	return sandbox.InOrder(problems), nil
}

func (e *Desk) breaches(ctx context.Context, s *decide.Snapshot, domain model.Slug) ([]breach, error) {
	contract := e.Contract()
	term, _, f := contract.Answer(ctx, contract.Query, question.Ordinary(domain).Value())
	if f != nil {
		return nil, fmt.Errorf("ask the contract: %s", f.Message)
	}
	said, _ := question.ValueOf[ast.Object](term)
	cases, ok := question.ValueOf[ast.Set](said.Get(ast.StringTerm(sandbox.ContractEntry)))
	if !ok {
		return nil, errors.New("ask the contract: it gives no set of cases")
	}
	var found []breach
	for _, c := range cases.Slice() {
		b := breach{name: question.TextAt(c.Value, "name")}
		accepted, _ := question.ValueAt(c.Value, "accept").(ast.Set)
		if accepted == nil {
			return nil, fmt.Errorf("ask the contract: the case %q accepts nothing", b.name)
		}
		l, err := question.LoggedOf(question.ValueAt(c.Value, "input"))
		if err != nil {
			return nil, fmt.Errorf("ask the contract: %w", err)
		}
		b.action, b.decision = l.About.Action, s.DecideAgain(ctx, l)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("ask the contract: %w", err)
		}
		if !accepted.Contains(ast.StringTerm(string(b.decision.Outcome))) || verdict.Failed(b.decision) {
			accepted.Foreach(func(t *ast.Term) { b.accepted = append(b.accepted, string(t.Value.(ast.String))) })
			found = append(found, b)
		}
	}
	return found, nil
}

// problem tells the author, at the rule that gave the answer if there is one.
func (b breach) problem(domain model.Slug, s *decide.Snapshot) model.PolicyProblem {
	p := model.PolicyProblem{
		Severity: sandbox.SeverityError, Code: "policy.contract",
		Message: fmt.Sprintf("%s: %s must be %s, and is %s", b.name, b.action, strings.Join(b.accepted, " or "), b.decision.Outcome),
		Fix:     "take the exception out of the rules; the contract holds for every domain",
	}
	if domain != question.AnyDomain {
		p.Message = fmt.Sprintf("in the domain %s, %s", domain, p.Message)
	}
	for _, r := range b.decision.Reasons {
		p.Message += fmt.Sprintf(" (%s: %s)", r.Code, r.Message)
		for _, u := range []*decide.Package{s.Of(domain), s.Platform()} {
			if p.File == "" {
				p.File, p.Line = ruleWithCode(u.Unit, r.Code)
			}
		}
	}
	return p
}

// ruleWithCode finds the rule that gives the reason.
func ruleWithCode(u *sandbox.Unit, code string) (file string, line int) {
	for _, file := range sandbox.SortedFiles(u.Parsed()) {
		for _, r := range u.Parsed()[file].Rules {
			if verdict.CodeOf(r) == code {
				return file, r.Location.Row
			}
		}
	}
	return "", 0
}
