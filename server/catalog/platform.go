package catalog

import (
	"cmp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-mesh/souk/graph/model"
)

// platform is how one kind of system names its tables.
type platform struct {
	server bool   // the namespace names hosts, which have no case and may have a port
	port   string // the port that a server listens on when the namespace names none
	fold   fold   // how names that differ in case only may mean the same table
	parts  int    // dotted parts of a complete name, the database first; 0 where names have no such parts
}

// fold is how a platform compares names that are not quoted.
type fold uint8

const (
	caseCounts  fold = iota
	foldsASCII       // "É" and "é" are two tables, Orders and orders are one
	foldsLetter      // all letters
)

// platforms knows the OpenLineage schemes. One that is missing here is taken
// for a server without a known port whose names are compared exactly.
var platforms = map[string]platform{
	"postgres":     {server: true, port: "5432", fold: foldsASCII, parts: 3},
	"redshift":     {server: true, port: "5439", fold: foldsASCII, parts: 3},
	"mssql":        {server: true, port: "1433", fold: foldsLetter, parts: 3},
	"oracle":       {server: true, port: "1521", fold: foldsLetter, parts: 3},
	"trino":        {server: true, port: "8080", fold: foldsLetter, parts: 3},
	"snowflake":    {server: true, fold: foldsLetter, parts: 3},
	"unitycatalog": {server: true, fold: foldsLetter, parts: 3},
	"awsathena":    {server: true, fold: foldsLetter, parts: 3},
	"mysql":        {server: true, port: "3306", fold: foldsLetter, parts: 2},
	"hive":         {server: true, port: "10000", fold: foldsLetter, parts: 2},
	"spark":        {server: true, fold: foldsLetter, parts: 2},
	"mongodb":      {server: true, port: "27017", parts: 2},
	"kafka":        {server: true, port: "9092"},
	"hdfs":         {server: true},
	"bigquery":     {parts: 3},
	"glue":         {fold: foldsLetter},
	"sqlite":       {fold: foldsASCII},
	"duckdb":       {fold: foldsASCII, parts: 3},
	"s3":           {},
	"gs":           {},
	"abfss":        {},
	"wasbs":        {},
	"file":         {},
	"inmemory":     {},
	"dbt":          {},
}

// schemes maps what people write to what OpenLineage writes.
var schemes = map[string]string{"postgresql": "postgres", "sqlserver": "mssql", "s3a": "s3", "s3n": "s3", "mongodb+srv": "mongodb"}

// platformName tells the platform of a normalised namespace.
func platformName(namespace string) string {
	if strings.HasPrefix(namespace, "arn:aws:glue:") {
		return "glue"
	}
	name, _, _ := strings.Cut(namespace, ":")
	return name
}

// DefaultPort is the port that servers of the scheme listen on, "" where none is known.
func DefaultPort(scheme string) string {
	scheme = strings.ToLower(scheme)
	return platforms[cmp.Or(schemes[scheme], scheme)].port
}

func platformOf(namespace string) platform {
	name := platformName(namespace)
	if p, known := platforms[name]; known {
		return p
	}
	return platform{server: true}
}

// folded is the name as the platform compares it. Only comparisons use it:
// what people see keeps its case.
func folded(namespace, name string) string {
	switch platformOf(namespace).fold {
	case foldsASCII:
		return norm.NFC.String(model.FoldASCII(name))
	case foldsLetter:
		return norm.NFC.String(strings.ToLower(name))
	case caseCounts:
	}
	return norm.NFC.String(name)
}

// foldedBefore is the name as it was folded when every platform was thought to
// fold all letters. Stores hold such names until their assets are seen again.
func foldedBefore(namespace, name string) string {
	if platformOf(namespace).fold == caseCounts {
		return folded(namespace, name)
	}
	return norm.NFC.String(strings.ToLower(name))
}

// complete reports whether the name has all its parts, as far as its platform counts any.
func complete(ref Ref) bool { return missing(ref) <= 0 }

// missing counts the parts that the name lacks.
func missing(ref Ref) int {
	parts := platformOf(ref.Namespace).parts
	if parts == 0 {
		return 0
	}
	return parts - len(model.NameParts(ref.Name))
}

// tail is a folded name without its database, or "" when it has none.
func tail(name string) string {
	_, rest, _ := model.CutName(name)
	return rest
}

// shortName is the last part of a name, for an asset that no source has shown.
func shortName(ref Ref) string {
	if p := platformOf(ref.Namespace); p.parts > 0 || p.fold != caseCounts && platformName(ref.Namespace) != "glue" {
		parts := model.NameParts(strings.TrimRight(ref.Name, "."))
		return cmp.Or(parts[len(parts)-1], ref.Name)
	}
	name := strings.TrimRight(ref.Name, "/")
	if last := name[strings.LastIndex(name, "/")+1:]; last != "" {
		return last
	}
	return ref.Name
}
