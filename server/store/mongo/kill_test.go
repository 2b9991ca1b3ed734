package mongo_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/killtest"
	"github.com/souk-mesh/souk/server/store/mongo"
)

func openForKill(ctx context.Context, address string) (store.Store, error) {
	return mongo.Open(ctx, address)
}

// TestKilledWriter kills the process of Souk; the server lives on. A killed
// writer keeps the next one waiting for a moment, so several databases share
// the rounds.
func TestKilledWriter(t *testing.T) {
	const databases = 5
	for i := range databases {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			address := func() string { where, _ := mongodbtest.Database(t); return where }
			killtest.KillWriter(t, openForKill, address, killtest.Rounds()/databases)
		})
	}
}

// TestKilledServer kills mongod while Souk writes to it: what a majority has
// in its journal survives.
func TestKilledServer(t *testing.T) {
	rounds := max(1, killtest.Rounds()/10)
	m := mongodbtest.Start(t, "--replSet", mongodbtest.ReplicaSet)
	if err := mongodbtest.Initiate(t.Context(), m.Address); err != nil {
		t.Fatal(err)
	}
	address := "mongodb://" + m.Address + "/?replicaSet=" + mongodbtest.ReplicaSet
	ledger := killtest.NewLedger()
	for range rounds {
		acknowledged := writeUntil(t, address, m.Kill)
		ledger.Acknowledged += len(acknowledged)
		m.Restart(t)
		if err := mongodbtest.Initiate(t.Context(), m.Address); err != nil {
			t.Fatal(err)
		}
		db, err := mongo.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		ledger.Verify(t, db, acknowledged)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills of mongod: %s", rounds, ledger)
}

// writeUntil writes for a random while until the kill, and gives what was
// acknowledged.
func writeUntil(t *testing.T, address string, kill func()) (acknowledged []string) {
	t.Helper()
	db, err := mongo.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var work sync.WaitGroup
	work.Go(func() {
		_ = killtest.Write(ctx, db, func(request string) { // its end is what the test is about
			mu.Lock()
			defer mu.Unlock()
			acknowledged = append(acknowledged, request)
		})
	})
	time.Sleep(200*time.Millisecond + rand.N(500*time.Millisecond))
	kill()
	cancel()
	work.Wait()
	_ = db.Close() // it has no server to say goodbye to
	if len(acknowledged) == 0 {
		t.Error("nothing was acknowledged: the round proves nothing")
	}
	return acknowledged
}
