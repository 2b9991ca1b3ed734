package policy

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/souk-mesh/souk/graph/model"
)

// Snapshot is a set of policies that were in force together. It never changes.
type Snapshot struct {
	engine   *engine
	platform *rulePackage
	template *rulePackage
	domains  map[model.Slug]*rulePackage
	trial    bool // no guard counts its evaluations

	standards map[model.Slug]*rulePackage // "" holds the company's
}

// with gives a snapshot in which the domain lives by the unit, or by what the
// server was started with when that is nil. "" is the platform.
func (s *Snapshot) with(domain model.Slug, u *rulePackage) *Snapshot {
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

// withoutConsent gives a snapshot in which the domain has no rules of consent.
func (s *Snapshot) withoutConsent(domain model.Slug) *Snapshot {
	next := *s
	next.domains = maps.Clone(s.domains)
	delete(next.domains, domain)
	return &next
}

// withUnit gives a snapshot in which the domain lives by the package, which may
// be a template. "" is the platform.
func (s *Snapshot) withUnit(domain model.Slug, u *rulePackage) *Snapshot {
	next := *s
	if domain == "" {
		next.platform = u
		return &next
	}
	next.domains = map[model.Slug]*rulePackage{domain: u}
	for d, other := range s.domains {
		if d != domain {
			next.domains[d] = other
		}
	}
	return &next
}

// onTrial gives a snapshot whose evaluations no guard counts: what a draft
// does must not close the domain that others are asking about.
func (s *Snapshot) onTrial() *Snapshot {
	next := *s
	next.trial = true
	return &next
}

// Library gives the text that every package is compiled with.
func (s *Snapshot) Library() source { return s.engine.lib }

// Platform gives the guardrails of the platform.
func (s *Snapshot) Platform() *rulePackage { return s.platform }

// Template gives what domains live by that write no rules of their own.
func (s *Snapshot) Template() *rulePackage { return s.template }

// CompanyStandards gives the standards that hold for everybody, or nil.
func (s *Snapshot) CompanyStandards() *rulePackage { return s.standards[""] }

// Domains lists the domains that write their own rules, sorted.
func (s *Snapshot) Domains() []model.Slug { return slices.Sorted(maps.Keys(s.domains)) }

// of gives the package that a domain lives by; "" is the platform.
func (s *Snapshot) of(domain model.Slug) *rulePackage {
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
func (s *Snapshot) Decide(ctx context.Context, q Question) model.Decision {
	return s.decideOn(ctx, q, q.value())
}

// DecideLogged is Decide for a question that is logged: it gives the input
// beside, from the value that the rules have seen.
func (s *Snapshot) DecideLogged(ctx context.Context, q Question) (model.Decision, json.RawMessage) {
	input := q.value()
	return s.decideOn(ctx, q, input), written(input)
}

func (s *Snapshot) decideOn(ctx context.Context, q Question, input ast.Value) model.Decision {
	s.engine.decided.Add(1)
	right, ok := rightsOf(q.Action)
	if !ok {
		why := model.Reason{Code: codeAction, Message: "The action " + string(q.Action) + " is none that policies know.", Origin: originEngine}
		return model.Decision{Outcome: model.Deny, Revisions: s.revisions(q), Reasons: []model.Reason{why}}
	}
	if err := q.Properties.check(); err != nil {
		why := model.Reason{Code: codeInput, Message: "The question holds what no rule can look at: " + err.Error() + ".", Origin: originEngine}
		return model.Decision{Outcome: model.Deny, Revisions: s.revisions(q), Reasons: []model.Reason{why}}
	}
	d := s.decide(ctx, q, right, input)
	d.Revisions = s.revisions(q)
	if !s.trial {
		s.engine.shadows.offer(s, q, input, d)
	}
	return d
}

// decide asks the platform, then the owner of the resource, then the domain
// of the asker. After a refusal nobody else needs to be asked.
func (s *Snapshot) decide(ctx context.Context, q Question, right rights, input ast.Value) model.Decision {
	voices := make([]voice, 0, 3)
	platform := s.platform.ask(ctx, s.platform.queryFor(q.Action), input, folderPlatform)
	voices = append(voices, voice{platform, right.platform || q.Resource.Domain == ""})
	if q.Resource.Domain != "" && !right.alone && !platform.refuses() {
		owner := s.askDomain(ctx, q.Resource.Domain, q.Action, input)
		voices = append(voices, voice{owner, true})
		if u := s.consentOf(q, right); u != nil && !owner.refuses() {
			voices = append(voices, voice{s.askConsent(ctx, u, input), false})
		}
	}
	return combine(right, voices...)
}

func (v verdict) refuses() bool { return v.fault != nil || len(v.deny) > 0 }

func (s *Snapshot) askDomain(ctx context.Context, domain model.Slug, action model.Action, input ast.Value) verdict {
	u := s.of(domain)
	if s.trial {
		return u.ask(ctx, u.queryFor(action), input, string(domain))
	}
	g := s.engine.guard(domain)
	if f := g.enter(ctx); f != nil {
		return verdict{origin: string(domain), fault: f}
	}
	v := u.ask(ctx, u.queryFor(action), input, string(domain))
	g.leave(v.fault)
	return v
}

// consentOf gives the package of the asker's own domain where it has a say in
// questions of the kind: about data of another domain, and by rules of consent.
// Anywhere else there is none.
func (s *Snapshot) consentOf(q Question, right rights) *rulePackage {
	if q.Resource.Domain == "" || right.alone || !right.consent || q.Subject.Domain == q.Resource.Domain {
		return nil
	}
	if u, ok := s.domains[q.Subject.Domain]; ok && u.consent != nil {
		return u
	}
	return nil
}

// askConsent hears the asker's own domain: a package that has rules of consent
// and gives none refuses.
func (s *Snapshot) askConsent(ctx context.Context, u *rulePackage, input ast.Value) verdict {
	var v verdict
	if s.trial {
		v = u.ask(ctx, *u.consent, input, string(u.domain))
	} else {
		g := s.engine.guard(u.domain)
		if f := g.enter(ctx); f != nil {
			return verdict{origin: string(u.domain), fault: f}
		}
		v = u.ask(ctx, *u.consent, input, string(u.domain))
		g.leave(v.fault)
	}
	if v.fault == nil && len(v.consent) == 0 {
		v.deny = []model.Reason{{Code: codeNoConsent, Message: "The asker's own domain, " + v.origin + ", does not consent.", Origin: v.origin}}
	}
	return v
}

// revisions names the packages that have a say in the question. Those that a
// refusal spared are among them: who is named does not hang on the outcome.
func (s *Snapshot) revisions(q Question) model.Revisions {
	r, right := model.Revisions{Platform: s.platform.revision}, actions[q.Action]
	if q.Resource.Domain != "" && !right.alone {
		r.Domain = s.of(q.Resource.Domain).revision
	}
	if u := s.consentOf(q, right); u != nil {
		r.Consent = u.revision
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
