package kafka_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/plugins/kafka"
	"github.com/souk-mesh/souk/sdk"
)

// linesOf are the records of a harvest, without what is another each time.
func linesOf(t *testing.T, admin *kadm.Client, m *memory.Sink) []string {
	t.Helper()
	var lines []string
	for _, one := range slices.Collect(maps.Values(m.Assets)) {
		lines = append(lines, encode(t, one))
	}
	for _, one := range slices.Collect(maps.Values(m.ByEnds)) {
		lines = append(lines, encode(t, one))
	}
	text := strings.Join(lines, "\n")
	for id, name := range topicIDs(t, admin) {
		text = strings.ReplaceAll(text, id, name)
	}
	lines = strings.Split(regexp.MustCompile(`, id \d+`).ReplaceAllString(text, ", id N"), "\n")
	for _, scope := range m.Done {
		lines = append(lines, "done "+scope)
	}
	slices.Sort(lines)
	return lines
}

func encode(t *testing.T, r sdk.Record) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestServer tries on one cluster what a fixture has no room for.
func TestServer(t *testing.T) {
	s := startCluster(t)
	for _, one := range []struct {
		name string
		test func(*testing.T, *cluster)
	}{
		{"as the real ones", asTheReal}, {"who sees a part", blind}, {"selection", selection}, {"groups and connectors", jobs}, {"registry", registry},
	} {
		t.Run(one.name, func(t *testing.T) { one.test(t, s) })
	}
}

// asTheReal: the fakes give what the real servers gave, which testdata/record kept.
func asTheReal(t *testing.T, s *cluster) {
	t.Helper()
	text, err := os.ReadFile("testdata/real.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	c := s.config()
	c.Counts, c.Connect = "read", kafka.Service{}
	if diff := cmp.Diff(want, linesOf(t, s.admin, harvest(t, c))); diff != "" {
		t.Errorf("(-real +fakes)\n%s", diff)
	}
}

func blind(t *testing.T, s *cluster) {
	t.Helper()
	c := s.config()
	c.User, c.Mechanism = "few", "PLAIN"
	m := harvest(t, c)
	if len(m.Noted("kafka.blind")) != 2 || !slices.Equal(m.Done, []string{"connectors"}) || m.Named("orders") == nil || m.Named("customers") != nil {
		t.Errorf("who may see one topic: done %v, %v", m.Done, m.Notes)
	}
	if len(m.Noted("kafka.no_configs")) != 1 || m.Named("orders").Properties["retention_ms"] != "" {
		t.Errorf("without the right to configurations: %v", m.Named("orders"))
	}
	for user, sees := range map[string]bool{"reader": true, "kept out": false, "from afar": false} {
		c.User = user
		if m := harvest(t, c); slices.Contains(m.Done, "topics") != sees || (len(m.Noted("kafka.blind")) == 0) != sees {
			t.Errorf("%s: done %v, %v", user, m.Done, m.Notes)
		}
	}
	c.User, c.Visibility = "few", "trust"
	if m = harvest(t, c); !slices.Contains(m.Done, "topics") {
		t.Errorf("who is trusted to see all: done %v", m.Done)
	}
}

func selection(t *testing.T, s *cluster) {
	t.Helper()
	c := s.config()
	c.Include, c.Exclude, c.Groups = []string{"*er*"}, []string{"ship*"}, "off"
	m := harvest(t, c)
	var topics []string
	for _, a := range m.Assets {
		if a.Kind == "TOPIC" {
			topics = append(topics, a.ID.Name)
		}
	}
	slices.Sort(topics)
	if !slices.Equal(topics, []string{"customers", "orders"}) || m.Edge("orders -> consumer-groups/billing") != nil || slices.Contains(m.Done, "groups") {
		t.Errorf("%v, done %v", topics, m.Done)
	}
	c.Brokers = append(c.Brokers, "127.0.0.1:1")
	c.Namespace = ""
	for _, a := range harvest(t, c).Assets {
		if a.ID.Namespace != "kafka://"+s.brokers[0] || len(a.Aliases) != 1 || a.Aliases[0].Namespace != "kafka://127.0.0.1:1" {
			t.Errorf("by two brokers: %v %v", a.ID, a.Aliases)
		}
	}
}

func registry(t *testing.T, s *cluster) {
	t.Helper()
	s.registry.SeedSchema("bare-value", 1, 90, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message Half {`})
	s.registry.SeedSchema("bare-key", 1, 91, sr.Schema{Schema: `{"type":"record","name":"1 not allowed!","namespace":"ü","fields":[{"name":"a.b","type":"there.is.None"},{"name":"","type":["null"]}]}`})
	c := s.config()
	c.Subjects = map[string]string{"com.acme.Stray": "bare", "com.acme.Money": "gone"}
	m := harvest(t, c)
	if noted := m.Noted("kafka.unread_schema"); len(noted) != 1 || !strings.HasPrefix(noted[0], "bare-value") {
		t.Errorf("a schema that is cut: %v", noted)
	}
	bare := m.Named("bare")
	var names []string
	for _, f := range bare.Fields {
		names = append(names, f.Name+" "+f.NativeType)
	}
	if want := []string{"_key record", `_key."a.b" there.is.None`, "_key.field 2 null", `"com.acme.Stray" record`, `"com.acme.Stray".x int`}; !slices.Equal(names, want) {
		t.Errorf("fields %q, want %q", names, want)
	}
	status := http.StatusInternalServerError
	s.registry.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		broken := strings.HasSuffix(r.URL.Path, "orders-value/versions/latest")
		if broken {
			w.WriteHeader(status)
		}
		return broken
	})
	for _, status = range []int{http.StatusForbidden, http.StatusUnauthorized} {
		if m, err := tryHarvest(t, c); err == nil || len(m.Done) != 0 || m.Named("orders") != nil {
			t.Errorf("a subject that is refused with %d: %v, done %v", status, err, m.Done)
		}
	}
	s.registry.ClearInterceptors()
}

func jobs(t *testing.T, s *cluster) {
	t.Helper()
	c := s.config()
	c.ExcludeGroups = nil
	m := harvest(t, c)
	for _, edge := range []string{"orders -> consumer-groups/billing", "clicks -> consumer-groups/console-consumer-123", "connectors/shop-cdc -> customers", "payments -> connectors/to lake"} {
		if m.Edge(edge) == nil {
			t.Errorf("no edge %s", edge)
		}
	}
	if text := encode(t, m.Named("connectors/shop-cdc")); strings.Contains(text, "canary") {
		t.Errorf("the configuration of a connector comes out: %s", text)
	}
	c.Connect.URL += "/elsewhere"
	if m, err := tryHarvest(t, c); err == nil || slices.Contains(m.Done, "connectors") {
		t.Errorf("a Connect that is not there: %v, done %v", err, m.Done)
	}
}

func TestJudge(t *testing.T) {
	good := kafka.Config{Brokers: []string{"db:9092"}}
	cases := map[string]struct {
		change func(*kafka.Config)
		field  string
	}{
		"as it is":             {func(*kafka.Config) {}, ""},
		"a broker's URL":       {func(c *kafka.Config) { c.Brokers = []string{"kafka://db:9092"} }, "brokers"},
		"no port":              {func(c *kafka.Config) { c.Brokers = []string{"db"} }, "brokers"},
		"another mechanism":    {func(c *kafka.Config) { c.Mechanism = "GSSAPI" }, "mechanism"},
		"another visibility":   {func(c *kafka.Config) { c.Visibility = "some" }, "visibility"},
		"a password alone":     {func(c *kafka.Config) { c.Password = "x" }, "user"},
		"no time":              {func(c *kafka.Config) { c.ConnectTimeout = "0s" }, "connectTimeout"},
		"no certificate":       {func(c *kafka.Config) { c.Authorities = "x" }, "authorities"},
		"a pattern of groups":  {func(c *kafka.Config) { c.ExcludeGroups = []string{""} }, "excludeGroups"},
		"a pace of the client": {func(c *kafka.Config) { c.HTTP.PerSecond = -1 }, "http.requestsPerSecond"},
	}
	for name, one := range cases {
		c := good
		one.change(&c)
		err := kafka.Plugin().Judge(c)
		if e, _ := errors.AsType[*sdk.Error](err); (err == nil) != (one.field == "") || e != nil && (e.Field != one.field || e.Fix == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
