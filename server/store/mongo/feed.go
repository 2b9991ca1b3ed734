package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/souk-mesh/souk/server/store"
)

// listenPause is between two tries to open the change stream.
const listenPause = time.Second

// Beside rings the bell when any process commits an event. The stream carries
// nothing but the news; readers fetch what they lack by its number, so a
// stream that breaks loses nothing, and while there is none they look anyway.
func (e *engine) Beside(ctx context.Context, bell *store.Bell) {
	for ctx.Err() == nil {
		e.follow(ctx, bell)
		bell.Ring()
		select {
		case <-ctx.Done():
		case <-time.After(listenPause):
		}
	}
}

// follow keeps no error: the caller opens the stream again, and what broke it
// shows in every other call to the server.
func (e *engine) follow(ctx context.Context, bell *store.Bell) {
	inserts := mongo.Pipeline{
		{{Key: "$match", Value: bson.M{"operationType": "insert"}}},
		{{Key: "$project", Value: bson.M{"_id": 1}}},
	}
	stream, err := e.collection(store.Events.Kind()).Watch(ctx, inserts)
	if err != nil {
		return
	}
	defer func() { _ = stream.Close(context.WithoutCancel(ctx)) }() // its cursor ends on the server anyway
	bell.Ring()                                                     // for what was committed before the stream began
	for stream.Next(ctx) {
		bell.Ring()
	}
}
