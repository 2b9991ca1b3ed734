package amundsen

import (
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// place is where a table stands in Amundsen. Its key is made of the parts, and
// the parts cannot be told from a key whose cluster or schema has a dot.
type place struct {
	Database string `json:"database"`
	Cluster  string `json:"cluster"`
	Schema   string `json:"schema"`
	Name     string `json:"name"`
}

func (p place) key() string {
	return p.schemaKey() + "/" + p.Name
}

func (p place) schemaKey() string {
	return p.Database + "://" + p.Cluster + "." + p.Schema
}

// parseKey takes a key apart at its first dot and slash.
func parseKey(key string) (place, bool) {
	database, rest, ok := strings.Cut(key, "://")
	holder, name, named := strings.Cut(rest, "/")
	cluster, schema, dotted := strings.Cut(holder, ".")
	p := place{database, cluster, schema, name}
	return p, ok && named && dotted && database != "" && cluster != "" && schema != "" && name != ""
}

// withCluster are the databases whose cluster is what they call a database,
// project or catalog, and so a part of a table's name elsewhere.
var withCluster = map[string]bool{
	"postgres": true, "postgresql": true, "redshift": true, "snowflake": true, "mssql": true, "sqlserver": true, "bigquery": true, "trino": true, "presto": true, "databricks": true,
}

// names gives the names of assets.
type names struct {
	namespace string
	sources   map[string]string
}

// parseSource takes postgres://host:port/prefix apart.
func parseSource(text string) (namespace, prefix string, known bool) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text, "", text == "bigquery"
	}
	host, prefix, _ := strings.Cut(rest, "/")
	return scheme + "://" + host, strings.Trim(prefix, "/"), scheme != "" && host != ""
}

// of names what stands at a place, or the schema where the place has no name,
// so that it meets what its own source shows, where that is known.
func (n names) of(p place) sdk.NativeID {
	if p.Schema == "" { // a key that nobody can take apart
		return sdk.NativeID{Namespace: n.namespace, Name: p.Name}
	}
	source := n.sources[p.Database+"://"+p.Cluster]
	if source == "" {
		source = n.sources[p.Database]
	}
	if source == "" && p.Database == "bigquery" {
		source = "bigquery" // whose projects are their own names
	}
	if source == "" {
		if p.Name == "" {
			return sdk.NativeID{Namespace: n.namespace, Name: p.schemaKey()}
		}
		return sdk.NativeID{Namespace: n.namespace, Name: p.key()}
	}
	namespace, prefix, _ := parseSource(source)
	if prefix == "" && withCluster[p.Database] {
		prefix = p.Cluster
	}
	return sdk.NativeID{Namespace: namespace, Name: sdk.JoinName(prefix, p.Schema, p.Name)}
}
