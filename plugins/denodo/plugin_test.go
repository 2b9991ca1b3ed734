package denodo_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
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
	shop := newShop()
	address := shop.start(t)
	plugintest.Run(t, sdk.Register(denodo.Plugin()), plugintest.Fixture{
		Config: config(t, address, nil), Secrets: secrets, Golden: "testdata/shop.golden.jsonl",
		Wide: config(t, of(1, 5001).start(t), object{"includeDatabases": []string{"crm"}}),
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return config(t, of(n, 1).start(t), object{"includeDatabases": []string{"crm"}})
		}),
		Mutations: []plugintest.Mutation{{
			Name: "a view comes", Added: []string{"asset denodo://acme:9996 crm.more", "edge denodo://acme:9996 crm.accounts -> denodo://acme:9996 crm.more DERIVES"},
			Do: shop.change(func() {
				shop.view("crm", "more", "derived", "-", "/", "id:int")
				shop.procedures["VIEW_DEPENDENCIES"].add("crm", "more", "Select", "f", "crm", "accounts", "Base View", "1")
			}),
			Undo: shop.change(func() { *shop.procedures["GET_VIEWS"] = shop.procedures["GET_VIEWS"].without("more") }),
		}, {
			Name: "a privilege is lost", Incomplete: []string{"database:crm", "server"}, Changed: []string{"asset denodo://acme:9996 admin", "asset denodo://acme:9996 crm", "asset denodo://acme:9996 shop"},
			Do: shop.change(func() { plain(shop); privileges(shop, "crm", "f") }),
			Undo: shop.change(func() {
				shop.procedures["GET_CATALOG_EFFECTIVE_PERMISSIONS"].rows = newShop().procedures["GET_CATALOG_EFFECTIVE_PERMISSIONS"].rows
			}),
		}},
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

// of is a server with a number of views, each with so many columns.
func of(views, fields int) *fake {
	f := newShop()
	for i := range views {
		f.view("crm", "v"+strconv.Itoa(i), "materialized", "-", "/", "")
		for j := range fields {
			f.procedures["GET_VIEW_COLUMNS"].add("crm", "v"+strconv.Itoa(i), "c"+strconv.Itoa(j), "int", "INTEGER", "0", "0", "false", "t", "", strconv.Itoa(j+1))
		}
	}
	return f
}

// change gives a change of the server, made between two of its answers.
func (f *fake) change(do func()) func(context.Context) error {
	return func(context.Context) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		do()
		return nil
	}
}

// without is the procedure without the rows of a view of the database crm.
func (p *procedure) without(view string) procedure {
	rest := *p
	rest.rows = slices.DeleteFunc(slices.Clone(p.rows), func(r []string) bool { return r[0] == "crm" && r[1] == view })
	return rest
}
