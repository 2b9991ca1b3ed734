package policy

import (
	"context"
	"errors"
	"testing"
)

// TestBudget stops at the step, at the deadline and when the caller leaves.
func TestBudget(t *testing.T) {
	b, timer := startBudget(t.Context())
	timer.Stop()
	for range maxSteps {
		if b.Cancelled() {
			t.Fatalf("stopped after %d steps", b.steps)
		}
	}
	if !b.Cancelled() || b.why != codeSteps {
		t.Errorf("went on past its steps: %q", b.why)
	}
	late, timer := startBudget(t.Context())
	timer.Stop()
	if late.Cancel(); !late.Cancelled() || late.why != codeTimeout {
		t.Errorf("went on past the deadline: %q", late.why)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone, timer := startBudget(ctx)
	timer.Stop()
	if cancel(); !gone.Cancelled() || gone.why != codeCancelled || faultOf(errors.New("x"), gone).code != codeCancelled {
		t.Errorf("went on without a caller: %q", gone.why)
	}
}
