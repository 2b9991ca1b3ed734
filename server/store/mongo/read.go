package mongo

import (
	"context"
	"math"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb"
	"github.com/souk-mesh/souk/server/store"
)

// Fetch implements store.Engine.
func (e *engine) Fetch(ctx context.Context, kind store.Kind, ids []model.ID) ([]store.Record, error) {
	begin := time.Now()
	rows, err := all(ctx, e.client.Snapshot(string(kind)), ids)
	if err != nil {
		return nil, late(ctx, begin, err)
	}
	byID := make(map[model.ID]store.Record, len(rows))
	for _, r := range rows {
		byID[r.ID] = r.record(kind)
	}
	records := make([]store.Record, 0, len(rows))
	for _, id := range ids {
		if r, ok := byID[id]; ok {
			records = append(records, r)
		}
	}
	return records, nil
}

// Revisions implements store.Engine.
func (e *engine) Revisions(ctx context.Context, kind store.Kind, ids []model.ID) (map[model.ID]model.Revision, error) {
	begin := time.Now()
	rows, err := all(ctx, e.client.Snapshot(string(kind)), ids, options.Find().SetProjection(bson.D{{Key: "v", Value: 1}}))
	if err != nil {
		return nil, late(ctx, begin, err)
	}
	revisions := make(map[model.ID]model.Revision, len(rows))
	for _, r := range rows {
		revisions[r.ID] = r.Revision
	}
	return revisions, nil
}

// Size implements store.Engine. It is what the database notes of the collection.
func (e *engine) Size(ctx context.Context, kind store.Kind) (n int, err error) {
	begin := time.Now()
	err = mongodb.Again(ctx, func() error {
		noted, err := e.client.Collection(string(kind)).EstimatedDocumentCount(ctx)
		n = int(noted)
		return err
	})
	return n, late(ctx, begin, err)
}

// all reads the rows that exist among the ids, in any order.
func all(ctx context.Context, c *mongo.Collection, ids []model.ID, opts ...options.Lister[options.FindOptions]) (rows []row, err error) {
	return rows, mongodb.Again(ctx, func() error {
		rows = nil
		found, err := c.Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, opts...)
		if err == nil {
			err = mongodb.Midway(found.All(ctx, &rows))
		}
		return err
	})
}

// Newest implements store.Engine. The number moves in the transaction of each change.
func (e *engine) Newest(ctx context.Context) (int64, error) {
	begin := time.Now()
	var meta metaDocument
	err := mongodb.Again(ctx, func() error {
		return e.client.Snapshot(metaCollection).FindOne(ctx, metaSelf).Decode(&meta)
	})
	return meta.Seq, late(ctx, begin, err)
}

// Scan implements store.Engine. Nobody has seen the page before it is whole, so
// that a scan which breaks off begins it anew.
func (e *engine) Scan(ctx context.Context, p *store.Plan, page *store.Pager) error {
	begin := time.Now()
	f := finder{plan: p, page: page, rows: e.client.Snapshot(string(p.Schema.Kind))}
	return late(ctx, begin, mongodb.Again(ctx, func() error {
		page.Reset()
		return f.fill(ctx)
	}))
}

// finder fills the page of one plan.
type finder struct {
	plan *store.Plan
	page *store.Pager
	rows *mongo.Collection
}

// fill makes one scan after another until the page is full.
func (f *finder) fill(ctx context.Context) error {
	for scans := f.plan.Scans; len(scans) > 0; {
		n := together(scans)
		if more, err := f.run(ctx, scans[:n]); err != nil || !more {
			return err
		}
		scans = scans[n:]
	}
	return nil
}

// together counts the first scans that one question to the server answers:
// those of an In have nothing but equal values, and differ in the last.
func together(scans []store.Scan) int {
	n := slices.IndexFunc(scans, func(s store.Scan) bool {
		return len(s.Equal) == 0 || s.From != nil || s.To != nil || s.NotNull || s.AfterID != ""
	})
	if n < 0 {
		return len(scans)
	}
	return max(n, 1)
}

// run reads the scans until the page wants no more.
func (f *finder) run(ctx context.Context, scans []store.Scan) (more bool, err error) {
	first := scans[0]
	if first.From != nil && first.To != nil && store.Compare(first.From, first.To) >= 0 {
		return true, nil
	}
	filter, opts := f.command(scans)
	found, err := f.rows.Find(ctx, filter, opts)
	if err != nil {
		return false, err
	}
	defer func() { _ = found.Close(context.WithoutCancel(ctx)) }() // the page is there, the server's cursor ends anyway
	for found.Next(ctx) {
		var r row
		if err := found.Decode(&r); err != nil {
			return false, err
		}
		if f.plan.Passed(first, r.values, r.ID) {
			continue
		}
		more, err := f.page.Offer(r.values, func() store.Record { return r.record(f.plan.Schema.Kind) })
		if err != nil || !more {
			return false, err
		}
	}
	return true, mongodb.Midway(found.Err())
}

// command asks for the rows of the scans in the order of the index. Several
// scans become one condition; a single one is given as two keys of the index,
// which says null and "just after" where a condition cannot.
func (f *finder) command(scans []store.Scan) (bson.D, *options.FindOptionsBuilder) {
	names, first := fields(f.plan.Index), scans[0]
	opts := options.Find().SetHint(f.plan.Index.Name)
	if f.plan.Bare() {
		opts.SetProjection(bson.D{{Key: "doc", Value: 0}})
	}
	if f.plan.Residual.Op == "" {
		opts.SetLimit(int64(f.plan.Limit) + 2) // one to see that there are more, one that the cursor stands on
	}
	opts.SetBatchSize(int32(f.plan.Limit) + 2) //nolint:gosec // a page is 1,000 at most
	if len(scans) > 1 {
		fixed := 0
		if f.plan.Index.Multi { // the server sorts no field of many values by the index
			fixed = 1
		}
		return append(condition(names, scans), narrow(f.plan.Only)...), opts.SetSort(f.order(names[fixed:]))
	}
	lower, upper := f.bounds(names, first)
	return narrow(f.plan.Only), opts.SetMin(lower).SetMax(upper).SetSort(f.order(names[len(first.Equal):]))
}

func condition(names []string, scans []store.Scan) bson.D {
	fixed := len(scans[0].Equal) - 1
	var filter bson.D
	for i, v := range scans[0].Equal[:fixed] {
		filter = append(filter, bson.E{Key: names[i], Value: v})
	}
	var values bson.A
	for _, s := range scans {
		values = append(values, s.Equal[fixed])
	}
	return append(filter, bson.E{Key: names[fixed], Value: bson.D{{Key: "$in", Value: values}}})
}

func (f *finder) order(names []string) bson.D {
	direction := 1
	if f.plan.Desc {
		direction = -1
	}
	var sort bson.D
	for _, name := range names {
		sort = append(sort, bson.E{Key: name, Value: direction})
	}
	return sort
}

// bounds are the keys that the scan begins with and before which it ends, in
// ascending order. Not a number is the least value above null.
func (f *finder) bounds(names []string, s store.Scan) (lower, upper bson.D) {
	key := func(rest any, more ...store.Value) bson.D { return indexKey(names, slices.Concat(s.Equal, more), rest) }
	lower, upper = key(bson.MinKey{}), key(bson.MaxKey{})
	if s.NotNull {
		lower = key(bson.MinKey{}, math.NaN())
	}
	if s.From != nil {
		lower = key(bson.MinKey{}, s.From)
	}
	if s.To != nil {
		upper = key(bson.MinKey{}, s.To)
	}
	if s.AfterID == "" {
		return lower, upper
	}
	at := key(nil, append(slices.Clone(s.After), f.tail(s))...)
	if f.plan.Desc {
		return lower, at
	}
	return at, upper
}

// tail is the last field of the key that the cursor stands on. A unique index
// has no id there unless a path is null; then the whole key is one row, which
// the scan sees once more.
func (f *finder) tail(s store.Scan) any {
	switch {
	case !f.plan.Index.Unique || slices.Contains(s.Equal, nil) || slices.Contains(s.After, nil):
		return s.AfterID
	case f.plan.Desc:
		return bson.MaxKey{}
	default:
		return bson.MinKey{}
	}
}

// indexKey gives every field of the index a value, the last ones rest.
func indexKey(names []string, values []store.Value, rest any) bson.D {
	bound := make(bson.D, len(names))
	for i, name := range names {
		bound[i] = bson.E{Key: name, Value: rest}
		if i < len(values) {
			bound[i].Value = values[i]
		}
	}
	return bound
}
