package mysql

import (
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqltext"
)

// columns finds what each column of the outermost SELECT is made of. It gives
// nothing where there is more than one: a UNION, an EXCEPT or an INTERSECT.
func (r *reader) columns() []column {
	begin, end := r.list()
	if begin < 0 {
		return nil
	}
	var all []column
	depth, start := 0, begin
	for i := begin; i <= end; i++ {
		t := r.at(i)
		switch {
		case i == end || depth == 0 && t.Is(","):
			all, start = append(all, r.column(start, i)), i+1
		case t.Is("("):
			depth++
		case t.Is(")"):
			depth--
		}
	}
	return all
}

// list gives where the list of the outermost SELECT begins and ends.
func (r *reader) list() (begin, end int) {
	begin, end = -1, len(r.tokens)
	depth, ended := 0, false
	for i, t := range r.tokens {
		switch {
		case t.Is("("):
			depth++
		case t.Is(")"):
			depth--
		case depth > 0:
		case t.Is("union"), t.Is("except"), t.Is("intersect"), t.Is("values"):
			return -1, 0
		case t.Is("select"):
			if begin >= 0 {
				return -1, 0
			}
			begin = i + 1
		case t.Is("from") && begin >= 0 && !ended:
			end, ended = i, true
		}
	}
	for r.at(begin).Is("distinct") || r.at(begin).Is("sql_no_cache") || r.at(begin).Is("straight_join") || r.at(begin).Is("high_priority") {
		begin++
	}
	return begin, end
}

// column reads one item of the list: an expression, AS and a name.
func (r *reader) column(start, end int) column {
	if end-start < 3 || !r.at(end-2).Is("as") {
		return column{}
	}
	end -= 2
	c := column{known: true}
	for i := start; i < end; i++ {
		t := r.at(i)
		if t.Is("select") {
			return column{}
		}
		if t.Kind != sqltext.Name {
			continue
		}
		chain := r.chain(&i, end)
		if r.at(i + 1).Is("(") {
			continue // a function of the user's own
		}
		from, ok := r.resolve(chain)
		if !ok {
			return column{}
		}
		c.from = append(c.from, from)
		if i+1 == end && len(chain)*2-1 == end-start {
			return c
		}
	}
	if len(c.from) > 0 {
		c.how = strings.TrimSpace(r.sql[r.at(start).Start:r.at(end-1).End])
	}
	return c
}

// chain reads a name with dots, and leaves the place at its last part.
func (r *reader) chain(i *int, end int) []string {
	parts := []string{r.at(*i).Text}
	for *i+2 < end && r.at(*i+1).Is(".") && r.at(*i+2).Kind == sqltext.Name {
		*i += 2
		parts = append(parts, r.at(*i).Text)
	}
	return parts
}

// resolve finds the table of a column among those of the outermost FROM. The
// server writes a column of a table with the database, and one of a view without.
func (r *reader) resolve(chain []string) (columnOf, bool) {
	for _, o := range r.main {
		switch {
		case len(chain) == 2 && o.alias == chain[0]:
			return columnOf{o.name, chain[1]}, true
		case len(chain) == 3 && o.alias == "" && o.name == name{chain[0], chain[1]}:
			return columnOf{o.name, chain[2]}, true
		}
	}
	if len(chain) != 2 || r.common[strings.ToLower(chain[0])] || r.derived(chain[0]) {
		return columnOf{}, false
	}
	var found []columnOf
	for _, o := range r.main {
		if o.alias == "" && o.name.table == chain[0] {
			found = append(found, columnOf{o.name, chain[1]})
		}
	}
	if len(found) != 1 {
		return columnOf{}, false
	}
	return found[0], true
}

// derived tells whether a query in parentheses goes by a name.
func (r *reader) derived(alias string) bool {
	for i, t := range r.tokens {
		if t.Kind == sqltext.Name && t.Text == alias && r.at(i-1).Is(")") {
			return true
		}
	}
	return false
}
