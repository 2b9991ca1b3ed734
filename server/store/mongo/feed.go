package mongo

import (
	"context"
	"iter"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

const (
	feedPage    = 500
	listenPause = time.Second // between two tries to open the change stream
)

// Events yields every event after the number in commit order and then waits
// for more. The counter lets no transaction overtake another, so a reader who
// has seen a number has seen all below it.
func (db *DB) Events(ctx context.Context, after int64) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		for {
			rung := db.bell.next() // before the read, so that no event falls between the two
			page, err := store.Events.Find(ctx, db, store.Query{Index: "by_seq", Where: store.Between("seq", after+1, nil), Limit: feedPage})
			if err != nil {
				if ctx.Err() == nil {
					yield(model.Event{}, err)
				}
				return
			}
			for _, e := range page.Nodes {
				if ctx.Err() != nil || !yield(e, nil) {
					return
				}
				after = e.Seq
			}
			if page.More {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-db.done: // the next read reports it
			case <-rung:
			}
		}
	}
}

func (db *DB) events() *mongo.Collection { return db.database.Collection(string(store.Events.Kind())) }

// listen rings the bell when any process commits an event. The stream carries
// nothing but the news; readers fetch what they lack by its number, so a
// stream that breaks loses nothing, and while there is none they look anyway.
func (db *DB) listen(ctx context.Context) {
	for ctx.Err() == nil {
		db.follow(ctx)
		db.bell.ring()
		select {
		case <-ctx.Done():
		case <-time.After(listenPause):
		}
	}
}

// follow keeps no error: the caller opens the stream again, and what broke it
// shows in every other call to the server.
func (db *DB) follow(ctx context.Context) {
	inserts := mongo.Pipeline{
		{{Key: "$match", Value: bson.M{"operationType": "insert"}}},
		{{Key: "$project", Value: bson.M{"_id": 1}}},
	}
	stream, err := db.events().Watch(ctx, inserts)
	if err != nil {
		return
	}
	defer func() { _ = stream.Close(context.WithoutCancel(ctx)) }() // its cursor ends on the server anyway
	db.bell.ring()                                                  // for what was committed before the stream began
	for stream.Next(ctx) {
		db.bell.ring()
	}
}

// bell wakes everybody who waits for the next event.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

// next gives a channel that the next ring closes.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}
