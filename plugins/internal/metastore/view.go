package metastore

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqltext"
)

// Wrapped tells whether Athena, Presto or Trino has written the view of the text.
func Wrapped(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "/*") }

// Dialect is how whoever wrote the view of the text quotes: Athena, Presto and
// Trino, or Spark and Hive.
func Dialect(text string) sqltext.Dialect {
	if Wrapped(text) {
		return sqltext.Dialect{Names: `"`, Texts: "'", Lines: true}
	}
	return sqltext.Dialect{Names: "`", Texts: `'"`, Backslash: true, Lines: true}
}

// View is what Presto, Trino and Athena keep of a view in a comment, in base64.
// Names without a catalog or a schema are of those that the session had.
type View struct {
	SQL     string `json:"originalSql"`
	Catalog string `json:"catalog"`
	Schema  string `json:"schema"`
	Comment string `json:"comment"`
	Columns []struct {
		Name    string `json:"name"`
		Type    string `json:"type"`
		Comment string `json:"comment"`
	} `json:"columns"`
}

// Unwrap reads the view that a text holds. It reports false for a text that holds
// none: SQL, or the mark alone, as "/* Presto View */".
func Unwrap(text string) (View, bool) {
	inner, isComment := strings.CutPrefix(strings.TrimSpace(text), "/*")
	inner, whole := strings.CutSuffix(inner, "*/")
	_, packed, found := strings.Cut(inner, ":")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(packed))
	var v View
	if !isComment || !whole || !found || err != nil || json.Unmarshal(raw, &v) != nil {
		return View{}, false
	}
	v.SQL = strings.TrimSpace(v.SQL)
	return v, true
}

// ViewSQL gives the SQL of a view's text, or "" where the text holds none.
func ViewSQL(text string) string {
	text = strings.TrimSpace(text)
	if !Wrapped(text) || !strings.HasSuffix(text, "*/") { // SQL, perhaps behind a comment
		return text
	}
	v, _ := Unwrap(text)
	return v.SQL
}
