// Package dataset gives the name of a dataset to an address by which tools name
// it, so that what a pipeline reads is the asset that its own source shows. It
// owns the forms of addresses, by https://openlineage.io/docs/spec/naming; it
// refuses to guess, and leaves what it does not know to its caller.
package dataset

import (
	"cmp"
	"net"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// Dataset is what an address names.
type Dataset struct {
	ID   sdk.NativeID
	Kind string // TABLE, FILE or TOPIC
}

// Short is the last part of the name.
func (d Dataset) Short() string {
	name := d.ID.Name
	if d.Kind == "TABLE" {
		parts := sdk.SplitName(name)
		return parts[len(parts)-1]
	}
	return name[strings.LastIndexAny(name, map[bool]string{true: "/:", false: "/"}[d.Kind == "TOPIC"])+1:]
}

// database is a system whose addresses have a host, a port and the parts of a
// table's name.
type database struct {
	scheme string // of the namespace
	port   string // unless the address has one
	kind   string
}

var databases = map[string]database{
	"postgres": {"postgres", "5432", "TABLE"}, "postgresql": {"postgres", "5432", "TABLE"},
	"mysql": {"mysql", "3306", "TABLE"}, "mariadb": {"mysql", "3306", "TABLE"},
	"mssql": {"mssql", "1433", "TABLE"}, "sqlserver": {"mssql", "1433", "TABLE"},
	"redshift": {"redshift", "5439", "TABLE"}, "oracle": {"oracle", "1521", "TABLE"},
	"trino": {"trino", "8080", "TABLE"}, "hive": {"hive", "10000", "TABLE"},
	"cassandra": {"cassandra", "9042", "TABLE"}, "mongodb": {"mongodb", "27017", "TABLE"},
	"kafka":     {"kafka", "9092", "TOPIC"},
	"snowflake": {"snowflake", "", "TABLE"},
}

// buckets are stores of objects, by the scheme of their namespace.
var buckets = map[string]string{"s3": "s3", "s3a": "s3", "s3n": "s3", "gs": "gs", "gcs": "gs"}

// containers are stores whose namespace has a container and an account.
var containers = map[string]string{"wasb": "wasbs", "wasbs": "wasbs", "abfs": "abfss", "abfss": "abfss"}

// FromURI gives the dataset of an address such as s3://bucket/key or
// postgres://host/db/schema/table. It reports false for any other.
func FromURI(text string) (Dataset, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return Dataset{}, false
	}
	scheme, path := strings.ToLower(u.Scheme), strings.Trim(u.Path, "/")
	if path == "" && scheme != "bigquery" {
		return Dataset{}, false
	}
	if db, known := databases[scheme]; known {
		return db.table(u, path)
	}
	switch store, isBucket := buckets[scheme]; {
	case isBucket && u.Host != "":
		return file(store+"://"+u.Host, path)
	case containers[scheme] != "" && u.Host != "":
		authority := u.Host
		if u.User != nil {
			authority = u.User.Username() + "@" + u.Host
		}
		return file(containers[scheme]+"://"+authority, path)
	case scheme == "hdfs" && u.Host != "":
		return file("hdfs://"+u.Host, "/"+path)
	case scheme == "file" && u.Host == "":
		return file("file", u.Path)
	case scheme == "file":
		return file("file://"+u.Host, u.Path)
	case scheme == "bigquery" && u.Host != "":
		return Dataset{sdk.NativeID{Namespace: "bigquery", Name: sdk.JoinName(append([]string{u.Host}, strings.Split(path, "/")...)...)}, "TABLE"}, path != ""
	}
	return Dataset{}, false
}

func file(namespace, name string) (Dataset, bool) {
	return Dataset{sdk.NativeID{Namespace: namespace, Name: name}, "FILE"}, true
}

func (d database) table(u *url.URL, path string) (Dataset, bool) {
	if u.Hostname() == "" {
		return Dataset{}, false
	}
	host := strings.ToLower(u.Hostname())
	if port := cmp.Or(u.Port(), d.port); port != "" {
		host = net.JoinHostPort(host, port)
	}
	name := path
	if d.kind == "TABLE" {
		name = sdk.JoinName(strings.Split(path, "/")...)
	}
	return Dataset{sdk.NativeID{Namespace: d.scheme + "://" + host, Name: name}, d.kind}, true
}
