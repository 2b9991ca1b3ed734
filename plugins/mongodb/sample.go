package mongodb

import (
	"context"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Bounds of what is looked at, so that no document costs more than it tells.
const (
	maxDepth       = 12
	maxItems       = 100      // of an array
	maxSampleBytes = 32 << 20 // of all documents of a sample
)

// shape is what stood at one path: how often, and of which types. It holds no value.
type shape struct {
	seen    int
	objects int // how many of them were objects, in arrays too
	types   map[string]int
	items   map[string]int // types within arrays
	names   []string       // of the fields below, as they came
	fields  map[string]*shape
}

func newShape() *shape {
	return &shape{types: map[string]int{}, items: map[string]int{}, fields: map[string]*shape{}}
}

// read looks at documents of a collection or view, and gives nil where none are
// to be read. The driver tells the server how long it may take, too.
func (p *parsed) read(ctx context.Context, db *mongo.Database, c *collection) (*shape, error) {
	if p.sample == 0 || c.kind == viewKind && p.leaveViews {
		return nil, nil //nolint:nilnil // nothing is an answer here
	}
	limited, cancel := context.WithTimeout(ctx, p.sampleTime)
	defer cancel()
	r := &reading{root: newShape()}
	if err := p.readFrom(limited, db.Collection(c.name), c, r); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if says(err, codeTimeExceeded) || isSlow(err) {
			return nil, p.tooLong(err)
		}
		return nil, p.explainDatabase(err, c.database)
	}
	if c.kind == seriesKind {
		r.root.sort() // the server gives the fields in another order each time
	}
	return r.root, nil
}

// readFrom reads the oldest and the newest documents in the order in which the
// server keeps them, which costs no index and no sort. A view or a time series
// has no such order to read backwards, and is read from its start.
func (p *parsed) readFrom(ctx context.Context, coll *mongo.Collection, c *collection, r *reading) error {
	if p.random {
		stage := bson.D{{Key: "$sample", Value: bson.D{{Key: "size", Value: p.sample}}}}
		return r.documents(ctx, func() (*mongo.Cursor, error) {
			return coll.Aggregate(ctx, bson.A{stage}, options.Aggregate().SetBatchSize(100).SetAllowDiskUse(true))
		})
	}
	find := func(n, direction int) error {
		o := options.Find().SetLimit(int64(n)).SetBatchSize(100)
		if direction != 0 {
			o.SetHint(bson.D{{Key: "$natural", Value: direction}})
		}
		return r.documents(ctx, func() (*mongo.Cursor, error) { return coll.Find(ctx, bson.D{}, o) })
	}
	if c.kind != collectionKind {
		return find(p.sample, 0)
	}
	if c.stats != nil && c.stats.count <= int64(p.sample) {
		return find(p.sample, 1)
	}
	old := (p.sample + 1) / 2
	if err := find(old, 1); err != nil || r.root.objects < old || p.sample == old {
		return err
	}
	return find(p.sample-old, -1)
}

func (s *shape) sort() {
	slices.Sort(s.names)
	for _, f := range s.fields {
		f.sort()
	}
}

// reading is one pass over a sample.
type reading struct {
	root  *shape
	bytes int
}

func (r *reading) documents(ctx context.Context, begin func() (*mongo.Cursor, error)) error {
	cursor, err := begin()
	if err != nil {
		return err
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }()
	for r.bytes < maxSampleBytes && cursor.Next(ctx) {
		r.bytes += len(cursor.Current)
		r.root.object(cursor.Current, 0)
	}
	return cursor.Err()
}

// object adds the fields of an object. What cannot be read of it is left out:
// the server takes what a client sends.
func (s *shape) object(o bson.Raw, depth int) {
	s.objects++
	elements, err := o.Elements()
	if err != nil {
		return
	}
	met := make(map[string]bool, len(elements))
	for _, e := range elements {
		key := text(e.Key())
		below := s.fields[key]
		if below == nil {
			below = newShape()
			s.fields[key], s.names = below, append(s.names, key)
		}
		if !met[key] {
			below.seen++
		}
		met[key] = true
		below.value(e.Value(), depth+1)
	}
}

func (s *shape) value(v bson.RawValue, depth int) {
	s.types[typeName(v.Type)]++
	switch {
	case depth >= maxDepth:
	case v.Type == bson.TypeEmbeddedDocument:
		s.object(v.Document(), depth)
	case v.Type == bson.TypeArray:
		s.array(v.Array(), depth)
	}
}

// array adds what stands in an array. Objects in it have their fields at the
// path of the array, as in a query; arrays in it are not opened further.
func (s *shape) array(a bson.RawArray, depth int) {
	values, err := a.Values()
	if err != nil {
		return
	}
	for _, v := range values[:min(len(values), maxItems)] {
		s.items[typeName(v.Type)]++
		if v.Type == bson.TypeEmbeddedDocument {
			s.object(v.Document(), depth)
		}
	}
}

// typeNames are the names by which queries and validators know the types.
var typeNames = map[bson.Type]string{
	bson.TypeDouble: "double", bson.TypeString: "string", bson.TypeEmbeddedDocument: "object", bson.TypeArray: "array",
	bson.TypeBinary: "binData", bson.TypeUndefined: "undefined", bson.TypeObjectID: "objectId", bson.TypeBoolean: "bool",
	bson.TypeDateTime: "date", bson.TypeNull: "null", bson.TypeRegex: "regex", bson.TypeDBPointer: "dbPointer",
	bson.TypeJavaScript: "javascript", bson.TypeSymbol: "symbol", bson.TypeCodeWithScope: "javascriptWithScope",
	bson.TypeInt32: "int", bson.TypeTimestamp: "timestamp", bson.TypeInt64: "long", bson.TypeDecimal128: "decimal",
	bson.TypeMinKey: "minKey", bson.TypeMaxKey: "maxKey",
}

func typeName(t bson.Type) string {
	if name, known := typeNames[t]; known {
		return name
	}
	return "unknown"
}

// node gives the field that the shape makes, as part of so many objects.
func (s *shape) node(name string, objects int) *node {
	n := &node{name: name, optional: s.seen < objects, nullable: s.types["null"]+s.types["undefined"] > 0, items: typesOf(s.items)}
	n.types = typesOf(s.types)
	if objects > 0 {
		n.share = min(100, max(1, s.seen*100/objects))
	}
	n.fields, n.map_ = s.nodes()
	return n
}

func typesOf(counted map[string]int) []string {
	types := slices.Sorted(maps.Keys(counted))
	real := slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == "null" || t == "undefined" })
	if len(real) > 0 {
		return real
	}
	return types
}

// nodes gives the fields below, or says that the keys are data: then no key is
// told, since it may be the address or the number of somebody.
func (s *shape) nodes() (fields []*node, isMap bool) {
	if s.keysAreData() {
		return nil, true
	}
	for _, name := range s.names {
		if !isData(name) {
			fields = append(fields, s.fields[name].node(name, s.objects))
			continue
		}
		isMap = true
	}
	return fields, isMap
}

// keysAreData tells objects that hold another key each time: many of them, and
// each in few of the objects.
func (s *shape) keysAreData() bool {
	const many, oneIn = 50, 10
	if len(s.names) < many {
		return false
	}
	total := 0
	for _, f := range s.fields {
		total += f.seen
	}
	return total*oneIn < s.objects*len(s.names)
}
