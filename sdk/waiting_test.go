package sdk_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
)

// TestWaiting shows that a plugin lives for as long as what it waits for may take.
func TestWaiting(t *testing.T) {
	gone := errors.New("gone")
	for name, c := range map[string]struct {
		takes time.Duration
		want  []string
	}{
		"soon":   {time.Second, nil},
		"a time": {7 * time.Second, []string{"progress 0", "progress 0"}},
		"hangs":  {time.Hour, []string{"progress 0", "progress 0", "progress 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w wire
				s := sdk.NewTestSink(t.Context(), nil, w.send)
				defer s.Close()
				err := sdk.Waiting(s, "the catalogue", 10*time.Second, func() error {
					time.Sleep(c.takes)
					return gone
				})
				synctest.Wait()
				if diff := cmp.Diff(c.want, w.sent()); diff != "" || !errors.Is(err, gone) {
					t.Error(err, diff)
				}
			})
		})
	}
}
