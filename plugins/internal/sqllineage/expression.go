package sqllineage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqltext"
)

// frame is one pair of brackets or one CASE of an expression.
type frame struct {
	how       How
	isCase    bool
	condition How // of a CASE, where its WHEN is being read
	call      string
}

// walk goes through one expression.
type walk struct {
	*resolver
	s      *scope
	at     span
	i      int
	frames []frame
	own    []string // the parameters of lambdas
	out    Column
	plain  bool
}

// made gives what a column of a SELECT is made of.
func (w *resolver) made(it item, s *scope) Column {
	e := &walk{resolver: w, s: s, at: it.span, frames: []frame{{}}, out: Column{Name: it.name}}
	e.plain = w.isChain(span{it.start, w.cast(it.span)})
	for e.i = it.start; e.i < it.end && w.ops <= mostOps; {
		e.step()
	}
	return e.out
}

func (e *walk) top() *frame { return &e.frames[len(e.frames)-1] }

// how is the way in which what stands here goes into the column.
func (e *walk) how() How {
	how := Transformation
	if e.plain {
		how = Identity
	}
	for _, f := range e.frames {
		how = max(how, f.how, f.condition)
	}
	return how
}

func (e *walk) step() {
	t, next := e.get(e.i), e.get(e.i+1)
	switch {
	case t.Kind == sqltext.Literal:
		e.literal()
	case t.Kind == sqltext.Mark:
		e.mark(t, next)
	case isNumber(t):
		e.number()
	case t.Kind == sqltext.Word && e.control(t, next):
	case t.Kind == sqltext.Word && (next.Kind == sqltext.Literal || next.Is("[") && t.Is("array")):
		e.i++ // date '2026-01-01', r'..', array[..]
	case t.Is("u") && next.Is("&") && e.get(e.i+2).Kind == sqltext.Literal && next.End == e.get(e.i+2).Start:
		e.i += 2 // u&'..', as Trino writes what is not ASCII
	case e.types(e.i) > 0:
		e.i = min(e.types(e.i), e.at.end)
	case isName(t) && e.get(e.i-1).Is(".") && e.i > e.at.start && e.get(e.i-2).Is(")", "]"):
		e.i++ // a part of what was made before, as in f(a).b
	default:
		e.chain()
	}
}

// literal passes over a text, and over the unit of an interval.
func (e *walk) literal() {
	e.i++
	if !e.get(e.i - 2).Is("interval") {
		return
	}
	for t := e.get(e.i); e.i < e.at.end && (t.Is("to") || t.Kind == sqltext.Word && dateParts[t.Text]); t = e.get(e.i) {
		e.i++
	}
}

func (e *walk) number() {
	for e.i++; e.get(e.i).Is(".") && isNumber(e.get(e.i+1)) && e.i < e.at.end; {
		e.i += 2
	}
	if t := e.get(e.i); t.Kind == sqltext.Word && dateParts[t.Text] {
		e.i++ // interval 1 day
	}
}

func (e *walk) mark(t, next sqltext.Token) {
	switch {
	case t.Is("("):
		e.open()
		return
	case t.Is(")"):
		for len(e.frames) > 1 && e.top().isCase {
			e.frames = e.frames[:len(e.frames)-1]
		}
		if len(e.frames) > 1 {
			e.frames = e.frames[:len(e.frames)-1]
		}
	case t.Is(":") && next.Is(":"):
		e.i = e.typeEnd(e.i+2, e.at.end)
		return
	case t.Is(":") && isName(next) && next.Start == t.End && e.get(e.i-1).End == t.Start && !e.get(e.i-1).Is("{", ",", "["):
		e.path() // a part of a VARIANT
		return
	case t.Is("{") && next.Is("{", "%"):
		e.unknown("a template in the SQL")
	case !strings.Contains("+-*/%^&|~!=<>?,.:[]{}@#\\", t.Text):
		e.unknown("a sign that is not known")
	}
	e.i++
}

// path passes over the way into a value.
func (e *walk) path() {
	for e.i += 2; e.get(e.i).Is(".") && isName(e.get(e.i+1)) && e.i < e.at.end; {
		e.i += 2
	}
}

// open begins a parenthesis: a query, or the arguments of a function.
func (e *walk) open() {
	f := frame{}
	before := e.get(e.i - 1)
	if isName(before) && e.i > e.at.start {
		f.call = before.Text
		if f.how = wayOf(f.call); f.call == "filter" && !e.get(e.i-2).Is(")") {
			f.how = Identity // of an array, and not of the rows of an aggregate
		}
	}
	if e.get(e.i+1).Is("select", "with", "values") || e.opensQuery(e.i) {
		e.sub(f)
		return
	}
	if e.parameters() {
		return
	}
	if len(e.frames) > deepest*10 {
		e.unknown("parentheses lie too deep in one another")
		e.i = e.at.end
		return
	}
	e.frames = append(e.frames, f)
	e.i++
}

// arrow tells whether the sign of a lambda stands at a place, which is one of JSON
// in other dialects.
func (e *walk) arrow(i int) bool {
	dash, head := e.get(i), e.get(i+1)
	return dash.Is("-") && head.Is(">") && dash.End == head.Start && (!e.get(i+2).Is(">") || e.get(i+2).Start > head.End)
}

// parameters reads those of a lambda in parentheses, (a, b) -> a + b; it reports
// whether it did.
func (e *walk) parameters() bool {
	if !lambdas[e.top().call] || !e.get(e.i-1).Is("(", ",") {
		return false
	}
	var names []string
	i := e.i + 1
	for ; isName(e.get(i)) && i < e.at.end; i++ {
		names = append(names, e.text(e.get(i)))
		if !e.get(i + 1).Is(",") {
			i++
			break
		}
		i++
	}
	if !e.get(i).Is(")") || !e.arrow(i+1) {
		return false
	}
	e.own = append(e.own, names...)
	e.i = i + 3
	return true
}

func wayOf(call string) How {
	switch {
	case aggregates[call]:
		return Aggregation
	case masks[call]:
		return Masked
	case call == "over":
		return Window
	case call == "filter", call == "exists":
		return Conditional
	}
	return Identity
}

// sub reads a query within an expression.
func (e *walk) sub(f frame) {
	start := e.i
	p := &parser{sql: e.sql, tokens: e.tokens[:min(e.passed(start), len(e.tokens))], at: start + 1, depth: e.depth, paths: e.paths}
	q := p.query()
	if p.why != "" || p.at < len(p.tokens) {
		e.unknown(cmp.Or(p.why, "a query within an expression is of a form that is not known"))
	} else {
		rel := e.query(q, e.s)
		how := max(e.how(), f.how)
		if rel.open() && f.call != "exists" {
			e.unknown(rel.why())
		}
		for _, c := range rel.columns {
			e.take(c, how)
		}
	}
	e.i = min(e.passed(start)+1, e.at.end)
}

// control reads the words of an expression that are no names; it reports whether
// it did.
func (e *walk) control(t, next sqltext.Token) bool {
	before := e.get(e.i - 1)
	switch {
	case before.Is(".") && e.i > e.at.start:
		return false
	case t.Is("case"):
		e.frames = append(e.frames, frame{isCase: true, condition: Conditional})
	case t.Is("when", "then", "else") && e.top().isCase:
		e.top().condition = Identity
		if t.Is("when") {
			e.top().condition = Conditional
		}
	case t.Is("end") && e.top().isCase:
		e.frames = e.frames[:len(e.frames)-1]
	case t.Is("as") && len(e.frames) > 1:
		e.i = e.afterAs()
		return true
	case reserved[t.Text] && !next.Is("."):
	case before.Is("over") && e.window(t):
	case framing[t.Text] && e.within("over"):
	case t.Is("zone") && before.Is("time"), t.Is("time") && next.Is("zone"), t.Is("first", "last") && before.Is("nulls"), t.Is("nulls") && next.Is("first", "last", ")"), t.Is("ignore", "respect") && next.Is("nulls"), t.Is("nulls") && before.Is("ignore", "respect"):
	case dateParts[t.Text] && e.inDate() && !e.certain(t.Text):
	case next.Is("=") && e.get(e.i+2).Is(">"): // a named argument
		e.i += 2
	case e.arrow(e.i+1) && e.get(e.i+3).Kind != sqltext.Literal && !isNumber(e.get(e.i+3)) && lambdas[e.top().call]:
		e.own = append(e.own, t.Text)
		e.i += 2
	default:
		return false
	}
	e.i++
	return true
}

// window reads one that WINDOW has given a name; it reports whether there is one.
func (e *walk) window(name sqltext.Token) bool {
	at, is := e.s.windows[name.Text]
	if !is {
		return false
	}
	e.ops += at.end - at.start
	within := *e.s
	within.windows = nil // in a window is none
	over := &walk{resolver: e.resolver, s: &within, at: at, frames: []frame{{call: "over", how: Window}}}
	for over.i = at.start; over.i < at.end && over.ops <= mostOps; {
		over.step()
	}
	e.take(over.out, e.how())
	return true
}

// within tells whether the innermost parentheses are the arguments of a call.
func (e *walk) within(call string) bool {
	for _, f := range slices.Backward(e.frames) {
		if !f.isCase {
			return f.call == call
		}
	}
	return false
}

func (e *walk) inDate() bool {
	for _, f := range slices.Backward(e.frames) {
		if !f.isCase {
			return strings.Contains(f.call, "date") || strings.Contains(f.call, "time") || f.call == "extract" || f.call == "week" || f.call == "last_day" || strings.HasSuffix(f.call, "_trunc") || f.call == "trunc"
		}
	}
	return e.get(e.i-1).Is("to") || e.get(e.i-2).Is("interval")
}

// certain tells whether a column of that name is known to be there.
func (e *walk) certain(name string) bool {
	for _, r := range e.s.from {
		if slices.ContainsFunc(r.columns, func(c Column) bool { return same(c.Name, name) }) {
			return true
		}
	}
	return false
}

// afterAs is where the type or the name ends that stands behind AS in parentheses.
func (e *walk) afterAs() int {
	level := 0
	for i := e.i + 1; i < e.at.end; i++ {
		switch t := e.get(i); {
		case t.Is("(", "<"):
			level++
		case t.Is(">"):
			level--
		case t.Is(")"):
			if level--; level < 0 {
				return i
			}
		case level == 0 && t.Is(",", "format", "default"):
			return i
		}
	}
	return e.at.end
}

// typeEnd is where the type ends that stands at a place behind a cast.
func (p *parser) typeEnd(i, end int) int {
	for isName(p.get(i)) && i < end {
		word := p.get(i)
		i++
		if p.get(i).Is(".") {
			i++
			continue
		}
		if p.get(i).Is("(") {
			i = min(p.closing(i)+1, end)
		}
		if next := p.get(i); word.Is("double") && next.Is("precision") || word.Is("character", "bit") && next.Is("varying") {
			i++
		}
		if p.get(i).Is("with", "without") && p.get(i+1).Is("time", "local") {
			for i++; p.get(i).Is("time", "local", "zone"); i++ {
			}
		}
		break
	}
	for p.get(i).Is("[") && i < end {
		i = p.passed(i) + 1
	}
	return min(i, end)
}

// chain reads a name with dots: a column, or a function.
func (e *walk) chain() {
	var parts []string
	all := false
	for {
		parts = append(parts, e.text(e.get(e.i)))
		e.i++
		if !e.get(e.i).Is(".") || e.i+1 >= e.at.end {
			break
		}
		if e.get(e.i + 1).Is("*") {
			all = true
			e.i += 2
			break
		}
		if !isName(e.get(e.i + 1)) {
			break
		}
		e.i++
	}
	switch {
	case e.get(e.i).Is("(") && e.i < e.at.end && !all:
		return // a function; its arguments come next
	case all && e.within("count"):
		return
	case len(parts) == 1 && has(e.own, parts[0]), has(e.own, parts[0]):
		return
	}
	e.name(parts, all)
}

func (e *walk) name(parts []string, all bool) {
	if len(e.s.from) == 0 && e.s.outer == nil && len(e.s.items) == 0 {
		e.unknown("it is not known what " + strings.Join(parts, ".") + " is")
		return
	}
	for s := e.s; s != nil; s = s.outer {
		if c, ok := e.look(s, parts, all); ok {
			e.take(c, e.how())
			return
		}
	}
	e.unknown("it is not known of which table " + strings.Join(parts, ".") + " is")
}

// take adds what a column is made of to the one that is read.
func (e *walk) take(c Column, how How) {
	e.out.From = e.union(e.out.From, c.From, how)
	e.unknown(c.Unknown)
}

func (e *walk) unknown(why string) { e.out.Unknown = cmp.Or(e.out.Unknown, why) }
