package mysql_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"testing"

	"github.com/souk-mesh/souk/plugins/mysql"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(mysql.Plugin())) }

func TestPlugin(t *testing.T) {
	s := newShop(t)
	at := func(address string, more map[string]any) json.RawMessage {
		config := map[string]any{
			"url": address, "namespace": "mysql://shop:3306", "authorities": s.config.Authorities,
			"includeDatabases": []string{s.crm, s.other},
		}
		maps.Copy(config, more)
		return asJSON(t, config)
	}
	elsewhere, err := url.Parse(s.config.URL)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.Host = "127.0.0.1:1"
	secrets := map[string]string{"password": s.config.Password}
	plugintest.Run(t, sdk.Register(mysql.Plugin()), plugintest.Fixture{
		Config: at(s.config.URL, nil), Secrets: secrets,
		Golden: "testdata/shop.golden.jsonl", Replace: map[string]string{s.crm: "crm", s.other: "other"},
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: at(s.config.URL, nil), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no server", Config: at(elsewhere.String(), nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: at("mysql://souk@nowhere.invalid", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "no URL", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "url"},
			{Name: "password in the URL", Config: at("mysql://souk:canary-in-url@db", nil), Class: sdk.ClassConfig, Field: "url"},
			{Name: "parameters in the URL", Config: at("mysql://souk@db?allowAllFiles=true", nil), Class: sdk.ClassConfig, Field: "url"},
			{Name: "a database in the URL", Config: at("mysql://souk@db/shop", nil), Class: sdk.ClassConfig, Field: "url"},
			{Name: "unknown choice", Config: at(s.config.URL, map[string]any{"views": "some"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "views"},
			{Name: "a stranger's authority", Config: at(s.config.URL, map[string]any{"authorities": strangers(t)}), Secrets: secrets, Class: sdk.ClassConfig, Field: "transport"},
		},
	})
}

func asJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// serverAddress is that of a real MariaDB, which CI always has.
func serverAddress(t *testing.T) *url.URL {
	t.Helper()
	address := os.Getenv("SOUK_TEST_MARIADB_URL")
	switch {
	case address != "":
	case os.Getenv("SOUK_TEST_SKIP") == "never":
		t.Fatal("SOUK_TEST_MARIADB_URL is not set, and SOUK_TEST_SKIP forbids to skip")
	default:
		t.Skip("SOUK_TEST_MARIADB_URL is not set; .ci/mariadb starts a server and prints it")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("SOUK_TEST_MARIADB_URL is no URL")
	}
	return u
}
