package mongodb

import (
	"context"
	"errors"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/sdk"
)

// listing is which databases there are.
type listing struct {
	databases []string
	absent    []string // to be included, and not there
	whole     bool     // the user sees all that there are
}

// isSystem tells whether a database is the server's own.
func isSystem(name string) bool { return slices.Contains([]string{"admin", "config", "local"}, name) }

// list finds the databases. A user without the right listDatabases is shown
// those that it may read: then one that is not shown is not gone for that.
func (p *parsed) list(ctx context.Context, client *mongo.Client) (*listing, error) {
	l := &listing{whole: true}
	all, err := client.ListDatabaseNames(ctx, bson.D{}, options.ListDatabases().SetAuthorizedDatabases(false))
	if says(err, codeUnauthorized) && p.user != "" {
		l.whole = false
		all, err = client.ListDatabaseNames(ctx, bson.D{}, options.ListDatabases().SetAuthorizedDatabases(true))
	}
	if err != nil {
		return nil, p.explain(err)
	}
	slices.Sort(all)
	for _, name := range all {
		if !isSystem(name) && (len(p.include) == 0 || slices.Contains(p.include, name)) && !slices.Contains(p.exclude, name) {
			l.databases = append(l.databases, name)
		}
	}
	for _, name := range p.include {
		if !slices.Contains(all, name) {
			l.absent = append(l.absent, name)
		}
	}
	return l, nil
}

// The kinds of collection, in the server's words.
const (
	collectionKind = "collection"
	viewKind       = "view"
	seriesKind     = "timeseries"
)

// collection is one collection or view, as the server lists it.
type collection struct {
	database, name string
	kind           string
	uuid           string
	options        collectionOptions
	indexes        []index
	stats          *stats // nil where they may not be read
}

// collectionOptions are those that say something of the data.
type collectionOptions struct {
	Capped           bool          `bson:"capped"`
	Size             bson.RawValue `bson:"size"`
	Max              bson.RawValue `bson:"max"`
	Validator        bson.Raw      `bson:"validator"`
	ValidationLevel  string        `bson:"validationLevel"`
	ValidationAction string        `bson:"validationAction"`
	ViewOn           string        `bson:"viewOn"`
	Pipeline         bson.RawArray `bson:"-"`
	PipelineValue    bson.RawValue `bson:"pipeline"`
	TimeSeries       struct {
		TimeField   string `bson:"timeField"`
		MetaField   string `bson:"metaField"`
		Granularity string `bson:"granularity"`
	} `bson:"timeseries"`
	Expire bson.RawValue `bson:"expireAfterSeconds"`
}

type listed struct {
	Name    string            `bson:"name"`
	Type    string            `bson:"type"`
	Options collectionOptions `bson:"options"`
	Info    struct {
		UUID bson.Binary `bson:"uuid"`
	} `bson:"info"`
}

// buckets is what the server puts before the name of a time series where it
// keeps the data.
const buckets = "system.buckets."

// collections lists a database, in the order of the names.
func (p *parsed) collections(ctx context.Context, db *mongo.Database) ([]*collection, error) {
	cursor, err := db.ListCollections(ctx, bson.D{}, options.ListCollections().SetBatchSize(1000))
	if err != nil {
		return nil, p.explainDatabase(err, db.Name())
	}
	var all []listed
	if err := cursor.All(ctx, &all); err != nil {
		return nil, p.explainDatabase(err, db.Name())
	}
	ids := map[string]string{}
	var found []*collection
	for _, one := range all {
		ids[one.Name] = uuidText(one.Info.UUID.Data)
		if strings.HasPrefix(one.Name, "system.") {
			continue
		}
		one.Options.Pipeline, _ = one.Options.PipelineValue.ArrayOK()
		found = append(found, &collection{database: db.Name(), name: one.Name, kind: one.Type, options: one.Options})
	}
	for _, c := range found {
		if c.uuid = ids[c.name]; c.kind == seriesKind && c.uuid == "" {
			c.uuid = ids[buckets+c.name]
		}
	}
	slices.SortFunc(found, func(a, b *collection) int { return strings.Compare(a.name, b.name) })
	return found, nil
}

// explainDatabase names the right that is missing on a database.
func (p *parsed) explainDatabase(err error, database string) error {
	err = p.explain(err)
	if e, ok := errors.AsType[*sdk.Error](err); ok && e.Class == sdk.ClassDenied {
		e.Message = "the user " + quote(p.user) + " lacks a right on the database " + quote(database)
		e.Fix = "grant the role on the plugin's page for " + quote(database) + ": listCollections, listIndexes, collStats and find"
	}
	return err
}

func uuidText(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 36)
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text = append(text, '-')
		}
		text = append(text, digits[c>>4], digits[c&15])
	}
	return string(text)
}

// index is one index of a collection.
type index struct {
	Name    string        `bson:"name"`
	Key     bson.Raw      `bson:"key"`
	Unique  bool          `bson:"unique"`
	Sparse  bool          `bson:"sparse"`
	Hidden  bool          `bson:"hidden"`
	Grouped bool          `bson:"clustered"`
	Partial bson.Raw      `bson:"partialFilterExpression"`
	Expire  bson.RawValue `bson:"expireAfterSeconds"`
}

// stats is what a collection holds, over all shards.
type stats struct{ count, bytes, shards int64 }

// describe reads indexes and sizes, which a view has none of.
func (p *parsed) describe(ctx context.Context, db *mongo.Database, c *collection) error {
	if c.kind == viewKind {
		return nil
	}
	cursor, err := db.Collection(c.name).Indexes().List(ctx)
	if err == nil {
		err = cursor.All(ctx, &c.indexes)
	}
	if err != nil && !says(err, codeNoNamespace, codeNoSuchView) {
		return p.explainDatabase(err, c.database)
	}
	slices.SortFunc(c.indexes, func(a, b index) int { return strings.Compare(a.Name, b.Name) })
	c.stats, err = readStats(ctx, db.Collection(c.name))
	if err != nil && !says(err, codeUnauthorized, codeNoNamespace, codeNoSuchView) {
		return p.explainDatabase(err, c.database)
	}
	return nil
}

func readStats(ctx context.Context, coll *mongo.Collection) (*stats, error) {
	cursor, err := coll.Aggregate(ctx, bson.A{bson.D{{Key: "$collStats", Value: bson.D{{Key: "storageStats", Value: bson.D{}}}}}})
	if err != nil {
		return nil, err
	}
	var shards []struct {
		Stats struct {
			Count float64 `bson:"count"`
			Size  float64 `bson:"size"`
		} `bson:"storageStats"`
	}
	if err := cursor.All(ctx, &shards); err != nil {
		return nil, err
	}
	sum := &stats{shards: int64(len(shards))}
	for _, s := range shards {
		sum.count, sum.bytes = sum.count+int64(s.Stats.Count), sum.bytes+int64(s.Stats.Size)
	}
	return sum, nil
}
