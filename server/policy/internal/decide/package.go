package decide

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/partial"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/usage"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// Package is a package that may come into force: its rules, compiled to be
// asked and to be made conditions, and the standards that came with them.
type Package struct {
	*partial.Rules

	inputs sync.Once // of read
	read   []string
	given  sync.Map // usage.Given to []ast.Ref

	standing standing

	standards *Package // proposed together with the rules; nil when there are none
}

// compile makes a package of its text.
func compilePackage(ctx context.Context, s, lib sandbox.Source) (*Package, error) {
	u, err := sandbox.Compile(ctx, s, lib)
	if err != nil {
		return nil, err
	}
	v, err := partial.NewRules(ctx, u)
	if err != nil {
		return nil, err
	}
	return &Package{Rules: v}, nil
}

// reads looks once for what the rules of the package read of the input.
func (p *Package) reads() []string {
	p.inputs.Do(func() { p.read = usage.ReadBy(p.Unit, func(*ast.Rule) bool { return true }) })
	return p.read
}

// ask evaluates the package. Its reasons carry the origin: the template speaks
// for the domain that lives by it.
func (p *Package) ask(ctx context.Context, q rego.PreparedEvalQuery, input ast.Value, origin string) verdict.Verdict {
	term, steps, f := p.Answer(ctx, q, input)
	v := verdict.Verdict{Origin: origin, Steps: steps, Fault: f}
	if f == nil {
		v.Fault = v.Read(term)
	}
	return v
}

func (p *Package) describe() model.PolicyPackage {
	return model.PolicyPackage{Name: p.Pkg, Domain: p.Domain, Revision: p.Revision, Files: slices.Sorted(maps.Keys(p.RuleFiles()))}
}
