package schedule_test

import (
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest/schedule"
)

// TestNext holds the next time to the line, to the source and to its last write.
func TestNext(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, c := range []struct {
		name, line, last, earliest string
		spread                     time.Duration
	}{
		{"hourly", "@hourly", "2026-03-01T10:20:00Z", "2026-03-01T11:00:00Z", time.Minute},
		{"every minute", "* * * * *", "2026-03-01T10:20:30Z", "2026-03-01T10:21:00Z", 6 * time.Second},
		{"nightly", "15 3 * * *", "2026-03-01T10:20:00Z", "2026-03-02T03:15:00Z", time.Minute},
		{"two close and far", "0,1 4 * * *", "2026-03-01T10:20:00Z", "2026-03-02T04:00:00Z", 6 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			apart := map[time.Time]bool{}
			for _, id := range []model.ID{"src_a", "src_b", "src_c", "src_d", "src_e"} {
				s := model.Source{Meta: model.Meta{ID: id, UpdatedAt: at(c.last)}, Schedule: c.line}
				next := schedule.Next(s)
				if late := next.Sub(at(c.earliest)); late < 0 || late >= c.spread {
					t.Errorf("%s is due at %s", id, next)
				}
				apart[next] = true
				s.UpdatedAt = next.Add(time.Millisecond) // the run has begun
				if again := schedule.Next(s); again.Sub(next) < time.Minute {
					t.Errorf("%s is due again at %s", id, again)
				}
				s.Paused = true
				if paused := schedule.Next(s); !paused.IsZero() {
					t.Errorf("%s is paused and due at %s", id, paused)
				}
			}
			if len(apart) < 3 {
				t.Errorf("five sources are due at %d different times", len(apart))
			}
		})
	}
}
