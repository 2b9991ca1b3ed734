package mysql

import (
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqllineage"
)

// columns finds what each column of a view is made of. In the server's spelling
// every table stands with its database and every star is written out, so that
// nothing has to be known of the tables.
func columns(sql string) []column {
	reader := sqllineage.Reader{Dialect: sqllineage.DialectOf("mysql"), Find: func(parts []string) (sqllineage.Table, bool) {
		return sqllineage.Table{ID: strings.Join(parts, "\x00")}, len(parts) == 2
	}}
	var all []column
	for _, c := range reader.Read(sql).Columns {
		one := column{known: c.Unknown == ""}
		for _, o := range c.From {
			database, table, _ := strings.Cut(o.Table, "\x00")
			one.from = append(one.from, columnOf{table: name{database, table}, column: o.Column, how: o.How.String()})
		}
		all = append(all, one)
	}
	return all
}
