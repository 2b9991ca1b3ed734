package mysql

import (
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqltext"
)

// The server keeps a view not as it was written but in one spelling of its own:
// names in backticks, tables with their databases, columns with their tables,
// every column of the result with AS. That spelling is read here, and nothing
// more general: what does not look like it is no lineage.

// tokens cuts what the server has spelled.
func tokens(sql string) ([]sqltext.Token, bool) {
	return sqltext.Dialect{Names: "`", Texts: `'"`, Backslash: true}.Tokens(sql)
}

// origin is a table that a query reads, and the name that its columns go by.
type origin struct {
	name  name
	alias string // "" where they go by the table's own
}

// made is what the SQL of a view says about what it is made of.
type made struct {
	known   bool     // of which tables
	tables  []origin // each once, in their order
	columns []column // in their order; nil where they are not known
}

// column is one of the view's.
type column struct {
	known bool
	from  []columnOf
}

// columnOf is a column of a table.
type columnOf struct {
	table  name
	column string
	how    string // in the words of OpenLineage
}

// reader walks the tokens of a view.
type reader struct {
	sql    string
	tokens []sqltext.Token
	common map[string]bool // names that WITH gives to queries
	levels []level
	made   made
	seen   map[name]bool
}

// level is what stands in one pair of parentheses.
type level struct {
	selects bool // a SELECT has begun, and its FROM may come
	from    bool // between FROM and what follows it
}

// readView says what a view is made of.
func readView(sql string) made {
	all, ok := tokens(sql)
	if !ok {
		return made{}
	}
	r := &reader{sql: sql, tokens: all, common: map[string]bool{}, levels: []level{{}}, seen: map[name]bool{}}
	r.made.known = r.tables()
	if !r.made.known {
		return made{}
	}
	r.made.columns = columns(sql)
	return r.made
}

func (r *reader) top() *level { return &r.levels[len(r.levels)-1] }

func (r *reader) at(i int) sqltext.Token {
	if i < 0 || i >= len(r.tokens) {
		return sqltext.Token{Kind: sqltext.Mark}
	}
	return r.tokens[i]
}

// tables finds every table that is read, at whatever depth.
func (r *reader) tables() bool {
	r.names()
	expecting := false // a table, or parentheses round some
	for i := 0; i < len(r.tokens); i++ {
		t := r.tokens[i]
		switch {
		case t.Is("("):
			r.levels = append(r.levels, level{from: expecting})
		case t.Is(")"):
			if len(r.levels) == 1 {
				return false
			}
			r.levels, expecting = r.levels[:len(r.levels)-1], false
		case expecting && t.Kind == sqltext.Name:
			next, ok := r.table(i)
			if !ok {
				return false
			}
			i, expecting = next, false
		case t.Is(","):
			expecting = r.top().from
		case t.Kind == sqltext.Word:
			expecting = r.keyword(t.Text, expecting)
		}
	}
	return len(r.levels) == 1
}

// keyword tells whether a table comes after a word.
func (r *reader) keyword(text string, expecting bool) bool {
	l := r.top()
	switch text {
	case "select", "values":
		*l = level{selects: text == "select"}
		return false
	case "from":
		if !l.selects {
			return false // of extract(year from x), trim(x from y)
		}
		l.selects, l.from = false, true
		return true
	case "join", "straight_join":
		return l.from
	case "where", "group", "having", "order", "limit", "union", "except", "intersect", "window", "procedure":
		l.from = false
	case "lateral":
		return expecting
	}
	return false
}

// names collects what WITH names: `name` as (, or name (columns) as (.
func (r *reader) names() {
	for i, t := range r.tokens {
		before := r.at(i - 1)
		opens := before.Is("with") || before.Is("recursive") || before.Is(",")
		if (t.Kind == sqltext.Word || t.Kind == sqltext.Name) && opens && r.query(i+1) {
			r.common[strings.ToLower(t.Text)] = true
		}
	}
}

// query tells whether AS ( and a query stand at a place, after columns in parentheses if any.
func (r *reader) query(i int) bool {
	if r.at(i).Is("(") {
		for !r.at(i).Is(")") && i < len(r.tokens) {
			i++
		}
		i++
	}
	after := r.at(i + 2)
	return r.at(i).Is("as") && r.at(i+1).Is("(") && (after.Is("select") || after.Is("with") || after.Is("values") || after.Is("("))
}

// table reads the name of a table and its alias, and gives the place of their end.
func (r *reader) table(i int) (end int, ok bool) {
	first := r.at(i)
	if !r.at(i + 1).Is(".") {
		return i, r.common[strings.ToLower(first.Text)]
	}
	if r.at(i+2).Kind != sqltext.Name {
		return i, false
	}
	o := origin{name: name{first.Text, r.at(i + 2).Text}}
	end = i + 2
	if r.at(end+1).Kind == sqltext.Name {
		o.alias = r.at(end + 1).Text
		end++
	}
	if !r.seen[o.name] {
		r.seen[o.name] = true
		r.made.tables = append(r.made.tables, o)
	}
	return end, true
}
