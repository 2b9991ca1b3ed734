package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/postgres"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(postgres.Plugin())) }

func TestPlugin(t *testing.T) {
	s := newShop(t)
	grants := s.tryGrants()
	u, err := url.Parse(s.config.URL)
	if err != nil {
		t.Fatal(err)
	}
	at := func(host, path, partitions string) json.RawMessage {
		other := *u
		other.Host, other.Path = host, path
		return asJSON(t, map[string]any{"url": other.String(), "namespace": "postgres://shop:5432", "partitions": partitions, "transport": "clear", "grants": map[string]string{"role": s.config.Grants.Role}})
	}
	secrets := map[string]string{"password": s.config.Password, "grants.password": s.config.Grants.Password}
	plugintest.Run(t, sdk.Register(postgres.Plugin()), plugintest.Fixture{
		Config: at(u.Host, u.Path, "fold"), Secrets: secrets,
		Golden: "testdata/shop.golden.jsonl", Replace: s.stand(), Grants: grants, Scale: plugintest.Sized(map[string]string{"password": s.config.Password}, func(n int) json.RawMessage { return sized(t, n) }),
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: at(u.Host, u.Path, "fold"), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no such database", Config: at(u.Host, "/postgres_absent", "fold"), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "no server", Config: at("127.0.0.1:1", u.Path, "fold"), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: at("none.invalid", u.Path, "fold"), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "no URL", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "url"},
			{Name: "unknown choice", Config: at(u.Host, u.Path, "some"), Secrets: secrets, Class: sdk.ClassConfig, Field: "partitions"},
			{Name: "password in the URL", Config: asJSON(t, map[string]string{"url": "postgres://souk:canary-in-url@db/shop"}), Class: sdk.ClassConfig, Field: "url"},
		},
	})
}

// sized is a database of n tables, made some at a time: a server keeps a lock of
// each until it commits.
func sized(t *testing.T, n int) json.RawMessage {
	t.Helper()
	s := newDatabase(t, "")
	run(t, s.admin, "create schema many", "grant usage on schema many to "+s.role, `create procedure make_tables(n int) language plpgsql as $$ begin
		for i in 1..n loop
			execute format('create table many.t%s (id int not null, day date)', i);
			if i % 500 = 0 then commit; end if;
		end loop; end $$`, fmt.Sprintf("call make_tables(%d)", n))
	return asJSON(t, map[string]any{"url": s.config.URL, "transport": "clear", "namespace": s.config.Namespace})
}

// tryGrants makes the role that gives rights, and one of a person.
func (s *shop) tryGrants() *plugintest.Grants {
	s.t.Helper()
	writer, person := s.database+"_writer", s.database+"_person"
	run(s.t, s.admin, "create role "+writer+" login password 'canary-writer'", "create role "+person, "grant connect on database "+s.database+" to "+writer,
		"grant usage on schema crm to "+writer+" with grant option", "grant select on crm.customer to "+writer+" with grant option", "create schema souk_grants authorization "+writer)
	s.after("drop owned by "+writer+" cascade", "drop role "+person, "drop role "+writer)
	s.config.Grants = postgres.Grants{Role: writer, Password: "canary-writer"}
	return &plugintest.Grants{
		Grant: sdk.Grant{ID: "g1", Asset: sdk.NativeID{Namespace: "postgres://shop:5432", Name: s.database + ".crm.customer"}, Role: person, Fields: []string{"id", "country"}},
		Change: func(ctx context.Context) error {
			_, err := s.admin.Exec(ctx, "grant select (notes) on crm.customer to "+person)
			return err
		},
		Undo: func(ctx context.Context) error {
			_, err := s.admin.Exec(ctx, "revoke select (notes) on crm.customer from "+person)
			return err
		},
	}
}

// stand puts fixed words in the place of what is another in each database.
func (s *shop) stand() map[string]string {
	s.t.Helper()
	words := map[string]string{s.database: "shop", `"ownerRoles":["` + s.owner() + `"]`: `"ownerRoles":["OWNER"]`}
	m := s.harvest()
	for _, all := range []map[string]*sdk.Asset{m.assets, m.holders} {
		for _, a := range all {
			catalogue, _, _ := strings.Cut(a.StableID, ":")
			words[`"`+a.StableID+`"`] = `"` + catalogue + `:OID"`
			if a.Definition != "" { // which each version writes in its own way
				words[encoded(s.t, a.Definition)] = `"SQL"`
			}
		}
	}
	return words
}

// encoded is the text as the golden file has it.
func encoded(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

func asJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// serverAddress is that of a real PostgreSQL, which CI always has.
func serverAddress(t *testing.T) string {
	t.Helper()
	address := os.Getenv("SOUK_TEST_POSTGRES_URL")
	switch {
	case address != "":
	case os.Getenv("SOUK_TEST_SKIP") == "never":
		t.Fatal("SOUK_TEST_POSTGRES_URL is not set, and SOUK_TEST_SKIP forbids to skip")
	default:
		t.Skip("SOUK_TEST_POSTGRES_URL is not set; .ci/postgres starts a server and prints it")
	}
	return address
}
