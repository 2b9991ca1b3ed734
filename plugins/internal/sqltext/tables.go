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
	own, whole := commonTables(all), parenthesized(all)
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
			for _, name := range whole.relations(i + 1) {
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

// statement is SQL with the place behind each pair of parentheses, by where it
// begins, so that none is looked through twice.
type statement struct {
	all    []Token
	behind map[int]int
}

func parenthesized(all []Token) statement {
	s := statement{all, map[int]int{}}
	var open []int
	for i, t := range all {
		switch {
		case t.Is("("):
			open = append(open, i)
		case t.Is(")") && len(open) > 0:
			s.behind[open[len(open)-1]] = i + 1
			open = open[:len(open)-1]
		}
	}
	return s
}

func (s statement) is(at int, texts ...string) bool { return at < len(s.all) && s.all[at].Is(texts...) }

// relations reads the tables that stand behind FROM or JOIN, with commas between
// them. Parentheses hold a query with a FROM of its own, or a join, as Trino writes
// them.
func (s statement) relations(at int) [][]string {
	var out [][]string
	for {
		first := at
		for s.is(first, "(") {
			first++
		}
		if behind := s.behind[at]; behind > 0 && s.is(first, "select", "with", "values") {
			at = behind
		} else {
			name, n := dotted(s.all[first:])
			if n == 0 {
				return out
			}
			at = first + n
			if call := s.behind[at]; call > 0 { // a function
				at = call
			} else {
				out = append(out, name)
			}
		}
		if at = s.alias(at); !s.is(at, ",") {
			return out
		}
		at++
	}
}

// alias passes by the other name of a table, with those of its columns.
func (s statement) alias(at int) int {
	if s.is(at, "as") {
		at++
	}
	if at < len(s.all) && isName(s.all[at]) && !s.is(at, after...) {
		at++
	}
	return max(at, s.behind[at])
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
