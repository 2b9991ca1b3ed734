package verdict

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

func reason(code string) model.Reason {
	return model.Reason{Code: code, Message: code, Origin: "sales"}
}

// TestCombine holds the rules of combination one by one.
func TestCombine(t *testing.T) {
	allow, deny := []model.Reason{reason("yes")}, []model.Reason{reason("no")}
	steward := []model.Approval{{Role: "domain_steward", Min: 1}}
	broken := &sandbox.Fault{Code: sandbox.CodeError, Message: "x"}
	platform := func(v Verdict) Weighted { v.Origin = sandbox.FolderPlatform; return Weighted{v, false} }
	domain := func(v Verdict) Weighted { v.Origin = "sales"; return Weighted{v, true} }
	for _, w := range []struct {
		name   string
		right  question.Rights
		voices []Weighted
		want   model.Outcome
		code   string
	}{
		{"silence", question.Rights{}, []Weighted{platform(Verdict{}), domain(Verdict{})}, model.Deny, sandbox.CodeNoRule},
		{"nobody", question.Rights{}, nil, model.Deny, sandbox.CodeNoRule},
		{"owner allows", question.Rights{}, []Weighted{platform(Verdict{}), domain(Verdict{allow: allow})}, model.Allow, "yes"},
		{"platform alone cannot allow", question.Rights{}, []Weighted{platform(Verdict{allow: allow}), domain(Verdict{})}, model.Deny, sandbox.CodeNoRule},
		{"platform denies", question.Rights{}, []Weighted{platform(Verdict{Deny: deny}), domain(Verdict{allow: allow})}, model.Deny, "no"},
		{"owner denies", question.Rights{}, []Weighted{platform(Verdict{}), domain(Verdict{allow: allow, Deny: deny})}, model.Deny, "no"},
		{"trouble at the platform", question.Rights{}, []Weighted{platform(Verdict{Fault: broken}), domain(Verdict{allow: allow})}, model.Deny, sandbox.CodeError},
		{"trouble at the owner", question.Rights{}, []Weighted{platform(Verdict{}), domain(Verdict{allow: allow, Fault: broken})}, model.Deny, sandbox.CodeError},
		{"approval suspends", question.Rights{Approval: true}, []Weighted{platform(Verdict{approvals: steward}), domain(Verdict{allow: allow})}, model.NeedsApproval, "yes"},
		{"approval where none is taken", question.Rights{}, []Weighted{platform(Verdict{approvals: steward}), domain(Verdict{allow: allow})}, model.Allow, "yes"},
		{"approval allows nothing", question.Rights{Approval: true}, []Weighted{platform(Verdict{approvals: steward}), domain(Verdict{})}, model.Deny, sandbox.CodeNoRule},
	} {
		t.Run(w.name, func(t *testing.T) {
			d := Combine(w.right, w.voices...)
			if d.Outcome != w.want || d.Reasons[0].Code != w.code {
				t.Errorf("got %s %v, want %s %s", d.Outcome, d.Reasons, w.want, w.code)
			}
			if d.Outcome == model.Deny && (d.Obligations != nil || d.Approvals != nil) {
				t.Errorf("a refusal carries duties: %+v", d)
			}
		})
	}
}

// randomVoice makes a verdict of few values, so that they often meet.
func randomVoice(r *rand.Rand) Weighted {
	some := func(n int) []model.Reason {
		var list []model.Reason
		for range r.IntN(n) {
			list = append(list, reason(strconv.Itoa(r.IntN(3))))
		}
		return list
	}
	v := Verdict{Origin: []string{sandbox.FolderPlatform, "sales", "finance"}[r.IntN(3)], allow: some(3), Steps: r.IntN(10)}
	if r.IntN(3) == 0 {
		v.Deny = some(3)
	}
	if r.IntN(6) == 0 {
		v.Fault = &sandbox.Fault{Code: []string{sandbox.CodeError, sandbox.CodeSteps}[r.IntN(2)], Message: "x"}
	}
	for range r.IntN(4) {
		v.obligations = append(v.obligations, randomObligation(r))
	}
	for range r.IntN(3) {
		v.approvals = append(v.approvals, model.Approval{Role: []model.ApproverRole{"domain_steward", "product_owner"}[r.IntN(2)], Min: 1 + r.IntN(3), ExcludeRequester: r.IntN(2) == 0})
	}
	return Weighted{v, r.IntN(2) == 0}
}

func randomObligation(r *rand.Rand) model.Obligation {
	o := model.Obligation{ID: strconv.Itoa(r.IntN(5)), Mandatory: r.IntN(2) == 0}
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	switch r.IntN(4) {
	case 0:
		o.Type, o.Params = model.ObligeMask, map[string]string{"field": pick("email", "phone"), "with": pick("null", "hash", "partial", "none")}
	case 1:
		o.Type, o.Params = model.ObligeTTLMax, map[string]string{"duration_s": strconv.Itoa(1 + r.IntN(3))}
	case 2:
		o.Type, o.Params = model.ObligeRowFilter, map[string]string{"field": "country", "op": "eq", "value": pick("SE", "DE")}
	default:
		o.Type = model.ObligeLog
	}
	return o
}

// TestCombineKnowsNoOrder shuffles what the packages say and who speaks first.
func TestCombineKnowsNoOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		right := question.Rights{Approval: r.IntN(2) == 0}
		var voices []Weighted
		for range 1 + r.IntN(4) {
			voices = append(voices, randomVoice(r))
		}
		want := Combine(right, copied(voices)...)
		shuffled := copied(voices)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for i := range shuffled {
			v := &shuffled[i]
			slices.Reverse(v.allow)
			slices.Reverse(v.Deny)
			slices.Reverse(v.obligations)
			slices.Reverse(v.approvals)
		}
		if diff := cmp.Diff(want, Combine(right, shuffled...)); diff != "" {
			t.Fatalf("%+v: %s", voices, diff)
		}
	}
}

func copied(voices []Weighted) []Weighted {
	list := slices.Clone(voices)
	for i := range list {
		v := &list[i]
		v.allow, v.Deny = slices.Clone(v.allow), slices.Clone(v.Deny)
		v.obligations, v.approvals = slices.Clone(v.obligations), slices.Clone(v.approvals)
	}
	return list
}

// TestDenialsNeverAllowMore adds a denial, an approval or a duty, and finds the
// answer never looser than before.
func TestDenialsNeverAllowMore(t *testing.T) {
	looseness := map[model.Outcome]int{model.Deny: 0, model.NeedsApproval: 1, model.Allow: 2}
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		right := question.Rights{Approval: r.IntN(2) == 0}
		voices := []Weighted{randomVoice(r), randomVoice(r)}
		before := Combine(right, copied(voices)...)
		more := copied(voices)
		switch r.IntN(3) {
		case 0:
			more[0].Deny = append(more[0].Deny, reason("added"))
		case 1:
			more[0].approvals = append(more[0].approvals, model.Approval{Role: "platform_steward", Min: 1})
		default:
			more[0].obligations = append(more[0].obligations, randomObligation(r))
		}
		after := Combine(right, more...)
		if looseness[after.Outcome] > looseness[before.Outcome] {
			t.Fatalf("%s became %s: %+v", before.Outcome, after.Outcome, more)
		}
		if before.Outcome == after.Outcome && before.TTLMax > 0 && (after.TTLMax == 0 || after.TTLMax > before.TTLMax) {
			t.Fatalf("the limit grew from %v to %v", before.TTLMax, after.TTLMax)
		}
	}
}
