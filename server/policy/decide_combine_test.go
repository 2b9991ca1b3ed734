package policy

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/souk-mesh/souk/graph/model"
)

func reason(code string) model.Reason {
	return model.Reason{Code: code, Message: code, Origin: "sales"}
}

// TestCombine holds the rules of combination one by one.
func TestCombine(t *testing.T) {
	allow, deny := []model.Reason{reason("yes")}, []model.Reason{reason("no")}
	steward := []model.Approval{{Role: "domain_steward", Min: 1}}
	broken := &fault{codeError, "x"}
	platform := func(v verdict) voice { v.origin = folderPlatform; return voice{v, false} }
	domain := func(v verdict) voice { v.origin = "sales"; return voice{v, true} }
	for _, w := range []struct {
		name   string
		right  rights
		voices []voice
		want   model.Outcome
		code   string
	}{
		{"silence", rights{}, []voice{platform(verdict{}), domain(verdict{})}, model.Deny, codeNoRule},
		{"nobody", rights{}, nil, model.Deny, codeNoRule},
		{"owner allows", rights{}, []voice{platform(verdict{}), domain(verdict{allow: allow})}, model.Allow, "yes"},
		{"platform alone cannot allow", rights{}, []voice{platform(verdict{allow: allow}), domain(verdict{})}, model.Deny, codeNoRule},
		{"platform denies", rights{}, []voice{platform(verdict{deny: deny}), domain(verdict{allow: allow})}, model.Deny, "no"},
		{"owner denies", rights{}, []voice{platform(verdict{}), domain(verdict{allow: allow, deny: deny})}, model.Deny, "no"},
		{"trouble at the platform", rights{}, []voice{platform(verdict{fault: broken}), domain(verdict{allow: allow})}, model.Deny, codeError},
		{"trouble at the owner", rights{}, []voice{platform(verdict{}), domain(verdict{allow: allow, fault: broken})}, model.Deny, codeError},
		{"approval suspends", rights{approval: true}, []voice{platform(verdict{approvals: steward}), domain(verdict{allow: allow})}, model.NeedsApproval, "yes"},
		{"approval where none is taken", rights{}, []voice{platform(verdict{approvals: steward}), domain(verdict{allow: allow})}, model.Allow, "yes"},
		{"approval allows nothing", rights{approval: true}, []voice{platform(verdict{approvals: steward}), domain(verdict{})}, model.Deny, codeNoRule},
	} {
		t.Run(w.name, func(t *testing.T) {
			d := combine(w.right, w.voices...)
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
func randomVoice(r *rand.Rand) voice {
	some := func(n int) []model.Reason {
		var list []model.Reason
		for range r.IntN(n) {
			list = append(list, reason(strconv.Itoa(r.IntN(3))))
		}
		return list
	}
	v := verdict{origin: []string{folderPlatform, "sales", "finance"}[r.IntN(3)], allow: some(3), steps: r.IntN(10)}
	if r.IntN(3) == 0 {
		v.deny = some(3)
	}
	if r.IntN(6) == 0 {
		v.fault = &fault{[]string{codeError, codeSteps}[r.IntN(2)], "x"}
	}
	for range r.IntN(4) {
		v.obligations = append(v.obligations, randomObligation(r))
	}
	for range r.IntN(3) {
		v.approvals = append(v.approvals, model.Approval{Role: []string{"domain_steward", "product_owner"}[r.IntN(2)], Min: 1 + r.IntN(3), ExcludeRequester: r.IntN(2) == 0})
	}
	return voice{v, r.IntN(2) == 0}
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
		right := rights{approval: r.IntN(2) == 0}
		var voices []voice
		for range 1 + r.IntN(4) {
			voices = append(voices, randomVoice(r))
		}
		want := combine(right, copied(voices)...)
		shuffled := copied(voices)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for i := range shuffled {
			v := &shuffled[i]
			slices.Reverse(v.allow)
			slices.Reverse(v.deny)
			slices.Reverse(v.obligations)
			slices.Reverse(v.approvals)
		}
		if diff := cmp.Diff(want, combine(right, shuffled...)); diff != "" {
			t.Fatalf("%+v: %s", voices, diff)
		}
	}
}

func copied(voices []voice) []voice {
	list := slices.Clone(voices)
	for i := range list {
		v := &list[i]
		v.allow, v.deny = slices.Clone(v.allow), slices.Clone(v.deny)
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
		right := rights{approval: r.IntN(2) == 0}
		voices := []voice{randomVoice(r), randomVoice(r)}
		before := combine(right, copied(voices)...)
		more := copied(voices)
		switch r.IntN(3) {
		case 0:
			more[0].deny = append(more[0].deny, reason("added"))
		case 1:
			more[0].approvals = append(more[0].approvals, model.Approval{Role: "platform_steward", Min: 1})
		default:
			more[0].obligations = append(more[0].obligations, randomObligation(r))
		}
		after := combine(right, more...)
		if looseness[after.Outcome] > looseness[before.Outcome] {
			t.Fatalf("%s became %s: %+v", before.Outcome, after.Outcome, more)
		}
		if before.Outcome == after.Outcome && before.TTLMax > 0 && (after.TTLMax == 0 || after.TTLMax > before.TTLMax) {
			t.Fatalf("the limit grew from %v to %v", before.TTLMax, after.TTLMax)
		}
	}
}
