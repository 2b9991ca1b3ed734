package policy_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/server/policy"
)

// TestMentions finds the rules that speak of a name, and no others.
func TestMentions(t *testing.T) {
	e, err := newEngine(policy.Config{Files: fstest.MapFS{"domains/marketing/friends.rego": &fstest.MapFile{Data: []byte(`package souk.domains.marketing

import rego.v2

# Legal and finance are in no rule.
friends := {"sales": ["sales/desk"], "night_shift": []}

allow contains {"code": "marketing.friends", "message": "Friends read."} if {
	input.subject.domain in object.keys(friends)
	some team in friends[input.subject.domain]
	team in input.subject.teams
}

deny contains {"code": "marketing.eve", "message": sprintf("%s and eve@sales stay out.", [input.subject.name])} if input.subject.name == "eve@sales"
`)}}})
	if err != nil {
		t.Fatal(err)
	}
	s := e.Snapshot()
	for name, want := range map[string][]string{
		"sales": {"domains/marketing/friends.rego"}, "sales/desk": {"domains/marketing/friends.rego"}, "night_shift": {"domains/marketing/friends.rego"},
		"eve@sales": {"domains/marketing/friends.rego"}, "legal": nil, "finance": nil, "night": nil, "desk_two": nil, "subject": nil, "eve": nil,
	} {
		if diff := cmp.Diff(want, s.Mentions(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if !s.Owns("marketing") || s.Owns("sales") {
		t.Errorf("marketing owns rules: %v, sales: %v", s.Owns("marketing"), s.Owns("sales"))
	}
}
