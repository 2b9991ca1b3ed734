package policy

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/souk-mesh/souk/graph/model"
)

// rulePackage is a package that may come into force: its rules, compiled to be
// asked and to be made conditions, and the standards that came with them.
type rulePackage struct {
	*viewRules

	inputs sync.Once // of read
	read   []string

	standards *rulePackage // proposed together with the rules; nil when there are none
}

// compile makes a package of its text.
func compilePackage(ctx context.Context, s, lib source) (*rulePackage, error) {
	u, err := compile(ctx, s, lib)
	if err != nil {
		return nil, err
	}
	v, err := newViewRules(ctx, u)
	if err != nil {
		return nil, err
	}
	return &rulePackage{viewRules: v}, nil
}

// reads looks once for what the rules of the package read of the input.
func (p *rulePackage) reads() []string {
	p.inputs.Do(func() { p.read = readBy(p.unit, func(*ast.Rule) bool { return true }) })
	return p.read
}

// ask evaluates the package. Its reasons carry the origin: the template speaks
// for the domain that lives by it.
func (p *rulePackage) ask(ctx context.Context, q rego.PreparedEvalQuery, input ast.Value, origin string) verdict {
	term, steps, f := p.answer(ctx, q, input)
	v := verdict{origin: origin, steps: steps, fault: f}
	if f == nil {
		v.fault = v.read(term)
	}
	return v
}

func (p *rulePackage) describe() model.PolicyPackage {
	return model.PolicyPackage{Name: p.pkg, Domain: p.domain, Revision: p.revision, Files: slices.Sorted(maps.Keys(p.rules()))}
}
