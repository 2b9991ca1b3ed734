package policy_test

import (
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// differences collects what a trial tells.
type differences struct {
	mu  sync.Mutex
	all []string
}

func (d *differences) add(q policy.Question, active, trial model.Decision) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, string(q.Subject.ID)+" "+string(active.Outcome)+" "+string(trial.Outcome)+" "+active.Revisions.Domain+" "+trial.Revisions.Domain)
}

// await gives the differences once there are so many.
func (d *differences) await(t *testing.T, n int) []string {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < 5*time.Second; time.Sleep(time.Millisecond) {
		d.mu.Lock()
		all := d.all
		d.mu.Unlock()
		if len(all) >= n {
			return all
		}
	}
	t.Fatalf("got %v, want %d", d.all, n)
	return nil
}

// TestShadow tells of decisions that the draft would make otherwise, changes
// none, and stops when told to.
func TestShadow(t *testing.T) {
	e := engine(t)
	var seen differences
	want := e.Snapshot().Decide(t.Context(), holding(ask(bo, model.ActDataRead, orders)))
	if err := e.Shadow(t.Context(), module("sales", closing), seen.add); err != nil {
		t.Fatal(err)
	}
	decide := func(s policy.Subject, r policy.Resource) model.Decision {
		return e.Snapshot().Decide(t.Context(), holding(ask(s, model.ActDataRead, r)))
	}
	if got := decide(bo, orders); got.Outcome != want.Outcome || got.Revisions != want.Revisions {
		t.Errorf("the trial decides: %+v", got)
	}
	decide(ana, orders)
	decide(bo, with(orders, func(r *policy.Resource) { r.Domain = "finance" }))
	decide(bo, orders)
	hash, _ := e.Check(t.Context(), module("sales", closing))
	line := "prn_bo ALLOW DENY " + want.Revisions.Domain + " " + hash
	for _, got := range seen.await(t, 2) {
		if got != line {
			t.Errorf("got %q, want %q", got, line)
		}
	}
	if err := e.Shadow(t.Context(), policy.Draft{Domain: "sales"}, nil); err != nil {
		t.Fatal(err)
	}
	decide(bo, orders)
	if err := e.Shadow(t.Context(), policy.Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: "domains/sales/x.rego", Text: "package x"}}}, seen.add); !model.Is(err, model.KindInvalid) {
		t.Errorf("got %v", err)
	}
	time.Sleep(20 * time.Millisecond)
	if all := seen.await(t, 2); len(all) != 2 {
		t.Errorf("the trial goes on: %v", all)
	}
}

// TestShadowHoldsNothingUp decides at once while the trial is stuck, and a
// trial of rules that break closes nobody's domain.
func TestShadowHoldsNothingUp(t *testing.T) {
	e := engine(t)
	release, entered := make(chan struct{}), make(chan struct{}, 10_000)
	stuck := func(policy.Question, model.Decision, model.Decision) { entered <- struct{}{}; <-release }
	breaks := module("sales", open+"\n"+rule("deny", "x", "to_number(input.subject.id) == 1"))
	if err := e.Shadow(t.Context(), breaks, stuck); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if d := e.Snapshot().Decide(t.Context(), ask(ana, model.ActDataRead, orders)); !d.Allowed() {
			t.Fatalf("got %v", codes(d))
		}
	}
	<-entered
	close(release)
	if len(entered) > 2*256 {
		t.Errorf("%d waited", len(entered))
	}
}

// TestShadowOfThePlatform tries the platform's own rules on every domain.
func TestShadowOfThePlatform(t *testing.T) {
	e := engine(t)
	d := policy.Draft{}
	for path, text := range shipped(t, "platform") {
		d.Modules = append(d.Modules, model.PolicyModule{Path: path, Text: text})
	}
	d.Modules = append(d.Modules, model.PolicyModule{Path: "platform/night.rego", Text: "package souk.platform\n\nimport rego.v2\n\n" + rule("deny", "night", `input.action.name == "data.read"`)})
	var seen differences
	if err := e.Shadow(t.Context(), d, seen.add); err != nil {
		t.Fatal(err)
	}
	for _, domain := range []model.Slug{"sales", "finance"} {
		e.Snapshot().Decide(t.Context(), holding(ask(bo, model.ActDataRead, with(orders, func(r *policy.Resource) { r.Domain = domain }))))
	}
	seen.await(t, 2)
}
