package mongo

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// row is a record as its collection keeps it: the JSON of the noun as it is,
// so that both engines keep the same bytes, and beside it the declared values.
type row struct {
	ID       model.ID       `bson:"_id"`
	Revision model.Revision `bson:"v"`
	Doc      []byte         `bson:"doc"`
	Keys     bson.Raw       `bson:"k"`
}

func (r row) record(kind store.Kind) store.Record {
	return store.Record{Kind: kind, ID: r.ID, Revision: r.Revision, Doc: r.Doc}
}

// values reads a declared path.
func (r row) values(p store.Path) []store.Value {
	if p == store.PathID {
		return []store.Value{string(r.ID)}
	}
	v, err := r.Keys.LookupErr(string(p))
	if err != nil {
		return nil
	}
	list, many := v.ArrayOK()
	if !many {
		return []store.Value{value(v)}
	}
	elements, _ := list.Values() // the driver has read the whole document already
	values := make([]store.Value, len(elements))
	for i, e := range elements {
		values[i] = value(e)
	}
	return values
}

func value(v bson.RawValue) store.Value {
	if s, ok := v.StringValueOK(); ok {
		return s
	}
	if n, ok := v.Int64OK(); ok {
		return n
	}
	return nil
}

// document is the row after the write of the record.
func document(r store.Record) bson.D {
	schema, _ := store.SchemaOf(r.Kind) // Prepare has found it
	doc := bson.D{{Key: "_id", Value: r.ID}, {Key: "v", Value: r.Revision + 1}, {Key: "k", Value: keysOf(schema, r)}}
	if free := freeOf(schema, r); len(free) > 0 {
		doc = append(doc, bson.E{Key: "u", Value: free})
	}
	return append(doc, bson.E{Key: "doc", Value: string(r.Doc)})
}

// keysOf are the declared values of the record.
func keysOf(schema store.Schema, r store.Record) bson.D {
	keys := bson.D{}
	for _, p := range schema.Paths {
		switch values := r.Keys[p]; {
		case len(values) == 0:
		case schema.Multi(p):
			keys = append(keys, bson.E{Key: string(p), Value: values})
		default:
			keys = append(keys, bson.E{Key: string(p), Value: values[0]})
		}
	}
	return keys
}

// freeOf names the unique indexes that do not bind the record, because one of
// their paths is null. Its id under their names tells it from all others, and
// gives such records their order.
func freeOf(schema store.Schema, r store.Record) bson.D {
	var free bson.D
	for _, x := range schema.Indexes {
		if x.Unique && !x.Binds(r.Keys) {
			free = append(free, bson.E{Key: x.Name, Value: r.ID})
		}
	}
	return free
}

// fields are those of an index in the collection: its paths, and what makes
// the order total.
func fields(x store.Index) []string {
	var names []string
	for _, p := range x.Paths {
		names = append(names, "k."+string(p))
	}
	if x.Unique {
		return append(names, "u."+x.Name)
	}
	return append(names, "_id")
}

func indexModels(s store.Schema) []mongo.IndexModel {
	models := make([]mongo.IndexModel, len(s.Indexes))
	for i, x := range s.Indexes {
		var keys bson.D
		for _, f := range fields(x) {
			keys = append(keys, bson.E{Key: f, Value: 1})
		}
		models[i] = mongo.IndexModel{Keys: keys, Options: options.Index().SetName(x.Name).SetUnique(x.Unique)}
	}
	return models
}
