package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/parquet-go/parquet-go"

	"github.com/souk-mesh/souk/plugins/internal/aws/awstest"
)

// emulator is moto, with a client that writes.
type emulator struct {
	t      *testing.T
	url    string
	client *client.Client
}

func newEmulator(t *testing.T) *emulator {
	t.Helper()
	e := &emulator{t: t, url: awstest.URL(t)}
	e.client = client.New(client.Options{
		Region: "us-east-1", BaseEndpoint: &e.url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("writer", "writer-secret", ""),
	})
	return e
}

// bucket makes a bucket anew with the objects, in the order of no one.
func (e *emulator) bucket(name string, objects map[string]string) {
	e.t.Helper()
	e.drop(name)
	if _, err := e.client.CreateBucket(e.t.Context(), &client.CreateBucketInput{Bucket: &name}); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { e.drop(name) })
	for key, content := range objects {
		e.put(name, key, content)
	}
}

func (e *emulator) put(bucket, key, content string) {
	e.t.Helper()
	in := &client.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte(content))}
	if _, err := e.client.PutObject(e.t.Context(), in); err != nil {
		e.t.Errorf("put %q: %v", key, err)
	}
}

func (e *emulator) remove(ctx context.Context, bucket, key string) error {
	_, err := e.client.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: &bucket, Key: &key})
	return err
}

func (e *emulator) drop(bucket string) {
	ctx := context.WithoutCancel(e.t.Context())
	pages := client.NewListObjectsV2Paginator(e.client, &client.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return
		}
		for _, o := range page.Contents {
			_, _ = e.client.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: &bucket, Key: o.Key})
		}
	}
	_, _ = e.client.DeleteBucket(ctx, &client.DeleteBucketInput{Bucket: &bucket})
}

type order struct {
	ID    int64   `parquet:"id"`
	Price float64 `parquet:"price,optional"`
}

// shop is a small lake with one of each.
func shop(t *testing.T) map[string]string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[order](&b)
	if _, err := w.Write(make([]order, 3)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	objects := map[string]string{
		"in/countries.csv": "code,name\nDE,canary-value\n", "in/orders-2024-01-01.csv": "id;day\n1;2024-01-01\n", "in/orders-2024-01-02.csv": "id;day\n2;2024-01-02\n",
		"events/2024/01/31/app.jsonl":                     `{"id": 1, "who": {"name": "canary-value"}}` + "\n",
		"lake/broken/part-0.parquet":                      "this is no parquet",
		"lake/delta/_delta_log/00000000000000000000.json": `{"metaData":{"id":"1","schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[]}}`,
		"lake/delta/part-00000-a.snappy.parquet":          "x",
		"lake/iceberg/metadata/00000-a.metadata.json":     `{"format-version":2,"current-schema-id":0,"schemas":[{"schema-id":0,"fields":[{"id":1,"name":"id","required":true,"type":"long"}]}]}`,
		"lake/iceberg/data/00000-0-a.parquet":             "x",
		"photos/cat.jpg":                                  "x",
		"odd/it's \"quoted\" & <angled>.csv":              "a,b\n1,2\n",
		"odd/😀+%20 ü.csv":                                 "a,b\n1,2\n",
		"odd/case.csv":                                    "a,b\n1,2\n",
		"odd/Case.csv":                                    "a,b\n1,2\n",
		"odd/" + strings.Repeat("é", 500) + ".csv":        "a,b\n1,2\n",
	}
	for i := range 3 {
		objects[fmt.Sprintf("lake/orders/day=2024-01-%02d/part-00000.parquet", i+1)] = b.String()
	}
	return objects
}
