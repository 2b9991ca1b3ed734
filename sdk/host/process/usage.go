package process

import "time"

// Usage is what a process has used.
type Usage struct {
	MaxRSS uint64        // bytes; 0 where it is not known
	CPU    time.Duration // of the process and of those of its children that have ended
}

// sampleEvery is how often the memory of a process is looked at: it cannot be
// asked for once the process has ended, since what the kernel keeps of an ended
// process counts the memory of the one that started it.
const sampleEvery = 200 * time.Millisecond

// watch looks at the memory until the process has ended.
func (p *Process) watch() {
	t := time.NewTicker(sampleEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			p.Sample()
		case <-p.exited:
			return
		}
	}
}

// Sample looks at the memory now. It is called before a process is asked to end.
func (p *Process) Sample() {
	peak := peakOf(p.pid)
	for {
		known := p.peak.Load()
		if peak <= known || p.peak.CompareAndSwap(known, peak) {
			return
		}
	}
}

// Usage tells what the process has used, once it has ended.
func (p *Process) Usage() Usage {
	u := Usage{MaxRSS: p.peak.Load()}
	if p.state != nil {
		u.CPU = p.state.UserTime() + p.state.SystemTime()
	}
	return u
}
