package mysql_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/mysql"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(mysql.Plugin())) }

func TestPlugin(t *testing.T) {
	s := newShop(t)
	grants := s.tryGrants()
	at := func(address string, more map[string]any) json.RawMessage {
		config := map[string]any{
			"url": address, "namespace": "mysql://shop:3306", "authorities": s.config.Authorities,
			"includeDatabases": []string{s.crm, s.other},
			"grants":           map[string]any{"user": s.config.Grants.User, "database": s.config.Grants.Database},
		}
		maps.Copy(config, more)
		return asJSON(t, config)
	}
	elsewhere, err := url.Parse(s.config.URL)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.Host = "127.0.0.1:1"
	secrets := map[string]string{"password": s.config.Password, "grants.password": s.config.Grants.Password}
	scale := plugintest.Sized(map[string]string{"password": "canary-secret"}, func(n int) json.RawMessage {
		c := sized(t, n)
		return asJSON(t, map[string]any{"url": c.URL, "namespace": c.Namespace, "transport": c.Transport})
	})
	scale.Most = 50_000 // of which each takes some 6 KB of memory
	plugintest.Run(t, sdk.Register(mysql.Plugin()), plugintest.Fixture{
		Config: at(s.config.URL, nil), Secrets: secrets, Scale: scale,
		Golden: "testdata/shop.golden.jsonl", Replace: map[string]string{s.crm: "crm", s.other: "other"}, Grants: grants,
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

// tryGrants makes a user of a person, and that which gives rights.
func (s *shop) tryGrants() *plugintest.Grants {
	s.t.Helper()
	person, column := s.user+"_person", "grant select (kind) on "+s.crm+".customers to "+s.user+"_person"
	s.run("create user " + person)
	s.givesRights(s.crm + ".customers")
	s.server.After("drop user " + person)
	try := func(statement string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := s.admin.ExecContext(ctx, statement)
			return err
		}
	}
	return &plugintest.Grants{
		Grant:  sdk.Grant{ID: "g1", Asset: sdk.NativeID{Namespace: "mysql://shop:3306", Name: s.crm + ".customers"}, Role: "'" + person + "'@'%'", Fields: []string{"id", "mail"}},
		Change: try(column), Undo: try(strings.NewReplacer("grant ", "revoke ", " to ", " from ").Replace(column)),
	}
}

func asJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
