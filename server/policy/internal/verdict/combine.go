package verdict

import (
	"cmp"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// OriginEngine marks the reasons that no policy gave.
const OriginEngine = "engine"

// Weighted is a verdict with the weight that it has in one decision.
type Weighted struct {
	Verdict
	MayAllow bool // its allow counts; its deny always does
}

// Combine makes one decision of what the packages said. Trouble refuses, then
// any denial refuses, then any allow of whoever may allow is enough, and
// silence refuses. No step depends on the order of the answers.
func Combine(right question.Rights, answers ...Weighted) model.Decision {
	d := model.Decision{Outcome: model.Deny}
	var faults, denials, allows []model.Reason
	var obligations []model.Obligation
	var approvals []model.Approval
	for _, v := range answers {
		d.Steps += v.Steps
		if v.Fault != nil {
			faults = append(faults, model.Reason{Code: v.Fault.Code, Message: "The rules of " + v.Origin + " could not decide: " + v.Fault.Message + ".", Origin: OriginEngine})
		}
		denials = append(denials, v.Deny...)
		if v.MayAllow {
			allows = append(allows, v.allow...)
		}
		obligations, approvals = append(obligations, v.obligations...), append(approvals, v.approvals...)
	}
	switch {
	case len(faults) > 0:
		d.Reasons = sorted(faults)
		return d
	case len(denials) > 0:
		d.Reasons = sorted(denials)
		return d
	case len(allows) == 0:
		d.Reasons = []model.Reason{{Code: sandbox.CodeNoRule, Message: "No rule allows this.", Origin: OriginEngine}}
		return d
	}
	d.Outcome, d.Reasons = model.Allow, sorted(allows)
	d.Obligations = uniteObligations(obligations)
	d.TTLMax = ttlOf(d.Obligations)
	if right.Approval {
		if d.Approvals = uniteApprovals(approvals); len(d.Approvals) > 0 {
			d.Outcome = model.NeedsApproval
		}
	}
	return d
}

// sorted puts the platform's reasons first and the same reasons always in the
// same order, each once.
func sorted(reasons []model.Reason) []model.Reason {
	slices.SortFunc(reasons, func(a, b model.Reason) int {
		return cmp.Or(cmp.Compare(rank(a.Origin), rank(b.Origin)), cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(reasons)
}

func rank(origin string) int {
	if origin == sandbox.FolderPlatform {
		return 0
	}
	return 1
}
