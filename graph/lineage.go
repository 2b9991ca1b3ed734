package graph

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// LineageGraph is a walk that writes itself. A large one has thousands of
// nodes, and the generated code would start a goroutine and hash the selection
// for each of them; here the selection is looked at once. A test holds what is
// written equal to the bytes of the generated code.
type LineageGraph struct{ model.LineageGraph }

// rowBytes is about what a node or an edge takes when it is written.
const rowBytes = 96

// MarshalGQLContext writes the fields that the query selects.
func (g *LineageGraph) MarshalGQLContext(ctx context.Context, w io.Writer) error {
	op := graphql.GetOperationContext(ctx)
	fields := planOf(op, graphql.GetFieldContext(ctx).Field.Selections, "LineageGraph", graphColumn)
	room := make([]byte, 0, 256+rowBytes*(len(g.Nodes)+len(g.Edges)))
	_, err := w.Write(appendObject(room, fields, &g.LineageGraph))
	return err
}

// UnmarshalGQLContext refuses: a walk is an answer, never an input.
func (g *LineageGraph) UnmarshalGQLContext(context.Context, any) error {
	return errors.New("a lineage graph is no input")
}

// column is one selected field of a T: its key, and how to write its value.
type column[T any] struct {
	key   string // quoted, with the colon
	write func([]byte, *T) []byte
}

// planOf says how to write the selected fields. A field that is selected twice
// is written once, as graphql.CollectFields has merged it.
func planOf[T any](op *graphql.OperationContext, set ast.SelectionSet, typename string, find func(*graphql.OperationContext, graphql.CollectedField) func([]byte, *T) []byte) []column[T] {
	fields := graphql.CollectFields(op, set, []string{typename})
	plan := make([]column[T], 0, len(fields))
	for _, f := range fields {
		write := find(op, f)
		if f.Name == "__typename" {
			write = func(b []byte, _ *T) []byte { return appendText(b, typename) }
		}
		plan = append(plan, column[T]{key: string(append(appendText(nil, f.Alias), ':')), write: write})
	}
	return plan
}

func appendObject[T any](b []byte, plan []column[T], v *T) []byte {
	b = append(b, '{')
	for i := range plan {
		if i > 0 {
			b = append(b, ',')
		}
		b = plan[i].write(append(b, plan[i].key...), v)
	}
	return append(b, '}')
}

func appendList[T any](b []byte, items []T, write func([]byte, *T) []byte) []byte {
	b = append(b, '[')
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = write(b, &items[i])
	}
	return append(b, ']')
}

// appendText quotes as gqlgen does.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\n':
			b = append(b, `\n`...)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func appendWord[S ~string](b []byte, s S) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendText(b, string(s))
}

func graphColumn(op *graphql.OperationContext, f graphql.CollectedField) func([]byte, *model.LineageGraph) []byte {
	switch f.Name {
	case "rootId":
		return func(b []byte, g *model.LineageGraph) []byte { return appendWord(b, g.RootID) }
	case "nodes":
		plan := planOf(op, f.Selections, "LineageNode", nodeColumn)
		row := func(b []byte, n *model.LineageNode) []byte { return appendObject(b, plan, n) }
		return func(b []byte, g *model.LineageGraph) []byte { return appendList(b, g.Nodes, row) }
	case "edges":
		plan := planOf(op, f.Selections, "LineageEdge", edgeColumn)
		row := func(b []byte, e *model.LineageEdge) []byte { return appendObject(b, plan, e) }
		return func(b []byte, g *model.LineageGraph) []byte { return appendList(b, g.Edges, row) }
	case "isTruncated":
		return func(b []byte, g *model.LineageGraph) []byte { return strconv.AppendBool(b, g.Truncated) }
	case "truncationReason":
		return func(b []byte, g *model.LineageGraph) []byte { return appendText(b, g.Reason) }
	}
	return nil
}

func nodeColumn(_ *graphql.OperationContext, f graphql.CollectedField) func([]byte, *model.LineageNode) []byte {
	switch f.Name {
	case "id":
		return func(b []byte, n *model.LineageNode) []byte { return appendWord(b, n.ID) }
	case "name":
		return func(b []byte, n *model.LineageNode) []byte { return appendText(b, n.Name) }
	case "namespace":
		return func(b []byte, n *model.LineageNode) []byte { return appendText(b, n.Namespace) }
	case "kind":
		return func(b []byte, n *model.LineageNode) []byte { return appendWord(b, n.Kind.Shown()) }
	case "platform":
		return func(b []byte, n *model.LineageNode) []byte { return appendText(b, n.Platform) }
	case "domainId":
		return func(b []byte, n *model.LineageNode) []byte { return appendWord(b, n.DomainID) }
	case "depth":
		return func(b []byte, n *model.LineageNode) []byte { return strconv.AppendInt(b, int64(n.Depth), 10) }
	case "isRestricted":
		return func(b []byte, n *model.LineageNode) []byte { return strconv.AppendBool(b, n.Restricted) }
	}
	return nil
}

func edgeColumn(op *graphql.OperationContext, f graphql.CollectedField) func([]byte, *model.LineageEdge) []byte {
	switch f.Name {
	case "fromId":
		return func(b []byte, e *model.LineageEdge) []byte { return appendWord(b, e.FromID) }
	case "toId":
		return func(b []byte, e *model.LineageEdge) []byte { return appendWord(b, e.ToID) }
	case "kind":
		return func(b []byte, e *model.LineageEdge) []byte { return appendText(b, string(e.Kind)) }
	case "confidence":
		return func(b []byte, e *model.LineageEdge) []byte { return strconv.AppendFloat(b, e.Confidence, 'g', -1, 64) }
	case "methods":
		return func(b []byte, e *model.LineageEdge) []byte {
			return appendList(b, e.Methods, func(b []byte, m *string) []byte { return appendText(b, *m) })
		}
	case "fields":
		plan := planOf(op, f.Selections, "FieldFlow", flowColumn)
		row := func(b []byte, f *model.FieldFlow) []byte { return appendObject(b, plan, f) }
		return func(b []byte, e *model.LineageEdge) []byte { return appendList(b, e.Fields, row) }
	case "isFieldsTruncated":
		return func(b []byte, e *model.LineageEdge) []byte { return strconv.AppendBool(b, e.FieldsTruncated) }
	}
	return nil
}

func flowColumn(_ *graphql.OperationContext, f graphql.CollectedField) func([]byte, *model.FieldFlow) []byte {
	switch f.Name {
	case "from":
		return func(b []byte, f *model.FieldFlow) []byte { return appendText(b, f.From) }
	case "to":
		return func(b []byte, f *model.FieldFlow) []byte { return appendText(b, f.To) }
	case "transform":
		return func(b []byte, f *model.FieldFlow) []byte { return appendText(b, f.Transform) }
	}
	return nil
}
