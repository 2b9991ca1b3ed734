package kafka_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/souk-mesh/souk/plugins/internal/transport/transporttest"
	"github.com/souk-mesh/souk/plugins/kafka"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(kafka.Plugin())) }

func TestPlugin(t *testing.T) {
	s := startCluster(t)
	at := func(more map[string]any) json.RawMessage {
		config := map[string]any{
			"brokers": s.brokers, "user": "souk", "authorities": s.pem, "namespace": "kafka://shop:9092", "connectTimeout": "3s",
			"registry": map[string]any{"url": s.registry.URL()}, "connect": map[string]any{"url": s.connect.URL},
			"http":   map[string]any{"transport": "clear", "requestsPerSecond": 1000},
			"grants": map[string]any{"user": "giver"},
		}
		maps.Copy(config, more)
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	grants := newGiving(t, s.admin, s.config())
	stranger, _ := transporttest.Certificate(t, "127.0.0.1")
	secrets := map[string]string{"password": password, "registry.token": token, "grants.password": password}
	with := func(path, value string) map[string]string {
		other := maps.Clone(secrets)
		other[path] = value
		return other
	}
	scale := plugintest.Sized(map[string]string{"password": password, "grants.password": password}, func(n int) json.RawMessage {
		prefix := s.sized(n)
		return at(map[string]any{"registry": map[string]any{}, "connect": map[string]any{}, "includeTopics": []string{prefix + "*"}})
	})
	scale.Most = 50_000 // of which each takes some 6 KB of memory: brokers tell of all topics in one answer
	nobody := []string{"127.0.0.1:1"}
	plugintest.Run(t, sdk.Register(kafka.Plugin()), plugintest.Fixture{
		Config: at(nil), Secrets: secrets, Golden: "testdata/shop.golden.jsonl", Replace: topicIDs(t, s.admin), Address: "registry.url", Grants: grants.tried(), Scale: scale,
		BadConfigs: []plugintest.BadConfig{
			{Name: "a user that is refused", Config: at(map[string]any{"user": "stranger"}), Secrets: secrets, Class: sdk.ClassAuth},
			{Name: "wrong token", Config: at(nil), Secrets: with("registry.token", "canary-wrong"), Class: sdk.ClassDenied},
			{Name: "no broker there", Config: at(map[string]any{"brokers": nobody, "connectTimeout": "150ms"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: at(map[string]any{"brokers": []string{"nowhere.invalid:9092"}, "connectTimeout": "150ms"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "no broker", Config: json.RawMessage(`{"brokers":[]}`), Class: sdk.ClassConfig, Field: "brokers"},
			{Name: "a user in an address", Config: at(map[string]any{"brokers": []string{"souk:canary-in-url@db:9092"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "brokers"},
			{Name: "a stranger's authority", Config: at(map[string]any{"authorities": stranger, "connectTimeout": "500ms"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "transport"},
			{Name: "a registry in clear", Config: at(map[string]any{"http": map[string]any{}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "registry.url"},
			{Name: "no pattern", Config: at(map[string]any{"includeTopics": []string{"a[b"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "includeTopics"},
		},
		Mutations: []plugintest.Mutation{{
			Name: "a topic comes",
			Do: func(ctx context.Context) error {
				_, err := s.admin.CreateTopic(ctx, 1, 1, nil, "returns")
				return err
			},
			Undo: func(ctx context.Context) error {
				_, err := s.admin.DeleteTopic(ctx, "returns")
				return err
			},
			Added: []string{"asset kafka://shop:9092 returns"},
		}},
	})
}
