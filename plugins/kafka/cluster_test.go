package kafka_test

import (
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/plugins/internal/transport/transporttest"
	"github.com/souk-mesh/souk/plugins/kafka"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

const (
	password = "canary-secret"
	token    = "canary-token"
)

// cluster is franz-go's fake of a cluster, with users, rights and encryption, and
// its fake of a registry behind a token.
type cluster struct {
	t        *testing.T
	fake     *kfake.Cluster
	brokers  []string
	pem      string
	registry *srfake.Registry
	connect  *httptest.Server
	admin    *kadm.Client
	asked    atomic.Int64 // requests to the registry
}

// rights are those on the plugin's page.
func rights() []kfake.ACL {
	allow := func(r kmsg.ACLResourceType, name string, o kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: r, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: o, Allow: true}
	}
	return []kfake.ACL{
		allow(kmsg.ACLResourceTypeTopic, "*", kmsg.ACLOperationDescribe), allow(kmsg.ACLResourceTypeTopic, "*", kmsg.ACLOperationDescribeConfigs),
		allow(kmsg.ACLResourceTypeGroup, "*", kmsg.ACLOperationDescribe), allow(kmsg.ACLResourceTypeCluster, "kafka-cluster", kmsg.ACLOperationDescribe),
	}
}

// denied is a rule against doing something to the topic orders.
func denied(o kmsg.ACLOperation) kfake.ACL {
	return kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "orders", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: o}
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	s := &cluster{t: t}
	var key string
	s.pem, key = transporttest.Certificate(t, "127.0.0.1")
	s.fake = startBrokers(t, s.pem, key)
	s.brokers = s.fake.ListenAddrs()
	secure, err := transport.Config{Authorities: s.pem}.TLS("")
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.brokers...), kgo.DialTLSConfig(secure), kgo.SASL(scram.Auth{User: "admin", Pass: "admin-secret"}.AsSha256Mechanism()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s.admin = kadm.NewClient(client)
	fillTopics(t, s.admin)
	s.startRegistry()
	s.connect = httptest.NewServer(http.HandlerFunc(connectors))
	t.Cleanup(s.connect.Close)
	return s
}

// startBrokers starts the fake, with users who may see all, some and none of it.
func startBrokers(t *testing.T, pem, key string) *kfake.Cluster {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(pem), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	few := []kfake.ACL{{Resource: kmsg.ACLResourceTypeTopic, Name: "orders", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationDescribe, Allow: true}}
	afar := rights()
	for i := range afar {
		if afar[i].Operation == kmsg.ACLOperationDescribe && afar[i].Resource == kmsg.ACLResourceTypeTopic {
			afar[i].Host = "192.0.2.1"
		}
	}
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}),
		kfake.Superuser("SCRAM-SHA-256", "admin", "admin-secret"), kfake.Superuser("SCRAM-SHA-512", "opener", password), kfake.User("SCRAM-SHA-512", "souk", password, rights()...), kfake.User("SCRAM-SHA-512", "giver", password), kfake.User("SCRAM-SHA-512", "dan", password),
		kfake.User("PLAIN", "few", password, few...), kfake.User("PLAIN", "reader", password, append(rights(), denied(kmsg.ACLOperationWrite))...),
		kfake.User("PLAIN", "kept out", password, append(rights(), denied(kmsg.ACLOperationDescribe))...), kfake.User("PLAIN", "from afar", password, afar...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	// The fake breaks off where a real broker says that it refuses the user.
	fake.ControlKey(int16(kmsg.SASLAuthenticate), func(request kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		r, ok := request.(*kmsg.SASLAuthenticateRequest)
		if !ok || !strings.Contains(string(r.SASLAuthBytes), "stranger") {
			return nil, nil, false
		}
		refusal := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		refusal.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return refusal, nil, true
	})
	return fake
}

// startRegistry starts the fake of a registry, with the schemas of the shop.
func (s *cluster) startRegistry() {
	s.t.Helper()
	s.registry = srfake.New(srfake.WithAuth("Bearer " + token))
	s.t.Cleanup(s.registry.Close)
	s.registry.Intercept(func(http.ResponseWriter, *http.Request) bool {
		s.asked.Add(1)
		return false
	})
	client, err := sr.NewClient(sr.URLs(s.registry.URL()), sr.BearerToken(token))
	if err != nil {
		s.t.Fatal(err)
	}
	fillRegistry(s.t, client)
}

// fillTopics makes the topics of a shop, also in a real cluster.
func fillTopics(t *testing.T, admin *kadm.Client) {
	t.Helper()
	configs := map[string]map[string]string{
		"orders":    {"cleanup.policy": "delete", "retention.ms": "604800000", "max.message.bytes": "2000000"},
		"customers": {"cleanup.policy": "compact"}, "payments": nil, "shipping.events": nil, "clicks": nil, "bare": nil,
	}
	for name, set := range configs {
		values := map[string]*string{}
		for key, value := range set {
			values[key] = &value
		}
		if _, err := admin.CreateTopic(t.Context(), 3, 1, values, name); err != nil {
			t.Fatal(name, err)
		}
	}
	for group, topics := range map[string][]string{"billing": {"orders", "payments"}, "mail/ünïcode": {"customers"}, "console-consumer-123": {"clicks"}} {
		offsets := kadm.Offsets{}
		for _, one := range topics {
			offsets.AddOffset(one, 0, 0, -1)
		}
		err := admin.CommitAllOffsets(t.Context(), group, offsets)
		for try := 0; errors.Is(err, kerr.UnknownTopicOrPartition) && try < 50; try++ { // a real cluster takes its time
			time.Sleep(100 * time.Millisecond)
			err = admin.CommitAllOffsets(t.Context(), group, offsets)
		}
		if err != nil {
			t.Fatal(group, err)
		}
	}
}

// sized makes n topics more, whose names begin as it says.
func (s *cluster) sized(n int) string {
	s.t.Helper()
	prefix := fmt.Sprintf("of-%d-", n)
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint(prefix, i))
	}
	for some := range slices.Chunk(names, 500) {
		made, err := s.admin.CreateTopics(s.t.Context(), 1, 1, nil, some...)
		if err = errors.Join(err, made.Error()); err != nil {
			s.t.Fatal(err)
		}
	}
	return prefix
}

// fillRegistry keeps the schemas of the shop, also in a real registry.
func fillRegistry(t *testing.T, registry *sr.Client) {
	t.Helper()
	for _, one := range shopSchemas() {
		if _, err := registry.CreateSchema(t.Context(), one.subject, one.Schema); err != nil {
			t.Fatal(one.subject, err)
		}
	}
}

type named struct {
	subject string
	sr.Schema
}

func shopSchemas() []named {
	return []named{
		{"orders-key", sr.Schema{Schema: `"string"`}},
		{"com.acme.Money", sr.Schema{Schema: `{"type":"record","name":"Money","namespace":"com.acme","fields":[{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},{"name":"currency","type":"string","default":"CHF"}]}`}},
		{"orders-value", sr.Schema{Schema: avroOrder, References: []sr.SchemaReference{{Name: "com.acme.Money", Subject: "com.acme.Money", Version: 1}}}},
		{"customers-value", sr.Schema{Schema: jsonCustomer, Type: sr.TypeJSON}},
		{"payments-value", sr.Schema{Schema: protoPayment, Type: sr.TypeProtobuf}},
		{"shipping.events-com.acme.Sent", sr.Schema{Schema: `{"type":"record","name":"Sent","namespace":"com.acme","fields":[{"name":"parcel","type":"string"}]}`}},
		{"shipping.events-com.acme.Lost", sr.Schema{Schema: `{"type":"record","name":"Lost","namespace":"com.acme","fields":[{"name":"parcel","type":"string"},{"name":"why","type":["null","string"],"default":null}]}`}},
		{"clicks-value", sr.Schema{Schema: `"long"`}},
		{"com.acme.Stray", sr.Schema{Schema: `{"type":"record","name":"Stray","namespace":"com.acme","fields":[{"name":"x","type":"int"}]}`}},
	}
}

const avroOrder = `{"type":"record","name":"Order","namespace":"com.acme","doc":"What was bought.","fields":[
{"name":"id","type":{"type":"string","logicalType":"uuid"},"doc":"Once given."},
{"name":"placed","type":{"type":"long","logicalType":"timestamp-millis"}},
{"name":"total","type":"com.acme.Money"},
{"name":"state","type":{"type":"enum","name":"State","symbols":["NEW","PAID"]}},
{"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"},{"name":"price","type":["null","Money"],"default":null}]}}},
{"name":"labels","type":{"type":"map","values":"string"}},
{"name":"parent","type":["null","Order"],"default":null},
{"name":"note","type":["null","int","string"],"default":null}]}`

const jsonCustomer = `{"$schema":"http://json-schema.org/draft-07/schema#","title":"Customer","description":"Who buys.","type":"object","required":["id","address"],
"properties":{"id":{"type":"integer"},"mail":{"type":["string","null"],"format":"email","description":"Where to write to.","confluent:tags":["PII"]},
"tier":{"enum":["gold","silver"]},"address":{"$ref":"#/definitions/Address"},
"phones":{"type":"array","items":{"type":"object","properties":{"number":{"type":"string"}}}},
"extra":{"type":"object","additionalProperties":{"type":"number"}}},
"definitions":{"Address":{"type":"object","required":["city"],"properties":{"city":{"type":"string"},"zip":{"oneOf":[{"type":"string"},{"type":"integer"}]}}}}}`

const protoPayment = `syntax = "proto3";
package acme;
import "google/protobuf/timestamp.proto";
// Money that came in.
message Incoming {
  string id = 1; // not above
  // In cents.
  int64 amount = 2;
  google.protobuf.Timestamp at = 3;
  repeated Part parts = 4;
  map<string, Part> by_name = 5;
  optional string note = 6;
  Way way = 7;
  oneof from { string account = 8; string card = 9; }
  message Part { int32 n = 1; Incoming again = 2; }
  enum Way { UNKNOWN = 0; CASH = 1; }
}
message Other { string x = 1; }
`

// connectors answers as Kafka Connect does by https://docs.confluent.io/platform/7.9/connect/references/restapi.html.
func connectors(w http.ResponseWriter, r *http.Request) {
	answer := map[string]any{}
	switch r.URL.Path {
	case "/connectors":
		one := func(kind, class, state string, more map[string]string) map[string]any {
			config := map[string]string{"connector.class": class, "connection.password": "canary-connect"}
			maps.Copy(config, more)
			return map[string]any{
				"info":   map[string]any{"name": "x", "type": kind, "config": config, "tasks": []any{}},
				"status": map[string]any{"connector": map[string]string{"state": state, "worker_id": "w:8083"}, "tasks": []any{}},
			}
		}
		answer["shop-cdc"] = one("source", "io.debezium.connector.postgresql.PostgresConnector", "RUNNING", nil)
		answer["to lake"] = one("sink", "io.confluent.connect.s3.S3SinkConnector", "FAILED", map[string]string{"topics": "orders, payments,__internal"})
	case "/connectors/shop-cdc/topics":
		answer["shop-cdc"] = map[string]any{"topics": []string{"customers"}}
	case "/connectors/to lake/topics":
		w.WriteHeader(http.StatusForbidden)
		answer["error_code"], answer["message"] = 403, "Topic tracking is disabled."
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *cluster) config() kafka.Config {
	return kafka.Config{
		Brokers: s.brokers, User: "souk", Password: password, Config: transport.Config{Authorities: s.pem}, Namespace: "kafka://shop:9092",
		Exclude: []string{"__*", "_schemas"}, ExcludeGroups: []string{"console-consumer-*"}, ConnectTimeout: "2s",
		Registry: kafka.Service{URL: s.registry.URL(), Token: token}, Connect: kafka.Service{URL: s.connect.URL},
		HTTP: web.Config{Transport: "clear", PerSecond: 1000},
	}
}

func open(t *testing.T, c kafka.Config) sdk.Source {
	t.Helper()
	s, err := kafka.Plugin().Open(t.Context(), c, sdk.Env{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func tryHarvest(t *testing.T, c kafka.Config) (*memory.Sink, error) {
	t.Helper()
	m := memory.New()
	return m, open(t, c).Harvest(t.Context(), sdk.Request{}, m)
}

func harvest(t *testing.T, c kafka.Config) *memory.Sink {
	t.Helper()
	m, err := tryHarvest(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// topicIDs are the cluster's, and others at each start.
func topicIDs(t *testing.T, admin *kadm.Client) map[string]string {
	t.Helper()
	topics, err := admin.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for name, one := range topics {
		ids[hex.EncodeToString(one.ID[:])] = "id of " + name
	}
	return ids
}
