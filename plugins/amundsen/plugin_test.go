package amundsen_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/souk-mesh/souk/plugins/amundsen"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(amundsen.Plugin())) }

func config(t *testing.T, base, more object) json.RawMessage {
	t.Helper()
	c := maps.Clone(base)
	maps.Copy(c, more)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sources are what the shop's sources are called elsewhere.
var sources = object{"postgres://shop": "postgres://db.example:5432", "hive": "hive://metastore.example:9083"}

func TestPlugin(t *testing.T) {
	t.Parallel()
	address := load(t).start(t)
	base := object{"url": address, "search": address, "user": user, "namespace": "amundsen://shop", "sources": sources, "http": object{"transport": "clear", "requestsPerSecond": 1000}}
	secrets := map[string]string{"password": password}
	plugintest.Run(t, sdk.Register(amundsen.Plugin()), plugintest.Fixture{
		Config: config(t, base, nil), Secrets: secrets, Address: "url", Golden: "testdata/amundsen-3.13.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			address := sized(t, n)
			return config(t, base, object{"url": address, "search": address, "http": object{"transport": "clear", "requestsPerSecond": 10_000}})
		}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: config(t, base, nil), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no password", Config: config(t, base, nil), Class: sdk.ClassConfig, Field: "password"},
			{Name: "no server", Config: config(t, base, object{"url": "http://127.0.0.1:1"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(t, base, object{"url": "http://none.invalid"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "another path", Config: config(t, base, object{"url": address + "/x"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "another path of the search", Config: config(t, base, object{"search": address + "/x"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "search"},
			{Name: "neither service nor folder", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "url"},
			{Name: "both", Config: config(t, base, object{"folder": "x"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "folder"},
			{Name: "no namespace", Config: config(t, base, object{"sources": object{"hive": "the warehouse"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "sources"},
			{Name: "no key", Config: config(t, base, object{"tables": []string{"orders"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "tables"},
		},
	})
}
