package harvest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/watch"
)

// TestProgressIsToldNowAndThen does not wake those who watch for each object: a
// plugin that was not written with the SDK in Go may tell of every one.
func TestProgressIsToldNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(&execution{row: watch.New(model.Run{})}, model.Source{}, nil, plan{})
		states := c.run.row.Watch(t.Context())
		heard := 0
		for i := range 1000 {
			c.Progress(int64(i), 1000, "tables")
			time.Sleep(time.Millisecond)
			select {
			case <-states:
				heard++
			default:
			}
		}
		if heard > 5 || heard == 0 {
			t.Errorf("who watches heard %d states in a second, want a few", heard)
		}
		row := model.Run{}
		if c.progressed(&row); row.Progress == nil || row.Progress.Done != 999 {
			t.Errorf("the next write keeps %+v", row.Progress)
		}
	})
}
