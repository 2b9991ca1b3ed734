package process

import "bytes"

// Bounded keeps what a process writes as far as there is room for it. The buffer
// is no part of its face: a copy would read into it without bounds.
type Bounded struct {
	kept bytes.Buffer
	left int
	full func()
}

// NewBounded keeps so many bytes, and calls full when there are more; nil is
// called by nobody.
func NewBounded(size int, full func()) *Bounded { return &Bounded{left: size, full: full} }

// Write keeps what fits and drops the rest.
func (b *Bounded) Write(p []byte) (int, error) {
	fits := p[:min(len(p), max(0, b.left))]
	if b.left -= len(p); b.left < 0 && b.full != nil {
		b.full()
	}
	if _, err := b.kept.Write(fits); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Bytes are what was kept. They are read once nobody writes any more.
func (b *Bounded) Bytes() []byte { return b.kept.Bytes() }
