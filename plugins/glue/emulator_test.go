package glue_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/aws/awstest"
)

// emulator is moto, with a client that writes. Each test has an account of its
// own, so that tests that run at once do not meet.
type emulator struct {
	t       *testing.T
	moto    string
	account string
	region  string
	client  *client.Client
	stand   map[string]string // what differs from run to run, by its stand-in

	mu    sync.Mutex
	known map[string]answer
}

func newEmulator(t *testing.T, region string) *emulator {
	t.Helper()
	e := &emulator{t: t, moto: awstest.URL(t), region: region, account: strconv.FormatInt(100_000_000_000+rand.Int64N(800_000_000_000), 10)}
	e.stand = map[string]string{e.account: "123456789012"}
	address := e.serve(e.ask)
	e.client = client.New(client.Options{Region: region, BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("writer", "writer-secret", "")})
	return e
}

// must ends the test when the emulator refuses.
func must[T any](e *emulator) func(T, error) T {
	return func(out T, err error) T {
		e.t.Helper()
		if err != nil {
			e.t.Fatal(err)
		}
		return out
	}
}

// remembered is an address that answers as the emulator does, and asks it once
// for each question: the suite asks some forty times, and the emulator is slow.
func (e *emulator) remembered() string {
	e.forget()
	return e.serve(func(r *http.Request, body []byte) (answer, error) {
		key := r.Header.Get("Authorization")[:60] + r.Header.Get("X-Amz-Target") + string(body)
		e.mu.Lock()
		defer e.mu.Unlock()
		a, found := e.known[key]
		if found {
			return a, nil
		}
		a, err := e.ask(r, body)
		e.known[key] = a
		return a, err
	})
}

func (e *emulator) serve(ask func(*http.Request, []byte) (answer, error)) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		a, err := ask(r, body)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body)
	}))
	e.t.Cleanup(server.Close)
	return server.URL
}

// forget makes the next question of each kind go to the emulator.
func (e *emulator) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.known = map[string]answer{}
}

// change changes the source, as the suite asks for.
func change[O any](e *emulator, do func(context.Context) (O, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := do(ctx)
		e.forget()
		return err
	}
}

type answer struct {
	status int
	body   []byte
}

func (e *emulator) ask(r *http.Request, body []byte) (answer, error) {
	out, err := http.NewRequestWithContext(e.t.Context(), r.Method, e.moto+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	out.Header = r.Header.Clone()
	out.Header.Set("X-Moto-Account-Id", e.account)
	got, err := http.DefaultClient.Do(out)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	return answer{got.StatusCode, text}, err
}

func (e *emulator) database(in types.DatabaseInput, tags map[string]string) {
	e.t.Helper()
	must[*client.CreateDatabaseOutput](e)(e.client.CreateDatabase(e.t.Context(), &client.CreateDatabaseInput{DatabaseInput: &in, Tags: tags}))
}

func (e *emulator) table(in types.TableInput) {
	e.t.Helper()
	must[*client.CreateTableOutput](e)(e.client.CreateTable(e.t.Context(), &client.CreateTableInput{DatabaseName: aws.String("sales"), TableInput: &in}))
}

func (e *emulator) connect(name string, kind types.ConnectionType, properties map[string]string) {
	e.t.Helper()
	in := &client.CreateConnectionInput{ConnectionInput: &types.ConnectionInput{Name: &name, ConnectionType: kind, ConnectionProperties: properties}}
	must[*client.CreateConnectionOutput](e)(e.client.CreateConnection(e.t.Context(), in))
}

func column(name, kind, comment string) types.Column {
	c := types.Column{Name: &name, Type: &kind}
	if comment != "" {
		c.Comment = &comment
	}
	return c
}

func at(location string, columns ...types.Column) *types.StorageDescriptor {
	return &types.StorageDescriptor{Location: &location, Columns: columns, SerdeInfo: &types.SerDeInfo{SerializationLibrary: aws.String("org.openx.data.jsonserde.JsonSerDe")}}
}

// shop is a small catalog with one of each.
func (e *emulator) shop() {
	began := time.Now().Add(-2 * time.Second)
	e.database(types.DatabaseInput{Name: aws.String("sales"), Description: aws.String("What is sold."), LocationUri: aws.String("s3://souk-lake/sales")}, map[string]string{"team": "sales", "gold": ""})
	e.database(types.DatabaseInput{Name: aws.String("shared"), TargetDatabase: &types.DatabaseIdentifier{CatalogId: aws.String("210987654321"), DatabaseName: aws.String("finance")}}, nil)
	e.connect("crm", types.ConnectionTypeJdbc, map[string]string{"JDBC_CONNECTION_URL": "jdbc:postgresql://CRM.example:5432/crm?user=ana&password=canary-in-the-url", "USERNAME": "ana", "PASSWORD": "canary-of-the-connection"})
	e.connect("bus", types.ConnectionTypeKafka, map[string]string{"KAFKA_BOOTSTRAP_SERVERS": "b-1.example:9094,b-2.example:9094"})
	e.catalog()
	e.work()
	for s := began; s.Before(time.Now().Add(2 * time.Second)); s = s.Add(time.Second) {
		e.stand[`"created":"`+s.UTC().Format(time.RFC3339)] = `"created":"CREATED`
	}
}

func (e *emulator) catalog() {
	e.table(types.TableInput{
		Name: aws.String("orders"), TableType: aws.String("EXTERNAL_TABLE"), Owner: aws.String("hadoop"), Description: aws.String("All orders."),
		StorageDescriptor: at("s3://souk-lake/sales/orders/", column("id", "bigint", "The number."), column("items", "array<struct<sku:string,n:int>>", "")),
		PartitionKeys:     []types.Column{column("day", "date", "When."), column("id", "bigint", "")},
		Parameters:        map[string]string{"classification": "json", "UPDATED_BY_CRAWLER": "lake", "recordCount": "42", "sizeKey": "4711", "sla": "gold", "CrawlerSchemaSerializerVersion": "1.0"},
	})
	e.table(types.TableInput{
		Name: aws.String("events"), TableType: aws.String("EXTERNAL_TABLE"), Parameters: map[string]string{"table_type": "ICEBERG", "metadata_location": "s3://souk-lake/sales/events/metadata/00002-a.metadata.json", "previous_metadata_location": "s3://souk-lake/x"},
		StorageDescriptor: &types.StorageDescriptor{Columns: []types.Column{
			{Name: aws.String("at"), Type: aws.String("timestamp"), Parameters: map[string]string{"iceberg.field.current": "true", "iceberg.field.id": "1", "iceberg.field.optional": "false"}},
			{Name: aws.String("was"), Type: aws.String("string"), Parameters: map[string]string{"iceberg.field.current": "false", "iceberg.field.id": "2", "iceberg.field.optional": "true"}},
		}},
	})
	e.table(types.TableInput{
		Name: aws.String("delta"), TableType: aws.String("EXTERNAL_TABLE"),
		Parameters: map[string]string{
			"spark.sql.sources.provider": "delta", "spark.sql.sources.schema.numParts": "2", "comment": "Written by Spark.",
			"spark.sql.sources.schema.part.0": `{"type":"struct","fields":[{"name":"ID","type":"long","nullable":false,"metadata":{"comment":"key"}},{"name":"tags","type":{"type":"array",`,
			"spark.sql.sources.schema.part.1": `"elementType":{"type":"map","keyType":"string","valueType":{"type":"struct","fields":[{"name":"x","type":"decimal(10,2)","nullable":true,"metadata":{}}]}},"containsNull":true},"nullable":true,"metadata":{}}]}`,
		},
		StorageDescriptor: &types.StorageDescriptor{
			Location: aws.String("s3://souk-lake/sales.db/delta-__PLACEHOLDER__"), Columns: []types.Column{column("col", "array<string>", "from deserializer")},
			SerdeInfo: &types.SerDeInfo{Parameters: map[string]string{"path": "s3a://souk-lake/sales/delta"}},
		},
	})
	view := base64.StdEncoding.EncodeToString([]byte(`{"originalSql":"SELECT id FROM orders","catalog":"awsdatacatalog","schema":"sales","columns":[{"name":"id","type":"bigint"}]}`))
	e.table(types.TableInput{
		Name: aws.String("ids"), TableType: aws.String("VIRTUAL_VIEW"), ViewOriginalText: aws.String("/* Presto View: " + view + " */"), ViewExpandedText: aws.String("/* Presto View */"),
		Parameters: map[string]string{"presto_view": "true"}, StorageDescriptor: at("", column("id", "bigint", "")),
	})
	e.table(types.TableInput{Name: aws.String("again"), TableType: aws.String("EXTERNAL_TABLE"), StorageDescriptor: at("s3://souk-lake/sales/orders", column("id", "string", ""))})
	e.table(types.TableInput{Name: aws.String("people"), TableType: aws.String("EXTERNAL_TABLE"), Parameters: map[string]string{"classification": "postgresql", "connectionName": "crm"}, StorageDescriptor: at("crm.public.people", column("id", "int", ""))})
	e.table(types.TableInput{Name: aws.String("link"), TargetTable: &types.TableIdentifier{CatalogId: aws.String("210987654321"), DatabaseName: aws.String("finance"), Name: aws.String("rates"), Region: aws.String("eu-west-1")}})
	e.table(types.TableInput{Name: aws.String(`odd/it's "quoted".😀`), TableType: aws.String("EXTERNAL_TABLE"), StorageDescriptor: at("s3://souk-lake/odd/a#b?c%20d", column("ünïcode.x", "string", ""))})
}

func (e *emulator) work() {
	ctx := e.t.Context()
	role := aws.String("arn:aws:iam::123456789012:role/glue")
	must[*client.CreateJobOutput](e)(e.client.CreateJob(ctx, &client.CreateJobInput{
		Name: aws.String("load"), Description: aws.String("Loads orders."), Role: role, Command: &types.JobCommand{Name: aws.String("glueetl"), ScriptLocation: aws.String("s3://souk-code/load.py"), PythonVersion: aws.String("3")},
		GlueVersion: aws.String("4.0"), WorkerType: types.WorkerTypeG1x, NumberOfWorkers: aws.Int32(2), Tags: map[string]string{"team": "sales"}, Connections: &types.ConnectionsList{Connections: []string{"crm"}},
		DefaultArguments: map[string]string{"--job-language": "python", "--TempDir": "s3://souk-code/tmp", "--api_key": "canary-of-an-argument"}, CodeGenConfigurationNodes: drawing(),
	}))
	must[*client.CreateJobOutput](e)(e.client.CreateJob(ctx, &client.CreateJobInput{
		Name: aws.String("report"), Role: role, Command: &types.JobCommand{Name: aws.String("pythonshell"), ScriptLocation: aws.String("s3://souk-code/report.py")},
		DefaultArguments: map[string]string{"--source_database": "sales", "--source_table": "orders", "--output_path": "s3://souk-lake/reports/daily/", "--extra-py-files": "s3://souk-code/lib.zip"},
	}))
	run := must[*client.StartJobRunOutput](e)(e.client.StartJobRun(ctx, &client.StartJobRunInput{JobName: aws.String("load")}))
	e.stand[*run.JobRunId] = "RUN"
	must[*client.CreateCrawlerOutput](e)(e.client.CreateCrawler(ctx, &client.CreateCrawlerInput{
		Name: aws.String("lake"), Role: role, DatabaseName: aws.String("sales"), Schedule: aws.String("cron(0 2 * * ? *)"),
		Targets: &types.CrawlerTargets{
			S3Targets:   []types.S3Target{{Path: aws.String("s3://souk-lake/sales/orders")}, {Path: aws.String("s3://souk-lake/raw/")}},
			JdbcTargets: []types.JdbcTarget{{ConnectionName: aws.String("crm"), Path: aws.String("crm/public/people")}, {ConnectionName: aws.String("crm"), Path: aws.String("crm/%")}},
		},
	}))
	must[*client.CreateWorkflowOutput](e)(e.client.CreateWorkflow(ctx, &client.CreateWorkflowInput{Name: aws.String("nightly"), Description: aws.String("Every night.")}))
	flow := must[*client.StartWorkflowRunOutput](e)(e.client.StartWorkflowRun(ctx, &client.StartWorkflowRunInput{Name: aws.String("nightly")}))
	e.stand[*flow.RunId] = "FLOW"
	must[*client.CreateTriggerOutput](e)(e.client.CreateTrigger(ctx, &client.CreateTriggerInput{Name: aws.String("at-two"), Type: types.TriggerTypeScheduled, Schedule: aws.String("cron(0 2 * * ? *)"), Actions: []types.Action{{JobName: aws.String("load")}}, WorkflowName: aws.String("nightly")}))
	must[*client.CreateTriggerOutput](e)(e.client.CreateTrigger(ctx, &client.CreateTriggerInput{
		Name: aws.String("then"), Type: types.TriggerTypeConditional, WorkflowName: aws.String("nightly"), Actions: []types.Action{{JobName: aws.String("report")}},
		Predicate: &types.Predicate{Logical: types.LogicalAnd, Conditions: []types.Condition{{JobName: aws.String("load"), State: types.JobRunStateSucceeded, LogicalOperator: types.LogicalOperatorEquals}}},
	}))
}

// drawing is a job as Glue Studio draws it.
func drawing() map[string]types.CodeGenConfigurationNode {
	input := func(id string) []string { return []string{id} }
	return map[string]types.CodeGenConfigurationNode{
		"n1": {S3JsonSource: &types.S3JsonSource{Name: aws.String("raw"), Paths: []string{"s3://souk-lake/raw/orders/"}}},
		"n2": {ApplyMapping: &types.ApplyMapping{Name: aws.String("map"), Inputs: input("n1"), Mapping: []types.Mapping{
			{ToKey: aws.String("id"), FromPath: []string{"order", "no"}, FromType: aws.String("string"), ToType: aws.String("bigint")},
			{ToKey: aws.String("who"), FromPath: []string{"name"}},
			{ToKey: aws.String("x"), FromPath: []string{"y"}, Dropped: aws.Bool(true)},
		}}},
		"n3": {RenameField: &types.RenameField{Name: aws.String("name"), Inputs: input("n2"), SourcePath: []string{"who"}, TargetPath: []string{"customer"}}},
		"n4": {DropFields: &types.DropFields{Name: aws.String("drop"), Inputs: input("n3"), Paths: [][]string{{"none"}}}},
		"n5": {S3CatalogTarget: &types.S3CatalogTarget{Name: aws.String("out"), Inputs: input("n4"), Database: aws.String("sales"), Table: aws.String("orders")}},
		"n6": {PostgreSQLCatalogSource: &types.PostgreSQLCatalogSource{Name: aws.String("crm"), Database: aws.String("sales"), Table: aws.String("people")}},
		"n7": {SparkSQL: &types.SparkSQL{Name: aws.String("sql"), Inputs: []string{"n4", "n6"}, SqlQuery: aws.String("select 1"), SqlAliases: []types.SqlAlias{{Alias: aws.String("a"), From: aws.String("n4")}}}},
		"n8": {S3DirectTarget: &types.S3DirectTarget{
			Name: aws.String("direct"), Inputs: input("n7"), Path: aws.String("s3://souk-lake/out/joined/"), Format: types.TargetFormatParquet,
			SchemaChangePolicy: &types.DirectSchemaChangePolicy{EnableUpdateCatalog: aws.Bool(true), Database: aws.String("sales"), Table: aws.String("joined")},
		}},
		"n9": {DirectKafkaSource: &types.DirectKafkaSource{Name: aws.String("bus"), StreamingOptions: &types.KafkaStreamingSourceOptions{ConnectionName: aws.String("bus"), TopicName: aws.String("clicks")}}},
	}
}
