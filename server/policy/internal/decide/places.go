package decide

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// machine counts the evaluations of all domains.
type machine struct {
	processors int64
	busy       atomic.Int64
}

func newMachine() *machine { return &machine{processors: int64(runtime.GOMAXPROCS(0))} }

// idle counts one evaluation more if a processor is free for it.
func (m *machine) idle() bool {
	for {
		busy := m.busy.Load()
		if busy >= m.processors {
			return false
		}
		if m.busy.CompareAndSwap(busy, busy+1) {
			return true
		}
	}
}

// places are what one domain's evaluations take of the machine: half of it at
// any time, and more while nobody else uses it.
type places struct {
	machine *machine
	half    int

	mu    sync.Mutex
	taken int
	queue []chan struct{} // who waits, in their order
}

// take takes a place. Where none is free it gives what is closed when one has
// been taken.
func (p *places) take() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.more() {
		return nil
	}
	turn := make(chan struct{})
	p.queue = append(p.queue, turn)
	return turn
}

// more takes a place if there is one. Whoever calls it holds the lock.
func (p *places) more() bool {
	switch {
	case p.taken < p.half:
		p.machine.busy.Add(1)
	case !p.machine.idle():
		return false
	}
	p.taken++
	return true
}

// free gives a place back, to who waits longest if the domain may still have it.
func (p *places) free() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.machine.busy.Add(-1)
	if len(p.queue) > 0 && p.more() {
		close(p.queue[0])
		p.queue = p.queue[1:]
	}
}

// forget takes back a turn that nobody waits for any more. If it has come
// meanwhile, its place is free again.
func (p *places) forget(turn chan struct{}) {
	p.mu.Lock()
	at := slices.Index(p.queue, turn)
	if at >= 0 {
		p.queue = slices.Delete(p.queue, at, at+1)
	}
	p.mu.Unlock()
	if at < 0 {
		p.free()
	}
}
