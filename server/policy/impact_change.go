package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// The kinds of change between two decisions on one question.
const (
	allowToDeny = "allow_to_deny"
	denyToAllow = "deny_to_allow" // or to an allow that waits for votes
	tightened   = "tightened"     // still no denial, with more duties or votes
	loosened    = "loosened"      // with fewer
	breaks      = "error"         // the rules could not decide
)

// changeOf names how the second decision differs from the first, or gives "".
// One that drops a duty and adds another has loosened: somebody has to look.
func changeOf(before, after model.Decision) string {
	switch {
	case fails(after) && !fails(before):
		return breaks
	case before.Outcome == model.Deny && after.Outcome == model.Deny:
		return ""
	case before.Outcome == model.Deny:
		return denyToAllow
	case after.Outcome == model.Deny:
		return allowToDeny
	}
	drops, adds := newDuties(before, after)
	switch {
	case drops || (before.Outcome == model.NeedsApproval && after.Outcome == model.Allow):
		return loosened
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
		wanted[a.Role+" "+string(a.Domain)] = a
	}
	for _, a := range after.Approvals {
		wants[a.Role+" "+string(a.Domain)] = a
	}
	fewer, more := both(wanted, wants, votes)
	return drops || fewer, adds || more
}

// both compares two sets by the strength of their members; a missing one has none.
func both[T any](a, b map[string]T, strength func(T) int) (drops, adds bool) {
	all := maps.Clone(a)
	maps.Copy(all, b)
	for key := range all {
		was, is := 0, 0
		if x, ok := a[key]; ok {
			was = strength(x)
		}
		if x, ok := b[key]; ok {
			is = strength(x)
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
		w += maskStrength[o.Params["with"]]
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

// reportHash signs a report: everything in it but when it was made and how
// long that took.
func reportHash(i model.PolicyImpact) (string, error) {
	i.Hash, i.At, i.Duration = "", time.Time{}, 0
	text, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("write the report: %w", err)
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// firstText gives the first text of a list, or "".
func firstText(v ast.Value) string {
	list, ok := v.(*ast.Array)
	if !ok || list.Len() == 0 {
		return ""
	}
	text, _ := list.Elem(0).Value.(ast.String)
	return string(text)
}
