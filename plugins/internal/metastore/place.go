// Package metastore reads what those who share a catalog of Hive's kind, such as
// Glue or a Hive Metastore, keep in it in forms of their own: where the data of a
// table lies, what Spark, Iceberg and Delta write into its parameters, and how
// Presto and Trino wrap the SQL of a view. It owns these forms; it refuses to know
// any catalog.
package metastore

import (
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// Place gives the dataset at a location, as the plugin of the system that holds
// it names it. Keys of objects stand in a location as they are.
func Place(location string) (dataset.Dataset, bool) {
	scheme, rest, found := strings.Cut(location, "://")
	if !found || strings.Contains(location, "__PLACEHOLDER__") {
		return dataset.Dataset{}, false
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "s3", "s3a", "s3n", "gs":
		bucket, key, _ := strings.Cut(rest, "/")
		key = strings.TrimRight(strings.TrimSuffix(key, "*"), "/")
		if bucket == "" || key == "" {
			return dataset.Dataset{}, false
		}
		if scheme != "gs" {
			scheme = "s3"
		}
		return dataset.Dataset{ID: sdk.NativeID{Namespace: scheme + "://" + bucket, Name: key}, Kind: "FILE"}, true
	}
	escaped := (&url.URL{Path: rest}).EscapedPath()
	if d, ok := dataset.FromURI(scheme + "://" + escaped); ok {
		d.ID.Name = strings.TrimRight(d.ID.Name, "/")
		return d, d.ID.Name != ""
	}
	return dataset.Dataset{}, false
}

// IsStore tells whether a dataset is one of files.
func IsStore(id sdk.NativeID) bool {
	scheme, _, _ := strings.Cut(id.Namespace, ":")
	return slices.Contains([]string{"s3", "gs", "hdfs", "abfss", "wasbs", "file"}, scheme)
}
