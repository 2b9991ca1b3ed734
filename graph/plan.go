package graph

import (
	"context"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// A list that people read often is written by a plan: what its rows select is
// looked at once, and each row is written from that. The generated code would
// start a goroutine for each row, and collect and hash what is selected again.
//
// A plan knows plain fields only, and those of objects that consist of them.
// Where the query selects another one, or a row lacks what the schema promises,
// the generated code writes the list: so it alone follows links, asks the
// policies and tells of errors. TestPlannedEqualsGenerated holds the two equal.

// writer appends the value of one field of a T. It gives nil where the value is
// none that the schema allows.
type writer[T any] func([]byte, *T) []byte

// columns finds how to write a selected field of a T; nil where it is not plain.
type columns[T any] func(*graphql.OperationContext, graphql.CollectedField) writer[T]

// column is one selected field of a T: its key, and how to write its value.
type column[T any] struct {
	key   string // quoted, with the colon
	write writer[T]
}

// written is an answer that stands.
type written []byte

// MarshalGQL writes it.
func (w written) MarshalGQL(to io.Writer) { _, _ = to.Write(w) } // into the answer's buffer

// planned writes a list; nil leaves it to the generated code.
func planned[T any](ctx context.Context, op *graphql.OperationContext, set ast.SelectionSet, n int, row func(int) *T, types []string, find columns[T]) graphql.Marshaler {
	if n == 0 || mustGenerate(ctx, op) {
		return nil
	}
	plan, plain := planOf(op, set, types, find)
	if !plain {
		return nil
	}
	if b := appendRows(nil, n, row, object(plan)); b != nil {
		return written(b)
	}
	return nil
}

// plannedPointers and plannedValues are planned for the two kinds of list.
func plannedPointers[T any](ctx context.Context, op *graphql.OperationContext, set ast.SelectionSet, rows []*T, types []string, find columns[T]) graphql.Marshaler {
	return planned(ctx, op, set, len(rows), func(i int) *T { return rows[i] }, types, find)
}

func plannedValues[T any](ctx context.Context, op *graphql.OperationContext, set ast.SelectionSet, rows []T, types []string, find columns[T]) graphql.Marshaler {
	return planned(ctx, op, set, len(rows), func(i int) *T { return &rows[i] }, types, find)
}

// generatedOnly is the key of a context in which nothing is planned, for tests
// that compare the two.
type generatedOnly struct{}

// mustGenerate reports whether the generated code has to write what the operation
// selects: where it defers a part, that is no single answer.
func mustGenerate(ctx context.Context, op *graphql.OperationContext) bool {
	if ctx.Value(generatedOnly{}) != nil {
		return true
	}
	for _, f := range op.Doc.Fragments {
		if defers(f.SelectionSet) {
			return true
		}
	}
	return defers(op.Operation.SelectionSet)
}

// defers looks at a text once and follows no fragment, so that it takes as long
// as the text is.
func defers(set ast.SelectionSet) bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if defers(s.SelectionSet) {
				return true
			}
		case *ast.InlineFragment:
			if s.Directives.ForName("defer") != nil || defers(s.SelectionSet) {
				return true
			}
		case *ast.FragmentSpread:
			if s.Directives.ForName("defer") != nil {
				return true
			}
		}
	}
	return false
}

// planOf says how to write the selected fields; false where one of them is not
// plain. A field that is selected twice is written once, as graphql.CollectFields
// has merged it, and so is a key that two types of a fragment share.
func planOf[T any](op *graphql.OperationContext, set ast.SelectionSet, types []string, find columns[T]) ([]column[T], bool) {
	fields := graphql.CollectFields(op, set, types)
	plan := make([]column[T], 0, len(fields))
	for i, f := range fields {
		write := find(op, f)
		if f.Name == "__typename" {
			write = func(b []byte, _ *T) []byte { return appendText(b, types[0]) }
		}
		if write == nil {
			return nil, false
		}
		if !hasKey(fields[:i], f.Alias) {
			plan = append(plan, column[T]{key: string(append(appendText(nil, f.Alias), ':')), write: write})
		}
	}
	return plan, true
}

func hasKey(fields []graphql.CollectedField, alias string) bool {
	for i := range fields {
		if fields[i].Alias == alias {
			return true
		}
	}
	return false
}

// object writes the planned fields of one T.
func object[T any](plan []column[T]) writer[T] {
	return func(b []byte, v *T) []byte {
		if v == nil {
			return nil
		}
		return appendObject(b, plan, v)
	}
}

func appendObject[T any](b []byte, plan []column[T], v *T) []byte {
	b = append(b, '{')
	for i := range plan {
		if i > 0 {
			b = append(b, ',')
		}
		if b = plan[i].write(append(b, plan[i].key...), v); b == nil {
			return nil
		}
	}
	return append(b, '}')
}

func appendRows[T any](b []byte, n int, row func(int) *T, write writer[T]) []byte {
	b = append(b, '[')
	for i := range n {
		from := len(b)
		if i > 0 {
			b = append(b, ',')
		}
		if b = write(b, row(i)); b == nil {
			return nil
		}
		if i == 0 { // the others are about as long
			b = slices.Grow(b, (len(b)-from+2)*(n-1))
		}
	}
	return append(b, ']')
}

func appendList[T any](b []byte, items []T, write writer[T]) []byte {
	return appendRows(b, len(items), func(i int) *T { return &items[i] }, write)
}

// objects writes a field that is a list of objects, such as the columns of an asset.
func objects[T, P any](op *graphql.OperationContext, f graphql.CollectedField, types []string, find columns[P], of func(*T) []P) writer[T] {
	plan, plain := planOf(op, f.Selections, types, find)
	if !plain {
		return nil
	}
	row := object(plan)
	return func(b []byte, v *T) []byte { return appendList(b, of(v), row) }
}

// single writes a field that is one object, which always is there.
func single[T, P any](op *graphql.OperationContext, f graphql.CollectedField, types []string, find columns[P], of func(*T) *P) writer[T] {
	plan, plain := planOf(op, f.Selections, types, find)
	if !plain {
		return nil
	}
	write := object(plan)
	return func(b []byte, v *T) []byte { return write(b, of(v)) }
}

// words writes a text that may be empty, and so the enums whose empty value is a word.
func words[T any, S ~string](of func(*T) S) writer[T] {
	return func(b []byte, v *T) []byte { return appendText(b, string(of(v))) }
}

// optional writes a word that is null when it is empty.
func optional[T any, S ~string](of func(*T) S) writer[T] {
	return func(b []byte, v *T) []byte { return appendWord(b, of(v)) }
}

// required writes a word that has to be there.
func required[T any, S ~string](of func(*T) S) writer[T] {
	return func(b []byte, v *T) []byte {
		word := of(v)
		if word == "" {
			return nil
		}
		return appendText(b, string(word))
	}
}

func flags[T any](of func(*T) bool) writer[T] {
	return func(b []byte, v *T) []byte { return strconv.AppendBool(b, of(v)) }
}

func numbers[T any, N ~int | ~int64](of func(*T) N) writer[T] {
	return func(b []byte, v *T) []byte { return strconv.AppendInt(b, int64(of(v)), 10) }
}

func optionalNumbers[T any](of func(*T) *int64) writer[T] {
	return func(b []byte, v *T) []byte {
		n := of(v)
		if n == nil {
			return append(b, "null"...)
		}
		return strconv.AppendInt(b, *n, 10)
	}
}

func fractions[T any](of func(*T) float64) writer[T] {
	return func(b []byte, v *T) []byte {
		n := of(v)
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return nil
		}
		return strconv.AppendFloat(b, n, 'g', -1, 64)
	}
}

func texts[T any](of func(*T) []string) writer[T] {
	return func(b []byte, v *T) []byte { return appendList(b, of(v), appendOne) }
}

func appendOne(b []byte, s *string) []byte { return appendText(b, *s) }

// moments writes a moment that has to be there.
func moments[T any](of func(*T) time.Time) writer[T] {
	return func(b []byte, v *T) []byte {
		at := of(v)
		if at.IsZero() {
			return nil
		}
		return appendTime(b, at)
	}
}

func optionalMoments[T any](of func(*T) *time.Time) writer[T] {
	return func(b []byte, v *T) []byte {
		at := of(v)
		if at == nil || at.IsZero() {
			return append(b, "null"...)
		}
		return appendTime(b, *at)
	}
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// appendText quotes as gqlgen does: runs of plain letters are taken whole.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\t':
			b = append(b, `\t`...)
		case '\r':
			b = append(b, `\r`...)
		case '\n':
			b = append(b, `\n`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	return append(append(b, s[from:]...), '"')
}

func appendWord[S ~string](b []byte, s S) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendText(b, string(s))
}
