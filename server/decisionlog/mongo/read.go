package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/driver/mongodb"
)

// Segments implements chain.Keeper.
func (db *DB) Segments(ctx context.Context) ([]chain.Segment, error) {
	var documents []segmentDocument
	if err := all(ctx, db.segments, bson.M{}, options.Find().SetSort(bson.M{"_id": 1}), &documents); err != nil {
		return nil, err
	}
	segments := make([]chain.Segment, len(documents))
	for i, d := range documents {
		segments[i] = d.segment()
	}
	return segments, nil
}

// Marks implements chain.Keeper.
func (db *DB) Marks(ctx context.Context, segment string) ([]chain.Mark, error) {
	var documents []markDocument
	if err := all(ctx, db.marks, bson.M{"segment": segment}, options.Find().SetSort(bson.M{"_id": 1}), &documents); err != nil {
		return nil, err
	}
	marks := make([]chain.Mark, len(documents))
	for i, d := range documents {
		marks[i] = d.mark()
	}
	return marks, nil
}

// Rows implements chain.Keeper.
func (db *DB) Rows(ctx context.Context, q chain.Query) ([]chain.Row, error) {
	order := 1
	if q.Desc {
		order = -1
	}
	var documents []rowDocument
	opts := options.Find().SetSort(bson.D{{Key: "_id", Value: order}}).SetLimit(int64(q.Limit))
	if err := all(ctx, db.rows, render(q), opts, &documents); err != nil {
		return nil, err
	}
	return db.withInputs(ctx, documents)
}

func render(q chain.Query) bson.M {
	where := bson.M{"segment": q.Segment}
	f := q.Filter
	for name, value := range map[string]string{
		"principal": string(f.Principal), "resource": string(f.Resource), "domain": string(f.Domain), "outcome": string(f.Outcome),
	} {
		if value != "" {
			where[name] = value
		}
	}
	if len(f.Actions) > 0 {
		where["action"] = bson.M{"$in": f.Actions}
	}
	at := bson.M{}
	if f.From != 0 {
		at["$gte"] = f.From
	}
	if f.To != 0 {
		at["$lt"] = f.To
	}
	if len(at) > 0 {
		where["at"] = at
	}
	if f.WithInput {
		where["full"] = true
	}
	switch {
	case q.After == 0:
	case q.Desc:
		where["_id"] = bson.M{"$lt": q.After}
	default:
		where["_id"] = bson.M{"$gt": q.After}
	}
	return where
}

// withInputs joins the rows with the inputs that are still there.
func (db *DB) withInputs(ctx context.Context, documents []rowDocument) ([]chain.Row, error) {
	rows := make([]chain.Row, len(documents))
	seqs := make(bson.A, len(documents))
	for i, d := range documents {
		rows[i], seqs[i] = d.row(), d.Seq
	}
	var inputs []inputDocument
	if err := all(ctx, db.inputs, bson.M{"_id": bson.M{"$in": seqs}}, options.Find(), &inputs); err != nil {
		return nil, err
	}
	bySeq := make(map[int64]inputDocument, len(inputs))
	for _, in := range inputs {
		bySeq[in.Seq] = in
	}
	for i := range rows {
		in := bySeq[rows[i].Seq]
		rows[i].Salt, rows[i].Input = in.Salt, in.Input
	}
	return rows, nil
}

// Row implements chain.Keeper.
func (db *DB) Row(ctx context.Context, id string) (chain.Row, bool, error) {
	var d rowDocument
	err := db.rows.FindOne(ctx, bson.M{"id": id}).Decode(&d)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return chain.Row{}, false, nil
	}
	if err != nil {
		return chain.Row{}, false, unusable(err)
	}
	rows, err := db.withInputs(ctx, []rowDocument{d})
	if err != nil {
		return chain.Row{}, false, err
	}
	return rows[0], true, nil
}

// Known implements chain.Keeper.
func (db *DB) Known(ctx context.Context, ids []string) (map[string]bool, error) {
	var documents []rowDocument
	if err := all(ctx, db.rows, bson.M{"id": bson.M{"$in": ids}}, options.Find().SetProjection(bson.M{"id": 1}), &documents); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, d := range documents {
		known[string(d.ID)] = true
	}
	return known, nil
}

func all(ctx context.Context, c *mongo.Collection, where bson.M, opts *options.FindOptionsBuilder, into any) error {
	return unusable(mongodb.Again(ctx, func() error {
		found, err := c.Find(ctx, where, opts)
		if err == nil {
			err = mongodb.Midway(found.All(ctx, into)) // which begins the list anew
		}
		return err
	}))
}
