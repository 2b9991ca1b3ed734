package glue

import "github.com/souk-mesh/souk/plugins/internal/sqltext"

// dialects are how those quote who write views: Athena and Trino, and Spark and
// Hive.
var dialects = map[bool]sqltext.Dialect{
	true:  {Names: `"`, Texts: "'", Lines: true},
	false: {Names: "`", Texts: `'"`, Backslash: true, Lines: true},
}
