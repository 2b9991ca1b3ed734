package verdict

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// The kinds of change between two decisions on one question.
const (
	allowToDeny = "allow_to_deny"
	DenyToAllow = "deny_to_allow" // or to an allow that waits for votes
	tightened   = "tightened"     // still no denial, with more duties or votes
	Loosened    = "loosened"      // with fewer
	breaks      = "error"         // the rules could not decide
)

// ChangeOf names how the second decision differs from the first, or gives "".
// One that drops a duty and adds another has loosened: somebody has to look.
func ChangeOf(before, after model.Decision) string {
	switch {
	case Failed(after) && !Failed(before):
		return breaks
	case before.Outcome == model.Deny && after.Outcome == model.Deny:
		return ""
	case before.Outcome == model.Deny:
		return DenyToAllow
	case after.Outcome == model.Deny:
		return allowToDeny
	}
	drops, adds := newDuties(before, after)
	switch {
	case drops || (before.Outcome == model.NeedsApproval && after.Outcome == model.Allow):
		return Loosened
	case adds || before.Outcome != after.Outcome:
		return tightened
	}
	return ""
}

// newDuties compares the obligations and approvals of two decisions: whether the
// second lacks or weakens any, and whether it adds or strengthens any.
func newDuties(before, after model.Decision) (drops, adds bool) {
	had, has := map[string]model.Obligation{}, map[string]model.Obligation{}
	for _, o := range before.Obligations {
		had[subject(o)] = o
	}
	for _, o := range after.Obligations {
		has[subject(o)] = o
	}
	drops, adds = both(had, has, strength)
	wanted, wants := map[string]model.Approval{}, map[string]model.Approval{}
	for _, a := range before.Approvals {
		wanted[string(a.Role)+" "+string(a.Domain)] = a
	}
	for _, a := range after.Approvals {
		wants[string(a.Role)+" "+string(a.Domain)] = a
	}
	fewer, more := both(wanted, wants, votes)
	return drops || fewer, adds || more
}

// both compares two sets by the strength of their members; a missing one has none.
func both[T any](a, b map[string]T, weight func(T) int) (drops, adds bool) {
	all := maps.Clone(a)
	maps.Copy(all, b)
	for key := range all {
		was, is := 0, 0
		if x, ok := a[key]; ok {
			was = weight(x)
		}
		if x, ok := b[key]; ok {
			is = weight(x)
		}
		drops, adds = drops || is < was, adds || is > was
	}
	return drops, adds
}

// strength says how strict an obligation is among those about the same thing. A
// mandatory one always outweighs one that is not.
func strength(o model.Obligation) int {
	w := 1
	switch o.Type {
	case model.ObligeMask:
		w += MaskStrength[o.Params["with"]]
	case model.ObligeTTLMax:
		d, _ := seconds(o)
		w += maxTTL - int(d/time.Second)
	case model.ObligeRowFilter, model.ObligeLog, model.ObligeWatermark, model.ObligeNoExport, model.ObligeAcknowledge:
	}
	if o.Mandatory {
		w += 2 * maxTTL
	}
	return w
}

func votes(a model.Approval) int {
	n := 2 * a.Min
	if a.ExcludeRequester {
		n++
	}
	return n
}

// Failed reports a decision that was refused because the rules broke.
func Failed(d model.Decision) bool {
	return slices.ContainsFunc(d.Reasons, func(r model.Reason) bool {
		return r.Origin == OriginEngine && (strings.HasPrefix(r.Code, OriginEngine+".") || r.Code == sandbox.CodeQuarantined)
	})
}
