package mongodb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/plugins/internal/transport/transporttest"
	"github.com/souk-mesh/souk/plugins/mongodb"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

// canaryMail is a value that must never come out, also where it is a key.
const canaryMail = "ana.canary@example.org"

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(mongodb.Plugin())) }

func TestPlugin(t *testing.T) {
	s := startServer(t)
	s.fill()
	s.wide()
	at := func(user string, more map[string]any) json.RawMessage {
		config := map[string]any{
			"url": "mongodb://" + user + "@" + s.address, "authorities": s.pem, "namespace": "mongodb://shop:27017",
			"includeDatabases": []string{"shop", "crm"}, "connectTimeout": "3s",
		}
		maps.Copy(config, more)
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	stranger, _ := transporttest.Certificate(t, "127.0.0.1")
	secrets := map[string]string{"password": password}
	scale := plugintest.Sized(secrets, func(n int) json.RawMessage {
		return at("souk", map[string]any{"includeDatabases": []string{s.sized(n)}})
	})
	scale.Few, scale.Many, scale.Most = 100, 300, 5_000 // a collection is two files that the server keeps open
	plugintest.Run(t, sdk.Register(mongodb.Plugin()), plugintest.Fixture{
		Config: at("souk", nil), Secrets: secrets, Golden: "testdata/shop.golden.jsonl", Replace: s.stableIDs(),
		Scale: scale,
		Wide:  at("souk", map[string]any{"includeDatabases": []string{"wide"}}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: at("souk", nil), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "nobody", Config: at("souk", map[string]any{"url": "mongodb://" + s.address}), Class: sdk.ClassAuth},
			{Name: "no server", Config: at("souk", map[string]any{"url": "mongodb://souk@127.0.0.1:1", "connectTimeout": "150ms"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: at("souk", map[string]any{"url": "mongodb://souk@nowhere.invalid", "connectTimeout": "150ms"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "no URL", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "url"},
			{Name: "password in the URL", Config: at("souk:canary-in-url", nil), Class: sdk.ClassConfig, Field: "url"},
			{Name: "another way to sign in", Config: at("souk", map[string]any{"url": "mongodb://souk@db/?authMechanism=PLAIN"}), Class: sdk.ClassConfig, Field: "url"},
			{Name: "a proxy in the URL", Config: at("souk", map[string]any{"url": "mongodb://souk@db/?proxyHost=elsewhere"}), Class: sdk.ClassConfig, Field: "url"},
			{Name: "a stranger's authority", Config: at("souk", map[string]any{"authorities": stranger}), Secrets: secrets, Class: sdk.ClassConfig, Field: "transport"},
			{Name: "too large a sample", Config: at("souk", map[string]any{"sample": 1000000}), Secrets: secrets, Class: sdk.ClassConfig, Field: "sample"},
		},
		Mutations: []plugintest.Mutation{{
			Name: "a collection comes",
			Do: func(ctx context.Context) error {
				return s.admin.Database("crm").RunCommand(ctx, bson.D{{Key: "create", Value: "leads"}}).Err()
			},
			Undo:  func(ctx context.Context) error { return s.admin.Database("crm").Collection("leads").Drop(ctx) },
			Added: []string{"asset mongodb://shop:27017 crm.leads"},
		}},
	})
}

// stableIDs are the server's, and others at each start.
func (s *server) stableIDs() map[string]string {
	s.t.Helper()
	ids := map[string]string{}
	for _, database := range []string{"shop", "crm"} {
		all, err := s.admin.Database(database).ListCollectionSpecifications(s.t.Context(), bson.D{})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, one := range all {
			if one.UUID != nil {
				b := one.UUID.Data
				ids[fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])] = "uuid of " + one.Name
			}
		}
	}
	return ids
}

// fill makes a shop.
func (s *server) fill() {
	s.t.Helper()
	day := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	s.run("shop", bson.D{{Key: "create", Value: "customers"}, {Key: "validationAction", Value: "warn"}, {Key: "validator", Value: bson.D{{Key: "$jsonSchema", Value: bson.D{
		{Key: "bsonType", Value: "object"},
		{Key: "title", Value: "Who buys"},
		{Key: "required", Value: bson.A{"name", "address"}},
		{Key: "properties", Value: bson.D{
			{Key: "name", Value: bson.D{{Key: "bsonType", Value: "string"}, {Key: "description", Value: "As on the bill."}}},
			{Key: "tier", Value: bson.D{{Key: "enum", Value: bson.A{"gold", "silver", nil}}}},
			{Key: "address", Value: bson.D{
				{Key: "bsonType", Value: "object"},
				{Key: "required", Value: bson.A{"city"}},
				{Key: "additionalProperties", Value: false},
				{Key: "properties", Value: bson.D{{Key: "city", Value: bson.D{{Key: "bsonType", Value: "string"}}}, {Key: "zip", Value: bson.D{{Key: "bsonType", Value: bson.A{"string", "int"}}}}}},
			}},
			{Key: "phones", Value: bson.D{{Key: "bsonType", Value: "array"}, {Key: "items", Value: bson.D{
				{Key: "bsonType", Value: "object"},
				{Key: "properties", Value: bson.D{{Key: "number", Value: bson.D{{Key: "bsonType", Value: "string"}}}}},
			}}}},
		}},
	}}}}})
	s.insert("shop", "customers",
		bson.D{{Key: "_id", Value: 1}, {Key: "name", Value: "Ana"}, {Key: "email", Value: canaryMail}, {Key: "address", Value: bson.D{{Key: "city", Value: "Bern"}, {Key: "street", Value: "Weg 1"}}}},
		bson.D{{Key: "_id", Value: 2}, {Key: "name", Value: nil}, {Key: "tier", Value: 7}, {Key: "address", Value: bson.D{{Key: "city", Value: "Basel"}}}})
	s.insert("shop", "orders",
		bson.D{
			{Key: "_id", Value: bson.NewObjectIDFromTimestamp(day)},
			{Key: "customer", Value: 1},
			{Key: "placed", Value: day},
			{Key: "total", Value: 12.5},
			{Key: "items", Value: bson.A{bson.D{{Key: "sku", Value: "a"}, {Key: "n", Value: 1}}, bson.D{{Key: "sku", Value: "b"}, {Key: "n", Value: int64(2)}, {Key: "gift", Value: true}}}},
			{Key: "tags", Value: bson.A{"new", 5}},
			{Key: "a.b", Value: 1},
			{Key: "", Value: 1},
		},
		bson.D{
			{Key: "_id", Value: bson.NewObjectIDFromTimestamp(day.Add(time.Hour))},
			{Key: "customer", Value: 2},
			{Key: "total", Value: nil},
			{Key: "items", Value: bson.A{}},
			{Key: "seenBy", Value: bson.D{{Key: canaryMail, Value: day}, {Key: "0171 5551234", Value: day}}},
		})
	s.insert("shop", "app.events", bson.D{{Key: "_id", Value: 1}, {Key: "at", Value: day}})
	s.insert("shop", "Ünïcode 🎉 \"q\"/x", bson.D{{Key: "_id", Value: 1}})
	s.run("shop", bson.D{{Key: "create", Value: "log"}, {Key: "capped", Value: true}, {Key: "size", Value: 4096}, {Key: "max", Value: 100}})
	s.run("shop", bson.D{{Key: "create", Value: "readings"}, {Key: "expireAfterSeconds", Value: 86400}, {Key: "timeseries", Value: bson.D{
		{Key: "timeField", Value: "at"}, {Key: "metaField", Value: "sensor"}, {Key: "granularity", Value: "minutes"},
	}}})
	s.insert("shop", "readings", bson.D{{Key: "at", Value: time.Now()}, {Key: "sensor", Value: bson.D{{Key: "id", Value: 4}}}, {Key: "celsius", Value: 21.5}, {Key: "_id", Value: 1}})
	s.fillIndexesAndViews()
}

func (s *server) fillIndexesAndViews() {
	s.t.Helper()
	s.run("shop", bson.D{{Key: "createIndexes", Value: "customers"}, {Key: "indexes", Value: bson.A{
		bson.D{{Key: "key", Value: bson.D{{Key: "email", Value: 1}}}, {Key: "name", Value: "email_once"}, {Key: "unique", Value: true}, {Key: "sparse", Value: true}},
		bson.D{{Key: "key", Value: bson.D{{Key: "name", Value: 1}}}, {Key: "name", Value: "name_of_gold"}, {Key: "unique", Value: true}, {Key: "partialFilterExpression", Value: bson.D{{Key: "tier", Value: "gold"}}}},
		bson.D{{Key: "key", Value: bson.D{{Key: "address.city", Value: "text"}}}, {Key: "name", Value: "words"}},
	}}})
	s.run("shop", bson.D{{Key: "createIndexes", Value: "orders"}, {Key: "indexes", Value: bson.A{
		bson.D{{Key: "key", Value: bson.D{{Key: "customer", Value: 1}, {Key: "placed", Value: -1}}}, {Key: "name", Value: "newest"}, {Key: "unique", Value: true}},
		bson.D{{Key: "key", Value: bson.D{{Key: "customer", Value: "hashed"}}}, {Key: "name", Value: "spread"}},
		bson.D{{Key: "key", Value: bson.D{{Key: "seenBy.$**", Value: 1}}}, {Key: "name", Value: "anybody"}, {Key: "hidden", Value: true}},
	}}})
	s.run("shop", bson.D{{Key: "createIndexes", Value: "app.events"}, {Key: "indexes", Value: bson.A{
		bson.D{{Key: "key", Value: bson.D{{Key: "at", Value: 1}}}, {Key: "name", Value: "old"}, {Key: "expireAfterSeconds", Value: 315360000}},
	}}})
	s.run("shop", bson.D{{Key: "create", Value: "order_totals"}, {Key: "viewOn", Value: "orders"}, {Key: "pipeline", Value: bson.A{
		bson.D{{Key: "$lookup", Value: bson.D{
			{Key: "from", Value: "customers"},
			{Key: "localField", Value: "customer"},
			{Key: "foreignField", Value: "_id"},
			{Key: "as", Value: "who"},
			{Key: "pipeline", Value: bson.A{bson.D{{Key: "$unionWith", Value: "app.events"}}}},
		}}},
		bson.D{{Key: "$project", Value: bson.D{{Key: "total", Value: 1}, {Key: "city", Value: "$who.address.city"}}}},
	}}})
	s.run("shop", bson.D{{Key: "create", Value: "order_buyers"}, {Key: "viewOn", Value: "orders"}, {Key: "pipeline", Value: bson.A{
		bson.D{{Key: "$lookup", Value: bson.D{{Key: "from", Value: "customers"}, {Key: "localField", Value: "customer"}, {Key: "foreignField", Value: "_id"}, {Key: "as", Value: "who"}}}},
		bson.D{{Key: "$unwind", Value: "$who"}},
		bson.D{{Key: "$project", Value: bson.D{{Key: "city", Value: "$who.address.city"}, {Key: "sku", Value: "$items.sku"}, {Key: "twice", Value: bson.D{{Key: "$multiply", Value: bson.A{"$total", 2}}}}}}},
	}}})
	s.run("crm", bson.D{{Key: "create", Value: "contacts"}})
}

// sized makes a database of n collections.
func (s *server) sized(n int) string {
	s.t.Helper()
	name := fmt.Sprint("of", n)
	for i := range n {
		s.insert(name, fmt.Sprint("c", i), bson.D{{Key: "_id", Value: i}, {Key: "name", Value: "a"}})
	}
	return name
}

// wide makes a document of more fields than a record may have.
func (s *server) wide() {
	s.t.Helper()
	document := bson.D{}
	for i := range 6000 {
		document = append(document, bson.E{Key: fmt.Sprintf("field_%d", i), Value: 1})
	}
	s.insert("wide", "wide", document)
}
