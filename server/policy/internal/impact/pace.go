package impact

import (
	"iter"
)

// pace tells how far a replay is. How long a part is, is a guess until the part
// has ended: meanwhile grants expire and the log goes on.
type pace struct {
	tell  func(done, total int)
	parts []int // what is still to come of each part, the one under way first
	done  int
}

// step notes that so many questions of the part under way have been asked.
func (p *pace) step(n int) {
	p.done += n
	p.parts[0] = max(0, p.parts[0]-n)
	total := p.done
	for _, rest := range p.parts {
		total += rest
	}
	p.tell(p.done, total)
}

// next ends the part under way, however long it was thought to be.
func (p *pace) next() {
	p.parts[0] = 0
	p.step(0)
	if len(p.parts) > 1 {
		p.parts = p.parts[1:]
	}
}

// length counts what a sequence gives.
func length[T any](all iter.Seq2[T, error]) int {
	n := 0
	for _, err := range all {
		if err == nil {
			n++
		}
	}
	return n
}
