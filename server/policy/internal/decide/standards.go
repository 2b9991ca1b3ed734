package decide

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// codeUnchecked is the finding that tells of standards which gave no answer.
const codeUnchecked = "standards.unchecked"

// compileStandards makes a unit of the standards of a draft, or nil of none.
func (e *Engine) compileStandards(ctx context.Context, d sandbox.Draft) (*Package, error) {
	s := d.Standards()
	if len(s.Modules) == 0 {
		return nil, nil //nolint:nilnil // most drafts have none
	}
	if len(s.Modules) == len(d.Modules) {
		return nil, model.Invalid("policies", "the draft holds standards and no rules, so nothing would decide any more",
			"add the rules that the domain lives by; souk policy new writes some to begin with")
	}
	return compilePackage(ctx, s, e.lib)
}

// standardsWith gives the standards in force once the unit is. What a domain
// does not propose it has no more; the company falls back on what the server
// was started with.
func (s *Snapshot) standardsWith(domain model.Slug, u *Package) map[model.Slug]*Package {
	all := maps.Clone(s.standards)
	switch {
	case u != nil && u.standards != nil:
		all[domain] = u.standards
	case (u == nil || domain == "") && s.engine.first.standards[domain] != nil:
		all[domain] = s.engine.first.standards[domain]
	default:
		delete(all, domain)
	}
	return all
}

// Findings asks the company's standards and those of the domain about one noun,
// the worst findings first. Standards that break are a finding of their own,
// of severity error: what could not be checked is not publishable.
func (s *Snapshot) Findings(ctx context.Context, domain model.Slug, m question.Metadata) ([]model.Finding, error) {
	input, err := m.Value()
	if err != nil {
		return nil, err
	}
	var found []model.Finding
	for _, owner := range slices.Compact([]model.Slug{"", domain}) {
		u := s.standards[owner]
		if u == nil {
			continue
		}
		of, err := s.findingsOf(ctx, u, input)
		if err != nil {
			return nil, err
		}
		found = append(found, of...)
	}
	for i := range found {
		found[i].SubjectID = m.ID()
	}
	slices.SortFunc(found, model.Finding.Compare)
	return slices.Compact(found), nil
}

func (s *Snapshot) findingsOf(ctx context.Context, u *Package, input ast.Value) ([]model.Finding, error) {
	g := s.engine.guard(model.Slug(u.Pkg)) // no domain has a dot in its name
	if f := g.enter(ctx); f != nil {
		return unchecked(ctx, u, f)
	}
	term, _, f := u.Answer(ctx, u.Query, input)
	r := verdict.Reader{Origin: u.Pkg, At: sandbox.FindingsEntry, Left: sandbox.MaxOutput}
	var found []model.Finding
	if f == nil {
		found, f = r.Findings(term)
	}
	if g.leave(f); f != nil {
		return unchecked(ctx, u, f)
	}
	return found, nil
}

// unchecked makes a finding of trouble, unless the caller has gone away.
func unchecked(ctx context.Context, u *Package, f *sandbox.Fault) ([]model.Finding, error) {
	if f.Code == sandbox.CodeCancelled && ctx.Err() != nil {
		return nil, fmt.Errorf("check the standards: %w", context.Cause(ctx))
	}
	return []model.Finding{{
		Code: codeUnchecked, Severity: model.SeverityError, Standard: u.Pkg,
		Message: "The standards of " + u.Pkg + " could not be checked: " + f.Message + ".",
		Remedy:  "Ask whoever writes them to mend them, or to return to their earlier revision.",
	}}, nil
}
