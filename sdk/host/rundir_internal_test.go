package host

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// TestASweepLeavesWhatIsBeingMade: another program that starts takes no directory
// for one that was left behind while its host makes it.
func TestASweepLeavesWhatIsBeingMade(t *testing.T) {
	base, err := os.MkdirTemp("/tmp", "souk-sweep-") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	t.Setenv("TMPDIR", base)
	stop, swept := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(swept)
		for {
			select {
			case <-stop:
				return
			default:
				RemoveLeftBehind(slog.New(slog.DiscardHandler))
			}
		}
	}()
	for range 3000 {
		d, err := newRunDir(nil)
		if err != nil {
			t.Error(err)
			break
		}
		if _, err := os.Stat(filepath.Join(d.path, ownerFile)); err != nil {
			t.Error(err)
		}
		if err := d.remove(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-swept
}
