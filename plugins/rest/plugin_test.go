package rest_test

import (
	"encoding/json"
	"testing"

	"github.com/souk-mesh/souk/plugins/rest"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(rest.Plugin())) }

func TestPlugin(t *testing.T) {
	fake := &hubspot{token: "canary-of-hubspot"}
	address := fake.start(t)
	config := func(url, mapping, auth string) json.RawMessage {
		return asJSON(t, map[string]any{"url": url, "mapping": mapping, "auth": auth, "http": map[string]any{"transport": "clear", "requestsPerSecond": 1000}})
	}
	mapping, secrets := example(t, 0), map[string]string{"credential": fake.token}
	plugintest.Run(t, sdk.Register(rest.Plugin()), plugintest.Fixture{
		Config: config(address, mapping, "bearer"), Secrets: secrets, Golden: "testdata/hubspot.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return asJSON(t, map[string]any{"url": sized(t, n), "mapping": paged, "auth": "bearer", "http": map[string]any{"transport": "clear", "requestsPerSecond": 1000}})
		}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong token", Config: config(address, mapping, "bearer"), Secrets: map[string]string{"credential": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no token", Config: config(address, mapping, "bearer"), Class: sdk.ClassConfig, Field: "credential"},
			{Name: "no server", Config: config("http://127.0.0.1:1", mapping, "bearer"), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config("http://none.invalid", mapping, "bearer"), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "another API", Config: config(address+"/v9", mapping, "bearer"), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "no mapping", Config: config(address, " ", "bearer"), Secrets: secrets, Class: sdk.ClassConfig, Field: "mapping"},
			{Name: "unknown way", Config: config(address, mapping, "kerberos"), Class: sdk.ClassConfig, Field: "auth"},
			{Name: "nothing", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "url"},
		},
	})
}
