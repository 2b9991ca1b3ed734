package policy_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// pep asks whether a gateway may ask about everybody.
func pep(at time.Time, roles ...model.Role) policy.Question {
	q := ask(policy.Subject{Type: "service", ID: "prn_gate", Name: "gateway", Roles: roles}, model.ActDecisionAsk, policy.Resource{Type: "decision", Name: "evaluation"})
	q.Context.Now = at
	return q
}

// TestStanding answers as Decide does, and evaluates once what stays the same.
// Whoever loses the role, or is suspended, hears so at once.
func TestStanding(t *testing.T) {
	e := engine(t)
	s := e.Snapshot()
	suspended := pep(noon, model.RolePEP)
	suspended.Subject.Suspended = true
	for _, one := range []struct {
		name      string
		question  policy.Question
		evaluated int64
	}{
		{"the first time", pep(noon, model.RolePEP), 1},
		{"the same again", pep(noon, model.RolePEP), 0},
		{"the same later", pep(noon.Add(time.Hour), model.RolePEP), 0},
		{"suspended", suspended, 1},
		{"suspended still", suspended, 1},
		{"the role is gone", pep(noon), 1},
		{"the role is back", pep(noon, model.RolePEP), 0},
		{"what a domain has a say in", ask(ana, model.ActMetadataView, orders), 1},
		{"and again", ask(ana, model.ActMetadataView, orders), 1},
	} {
		before := e.Decided()
		got := s.Standing(t.Context(), one.question)
		if n := e.Decided() - before; n != one.evaluated {
			t.Errorf("%s: evaluated %d times, want %d", one.name, n, one.evaluated)
		}
		if diff := cmp.Diff(s.Decide(t.Context(), one.question), got); diff != "" {
			t.Errorf("%s: %s", one.name, diff)
		}
	}
}

// TestStandingUnderNewRules forgets what other guardrails allowed.
func TestStandingUnderNewRules(t *testing.T) {
	e := engine(t)
	if d := e.Snapshot().Standing(t.Context(), pep(noon, model.RolePEP)); !d.Allowed() {
		t.Fatal(d)
	}
	closed := model.PolicyModule{Path: "platform/rules.rego", Text: "package souk.platform\n\nimport rego.v2\n\ndeny contains {\"code\": \"closed\", \"message\": \"Closed.\"} if input.action.name != \"\"\n"}
	if _, err := e.Activate(t.Context(), policy.Draft{Modules: []model.PolicyModule{closed}}); err != nil {
		t.Fatal(err)
	}
	if d := e.Snapshot().Standing(t.Context(), pep(noon, model.RolePEP)); d.Allowed() {
		t.Error("the rules that closed the platform were not asked")
	}
}

// TestStandingByTheClock asks rules that read the time each time.
func TestStandingByTheClock(t *testing.T) {
	e, err := newEngine(policy.Config{Files: fstest.MapFS{"platform/rules.rego": {Data: []byte(
		"package souk.platform\n\nimport rego.v2\n\nallow contains {\"code\": \"open\", \"message\": \"Open.\"} if input.context.now < \"2026-05-04T12:30:00.000Z\"\n",
	)}}})
	if err != nil {
		t.Fatal(err)
	}
	if d := e.Snapshot().Standing(t.Context(), pep(noon)); !d.Allowed() {
		t.Error("closed too early")
	}
	if d := e.Snapshot().Standing(t.Context(), pep(noon.Add(time.Hour))); d.Allowed() {
		t.Error("still open an hour later")
	}
}
