package sqlite

import "testing"

// TestLogLimit keeps the log small where room is short.
func TestLogLimit(t *testing.T) {
	for _, c := range []struct {
		room  int64
		known bool
		want  int64
	}{{0, false, logLimit}, {0, true, leastLimit}, {40 << 20, true, 40 << 20 / logShare}, {1 << 40, true, logLimit}} {
		if got := limit(c.room, c.known); got != c.want {
			t.Errorf("with %d left (%t): got %d, want %d", c.room, c.known, got, c.want)
		}
	}
	if pages := LogPages(t.TempDir()+"/x.db", 8192); pages < leastLimit/8192 || pages > logLimit/8192 {
		t.Errorf("got %d pages", pages)
	}
}
