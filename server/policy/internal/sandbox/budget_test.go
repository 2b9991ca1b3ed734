package sandbox

import (
	"context"
	"errors"
	"testing"
)

// TestBudget stops at the step, at the deadline and when the caller leaves.
func TestBudget(t *testing.T) {
	b, timer := StartBudget(t.Context())
	timer.Stop()
	for range MaxSteps {
		if b.Cancelled() {
			t.Fatalf("stopped after %d steps", b.Steps)
		}
	}
	if !b.Cancelled() || b.Why != CodeSteps {
		t.Errorf("went on past its steps: %q", b.Why)
	}
	late, timer := StartBudget(t.Context())
	timer.Stop()
	if late.Cancel(); !late.Cancelled() || late.Why != codeTimeout {
		t.Errorf("went on past the deadline: %q", late.Why)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone, timer := StartBudget(ctx)
	timer.Stop()
	if cancel(); !gone.Cancelled() || gone.Why != CodeCancelled || faultOf(errors.New("x"), gone).Code != CodeCancelled {
		t.Errorf("went on without a caller: %q", gone.Why)
	}
}
