package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/server/decisionlog/chain"
)

// Commit implements chain.Keeper. The head comes first: from then on every
// other process that appends has to wait or to give way.
func (db *DB) Commit(ctx context.Context, b chain.Batch) error {
	return db.transact(ctx, func(ctx context.Context) error {
		if err := db.moveHead(ctx, b); err != nil {
			return err
		}
		if b.Cursor != nil {
			if err := db.moveCursor(ctx, *b.Cursor); err != nil {
				return err
			}
		}
		if b.Mark != nil {
			if err := db.put(ctx, db.marks, b.Mark.Day, encodeMark(*b.Mark)); err != nil {
				return err
			}
		}
		return db.insert(ctx, b.After.Name, b.Rows)
	})
}

// moveHead replaces the head that the batch follows. Where the batch begins a
// segment, the one before is closed and the new one must not be there yet.
func (db *DB) moveHead(ctx context.Context, b chain.Batch) error {
	switch {
	case b.Before.Name == b.After.Name:
		return db.replace(ctx, b.Before, b.After)
	case b.Previous != nil:
		if err := db.replace(ctx, b.Before, *b.Previous); err != nil {
			return err
		}
	}
	_, err := db.segments.InsertOne(ctx, encodeSegment(b.After))
	if mongo.IsDuplicateKeyError(err) {
		return chain.ErrMoved
	}
	return err
}

func (db *DB) replace(ctx context.Context, before, after chain.Segment) error {
	same := bson.M{"_id": before.Name, "seq": before.Seq, "hash": before.Hash[:], "erased": before.Erased, "closed": before.Closed}
	result, err := db.segments.ReplaceOne(ctx, same, encodeSegment(after))
	if err == nil && result.MatchedCount == 0 {
		err = chain.ErrMoved
	}
	return err
}

func (db *DB) moveCursor(ctx context.Context, s chain.Step) error {
	first := options.UpdateOne().SetUpsert(s.From == 0)
	result, err := db.states.UpdateOne(ctx, bson.M{"_id": stateCursor, "seq": s.From}, bson.M{"$set": bson.M{"seq": s.To}}, first)
	if mongo.IsDuplicateKeyError(err) || (err == nil && result.MatchedCount+result.UpsertedCount == 0) {
		return chain.ErrPassed
	}
	return err
}

func (db *DB) put(ctx context.Context, c *mongo.Collection, id string, document any) error {
	_, err := c.ReplaceOne(ctx, bson.M{"_id": id}, document, options.Replace().SetUpsert(true))
	return err
}

func (db *DB) insert(ctx context.Context, segment string, rows []chain.Row) error {
	var documents, inputs []any
	for _, r := range rows {
		documents = append(documents, encodeRow(segment, r))
		if r.Input != nil {
			inputs = append(inputs, inputDocument{Seq: r.Seq, Salt: r.Salt, Input: r.Input})
		}
	}
	if len(documents) > 0 {
		_, err := db.rows.InsertMany(ctx, documents)
		if mongo.IsDuplicateKeyError(err) {
			return chain.ErrTaken // the numbers follow the head, so it is the id
		}
		if err != nil {
			return err
		}
	}
	if len(inputs) > 0 {
		_, err := db.inputs.InsertMany(ctx, inputs)
		return err
	}
	return nil
}

// Settle implements chain.Keeper.
func (db *DB) Settle(ctx context.Context, before, after chain.Segment) error {
	return db.transact(ctx, func(ctx context.Context) error {
		if err := db.replace(ctx, before, after); err != nil || after.Erased == before.Erased {
			return err
		}
		gone := bson.M{"_id": bson.M{"$gt": before.Erased, "$lte": after.Erased}}
		if _, err := db.inputs.DeleteMany(ctx, gone); err != nil {
			return err
		}
		_, err := db.rows.UpdateMany(ctx, gone, bson.M{"$set": bson.M{"full": false}})
		return err
	})
}

// transact does the work in one transaction, and gives what the chain acts on
// as it is.
func (db *DB) transact(ctx context.Context, work func(context.Context) error) error {
	err := db.client.Transact(ctx, work)
	if errors.Is(err, chain.ErrMoved) || errors.Is(err, chain.ErrTaken) || errors.Is(err, chain.ErrPassed) {
		return err
	}
	return unusable(err)
}
