package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// listed are the types of resource that lists are long of.
var listed = []string{"asset", "data_product"}

// rowByRow tells the author why their rows are asked about one by one: what a
// list takes for one row it takes for each, then.
func (u *viewRules) rowByRow(ctx context.Context, domain model.Slug) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for _, kind := range listed {
		q := Question{Action: model.ActMetadataView, Resource: Resource{Type: kind, Domain: domain}}
		err := u.translate(ctx, q.Action, q.value(), lateUnknown).opaque
		if p := problemOf(err); err != nil && !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	return problems
}

// checkVisible refuses a rule that promises to be a filter and is none.
func (u *viewRules) checkVisible(ctx context.Context) error {
	if !slices.Contains(u.defined, "visible") {
		return nil
	}
	b, timer := startBudget(ctx)
	defer timer.Stop()
	for _, kind := range append([]string{"source", "access_request", "grant"}, listed...) {
		q := Question{Action: model.ActMetadataView, Resource: Resource{Type: kind, Domain: u.domain}}
		_, _, err := u.entry(ctx, "visible", q.value(), b, lateUnknown)
		if err == nil {
			err = u.ambiguous(func(r *ast.Rule) bool { return r.Head.Name == "visible" })
		}
		if err != nil {
			p := problemOf(err)
			at := "policies"
			if p.File != "" {
				at = fmt.Sprintf("%s:%d", p.File, p.Line)
			}
			return &model.Error{Kind: model.KindInvalid, Code: "POLICY_INVALID", Field: at, Message: "visible must be a filter, and this is none: " + whatOf(err), Hint: p.Fix + "; or write it as allow"}
		}
	}
	return nil
}

func whatOf(err error) string {
	if o, ok := errors.AsType[*opaque](err); ok {
		return o.what
	}
	return plain(err)
}

func problemOf(err error) model.PolicyProblem {
	p := model.PolicyProblem{
		Severity: severityWarning, Code: "policy.row_by_row",
		Fix: "compare fields of input.resource with the asker or with constants, by ==, !=, <, in, startswith, endswith or contains",
	}
	if err == nil {
		return p
	}
	p.Message = "Lists ask about every row, because no filter can express the rules of metadata.view: " + whatOf(err) + "."
	if o, ok := errors.AsType[*opaque](err); ok && o.at != nil {
		p.File, p.Line = o.at.File, o.at.Row
	}
	return p
}
