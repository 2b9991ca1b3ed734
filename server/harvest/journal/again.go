package journal

import (
	"hash/fnv"

	"github.com/souk-mesh/souk/graph/model"
)

// slots is how many bits there are for records: eight million, a megabyte for each
// of the two rows, of which a run of a million records fills an eighth.
const slots = 1 << 23

// again tells which records were met more than once, in a memory that does not grow
// with them. It may say so of one in some that was met once, never the reverse.
type again struct{ once, more []uint64 }

func newAgain() again {
	return again{make([]uint64, slots/64), make([]uint64, slots/64)}
}

// meet notes the record, and reports whether its slot was met for the second time.
func (a again) meet(id model.ID) (second bool) {
	n := hashOf(id) % slots
	word, bit := n/64, uint64(1)<<(n%64)
	if a.once[word]&bit == 0 {
		a.once[word] |= bit
		return false
	}
	second = a.more[word]&bit == 0
	a.more[word] |= bit
	return second
}

// written reports whether the record may have been met more than once.
func (a again) written(id model.ID) bool {
	n := hashOf(id) % slots
	return a.more[n/64]&(1<<(n%64)) != 0
}

func hashOf(id model.ID) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum64()
}
