package bigquery

import (
	"regexp"
	"slices"
	"strings"
)

// tablesOf finds the tables that the SQL of a view reads, each with its parts.
// It reads no more of the language than which names stand where a table does; it
// reports false for what is not closed, and what it leaves out is nothing that
// could be a table.
func tablesOf(sql string, legacy bool) (tables [][]string, known bool) {
	if legacy {
		return legacyTables(sql), true
	}
	tokens, ok := lex(sql)
	if !ok {
		return nil, false
	}
	r := &reader{tokens: tokens, levels: []level{{}}, hidden: map[string]bool{}}
	r.findHidden()
	for r.at < len(r.tokens) {
		r.step()
	}
	return r.tables, true
}

var bracketed = regexp.MustCompile(`\[([^\[\]]+)\]`)

// legacyTables are those in brackets: [project:dataset.table].
func legacyTables(sql string) (tables [][]string) {
	for _, m := range bracketed.FindAllStringSubmatch(sql, -1) {
		add(&tables, strings.Split(strings.Replace(m[1], ":", ".", 1), "."))
	}
	return tables
}

func add(tables *[][]string, parts []string) {
	if len(parts) < 2 || slices.ContainsFunc(parts, func(p string) bool { return p == "" || strings.EqualFold(p, "INFORMATION_SCHEMA") }) {
		return
	}
	if !slices.ContainsFunc(*tables, func(t []string) bool { return slices.Equal(t, parts) }) {
		*tables = append(*tables, parts)
	}
}

// token is a word, a name in back quotes, or one sign. Texts and comments are
// left out, and so can hide nothing.
type token struct {
	text   string
	quoted bool
	glued  bool // nothing stands between it and the one before
}

func (t token) is(words ...string) bool {
	return !t.quoted && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, t.text) })
}

func (t token) isName() bool { return t.quoted || t.text != "" && isWord(t.text[0]) }

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// lex cuts SQL into tokens.
func lex(sql string) (tokens []token, ok bool) {
	end := 0 // of the token before
	for i := 0; i < len(sql); {
		rest := sql[i:]
		switch c := sql[i]; {
		case c == '#' || strings.HasPrefix(rest, "--"):
			i += until(rest, "\n")
			continue
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return nil, false
			}
			i += n + 4
			continue
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			i++
			continue
		case c == '`':
			n := strings.IndexByte(rest[1:], '`')
			if n < 0 {
				return nil, false
			}
			tokens = append(tokens, token{rest[1 : n+1], true, end == i})
			i += n + 2
		case c == '\'' || c == '"':
			n := textLength(rest)
			if n < 0 {
				return nil, false
			}
			tokens = append(tokens, token{"'", false, false})
			i += n
		case isWord(c):
			n := 1
			for n < len(rest) && isWord(rest[n]) {
				n++
			}
			tokens = append(tokens, token{rest[:n], false, end == i})
			i += n
		default:
			tokens = append(tokens, token{rest[:1], false, end == i})
			i++
		}
		end = i
	}
	return tokens, true
}

func until(text, sign string) int {
	if n := strings.Index(text, sign); n >= 0 {
		return n
	}
	return len(text)
}

// textLength is how long the text is that begins here, in single or triple quotes.
func textLength(text string) int {
	quote := text[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(text, triple) {
		quote = triple
	}
	for i := len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\': // also in a raw text, where it stays
			i++
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		}
	}
	return -1
}

// level is one pair of parentheses.
type level struct {
	selects bool // a query stands in it, and not the arguments of a function
	from    bool // its list of tables is being read
}

type reader struct {
	tokens []token
	at     int
	levels []level
	hidden map[string]bool // names that are no tables of a dataset: of WITH, and aliases
	tables [][]string
	joined bool // the parentheses that open next stand where a table does
}

func (r *reader) peek(n int) token {
	if i := r.at + n; i >= 0 && i < len(r.tokens) {
		return r.tokens[i]
	}
	return token{}
}

// findHidden notes the names that WITH gives.
func (r *reader) findHidden() {
	for i := 1; i+2 < len(r.tokens); i++ {
		before, name := r.tokens[i-1], r.tokens[i]
		if before.is("with", "recursive", ",") && name.isName() && r.tokens[i+1].is("as") && r.tokens[i+2].is("(") {
			r.hidden[strings.ToLower(name.text)] = true
		}
	}
}

func (r *reader) step() {
	now := &r.levels[len(r.levels)-1]
	t := r.peek(0)
	r.at++
	switch {
	case t.is("("):
		r.levels = append(r.levels, level{selects: r.joined, from: r.joined})
		if r.joined {
			r.joined = false
			r.table()
		}
	case t.is(")"):
		if len(r.levels) > 1 {
			r.levels = r.levels[:len(r.levels)-1]
		}
	case t.is("select"):
		now.selects, now.from = true, false
	case t.is("from") && now.selects && !r.peek(-2).is("distinct"):
		now.from = true
		r.table()
	case t.is("join"), t.is(",") && now.from:
		r.table()
	case t.is("where", "group", "having", "order", "limit", "window", "qualify", "union", "intersect", "except"):
		now.from = false
	}
}

// table reads the name that stands here, where it is one of a dataset.
func (r *reader) table() {
	if t := r.peek(0); !t.isName() || t.is("unnest", "select") {
		r.joined = t.is("(")
		return
	}
	parts := r.name()
	if r.peek(0).is("(") {
		return // a function that gives a table
	}
	if !r.hidden[strings.ToLower(parts[0])] {
		add(&r.tables, parts)
	}
	r.hidden[strings.ToLower(parts[len(parts)-1])] = true
	if r.peek(0).is("as") {
		r.at++
	}
	if alias := r.peek(0); alias.isName() && !alias.is("where", "join", "on", "left", "right", "inner", "cross", "full", "using", "group", "order", "limit", "union", "for", "tablesample", "pivot", "unpivot", "having", "window", "qualify", "intersect", "except") {
		r.hidden[strings.ToLower(alias.text)] = true
	}
}

// name reads a path: parts with dots between, in back quotes or not, one by one
// or together. The first part may have hyphens in it.
func (r *reader) name() (parts []string) {
	for {
		t := r.peek(0)
		if !t.isName() {
			return append(parts, "")
		}
		r.at++
		word := []string{t.text}
		for len(parts) == 0 && r.peek(0).is("-") && r.peek(0).glued && r.peek(1).glued && r.peek(1).isName() {
			word = append(word, r.peek(1).text)
			r.at += 2
		}
		if t.quoted {
			parts = append(parts, strings.Split(t.text, ".")...)
		} else {
			parts = append(parts, strings.Join(word, "-"))
		}
		if r.peek(0).is("*") && r.peek(0).glued {
			parts[len(parts)-1] += "*"
			r.at++
		}
		if !r.peek(0).is(".") {
			return parts
		}
		r.at++
	}
}
