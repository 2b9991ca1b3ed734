package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// groupWrites is when a group takes no further change.
const groupWrites = 2000

// pending is a change that waits for the writer, and the answer to it.
type pending struct {
	change store.Change
	event  model.Event
	err    error
	done   chan struct{}
}

// Apply hands the change to the writer and waits for its answer. A change that
// the writer has taken up is carried out even when the context ends meanwhile;
// then only the answer is lost, because a server may be slow to give it.
func (db *DB) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	writes, err := c.Prepare()
	if err != nil {
		return model.Event{}, err
	}
	c.Writes = writes
	p := &pending{change: c, done: make(chan struct{})}
	if ctx.Err() != nil {
		return model.Event{}, ctx.Err()
	}
	select {
	case db.pending <- p:
	case <-ctx.Done():
		return model.Event{}, ctx.Err()
	case <-db.done:
		return model.Event{}, closed()
	}
	select {
	case <-p.done:
		return p.event, p.err
	case <-ctx.Done():
		return model.Event{}, fmt.Errorf("apply %q: whether it was written is not known: %w", c.Action, ctx.Err())
	}
}

// write commits what waits, group by group. All changes of all processes meet
// at the counter of events, so one transaction for many changes is what makes
// them fast.
func (db *DB) write(ctx, until context.Context) {
	defer close(db.done)
	for {
		select {
		case <-until.Done():
			return
		case first := <-db.pending:
			db.settle(ctx, db.gather(first))
		}
	}
}

// gather takes every change that waits at this moment.
func (db *DB) gather(first *pending) []*pending {
	group := []*pending{first}
	for writes := len(first.change.Writes); writes < groupWrites; {
		select {
		case next := <-db.pending:
			group = append(group, next)
			writes += len(next.change.Writes)
		default:
			return group
		}
	}
	return group
}

// settle commits the group and answers. A broken unique index undoes the whole
// transaction, so then each change of the group gets one of its own, and the
// one at fault gets another, write by write, to learn what is wrong first.
func (db *DB) settle(ctx context.Context, group []*pending) {
	err := db.commit(ctx, group, false)
	switch {
	case !mongo.IsDuplicateKeyError(err):
	case len(group) == 1:
		err = db.commit(ctx, group, true)
	default:
		for _, p := range group {
			db.settle(ctx, []*pending{p})
		}
		return
	}
	for _, p := range group {
		if err != nil {
			p.event, p.err = model.Event{}, refusal(err)
		}
		close(p.done)
	}
}

// errRefused undoes a transaction in which no change was found good.
var errRefused = errors.New("every change of the group is refused")

// commit writes the group in one transaction. Changes that are refused carry
// their error.
func (db *DB) commit(ctx context.Context, group []*pending, inOrder bool) error {
	err := db.transact(ctx, func(ctx context.Context) error {
		return db.writeGroup(ctx, group, batch{inOrder: inOrder})
	})
	if errors.Is(err, errRefused) {
		return nil
	}
	return err
}

// writeGroup takes numbers first: from then on no other transaction commits a
// change, so what is read after it stays true until the commit.
func (db *DB) writeGroup(ctx context.Context, group []*pending, writes batch) error {
	seq, err := db.advance(ctx, int64(len(group)))
	if err != nil {
		return err
	}
	seq -= int64(len(group))
	current, err := db.revisions(ctx, group)
	if err != nil {
		return err
	}
	var refused int64
	now := model.Now()
	for _, p := range group {
		var good int
		if good, p.err = current.take(p.change.Writes); p.err != nil {
			if refused++; len(group) == 1 { // one of these may be refused before
				writes.add(p.change.Writes[:good]...)
			}
			continue
		}
		seq++
		var told store.Write
		p.event, told = p.change.Event(seq, now)
		writes.add(p.change.Writes...)
		writes.add(told)
	}
	if refused > 0 { // the numbers stay dense
		if _, err := db.advance(ctx, -refused); err != nil {
			return err
		}
	}
	if err := writes.flush(ctx, db.database); err != nil || refused < int64(len(group)) {
		return err
	}
	return errRefused
}

// advance moves the counter of events and gives its new value.
func (db *DB) advance(ctx context.Context, by int64) (int64, error) {
	var meta metaDocument
	after := options.FindOneAndUpdate().SetReturnDocument(options.After)
	err := db.meta().FindOneAndUpdate(ctx, bson.M{"_id": metaID}, bson.M{"$inc": bson.M{"seq": by}}, after).Decode(&meta)
	return meta.Seq, err
}

type key struct {
	kind store.Kind
	id   model.ID
}

// revisions are the current ones of the records that a group touches; an
// absent record has none.
type revisions map[key]model.Revision

func (db *DB) revisions(ctx context.Context, group []*pending) (revisions, error) {
	ids := map[store.Kind][]model.ID{}
	for _, p := range group {
		for _, w := range p.change.Writes {
			ids[w.Record.Kind] = append(ids[w.Record.Kind], w.Record.ID)
		}
	}
	current := revisions{}
	for kind, list := range ids {
		found, err := db.database.Collection(string(kind)).Find(ctx, among(list), options.Find().SetProjection(bson.M{"v": 1}))
		if err != nil {
			return nil, err
		}
		var rows []row
		if err := found.All(ctx, &rows); err != nil {
			return nil, err
		}
		for _, r := range rows {
			current[key{kind, r.ID}] = r.Revision
		}
	}
	return current, nil
}

// take checks the writes of one change and, when all are good, moves the
// revisions on for the changes after it. Otherwise it counts the good ones
// before the first that is not.
func (c revisions) take(writes []store.Write) (good int, err error) {
	for i, w := range writes {
		if now := c[key{w.Record.Kind, w.Record.ID}]; now != w.Record.Revision {
			schema, _ := store.SchemaOf(w.Record.Kind) // Prepare has found it
			return i, schema.Stale(w, now)
		}
	}
	for _, w := range writes {
		at := key{w.Record.Kind, w.Record.ID}
		if c[at]++; w.Delete {
			delete(c, at)
		}
	}
	return len(writes), nil
}

// batch collects the writes of a group in runs, one for each collection: a run
// is one message to the server. In order, a run ends where the next write is
// of another collection.
type batch struct {
	inOrder bool
	runs    []run
}

type run struct {
	kind   store.Kind
	models []mongo.WriteModel
}

func (b *batch) add(writes ...store.Write) {
	for _, w := range writes {
		at := slices.IndexFunc(b.runs, func(r run) bool { return r.kind == w.Record.Kind })
		if last := len(b.runs) - 1; at < 0 || b.inOrder && b.runs[last].kind != w.Record.Kind {
			at = len(b.runs)
			b.runs = append(b.runs, run{kind: w.Record.Kind})
		} else if b.inOrder {
			at = last
		}
		b.runs[at].models = append(b.runs[at].models, writeModel(w))
	}
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

func (b *batch) flush(ctx context.Context, database *mongo.Database) error {
	for _, r := range b.runs {
		if _, err := database.Collection(string(r.kind)).BulkWrite(ctx, r.models); err != nil {
			return err
		}
	}
	return nil
}
