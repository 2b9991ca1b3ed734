package glue

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What is read here of the SQL of a view is which names stand where a table
// stands: behind FROM and JOIN. Whether it is one, the catalog knows: a name that
// it does not show is none.

type tokenKind int

const (
	word   tokenKind = iota // in small letters
	quoted                  // a name as it stands in quotes
	mark
)

type token struct {
	kind tokenKind
	text string
}

func (t token) is(texts ...string) bool { return t.kind != quoted && slices.Contains(texts, t.text) }
func (t token) isName() bool            { return t.kind != mark }

// tokens cuts SQL of Athena, Trino, Spark or Hive. Texts in single quotes and
// comments are left out. It is not ok where something does not end.
func tokens(sql string) (all []token, ok bool) {
	for at := 0; at < len(sql); {
		rest := sql[at:]
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case unicode.IsSpace(r):
		case strings.HasPrefix(rest, "--"):
			size = len(rest)
			if end := strings.IndexByte(rest, '\n'); end >= 0 {
				size = end
			}
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest, "*/")
			if end < 0 {
				return nil, false
			}
			size = end + 2
		case r == '"' || r == '`' || r == '\'':
			text, length := unquoted(rest)
			if length == 0 {
				return nil, false
			}
			if size = length; r != '\'' {
				all = append(all, token{quoted, text})
			} else {
				all = append(all, token{mark, "'"})
			}
		case inWord(r):
			size = strings.IndexFunc(rest, func(r rune) bool { return !inWord(r) })
			if size < 0 {
				size = len(rest)
			}
			all = append(all, token{word, strings.ToLower(rest[:size])})
		default:
			all = append(all, token{mark, rest[:size]})
		}
		at += size
	}
	return all, true
}

func inWord(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// unquoted reads what is in quotes at the beginning, in which a doubled quote
// stands for itself. The length is 0 where it does not end.
func unquoted(sql string) (text string, length int) {
	quote := sql[:1]
	var b strings.Builder
	for at := 1; ; {
		end := strings.Index(sql[at:], quote)
		if end < 0 {
			return "", 0
		}
		b.WriteString(sql[at : at+end])
		at += end + 1
		if !strings.HasPrefix(sql[at:], quote) {
			return b.String(), at
		}
		b.WriteString(quote)
		at++
	}
}

// tablesIn gives the names that stand where tables stand, each as its parts.
func tablesIn(sql string) [][]string {
	all, ok := tokens(sql)
	if !ok {
		return nil
	}
	own := commonTables(all)
	var out [][]string
	var calls []string // the word before each parenthesis that is open
	for i, t := range all {
		switch {
		case t.is("("):
			before := ""
			if i > 0 && all[i-1].kind == word {
				before = all[i-1].text
			}
			calls = append(calls, before)
		case t.is(")") && len(calls) > 0:
			calls = calls[:len(calls)-1]
		case t.is("join"), t.is("from") && !isPart(all, i, calls):
			for _, name := range relations(all[i+1:]) {
				if len(name) > 1 || !slices.Contains(own, strings.ToLower(name[0])) {
					out = append(out, name)
				}
			}
		}
	}
	return out
}

// isPart tells whether a FROM is that of a function, such as extract(day from d),
// or of IS DISTINCT FROM.
func isPart(all []token, at int, calls []string) bool {
	if len(calls) > 0 && slices.Contains([]string{"extract", "substring", "trim", "overlay", "position"}, calls[len(calls)-1]) {
		return true
	}
	return at > 1 && all[at-1].is("distinct") && all[at-2].is("is", "not")
}

// after are the words that may follow a table and are no other name of it.
var after = []string{
	"on", "using", "where", "group", "order", "having", "limit", "union", "except", "intersect", "join", "inner", "left", "right", "full", "cross", "natural",
	"lateral", "window", "tablesample", "for", "offset", "fetch", "as", "qualify", "pivot", "unpivot", "cluster", "distribute", "sort",
}

// relations reads the tables that stand behind FROM or JOIN, with commas between
// them. One in parentheses has a FROM of its own.
func relations(rest []token) [][]string {
	var out [][]string
	for {
		name, n := dotted(rest)
		if n == 0 {
			return out
		}
		rest = rest[n:]
		if len(rest) > 0 && rest[0].is("(") { // a function
			return out
		}
		out = append(out, name)
		if len(rest) > 0 && rest[0].is("as") {
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0].isName() && !rest[0].is(after...) {
			rest = rest[1:]
		}
		if len(rest) == 0 || !rest[0].is(",") {
			return out
		}
		rest = rest[1:]
	}
}

func dotted(rest []token) (name []string, n int) {
	for n < len(rest) && rest[n].isName() && !rest[n].is("lateral", "unnest", "select", "table", "values") {
		name = append(name, rest[n].text)
		if n++; n >= len(rest) || !rest[n].is(".") {
			return name, n
		}
		n++
	}
	return nil, 0
}

// commonTables are the names of WITH, which are no tables.
func commonTables(all []token) []string {
	var out []string
	for i := 1; i+1 < len(all); i++ {
		if !all[i].is("as") || !all[i+1].is("(") {
			continue
		}
		at := i - 1
		if all[at].is(")") { // the names of its columns
			for at > 0 && !all[at].is("(") {
				at--
			}
			at--
		}
		if at >= 0 && all[at].isName() {
			out = append(out, strings.ToLower(all[at].text))
		}
	}
	return out
}
