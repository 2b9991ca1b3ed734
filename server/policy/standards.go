package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/souk-mesh/souk/graph/model"
)

// Standards are rules about metadata. They allow and refuse nothing: each
// finding says what a product, an asset or a domain lacks. The company's hold
// for everybody; a domain's are asked besides, so they can only add.
const (
	folderStandards = "standards"
	findingsEntry   = "findings"
	maxFindings     = 100 // of one package about one noun
)

// codeUnchecked is the finding that tells of standards which gave no answer.
const codeUnchecked = "standards.unchecked"

func companyStandards() string { return "souk." + folderStandards }

func standardsOf(domain model.Slug) string {
	if domain == "" {
		return companyStandards()
	}
	return domainPackage(domain) + "." + folderStandards
}

// areStandards reports whether the package looks at metadata.
func areStandards(pkg string) bool {
	words := strings.Split(pkg, ".")
	return pkg == companyStandards() || (len(words) == 4 && words[1] == folderDomains && words[3] == folderStandards)
}

// entriesFor lists the rules that the server asks the package for.
func entriesFor(pkg string) []string {
	if areStandards(pkg) {
		return []string{findingsEntry}
	}
	if pkg == "souk."+folderContract {
		return []string{contractEntry}
	}
	return entries
}

// schemaFor describes the input of the package.
func schemaFor(pkg string) *ast.SchemaSet {
	if areStandards(pkg) {
		return metadataSchema()
	}
	return inputSchema()
}

// standards gives the part of the draft that looks at metadata.
func (d Draft) standards() source {
	s := source{pkg: standardsOf(d.Domain), domain: d.Domain, modules: map[string]string{}}
	for _, m := range d.Modules {
		if at, err := place(m.Path); err == nil && at.pkg == s.pkg {
			s.modules[m.Path] = m.Text
		}
	}
	return s
}

// compileStandards makes a unit of the standards of a draft, or nil of none.
func (e *engine) compileStandards(ctx context.Context, d Draft) (*rulePackage, error) {
	s := d.standards()
	if len(s.modules) == 0 {
		return nil, nil //nolint:nilnil // most drafts have none
	}
	if len(s.modules) == len(d.Modules) {
		return nil, model.Invalid("policies", "the draft holds standards and no rules, so nothing would decide any more",
			"add the rules that the domain lives by; souk policy new writes some to begin with")
	}
	return compilePackage(ctx, s, e.lib)
}

// standardsWith gives the standards in force once the unit is. What a domain
// does not propose it has no more; the company falls back on what the server
// was started with.
func (s *Snapshot) standardsWith(domain model.Slug, u *rulePackage) map[model.Slug]*rulePackage {
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
func (s *Snapshot) Findings(ctx context.Context, domain model.Slug, m Metadata) ([]model.Finding, error) {
	input, err := m.value()
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
		found[i].SubjectID = m.id()
	}
	slices.SortFunc(found, model.Finding.Compare)
	return slices.Compact(found), nil
}

func (s *Snapshot) findingsOf(ctx context.Context, u *rulePackage, input ast.Value) ([]model.Finding, error) {
	g := s.engine.guard(model.Slug(u.pkg)) // no domain has a dot in its name
	if f := g.enter(ctx); f != nil {
		return unchecked(ctx, u, f)
	}
	term, _, f := u.answer(ctx, u.query, input)
	r := reader{origin: u.pkg, at: findingsEntry, left: maxOutput}
	var found []model.Finding
	if f == nil {
		found, f = r.findings(term)
	}
	if g.leave(f); f != nil {
		return unchecked(ctx, u, f)
	}
	return found, nil
}

// unchecked makes a finding of trouble, unless the caller has gone away.
func unchecked(ctx context.Context, u *rulePackage, f *fault) ([]model.Finding, error) {
	if f.code == codeCancelled && ctx.Err() != nil {
		return nil, fmt.Errorf("check the standards: %w", context.Cause(ctx))
	}
	return []model.Finding{{
		Code: codeUnchecked, Severity: model.SeverityError, Standard: u.pkg,
		Message: "The standards of " + u.pkg + " could not be checked: " + f.message + ".",
		Remedy:  "Ask whoever writes them to mend them, or to return to their earlier revision.",
	}}, nil
}

func (r *reader) findings(t *ast.Term) ([]model.Finding, *fault) {
	answer, ok := valueOf[ast.Object](t)
	if !ok {
		return nil, &fault{codeInvalidOutput, "the answer is no object"}
	}
	members := answer.Get(keyFindings)
	if members == nil {
		return nil, nil
	}
	if set, ok := valueOf[ast.Set](members); ok && set.Len() > maxFindings {
		return nil, &fault{codeInvalidOutput, fmt.Sprintf("%s: more than %d of them about one noun", findingsEntry, maxFindings)}
	}
	return each(r, members, r.finding), r.fault
}

func (r *reader) finding(o ast.Object) model.Finding {
	f := model.Finding{
		Code: r.text(o, keyCode, true), Severity: model.Severity(r.text(o, keySeverity, true)), Standard: r.origin,
		Field: r.text(o, keyField, false), Message: r.text(o, keyMessage, true), Remedy: r.text(o, keyRemedy, true),
	}
	if f.Severity != model.SeverityError && f.Severity != model.SeverityWarning {
		r.fail("severity must be error or warning")
	}
	return f
}

var (
	keySeverity         = ast.StringTerm("severity")
	keyRemedy, keyField = ast.StringTerm("remedy"), ast.StringTerm("field")
)

// value builds the input of the standards.
func (m Metadata) value() (ast.Value, error) {
	m.V = inputVersion
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the input of the standards: %w", err)
	}
	v, err := ast.ValueFromReader(strings.NewReader(string(text)))
	if err != nil {
		return nil, fmt.Errorf("read the input of the standards: %w", err)
	}
	return v, nil
}
