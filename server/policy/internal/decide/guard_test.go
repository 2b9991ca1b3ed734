package decide

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// TestGuardQuarantines closes a domain after five faults in a minute, for a
// minute, and counts neither old faults nor callers who went away.
func TestGuardQuarantines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		turn := func(f *sandbox.Fault) *sandbox.Fault {
			if closed := g.enter(t.Context()); closed != nil {
				return closed
			}
			g.leave(f)
			return nil
		}
		broken := &sandbox.Fault{Code: sandbox.CodeError, Message: "x"}
		for range 4 {
			turn(broken)
			turn(&sandbox.Fault{Code: sandbox.CodeCancelled, Message: "x"})
		}
		time.Sleep(quarantineWindow + time.Second)
		for range 4 {
			turn(broken)
		}
		if f := turn(broken); f != nil {
			t.Fatalf("closed too early: %v", f)
		}
		if f := turn(nil); f == nil || f.Code != sandbox.CodeQuarantined {
			t.Fatalf("still open: %v", f)
		}
		time.Sleep(quarantinePause)
		if f := turn(nil); f != nil {
			t.Fatalf("closed for ever: %v", f)
		}
	})
}

// TestGuardBounds makes the ones too many wait, and neither for ever nor for
// callers who went away.
func TestGuardBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		for range cap(g.slots) {
			if f := g.enter(t.Context()); f != nil {
				t.Fatal(f)
			}
		}
		if f := g.enter(t.Context()); f == nil || f.Code != sandbox.CodeBusy {
			t.Errorf("got %v, want %s", f, sandbox.CodeBusy)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if f := g.enter(gone); f == nil || f.Code != sandbox.CodeCancelled {
			t.Errorf("got %v, want %s", f, sandbox.CodeCancelled)
		}
		go func() { time.Sleep(time.Millisecond); g.leave(nil) }()
		if f := g.enter(t.Context()); f != nil {
			t.Errorf("a free place was not given: %v", f)
		}
	})
}
