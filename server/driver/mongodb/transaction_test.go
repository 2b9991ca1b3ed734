package mongodb_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/server/driver/mongodb"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
)

// TestTransactions of many goroutines on one document: each is done once.
func TestTransactions(t *testing.T) {
	uri, _ := mongodbtest.Database(t)
	clients := []*mongodb.Client{open(t, uri, app), open(t, uri, "another app")}
	const each = 10
	var work sync.WaitGroup
	for range 4 {
		for _, c := range clients {
			work.Go(func() {
				for range each {
					if err := c.Transact(t.Context(), func(ctx context.Context) error { return count(ctx, c) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	work.Wait()
	counted(t, clients[0], 4*each*len(clients))
}

// TestRefusedTransaction leaves nothing behind and gives the error of its work.
func TestRefusedTransaction(t *testing.T) {
	uri, _ := mongodbtest.Database(t)
	c := open(t, uri, app)
	if err := count(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("it is refused")
	err := c.Transact(t.Context(), func(ctx context.Context) error { return errors.Join(count(ctx, c), refusal) })
	if !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
	counted(t, c, 1)
}

// TestIdleTransaction is in the way of others. One of the same app ends it
// soon, and whoever was merely slow does the work again; one of another app
// does not touch it.
func TestIdleTransaction(t *testing.T) {
	uri, _ := mongodbtest.Database(t)
	slow, same, other := open(t, uri, app), open(t, uri, app), open(t, uri, "another app")
	if err := count(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
	tries := 0
	go func() {
		done <- slow.Transact(t.Context(), func(ctx context.Context) error {
			if err := count(ctx, slow); err != nil {
				return err
			}
			if tries++; tries == 1 {
				close(begun)
				<-goOn
			}
			return nil
		})
	}()
	<-begun
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := other.Transact(short, func(ctx context.Context) error { return count(ctx, other) }); err == nil {
		t.Error("another app has ended the transaction")
	}
	begin := time.Now()
	if err := same.Transact(t.Context(), func(ctx context.Context) error { return count(ctx, same) }); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the idle transaction was in the way for %s", took)
	}
	close(goOn)
	if err := <-done; err != nil || tries < 2 {
		t.Errorf("the slow one ended after %d tries with %v", tries, err)
	}
	counted(t, same, 3)
}

func count(ctx context.Context, c *mongodb.Client) error {
	_, err := c.Collection("counter").UpdateOne(ctx, bson.M{"_id": "n"}, bson.M{"$inc": bson.M{"n": 1}}, options.UpdateOne().SetUpsert(true))
	return err
}

func counted(t *testing.T, c *mongodb.Client, want int) {
	t.Helper()
	var counter struct {
		N int `bson:"n"`
	}
	if err := c.Snapshot("counter").FindOne(t.Context(), bson.M{"_id": "n"}).Decode(&counter); err != nil || counter.N != want {
		t.Errorf("counted %d, %v, want %d", counter.N, err, want)
	}
}
