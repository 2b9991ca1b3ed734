package atlas

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// idOf names an entity so that it meets what its own source shows, where its
// attributes tell enough, and by its qualified name otherwise.
func (h *harvest) idOf(b bundle, e entity) sdk.NativeID {
	qualified := cmp.Or(e.text("qualifiedName"), e.text("name"), e.GUID)
	if id, ok := h.relational(b, e); ok {
		return id
	}
	for _, address := range []string{qualified, e.text("path")} {
		if id, ok := azure(address); ok {
			return id
		}
		if d, ok := dataset.FromURI(address); ok {
			return d.ID
		}
	}
	if strings.HasPrefix(qualified, "/subscriptions/") { // a resource of Azure, as its own plugin names it
		return sdk.NativeID{Namespace: "azure://management.azure.com", Name: qualified}
	}
	if e.Type == "hive_table" || e.Type == "hive_db" {
		name, cluster, _ := strings.Cut(qualified, "@")
		if namespace := h.clusters[cluster]; namespace != "" {
			return sdk.NativeID{Namespace: namespace, Name: name}
		}
	}
	return sdk.NativeID{Namespace: h.namespace, Name: qualified}
}

// schemes are the words that people write into rdbms_type.
var schemes = map[string]string{
	"postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "oracle": "oracle", "mssql": "mssql", "sqlserver": "mssql", "sql server": "mssql",
}

// relational names a database and a table of the model of relational databases:
// their instance has the host. It is read with them, or was before.
func (h *harvest) relational(b bundle, e entity) (sdk.NativeID, bool) {
	var database, instance entity
	switch e.Type {
	case "rdbms_db":
		database = e
	case "rdbms_table":
		database = h.one(b, e, "db")
	default:
		return sdk.NativeID{}, false
	}
	instance = h.one(b, database, "instance")
	scheme, host := schemes[strings.ToLower(instance.text("rdbms_type"))], instance.text("hostname")
	if scheme == "" || host == "" || database.text("name") == "" {
		return sdk.NativeID{}, false
	}
	if port := instance.text("port"); port != "" && port != "0" {
		host += ":" + port
	}
	path := []string{database.text("name")}
	if e.Type == "rdbms_table" {
		if schema := e.text("name_path"); schema != "" {
			path = append(path, schema)
		}
		path = append(path, e.text("name"))
	}
	d, ok := dataset.FromURI(scheme + "://" + host + "/x")
	d.ID.Name = sdk.JoinName(path...)
	return d.ID, ok
}

// one is the entity that an attribute names.
func (h *harvest) one(b bundle, e entity, attribute string) entity {
	refs := e.refs(attribute)
	if len(refs) == 0 {
		return entity{}
	}
	if found, has := b.Referred[refs[0].GUID]; has {
		return found
	}
	return h.holders[refs[0].GUID]
}

// azure names what lies in Azure's stores, which Purview calls by the address
// of the web: https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH.
func azure(address string) (sdk.NativeID, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return sdk.NativeID{}, false
	}
	host := strings.ToLower(u.Hostname())
	container, path, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	scheme := map[bool]string{true: "wasbs"}[strings.Contains(host, ".blob.")]
	if strings.Contains(host, ".dfs.") {
		scheme = "abfss"
	}
	if scheme == "" || container == "" {
		return sdk.NativeID{}, false
	}
	return sdk.NativeID{Namespace: scheme + "://" + container + "@" + host, Name: cmp.Or(path, "/")}, true
}
