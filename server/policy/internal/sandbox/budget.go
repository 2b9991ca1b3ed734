package sandbox

import (
	"context"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// The limits of one evaluation. A healthy one takes under a hundred steps and
// a tenth of a millisecond; the deadline is for a broken one on a loaded machine.
const (
	MaxSteps  = 100_000
	Deadline  = time.Second
	MaxOutput = 64 << 10
	MaxMemory = 24 << 20
	weighEach = 1024 // steps between two looks at the memory
)

// MaxListSteps is what the rows of one domain may take in one list, where they
// have to be asked about one by one. A healthy row takes under a hundred, and a
// list looks at no more than a few thousand rows.
const MaxListSteps = 500_000

// Budget stops an evaluation: the engine polls Cancelled before each
// expression and inside the functions that can run long. A timer sets the flag,
// which costs less than reading the clock at every poll.
//
// The engine nests its own calls as deep as the rules have steps, so a long
// evaluation fills the stack as well as the heap. Both are looked at now and
// then. They are the whole program's, which could wrong an evaluation, but only
// one that has gone ten times further than a healthy one does.
type Budget struct {
	Steps  int
	done   <-chan struct{}
	late   atomic.Bool
	Why    string
	memory uint64      // at the first look
	timer  *time.Timer // of one that is used again
}

// StartBudget begins the budget of one evaluation, and the timer that ends it.
func StartBudget(ctx context.Context) (*Budget, *time.Timer) {
	b := &Budget{done: ctx.Done()}
	return b, time.AfterFunc(Deadline, b.Cancel)
}

// budgets are used again with their timers: to make both anew is six of the
// allocations of a decision.
var budgets = sync.Pool{New: func() any { //nolint:gochecknoglobals // memory to use again, no state
	b := new(Budget)
	b.timer = time.AfterFunc(time.Hour, b.Cancel)
	b.timer.Stop()
	return b
}}

func takeBudget(ctx context.Context) *Budget {
	b := budgets.Get().(*Budget)
	b.done = ctx.Done()
	b.timer.Reset(Deadline)
	return b
}

// release gives the budget back. One whose timer has run out may be cancelled
// at any moment, so nobody gets it again.
func (b *Budget) release() {
	if b.timer.Stop() {
		b.Steps, b.Why, b.memory, b.done = 0, "", 0, nil
		budgets.Put(b)
	}
}

// Cancel ends the evaluation at its next step.
func (b *Budget) Cancel() { b.late.Store(true) }

// Cancelled counts a step and reports whether it was one too many.
func (b *Budget) Cancelled() bool {
	if b.Why != "" {
		return true
	}
	b.Steps++
	select {
	case <-b.done:
		b.Why = CodeCancelled
		return true
	default:
	}
	switch {
	case b.Steps > MaxSteps:
		b.Why = CodeSteps
	case b.late.Load():
		b.Why = codeTimeout
	case b.Steps%weighEach == 0 && b.heavy():
		b.Why = codeMemory
	}
	return b.Why != ""
}

func (b *Budget) heavy() bool {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	now := samples[0].Value.Uint64() + samples[1].Value.Uint64()
	if b.memory == 0 {
		b.memory = now
	}
	return now > b.memory+MaxMemory
}
