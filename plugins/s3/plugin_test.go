package s3_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/souk-mesh/souk/plugins/s3"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(s3.Plugin())) }

func TestPlugin(t *testing.T) {
	e := newEmulator(t)
	e.bucket("souk-shop", shop(t))
	e.bucket("souk-empty", nil)
	config := func(change map[string]any) json.RawMessage {
		c := map[string]any{"endpoint": e.url, "region": "us-east-1", "accessKeyId": "AKIASOUK", "http": map[string]any{"transport": "clear"}, "buckets": []string{"souk-shop", "souk-e*"}}
		for name, value := range change {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	secrets := map[string]string{"secretAccessKey": "canary-of-the-secret-key", "sessionToken": "canary-of-the-session-token"}
	fake := newFake(t)
	at := func(change map[string]any) json.RawMessage {
		change["endpoint"] = fake.URL
		return config(change)
	}
	plugintest.Run(t, sdk.Register(s3.Plugin()), plugintest.Fixture{
		Config: config(nil), Secrets: secrets, Golden: "testdata/shop.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			listing := newListing(t, n, func(i int) string { return fmt.Sprintf("tenants/t%06d/orders.csv", i) })
			return config(map[string]any{"endpoint": listing.URL, "buckets": []string{"big"}})
		}),
		Mutations: []plugintest.Mutation{{
			Name: "a new file", Added: []string{"asset s3://souk-shop in/new.csv"}, Changed: []string{"asset s3://souk-shop /"},
			Do:   func(context.Context) error { e.put("souk-shop", "in/new.csv", "a,b\n1,2\n"); return nil },
			Undo: func(ctx context.Context) error { return e.remove(ctx, "souk-shop", "in/new.csv") },
		}},
		BadConfigs: []plugintest.BadConfig{
			{Name: "no endpoint", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "endpoint"},
			{Name: "not encrypted", Config: config(map[string]any{"http": nil}), Secrets: secrets, Class: sdk.ClassConfig, Field: "endpoint"},
			{Name: "no key", Config: config(map[string]any{"accessKeyId": nil}), Secrets: secrets, Class: sdk.ClassConfig, Field: "accessKeyId"},
			{Name: "no secret", Config: config(nil), Class: sdk.ClassConfig, Field: "secretAccessKey"},
			{Name: "no such bucket", Config: config(map[string]any{"buckets": []string{"souk-absent"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "buckets"},
			{Name: "no bucket fits", Config: config(map[string]any{"buckets": []string{"souk-none-*"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "buckets"},
			{Name: "folders in one another", Config: config(map[string]any{"prefixes": []string{"a/b", "a/b/c"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "prefixes"},
			{Name: "no server", Config: config(map[string]any{"endpoint": "http://127.0.0.1:1"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(map[string]any{"endpoint": "http://s3.acme.invalid"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "wrong secret", Config: at(map[string]any{"buckets": []string{"wrong"}}), Secrets: secrets, Class: sdk.ClassAuth},
			{Name: "expired token", Config: at(map[string]any{"buckets": []string{"expired"}}), Secrets: secrets, Class: sdk.ClassAuth},
			{Name: "denied", Config: at(map[string]any{"buckets": []string{"denied"}}), Secrets: secrets, Class: sdk.ClassDenied},
		},
	})
}
