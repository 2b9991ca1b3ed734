package sqllineage

import (
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqltext"
)

// query is one SELECT, or some that a set operation puts together.
type query struct {
	with []*part
	arms []arm
}

// part is a query that WITH gives a name.
type part struct {
	name    string
	columns []string
	body    *query
}

// arm is one side of a set operation.
type arm struct {
	op     string // what stands before it
	byName bool
	sub    *query
	sel    *selection
	values []span // of the first row of VALUES
}

// selection is one SELECT with its FROM.
type selection struct {
	items   []item
	from    []ref
	windows map[string]span // by their names in small letters
}

// span is a run of tokens.
type span struct{ start, end int }

// item is one of the list of a SELECT.
type item struct {
	span
	name   string
	star   bool
	of     []string // the table before the star
	except []string
	swap   []item // what REPLACE puts in the place of a column
	rename map[string]string
}

// ref is one that a FROM names.
type ref struct {
	name    []string
	sub     *query
	call    string // a function that gives a table
	args    span
	alias   string
	columns []string
	using   []string
	why     string // why its columns are unknown
}

type parser struct {
	sql    string
	tokens []sqltext.Token
	paths  bool
	at     int
	depth  int
	why    string
}

func (p *parser) fail(why string) {
	if p.why == "" {
		p.why = why
	}
	p.at = len(p.tokens)
}

func (p *parser) get(i int) sqltext.Token {
	if i < 0 || i >= len(p.tokens) {
		return sqltext.Token{Kind: sqltext.Mark, Start: len(p.sql), End: len(p.sql)}
	}
	return p.tokens[i]
}

func (p *parser) peek() sqltext.Token { return p.get(p.at) }

// take goes on behind one of the words or marks, where it stands here.
func (p *parser) take(texts ...string) bool {
	if p.at < len(p.tokens) && p.peek().Is(texts...) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.take(text) {
		p.fail("the SQL is of a form that is not known: there is no " + text + " where one has to be")
	}
}

// begin passes over what makes a view, and gives the names of its columns.
func (p *parser) begin() (names []string) {
	if !p.peek().Is("create") {
		return nil
	}
	for ; p.at < len(p.tokens); p.at++ {
		switch {
		case p.peek().Is("("):
			if p.get(p.at - 1).Is("as") {
				return names
			}
			names = p.names()
			p.at--
		case p.peek().Is("as") && p.get(p.at+1).Is("select", "with", "values", "("):
			p.at++
			return names
		}
	}
	return nil
}

// names reads names in parentheses; of each only what stands first counts.
func (p *parser) names() (names []string) {
	end := p.closing(p.at)
	first, level := true, 0
	for p.at++; p.at < end; p.at++ {
		t := p.peek()
		switch {
		case t.Is("(", "<"):
			level++
		case t.Is(")", ">"):
			level--
		case t.Is(",") && level == 0:
			first = true
		case first && (t.Kind == sqltext.Name || t.Kind == sqltext.Word):
			names, first = append(names, p.text(t)), false
		}
	}
	p.at = min(end+1, len(p.tokens))
	return names
}

// text is a name as it was written.
func (p *parser) text(t sqltext.Token) string {
	if t.Kind == sqltext.Word {
		return p.sql[t.Start:t.End]
	}
	return t.Text
}

// closing is where the parenthesis stands that ends the one at a place.
func (p *parser) closing(at int) int {
	level := 0
	for i := at; i < len(p.tokens); i++ {
		switch {
		case p.tokens[i].Is("("):
			level++
		case p.tokens[i].Is(")"):
			if level--; level == 0 {
				return i
			}
		}
	}
	return len(p.tokens)
}

// query reads a query up to the end or the parenthesis that closes it.
func (p *parser) query() *query {
	if p.depth++; p.depth > deepest {
		p.fail("queries and parentheses lie too deep in one another")
	}
	defer func() { p.depth-- }()
	q := &query{}
	if p.take("with") {
		p.take("recursive")
		for p.part(q); p.take(","); {
			p.part(q)
		}
	}
	for op := ""; p.why == ""; {
		a := p.arm()
		a.op = op
		a.byName = op == "by name"
		q.arms = append(q.arms, a)
		p.tail(a.sel)
		if op = p.setOperation(); op == "" {
			return q
		}
	}
	return q
}

func (p *parser) part(q *query) {
	c := &part{name: p.text(p.peek())}
	p.at++
	if p.peek().Is("(") {
		c.columns = p.names()
	}
	p.expect("as")
	p.take("not")
	p.take("materialized")
	p.expect("(")
	c.body = p.query()
	p.expect(")")
	q.with = append(q.with, c)
}

// setOperation reads UNION and the like, and tells which it is.
func (p *parser) setOperation() string {
	t := p.peek()
	if !p.take("union", "except", "intersect", "minus") {
		return ""
	}
	p.take("all", "distinct")
	if p.peek().Is("by") && p.get(p.at+1).Is("name") {
		p.at += 2
		return "by name"
	}
	return t.Text
}

// arm reads one SELECT, VALUES or query in parentheses.
func (p *parser) arm() arm {
	switch {
	case p.take("("):
		sub := p.query()
		p.expect(")")
		return arm{sub: sub}
	case p.take("select"):
		return arm{sel: p.selection()}
	case p.take("values"):
		return arm{values: p.values()}
	case p.peek().Is("from"): // DuckDB: all columns
		s := &selection{items: []item{{star: true}}}
		p.from(s)
		return arm{sel: s}
	}
	p.fail("the SQL is no SELECT")
	return arm{}
}

// values reads the expressions of the first row.
func (p *parser) values() []span {
	p.take("row")
	if !p.peek().Is("(") {
		p.fail("VALUES without parentheses")
		return nil
	}
	end := p.closing(p.at)
	p.at++
	list := p.list(func() bool { return p.at >= end })
	p.at = min(end+1, len(p.tokens))
	return list
}

// list cuts what stands up to an end at the commas that are outside of parentheses.
func (p *parser) list(ended func() bool) (list []span) {
	start := p.at
	for ; p.at < len(p.tokens) && !ended(); p.at++ {
		switch t := p.peek(); {
		case t.Is("(", "[", "{"):
			p.at = p.passed(p.at)
		case p.types(p.at) > 0:
			p.at = p.types(p.at) - 1
		case t.Is(")"):
			return append(list, span{start, p.at})
		case t.Is(","):
			list, start = append(list, span{start, p.at}), p.at+1
		}
	}
	return append(list, span{start, p.at})
}

// types gives where the types end that begin at a place in angle brackets, as those
// of struct<a int64, b string>(..), and 0 where there are none. It looks no further
// than types reach, so that a text of nothing else takes no longer.
func (p *parser) types(at int) int {
	if !p.get(at).Is("struct", "array") || p.get(at-1).Is(".") {
		return 0
	}
	level := 0
	for i := at + 1; i < at+200; i++ {
		switch t := p.get(i); {
		case t.Is("<"):
			level++
		case t.Is(">"):
			level--
		}
		if level == 0 && i > at+1 && p.get(i+1).Is("(", "[") {
			return i + 1
		}
		if level == 0 {
			return 0
		}
	}
	return 0
}

// passed is where the bracket ends that begins here.
func (p *parser) passed(at int) int {
	level := 0
	for i := at; i < len(p.tokens); i++ {
		switch t := p.tokens[i]; {
		case t.Is("(", "[", "{"):
			level++
		case t.Is(")", "]", "}"):
			if level--; level == 0 {
				return i
			}
		}
	}
	p.fail("a parenthesis does not end")
	return len(p.tokens)
}

// selection reads what follows SELECT.
func (p *parser) selection() *selection {
	s := &selection{}
	p.modifiers()
	for _, at := range p.list(p.clause) {
		if at.start == at.end && p.why == "" {
			continue // a comma at the end, which BigQuery and DuckDB take
		}
		s.items = append(s.items, p.item(at))
	}
	if len(s.items) == 0 {
		p.fail("a SELECT without columns")
	}
	if p.peek().Is("from") {
		p.from(s)
	}
	return s
}

// modifiers passes over what may stand between SELECT and its columns.
func (p *parser) modifiers() {
	for p.take("distinct", "all", "sql_no_cache", "straight_join", "high_priority", "sql_calc_found_rows") {
		if p.peek().Is("on") && p.get(p.at+1).Is("(") {
			p.at = min(p.passed(p.at+1)+1, len(p.tokens))
		}
	}
	if p.peek().Is("top") && (isNumber(p.get(p.at+1)) || p.get(p.at+1).Is("(")) {
		p.at++
		if p.peek().Is("(") {
			p.at = p.passed(p.at)
		}
		p.at++
	}
	switch next := p.get(p.at + 1); {
	case p.peek().Is("as") && next.Is("value"):
		p.fail("SELECT AS VALUE is not read")
	case p.peek().Is("as") && next.Is("struct"):
		p.at += 2 // one row of the columns: whoever asks for it has all of them
	}
}

// clause tells whether what comes now follows the columns of a SELECT.
func (p *parser) clause() bool {
	t, before, next := p.peek(), p.get(p.at-1), p.get(p.at+1)
	if t.Kind != sqltext.Word || before.Is(".", "as") {
		return false
	}
	switch t.Text {
	case "from":
		return !before.Is("distinct") || !p.get(p.at-2).Is("is", "not")
	case "where", "having", "union", "intersect", "limit":
		return true
	case "except":
		return !before.Is("*")
	case "group", "order", "cluster", "distribute", "sort":
		return next.Is("by")
	case "minus":
		return next.Is("select", "all", "(")
	case "qualify", "fetch":
		return next.Kind != sqltext.Mark || next.Is("(")
	case "window":
		return p.get(p.at + 2).Is("as")
	case "with":
		return next.Is("no", "data", "check", "cascaded", "local")
	case "into":
		return true
	}
	return false
}

// tail passes over what follows the FROM, up to a set operation or the end; of it
// only windows with a name go into columns.
func (p *parser) tail(s *selection) {
	for ; p.at < len(p.tokens); p.at++ {
		switch t := p.peek(); {
		case s != nil && t.Is("as") && p.get(p.at+1).Is("(") && p.get(p.at-2).Is("window", ","):
			if s.windows == nil {
				s.windows = map[string]span{}
			}
			end := p.passed(p.at + 1)
			s.windows[strings.ToLower(p.get(p.at-1).Text)] = span{p.at + 2, end}
			p.at = end
		case t.Is("(", "[", "{"):
			p.at = p.passed(p.at)
		case t.Is(")", ";"), t.Is("union", "intersect", "except"), t.Is("minus") && p.get(p.at+1).Is("select", "all", "("):
			return
		}
	}
}

// item reads one of the columns of a SELECT.
func (p *parser) item(at span) item {
	if it, ok := p.star(at); ok {
		return it
	}
	it := item{span: at}
	last, before := p.get(at.end-1), p.get(at.end-2)
	length := at.end - at.start
	switch {
	case length > 2 && before.Is("as") && (last.Kind != sqltext.Mark):
		it.name, it.end = p.text(last), at.end-2
	case length > 1 && isFree(last) && p.endsValue(at, at.end-2):
		it.name, it.end = p.text(last), at.end-1
	case length%2 == 1 && p.isChain(at):
		it.name = p.text(last)
	case p.isChain(span{at.start, p.cast(at)}):
		it.name = p.text(p.get(p.cast(at) - 1))
	}
	return it
}

// cast is where the first cast of an item stands, or its end.
func (p *parser) cast(at span) int {
	for i := at.start; i+1 < at.end; i++ {
		if p.get(i).Is(":") && p.get(i+1).Is(":") {
			return i
		}
	}
	return at.end
}

// endsValue tells whether a value may end at a place of an item, so that a word
// behind it is its name.
func (p *parser) endsValue(at span, i int) bool {
	t := p.get(i)
	if c := p.cast(at); c < i {
		return i >= p.typeEnd(c+2, at.end)-1
	}
	switch t.Kind {
	case sqltext.Literal:
		return !p.get(i - 1).Is("interval")
	case sqltext.Mark:
		return t.Is(")", "]", "}")
	case sqltext.Word:
		return t.Is("end", "null", "true", "false", "current_date", "current_timestamp") || !reserved[t.Text]
	case sqltext.Name:
	}
	return true
}

// isChain tells whether nothing but a name with dots stands there.
func (p *parser) isChain(at span) bool {
	for i := at.start; i < at.end; i++ {
		t := p.get(i)
		if odd := (i - at.start) % 2; odd == 1 && !t.Is(".") || odd == 0 && !isName(t) {
			return false
		}
	}
	return at.end > at.start
}

func isName(t sqltext.Token) bool {
	return t.Kind == sqltext.Name || t.Kind == sqltext.Word && !isNumber(t)
}

// isFree tells whether a name may be one that its author has given.
func isFree(t sqltext.Token) bool {
	return t.Kind == sqltext.Name || isName(t) && !reserved[t.Text]
}

func isNumber(t sqltext.Token) bool {
	return t.Kind == sqltext.Word && t.Text != "" && t.Text[0] >= '0' && t.Text[0] <= '9'
}
