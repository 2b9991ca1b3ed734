package httpd

import (
	"context"
	"math"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
)

// size is what a selection set comes to once its fragments are written out.
// Values of arguments count as selections: each copy of a field reads them anew.
type size struct{ depth, selections, aliases, meta int }

// survey measures a document. Fragments are measured once and never written
// out, until it is known that this makes no more than the limit: so a few
// hundred bytes that unfold to billions of selections cost microseconds,
// whether there are fields among these selections or not. Each step is counted,
// and the request's context is polled.
type survey struct {
	cfg       Config
	ctx       context.Context //nolint:containedctx // a survey lives as long as one call
	types     *described
	fragments map[string]*ast.FragmentDefinition
	sizes     map[string]size
	open      map[string]bool // fragments being measured
	cycle     string          // a fragment that contains itself
	steps     int
	gone      bool // the context has ended
}

func (c Config) survey(ctx context.Context, doc *ast.QueryDocument, types *described) *survey {
	s := &survey{
		cfg: c, ctx: ctx, types: types, sizes: map[string]size{}, open: map[string]bool{},
		fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)),
	}
	for _, f := range doc.Fragments {
		if s.fragments[f.Name] == nil { // validation refuses a second of the name
			s.fragments[f.Name] = f
		}
	}
	return s
}

const pollEach = 1024 // steps

// step counts one, and reports whether anybody still waits for the answer.
func (s *survey) step() bool {
	if s.steps++; s.steps%pollEach == 0 && s.ctx.Err() != nil {
		s.gone = true
	}
	return !s.gone
}

// set measures a selection set. Its meta part is what introspection would
// answer with if the set stood below __schema.
func (s *survey) set(set ast.SelectionSet) size {
	var total size
	for _, selection := range set {
		if !s.step() {
			break
		}
		total = total.beside(s.selection(selection))
	}
	return total
}

func (s *survey) selection(selection ast.Selection) size {
	switch selection := selection.(type) {
	case *ast.Field:
		return s.field(selection)
	case *ast.InlineFragment:
		return s.set(selection.SelectionSet).wrapped(s.directives(selection.Directives))
	case *ast.FragmentSpread:
		return s.fragment(selection.Name).wrapped(s.directives(selection.Directives))
	}
	return size{}
}

func (s *survey) field(f *ast.Field) size {
	inner := s.set(f.SelectionSet)
	inner.meta = add(1, times(s.types.rows(f.Name), inner.meta))
	inner.depth++
	if f.Alias != f.Name {
		inner.aliases = add(inner.aliases, 1)
	}
	return inner.wrapped(add(s.arguments(f.Arguments), s.directives(f.Directives)))
}

func (s *survey) fragment(name string) size {
	if measured, ok := s.sizes[name]; ok {
		return measured
	}
	if s.open[name] {
		s.cycle = name
		return size{}
	}
	s.open[name] = true
	defer delete(s.open, name)
	if f := s.fragments[name]; f != nil {
		s.sizes[name] = s.set(f.SelectionSet)
	}
	return s.sizes[name]
}

func (s *survey) directives(list ast.DirectiveList) int {
	n := len(list)
	for _, d := range list {
		n = add(n, s.arguments(d.Arguments))
	}
	return n
}

func (s *survey) arguments(list ast.ArgumentList) int {
	n := 0
	for _, a := range list {
		n = add(n, s.value(a.Value))
	}
	return n
}

func (s *survey) value(v *ast.Value) int {
	n := 1
	for _, child := range v.Children {
		if !s.step() {
			break
		}
		n = add(n, s.value(child.Value))
	}
	return n
}

// wrapped is the size with one selection around it, and what hangs on that one.
func (a size) wrapped(extra int) size {
	a.selections = add(a.selections, add(1, extra))
	return a
}

func (a size) beside(b size) size {
	return size{
		depth: max(a.depth, b.depth), selections: add(a.selections, b.selections),
		aliases: add(a.aliases, b.aliases), meta: add(a.meta, b.meta),
	}
}

func add(a, b int) int {
	if a > math.MaxInt32-b {
		return math.MaxInt32
	}
	return a + b
}

func times(a, b int) int {
	if b > 0 && a > math.MaxInt32/b {
		return math.MaxInt32
	}
	return a * b
}

// bound refuses a document that would be costly to validate or to execute. It
// runs before validation, whose own cost grows with the square of what it sees.
func (s *survey) bound(doc *ast.QueryDocument) *refusal {
	refused := s.boundWhole(doc)
	for _, op := range doc.Operations {
		if refused == nil {
			refused = s.boundOperation(op)
		}
	}
	if s.gone {
		return refuse(http.StatusGatewayTimeout, CodeTimeout, "the request was given up")
	}
	return refused
}

// boundWhole looks at the document before anything of it is written out.
func (s *survey) boundWhole(doc *ast.QueryDocument) *refusal {
	if n := len(doc.Fragments) + len(doc.Operations); n > s.cfg.MaxDefinitions {
		return refuseDocument(CodeComplexity, "the document has %d operations and fragments; the limit is %d", n, s.cfg.MaxDefinitions)
	}
	for _, f := range doc.Fragments {
		s.fragment(f.Name)
		if refused := s.boundRepeats(false, f.SelectionSet); refused != nil {
			return refused
		}
	}
	if s.cycle != "" {
		return refuseDocument(CodeValidation, "the fragment %s contains itself", clip(s.cycle))
	}
	total := 0
	for _, op := range doc.Operations {
		total = add(total, s.set(op.SelectionSet).selections)
	}
	if total > s.cfg.MaxComplexity {
		return refuseDocument(CodeComplexity, "the document selects %d fields once its fragments are written out; the limit is %d", total, s.cfg.MaxComplexity)
	}
	return nil
}

func (s *survey) boundOperation(op *ast.OperationDefinition) *refusal {
	if refused := s.boundRepeats(true, op.SelectionSet); refused != nil {
		return refused
	}
	roots := s.unfold(true, nil, op.SelectionSet)
	if op.Operation == ast.Subscription {
		for _, f := range roots[min(1, len(roots)):] {
			if f.Alias != roots[0].Alias {
				return refuseDocument(CodeValidation, "a subscription selects one field, and this one selects %s and %s; open a stream for each", clip(roots[0].Alias), clip(f.Alias))
			}
		}
	}
	return s.boundRoots(roots)
}

// boundRepeats counts how often each response key is selected in one place of
// the answer. Selections under the same key share a place, as they will in the
// answer. Unless it spreads fragments it looks past them.
func (s *survey) boundRepeats(spread bool, sets ...ast.SelectionSet) *refusal {
	var fields []*ast.Field
	for _, set := range sets {
		fields = s.unfold(spread, fields, set)
	}
	count, inner := map[string]int{}, map[string][]ast.SelectionSet{}
	for _, f := range fields {
		if count[f.Alias]++; count[f.Alias] > s.cfg.MaxRepeats {
			return refuseDocument(CodeRepeats, "the field %s is selected more than %d times in one place", clip(f.Alias), s.cfg.MaxRepeats)
		}
		if len(f.SelectionSet) > 0 {
			inner[f.Alias] = append(inner[f.Alias], f.SelectionSet)
		}
	}
	for _, sets := range inner {
		if refused := s.boundRepeats(spread, sets...); refused != nil || s.gone {
			return refused
		}
	}
	return nil
}

// boundRoots holds each root field to its depth. Introspection is deeper than
// other queries by nature and has limits of its own. The fields are counted
// first: so few are left then that each can be measured by itself.
func (s *survey) boundRoots(roots []*ast.Field) *refusal {
	if refused := s.boundCounts(roots); refused != nil {
		return refused
	}
	aliases, cost := 0, 0
	for _, f := range roots {
		n, limit := s.field(f), s.cfg.MaxDepth
		if isMeta(f) {
			limit, n.aliases, cost = maxIntrospectionDepth, 0, add(cost, n.meta)
		}
		if f.Name == "__type" {
			cost = add(cost, times(aboveAverage-1, n.meta))
		}
		if n.depth > limit {
			return refuseDocument(CodeDepth, "the field %s nests %d levels; the limit is %d", clip(f.Name), n.depth, limit)
		}
		aliases = add(aliases, n.aliases)
	}
	if aliases > s.cfg.MaxAliases {
		return refuseDocument(CodeAliases, "the document has %d aliased fields; the limit is %d", aliases, s.cfg.MaxAliases)
	}
	if cost > s.types.most {
		return refuseDocument(CodeComplexity, "introspection may answer with %d objects and values; the limit is %d, which is enough to ask for the whole schema once", cost, s.types.most)
	}
	return nil
}

func (s *survey) boundCounts(roots []*ast.Field) *refusal {
	count, aliases, meta := 0, 0, 0
	for _, f := range roots {
		switch {
		case isMeta(f):
			meta++
		case f.Alias != f.Name:
			aliases++
			count++
		default:
			count++
		}
	}
	if aliases > s.cfg.MaxAliases {
		return refuseDocument(CodeAliases, "the document has %d aliased fields; the limit is %d", aliases, s.cfg.MaxAliases)
	}
	if max(count, meta) > s.cfg.MaxRootFields {
		return refuseDocument(CodeRootFields, "the document has %d root fields; the limit is %d", max(count, meta), s.cfg.MaxRootFields)
	}
	return nil
}

func isMeta(f *ast.Field) bool { return f.Name == "__schema" || f.Name == "__type" }

// unfold appends the fields of the set, those of its fragments among them.
func (s *survey) unfold(spread bool, fields []*ast.Field, set ast.SelectionSet) []*ast.Field {
	for _, selection := range set {
		if !s.step() {
			break
		}
		switch selection := selection.(type) {
		case *ast.Field:
			fields = append(fields, selection)
		case *ast.InlineFragment:
			fields = s.unfold(spread, fields, selection.SelectionSet)
		case *ast.FragmentSpread:
			if f := s.fragments[selection.Name]; spread && f != nil {
				fields = s.unfold(spread, fields, f.SelectionSet)
			}
		}
	}
	return fields
}
