package mysql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The server keeps a view not as it was written but in one spelling of its own:
// names in backticks, tables with their databases, columns with their tables,
// every column of the result with AS. That spelling is read here, and nothing
// more general: what does not look like it is no lineage.

type tokenKind int

const (
	word tokenKind = iota // in small letters
	ident
	literal
	mark
)

type token struct {
	kind  tokenKind
	text  string
	start int
	end   int
}

func (t token) is(text string) bool { return t.kind != ident && t.kind != literal && t.text == text }

// tokens cuts the SQL of a view. It is not ok where a quote does not end.
func tokens(sql string) (all []token, ok bool) {
	for at := 0; at < len(sql); {
		r, size := utf8.DecodeRuneInString(sql[at:])
		start := at
		switch {
		case unicode.IsSpace(r):
			at += size
			continue
		case strings.HasPrefix(sql[at:], "/*"):
			end := strings.Index(sql[at:], "*/")
			if end < 0 {
				return nil, false
			}
			at += end + 2
			continue
		case r == '`' || r == '\'' || r == '"':
			text, end, closed := quotedAt(sql, at)
			if !closed {
				return nil, false
			}
			kind := literal
			if r == '`' {
				kind = ident
			}
			all, at = append(all, token{kind, text, start, end}), end
			continue
		case r == '_' || r == '$' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r):
			for at < len(sql) && inWord(sql[at:]) {
				_, size := utf8.DecodeRuneInString(sql[at:])
				at += size
			}
			all = append(all, token{word, strings.ToLower(sql[start:at]), start, at})
			continue
		}
		at += size
		all = append(all, token{mark, sql[start:at], start, at})
	}
	return all, true
}

func inWord(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return r == '_' || r == '$' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// quotedAt reads what is quoted at a place: a doubled quote stands for itself,
// and in a text a backslash keeps the next letter.
func quotedAt(sql string, at int) (text string, end int, closed bool) {
	quote := sql[at]
	var b strings.Builder
	for i := at + 1; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && quote != '`' && i+1 < len(sql):
			i++
			b.WriteByte(escaped(sql[i]))
		case sql[i] != quote:
			b.WriteByte(sql[i])
		case i+1 < len(sql) && sql[i+1] == quote:
			i++
			b.WriteByte(quote)
		default:
			return b.String(), i + 1, true
		}
	}
	return "", 0, false
}

// escaped is the letter that a backslash and a letter stand for.
func escaped(letter byte) byte {
	switch letter {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case '0':
		return 0
	}
	return letter
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
	columns []column // in their order; nil where the query is more than one SELECT
}

// column is one of the view's.
type column struct {
	known bool
	from  []columnOf
	how   string // the expression, or "" for a column as it is
}

// columnOf is a column of a table.
type columnOf struct {
	table  name
	column string
}

// reader walks the tokens of a view.
type reader struct {
	sql    string
	tokens []token
	common map[string]bool // names that WITH gives to queries
	levels []level
	made   made
	main   []origin // those of the outermost FROM
	seen   map[name]bool
}

// level is what stands in one pair of parentheses.
type level struct {
	selects bool // a SELECT has begun, and its FROM may come
	from    bool // between FROM and what follows it
	joined  bool // parentheses of a FROM, round tables
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
	r.made.columns = r.columns()
	return r.made
}

func (r *reader) top() *level { return &r.levels[len(r.levels)-1] }

func (r *reader) at(i int) token {
	if i < 0 || i >= len(r.tokens) {
		return token{kind: mark}
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
		case t.is("("):
			r.levels = append(r.levels, level{joined: expecting, from: expecting})
		case t.is(")"):
			if len(r.levels) == 1 {
				return false
			}
			r.levels, expecting = r.levels[:len(r.levels)-1], false
		case expecting && t.kind == ident:
			next, ok := r.table(i)
			if !ok {
				return false
			}
			i, expecting = next, false
		case t.is(","):
			expecting = r.top().from
		case t.kind == word:
			expecting = r.keyword(t.text, expecting)
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
		opens := before.is("with") || before.is("recursive") || before.is(",")
		if (t.kind == word || t.kind == ident) && opens && r.query(i+1) {
			r.common[strings.ToLower(t.text)] = true
		}
	}
}

// query tells whether AS ( and a query stand at a place, after columns in parentheses if any.
func (r *reader) query(i int) bool {
	if r.at(i).is("(") {
		for !r.at(i).is(")") && i < len(r.tokens) {
			i++
		}
		i++
	}
	after := r.at(i + 2)
	return r.at(i).is("as") && r.at(i+1).is("(") && (after.is("select") || after.is("with") || after.is("values") || after.is("("))
}

// table reads the name of a table and its alias, and gives the place of their end.
func (r *reader) table(i int) (end int, ok bool) {
	first := r.at(i)
	if !r.at(i + 1).is(".") {
		return i, r.common[strings.ToLower(first.text)]
	}
	if r.at(i+2).kind != ident {
		return i, false
	}
	o := origin{name: name{first.text, r.at(i + 2).text}}
	end = i + 2
	if r.at(end+1).kind == ident {
		o.alias = r.at(end + 1).text
		end++
	}
	if !r.seen[o.name] {
		r.seen[o.name] = true
		r.made.tables = append(r.made.tables, o)
	}
	if !r.nested() {
		r.main = append(r.main, o)
	}
	return end, true
}

// nested tells whether the place lies in a query within the query.
func (r *reader) nested() bool {
	for _, l := range r.levels[1:] {
		if !l.joined {
			return true
		}
	}
	return false
}
