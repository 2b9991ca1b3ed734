package glue_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/glue"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(glue.Plugin())) }

func TestPlugin(t *testing.T) {
	e := newEmulator(t, "eu-west-1")
	e.shop()
	address := e.remembered()
	config := func(change map[string]any) json.RawMessage {
		c := map[string]any{"endpoint": address, "region": e.region, "accessKeyId": "AKIASOUK", "http": map[string]any{"transport": "clear"}}
		maps.Copy(c, change)
		maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	secrets := map[string]string{"secretAccessKey": "canary-of-the-secret-key", "sessionToken": "canary-of-the-session-token"}
	wide := newFake()
	wide.lists["GetTables/a"] = []object{{"Name": "wide", "StorageDescriptor": object{"Columns": manyColumns(6000)}}}
	sales := "arn:aws:glue:eu-west-1:" + e.account + ":database/sales"
	extra := &types.TableInput{Name: aws.String("extra"), StorageDescriptor: at("s3://souk-lake/sales/extra", column("id", "int", ""))}
	plugintest.Run(t, sdk.Register(glue.Plugin()), plugintest.Fixture{
		Config: config(nil), Secrets: secrets, Golden: "testdata/shop.golden.jsonl", Replace: e.stand,
		Wide: config(map[string]any{"endpoint": wide.start(t), "jobs": "skip", "tags": "skip"}),
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return config(map[string]any{"endpoint": withTables(n).start(t), "jobs": "skip", "tags": "skip"})
		}),
		Mutations: []plugintest.Mutation{{
			Name: "a table comes", Added: []string{"asset arn:aws:glue:eu-west-1:123456789012 table/sales/extra"},
			Do: change(e, func(ctx context.Context) (*client.CreateTableOutput, error) {
				return e.client.CreateTable(ctx, &client.CreateTableInput{DatabaseName: aws.String("sales"), TableInput: extra})
			}),
			Undo: change(e, func(ctx context.Context) (*client.DeleteTableOutput, error) {
				return e.client.DeleteTable(ctx, &client.DeleteTableInput{DatabaseName: aws.String("sales"), Name: extra.Name})
			}),
		}, {
			Name: "a tag comes", Changed: []string{"asset arn:aws:glue:eu-west-1:123456789012 database/sales"},
			Do: change(e, func(ctx context.Context) (*client.TagResourceOutput, error) {
				return e.client.TagResource(ctx, &client.TagResourceInput{ResourceArn: &sales, TagsToAdd: map[string]string{"new": "yes"}})
			}),
			Undo: change(e, func(ctx context.Context) (*client.UntagResourceOutput, error) {
				return e.client.UntagResource(ctx, &client.UntagResourceInput{ResourceArn: &sales, TagsToRemove: []string{"new"}})
			}),
		}},
		BadConfigs: []plugintest.BadConfig{
			{Name: "no endpoint", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "endpoint"},
			{Name: "not encrypted", Config: config(map[string]any{"http": nil}), Secrets: secrets, Class: sdk.ClassConfig, Field: "endpoint"},
			{Name: "no key", Config: config(map[string]any{"accessKeyId": nil}), Secrets: secrets, Class: sdk.ClassConfig, Field: "accessKeyId"},
			{Name: "no secret", Config: config(nil), Class: sdk.ClassConfig, Field: "secretAccessKey"},
			{Name: "no database fits", Config: config(map[string]any{"databases": []string{"none_*"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "databases"},
			{Name: "no pattern", Config: config(map[string]any{"excludeDatabases": []string{"["}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "excludeDatabases"},
			{Name: "too many runs", Config: config(map[string]any{"runs": 100}), Secrets: secrets, Class: sdk.ClassConfig, Field: "runs"},
			{Name: "no account", Config: config(map[string]any{"region": "eu-north-1"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "account"},
			{Name: "no server", Config: config(map[string]any{"endpoint": "http://127.0.0.1:1"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(map[string]any{"endpoint": "http://glue.acme.invalid"}), Secrets: secrets, Class: sdk.ClassUnavailable},
		},
	})
}
