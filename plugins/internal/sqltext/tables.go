package sqltext

import (
	"slices"
	"strings"
)

func isName(t Token) bool { return t.Kind == Word || t.Kind == Name }

// Tables gives the names that stand where tables stand, behind FROM and JOIN, each
// as its parts. Whether one is a table, the catalog knows: a name that it does not
// show is none.
func (d Dialect) Tables(sql string) [][]string {
	all, ok := d.Tokens(sql)
	if !ok {
		return nil
	}
	own := commonTables(all)
	var out [][]string
	var calls []string // the word before each parenthesis that is open
	for i, t := range all {
		switch {
		case t.Is("("):
			before := ""
			if i > 0 && all[i-1].Kind == Word {
				before = all[i-1].Text
			}
			calls = append(calls, before)
		case t.Is(")") && len(calls) > 0:
			calls = calls[:len(calls)-1]
		case t.Is("join"), t.Is("from") && !isPart(all, i, calls):
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
func isPart(all []Token, at int, calls []string) bool {
	if len(calls) > 0 && slices.Contains([]string{"extract", "substring", "trim", "overlay", "position"}, calls[len(calls)-1]) {
		return true
	}
	return at > 1 && all[at-1].Is("distinct") && all[at-2].Is("is", "not")
}

// after are the words that may follow a table and are no other name of it.
var after = []string{
	"on", "using", "where", "group", "order", "having", "limit", "union", "except", "intersect", "join", "inner", "left", "right", "full", "cross", "natural",
	"lateral", "window", "tablesample", "for", "offset", "fetch", "as", "qualify", "pivot", "unpivot", "cluster", "distribute", "sort",
}

// relations reads the tables that stand behind FROM or JOIN, with commas between
// them. Parentheses hold a query with a FROM of its own, or a join, as Trino writes
// them.
func relations(rest []Token) [][]string {
	var out [][]string
	for len(rest) > 0 && rest[0].Is("(") {
		rest = rest[1:]
	}
	for {
		name, n := dotted(rest)
		if n == 0 {
			return out
		}
		rest = rest[n:]
		if len(rest) > 0 && rest[0].Is("(") { // a function
			return out
		}
		out = append(out, name)
		if len(rest) > 0 && rest[0].Is("as") {
			rest = rest[1:]
		}
		if len(rest) > 0 && isName(rest[0]) && !rest[0].Is(after...) {
			rest = rest[1:]
		}
		if len(rest) == 0 || !rest[0].Is(",") {
			return out
		}
		rest = rest[1:]
	}
}

func dotted(rest []Token) (name []string, n int) {
	for n < len(rest) && isName(rest[n]) && !rest[n].Is("lateral", "unnest", "select", "table", "values", "with") {
		name = append(name, rest[n].Text)
		if n++; n >= len(rest) || !rest[n].Is(".") {
			return name, n
		}
		n++
	}
	return nil, 0
}

// commonTables are the names of WITH, which are no tables.
func commonTables(all []Token) []string {
	var out []string
	for i := 1; i+1 < len(all); i++ {
		if !all[i].Is("as") || !all[i+1].Is("(") {
			continue
		}
		at := i - 1
		if all[at].Is(")") { // the names of its columns
			for at > 0 && !all[at].Is("(") {
				at--
			}
			at--
		}
		if at >= 0 && isName(all[at]) {
			out = append(out, strings.ToLower(all[at].Text))
		}
	}
	return out
}
