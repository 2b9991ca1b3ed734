package airflow_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/souk-mesh/souk/plugins/airflow"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(airflow.Plugin())) }

func TestPlugin(t *testing.T) {
	for _, major := range []string{"2", "3"} {
		t.Run(major, func(t *testing.T) {
			address := load(t, major).start(t)
			config := func(url string, more map[string]any) json.RawMessage {
				c := map[string]any{"url": url, "user": user, "namespace": "airflow://shop", "http": map[string]any{"transport": "clear", "requestsPerSecond": 1000}}
				maps.Copy(c, more)
				text, err := json.Marshal(c)
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			secrets := map[string]string{"password": password}
			var scale *plugintest.Scale
			if major == "3" { // the ways of both are one
				scale = plugintest.Sized(secrets, func(n int) json.RawMessage {
					return config(sized(t, n), map[string]any{"http": map[string]any{"transport": "clear", "requestsPerSecond": 10_000}})
				})
			}
			plugintest.Run(t, sdk.Register(airflow.Plugin()), plugintest.Fixture{
				Config: config(address, nil), Secrets: secrets, Golden: "testdata/airflow-" + major + ".golden.jsonl", Scale: scale,
				BadConfigs: []plugintest.BadConfig{
					{Name: "wrong password", Config: config(address, nil), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
					{Name: "no password", Config: config(address, nil), Class: sdk.ClassConfig, Field: "password"},
					{Name: "no user", Config: config(address, map[string]any{"user": ""}), Class: sdk.ClassConfig, Field: "user"},
					{Name: "no server", Config: config("http://127.0.0.1:1", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
					{Name: "unknown host", Config: config("http://none.invalid", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
					{Name: "another path", Config: config(address+"/airflow", nil), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
					{Name: "too many runs", Config: config(address, map[string]any{"runs": 100}), Secrets: secrets, Class: sdk.ClassConfig, Field: "runs"},
				},
			})
		})
	}
}
