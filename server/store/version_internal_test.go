package store

import (
	"context"
	"testing"
)

// ahead is an engine whose counter is ahead of the events that can be seen.
type ahead struct {
	counted

	head int64
}

func (e *ahead) Newest(context.Context) (int64, error) { return e.head, nil }

// TestAnEventThatCannotBeSeenIsNotPassedOver: as long as the counter tells of more
// than the events do, nobody may keep anything.
func TestAnEventThatCannotBeSeenIsNotPassedOver(t *testing.T) {
	e := &ahead{head: 7}
	f := NewFront(e).Start(t.Context())
	t.Cleanup(func() { _ = f.Close() })
	for _, step := range []struct {
		head int64
		want bool
	}{{7, true}, {7, true}, {8, false}, {8, false}} {
		e.head = step.head
		if _, known, err := f.Version(t.Context(), Principals.Kind()); err != nil || known != step.want {
			t.Errorf("at %d: known %t, %v; want %t", step.head, known, err, step.want)
		}
	}
}
