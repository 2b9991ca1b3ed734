package dremio

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	names "github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// systemConfig is what a source says of the system behind it. Each type of source
// says it in its own way; what else it says, such as keys, is not read.
type systemConfig struct {
	address
	Database   string    `json:"databaseName"`
	Connection string    `json:"connectionString"` // of Redshift: jdbc:redshift://HOST:PORT/DATABASE
	Hosts      []address `json:"hostList"`         // of MongoDB
	Root       string    `json:"rootPath"`         // of a store of objects
}

type address struct {
	Hostname string `json:"hostname"`
	Port     any    `json:"port"` // a text or a number
}

func (a address) String() string {
	switch port := a.Port.(type) {
	case string:
		return strings.TrimSuffix(a.Hostname+":"+port, ":")
	case float64:
		return fmt.Sprintf("%s:%d", a.Hostname, int(port))
	}
	return a.Hostname
}

// system is what a source shows: a database, or a store of objects.
type system struct {
	tables names.System
	depth  int      // how many names a table has below the source, in a database
	store  string   // the scheme of a store
	before []string // the path in a store that the source begins with
}

// schemes are the types of databases whose tables have a name elsewhere.
var schemes = map[string]string{"POSTGRES": "postgres", "MYSQL": "mysql", "MSSQL": "mssql", "MONGO": "mongodb"}

func systemOf(kind string, c systemConfig) system {
	at := c.address
	switch kind {
	case "S3", "GCS":
		return system{store: map[string]string{"S3": "s3", "GCS": "gs"}[kind], before: strings.FieldsFunc(c.Root, func(r rune) bool { return r == '/' })}
	case "REDSHIFT":
		tables, _ := names.FromJDBC(c.Connection)
		return system{tables: tables, depth: 2}
	case "MONGO":
		if len(c.Hosts) != 1 { // of several, none is the name of all
			return system{}
		}
		at = c.Hosts[0]
	}
	u := url.URL{Scheme: schemes[kind], Host: at.String(), Path: "/" + c.Database}
	tables, _ := names.ParseSystem(u.String())
	return system{tables: tables, depth: map[bool]int{true: 3, false: 2}[kind == "MSSQL"]}
}

// native is the name that a table has in its own system.
func (s system) native(path []string) (sdk.NativeID, bool) {
	path = path[1:] // the source
	switch whole := append(slices.Clip(s.before), path...); {
	case s.store != "" && len(whole) > 1:
		return sdk.NativeID{Namespace: s.store + "://" + whole[0], Name: strings.Join(whole[1:], "/")}, true
	case s.store != "" || len(path) != s.depth:
		return sdk.NativeID{}, false
	case s.depth == 3:
		return s.tables.Table(path[0], path[1], path[2])
	}
	return s.tables.Table("", path[0], path[1])
}
