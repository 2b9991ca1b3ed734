// Package mongo keeps the decision log in MongoDB, in collections of its own
// in the store's database. It owns the mapping and what a transaction does, in
// which several processes of Souk may meet. What a row says and how rows are
// linked is chain's, and connections are those of driver/mongodb.
package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/driver/mongodb"
)

var _ chain.Keeper = (*DB)(nil)

const (
	app         = "souk decision log" // how the server tells the log's connections from all others
	stateSecret = "secret"
	stateCursor = "cursor"
)

// DB is an open log.
type DB struct {
	client                                *mongodb.Client
	rows, inputs, segments, marks, states *mongo.Collection
}

// Open connects to the database of the URI and makes the indexes.
func Open(ctx context.Context, uri string) (*DB, error) {
	client, err := mongodb.Open(ctx, uri, app)
	if err != nil {
		return nil, err
	}
	db := &DB{
		client: client, rows: client.Collection("decision_log"), inputs: client.Collection("decision_log_input"),
		segments: client.Collection("decision_log_segment"), marks: client.Collection("decision_log_mark"), states: client.Collection("decision_log_state"),
	}
	if err := db.prepare(ctx); err != nil {
		_ = client.Close() // the reason why opening ends is err
		return nil, unusable(err)
	}
	return db, nil
}

func (db *DB) prepare(ctx context.Context) error {
	_, err := db.rows.Indexes().CreateMany(ctx, []mongo.IndexModel{
		{Keys: bson.D{{Key: "id", Value: 1}}, Options: options.Index().SetUnique(true).SetName("id")},
		{Keys: bson.D{{Key: "principal", Value: 1}, {Key: "_id", Value: 1}}},
		{Keys: bson.D{{Key: "resource", Value: 1}, {Key: "_id", Value: 1}}},
		{Keys: bson.D{{Key: "domain", Value: 1}, {Key: "_id", Value: 1}}},
		{Keys: bson.D{{Key: "outcome", Value: 1}, {Key: "_id", Value: 1}, {Key: "at", Value: 1}}},
		{Keys: bson.D{{Key: "segment", Value: 1}, {Key: "_id", Value: 1}}},
	})
	if err != nil {
		return fmt.Errorf("create the indexes of the decision log: %w", err)
	}
	for _, c := range []*mongo.Collection{db.inputs, db.segments, db.marks, db.states} {
		// A collection is made here, because a transaction that makes one collides easily.
		if err := c.Database().CreateCollection(ctx, c.Name()); err != nil && !exists(err) {
			return fmt.Errorf("create the collection %s: %w", c.Name(), err)
		}
	}
	return nil
}

func exists(err error) bool {
	const namespaceExists = 48
	var said mongo.ServerError
	return errors.As(err, &said) && said.HasErrorCode(namespaceExists)
}

func unusable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &model.Error{
		Kind: model.KindUnavailable, Message: "the decision log in MongoDB cannot be used",
		Hint: "check that the replica set has a primary and that this machine reaches it", Err: err,
	}
}

type state struct {
	Secret []byte `bson:"secret,omitempty"`
	Seq    int64  `bson:"seq,omitempty"`
}

// Secret implements chain.Keeper. Of two processes that begin at once, one is first.
func (db *DB) Secret(ctx context.Context, make func() []byte) ([]byte, error) {
	var s state
	err := db.states.FindOne(ctx, bson.M{"_id": stateSecret}).Decode(&s)
	if err == nil || !errors.Is(err, mongo.ErrNoDocuments) {
		return s.Secret, unusable(err)
	}
	rows, err := db.rows.CountDocuments(ctx, bson.M{}, options.Count().SetLimit(1))
	if err != nil {
		return nil, unusable(err)
	}
	if rows > 0 {
		return nil, &model.Error{
			Kind: model.KindUnavailable, Message: "the decision log has rows, but its key is gone from the collection " + db.states.Name(),
			Hint: "restore it from the backup; if it is lost, rename the collections of the log and keep them: a new log then begins with a new key",
		}
	}
	_, err = db.states.UpdateOne(ctx, bson.M{"_id": stateSecret}, bson.M{"$setOnInsert": state{Secret: make()}}, options.UpdateOne().SetUpsert(true))
	if err != nil && !mongo.IsDuplicateKeyError(err) {
		return nil, unusable(err)
	}
	err = db.states.FindOne(ctx, bson.M{"_id": stateSecret}).Decode(&s)
	return s.Secret, unusable(err)
}

// Cursor implements chain.Keeper.
func (db *DB) Cursor(ctx context.Context) (int64, error) {
	var s state
	err := db.states.FindOne(ctx, bson.M{"_id": stateCursor}).Decode(&s)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = nil
	}
	return s.Seq, unusable(err)
}

// Damage implements chain.Keeper: the server looks after its own files.
func (db *DB) Damage(context.Context) ([]string, error) { return nil, nil }

// Close implements chain.Keeper.
func (db *DB) Close() error { return db.client.Close() }
