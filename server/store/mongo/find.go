package mongo

import (
	"context"
	"fmt"
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Get returns the records that exist among the ids, in the order of the ids.
func (db *DB) Get(ctx context.Context, kind store.Kind, ids ...model.ID) ([]store.Record, error) {
	if _, ok := store.SchemaOf(kind); !ok {
		return nil, &model.Error{Kind: model.KindInternal, Message: fmt.Sprintf("no kind %q", kind), Hint: "declare its table"}
	}
	if len(ids) == 0 {
		return []store.Record{}, nil
	}
	found, err := db.reads(kind).Find(ctx, among(ids))
	if err != nil {
		return nil, failure(err)
	}
	var rows []row
	if err := found.All(ctx, &rows); err != nil {
		return nil, failure(err)
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

// reads gives the collection for queries that see one state of it, however
// long they take: without it the server may show half of a change.
func (db *DB) reads(kind store.Kind) *mongo.Collection {
	return db.database.Collection(string(kind), options.Collection().SetReadConcern(readconcern.Snapshot()))
}

func among(ids []model.ID) bson.D {
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}
}

// Find returns one page in the order of the query's index.
func (db *DB) Find(ctx context.Context, q store.Query) (store.Page, error) {
	plan, err := q.Plan()
	if err != nil {
		return store.Page{}, err
	}
	f := finder{plan: plan, pager: plan.Pager(), rows: db.reads(q.Kind)}
	for scans := plan.Scans; len(scans) > 0; {
		n := together(scans)
		more, err := f.run(ctx, scans[:n])
		if err != nil {
			return store.Page{}, failure(err)
		}
		if scans = scans[n:]; !more {
			break
		}
	}
	return f.pager.Page(), nil
}

// finder fills the page of one plan.
type finder struct {
	plan  *store.Plan
	pager *store.Pager
	rows  *mongo.Collection
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

// run reads the scans until the page is full and one more row is seen.
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
		if len(scans) == 1 && f.passed(first, r) {
			continue
		}
		if full, err := f.take(r); full || err != nil {
			return false, err
		}
	}
	return true, found.Err()
}

// take offers a row to the page, and reports whether nothing else is wanted.
func (f *finder) take(r row) (full bool, err error) {
	matches, err := f.pager.Matches(r.values)
	if err != nil || !matches {
		return false, err
	}
	if f.pager.Full() {
		f.pager.Rest()
		return true, nil
	}
	f.pager.Add(r.record(f.plan.Schema.Kind), r.values)
	return false, nil
}

// passed reports a row that the cursor of the query stands on or behind; the
// bounds of a scan may let one such row through.
func (f *finder) passed(s store.Scan, r row) bool {
	if s.AfterID == "" {
		return false
	}
	for i, p := range f.plan.Order(s) {
		if values := r.values(p); store.Compare(only(values), s.After[i]) != 0 {
			return false
		}
	}
	if f.plan.Desc {
		return r.ID >= s.AfterID
	}
	return r.ID <= s.AfterID
}

func only(values []store.Value) store.Value {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// command asks for the rows of the scans in the order of the index. Several
// scans become one condition; a single one is given as two keys of the index,
// which says null and "just after" where a condition cannot.
func (f *finder) command(scans []store.Scan) (bson.D, *options.FindOptionsBuilder) {
	names, first := fields(f.plan.Index), scans[0]
	opts := options.Find().SetHint(f.plan.Index.Name)
	if f.plan.Residual.Op == "" {
		opts.SetLimit(int64(f.plan.Limit) + 2) // one to see that there are more, one that the cursor stands on
	}
	opts.SetBatchSize(int32(f.plan.Limit) + 2)
	if len(scans) > 1 {
		var fixed int
		if f.plan.Index.Multi { // the server sorts no field of many values by the index
			fixed = 1
		}
		return append(condition(names, scans), narrow(f.plan.Only)...), opts.SetSort(f.order(names[fixed:]))
	}
	return narrow(f.plan.Only), opts.SetMin(f.lower(names, first)).SetMax(f.upper(names, first)).SetSort(f.order(names[len(first.Equal):]))
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

// lower is the key that the scan begins with, in ascending order. Not a number
// is the least value above null.
func (f *finder) lower(names []string, s store.Scan) bson.D {
	values := slices.Clone(s.Equal)
	switch {
	case s.AfterID != "" && !f.plan.Desc:
		values = append(append(values, s.After...), f.tail(s))
	case s.From != nil:
		values = append(values, s.From)
	case s.NotNull:
		values = append(values, math.NaN())
	}
	return indexKey(names, values, bson.MinKey{})
}

// upper is the key before which the scan ends, in ascending order.
func (f *finder) upper(names []string, s store.Scan) bson.D {
	values := slices.Clone(s.Equal)
	switch {
	case s.AfterID != "" && f.plan.Desc:
		values = append(append(values, s.After...), f.tail(s))
	case s.To != nil:
		return indexKey(names, append(values, s.To), bson.MinKey{})
	}
	return indexKey(names, values, bson.MaxKey{})
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
