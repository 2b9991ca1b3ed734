package glue_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/glue"
	"github.com/souk-mesh/souk/sdk"
)

var whole = []string{"connections", "catalog", "jobs", "crawlers", "triggers", "workflows"}

func TestPagesAndRuns(t *testing.T) {
	f := newFake()
	f.instead["GetTables/a"] = func(n int, w http.ResponseWriter) bool { // an empty page that is not the last
		if n == 1 {
			fmt.Fprint(w, `{"TableList": [], "NextToken": "at-0"}`)
		}
		return n == 1
	}
	m, err := harvest(t, f.start(t), nil)
	if diff := cmp.Diff(whole, m.done); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	want := []string{"a/One", "a/four", "a/one", "a/three", "a/two", "b/One", "b/four", "b/one", "b/three", "b/two"}
	if diff := cmp.Diff(want, m.tables()); diff != "" {
		t.Error(diff)
	}
	started := time.Unix(1.7e9, 0).UTC()
	runs := []sdk.JobRun{
		{ID: "r3", State: sdk.RunRunning, Started: started.Add(200 * time.Second)},
		{ID: "r2", State: sdk.RunFailed, Started: started.Add(100 * time.Second), Ended: started.Add(130 * time.Second), Message: "no memory"},
		{ID: "r1", State: sdk.RunFailed, Started: started, Ended: started.Add(time.Minute), Message: "timeout"},
	}
	f.size = 3
	if m, err = harvest(t, f.start(t), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(runs, m.assets["job/j"].Runs); diff != "" {
		t.Error(diff)
	}
}

// TestAnswersThatAreNoListing: what is no whole list is never an empty one.
func TestAnswersThatAreNoListing(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(int, http.ResponseWriter) bool
		class sdk.Class
	}{
		"no list":     {says(`{}`), sdk.ClassUnavailable},
		"half":        {says(`{"TableList": [{"Name": "x"`), sdk.ClassUnavailable},
		"a page":      {says(`<html>Sign in</html>`), sdk.ClassUnavailable},
		"again":       {says(`{"TableList": [{"Name": "x"}], "NextToken": "1"}`), sdk.ClassUnavailable},
		"expired":     {refuses("ExpiredTokenException"), sdk.ClassAuth},
		"wrong key":   {refuses("UnrecognizedClientException"), sdk.ClassAuth},
		"wrong sign":  {refuses("InvalidSignatureException"), sdk.ClassAuth},
		"not in time": {refuses("OperationTimeoutException"), sdk.ClassUnavailable},
	} {
		f := newFake()
		f.instead["GetTables/b"] = c.do
		m, err := harvest(t, f.start(t), nil)
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok || e.Class != c.class || e.Fix == "" || slices.Contains(m.done, "catalog") {
			t.Errorf("%s: %v, done %v", name, err, m.done)
		}
		if ok && strings.Contains(e.Message+e.Fix, "canary") {
			t.Errorf("%s: a secret or the server's own words stand in %q %q", name, e.Message, e.Fix)
		}
	}
}

// TestPartsThatMayNotBeRead keep their scope open, or are left out.
func TestPartsThatMayNotBeRead(t *testing.T) {
	without := func(scope string) []string {
		return slices.DeleteFunc(slices.Clone(whole), func(s string) bool { return s == scope })
	}
	for key, c := range map[string]struct {
		code, note, action string
		done               []string
	}{
		"GetTables/a":    {"AccessDeniedException", "glue.denied", "glue:GetTables", without("catalog")},
		"GetTables/b":    {"EntityNotFoundException", "glue.gone", "", without("catalog")},
		"GetJobs":        {"AccessDeniedException", "glue.denied", "glue:GetJobs", without("jobs")},
		"GetCrawlers":    {"AccessDeniedException", "glue.denied", "glue:GetCrawlers", without("crawlers")},
		"GetTriggers":    {"AccessDeniedException", "glue.denied", "glue:GetTriggers", without("triggers")},
		"ListWorkflows":  {"AccessDeniedException", "glue.denied", "glue:ListWorkflows", without("workflows")},
		"GetConnections": {"GlueEncryptionException", "glue.denied", "kms:Decrypt", without("connections")},
		"GetJobRuns":     {"AccessDeniedException", "glue.no_runs", "", whole},
		"GetTags":        {"AccessDeniedException", "glue.no_tags", "", whole},
	} {
		f := newFake()
		f.instead[key] = refuses(c.code)
		m, err := harvest(t, f.start(t), func(c *glue.Config) { c.Tags = "read" })
		if diff := cmp.Diff(c.done, m.done); err != nil || diff != "" {
			t.Errorf("%s: %v %s", key, err, diff)
		}
		if notes := m.notes[c.note]; len(notes) != 1 || !strings.Contains(notes[0].Sample, c.action) || strings.Contains(notes[0].Sample, "canary") {
			t.Errorf("%s: %+v", key, m.notes)
		}
		if f.asked["GetTags"] > 1 && key == "GetTags" {
			t.Errorf("tags are asked for %d times after a refusal", f.asked["GetTags"])
		}
	}
}

func TestSlowDownAndATokenThatExpires(t *testing.T) {
	f := newFake()
	once := func(do func(http.ResponseWriter)) func(int, http.ResponseWriter) bool {
		return func(n int, w http.ResponseWriter) bool {
			if n == 1 {
				do(w)
			}
			return n == 1
		}
	}
	f.instead["GetTables/a"] = once(func(w http.ResponseWriter) { refuse(w, "ThrottlingException") })
	f.instead["GetJobs"] = once(func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	f.instead["GetCrawlers"] = once(func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) })
	m, err := harvest(t, f.start(t), nil)
	if diff := cmp.Diff(whole, m.done); err != nil || diff != "" {
		t.Error(err, diff)
	}
	f = newFake()
	f.instead["GetTables/a"] = func(n int, w http.ResponseWriter) bool {
		if n > 1 {
			refuse(w, "ExpiredTokenException")
		}
		return n > 1
	}
	if m, err := harvest(t, f.start(t), nil); !is(err, sdk.ClassAuth) || slices.Contains(m.done, "catalog") {
		t.Error(err, m.done)
	}
}

func TestSomeDatabases(t *testing.T) {
	f := newFake()
	f.instead["GetTables/a"] = refuses("AccessDeniedException")
	m, err := harvest(t, f.start(t), func(c *glue.Config) { c.Databases = []string{"[ab]"}; c.Jobs = "skip" })
	if diff := cmp.Diff([]string{"database:b"}, m.done); err != nil || diff != "" || len(m.tables()) != 5 || f.asked["GetJobs"]+f.asked["GetConnections"] > 0 {
		t.Error(err, diff, m.tables())
	}
	m, err = harvest(t, newFake().start(t), func(c *glue.Config) { c.Exclude = []string{"a"}; c.Jobs = "skip" })
	if diff := cmp.Diff([]string{"database:b"}, m.done); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// TestWideTables: the first columns are shown, and the rest is told of.
func TestWideTables(t *testing.T) {
	f := newFake()
	var many, long []object
	for i := range 6000 {
		many = append(many, object{"Name": fmt.Sprintf("c%d", i), "Type": "int"})
		if i < 1000 {
			long = append(long, object{"Name": fmt.Sprintf("c%d", i), "Type": strings.Repeat("struct<é:", 3000)})
		}
	}
	f.lists["GetTables/a"] = []object{{"Name": "many", "StorageDescriptor": object{"Columns": many}}, {"Name": "long", "StorageDescriptor": object{"Columns": long}}}
	m, err := harvest(t, f.start(t), nil)
	if err != nil || len(m.assets["table/a/many"].Fields) != 5000 || len(m.notes["glue.fields_left_out"]) != 2 {
		t.Fatal(err, m.notes)
	}
	text, err := json.Marshal(m.assets["table/a/long"])
	if err != nil || len(text) > 1<<20 || len(m.assets["table/a/long"].Fields) < 50 {
		t.Error(err, len(text), len(m.assets["table/a/long"].Fields))
	}
}

func TestTwentyThousandTables(t *testing.T) {
	f := newFake()
	f.size = 100
	f.lists["GetTables/a"] = nil
	for i := range 20_000 {
		f.lists["GetTables/a"] = append(f.lists["GetTables/a"], object{
			"Name": fmt.Sprintf("t%05d", i), "Parameters": object{"classification": "parquet"},
			"StorageDescriptor": object{"Location": fmt.Sprintf("s3://lake/a/t%05d/", i), "Columns": []object{{"Name": "id", "Type": "bigint"}, {"Name": "day", "Type": "date"}}},
		})
	}
	m, err := harvest(t, f.start(t), func(c *glue.Config) { c.Jobs = "skip" })
	if err != nil || len(m.tables()) != 20_005 || len(m.done) != 1 {
		t.Error(err, len(m.tables()), m.done)
	}
}

// TestSecretsOfConnectionsAndArguments: what may be a secret is nowhere.
func TestSecretsOfConnectionsAndArguments(t *testing.T) {
	f := newFake()
	f.lists["GetConnections"] = []object{
		{"Name": "a", "ConnectionType": "JDBC", "ConnectionProperties": object{"JDBC_CONNECTION_URL": "jdbc:oracle:thin:ana/canary-1@//ora.example:1521/shop", "PASSWORD": "canary-2", "ENCRYPTED_PASSWORD": "canary-3"}},
		{"Name": "b", "ConnectionType": "MONGODB", "ConnectionProperties": object{"CONNECTION_URL": "mongodb://ana:canary-4@mongo.example:27017/shop?authSource=canary-5"}},
		{"Name": "c", "ConnectionType": "JDBC", "ConnectionProperties": object{"JDBC_CONNECTION_URL": "jdbc:sqlserver://sql.example:1433;databaseName=shop;user=ana;password=canary-6"}},
		{"Name": "d", "ConnectionType": "SNOWFLAKE", "ConnectionProperties": object{"HOST": "ana:canary-7@x", "PORT": "443"}},
		{"Name": "e", "ConnectionType": "JDBC", "ConnectionProperties": object{"JDBC_CONNECTION_URL": "jdbc:redshift://shop.abc.eu-west-1.redshift.amazonaws.com:5439/dev?password=canary-8"}},
	}
	f.lists["GetJobs"] = []object{{"Name": "j", "DefaultArguments": object{"--password": "canary-9", "--source_url": "s3://user:canary-0@lake/x", "--input_path": "s3://lake/in/"}}}
	m, err := harvest(t, f.start(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range m.assets {
		if text, err := json.Marshal(a); err != nil || strings.Contains(string(text), "canary") {
			t.Errorf("%v %s", err, text)
		}
	}
	for name, want := range map[string]string{"a": "ora.example:1521 shop", "b": "mongo.example:27017 shop", "c": "sql.example:1433 shop", "d": "x:443 ", "e": "shop.eu-west-1:5439 dev"} {
		p := m.assets["connection/"+name].Properties
		if got := p["host"] + " " + p["database"]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if m.edges["USES in -> job/j"] == nil || len(m.edges) != 1 {
		t.Errorf("%v", m.edges)
	}
}
