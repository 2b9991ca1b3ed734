package mongodb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/plugins/mongodb"
	"github.com/souk-mesh/souk/sdk"
)

// TestServer tries on one real server what a fixture has no room for.
//
// Bad input: names, half an answer.
func TestServer(t *testing.T) {
	s := startServer(t)
	s.fill()
	for name, test := range map[string]func(*testing.T, *server){
		"nothing of a document leaves": nothingLeaves, "the whole deployment": wholeDeployment, "rights": rights,
		"one that cannot be read": unreadable, "ends and random": samplings, "a rename keeps the id": renamed, "connections": connections, "a user kept elsewhere": elsewhere, "names": oddNames,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
	t.Run("it breaks off", func(t *testing.T) { breaksOff(t, s) })
}

func nothingLeaves(t *testing.T, s *server) {
	t.Helper()
	people := bson.D{}
	for i := range 60 {
		people = append(people, bson.E{Key: fmt.Sprintf("canary person %d", i), Value: 1})
	}
	for i := range 60 {
		s.insert("secrets", "boxes", bson.D{
			{Key: "note", Value: "canary value"},
			{Key: "by", Value: bson.D{people[i]}},
			{Key: "list", Value: bson.A{bson.D{{Key: fmt.Sprintf("5f1e%020d", i), Value: 1}}}},
		})
	}
	m := harvest(t, only(s.config("souk"), "secrets", "shop"))
	all, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{"canary value", "canary person", canaryMail, "5551234", "Weg 1", "5f1e", password} {
		if strings.Contains(string(all), canary) {
			t.Errorf("%q comes out", canary)
		}
	}
	if got := m.Field("secrets.boxes", "by").NativeType + " " + m.Field("secrets.boxes", "list").NativeType; got != "map array<map>" {
		t.Errorf("objects whose keys are data are %q", got)
	}
}

func wholeDeployment(t *testing.T, s *server) {
	t.Helper()
	c := s.config("souk")
	c.Exclude = []string{"crm"}
	if m := harvest(t, c); slices.Contains(m.Done, "deployment") || !slices.Contains(m.Done, "database:shop") || m.Named("crm") != nil {
		t.Errorf("with a database left out these are done: %v", m.Done)
	}
	c.Exclude = nil
	m := harvest(t, c)
	if !slices.Equal(m.Done, []string{"deployment"}) || m.Named("crm.contacts") == nil {
		t.Errorf("done: %v, notes: %v", m.Done, m.Notes)
	}
	for _, a := range m.Assets {
		name := a.ID.Name
		if strings.HasPrefix(name, "admin") || strings.HasPrefix(name, "config") || strings.Contains(name, "system.") {
			t.Errorf("the server's own %s is harvested", name)
		}
	}
}

func rights(t *testing.T, s *server) {
	t.Helper()
	s.user("reader", bson.M{"role": "read", "db": "shop"})
	m := harvest(t, s.config("reader"))
	if !slices.Equal(m.Done, []string{"database:shop"}) || m.Named("shop.orders") == nil || m.Named("crm") != nil {
		t.Errorf("who may read one database: done %v, notes %v", m.Done, m.Notes)
	}
	privilege := func(collection string, actions ...any) bson.M {
		return bson.M{"resource": bson.M{"db": "shop", "collection": collection}, "actions": bson.A(actions)}
	}
	s.run("admin", bson.D{{Key: "createRole", Value: "one"}, {Key: "roles", Value: bson.A{}}, {Key: "privileges", Value: bson.A{privilege("orders", "find")}}})
	s.user("one", "one")
	m = harvest(t, only(s.config("one"), "shop"))
	if len(m.Done) != 0 || len(m.Noted("mongodb.no_right")) != 1 {
		t.Errorf("who may not list: done %v, notes %v", m.Done, m.Notes)
	}
	s.run("admin", bson.D{{Key: "createRole", Value: "names"}, {Key: "roles", Value: bson.A{}}, {Key: "privileges", Value: bson.A{privilege("", "listCollections", "listIndexes", "collStats")}}})
	s.user("names", "names")
	c := only(s.config("names"), "shop")
	if m = harvest(t, c); len(m.Noted("mongodb.unread")) != 8 || m.Named("shop.orders") != nil {
		t.Errorf("who may not read documents: %v", m.Notes)
	}
	if failed := failedOf(t, c); !slices.Equal(failed, []string{"sample"}) {
		t.Errorf("the check of who may not read documents finds wrong: %v", failed)
	}
	c.Sample = 0
	if m = harvest(t, c); len(m.Notes) != 0 || len(m.Named("shop.customers").Fields) != 7 || len(m.Named("shop.orders").Indexes) != 4 {
		t.Errorf("without a sample: %v", m.Notes)
	}
	if failed := failedOf(t, only(s.config("reader"), "shop", "nowhere")); !slices.Equal(failed, []string{"list_collections"}) {
		t.Errorf("the check of a database that is not there finds wrong: %v", failed)
	}
	if m = harvest(t, only(s.config("souk"), "nowhere")); len(m.Done) != 0 || len(m.Noted("mongodb.no_database")) != 1 {
		t.Errorf("a database that is not there: done %v, notes %v", m.Done, m.Notes)
	}
}

// unreadable has a view that fails, one that is slow, and one that reads what is
// not there: the others are harvested all the same.
func unreadable(t *testing.T, s *server) {
	t.Helper()
	s.insert("odd", "things", bson.D{{Key: "n", Value: 0}})
	view := func(name, on string, stages ...any) {
		s.run("odd", bson.D{{Key: "create", Value: name}, {Key: "viewOn", Value: on}, {Key: "pipeline", Value: bson.A(stages)}})
	}
	view("broken", "things", bson.M{"$project": bson.M{"x": bson.M{"$divide": bson.A{1, "$n"}}}})
	view("slow", "things", bson.M{"$addFields": bson.M{"x": bson.M{"$function": bson.M{"lang": "js", "args": bson.A{}, "body": "function() { sleep(3000) }"}}}})
	view("empty", "nothing", bson.M{"$facet": bson.M{"a": bson.A{bson.M{"$graphLookup": bson.M{"from": "things", "startWith": "$n", "connectFromField": "n", "connectToField": "n", "as": "all"}}}}},
		bson.M{"$unionWith": bson.M{"coll": "more", "pipeline": bson.A{}}})
	c := only(s.config("souk"), "odd")
	c.SampleTime = "300ms"
	m := harvest(t, c)
	noted := m.Noted("mongodb.unread")
	if len(noted) != 2 || !strings.HasPrefix(noted[0], "odd.broken") || !strings.HasPrefix(noted[1], "odd.slow: the sample took longer") || !slices.Contains(m.Done, "database:odd") {
		t.Errorf("noted %v, done %v", noted, m.Done)
	}
	for _, from := range []string{"odd.nothing", "odd.things", "odd.more"} {
		if m.Edge(from+" -> odd.empty") == nil {
			t.Errorf("no edge from %s", from)
		}
	}
	c.Views = "leave"
	if m = harvest(t, c); len(m.Notes) != 0 || m.Named("odd.slow").Definition == "" || len(m.Named("odd.slow").Fields) != 0 {
		t.Errorf("views that are left: %v", m.Notes)
	}
}

func samplings(t *testing.T, s *server) {
	t.Helper()
	for i := range 300 {
		d := bson.D{{Key: "_id", Value: i}}
		switch {
		case i < 10:
			d = append(d, bson.E{Key: "old", Value: 1})
		case i > 290:
			d = append(d, bson.E{Key: "new", Value: 1})
		}
		s.insert("many", "docs", d)
	}
	c := only(s.config("souk"), "many")
	m := harvest(t, c)
	if m.Field("many.docs", "old").Name == "" || m.Field("many.docs", "new").Meta["frequency"] != "9%" || m.Named("many.docs").Properties["sampled_documents"] != "100" {
		t.Errorf("oldest and newest: %v", m.Named("many.docs"))
	}
	c.Sampling = "random"
	if m = harvest(t, c); m.Named("many.docs").Properties["sampled_documents"] != "100" || m.Field("many.docs", "_id").PrimaryKey != 1 {
		t.Errorf("at random: %v", m.Named("many.docs"))
	}
	c.Sample = 1
	if m = harvest(t, c); len(m.Notes) != 0 {
		t.Errorf("a sample of one: %v", m.Notes)
	}
}

func renamed(t *testing.T, s *server) {
	t.Helper()
	s.insert("names", "before", bson.D{{Key: "x", Value: 1}})
	c := only(s.config("souk"), "names")
	before := harvest(t, c).Named("names.before").StableID
	s.run("admin", bson.D{{Key: "renameCollection", Value: "names.before"}, {Key: "to", Value: "names.after"}})
	if after := harvest(t, c).Named("names.after").StableID; len(before) != 36 || after != before {
		t.Errorf("before %q, after %q", before, after)
	}
}

// elsewhere: a user that another database than admin keeps signs in by the URL's
// path, and what it may not see of others is left alone.
func elsewhere(t *testing.T, s *server) {
	t.Helper()
	s.run("crm", bson.D{{Key: "createUser", Value: "local"}, {Key: "pwd", Value: password}, {Key: "roles", Value: bson.A{"read"}}})
	for _, way := range []string{"/crm", "/?authSource=crm", "/crm?replicaSet=&authMechanism=SCRAM-SHA-256"} {
		c := s.config("local")
		c.URL += way
		m := harvest(t, c)
		if !slices.Equal(m.Done, []string{"database:crm"}) || m.Named("crm.contacts") == nil {
			t.Errorf("%s: done %v, notes %v", way, m.Done, m.Notes)
		}
	}
	var r sdk.Report
	if err := open(t, s.config("local")).Check(t.Context(), &r); err != nil || r.Capabilities[0].OK {
		t.Errorf("without the database that keeps it: %v %v", err, r.Capabilities)
	}
}

func connections(t *testing.T, s *server) {
	t.Helper()
	cases := []struct {
		name  string
		how   transport.Config
		class sdk.Class
	}{
		{"anybody", transport.Config{Transport: "encrypted"}, ""},
		{"in clear", transport.Config{Transport: "clear"}, sdk.ClassUnavailable},
	}
	for _, one := range cases {
		c := only(s.config("souk"), "crm")
		c.Config, c.ConnectTimeout = one.how, "500ms"
		err := open(t, c).Harvest(t.Context(), sdk.Request{}, memory.New())
		if e, _ := errors.AsType[*sdk.Error](err); err != nil && (e == nil || e.Class != one.class) || err == nil && one.class != "" {
			t.Errorf("%s: %v", one.name, err)
		}
	}
}

func only(c mongodb.Config, databases ...string) mongodb.Config {
	c.Include = databases
	return c
}

func failedOf(t *testing.T, c mongodb.Config) (failed []string) {
	t.Helper()
	var r sdk.Report
	if err := open(t, c).Check(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	for _, one := range r.Capabilities {
		if !one.OK {
			failed = append(failed, one.Name)
		}
	}
	return failed
}

func TestJudge(t *testing.T) {
	good := mongodb.Config{URL: "mongodb://souk@db"}
	cases := map[string]struct {
		change func(*mongodb.Config)
		field  string
	}{
		"as it is":          {func(*mongodb.Config) {}, ""},
		"Atlas":             {func(c *mongodb.Config) { c.URL = "mongodb+srv://souk@c.example/?retryWrites=true&w=majority&appName=x" }, ""},
		"further members":   {func(c *mongodb.Config) { c.Members = []string{"db2:27018"} }, ""},
		"a port with srv":   {func(c *mongodb.Config) { c.URL = "mongodb+srv://souk@c.example:27017" }, "url"},
		"several hosts":     {func(c *mongodb.Config) { c.URL = "mongodb://souk@a:1,b:2/" }, "url"},
		"another system":    {func(c *mongodb.Config) { c.URL = "mysql://souk@db" }, "url"},
		"no host":           {func(c *mongodb.Config) { c.URL = "mongodb://" }, "url"},
		"a member's user":   {func(c *mongodb.Config) { c.Members = []string{"evil@db:1"} }, "members"},
		"no port":           {func(c *mongodb.Config) { c.Members = []string{"db2"} }, "members"},
		"weaker by the URL": {func(c *mongodb.Config) { c.URL += "/?tlsInsecure=true" }, "url"},
		"a file by the URL": {func(c *mongodb.Config) { c.URL += "/?tlsCAFile=/etc/passwd" }, "url"},
		"no time":           {func(c *mongodb.Config) { c.SampleTime = "0s" }, "sampleTime"},
		"no such sampling":  {func(c *mongodb.Config) { c.Sampling = "all" }, "sampling"},
		"no such views":     {func(c *mongodb.Config) { c.Views = "all" }, "views"},
		"no certificate":    {func(c *mongodb.Config) { c.Authorities = "x" }, "authorities"},
		"below zero":        {func(c *mongodb.Config) { c.Sample = -1 }, "sample"},
	}
	for name, one := range cases {
		c := good
		one.change(&c)
		err := mongodb.Plugin().Judge(c)
		if e, _ := errors.AsType[*sdk.Error](err); (err == nil) != (one.field == "") || e != nil && (e.Field != one.field || e.Fix == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// breaksOff: what is seen by halves is not done.
func breaksOff(t *testing.T, s *server) {
	t.Helper()
	c := only(s.config("souk"), "crm", "shop")
	c.ConnectTimeout = "500ms"
	m := &breaking{Sink: memory.New(), stop: s.stop}
	begun := time.Now()
	err := open(t, c).Harvest(t.Context(), sdk.Request{}, m)
	if e, _ := errors.AsType[*sdk.Error](err); e == nil || e.Class != sdk.ClassUnavailable || len(m.Done) != 0 {
		t.Errorf("a server that ends in the middle: %v, done %v", err, m.Done)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// breaking stops the server at the first collection.
type breaking struct {
	*memory.Sink
	stop func()
}

func (b *breaking) Emit(r sdk.Record) error {
	if a, ok := r.(*sdk.Asset); ok && a.Kind == "TABLE" {
		b.stop()
	}
	return b.Sink.Emit(r)
}
