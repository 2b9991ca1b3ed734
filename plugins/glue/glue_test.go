package glue_test

import (
	"encoding/base64"
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
//
// Bad input: a wrong password.
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

func manyColumns(n int) []object {
	var many []object
	for i := range n {
		many = append(many, object{"Name": fmt.Sprintf("c%d", i), "Type": "int"})
	}
	return many
}

// TestWideTables: the first columns are shown, and the rest is told of.
func TestWideTables(t *testing.T) {
	f := newFake()
	var long []object
	for i := range 1000 {
		long = append(long, object{"Name": fmt.Sprintf("c%d", i), "Type": strings.Repeat("struct<é:", 3000)})
	}
	f.lists["GetTables/a"] = []object{{"Name": "many", "StorageDescriptor": object{"Columns": manyColumns(6000)}}, {"Name": "long", "StorageDescriptor": object{"Columns": long}}}
	m, err := harvest(t, f.start(t), nil)
	if err != nil || len(m.assets["table/a/many"].Fields) != 5000 || len(m.notes["glue.fields_left_out"]) != 2 {
		t.Fatal(err, m.notes)
	}
	text, err := json.Marshal(m.assets["table/a/long"])
	if err != nil || len(text) > 1<<20 || len(m.assets["table/a/long"].Fields) < 50 {
		t.Error(err, len(text), len(m.assets["table/a/long"].Fields))
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
	for name, want := range map[string]string{"a": "oracle://ora.example:1521 shop", "b": "mongodb://mongo.example:27017 shop", "c": "mssql://sql.example:1433 shop", "d": " ", "e": "redshift://shop.abc.eu-west-1.redshift.amazonaws.com:5439 dev"} {
		p := m.assets["connection/"+name].Properties
		if got := p["system"] + " " + p["database"]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if m.edges["USES in -> job/j"] == nil || len(m.edges) != 1 {
		t.Errorf("%v", m.edges)
	}
}

// TestAnotherCatalog: every question about the catalog names it, and jobs are
// those of the own account.
func TestAnotherCatalog(t *testing.T) {
	const id = "210987654321:s3tablescatalog/lake"
	f := newFake()
	m, err := harvest(t, f.start(t), func(c *glue.Config) { c.CatalogID, c.Account = id, "123456789012" })
	if diff := cmp.Diff(whole, m.done); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	for operation, want := range map[string]string{"GetDatabases": id, "GetTables": id, "GetConnections": id, "GetJobs": ""} {
		if f.catalog[operation] != want {
			t.Errorf("%s asks for the catalog %q, want %q", operation, f.catalog[operation], want)
		}
	}
	table, job := m.assets["table/s3tablescatalog/lake/a/one"], m.assets["job/j"]
	if table == nil || table.ID.Namespace != "arn:aws:glue:eu-west-2:210987654321" || job.ID.Namespace != "arn:aws:glue:eu-west-2:123456789012" {
		t.Errorf("got %+v and %+v", table, job)
	}
}

// TestWhereDataLies: a table is known by the place of its data as the plugin for
// that place names it.
func TestWhereDataLies(t *testing.T) {
	f := newFake()
	f.lists["GetConnections"] = []object{
		{"Name": "my", "ConnectionType": "JDBC", "ConnectionProperties": object{"JDBC_CONNECTION_URL": "jdbc:mysql://My.example:3306/shop"}},
		{"Name": "ora", "ConnectionType": "JDBC", "ConnectionProperties": object{"JDBC_CONNECTION_URL": "jdbc:oracle:thin://@ora.example:1521/shop"}},
	}
	want := map[string]string{}
	add := func(name, location, connection, place string) {
		f.lists["GetTables/a"] = append(f.lists["GetTables/a"], object{"Name": name, "Parameters": object{"connectionName": connection}, "StorageDescriptor": object{"Location": location}})
		want[name] = place
	}
	f.lists["GetTables/a"] = nil
	add("slash", "s3://lake/x/y/", "", "s3://lake x/y")
	add("again", "s3://lake/x/y", "", "from s3://lake x/y")
	add("s3n", "S3N://lake/x//z", "", "s3://lake x//z")
	add("odd", "s3://lake/a b%20c#d?e=f/*", "", "s3://lake a b%20c#d?e=f")
	add("root", "s3://lake/", "", "")
	add("hdfs", "hdfs://name:8020/warehouse/t", "", "hdfs://name:8020 /warehouse/t")
	add("azure", "abfss://c@acme.dfs.core.windows.net/t/", "", "abfss://c@acme.dfs.core.windows.net t")
	add("google", "gs://lake/t", "", "gs://lake t")
	add("mysql", "shop.orders", "my", "from mysql://my.example:3306 shop.orders")
	add("oracle", "shop.APP.ORDERS", "ora", "from oracle://ora.example:1521 shop.APP.ORDERS")
	add("parts", "shop.app.x.y", "ora", "")
	add("dynamo", "arn:aws:dynamodb:eu-west-2:1:table/t", "", "")
	add("none", "", "", "")
	m, err := harvest(t, f.start(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name := range want {
		a := m.assets["table/a/"+name]
		got[name] = ""
		for _, other := range a.Aliases {
			got[name] = other.Namespace + " " + other.Name
		}
		for _, e := range m.edges {
			if e.To == a.ID {
				got[name] = "from " + e.From.Namespace + " " + e.From.Name
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestColumns has what other harvesters stumbled over.
func TestColumns(t *testing.T) {
	f := newFake()
	f.lists["GetTables/a"] = []object{
		{
			"Name": "t", "PartitionKeys": []object{{"Name": "dt", "Type": "date", "Comment": "the day"}, {"Name": "hour", "Type": "int"}},
			"StorageDescriptor": object{"Columns": []object{
				{"Name": "users", "Type": " array < struct <  user_id: string>>"}, {"Name": "DT", "Type": "date", "Parameters": object{"class": "public", "empty": ""}}, {"Name": "", "Type": "int"},
			}},
		},
		{"Name": "bare", "Parameters": object{"comment": "from a tool", "spark.sql.sources.schema.numParts": "999999999", "spark.sql.sources.schema.part.0": "{"}},
		{"Name": "whole", "Parameters": object{"spark.sql.sources.schema": `{"fields":[{"name":"a","type":{"type":"udt"},"nullable":true}]}`}},
	}
	m, err := harvest(t, f.start(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []sdk.Field{
		{Name: "users", Position: 1, NativeType: "array < struct <  user_id: string>>", Nullable: true},
		{Name: "DT", Position: 2, NativeType: "date", Nullable: true, Description: "the day", Meta: map[string]string{"class": "public", "partition": "true"}},
		{Name: "hour", Position: 3, NativeType: "int", Nullable: true, Meta: map[string]string{"partition": "true"}},
	}
	if diff := cmp.Diff(want, m.assets["table/a/t"].Fields); diff != "" {
		t.Error(diff)
	}
	if bare := m.assets["table/a/bare"]; len(bare.Fields) != 0 || bare.Description != "from a tool" {
		t.Errorf("got %+v", bare)
	}
	if diff := cmp.Diff([]sdk.Field{{Name: "a", Position: 1, NativeType: "udt", Nullable: true}}, m.assets["table/a/whole"].Fields); diff != "" {
		t.Error(diff)
	}
}

// TestArguments: the name of an argument tells which way its value goes.
func TestArguments(t *testing.T) {
	f := newFake()
	f.lists["GetJobs"] = []object{{"Name": "j", "DefaultArguments": object{
		"--input_path": "s3://l/in/,s3://l/more", "--SourceDb": "s3://l/unknown", "--output-location": "s3://l/out", "--TempDir": "s3://l/tmp", "--extra-jars": "s3://l/source.jar",
		"--src_to_target": "s3://l/both", "--target_database": "db", "--target_table_name": "tab", "--source_uri": "https://example.com/x", "--input": "not a place",
	}}}
	f.lists["GetJobRuns"] = []object{{"Id": "r", "JobRunState": "SUCCEEDED", "Arguments": object{"--output_path": "s3://l/day"}}}
	f.lists["GetTriggers"] = []object{{"Name": "t", "Type": "ON_DEMAND", "Actions": []object{{"JobName": "j", "Arguments": object{"--input_path": "s3://l/triggered"}}}}}
	m, err := harvest(t, f.start(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, e := range m.edges {
		if e.Method == "glue.argument" {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	want := []string{"DERIVES job/j -> day", "DERIVES job/j -> out", "DERIVES job/j -> table/db/tab", "USES in -> job/j", "USES more -> job/j", "USES triggered -> job/j"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestViews: the tables behind FROM and JOIN are what a view is made of, if the
// catalog has them; and a view of several dialects says it itself.
func TestViews(t *testing.T) {
	for sql, want := range map[string]string{
		`SELECT * FROM one`: "one",
		`select a.x, 'from two' from "one" a -- from two`:                                                                       "one",
		`SELECT * FROM b.two, b."three" AS t WHERE x = 1`:                                                                       "b/three b/two",
		`SELECT * FROM awsdatacatalog.b.two JOIN other.b.one`:                                                                   "b/two",
		"WITH one AS (SELECT 1), c (x, y) AS (SELECT * FROM two) SELECT * FROM one CROSS JOIN c LEFT JOIN `b`.`four` f ON true": "b/four two",
		`SELECT extract(day FROM one), x IS DISTINCT FROM two FROM (SELECT * FROM three) q, unnest(q.one) AS u(two)`:            "three",
		`SELECT * FROM ONE /* FROM two */ UNION ALL SELECT * FROM absent`:                                                       "one",
		`SELECT * FROM "o""ne" JOIN two`:                                                                                        "two",
		`SELECT 'it''s' FROM "one`:                                                                                              "",
		`SELECT (SELECT max(x) FROM two) FROM v`:                                                                                "two",
		"SELECT 'it\\'s FROM two', \"FROM three\" FROM `one`":                                                                   "one",
		`SELECT * FROM one LATERAL VIEW explode(two) t AS x`:                                                                    "one",
	} {
		f := newFake()
		text := sql
		if !strings.Contains(sql, "`") { // those of Spark and Hive stand as they are
			packed, err := json.Marshal(object{"originalSql": sql, "schema": "a"})
			if err != nil {
				t.Fatal(err)
			}
			text = "/* Presto View: " + base64.StdEncoding.EncodeToString(packed) + " */"
		}
		f.lists["GetTables/a"] = []object{{"Name": "v", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": text}, {"Name": "one"}, {"Name": "two"}, {"Name": "three"}, {"Name": "Two/x"}}
		m, err := harvest(t, f.start(t), func(c *glue.Config) { c.Jobs = "skip" })
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range m.edges {
			got = append(got, strings.TrimPrefix(strings.TrimPrefix(e.From.Name, "table/"), "a/"))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
	f := newFake()
	f.lists["GetTables/a"] = []object{{"Name": "v", "IsMultiDialectView": true, "ViewDefinition": object{
		"SubObjects":      []string{"arn:aws:glue:eu-west-2:1:table/b/two", "arn:aws:s3:::x"},
		"Representations": []object{{"Dialect": "SPARK", "ViewOriginalText": "SELECT * FROM b.one"}},
	}}}
	m, err := harvest(t, f.start(t), nil)
	if v := m.assets["table/a/v"]; err != nil || v.Kind != "VIEW" || v.Definition != "SELECT * FROM b.one" || len(m.edges) != 1 || m.edges["DERIVES table/b/two -> table/a/v"] == nil {
		t.Error(err, v, m.edges)
	}
}

// TestDrawnJobs: columns are followed through steps that say what they do, and
// through no others; a drawing that goes in circles ends.
func TestDrawnJobs(t *testing.T) {
	source := object{"S3ParquetSource": object{"Name": "s", "Paths": []string{"s3://l/in"}}}
	target := func(from ...string) object {
		return object{"S3GlueParquetTarget": object{"Name": "t", "Inputs": from, "Path": "s3://l/out"}}
	}
	step := func(kind string, more object, from ...string) object {
		more["Name"], more["Inputs"] = kind, from
		return object{kind: more}
	}
	choose := step("SelectFields", object{"Paths": [][]string{{"a"}, {"b", "c"}}}, "s")
	for name, c := range map[string]struct {
		nodes object
		want  []string
	}{
		"as it is": {object{"s": source, "t": target("s")}, nil},
		"chosen":   {object{"s": source, "c": choose, "t": target("c")}, []string{"a a", "b.c b.c"}},
		"dropped":  {object{"s": source, "c": choose, "d": step("DropFields", object{"Paths": [][]string{{"a"}}}, "c"), "t": target("d")}, []string{"b.c b.c"}},
		"renamed":  {object{"s": source, "c": choose, "r": step("RenameField", object{"SourcePath": []string{"a"}, "TargetPath": []string{"z"}}, "c"), "f": step("Filter", object{"LogicalOperator": "AND", "Filters": []any{}}, "r"), "t": target("f")}, []string{"a z", "b.c b.c"}},
		"by code":  {object{"s": source, "c": choose, "x": step("CustomCode", object{"Code": "x", "ClassName": "x"}, "c"), "t": target("x")}, nil},
		"two ways": {object{"s": source, "c": choose, "d": step("SelectFields", object{"Paths": [][]string{{"a"}, {"q"}}}, "s"), "t": target("c", "d")}, []string{"a a", "b.c b.c", "q q"}},
		"circle":   {object{"s": source, "a": step("Filter", object{"LogicalOperator": "AND", "Filters": []any{}}, "b", "s"), "b": step("Filter", object{"LogicalOperator": "AND", "Filters": []any{}}, "a"), "t": target("b")}, nil},
	} {
		f := newFake()
		f.lists["GetJobs"] = []object{{"Name": "j", "CodeGenConfigurationNodes": c.nodes}}
		m, err := harvest(t, f.start(t), nil)
		flow := m.edges["DERIVES in -> out"]
		if err != nil || flow == nil || m.edges["USES in -> job/j"] == nil || m.edges["DERIVES job/j -> out"] == nil {
			t.Fatal(name, err, m.edges)
		}
		var got []string
		for _, e := range flow.Fields {
			got = append(got, e.From+" "+e.To)
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	f := newFake()
	f.lists["GetJobs"] = []object{{"Name": "j", "CodeGenConfigurationNodes": object{"x": object{"StepOfTomorrow": object{"Name": "x"}}}}}
	if m, err := harvest(t, f.start(t), nil); err != nil || len(m.notes["glue.unknown_step"]) != 1 {
		t.Error(err, m.notes)
	}
}

// TestACommitOfIceberg changes when the table was changed, and nothing else.
func TestACommitOfIceberg(t *testing.T) {
	told := func(version string, parameters object) *sdk.Asset {
		f := newFake()
		parameters["table_type"] = "ICEBERG"
		f.lists["GetTables/a"] = []object{{"Name": "events", "TableType": "EXTERNAL_TABLE", "VersionId": version, "Parameters": parameters, "StorageDescriptor": object{}}}
		m, err := harvest(t, f.start(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		return m.assets["table/a/events"]
	}
	before := told("1", object{"metadata_location": "s3://lake/events/metadata/00002-a.metadata.json", "current-snapshot-id": "6", "owner.team": "web"})
	after := told("2", object{
		"metadata_location": "s3://lake/events/metadata/00003-b.metadata.json", "previous_metadata_location": "s3://lake/events/metadata/00002-a.metadata.json",
		"current-snapshot-id": "7", "current-snapshot-timestamp-ms": "1", "snapshot-count": "3", "owner.team": "web",
	})
	if diff := cmp.Diff(before, after); diff != "" || before.Properties["owner.team"] != "web" || before.Aliases[0].Name != "events" {
		t.Error(diff, before)
	}
}
