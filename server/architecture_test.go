package server_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/souk-mesh/souk/"

// rule says what the packages under a path may import: of this module, the
// packages under one of inside; of the world beyond the standard library, the
// modules that begin with one of outside.
type rule struct {
	path    string
	inside  []string
	outside []string
}

// services lists the rooms that hold the logic of the mesh. None imports another.
var services = []string{"server/mesh", "server/access", "server/audit", "server/catalog", "server/lineage", "server/governance", "server/standards", "server/sourcegrants"}

// wiring lists who knows the engines: the server, and the tests' way to one of each.
var wiring = []string{"server", "server/store/enginetest"}

var rules = []rule{
	{path: "graph/model"},
	{path: "graph", inside: []string{"graph/model"}, outside: []string{"github.com/99designs/gqlgen", "github.com/vektah/gqlparser"}},
	{path: "policies", inside: []string{"graph/model"}},
	{path: "sdk", inside: []string{"sdk"}, outside: []string{"github.com/hashicorp/go-plugin", "github.com/hashicorp/go-hclog", "google.golang.org/grpc", "google.golang.org/protobuf", "golang.org/x/sys", "github.com/santhosh-tekuri/jsonschema", "github.com/google/go-cmp"}},
	{path: "plugins/internal/sqlgrant/sqlgranttest", inside: []string{"sdk"}},
	{path: "plugins/internal/granting", inside: []string{"sdk"}},
	{path: "plugins/internal/sqlgrant", inside: []string{"sdk", "plugins/internal/granting"}},
	{path: "plugins/postgres", inside: []string{"sdk", "plugins/internal/transport", "plugins/internal/granting", "plugins/internal/sqlgrant"}, outside: []string{"github.com/jackc/pgx"}},
	{path: "plugins/internal/transport", inside: []string{"sdk"}},
	{path: "plugins/mysql/mariadbtest", inside: []string{"plugins/mysql"}, outside: []string{"github.com/go-sql-driver/mysql"}},
	{path: "plugins/mysql", inside: []string{"sdk", "plugins/internal/transport", "plugins/internal/sqltext", "plugins/internal/sqllineage", "plugins/internal/granting", "plugins/internal/sqlgrant"}, outside: []string{"github.com/go-sql-driver/mysql"}},
	{path: "plugins/internal/document", inside: []string{"sdk"}},
	{path: "plugins/mongodb", inside: []string{"sdk", "plugins/internal/transport", "plugins/internal/document", "plugins/internal/memory"}, outside: []string{"go.mongodb.org/mongo-driver"}},
	{path: "plugins/kafka", inside: []string{"sdk", "plugins/internal/transport", "plugins/internal/document", "plugins/internal/memory", "plugins/internal/granting"}, outside: []string{"github.com/twmb/franz-go", "github.com/bufbuild/protocompile", "google.golang.org/protobuf"}},
	{path: "plugins/sqlite", inside: []string{"sdk", "plugins/internal/sqllineage"}, outside: []string{"zombiezen.com/go/sqlite"}},
	{path: "plugins/dbt", inside: []string{"sdk", "plugins/internal/sqllineage"}},
	{path: "plugins/internal/sqllineage", inside: []string{"plugins/internal/sqltext"}},
	{path: "plugins/internal/memory", inside: []string{"sdk"}},
	{path: "plugins/internal/dataset", inside: []string{"sdk"}},
	{path: "plugins/internal/entra", inside: []string{"sdk"}},
	{path: "plugins/amundsen", inside: []string{"sdk"}},
	{path: "plugins/atlas", inside: []string{"sdk", "plugins/internal/dataset", "plugins/internal/entra"}},
	{path: "plugins/datafactory", inside: []string{"sdk", "plugins/internal/dataset", "plugins/internal/entra"}},
	{path: "plugins/internal/google", inside: []string{"sdk"}},
	{path: "plugins/dataflow", inside: []string{"sdk", "plugins/internal/dataset", "plugins/internal/google"}},
	{path: "plugins/bigquery", inside: []string{"sdk", "plugins/internal/dataset", "plugins/internal/document", "plugins/internal/google", "plugins/internal/memory", "plugins/internal/sqllineage"}},
	{path: "plugins/airflow", inside: []string{"sdk", "plugins/internal/dataset"}},
	{path: "plugins/internal/said", inside: []string{"sdk"}},
	{path: "plugins/trino", inside: []string{"sdk", "plugins/internal/dataset", "plugins/internal/memory", "plugins/internal/sqllineage", "plugins/internal/said"}},
	{path: "plugins/denodo", inside: []string{"sdk", "plugins/internal/dataset", "plugins/internal/memory", "plugins/internal/said", "plugins/internal/transport"}, outside: []string{"github.com/jackc/pgx"}},
	{path: "plugins/dremio", inside: []string{"sdk", "plugins/internal/dataset"}},
	{path: "plugins/rest", inside: []string{"sdk"}, outside: []string{"go.yaml.in/yaml"}},
	{path: "plugins/internal/lake", inside: []string{"sdk", "plugins/internal/lake"}, outside: []string{"github.com/parquet-go/parquet-go", "github.com/xuri/excelize", "github.com/klauspost/compress", "golang.org/x/text"}},
	{path: "plugins/internal/aws", inside: []string{"sdk"}, outside: []string{"github.com/aws/"}},
	{path: "plugins/azureblob", inside: []string{"sdk", "plugins/internal/lake"}},
	{path: "plugins/azuredatacatalog", inside: []string{"sdk"}},
	{path: "plugins/gcs", inside: []string{"sdk", "plugins/internal/lake"}, outside: []string{"golang.org/x/oauth2"}},
	{path: "plugins/files", inside: []string{"sdk", "plugins/internal/lake"}},
	{path: "plugins/internal/sqltext"},
	{path: "plugins/internal/fit", inside: []string{"sdk"}},
	{path: "plugins/superset", inside: []string{"sdk", "plugins/internal/dataset", "plugins/internal/fit", "plugins/internal/memory", "plugins/internal/sqltext"}},
	{path: "plugins/internal/metastore", inside: []string{"sdk", "plugins/internal/dataset", "plugins/internal/sqltext"}},
	{path: "plugins/hive", inside: []string{"sdk", "plugins/internal/dataset", "plugins/internal/fit", "plugins/internal/memory", "plugins/internal/metastore", "plugins/internal/said", "plugins/internal/transport"}, outside: []string{"github.com/apache/thrift"}},
	{path: "plugins/glue", inside: []string{"sdk", "plugins/internal/aws", "plugins/internal/dataset", "plugins/internal/fit", "plugins/internal/metastore", "plugins/internal/sqllineage", "plugins/internal/sqltext"}, outside: []string{"github.com/aws/"}},
	{path: "plugins/s3", inside: []string{"sdk", "plugins/internal/lake", "plugins/internal/aws"}, outside: []string{"github.com/aws/"}},
	{path: "plugins", inside: []string{"sdk", "plugins"}},
	{path: "server/driver/sqlite", inside: []string{"graph/model"}, outside: []string{"zombiezen.com/go/sqlite", "golang.org/x/sys"}},
	{path: "server/groupcommit"},
	{path: "server/watch"},
	{path: "server/store/sqlite", inside: []string{"graph/model", "server/store", "server/driver/sqlite"}},
	{path: "server/driver/mongodb", inside: []string{"graph/model", "server/driver/mongodb"}, outside: []string{"go.mongodb.org/mongo-driver"}},
	{path: "server/store/mongo", inside: []string{"graph/model", "server/store", "server/driver/mongodb"}, outside: []string{"go.mongodb.org/mongo-driver"}},
	{path: "server/store/enginetest", inside: []string{"graph/model", "server/store", "server/store/sqlite", "server/store/mongo", "server/driver/mongodb/mongodbtest", "server/servertest/heaptest"}},
	{path: "server/servertest/heaptest"},
	{path: "server/servertest", inside: []string{"graph/model", "policies", "server/store", "server/store/enginetest", "server/policy", "server/gate", "server/identity", "server/mesh", "server/access"}},
	{path: "server/store", inside: []string{"graph/model", "server/store", "server/groupcommit"}, outside: []string{"golang.org/x/text", "github.com/goccy/go-json", "github.com/google/go-cmp", "github.com/hashicorp/golang-lru/v2"}},
	policyRoom("question"),
	policyRoom("sandbox", "question"),
	policyRoom("usage", "question", "sandbox"),
	policyRoom("verdict", "question", "sandbox"),
	policyRoom("filter", "question"),
	policyRoom("partial", "question", "sandbox", "usage", "verdict", "filter"),
	policyRoom("decide", "question", "sandbox", "usage", "verdict", "filter", "partial"),
	policyRoom("explain", "question", "sandbox", "usage", "verdict", "decide"),
	policyRoom("impact", "question", "sandbox", "usage", "verdict", "partial", "decide"),
	policyRoom("review", "question", "sandbox", "verdict", "decide").and("sdk/host/process"),
	policyRoom("bundle", "question", "sandbox", "decide"),
	{path: "server/policy/internal"}, // a room that the list above does not name
	{path: "server/policy", inside: []string{"graph/model", "policies", "server/policy"}, outside: []string{"github.com/open-policy-agent/opa"}},
	{path: "server/exact", inside: []string{"graph/model"}},
	{path: "server/gate", inside: []string{"graph/model", "server/store", "server/policy"}},
	{path: "server/identity", inside: []string{"graph/model", "server/store", "server/policy", "server/gate"}},
	{path: "server/approval", inside: []string{"graph/model", "server/store"}},
	{path: "server/mesh", inside: []string{"graph/model", "server/store", "server/policy", "server/gate", "server/approval"}},
	{path: "server/access", inside: []string{"graph/model", "server/store", "server/policy", "server/gate", "server/approval"}},
	{path: "server/pdp", inside: []string{"graph/model", "server/exact", "server/store", "server/policy", "server/gate"}},
	{path: "server/doors", inside: []string{"graph/model", "server/exact", "server/doors", "server/pdp"}},
	{path: "server/audit", inside: []string{"graph/model", "server/store", "server/policy", "server/gate", "server/decisionlog"}},
	{path: "server/decisionlog/chain", inside: []string{"graph/model"}},
	{path: "server/decisionlog/sqlite", inside: []string{"graph/model", "server/decisionlog", "server/driver/sqlite"}},
	{path: "server/decisionlog/mongo", inside: []string{"graph/model", "server/decisionlog", "server/driver/mongodb"}, outside: []string{"go.mongodb.org/mongo-driver"}},
	{path: "server/decisionlog", inside: []string{"graph/model", "server/store", "server/decisionlog", "server/groupcommit", "server/tracing"}},
	{
		path: "server/backup", inside: []string{"graph/model", "server/store", "server/decisionlog", "server/driver"},
		outside: []string{"go.mongodb.org/mongo-driver"},
	},
	{path: "server/governance", inside: []string{"graph/model", "server/store", "server/policy", "server/gate", "server/approval", "server/watch"}},
	{path: "server/standards", inside: []string{"graph/model", "server/store", "server/gate"}},
	{path: "server/catalog/index", inside: []string{"graph/model", "server/store"}, outside: []string{"golang.org/x/text"}},
	{path: "server/catalog", inside: []string{"graph/model", "server/store", "server/policy", "server/gate", "server/catalog/index"}, outside: []string{"golang.org/x/text"}},
	{path: "server/lineage", inside: []string{"graph/model", "server/store", "server/policy", "server/gate"}},
	{
		path:    "server/harvest",
		inside:  []string{"graph/model", "server/store", "server/policy", "server/gate", "server/catalog", "server/lineage", "server/harvest", "server/tracing", "server/watch", "sdk"},
		outside: []string{"github.com/robfig/cron", "github.com/santhosh-tekuri/jsonschema", "golang.org/x/text"},
	},
	{path: "server/sourcegrants", inside: []string{"graph/model", "server/store", "server/policy", "server/gate", "sdk"}},
	{path: "server/tracing/tracingtest", outside: []string{"go.opentelemetry.io/proto/otlp", "google.golang.org/protobuf"}},
	{path: "server/tracing", inside: []string{"graph/model"}, outside: []string{"go.opentelemetry.io/otel"}},
	{path: "server/telemetry", inside: []string{"graph/model", "server/store", "server/tracing"}, outside: []string{"github.com/prometheus/client_golang"}},
	{path: "server/httpd", inside: []string{"graph/model", "server/exact", "server/httpd", "server/tracing"}, outside: []string{"github.com/99designs/gqlgen", "github.com/vektah/gqlparser", "github.com/prometheus/client_golang", "github.com/klauspost/compress"}},
	{path: "server/speedtest", outside: []string{"golang.org/x/perf"}},
	{path: "server/console/explorer"},
	{path: "server/console/query", outside: []string{"github.com/Khan/genqlient"}},
	{
		path: "server/console", inside: []string{"graph/model", "server/console", "server/httpd", "server/identity"},
		outside: []string{"github.com/Khan/genqlient", "github.com/vektah/gqlparser", "github.com/hashicorp/golang-lru", "golang.org/x/time"},
	},
	{
		path:    "server/resolver",
		inside:  append([]string{"graph", "server/identity", "server/harvest", "server/resolver"}, services...),
		outside: []string{"github.com/99designs/gqlgen", "github.com/vektah/gqlparser", "golang.org/x/sync"},
	},
	{path: "server/demo", inside: append([]string{"graph/model", "policies", "server/identity", "server/harvest", "server/demo"}, services...), outside: []string{"zombiezen.com/go/sqlite"}},
	{
		path: "server/cmd/souk/internal/settings", inside: []string{"server", "graph/model"},
		outside: []string{"go.yaml.in/yaml", "github.com/knadh/koanf", "github.com/go-viper/mapstructure", "github.com/spf13/pflag"},
	},
	{path: "server/cmd/souk/internal/remote", inside: []string{"graph/model"}},
	{
		path: "server/cmd/souk/internal/noun", inside: []string{"graph", "server/cmd/souk/internal/remote"},
		outside: []string{"github.com/vektah/gqlparser"},
	},
	{
		path: "server/cmd", inside: []string{"server", "plugins", "sdk", "policies", "graph/model"},
		outside: []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "go.yaml.in/yaml", "golang.org/x/term", "github.com/schollz/progressbar"},
	},
	{path: "server", inside: []string{"server", "graph", "policies", "sdk"}, outside: []string{"github.com/99designs/gqlgen"}},
}

// policyRoom is a room of the policy engine, with the rooms that lie below it.
func policyRoom(name string, below ...string) rule {
	r := rule{path: "server/policy/internal/" + name, inside: []string{"graph/model", "policies"}, outside: []string{"github.com/open-policy-agent/opa"}}
	for _, room := range below {
		r.inside = append(r.inside, "server/policy/internal/"+room)
	}
	return r
}

// and is the rule with more that the room may import.
func (r rule) and(inside ...string) rule {
	r.inside = append(r.inside, inside...)
	return r
}

type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// TestImports holds every package to the first rule whose path it lies under.
func TestImports(t *testing.T) {
	packages := list(t)
	if len(packages) < 20 {
		t.Fatalf("go list shows %d packages: the test would hold nothing", len(packages))
	}
	for _, p := range packages {
		path := strings.TrimPrefix(p.ImportPath, module)
		i := slices.IndexFunc(rules, func(r rule) bool { return under(path, r.path) })
		if i < 0 {
			t.Errorf("%s: no rule covers it; give it a room in the rules", path)
			continue
		}
		for _, imported := range p.Imports {
			if why := rules[i].refuses(path, imported); why != "" {
				t.Errorf("%s imports %s: %s", path, imported, why)
			}
		}
	}
}

// TestImportRulesBite proves that the rules refuse what they are for.
func TestImportRulesBite(t *testing.T) {
	forbidden := [][2]string{
		{"graph/model", "github.com/google/uuid"},
		{"graph/model", module + "server/store"},
		{"sdk", module + "graph/model"},
		{"plugins/dbt", module + "plugins/postgres"},
		{"plugins/internal/lake", "github.com/aws/aws-sdk-go-v2/service/s3"},
		{"server/mesh", module + "server/catalog"},
		{"server/catalog/index", module + "server/gate"},
		{"server/standards", module + "server/governance"},
		{"server/mesh", module + "server/store/sqlite"},
		{"server/catalog", "github.com/open-policy-agent/opa/v1/rego"},
		{"server/policy/internal/question", module + "server/policy/internal/sandbox"},
		{"server/policy/internal/filter", module + "server/policy/internal/partial"},
		{"server/policy/internal/partial", module + "server/policy/internal/decide"},
		{"server/policy/internal/explain", module + "server/policy/internal/review"},
		{"server/policy/internal/another", module + "server/policy/internal/question"},
		{"server/resolver", module + "server/store"},
		{"server/resolver", module + "server/policy"},
		{"server/httpd", module + "server/store"},
		{"server/httpd", "go.opentelemetry.io/otel/trace"},
		{"server/doors/authzen", module + "server/policy"},
		{"server/doors/opa", "github.com/open-policy-agent/opa/v1/bundle"},
		{"server/doors/trino", module + "server/store"},
		{"server/store/mongo", "zombiezen.com/go/sqlite"},
		{"server/store/sqlite", "zombiezen.com/go/sqlite"},
		{"server/decisionlog/sqlite", "zombiezen.com/go/sqlite"},
		{"server/driver/sqlite", module + "server/store"},
		{"server/driver/mongodb", module + "server/store"},
		{"server", module + "server/cmd/souk"},
		{"plugins", module + "server/store"},
	}
	for _, pair := range forbidden {
		i := slices.IndexFunc(rules, func(r rule) bool { return under(pair[0], r.path) })
		if rules[i].refuses(pair[0], pair[1]) == "" {
			t.Errorf("%s may import %s", pair[0], pair[1])
		}
	}
}

func (r rule) refuses(from, imported string) string {
	path, ours := strings.CutPrefix(imported, module)
	switch {
	case ours && under(path, "server/cmd") && !under(from, "server/cmd"):
		return "nothing imports a command"
	case ours && under(path, "server") && !under(from, "server"):
		return "nothing outside server/ imports server/"
	case ours && slices.ContainsFunc([]string{"server/store/sqlite", "server/store/mongo"}, func(engine string) bool { return under(path, engine) }) && !slices.Contains(wiring, from) && !under(from, path):
		return "only the wiring knows the engines"
	case ours && !slices.ContainsFunc(r.inside, func(ok string) bool { return within(path, ok) }):
		return "the room's rule does not name it"
	case !ours && strings.Contains(strings.Split(imported, "/")[0], ".") && !slices.ContainsFunc(r.outside, func(ok string) bool { return strings.HasPrefix(imported, ok) }):
		return "the room's rule does not name this library"
	}
	return ""
}

// within is under, but for the two names that are rooms and prefixes of rooms.
func within(path, allowed string) bool {
	if allowed == "server/store" || allowed == "graph" || allowed == "plugins" && path == "plugins" {
		return path == allowed || allowed == "graph" && path == "graph/model"
	}
	return under(path, allowed)
}

func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Standard", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
