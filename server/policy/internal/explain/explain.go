// Package explain says why a decision came out as it did. It owns the policies
// as they were when a decision was made, the trace of what each rule lacked, in
// the words of its author, and the steps by which somebody could be allowed.
//
// It refuses to guess: every step is tried on the rules before it is told.
package explain

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// maxKnown is how many past revisions are kept compiled.
const maxKnown = 32

// Archive keeps the revisions that were explained lately, the newest last.
type Archive struct {
	*decide.Engine
	mu    sync.Mutex
	kept  []*decide.Package
	text  sync.Once
	trees map[string]*ast.Module // of the library
}

// Explain evaluates a logged decision again, on the modules of the revisions
// that decided, and says of each rule for the action which condition it lacked
// and what somebody could do to be allowed. Modules of revisions that this
// server decides with, or was started with, may be left out; where the right
// ones are missing the rules in force speak, and Faithful says so.
func (a *Archive) Explain(ctx context.Context, record model.DecisionRecord, modules []model.PolicyModule) (model.Explanation, error) {
	if len(record.Input) == 0 {
		return model.Explanation{}, model.Conflict("decisionId", "the log holds no input of this decision", "inputs are kept for the retention of the log; lists are logged as one row without")
	}
	l, err := question.ReadLogged(record.Input)
	if err != nil {
		return model.Explanation{}, err
	}
	s, err := a.snapshotAt(ctx, l, record.Decision, modules)
	if err != nil {
		return model.Explanation{}, err
	}
	d := s.DecideAgain(ctx, l)
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
func (a *Archive) snapshotAt(ctx context.Context, l question.Logged, made model.Decision, modules []model.PolicyModule) (*decide.Snapshot, error) {
	want := made.Revisions
	s := a.Snapshot().OnTrial()
	platform, err := a.packageAt(ctx, "", want.Platform, modules)
	if err != nil {
		return nil, err
	}
	if platform != nil {
		s = s.WithUnit("", platform)
	}
	domain := l.About.Resource.Domain
	if domain == "" || l.Right.Alone {
		return s, nil
	}
	own, err := a.packageAt(ctx, domain, want.Domain, modules)
	if err != nil {
		return nil, err
	}
	if own != nil {
		s = s.WithUnit(domain, own)
	}
	return a.withConsentAt(ctx, s, l, made, modules)
}

// withConsentAt lets the asker's domain have the say that it had then, which is
// none where the decision names no revision of it.
func (a *Archive) withConsentAt(ctx context.Context, s *decide.Snapshot, l question.Logged, made model.Decision, modules []model.PolicyModule) (*decide.Snapshot, error) {
	asker, want := l.About.Subject.Domain, made.Revisions.Consent
	if !l.Right.Consent || asker == "" || asker == l.About.Resource.Domain || decide.IsNameless(made) {
		return s, nil
	}
	if want == "" {
		return s.WithoutConsent(asker), nil
	}
	u, err := a.packageAt(ctx, asker, want, modules)
	if err != nil || u == nil {
		return s, err
	}
	return s.WithUnit(asker, u), nil
}

// packageAt finds the revision of a package: among those in force, those of the
// start and those explained lately, or by compiling its modules. It gives nil
// when there is none.
func (a *Archive) packageAt(ctx context.Context, domain model.Slug, want string, modules []model.PolicyModule) (*decide.Package, error) {
	for _, s := range []*decide.Snapshot{a.Snapshot(), a.AtStart()} {
		for _, u := range []*decide.Package{s.Of(domain), s.Template()} {
			if u.Revision == want {
				return u, nil
			}
		}
	}
	if u := a.find(want); u != nil {
		return u, nil
	}
	d := sandbox.Draft{Domain: domain}
	for _, m := range modules {
		if at, err := sandbox.Place(m.Path); err == nil && (at.Pkg == d.Pkg() || at.Pkg == sandbox.StandardsOf(domain)) {
			d.Modules = append(d.Modules, m)
		}
	}
	u, err := a.Compile(ctx, d)
	if err == nil && u != nil {
		a.keep(u)
	}
	return u, err
}

func (a *Archive) find(revision string) *decide.Package {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.IndexFunc(a.kept, func(u *decide.Package) bool { return u.Revision == revision }); i >= 0 {
		return a.kept[i]
	}
	return nil
}

func (a *Archive) keep(u *decide.Package) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept = append(a.kept, u); len(a.kept) > maxKnown {
		a.kept = slices.Delete(a.kept, 0, 1)
	}
}

// libraryTrees gives the library as its authors wrote it.
func (a *Archive) libraryTrees() map[string]*ast.Module {
	a.text.Do(func() {
		a.trees, _ = sandbox.Parse(a.Library().RuleFiles(), sandbox.Capabilities(false)) // it has compiled
	})
	return a.trees
}

// traces says of each rule for the action how far it got, the platform's first.
func (a *Archive) traces(ctx context.Context, s *decide.Snapshot, l question.Logged) []model.RuleTrace {
	heard := []string{"deny"}
	if l.Right.Platform || l.About.Resource.Domain == "" {
		heard = []string{"deny", "allow", "visible"}
	}
	traces := a.tracesOf(ctx, s.Platform(), s.Platform().QueryFor(l.About.Action), l, heard)
	if l.About.Resource.Domain == "" || l.Right.Alone {
		return traces
	}
	own := s.Of(l.About.Resource.Domain)
	traces = append(traces, a.tracesOf(ctx, own, own.QueryFor(l.About.Action), l, []string{"deny", "allow", "visible"})...)
	if theirs := s.ConsentOf(l.About, l.Right); theirs != nil {
		traces = append(traces, a.tracesOf(ctx, theirs, *theirs.Consent, l, []string{"consent"})...)
	}
	return traces
}

func (a *Archive) tracesOf(ctx context.Context, u *decide.Package, q rego.PreparedEvalQuery, l question.Logged, heard []string) []model.RuleTrace {
	r := a.read(u.Unit, follow(ctx, q, l.Input), l.Input)
	var list []model.RuleTrace
	byRule := map[*ast.Rule]int{}
	for _, f := range r.frames {
		rule := r.source(f)
		if rule == nil || f.asker() != nil || !slices.Contains(heard, rule.Head.Ref()[0].Value.String()) {
			continue
		}
		t := r.ruleTrace(u.Pkg, f, rule)
		if i, again := byRule[rule]; again {
			if list[i].Held = list[i].Held || t.Held; list[i].Held {
				list[i].Failed = nil
			}
			continue
		}
		if about := sandbox.ActionsOf(rule); len(about) == 0 || slices.Contains(about, l.About.Action) {
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
		Package: pkg, Entry: rule.Head.Ref()[0].Value.String(), Code: verdict.CodeOf(rule),
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
