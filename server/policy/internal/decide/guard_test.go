package decide

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// TestGuardQuarantines closes a domain after five faults in a minute, for a
// minute, and counts neither old faults nor callers who went away.
func TestGuardQuarantines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(newMachine())
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
		g := newGuard(&machine{processors: 4})
		for range 4 {
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

// TestGuardShares lends a domain the processors that nobody else uses, and takes
// them back as soon as somebody does.
func TestGuardShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{processors: 4}
		busy, other := newGuard(m), newGuard(m)
		enter := func(g *guard, want bool) {
			t.Helper()
			if f := g.enter(t.Context()); (f == nil) != want {
				t.Fatalf("got %v, want a place: %t", f, want)
			}
		}
		for range 4 {
			enter(busy, true)
		}
		enter(busy, false)
		enter(other, true)
		enter(other, true)
		enter(other, false)
		busy.leave(nil)
		busy.leave(nil)
		enter(busy, false) // two of the busy one's and two of the other's are the machine
		other.leave(nil)
		enter(busy, true)
		for range 3 {
			busy.leave(nil)
		}
		other.leave(nil)
		if n := m.busy.Load(); n != 0 || busy.places.taken+other.places.taken != 0 {
			t.Errorf("places are still taken: %d", n)
		}
	})
}

// TestGuardUnderLoad lets many ask of two domains at once, some of whom go away:
// nobody is forgotten, and in the end no place is taken.
func TestGuardUnderLoad(t *testing.T) {
	m := &machine{processors: 2}
	guards := []*guard{newGuard(m), newGuard(m)}
	var asking sync.WaitGroup
	for i := range 16 {
		asking.Go(func() {
			for n := range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if (i+n)%5 == 0 {
					cancel()
				}
				g := guards[(i+n)%2]
				switch f := g.enter(ctx); {
				case f == nil:
					g.leave(nil)
				case f.Code != sandbox.CodeCancelled:
					t.Errorf("got %v", f)
				}
				cancel()
			}
		})
	}
	asking.Wait()
	for _, g := range guards {
		if n := m.busy.Load(); n != 0 || g.places.taken != 0 || len(g.places.queue) != 0 {
			t.Errorf("%d busy, %d taken, %d wait", n, g.places.taken, len(g.places.queue))
		}
	}
}
