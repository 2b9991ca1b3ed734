package dataset

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// System is a server of databases, of which a tool shows tables that the server
// itself shows too.
type System struct {
	namespace string
	database  string // "" where its address names none
	levels    int    // parts of a table's name: 3 with a schema between, 2 without, 0 for Glue's own form
}

// flat are the systems whose tables lie in a database, without a schema between.
var flat = []string{"mysql", "mariadb", "hive", "cassandra", "mongodb"}

// ParseSystem reads an address such as postgres://HOST:PORT/DATABASE,
// mysql://HOST:PORT or arn:aws:glue:REGION:ACCOUNT, or says what is wrong with
// it. It does not repeat it: it may hold a password.
func ParseSystem(address string) (System, string) {
	if strings.HasPrefix(address, "arn:aws:glue:") {
		return System{namespace: address}, ""
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme == "":
		return System{}, "is no address of a system"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return System{}, "is more than the address of a system"
	case strings.Contains(strings.Trim(u.Path, "/"), "/"):
		return System{}, "names more than a database"
	}
	s, known := systemAt(u.Scheme, u.Host, strings.Trim(u.Path, "/"))
	if !known {
		return System{}, "is of a system whose tables have no known names"
	}
	return s, ""
}

func systemAt(scheme, host, database string) (System, bool) {
	d, known := FromURI((&url.URL{Scheme: scheme, Host: host, Path: "/x"}).String())
	if !known || d.Kind != "TABLE" || strings.Contains(host, "@") {
		return System{}, false
	}
	s := System{namespace: d.ID.Namespace, database: database, levels: 3}
	if slices.Contains(flat, strings.ToLower(scheme)) {
		s.levels = 2
	}
	return s, true
}

// Namespace is that of the system's tables; "" for no system.
func (s System) Namespace() string { return s.namespace }

// Database is the one that the address names, or "".
func (s System) Database() string { return s.database }

// Schemas reports whether a schema stands between a database and its tables.
func (s System) Schemas() bool { return s.levels == 3 }

// Complete reports whether the system gives a name to every table of it, also
// to one of which the database is not told.
func (s System) Complete() bool { return s.levels != 3 || s.database != "" }

// Table gives the name of a table, whose database and schema may be "" where
// the system has none or the address names it. It reports false where a part of
// the name is missing.
func (s System) Table(database, schema, table string) (sdk.NativeID, bool) {
	within := cmp.Or(database, s.database)
	switch {
	case s.namespace == "" || table == "":
		return sdk.NativeID{}, false
	case s.levels == 3:
		return sdk.NativeID{Namespace: s.namespace, Name: sdk.JoinName(within, schema, table)}, within != "" && schema != ""
	case s.levels == 0:
		within = cmp.Or(database, schema)
		return sdk.NativeID{Namespace: s.namespace, Name: "table/" + within + "/" + table}, within != ""
	}
	within = cmp.Or(database, schema, s.database)
	return sdk.NativeID{Namespace: s.namespace, Name: sdk.JoinName(within, table)}, within != ""
}

// FromJDBC gives the system of an address of a Java driver, such as
// jdbc:postgresql://HOST:PORT/DATABASE. It keeps neither user, nor password, nor
// parameter, and reports false for a system that has no known names, and for a
// list of hosts.
func FromJDBC(address string) (System, bool) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(address, "jdbc:"), ":")
	kind = strings.ToLower(kind)
	switch kind {
	case "jtds": // jtds:sqlserver://HOST/DATABASE
		kind, rest, _ = strings.Cut(rest, ":")
	case "oracle": // oracle:thin:@HOST:PORT:SID, oracle:thin:@//HOST:PORT/SERVICE
		_, rest, _ = strings.Cut(rest, "@")
	case "hive2":
		kind = "hive"
	}
	after, slashes := strings.CutPrefix(rest, "//")
	if !slashes && kind != "oracle" { // a database of the driver's own machine
		return System{}, false
	}
	rest, parameters, _ := strings.Cut(after, ";")
	rest, _, _ = strings.Cut(rest, "?")
	host, path, _ := strings.Cut(rest, "/")
	database, _, _ := strings.Cut(path, "/")
	if parts := strings.Split(host, ":"); kind == "oracle" && len(parts) == 3 {
		host, database = parts[0]+":"+parts[1], parts[2]
	}
	for p := range strings.SplitSeq(parameters, ";") {
		if name, value, _ := strings.Cut(p, "="); strings.EqualFold(name, "databaseName") || strings.EqualFold(name, "database") {
			database = value
		}
	}
	if host == "" || strings.ContainsAny(host, "@,() \t") {
		return System{}, false
	}
	return systemAt(kind, host, database)
}
