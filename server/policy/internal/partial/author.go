package partial

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// ListedTypes are the types of resource that lists are long of.
var ListedTypes = []string{"asset", "data_product"}

// RowByRow tells the author why their rows are asked about one by one: what a
// list takes for one row it takes for each, then.
func (u *Rules) RowByRow(ctx context.Context, domain model.Slug) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for _, kind := range ListedTypes {
		q := question.Question{Action: model.ActMetadataView, Resource: question.Resource{Type: kind, Domain: domain}}
		err := u.translate(ctx, q.Action, q.Value(), lateUnknown).noFilter()
		if p := problemOf(err); err != nil && !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	return problems
}

// checkVisible refuses a rule that promises to be a filter and is none.
func (u *Rules) checkVisible(ctx context.Context) error {
	if !slices.Contains(u.Defined, "visible") {
		return nil
	}
	b, timer := sandbox.StartBudget(ctx)
	defer timer.Stop()
	for _, kind := range append([]string{"source", "access_request", "grant"}, ListedTypes...) {
		q := question.Question{Action: model.ActMetadataView, Resource: question.Resource{Type: kind, Domain: u.Domain}}
		_, _, err := u.entry(ctx, "visible", q.Value(), b, lateUnknown)
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
	return sandbox.Plain(err)
}

func problemOf(err error) model.PolicyProblem {
	p := model.PolicyProblem{
		Severity: sandbox.SeverityWarning, Code: "policy.row_by_row",
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
