package dbt

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// namespaceOf gives the OpenLineage namespace of the project's warehouse. A
// manifest holds no host, so that a person has to say it for most adapters.
func namespaceOf(configured, adapter string) (string, error) {
	if configured == "" && adapter == "bigquery" {
		return "bigquery", nil
	}
	if configured == "" {
		return "", sdk.Config("namespace", "a dbt manifest does not say which "+cmp.Or(adapter, "database")+" server it is for",
			"set the OpenLineage namespace of the warehouse, such as "+exampleOf(adapter))
	}
	scheme, rest, found := strings.Cut(configured, "://")
	if !found {
		return configured, nil
	}
	u, _ := url.Parse(configured) // nil for what is no URL, such as duckdb://C:\shop.db
	if u != nil && u.User != nil {
		return "", sdk.Config("namespace", "holds a user or a password", "write only the scheme, the host and the port")
	}
	scheme = strings.ToLower(scheme)
	if scheme == "postgresql" {
		scheme = "postgres"
	}
	ports := map[string]string{"postgres": "5432", "mysql": "3306", "mssql": "1433", "oracle": "1521", "redshift": "5439"}
	port, server := ports[scheme]
	if u == nil || !server {
		return scheme + "://" + rest, nil
	}
	return scheme + "://" + strings.ToLower(u.Hostname()) + ":" + cmp.Or(u.Port(), port), nil
}

func exampleOf(adapter string) string {
	examples := map[string]string{
		"snowflake": "snowflake://org-account", "duckdb": "duckdb://warehouse.duckdb",
		"mysql": "mysql://db.example:3306", "redshift": "redshift://cluster.region:5439",
		"sqlserver": "mssql://db.example:1433", "databricks": "unitycatalog://host",
		"spark": "spark://thrift.example:10000", "sqlite": "sqlite://shop.db",
	}
	return cmp.Or(examples[adapter], "postgres://db.example:5432")
}

// withoutDatabase lists the adapters whose tables have no database above the schema.
func withoutDatabase(adapter string) bool {
	return slices.Contains([]string{
		"mysql", "mysql5", "mariadb", "singlestore", "clickhouse", "spark", "hive",
		"impala", "starrocks", "doris", "sqlite",
	}, adapter)
}

// id names the node as the warehouse does. The relation name has the true
// case of quoted parts; the table is the alias or identifier, never the name.
// What no warehouse holds is named by its project, and by the warehouse that the
// project is built on: another one has an exposure of its own, over other tables.
func (p *project) id(n *node) sdk.NativeID {
	if !stored(n) {
		return sdk.NativeID{Namespace: "dbt://" + p.name, Name: p.namespace + "/" + n.UniqueID}
	}
	parts := p.parts(n)
	adapter := string(p.manifest.Adapter)
	if withoutDatabase(adapter) {
		parts[0] = ""
	}
	if adapter == "sqlite" && parts[1] == "main" {
		parts[1] = ""
	}
	return sdk.NativeID{Namespace: p.namespace, Name: joinName(adapter, parts)}
}

// joinName keeps the dots of quoted parts apart, but on BigQuery: there only a
// project may have one, and nobody quotes it.
func joinName(adapter string, parts []string) string {
	if adapter != "bigquery" {
		return sdk.JoinName(parts...)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ".")
}

// stored reports whether the node is a table or view of the warehouse.
func stored(n *node) bool {
	return n.Type != "exposure" && !semantic(n) && n.Config.Materialized != "ephemeral"
}

type namePart struct {
	name   string
	quoted bool
}

// splitRelation cuts a relation name at the dots outside its quotes. What is
// no dotted name of at most three parts, such as a function call, gives nothing.
func splitRelation(s string) []namePart {
	var parts []namePart
	for s != "" {
		var part namePart
		var ok bool
		if part, s, ok = cutPart(s); !ok || part.name == "" {
			return nil
		}
		parts = append(parts, part)
	}
	if len(parts) > 3 || len(parts) == 1 && strings.Contains(parts[0].name, ".") {
		return nil
	}
	return parts
}

// cutPart takes one part and the dot behind it.
func cutPart(s string) (part namePart, rest string, ok bool) {
	closers := map[byte]byte{'"': '"', '`': '`', '[': ']'}
	closer, quoted := closers[s[0]]
	if !quoted {
		name, rest, _ := strings.Cut(s, ".")
		return namePart{name: name}, rest, !strings.ContainsAny(name, "()'\"` ")
	}
	var name strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != closer {
			name.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == closer {
			name.WriteByte(closer)
			i++
			continue
		}
		rest := s[i+1:]
		return namePart{name.String(), true}, strings.TrimPrefix(rest, "."), rest == "" || rest[0] == '.'
	}
	return namePart{}, "", false
}
