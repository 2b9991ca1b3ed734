package mongo

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

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
		return fmt.Errorf("read what the records were filled for: %w", failure(err))
	}
	news := bson.M{}
	for _, s := range store.Schemas() {
		paths := declared(s)
		if filled.Paths[string(s.Kind)] == paths {
			continue
		}
		if err := e.refillKind(ctx, s); err != nil {
			return fmt.Errorf("fill in the paths of %s: %w", s.Kind, failure(err))
		}
		news["paths."+string(s.Kind)] = paths
	}
	if len(news) == 0 {
		return nil
	}
	_, err := e.meta().UpdateOne(ctx, metaSelf, bson.M{"$set": news})
	return failure(err)
}

// declared tells one declaration of a table from another, as far as its
// records depend on it.
func declared(s store.Schema) string {
	var words []string
	for _, p := range s.Paths {
		word := string(p)
		if s.Multi(p) {
			word += "*"
		}
		words = append(words, word)
	}
	for _, x := range s.Indexes {
		if x.Unique {
			words = append(words, "unique:"+x.Name)
		}
	}
	return strings.Join(words, " ")
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
		if updates, err = appendRefilled(updates, s, r); err != nil {
			return err
		}
		if len(updates) == refillRows {
			if err := e.update(ctx, s.Kind, updates); err != nil {
				return err
			}
			updates = nil
		}
	}
	if err := found.Err(); err != nil || len(updates) == 0 {
		return err
	}
	return e.update(ctx, s.Kind, updates)
}

func (e *engine) update(ctx context.Context, kind store.Kind, updates []mongo.WriteModel) error {
	_, err := e.collection(kind).BulkWrite(ctx, updates, options.BulkWrite().SetOrdered(false))
	return err
}

// appendRefilled adds the update of a record whose values are not those of its
// document. One that is written meanwhile has them already.
func appendRefilled(updates []mongo.WriteModel, s store.Schema, r row) ([]mongo.WriteModel, error) {
	keys, err := s.Extract(r.Doc)
	if err == nil {
		keys, err = s.Canonical(keys)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.ID, err)
	}
	set := bson.M{}
	for _, field := range document(store.Record{Kind: s.Kind, ID: r.ID, Doc: r.Doc, Keys: keys}) {
		if field.Key == "k" || field.Key == "u" {
			set[field.Key] = field.Value
		}
	}
	values, err := bson.Marshal(set["k"])
	if err != nil || (bytes.Equal(values, r.Keys) && set["u"] == nil) {
		return updates, err
	}
	change := bson.M{"$set": set}
	if set["u"] == nil {
		change["$unset"] = bson.M{"u": ""}
	}
	return append(updates, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": r.ID, "v": r.Revision}).SetUpdate(change)), nil
}
