package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb"
	"github.com/souk-mesh/souk/server/store"
)

// errRefused undoes a transaction in which no change was found good.
var errRefused = errors.New("every change of the group is refused")

// Commit implements store.Engine. All changes of all processes meet at the
// counter of events, so one transaction for many changes is what makes them
// fast. A broken unique index undoes the whole of it, so then each change of
// the group gets one of its own, and the one at fault gets another, write by
// write, to learn what is wrong first.
func (e *engine) Commit(ctx context.Context, jobs []*store.Job) error {
	if e.reading {
		return store.Unavailable("the store is open for reading only", "leave the writing to the souk that serves it", nil)
	}
	err := e.commit(ctx, jobs, false)
	switch {
	case !mongo.IsDuplicateKeyError(err):
		return mongodb.Failure(err)
	case len(jobs) == 1:
		if err := e.commit(ctx, jobs, true); err != nil {
			jobs[0].Err = refusal(err)
		}
		return nil
	}
	for _, j := range jobs {
		if err := e.Commit(ctx, []*store.Job{j}); err != nil {
			j.Err = err
		}
	}
	return nil
}

// Probe implements store.Engine.
func (e *engine) Probe(ctx context.Context) error {
	_, err := e.meta().UpdateOne(ctx, metaSelf, bson.M{"$currentDate": bson.M{"probed": true}})
	return mongodb.Failure(err)
}

// commit writes the group in one transaction. Changes that are refused carry
// their error.
func (e *engine) commit(ctx context.Context, jobs []*store.Job, inOrder bool) error {
	err := e.client.Transact(ctx, func(ctx context.Context) error {
		return e.writeGroup(ctx, jobs, &batch{inOrder: inOrder, last: map[store.Kind]int{}})
	})
	if errors.Is(err, errRefused) {
		return nil
	}
	return err
}

// writeGroup takes numbers first: from then on no other transaction commits a
// change, so what is read after it stays true until the commit.
func (e *engine) writeGroup(ctx context.Context, jobs []*store.Job, writes *batch) error {
	seq, err := e.advance(ctx, len(jobs))
	if err != nil {
		return err
	}
	seq -= int64(len(jobs))
	current, err := e.revisions(ctx, jobs)
	if err != nil {
		return err
	}
	refused, quiet, now := 0, 0, model.Now()
	for i, j := range jobs {
		var good []store.Write
		if j.Err = e.unnamed(ctx, j.Change, jobs[:i]); j.Err == nil {
			good, j.Err = current.Take(j.Change)
		}
		if j.Err != nil && !model.Is(j.Err, model.KindConflict) {
			return j.Err
		}
		if j.Err != nil {
			if refused++; len(jobs) == 1 { // one of these may be refused before
				writes.add(good)
			}
			continue
		}
		if j.Change.Quiet {
			quiet++
			writes.add(good)
			continue
		}
		seq++
		var told store.Write
		j.Event, told = j.Change.Event(seq, now)
		writes.add(append(slices.Clip(good), told))
	}
	if unused := refused + quiet; unused > 0 { // the numbers stay dense
		if _, err := e.advance(ctx, -unused); err != nil {
			return err
		}
	}
	if err := writes.flush(ctx, e); err != nil || refused < len(jobs) {
		return err
	}
	return errRefused
}

// advance moves the counter of events and gives its new value.
func (e *engine) advance(ctx context.Context, by int) (int64, error) {
	var meta metaDocument
	after := options.FindOneAndUpdate().SetReturnDocument(options.After)
	err := e.meta().FindOneAndUpdate(ctx, metaSelf, bson.M{"$inc": bson.M{"seq": int64(by)}}, after).Decode(&meta)
	return meta.Seq, err
}

// revisions reads the current ones of the records that a group touches.
func (e *engine) revisions(ctx context.Context, jobs []*store.Job) (store.Revisions, error) {
	ids := map[store.Kind][]model.ID{}
	for _, j := range jobs {
		for _, w := range j.Change.Writes {
			ids[w.Record.Kind] = append(ids[w.Record.Kind], w.Record.ID)
		}
		for _, n := range j.Change.Needs {
			ids[n.Kind] = append(ids[n.Kind], n.ID)
		}
	}
	current := store.Revisions{}
	for kind, list := range ids {
		rows, err := all(ctx, e.collection(kind), list, options.Find().SetProjection(bson.M{"v": 1}))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			current[store.Self{Kind: kind, ID: r.ID}] = r.Revision
		}
	}
	return current, nil
}

// unnamed checks that nothing has come to name what the change takes away.
func (e *engine) unnamed(ctx context.Context, c store.Change, before []*store.Job) error {
	return c.Unnamed.Check(store.Later{
		Group: before,
		Events: func(since int64) ([]model.Event, error) {
			found, err := e.collection(store.Events.Kind()).Find(ctx, bson.D{{Key: "k.seq", Value: bson.D{{Key: "$gt", Value: since}}}})
			if err != nil {
				return nil, err
			}
			var rows []row
			if err := found.All(ctx, &rows); err != nil {
				return nil, err
			}
			events := make([]model.Event, len(rows))
			for i, r := range rows {
				if err := json.Unmarshal(r.Doc, &events[i]); err != nil {
					return nil, err
				}
			}
			return events, nil
		},
		Docs: func(kind store.Kind, ids []model.ID) ([][]byte, error) {
			rows, err := all(ctx, e.collection(kind), ids)
			docs := make([][]byte, len(rows))
			for i, r := range rows {
				docs[i] = r.Doc
			}
			return docs, err
		},
	})
}

// batch collects the writes of a group in runs, one for each collection: a run
// is one message to the server. In order, a run ends where the next write is
// of another collection.
type batch struct {
	inOrder bool
	runs    []run
	last    map[store.Kind]int // the last run of each collection
}

type run struct {
	kind   store.Kind
	models []mongo.WriteModel
}

func (b *batch) add(writes []store.Write) {
	for _, w := range writes {
		at, begun := b.last[w.Record.Kind]
		if !begun || (b.inOrder && at != len(b.runs)-1) {
			at = len(b.runs)
			b.last[w.Record.Kind] = at
			b.runs = append(b.runs, run{kind: w.Record.Kind})
		}
		b.runs[at].models = append(b.runs[at].models, writeModel(w))
	}
}

func (b *batch) flush(ctx context.Context, e *engine) error {
	for _, r := range b.runs {
		if _, err := e.collection(r.kind).BulkWrite(ctx, r.models); err != nil {
			return err
		}
	}
	return nil
}

func writeModel(w store.Write) mongo.WriteModel {
	self := bson.D{{Key: "_id", Value: w.Record.ID}}
	switch {
	case w.Delete:
		return mongo.NewDeleteOneModel().SetFilter(self)
	case w.Record.Revision == 0:
		return mongo.NewInsertOneModel().SetDocument(document(w.Record))
	default:
		return mongo.NewReplaceOneModel().SetFilter(self).SetReplacement(document(w.Record))
	}
}
