package policy_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// TestLocksOut notices platform rules that nobody could ever take back.
func TestLocksOut(t *testing.T) {
	const head = "package souk.platform\n\nimport rego.v2\n\n"
	e := engine(t)
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"silent", head, true},
		{"a way back", head + `allow contains {"code": "back", "message": "Back."} if {
	input.action.name == "policy.rollback"
	"ADMIN" in input.subject.roles
}
`, false},
		{"denied", head + `allow contains {"code": "all", "message": "All."} if input.v == 1

deny contains {"code": "never", "message": "Never."} if input.action.name == "policy.rollback"
`, true},
		{"broken", "package", false},
	} {
		d := policy.Draft{Modules: []model.PolicyModule{{Path: "platform/x.rego", Text: c.text}}}
		if got := e.LocksOut(t.Context(), d); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	if e.LocksOut(t.Context(), module("sales", open)) {
		t.Error("a domain can lock nobody out")
	}
}
