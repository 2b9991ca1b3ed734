package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/server/driver/mongodb"
	"github.com/souk-mesh/souk/server/store"
)

// refillRows is how many records go to the server together.
const refillRows = 500

// refill gives the records that an earlier Souk wrote the values of the paths
// that are declared since; without them no filter on those paths would find
// them. The meta document remembers what every kind was filled for.
func (e *engine) refill(ctx context.Context) error {
	var filled struct {
		Paths map[string]string `bson:"paths"`
	}
	if err := e.meta().FindOne(ctx, metaSelf).Decode(&filled); err != nil {
		return fmt.Errorf("read what the records were filled for: %w", mongodb.Failure(err))
	}
	news := bson.M{}
	for _, s := range store.Schemas() {
		paths := s.Declared()
		if filled.Paths[string(s.Kind)] == paths {
			continue
		}
		if err := e.refillKind(ctx, s); err != nil {
			return fmt.Errorf("fill in the paths of %s: %w", s.Kind, mongodb.Failure(err))
		}
		news["paths."+string(s.Kind)] = paths
	}
	if len(news) == 0 {
		return nil
	}
	_, err := e.meta().UpdateOne(ctx, metaSelf, bson.M{"$set": news})
	return mongodb.Failure(err)
}

func (e *engine) refillKind(ctx context.Context, s store.Schema) error {
	found, err := e.collection(s.Kind).Find(ctx, bson.D{}, options.Find().SetBatchSize(refillRows))
	if err != nil {
		return err
	}
	defer func() { _ = found.Close(context.WithoutCancel(ctx)) }()
	var updates []mongo.WriteModel
	for found.Next(ctx) {
		var r row
		if err := found.Decode(&r); err != nil {
			return err
		}
		change, err := refilled(s, r)
		if err != nil {
			return err
		}
		if updates = append(updates, change); found.RemainingBatchLength() > 0 {
			continue
		}
		if _, err := e.collection(s.Kind).BulkWrite(ctx, updates, options.BulkWrite().SetOrdered(false)); err != nil {
			return err
		}
		updates = nil
	}
	return found.Err()
}

// refilled gives a record the values of its document. One that is written
// meanwhile has them already.
func refilled(s store.Schema, r row) (mongo.WriteModel, error) {
	record := r.record(s.Kind)
	var err error
	if record.Keys, err = s.KeysIn(record); err != nil {
		return nil, err
	}
	filled := bson.M{"k": keysOf(s, record), "u": freeOf(s, record)}
	return mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": r.ID, "v": r.Revision}).SetUpdate(bson.M{"$set": filled}), nil
}
