package resolver

import (
	"context"
	"testing"
)

// TestStreamAsksBeforeEachState loses the right between two states: the second
// reaches nobody.
func TestStreamAsksBeforeEachState(t *testing.T) {
	for name, lost := range map[string]error{"refused": nil, "an error": context.DeadlineExceeded} {
		t.Run(name, func(t *testing.T) {
			states, asked := make(chan int, 2), 0
			states <- 1
			states <- 2
			close(states)
			out := stream(t.Context(), states, func(context.Context) (bool, error) {
				if asked++; asked == 1 {
					return true, nil
				}
				return false, lost
			})
			var got []int
			for state := range out {
				got = append(got, *state)
			}
			if len(got) != 1 || got[0] != 1 || asked != 2 {
				t.Errorf("got %v after %d questions", got, asked)
			}
		})
	}
}
