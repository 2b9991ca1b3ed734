package dataset_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

func TestFromURI(t *testing.T) {
	id := func(kind, namespace, name string) dataset.Dataset {
		return dataset.Dataset{ID: sdk.NativeID{Namespace: namespace, Name: name}, Kind: kind}
	}
	for text, want := range map[string]dataset.Dataset{
		"s3://lake/raw/orders.csv":                           id("FILE", "s3://lake", "raw/orders.csv"),
		"s3a://lake/raw/":                                    id("FILE", "s3://lake", "raw"),
		"gs://Bucket/a b/ü":                                  id("FILE", "gs://Bucket", "a b/ü"),
		"abfss://box@shop.dfs.core.windows.net/x/y":          id("FILE", "abfss://box@shop.dfs.core.windows.net", "x/y"),
		"wasbs://box@shop.blob.core.windows.net/x":           id("FILE", "wasbs://box@shop.blob.core.windows.net", "x"),
		"hdfs://names:8020/warehouse/x":                      id("FILE", "hdfs://names:8020", "/warehouse/x"),
		"file:///srv/x.csv":                                  id("FILE", "file", "/srv/x.csv"),
		"file://host/srv/x.csv":                              id("FILE", "file://host", "/srv/x.csv"),
		"postgres://DB.example/shop/public/orders":           id("TABLE", "postgres://db.example:5432", "shop.public.orders"),
		"postgresql://u:p@db.example:5433/shop/public/or.de": id("TABLE", "postgres://db.example:5433", `shop.public."or.de"`),
		"mysql://db/shop/orders":                             id("TABLE", "mysql://db:3306", "shop.orders"),
		"mongodb://db/shop/orders":                           id("TABLE", "mongodb://db:27017", "shop.orders"),
		"trino://t:8443/hive/s/t":                            id("TABLE", "trino://t:8443", "hive.s.t"),
		"snowflake://acme/DB/S/T":                            id("TABLE", "snowflake://acme", "DB.S.T"),
		"bigquery://project/dataset/table":                   id("TABLE", "bigquery", "project.dataset.table"),
		"kafka://broker:9092/orders.v1":                      id("TOPIC", "kafka://broker:9092", "orders.v1"),
	} {
		if got, ok := dataset.FromURI(text); !ok || got != want {
			t.Errorf("%s: %s", text, cmp.Diff(want, got))
		}
	}
	for text, want := range map[string]string{"s3://lake/raw/orders.csv": "orders.csv", "postgres://db/shop/public/or.de": "or.de", "kafka://b/orders.v1": "orders.v1"} {
		if got, _ := dataset.FromURI(text); got.Short() != want {
			t.Errorf("%s: got %s", text, got.Short())
		}
	}
	if got := (dataset.Dataset{ID: sdk.NativeID{Namespace: "pubsub", Name: "topic:acme:out"}, Kind: "TOPIC"}).Short(); got != "out" {
		t.Error(got)
	}
	for _, text := range []string{"", "orders", "x-own://a/b", "s3://lake", "s3:///key", "postgres:///db/s/t", "bigquery://project", "mailto:a@b", "https://host/x", "://", "a b://c/d", "file:"} {
		if got, ok := dataset.FromURI(text); ok {
			t.Errorf("%s: got %v", text, got)
		}
	}
}
