package trino_test

import (
	"context"
	"encoding/json"
	"fmt"
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
		Wide: config(t, start(t, wide(t)), object{"includeCatalogs": []string{"memory"}, "excludeCatalogs": []string{}}),
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return config(t, start(t, sized(t, n)), object{"includeCatalogs": []string{"memory"}, "excludeCatalogs": []string{}})
		}),
		Mutations: []plugintest.Mutation{{
			Name: "two names differ in capitals alone", Incomplete: []string{"catalog:shop"}, Do: f.change(f.Twins), Undo: f.change(load(t).Statements),
			Removed: []string{
				"asset trino://acme:8443 shop.odd", "asset trino://acme:8443 shop.public", `asset postgres://db.example:5432 shop.odd."a.b ""c"" 🐪"`,
				"asset postgres://db.example:5432 shop.public.big", "asset postgres://db.example:5432 shop.public.customers", "asset postgres://db.example:5432 shop.public.orders",
			},
		}},
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

// change gives a change of what is told of statements.
func (f *fake) change(told map[string]statement) func(context.Context) error {
	return func(context.Context) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		maps.Copy(f.Statements, told)
		return nil
	}
}

// sized is a cluster with n tables.
func sized(t *testing.T, n int) *fake {
	t.Helper()
	f := load(t)
	f.size = 5000
	tables, columns := statement{}, statement{}
	for i := range n {
		name := fmt.Sprintf("t%06d", i)
		tables.Data = append(tables.Data, []any{"default", name, "BASE TABLE"})
		columns.Data = append(columns.Data, []any{"default", name, "c", "integer", "YES", nil, nil})
	}
	f.Statements[tablesOf("memory")], f.Statements[columnsOf("memory")] = tables, columns
	return f
}

// wide is a cluster with a table of 5,001 columns.
func wide(t *testing.T) *fake {
	t.Helper()
	f := load(t)
	f.size = 5000
	columns := statement{}
	for i := range 5001 {
		columns.Data = append(columns.Data, []any{"default", "limits", fmt.Sprint("c", i), "integer", "YES", nil, nil})
	}
	f.Statements[columnsOf("memory")], f.Statements[tablesOf("memory")] = columns, statement{Data: [][]any{{"default", "limits", "BASE TABLE"}}}
	return f
}
