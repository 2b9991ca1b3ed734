package sourcegrants_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestTheServerHearsOfGrants by the feed, and acts without being asked.
func TestTheServerHearsOfGrants(t *testing.T) {
	w := newWorld(t, nil)
	ctx, stop := context.WithCancel(w.System())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.grants.Run(ctx)
	}()
	defer func() {
		stop()
		<-ended
	}()
	w.name()
	w.grant()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		page, err := store.SourceGrants.Find(t.Context(), w.Store, store.Query{Index: "by_created"})
		w.Must(err)
		if len(page.Nodes) == 1 && page.Nodes[0].State == model.SourceGrantApplied {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("nothing was done: %+v", page.Nodes)
		}
	}
}
