package httpd

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"
)

// size is what a selection set comes to once its fragments are written out.
type size struct{ depth, fields, aliases int }

// scale measures a document without writing its fragments out, so that a few
// hundred bytes which unfold to billions of fields are measured in microseconds.
type scale struct {
	doc       *ast.QueryDocument
	fragments map[string]size
	open      map[string]bool // fragments being measured
	cycle     string          // a fragment that contains itself
}

func (s *scale) set(set ast.SelectionSet) size {
	var total size
	for _, selection := range set {
		total = total.beside(s.selection(selection))
	}
	return total
}

func (s *scale) selection(selection ast.Selection) size {
	switch selection := selection.(type) {
	case *ast.Field:
		return s.field(selection)
	case *ast.InlineFragment:
		return s.set(selection.SelectionSet)
	case *ast.FragmentSpread:
		return s.fragment(selection.Name)
	}
	return size{}
}

func (s *scale) field(f *ast.Field) size {
	inner := s.set(f.SelectionSet)
	inner.depth++
	inner.fields = add(inner.fields, 1)
	if f.Alias != f.Name {
		inner.aliases = add(inner.aliases, 1)
	}
	return inner
}

func (s *scale) fragment(name string) size {
	if known, ok := s.fragments[name]; ok {
		return known
	}
	if s.open[name] {
		s.cycle = name
		return size{}
	}
	s.open[name] = true
	defer delete(s.open, name)
	if f := s.doc.Fragments.ForName(name); f != nil {
		s.fragments[name] = s.set(f.SelectionSet)
	}
	return s.fragments[name]
}

func (a size) beside(b size) size {
	return size{depth: max(a.depth, b.depth), fields: add(a.fields, b.fields), aliases: add(a.aliases, b.aliases)}
}

func add(a, b int) int {
	if a > math.MaxInt32-b {
		return math.MaxInt32
	}
	return a + b
}

// bound refuses a document that would be costly to validate or to execute. It
// runs before validation, whose own cost grows with the square of what it sees.
func (c Config) bound(doc *ast.QueryDocument) *refusal {
	s := &scale{doc: doc, fragments: map[string]size{}, open: map[string]bool{}}
	for _, f := range doc.Fragments {
		s.fragment(f.Name)
		if refused := c.boundRepeats(nil, f.SelectionSet); refused != nil {
			return refused
		}
	}
	if s.cycle != "" {
		return refuseDocument(CodeValidation, "the fragment %s contains itself", clip(s.cycle))
	}
	for _, op := range doc.Operations {
		if refused := c.boundOperation(s, op); refused != nil {
			return refused
		}
	}
	return nil
}

func (c Config) boundOperation(s *scale, op *ast.OperationDefinition) *refusal {
	if n := s.set(op.SelectionSet).fields; n > c.MaxComplexity {
		return refuseDocument(CodeComplexity, "the document selects %d fields once its fragments are written out; the limit is %d", n, c.MaxComplexity)
	}
	if refused := c.boundRepeats(s.doc, op.SelectionSet); refused != nil {
		return refused
	}
	return c.boundRoots(s, unfold(s.doc, nil, op.SelectionSet))
}

// boundRepeats counts how often each response key is selected in one place of
// the answer. Selections under the same key share a place, as they will in the
// answer. Without a document it looks past fragment spreads.
func (c Config) boundRepeats(doc *ast.QueryDocument, sets ...ast.SelectionSet) *refusal {
	var fields []*ast.Field
	for _, set := range sets {
		fields = unfold(doc, fields, set)
	}
	count, inner := map[string]int{}, map[string][]ast.SelectionSet{}
	for _, f := range fields {
		if count[f.Alias]++; count[f.Alias] > c.MaxRepeats {
			return refuseDocument(CodeRepeats, "the field %s is selected more than %d times in one place", clip(f.Alias), c.MaxRepeats)
		}
		if len(f.SelectionSet) > 0 {
			inner[f.Alias] = append(inner[f.Alias], f.SelectionSet)
		}
	}
	for _, sets := range inner {
		if refused := c.boundRepeats(doc, sets...); refused != nil {
			return refused
		}
	}
	return nil
}

// boundRoots holds each root field to its depth. Introspection is deeper than
// other queries by nature and has limits of its own.
func (c Config) boundRoots(s *scale, roots []*ast.Field) *refusal {
	count, aliases, meta := 0, 0, 0
	for _, f := range roots {
		n := s.field(f)
		limit := c.MaxDepth
		if f.Name == "__schema" || f.Name == "__type" {
			limit, n.aliases, meta = maxIntrospectionDepth, 0, meta+1
		} else {
			count++
		}
		if n.depth > limit {
			return refuseDocument(CodeDepth, "the field %s nests %d levels; the limit is %d", clip(f.Name), n.depth, limit)
		}
		aliases = add(aliases, n.aliases)
	}
	if aliases > c.MaxAliases {
		return refuseDocument(CodeAliases, "the document has %d aliased fields; the limit is %d", aliases, c.MaxAliases)
	}
	if max(count, meta) > c.MaxRootFields {
		return refuseDocument(CodeRootFields, "the document has %d root fields; the limit is %d", max(count, meta), c.MaxRootFields)
	}
	return nil
}

// unfold appends the fields of the set, those of its fragments among them.
func unfold(doc *ast.QueryDocument, fields []*ast.Field, set ast.SelectionSet) []*ast.Field {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			fields = append(fields, selection)
		case *ast.InlineFragment:
			fields = unfold(doc, fields, selection.SelectionSet)
		case *ast.FragmentSpread:
			if doc == nil {
				continue
			}
			if f := doc.Fragments.ForName(selection.Name); f != nil {
				fields = unfold(doc, fields, f.SelectionSet)
			}
		}
	}
	return fields
}
