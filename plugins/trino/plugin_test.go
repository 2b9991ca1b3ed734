package trino_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/souk-mesh/souk/plugins/trino"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(trino.Plugin())) }

func config(t *testing.T, address string, more object) json.RawMessage {
	t.Helper()
	c := object{
		"url": address, "user": user, "namespace": "trino://acme:8443", "excludeCatalogs": []string{"tpch", "broken", "memory"},
		"catalogs": object{"shop": "postgres://DB.example/shop"}, "http": object{"transport": "clear", "requestsPerSecond": 10000},
	}
	maps.Copy(c, more)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPlugin(t *testing.T) {
	f := load(t)
	f.size = 50
	address := start(t, f)
	plugintest.Run(t, sdk.Register(trino.Plugin()), plugintest.Fixture{
		Config: config(t, address, nil), Secrets: secrets, Golden: "testdata/trino-476.golden.jsonl",
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: config(t, address, nil), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no password", Config: config(t, address, nil), Class: sdk.ClassAuth},
			{Name: "no user", Config: config(t, address, object{"user": ""}), Secrets: secrets, Class: sdk.ClassConfig, Field: "user"},
			{Name: "two secrets", Config: config(t, address, nil), Secrets: map[string]string{"password": password, "token": token}, Class: sdk.ClassConfig, Field: "token"},
			{Name: "no server", Config: config(t, "http://127.0.0.1:1", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(t, "http://none.invalid", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "another path", Config: config(t, address+"/x", nil), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "no place", Config: config(t, address, object{"catalogs": object{"shop": "postgres://db"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "catalogs"},
		},
	})
}
