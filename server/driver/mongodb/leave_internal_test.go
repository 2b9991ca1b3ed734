package mongodb

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestLeavingTakesAMoment has a driver that does not hear of the end of its context.
func TestLeavingTakesAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		deaf := func(context.Context) error {
			time.Sleep(10 * time.Second)
			return errors.New("too late")
		}
		if err := leave(deaf); err != nil || time.Since(begun) != closeTimeout {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		time.Sleep(10 * time.Second) // it ends by itself
		broken := errors.New("broken")
		if err := leave(func(context.Context) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
}
