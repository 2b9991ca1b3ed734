package resolver

import "context"

// stream hands states on for as long as the subscriber may still see them: the
// right is asked for again before each one, and the stream ends with it. A
// subscriber who reads slowly misses states in between.
func stream[T any](ctx context.Context, states <-chan T, may func(context.Context) (bool, error)) <-chan *T {
	out := make(chan *T)
	go func() {
		defer close(out)
		for state := range states {
			if allowed, err := may(ctx); err != nil || !allowed {
				return
			}
			select {
			case out <- &state:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
