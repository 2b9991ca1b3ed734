package policy

import (
	"context"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// The limits of one evaluation. A healthy one takes under a hundred steps and
// a tenth of a millisecond; the deadline is for a broken one on a loaded machine.
const (
	maxSteps  = 100_000
	deadline  = time.Second
	maxOutput = 64 << 10
	maxMemory = 24 << 20
	weighEach = 1024 // steps between two looks at the memory
)

// MaxListSteps is what the rows of one domain may take in one list, where they
// have to be asked about one by one. A healthy row takes under a hundred, and a
// list looks at no more than a few thousand rows.
const MaxListSteps = 500_000

// budget stops an evaluation: the engine polls Cancelled before each
// expression and inside the functions that can run long. A timer sets the flag,
// which costs less than reading the clock at every poll.
//
// The engine nests its own calls as deep as the rules have steps, so a long
// evaluation fills the stack as well as the heap. Both are looked at now and
// then. They are the whole program's, which could wrong an evaluation, but only
// one that has gone ten times further than a healthy one does.
type budget struct {
	steps  int
	done   <-chan struct{}
	late   atomic.Bool
	why    string
	memory uint64 // at the first look
}

func startBudget(ctx context.Context) (*budget, *time.Timer) {
	b := &budget{done: ctx.Done()}
	return b, time.AfterFunc(deadline, b.Cancel)
}

// Cancel ends the evaluation at its next step.
func (b *budget) Cancel() { b.late.Store(true) }

// Cancelled counts a step and reports whether it was one too many.
func (b *budget) Cancelled() bool {
	if b.why != "" {
		return true
	}
	b.steps++
	select {
	case <-b.done:
		b.why = codeCancelled
		return true
	default:
	}
	switch {
	case b.steps > maxSteps:
		b.why = codeSteps
	case b.late.Load():
		b.why = codeTimeout
	case b.steps%weighEach == 0 && b.heavy():
		b.why = codeMemory
	}
	return b.why != ""
}

func (b *budget) heavy() bool {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	now := samples[0].Value.Uint64() + samples[1].Value.Uint64()
	if b.memory == 0 {
		b.memory = now
	}
	return now > b.memory+maxMemory
}
