package harvest

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// tries is how often a write is made before a lost race is told to the caller.
const tries = 6

// repeat makes a write until it no longer loses a race. What is to be written
// must be read afresh each time.
func repeat(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if !model.LostRace(err) || try == tries {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// pause waits a little longer after every try.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(5 * time.Millisecond << try)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
