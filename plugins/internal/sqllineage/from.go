package sqllineage

import (
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqltext"
)

// joins are the words between two tables.
var joins = []string{"join", "inner", "left", "right", "full", "outer", "cross", "natural", "semi", "anti", "asof", "positional", "straight_join", "global", "any", "apply"}

// from reads the FROM of a SELECT.
func (p *parser) from(s *selection) {
	p.expect("from")
	p.refs(s)
}

// refs reads tables with joins and commas between them.
func (p *parser) refs(s *selection) {
	for kind := ""; p.why == ""; {
		before := len(s.from)
		p.ref(s)
		p.condition(s)
		if kind == "semi" || kind == "anti" {
			s.from = s.from[:before] // of such a one no column can be seen
		}
		joined := false
		if joined, kind = p.join(); !joined {
			return
		}
	}
}

// join reads what stands between two tables.
func (p *parser) join() (joined bool, kind string) {
	joined = p.take(",") || p.peek().Is("lateral") && p.get(p.at+1).Is("view")
	for p.at < len(p.tokens) && p.peek().Is(joins...) {
		switch {
		case p.peek().Is("natural"):
			p.fail("NATURAL JOIN")
		case p.peek().Is("semi", "anti"):
			kind = p.peek().Text
		}
		joined = true
		p.at++
	}
	return joined, kind
}

// condition passes over ON, and reads USING.
func (p *parser) condition(s *selection) {
	if p.peek().Is("using") && p.get(p.at+1).Is("(") {
		p.at++
		if names := p.names(); len(s.from) > 0 {
			s.from[len(s.from)-1].using = names
		}
		return
	}
	if !p.take("on") {
		return
	}
	for ; p.at < len(p.tokens); p.at++ {
		t := p.peek()
		switch {
		case t.Is("(", "[", "{"):
			p.at = p.passed(p.at)
		case t.Is(")", ",", ";"), p.clause():
			return
		case t.Is("lateral"), t.Is(joins...) && !p.get(p.at+1).Is("(") && !p.get(p.at+1).Is(".") && !p.get(p.at-1).Is("."):
			return
		}
	}
}

// ref reads one table, query or function.
func (p *parser) ref(s *selection) {
	lateral := p.take("lateral")
	if lateral && p.take("view") {
		p.view(s)
		return
	}
	p.take("only")
	r := ref{}
	switch {
	case p.peek().Is("(") && p.opensQuery(p.at):
		p.at++
		r.sub = p.query()
		p.expect(")")
	case p.take("("):
		p.nested(s)
		return
	case p.peek().Is("unnest", "table") && p.get(p.at+1).Is("("), isName(p.peek()):
		p.named(&r)
	case p.peek().Kind == sqltext.Literal:
		r.why = "a file in the place of a table"
		p.at++
	default:
		p.fail("the FROM is of a form that is not known")
	}
	p.alias(&r)
	s.from = append(s.from, r)
}

// nested reads tables in parentheses.
func (p *parser) nested(s *selection) {
	if p.depth++; p.depth > deepest {
		p.fail("queries and parentheses lie too deep in one another")
		return
	}
	p.refs(s)
	p.depth--
	p.expect(")")
	if p.why == "" && (p.take("as") || isName(p.peek()) && !p.clause() && !p.peek().Is(joins...) && !p.peek().Is("on", "using", "lateral")) {
		p.fail("a name for a join in parentheses")
	}
}

// opensQuery tells whether the parentheses at a place hold a query, behind
// whatever more of them.
func (p *parser) opensQuery(at int) bool {
	for p.get(at).Is("(") && at < len(p.tokens) {
		at++
	}
	return p.get(at).Is("select", "with", "values", "from")
}

// named reads a name, which may be one of a function.
func (p *parser) named(r *ref) {
	for {
		t := p.peek()
		word := p.text(t)
		p.at++
		if len(r.name) == 0 && t.Kind == sqltext.Word {
			word = p.sql[t.Start:p.hyphens()]
		}
		if t.Kind == sqltext.Name && p.paths {
			r.name = append(r.name, strings.Split(word, ".")...)
		} else {
			r.name = append(r.name, word)
		}
		if !p.peek().Is(".") || !isName(p.get(p.at+1)) {
			break
		}
		p.at++
	}
	if p.peek().Is("(") {
		r.call = strings.ToLower(r.name[len(r.name)-1])
		end := p.passed(p.at)
		r.args = span{p.at + 1, end}
		p.at = min(end+1, len(p.tokens))
	}
}

// hyphens is where a name ends that may have hyphens, as a project of BigQuery.
func (p *parser) hyphens() int {
	for p.peek().Is("-") && p.peek().Start == p.get(p.at-1).End && p.get(p.at+1).Kind == sqltext.Word && p.get(p.at+1).Start == p.peek().End {
		p.at += 2
	}
	return p.get(p.at - 1).End
}

// view reads LATERAL VIEW of Hive and Spark: a function, a name, its columns.
func (p *parser) view(s *selection) {
	p.take("outer")
	r := ref{}
	p.named(&r)
	if isName(p.peek()) && !p.peek().Is("as") {
		r.alias = p.text(p.peek())
		p.at++
	}
	if p.take("as") {
		for {
			r.columns = append(r.columns, p.text(p.peek()))
			if p.at++; !p.take(",") {
				break
			}
		}
	}
	s.from = append(s.from, r)
}

// alias reads what follows a table: its name, the names of its columns, and
// what changes which columns there are.
func (p *parser) alias(r *ref) {
	for p.why == "" {
		t, next := p.peek(), p.get(p.at+1)
		switch {
		case t.Is("pivot", "unpivot", "match_recognize") && next.Is("("):
			p.at = min(p.passed(p.at+1)+1, len(p.tokens))
			r.why = strings.ToUpper(t.Text)
		case t.Is("tablesample") || t.Is("sample") && next.Is("(") || t.Is("for") && next.Is("system_time", "version", "timestamp") || t.Is("at", "before") && next.Is("("):
			p.sample()
		case t.Is("with") && next.Is("offset", "ordinality"):
			p.at += 2
			if p.take("as"); next.Is("offset") && isName(p.peek()) && !p.clause() && !p.peek().Is(joins...) {
				r.columns = append(r.columns, p.text(p.peek()))
				p.at++
			}
		case t.Is("as") && (isName(next) || next.Kind == sqltext.Literal):
			p.at++
			p.alias1(r)
		case isFree(t) && !p.clause() && !t.Is(joins...) && !t.Is("lateral", "with"):
			p.alias1(r)
		default:
			return
		}
	}
}

// alias1 reads a name and the columns behind it.
func (p *parser) alias1(r *ref) {
	r.alias = p.text(p.peek())
	p.at++
	if p.peek().Is("(") {
		r.columns = p.names()
	}
}

// sample passes over which rows or which time of a table are read.
func (p *parser) sample() {
	for p.at++; p.at < len(p.tokens); p.at++ {
		t := p.peek()
		switch {
		case t.Is("("):
			p.at = min(p.passed(p.at)+1, len(p.tokens))
			return
		case t.Kind == sqltext.Literal:
			p.at++
			return
		case t.Is(")", ",") || p.clause() || t.Is(joins...):
			return
		}
	}
}
