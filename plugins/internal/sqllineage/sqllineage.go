// Package sqllineage says of which columns each column of a SELECT is made. It
// owns how a query is put together, in the dialects of warehouses alike: WITH,
// joins, subqueries, set operations, stars. Which tables there are and which
// columns they have, its callers know. What it cannot be sure of is unknown, with
// the reason: it never guesses, and an empty answer is never its way to say so.
// It refuses what is too long, too deep or grows without bound.
package sqllineage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqltext"
)

// The bounds of one text.
const (
	MaxText = 512 << 10 // bytes
	deepest = 100       // queries and parentheses in one another
	mostOps = 400_000   // origins that are carried from one column to the next
)

// How a column is made of another one, the least change first. The last two do
// not give the value, they decide which value it is.
type How int

// The ways.
const (
	Identity How = iota
	Transformation
	Aggregation
	Masked
	Window
	Conditional
)

// String is the word of OpenLineage, and MASKED for its "masking".
func (h How) String() string {
	return []string{"IDENTITY", "TRANSFORMATION", "AGGREGATION", "MASKED", "WINDOW", "CONDITIONAL"}[h]
}

// Table is one that a query reads.
type Table struct {
	ID      string
	Columns []string // all of them in their order, or nil where they are not known
}

// Origin is a column of a table.
type Origin struct {
	Table, Column string
	How           How
}

// Column is one of the result.
type Column struct {
	Name    string // "" where the query gives it none
	From    []Origin
	Unknown string // why it is not known what it is made of
}

// Result is what a query gives.
type Result struct {
	Columns []Column
	Unknown string // why it is not known which columns there are
}

// Reader reads queries of one dialect over the tables that Find knows.
type Reader struct {
	Dialect sqltext.Dialect
	// Paths tells that one quoted name may hold the parts of a path, as in BigQuery.
	Paths bool
	// Find gives the table of a name, which comes in its parts.
	Find func(name []string) (Table, bool)
	// Inner, which is optional, tells whether a column of a table has a part, both
	// in one with a dot between: then the part goes into what names it.
	Inner func(table, path string) bool
	// Inlined, which is optional, gives the table for which a part of WITH stands.
	Inlined func(name string) (Table, bool)
}

// DialectOf gives the quotes of a system, by the name that dbt has for it: those of
// BigQuery, Spark and MySQL, those of SQLite, which takes all, and else of the standard.
func DialectOf(system string) sqltext.Dialect {
	switch system {
	case "bigquery":
		return sqltext.Dialect{Names: "`", Texts: `'"`, Backslash: true, Lines: true, Hash: true, Triple: true}
	case "spark", "databricks", "hive", "impala", "mysql", "mysql5", "mariadb", "singlestore", "doris", "starrocks", "clickhouse":
		return sqltext.Dialect{Names: "`", Texts: `'"`, Backslash: true, Lines: true, Hash: true}
	case "sqlite", "sqlserver", "synapse", "fabric":
		return sqltext.Dialect{Names: "\"`[", Texts: "'", Lines: true}
	}
	return sqltext.Dialect{Names: `"`, Texts: "'", Lines: true}
}

// Read says what the columns of the query are made of. A statement that makes a
// view is read like the query in it.
func (r Reader) Read(sql string) Result {
	if len(sql) > MaxText {
		return Result{Unknown: "the SQL is longer than 512 KiB"}
	}
	tokens, ok := r.Dialect.Tokens(sql)
	if !ok {
		return Result{Unknown: "a quote or a comment does not end"}
	}
	if piped(tokens) {
		return Result{Unknown: "the pipes of BigQuery are not read"}
	}
	p := &parser{sql: sql, tokens: tokens, paths: r.Paths}
	names := p.begin()
	q := p.query()
	if p.why == "" && p.peek().Is(";") {
		p.at++
	}
	if p.why == "" && p.at < len(tokens) {
		p.fail("the SQL goes on after its query, or is none that is known")
	}
	if p.why != "" {
		return Result{Unknown: p.why}
	}
	w := &resolver{Reader: r, parser: p}
	rel := w.query(q, nil)
	if w.ops > mostOps {
		return Result{Unknown: "the columns are too many to follow"}
	}
	if rel.open() {
		return Result{Unknown: rel.why()}
	}
	return Result{Columns: renamed(rel.columns, names)}
}

// piped tells whether a query goes on behind a |>, by which all that was read of
// it may become other columns.
func piped(tokens []sqltext.Token) bool {
	for i, t := range tokens[:max(len(tokens)-2, 0)] {
		if next := tokens[i+1]; t.Is("|") && next.Is(">") && t.End == next.Start && !tokens[i+2].Is(">") {
			return true
		}
	}
	return false
}

// Flow is a column of a view and one that it is made of.
type Flow struct {
	From, To string
	How      How
}

// Into gives by table what goes into the columns of a view, whose names the
// system tells: by their place where there are as many, and else by name. It says
// why some of them are unknown, if they are.
func (r Result) Into(view []string) (flows map[string][]Flow, unknown string) {
	flows, unknown = map[string][]Flow{}, r.Unknown
	for i, c := range r.Columns {
		to := c.Name
		if len(view) == len(r.Columns) {
			to = view[i]
		} else if at := slices.IndexFunc(view, func(name string) bool { return same(name, to) }); at >= 0 {
			to = view[at]
		} else {
			unknown = cmp.Or(unknown, "the SQL has not the columns that the view has")
			continue
		}
		unknown = cmp.Or(unknown, c.Unknown)
		if c.Unknown != "" {
			continue
		}
		for _, o := range c.From {
			flows[o.Table] = append(flows[o.Table], Flow{o.Column, to, o.How})
		}
	}
	return flows, unknown
}

// renamed gives columns the names of a list, where there is one.
func renamed(columns []Column, names []string) []Column {
	columns = slices.Clone(columns)
	for i := range columns {
		if i < len(names) {
			columns[i].Name = names[i]
		}
	}
	return columns
}

func same(a, b string) bool { return strings.EqualFold(a, b) }

func has(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return same(s, name) })
}
