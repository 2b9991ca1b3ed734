package atlas_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/souk-mesh/souk/plugins/atlas"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) {
	plugintest.Main(m, sdk.Register(atlas.Plugin()), sdk.Register(atlas.Purview()))
}

func config(t *testing.T, base object, more object) json.RawMessage {
	t.Helper()
	c := object{"http": object{"transport": "clear", "requestsPerSecond": 1000}}
	maps.Copy(c, base)
	maps.Copy(c, more)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// fast is the pace at which a large source is read.
var fast = object{"transport": "clear", "requestsPerSecond": 10_000}

func TestAtlas(t *testing.T) {
	address := start(t, load(t))
	base := object{"url": address, "user": user, "namespace": "atlas://shop", "clusters": object{"cl1": "hive://metastore.example:9083"}}
	secrets := map[string]string{"password": password}
	plugintest.Run(t, sdk.Register(atlas.Plugin()), plugintest.Fixture{
		Config: config(t, base, nil), Secrets: secrets, Golden: "testdata/atlas-2.1.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			f := load(t)
			tables(f, numbered(n)...)
			return config(t, base, object{"url": start(t, f), "http": fast})
		}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: config(t, base, nil), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no password", Config: config(t, base, nil), Class: sdk.ClassConfig, Field: "password"},
			{Name: "no server", Config: config(t, base, object{"url": "http://127.0.0.1:1"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(t, base, object{"url": "http://none.invalid"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "another path", Config: config(t, base, object{"url": address + "/x"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
		},
	})
}

func TestPurview(t *testing.T) {
	address := start(t, newPurview())
	base := object{"url": address, "login": address, "tenant": tenant, "clientId": "souk", "namespace": "purview://acme"}
	secrets := map[string]string{"clientSecret": secret}
	plugintest.Run(t, sdk.Register(atlas.Purview()), plugintest.Fixture{
		Config: config(t, base, nil), Secrets: secrets, Address: "url", Golden: "testdata/purview.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			address := start(t, manyAssets(n))
			return config(t, base, object{"url": address, "login": address, "http": fast})
		}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong secret", Config: config(t, base, nil), Secrets: map[string]string{"clientSecret": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "another tenant", Config: config(t, base, object{"tenant": "none"}), Secrets: secrets, Class: sdk.ClassAuth},
			{Name: "no tenant", Config: config(t, base, object{"tenant": "a/b"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "tenant"},
			{Name: "no server", Config: config(t, base, object{"url": "http://127.0.0.1:1"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "another path", Config: config(t, base, object{"url": address + "/x"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
		},
	})
}
