package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// The contract is Rego that makes questions up. Every draft has to answer them
// acceptably, together with the guardrails of the platform.
const (
	folderContract = "contract"
	contractEntry  = "cases"
)

// anyDomain is asked about when the draft is the platform's own: a domain that
// lives by the template.
const anyDomain = "contract"

// ordinary is the question that the cases of the contract are changes of.
func ordinary(domain model.Slug) Question {
	return Question{
		Action:  model.ActDataRead,
		Subject: Subject{Type: "person", ID: "prn_contract", Name: "outsider", Domain: "contract-elsewhere", Roles: []model.Role{model.RoleEmployee}, Clearance: model.Confidential},
		Resource: Resource{
			Type: "data_product", ID: "dpr_contract", Name: "product", Domain: domain, Owner: "prn_contract_other", Classification: model.Internal,
			Visibility: model.VisibleToAll, Status: string(model.Published), Product: "dpr_contract", Described: true, HasOwner: true, Ports: 1,
		},
		Context: Context{Now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), Purpose: "contract", Duration: 24 * time.Hour, Channel: "graphql"},
	}
}

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
func (e *desk) keepsContract(ctx context.Context, d Draft) ([]model.PolicyProblem, error) {
	if d.Domain != "" {
		return e.keepsFor(ctx, d, d.Domain)
	}
	problems, err := e.keepsFor(ctx, d, anyDomain)
	if err != nil {
		return nil, err
	}
	others, err := e.keepsForOthers(ctx, d)
	return append(problems, others...), err
}

// keepsForOthers asks a draft of the platform's about every domain that writes
// its own rules: together with those, the new guardrails may lack something.
func (e *desk) keepsForOthers(ctx context.Context, d Draft) ([]model.PolicyProblem, error) {
	return e.keepsFor(ctx, d, e.Snapshot().Domains()...)
}

func (e *desk) keepsFor(ctx context.Context, d Draft, domains ...model.Slug) ([]model.PolicyProblem, error) {
	u, err := e.compile(ctx, d)
	if err != nil {
		return nil, err
	}
	return e.breachesOf(ctx, e.Snapshot().with(d.Domain, u).onTrial(), domains)
}

// Breaches lists what the rules in force answer otherwise than the contract
// accepts. None came into force like that; but a new release of the server may
// bring other guardrails or another contract.
func (e *desk) Breaches(ctx context.Context) ([]model.PolicyProblem, error) {
	s := e.Snapshot()
	return e.breachesOf(ctx, s.onTrial(), append(s.Domains(), anyDomain))
}

func (e *desk) breachesOf(ctx context.Context, s *Snapshot, domains []model.Slug) ([]model.PolicyProblem, error) {
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
	return inOrder(problems), nil
}

func (e *desk) breaches(ctx context.Context, s *Snapshot, domain model.Slug) ([]breach, error) {
	contract := e.Contract()
	term, _, f := contract.answer(ctx, contract.query, ordinary(domain).value())
	if f != nil {
		return nil, fmt.Errorf("ask the contract: %s", f.message)
	}
	answer, _ := valueOf[ast.Object](term)
	cases, ok := valueOf[ast.Set](answer.Get(ast.StringTerm(contractEntry)))
	if !ok {
		return nil, fmt.Errorf("ask the contract: it gives no set of cases")
	}
	var found []breach
	for _, c := range cases.Slice() {
		b := breach{name: textAt(c.Value, "name")}
		accepted, _ := valueAt(c.Value, "accept").(ast.Set)
		if accepted == nil {
			return nil, fmt.Errorf("ask the contract: the case %q accepts nothing", b.name)
		}
		l, err := loggedOf(valueAt(c.Value, "input"))
		if err != nil {
			return nil, fmt.Errorf("ask the contract: %w", err)
		}
		b.action, b.decision = l.about.Action, s.decideLogged(ctx, l)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("ask the contract: %w", err)
		}
		if !accepted.Contains(ast.StringTerm(string(b.decision.Outcome))) || fails(b.decision) {
			accepted.Foreach(func(t *ast.Term) { b.accepted = append(b.accepted, string(t.Value.(ast.String))) })
			found = append(found, b)
		}
	}
	return found, nil
}

// fails reports a decision that was refused because the rules broke.
func fails(d model.Decision) bool {
	return slices.ContainsFunc(d.Reasons, func(r model.Reason) bool {
		return r.Origin == originEngine && (strings.HasPrefix(r.Code, originEngine+".") || r.Code == codeQuarantined)
	})
}

// problem tells the author, at the rule that gave the answer if there is one.
func (b breach) problem(domain model.Slug, s *Snapshot) model.PolicyProblem {
	p := model.PolicyProblem{
		Severity: severityError, Code: "policy.contract",
		Message: fmt.Sprintf("%s: %s must be %s, and is %s", b.name, b.action, strings.Join(b.accepted, " or "), b.decision.Outcome),
		Fix:     "take the exception out of the rules; the contract holds for every domain",
	}
	if domain != anyDomain {
		p.Message = fmt.Sprintf("in the domain %s, %s", domain, p.Message)
	}
	for _, r := range b.decision.Reasons {
		p.Message += fmt.Sprintf(" (%s: %s)", r.Code, r.Message)
		for _, u := range []*rulePackage{s.of(domain), s.Platform()} {
			if p.File == "" {
				p.File, p.Line = ruleWithCode(u.unit, r.Code)
			}
		}
	}
	return p
}

// ruleWithCode finds the rule that gives the reason.
func ruleWithCode(u *unit, code string) (file string, line int) {
	for _, file := range sortedFiles(u.parsed()) {
		for _, r := range u.parsed()[file].Rules {
			if codeOf(r) == code {
				return file, r.Location.Row
			}
		}
	}
	return "", 0
}
