package sdk

import (
	"sync"
	"time"
)

// waitingEach is the time between two signs of life of a plugin that waits.
const waitingEach = 3 * time.Second

// Waiting does what takes long in one piece, such as a query over a whole
// catalogue, and shows the host all the while that the plugin lives. After the
// most that it may take it shows it no more, so that the host ends what hangs.
func Waiting(out Sink, what string, most time.Duration, do func() error) error {
	done := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() { tellUntil(done, time.After(most), out, what) })
	defer telling.Wait()
	defer close(done)
	return do()
}

func tellUntil(done <-chan struct{}, end <-chan time.Time, out Sink, what string) {
	each := time.NewTicker(waitingEach)
	defer each.Stop()
	for {
		select {
		case <-done:
			return
		case <-end:
			return
		case <-each.C:
			_ = out.Progress(0, 0, what) // what ends a run ends what is waited for, too
		}
	}
}
