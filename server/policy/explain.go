package policy

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/souk-mesh/souk/graph/model"
)

// maxKnown is how many past revisions are kept compiled.
const maxKnown = 32

// archive keeps the revisions that were explained lately, the newest last.
type archive struct {
	*engine
	mu    sync.Mutex
	kept  []*rulePackage
	text  sync.Once
	trees map[string]*ast.Module // of the library
}

// Explain evaluates a logged decision again, on the modules of the revisions
// that decided, and says of each rule for the action which condition it lacked
// and what somebody could do to be allowed. Modules of revisions that this
// server decides with, or was started with, may be left out; where the right
// ones are missing the rules in force speak, and Faithful says so.
func (a *archive) Explain(ctx context.Context, record model.DecisionRecord, modules []model.PolicyModule) (model.Explanation, error) {
	if len(record.Input) == 0 {
		return model.Explanation{}, model.Conflict("decisionId", "the log holds no input of this decision", "inputs are kept for the retention of the log; lists are logged as one row without")
	}
	l, err := readLogged(record.Input)
	if err != nil {
		return model.Explanation{}, err
	}
	s, err := a.snapshotAt(ctx, l, record.Decision, modules)
	if err != nil {
		return model.Explanation{}, err
	}
	d := s.decideLogged(ctx, l)
	if err := ctx.Err(); err != nil {
		return model.Explanation{}, err
	}
	return model.Explanation{
		DecisionID: record.ID, Outcome: d.Outcome, Reasons: d.Reasons,
		Faithful: d.Revisions == record.Decision.Revisions && d.Outcome == record.Decision.Outcome,
		Rules:    a.traces(ctx, s, l), Paths: paths(ctx, s, l, d),
	}, nil
}

// snapshotAt gives the policies as they were when the decision was made, as far as
// they can be had.
func (a *archive) snapshotAt(ctx context.Context, l logged, made model.Decision, modules []model.PolicyModule) (*Snapshot, error) {
	want := made.Revisions
	s := a.Snapshot().onTrial()
	platform, err := a.packageAt(ctx, "", want.Platform, modules)
	if err != nil {
		return nil, err
	}
	if platform != nil {
		s = s.withUnit("", platform)
	}
	domain := l.about.Resource.Domain
	if domain == "" || l.right.alone {
		return s, nil
	}
	own, err := a.packageAt(ctx, domain, want.Domain, modules)
	if err != nil {
		return nil, err
	}
	if own != nil {
		s = s.withUnit(domain, own)
	}
	return a.withConsentAt(ctx, s, l, made, modules)
}

// withConsentAt lets the asker's domain have the say that it had then, which is
// none where the decision names no revision of it.
func (a *archive) withConsentAt(ctx context.Context, s *Snapshot, l logged, made model.Decision, modules []model.PolicyModule) (*Snapshot, error) {
	asker, want := l.about.Subject.Domain, made.Revisions.Consent
	if !l.right.consent || asker == "" || asker == l.about.Resource.Domain || isNameless(made) {
		return s, nil
	}
	if want == "" {
		return s.withoutConsent(asker), nil
	}
	u, err := a.packageAt(ctx, asker, want, modules)
	if err != nil || u == nil {
		return s, err
	}
	return s.withUnit(asker, u), nil
}

// packageAt finds the revision of a package: among those in force, those of the
// start and those explained lately, or by compiling its modules. It gives nil
// when there is none.
func (a *archive) packageAt(ctx context.Context, domain model.Slug, want string, modules []model.PolicyModule) (*rulePackage, error) {
	for _, s := range []*Snapshot{a.Snapshot(), a.AtStart()} {
		for _, u := range []*rulePackage{s.of(domain), s.Template()} {
			if u.revision == want {
				return u, nil
			}
		}
	}
	if u := a.find(want); u != nil {
		return u, nil
	}
	d := Draft{Domain: domain}
	for _, m := range modules {
		if at, err := place(m.Path); err == nil && (at.pkg == d.pkg() || at.pkg == standardsOf(domain)) {
			d.Modules = append(d.Modules, m)
		}
	}
	u, err := a.compile(ctx, d)
	if err == nil && u != nil {
		a.keep(u)
	}
	return u, err
}

func (a *archive) find(revision string) *rulePackage {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.IndexFunc(a.kept, func(u *rulePackage) bool { return u.revision == revision }); i >= 0 {
		return a.kept[i]
	}
	return nil
}

func (a *archive) keep(u *rulePackage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept = append(a.kept, u); len(a.kept) > maxKnown {
		a.kept = slices.Delete(a.kept, 0, 1)
	}
}

// libraryTrees gives the library as its authors wrote it.
func (a *archive) libraryTrees() map[string]*ast.Module {
	a.text.Do(func() {
		a.trees, _ = parse(a.Library().rules(), capabilities(false)) // it has compiled
	})
	return a.trees
}

// traces says of each rule for the action how far it got, the platform's first.
func (a *archive) traces(ctx context.Context, s *Snapshot, l logged) []model.RuleTrace {
	heard := []string{"deny"}
	if l.right.platform || l.about.Resource.Domain == "" {
		heard = []string{"deny", "allow", "visible"}
	}
	traces := a.tracesOf(ctx, s.Platform(), s.Platform().queryFor(l.about.Action), l, heard)
	if l.about.Resource.Domain == "" || l.right.alone {
		return traces
	}
	own := s.of(l.about.Resource.Domain)
	traces = append(traces, a.tracesOf(ctx, own, own.queryFor(l.about.Action), l, []string{"deny", "allow", "visible"})...)
	if theirs := s.consentOf(l.about, l.right); theirs != nil {
		traces = append(traces, a.tracesOf(ctx, theirs, *theirs.consent, l, []string{"consent"})...)
	}
	return traces
}

func (a *archive) tracesOf(ctx context.Context, u *rulePackage, q rego.PreparedEvalQuery, l logged, heard []string) []model.RuleTrace {
	r := a.read(u.unit, follow(ctx, q, l.input), l.input)
	var list []model.RuleTrace
	byRule := map[*ast.Rule]int{}
	for _, f := range r.frames {
		rule := r.source(f)
		if rule == nil || f.asker() != nil || !slices.Contains(heard, rule.Head.Ref()[0].Value.String()) {
			continue
		}
		t := r.ruleTrace(u.pkg, f, rule)
		if i, again := byRule[rule]; again {
			if list[i].Held = list[i].Held || t.Held; list[i].Held {
				list[i].Failed = nil
			}
			continue
		}
		if about := actionsOf(rule); len(about) == 0 || slices.Contains(about, l.about.Action) {
			byRule[rule] = len(list)
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b model.RuleTrace) int {
		return cmp.Or(cmp.Compare(slices.Index(heard, a.Entry), slices.Index(heard, b.Entry)), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return list
}

func (r *reading) ruleTrace(pkg string, f *frame, rule *ast.Rule) model.RuleTrace {
	t := model.RuleTrace{
		Package: pkg, Entry: rule.Head.Ref()[0].Value.String(), Code: codeOf(rule),
		File: rule.Location.File, Line: rule.Location.Row, Held: f.held,
	}
	for _, a := range rule.Annotations {
		t.Title = cmp.Or(t.Title, a.Title)
	}
	if !f.held {
		t.Failed = r.failure(f, 0)
	}
	return t
}
