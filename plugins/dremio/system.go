package dremio

import (
	"fmt"
	"strings"

	names "github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// systemConfig is what a source says of the system behind it.
type systemConfig struct {
	Hostname string `json:"hostname"`
	Port     any    `json:"port"` // a text or a number
	Database string `json:"databaseName"`
}

// system is what a source shows: a database, or a store of objects.
type system struct {
	scheme   string
	host     string
	database string
}

// schemes are the types of sources whose tables have a name elsewhere.
var schemes = map[string]string{
	"POSTGRES": "postgres", "MYSQL": "mysql", "MSSQL": "mssql", "REDSHIFT": "redshift", "MONGO": "mongodb", "S3": "s3", "GCS": "gs",
}

func systemOf(kind string, c systemConfig) system {
	s := system{scheme: schemes[kind], host: c.Hostname, database: c.Database}
	switch port := c.Port.(type) {
	case string:
		s.host = strings.TrimSuffix(c.Hostname+":"+port, ":")
	case float64:
		s.host = fmt.Sprintf("%s:%d", c.Hostname, int(port))
	}
	return s
}

// native is the name that a table has in its own system: the path without the
// name of the source.
func (s system) native(path []string) (sdk.NativeID, bool) {
	if s.scheme == "" || len(path) < 3 {
		return sdk.NativeID{}, false
	}
	rest := path[1:]
	switch {
	case s.scheme == "s3" || s.scheme == "gs":
		return sdk.NativeID{Namespace: s.scheme + "://" + rest[0], Name: strings.Join(rest[1:], "/")}, true
	case s.host == "":
		return sdk.NativeID{}, false
	case s.scheme != "postgres" && s.scheme != "redshift": // the path begins with the database
	case s.database == "":
		return sdk.NativeID{}, false
	default:
		rest = append([]string{s.database}, rest...)
	}
	d, ok := names.FromURI(s.scheme + "://" + s.host + "/x")
	d.ID.Name = sdk.JoinName(rest...)
	return d.ID, ok
}
