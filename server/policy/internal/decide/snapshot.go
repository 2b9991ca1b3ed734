package decide

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// Snapshot is a set of policies that were in force together. It never changes.
type Snapshot struct {
	engine   *Engine
	platform *Package
	template *Package
	domains  map[model.Slug]*Package
	trial    bool // no guard counts its evaluations

	standards map[model.Slug]*Package // "" holds the company's
}

// With gives a snapshot in which the domain lives by the unit, or by what the
// server was started with when that is nil. "" is the platform.
func (s *Snapshot) With(domain model.Slug, u *Package) *Snapshot {
	next := *s
	next.standards = s.standardsWith(domain, u)
	if domain == "" {
		if next.platform = u; u == nil {
			next.platform = s.engine.first.platform
		}
		return &next
	}
	if u == nil {
		u = s.engine.first.domains[domain]
	}
	next.domains = maps.Clone(s.domains)
	if delete(next.domains, domain); u != nil {
		next.domains[domain] = u
	}
	return &next
}

// WithoutConsent gives a snapshot in which the domain has no rules of consent.
func (s *Snapshot) WithoutConsent(domain model.Slug) *Snapshot {
	next := *s
	next.domains = maps.Clone(s.domains)
	delete(next.domains, domain)
	return &next
}

// WithUnit gives a snapshot in which the domain lives by the package, which may
// be a template. "" is the platform.
func (s *Snapshot) WithUnit(domain model.Slug, u *Package) *Snapshot {
	next := *s
	if domain == "" {
		next.platform = u
		return &next
	}
	next.domains = map[model.Slug]*Package{domain: u}
	for d, other := range s.domains {
		if d != domain {
			next.domains[d] = other
		}
	}
	return &next
}

// OnTrial gives a snapshot whose evaluations no guard counts: what a draft
// does must not close the domain that others are asking about.
func (s *Snapshot) OnTrial() *Snapshot {
	next := *s
	next.trial = true
	return &next
}

// Library gives the text that every package is compiled with.
func (s *Snapshot) Library() sandbox.Source { return s.engine.lib }

// Platform gives the guardrails of the platform.
func (s *Snapshot) Platform() *Package { return s.platform }

// Template gives what domains live by that write no rules of their own.
func (s *Snapshot) Template() *Package { return s.template }

// CompanyStandards gives the standards that hold for everybody, or nil.
func (s *Snapshot) CompanyStandards() *Package { return s.standards[""] }

// Domains lists the domains that write their own rules, sorted.
func (s *Snapshot) Domains() []model.Slug { return slices.Sorted(maps.Keys(s.domains)) }

// Of gives the package that a domain lives by; "" is the platform.
func (s *Snapshot) Of(domain model.Slug) *Package {
	if domain == "" {
		return s.platform
	}
	if u, ok := s.domains[domain]; ok {
		return u
	}
	return s.template
}

// Decide answers one question. It never fails: trouble in the engine is a
// refusal, and the code of its reason begins with "engine.".
func (s *Snapshot) Decide(ctx context.Context, q question.Question) model.Decision {
	return s.decideOn(ctx, q, q.Value(), nil)
}

// DecideAlike is Decide for a question that is logged, one of many: it gives the
// input beside, from the value that the rules have seen. Nil knows no other
// questions. It may be called from several goroutines at once.
func (s *Snapshot) DecideAlike(ctx context.Context, q question.Question, others *Alike) (model.Decision, json.RawMessage) {
	input := q.Value()
	return s.decideOn(ctx, q, input, others), question.Written(input)
}

func (s *Snapshot) decideOn(ctx context.Context, q question.Question, input ast.Value, others *Alike) (d model.Decision) {
	if s.engine.observe != nil && !s.trial {
		begun := time.Now()
		defer func() { s.engine.observe(ctx, ownAction(q.Action), d.Outcome, begun) }()
	}
	right, ok := question.RightsOf(q.Action)
	if !ok {
		why := model.Reason{Code: sandbox.CodeAction, Message: "The action " + string(q.Action) + " is none that policies know.", Origin: verdict.OriginEngine}
		return model.Decision{Outcome: model.Deny, Revisions: s.revisions(q), Reasons: []model.Reason{why}}
	}
	if err := q.Properties.Check(); err != nil {
		why := model.Reason{Code: sandbox.CodeInput, Message: "The question holds what no rule can look at: " + err.Error() + ".", Origin: verdict.OriginEngine}
		return model.Decision{Outcome: model.Deny, Revisions: s.revisions(q), Reasons: []model.Reason{why}}
	}
	d = s.decideOnce(ctx, q, right, input, others)
	d.Revisions = s.revisions(q)
	if !s.trial {
		s.engine.shadows.offer(s, q, input, d)
	}
	return d
}

// ownAction is the action if it is one of the mesh's own. Strangers name others.
func ownAction(a model.Action) model.Action {
	if !question.Known(a) {
		return ""
	}
	return a
}

// decideOnce asks nobody where another question that no rule can tell from this
// one has been answered.
func (s *Snapshot) decideOnce(ctx context.Context, q question.Question, right question.Rights, input ast.Value, others *Alike) model.Decision {
	ask := func() model.Decision {
		s.engine.decided.Add(1)
		return s.decide(ctx, q, right, input)
	}
	if others == nil || s.trial || s.engine.shadows.on() {
		return ask()
	}
	return others.answer(s.keyOf(q, right, input), ask)
}

// decide asks the platform, then the owner of the resource, then the domain
// of the asker. After a refusal nobody else needs to be asked.
func (s *Snapshot) decide(ctx context.Context, q question.Question, right question.Rights, input ast.Value) model.Decision {
	answers := make([]verdict.Weighted, 0, 3)
	platform := s.platform.ask(ctx, s.platform.QueryFor(q.Action), input, sandbox.FolderPlatform)
	answers = append(answers, verdict.Weighted{Verdict: platform, MayAllow: right.Platform || q.Resource.Domain == ""})
	if q.Resource.Domain != "" && !right.Alone && !platform.Refuses() {
		owner := s.askDomain(ctx, q.Resource.Domain, q.Action, input)
		answers = append(answers, verdict.Weighted{Verdict: owner, MayAllow: true})
		if u := s.ConsentOf(q, right); u != nil && !owner.Refuses() {
			answers = append(answers, verdict.Weighted{Verdict: s.askConsent(ctx, u, input), MayAllow: false})
		}
	}
	return verdict.Combine(right, answers...)
}

func (s *Snapshot) askDomain(ctx context.Context, domain model.Slug, action model.Action, input ast.Value) verdict.Verdict {
	u := s.Of(domain)
	if s.trial {
		return u.ask(ctx, u.QueryFor(action), input, string(domain))
	}
	g := s.engine.guard(domain)
	if f := g.enter(ctx); f != nil {
		return verdict.Verdict{Origin: string(domain), Fault: f}
	}
	v := u.ask(ctx, u.QueryFor(action), input, string(domain))
	g.leave(v.Fault)
	return v
}

// ConsentOf gives the package of the asker's own domain where it has a say in
// questions of the kind: about data of another domain, and by rules of consent.
// Anywhere else there is none.
func (s *Snapshot) ConsentOf(q question.Question, right question.Rights) *Package {
	if q.Resource.Domain == "" || right.Alone || !right.Consent || q.Subject.Domain == q.Resource.Domain {
		return nil
	}
	if u, ok := s.domains[q.Subject.Domain]; ok && u.Consent != nil {
		return u
	}
	return nil
}

// askConsent hears the asker's own domain: a package that has rules of consent
// and gives none refuses.
func (s *Snapshot) askConsent(ctx context.Context, u *Package, input ast.Value) verdict.Verdict {
	var v verdict.Verdict
	if s.trial {
		v = u.ask(ctx, *u.Consent, input, string(u.Domain))
	} else {
		g := s.engine.guard(u.Domain)
		if f := g.enter(ctx); f != nil {
			return verdict.Verdict{Origin: string(u.Domain), Fault: f}
		}
		v = u.ask(ctx, *u.Consent, input, string(u.Domain))
		g.leave(v.Fault)
	}
	if v.Fault == nil && len(v.Consent) == 0 {
		v.Deny = []model.Reason{{Code: sandbox.CodeNoConsent, Message: "The asker's own domain, " + v.Origin + ", does not consent.", Origin: v.Origin}}
	}
	return v
}

// revisions names the packages that have a say in the question. Those that a
// refusal spared are among them: who is named does not hang on the outcome.
func (s *Snapshot) revisions(q question.Question) model.Revisions {
	r, right := model.Revisions{Platform: s.platform.Revision}, question.RightsByAction[q.Action]
	if q.Resource.Domain != "" && !right.Alone {
		r.Domain = s.Of(q.Resource.Domain).Revision
	}
	if u := s.ConsentOf(q, right); u != nil {
		r.Consent = u.Revision
	}
	return r
}

// Packages lists the packages of the snapshot: the platform's, the template,
// those of the domains that write their own, and the standards.
func (s *Snapshot) Packages() []model.PolicyPackage {
	packages := []model.PolicyPackage{s.platform.describe(), s.template.describe()}
	for _, domain := range slices.Sorted(maps.Keys(s.domains)) {
		packages = append(packages, s.domains[domain].describe())
	}
	for _, domain := range slices.Sorted(maps.Keys(s.standards)) {
		packages = append(packages, s.standards[domain].describe())
	}
	return packages
}

// Revisions gives the revision of every package by its name.
func (s *Snapshot) Revisions() map[string]string {
	revisions := map[string]string{}
	for _, p := range s.Packages() {
		revisions[p.Name] = p.Revision
	}
	return revisions
}
