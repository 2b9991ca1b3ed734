package sqltext

import (
	"slices"
	"strings"
)

func isName(t Token) bool { return t.Kind == Word || t.Kind == Name }

// Tables gives the names that stand where tables stand, behind FROM, JOIN and the
// commas between, each as its parts. Whether one is a table, the catalog knows: a
// name that it does not show is none.
func (d Dialect) Tables(sql string) [][]string {
	all, ok := d.Tokens(sql)
	if !ok {
		return nil
	}
	s := &search{all: all, levels: []level{{}}, own: commonTables(all)}
	for s.at < len(all) {
		s.step()
	}
	return s.found
}

// level is one pair of brackets.
type level struct {
	call string // the word before it
	list bool   // a list of tables is being read, in which a comma stands before one
	view bool   // a LATERAL VIEW is, whose commas stand between columns
}

// search goes through the tokens one time.
type search struct {
	all      []Token
	at       int
	levels   []level
	expected bool // a table comes next
	own      []string
	found    [][]string
}

func (s *search) get(i int) Token {
	if i < 0 || i >= len(s.all) {
		return Token{Kind: Mark}
	}
	return s.all[i]
}

func (s *search) step() {
	t, before, now := s.get(s.at), s.get(s.at-1), &s.levels[len(s.levels)-1]
	s.at++
	switch {
	case t.Is("(", "["):
		one := level{list: s.expected}
		if before.Kind == Word {
			one.call = before.Text
		}
		s.levels = append(s.levels, one)
	case t.Is(")", "]"):
		if s.expected = false; len(s.levels) > 1 {
			s.levels = s.levels[:len(s.levels)-1]
		}
	case s.expected:
		s.table(t, now)
	case t.Is(","):
		s.expected = now.list && !now.view
	case before.Is("."):
	case t.Is("from") && !s.isPart(now), t.Is("join", "straight_join"), t.Is("apply") && before.Is("cross", "outer"):
		s.expected, now.list, now.view = true, true, false
	case t.Is("view") && before.Is("lateral"):
		now.view = true
	case s.ends(t):
		now.list, now.view = false, false
	}
}

// ends tells the words that a list of tables ends with.
func (s *search) ends(t Token) bool {
	switch next := s.get(s.at); {
	case t.Is("select", "values", "where", "having", "limit", "union", "intersect", "except", "minus", "window", "qualify", "returning", "set", "update"):
		return true
	case t.Is("group", "order", "cluster", "distribute", "sort", "connect"):
		return next.Is("by")
	case t.Is("for"):
		return next.Is("update", "share", "no", "key")
	}
	return false
}

// table reads what stands where a table is expected. A query in parentheses has a
// FROM of its own, and parentheses round a join go on with the list.
func (s *search) table(t Token, now *level) {
	switch s.expected = false; {
	case t.Is("lateral") && s.get(s.at).Is("view"):
	case t.Is("lateral", "only") && !s.get(s.at).Is(".", ","):
		s.expected = true
	case t.Is("select", "with", "values"):
		now.list = false
	case t.Is("unnest", "table"):
	case isName(t):
		name, n := dotted(s.all[s.at-1:])
		s.at += max(n-1, 0)
		if n == 0 || s.get(s.at).Is("(") { // a function
			return
		}
		if len(name) > 1 || !slices.Contains(s.own, strings.ToLower(name[0])) {
			s.found = append(s.found, name)
		}
	}
}

// isPart tells whether a FROM is that of a function, such as extract(day from d),
// or of IS DISTINCT FROM.
func (s *search) isPart(now *level) bool {
	if slices.Contains([]string{"extract", "substring", "trim", "overlay", "position"}, now.call) {
		return true
	}
	return s.get(s.at-2).Is("distinct") && s.get(s.at-3).Is("is", "not")
}

func dotted(rest []Token) (name []string, n int) {
	for n < len(rest) && isName(rest[n]) {
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
