package azuredatacatalog

import (
	"cmp"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// names gives the names of assets.
type names struct {
	namespace string
	servers   map[string]string
}

// database is how a system's tables are named: by the scheme and the port of its
// server, and by the parts of their address in order.
type database struct {
	scheme, port string
	parts        []string
}

// databases are the protocols whose tables have names elsewhere, by
// https://openlineage.io/docs/spec/naming.
var databases = map[string]database{
	"tds":         {"mssql", "1433", []string{"database", "schema", "object"}},
	"postgresql":  {"postgres", "5432", []string{"database", "schema", "object"}},
	"mysql":       {"mysql", "3306", []string{"database", "object"}},
	"oracle":      {"oracle", "1521", []string{"database", "schema", "object"}},
	"hive":        {"hive", "10000", []string{"database", "object"}},
	"hiveserver2": {"hive", "10000", []string{"database", "object"}},
	"db2":         {"db2", "50000", []string{"database", "schema", "object"}},
	"teradata":    {"teradata", "1025", []string{"database", "object"}},
}

// of names an asset so that it meets what its own source shows, where its address
// tells enough, and by its address otherwise.
func (n names) of(a *asset) sdk.NativeID {
	l := a.Properties.Location
	protocol := strings.ToLower(l.Protocol)
	at := func(key string) string { return text(l.Address[key]) }
	if db, known := databases[protocol]; known {
		if id, ok := n.relational(db, at); ok {
			return id
		}
	}
	switch protocol {
	case "azure-blobs":
		if id, ok := blob(at); ok {
			return id
		}
	case "webhdfs":
		if id, ok := lake(at("url")); ok {
			return id
		}
	}
	return sdk.NativeID{Namespace: n.namespace, Name: own(a)}
}

// relational names a table, or the database or schema that holds some.
func (n names) relational(db database, at func(string) string) (sdk.NativeID, bool) {
	var parts []string
	for _, key := range db.parts {
		parts = append(parts, at(key))
	}
	name := sdk.JoinName(parts...)
	server := at("server")
	if server == "" || name == "" || at("object") != "" && parts[0] == "" {
		return sdk.NativeID{}, false
	}
	if namespace := n.servers[server]; namespace != "" {
		return sdk.NativeID{Namespace: namespace, Name: name}, true
	}
	host, ok := hostOf(server, cmp.Or(at("port"), db.port))
	return sdk.NativeID{Namespace: db.scheme + "://" + host, Name: name}, ok
}

// hostOf reads a server as people write it: host, host:port, tcp:host,port and
// host\INSTANCE. An instance has a port of its own that nobody has written down.
func hostOf(server, port string) (string, bool) {
	server = strings.TrimPrefix(strings.ToLower(server), "tcp:")
	host, given, hasPort := strings.Cut(server, ",")
	if !hasPort {
		if h, p, err := net.SplitHostPort(server); err == nil {
			host, given = h, p
		}
	}
	host = strings.TrimSpace(host)
	instance := strings.Contains(host, `\`)
	if host == "" || strings.ContainsAny(host, "/ \t") {
		return "", false
	}
	if given = strings.TrimSpace(given); instance && given == "" {
		return host, true
	}
	if instance { // the port says it
		host, _, _ = strings.Cut(host, `\`)
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), cmp.Or(given, port)), true
}

// blob names a blob, a directory or a container as the plugin of Azure Blob Storage does.
func blob(at func(string) string) (sdk.NativeID, bool) {
	account, container := at("account"), at("container")
	if account == "" || container == "" {
		return sdk.NativeID{}, false
	}
	host := strings.ToLower(account + "." + cmp.Or(strings.Trim(at("domain"), "/"), "blob.core.windows.net"))
	return sdk.NativeID{Namespace: "wasbs://" + container + "@" + host, Name: cmp.Or(strings.Trim(at("name"), "/"), "/")}, !strings.Contains(host, "/")
}

// lake names what lies in a Data Lake Store of the first generation by its
// account. The address of another file system of Hadoop is that of its web
// server, which is none of its names.
func lake(address string) (sdk.NativeID, bool) {
	u, err := url.Parse(address)
	if err != nil || !strings.HasSuffix(strings.ToLower(u.Hostname()), ".azuredatalakestore.net") {
		return sdk.NativeID{}, false
	}
	path := strings.TrimPrefix(strings.TrimPrefix(u.Path, "/webhdfs"), "/v1")
	return sdk.NativeID{Namespace: "adl://" + strings.ToLower(u.Hostname()), Name: cmp.Or(strings.Trim(path, "/"), "/")}, true
}

// order is that of the parts of an address, from the outside in; others follow by name.
var order = []string{"url", "server", "loginServer", "domain", "account", "database", "model", "container", "class", "schema", "path", "objectType", "name", "object", "itemName", "resource"}

// own names an asset by its protocol and the values of its whole address.
func own(a *asset) string {
	l := a.Properties.Location
	keys := slices.Sorted(maps.Keys(l.Address))
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(place(a), place(b)) })
	var parts []string
	for _, key := range keys {
		value := text(l.Address[key])
		if key != "url" && key != "path" {
			value = strings.ReplaceAll(value, "/", "%2F")
		}
		if value != "" {
			parts = append(parts, value)
		}
	}
	if len(parts) == 0 {
		parts = []string{a.Properties.Name}
	}
	return cmp.Or(strings.ToLower(l.Protocol), "asset") + ":" + strings.Join(parts, "/")
}

func place(key string) int {
	if i := slices.Index(order, key); i >= 0 {
		return i
	}
	return len(order)
}

func isNamespace(name string) bool {
	scheme, rest, ok := strings.Cut(name, "://")
	return ok && scheme != "" && rest != "" && !strings.ContainsAny(name, " \t")
}
