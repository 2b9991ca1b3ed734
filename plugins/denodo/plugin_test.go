package denodo_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/souk-mesh/souk/plugins/denodo"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(denodo.Plugin())) }

type object = map[string]any

func config(t *testing.T, address string, more object) json.RawMessage {
	t.Helper()
	all := object{"url": "denodo://" + user + "@" + address, "namespace": "denodo://acme:9996", "transport": "clear"}
	maps.Copy(all, more)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var secrets = map[string]string{"password": password}

func TestPlugin(t *testing.T) {
	address := newShop().start(t)
	plugintest.Run(t, sdk.Register(denodo.Plugin()), plugintest.Fixture{
		Config: config(t, address, nil), Secrets: secrets, Golden: "testdata/shop.golden.jsonl",
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: config(t, address, nil), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no such database", Config: config(t, address+"/none", nil), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "no server", Config: config(t, "127.0.0.1:1", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(t, "none.invalid", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "not encrypted", Config: config(t, address, object{"transport": "verified"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "transport"},
			{Name: "a password in the URL", Config: config(t, "x", object{"url": "denodo://souk:canary-in-url@vdp"}), Class: sdk.ClassConfig, Field: "url"},
			{Name: "another system", Config: config(t, "x", object{"url": "postgres://souk@vdp"}), Class: sdk.ClassConfig, Field: "url"},
			{Name: "no place", Config: config(t, address, object{"dataSources": object{"shop": "x"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "dataSources"},
			{Name: "no time", Config: config(t, address, object{"timeout": "0s"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "timeout"},
		},
	})
}
