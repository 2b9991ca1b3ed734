package graph

import (
	"context"
	"errors"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph/model"
)

// LineageGraph is a walk that writes itself by a plan, as the lists of plan.go
// do. A large one has thousands of nodes, and nothing in it follows a link.
type LineageGraph struct{ model.LineageGraph }

// rowBytes is about what a small row takes when it is written.
const rowBytes = 96

// MarshalGQLContext writes the fields that the query selects.
func (g *LineageGraph) MarshalGQLContext(ctx context.Context, w io.Writer) error {
	op := graphql.GetOperationContext(ctx)
	fields, plain := planOf(op, graphql.GetFieldContext(ctx).Field.Selections, lineageGraphImplementors, graphColumn)
	if !plain {
		return errors.New("a lineage graph has a field that no plan knows")
	}
	room := make([]byte, 0, 256+rowBytes*(len(g.Nodes)+len(g.Edges)))
	_, err := w.Write(appendObject(room, fields, &g.LineageGraph))
	return err
}

// UnmarshalGQLContext refuses: a walk is an answer, never an input.
func (g *LineageGraph) UnmarshalGQLContext(context.Context, any) error {
	return errors.New("a lineage graph is no input")
}

func graphColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[model.LineageGraph] {
	switch f.Name {
	case "rootId":
		return optional(func(g *model.LineageGraph) model.ID { return g.RootID })
	case "nodes":
		return objects(op, f, lineageNodeImplementors, nodeColumn, func(g *model.LineageGraph) []model.LineageNode { return g.Nodes })
	case "edges":
		return objects(op, f, lineageEdgeImplementors, edgeColumn, func(g *model.LineageGraph) []model.LineageEdge { return g.Edges })
	case "isTruncated":
		return flags(func(g *model.LineageGraph) bool { return g.Truncated })
	case "truncationReason":
		return words(func(g *model.LineageGraph) string { return g.Reason })
	}
	return nil
}

func nodeColumn(_ *graphql.OperationContext, f graphql.CollectedField) writer[model.LineageNode] {
	switch f.Name {
	case "id":
		return optional(func(n *model.LineageNode) model.ID { return n.ID })
	case "name":
		return words(func(n *model.LineageNode) string { return n.Name })
	case "namespace":
		return words(func(n *model.LineageNode) string { return n.Namespace })
	case "kind":
		return optional(func(n *model.LineageNode) model.AssetKind { return n.Kind.Shown() })
	case "platform":
		return words(func(n *model.LineageNode) string { return n.Platform })
	case "domainId":
		return optional(func(n *model.LineageNode) model.ID { return n.DomainID })
	case "depth":
		return numbers(func(n *model.LineageNode) int { return n.Depth })
	case "isRestricted":
		return flags(func(n *model.LineageNode) bool { return n.Restricted })
	}
	return nil
}

func edgeColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[model.LineageEdge] {
	switch f.Name {
	case "fromId":
		return optional(func(e *model.LineageEdge) model.ID { return e.FromID })
	case "toId":
		return optional(func(e *model.LineageEdge) model.ID { return e.ToID })
	case "kind":
		return words(func(e *model.LineageEdge) model.EdgeKind { return e.Kind })
	case "confidence":
		return fractions(func(e *model.LineageEdge) float64 { return e.Confidence })
	case "methods":
		return texts(func(e *model.LineageEdge) []string { return e.Methods })
	case "fields":
		return objects(op, f, fieldFlowImplementors, flowColumn, func(e *model.LineageEdge) []model.FieldFlow { return e.Fields })
	case "isFieldsTruncated":
		return flags(func(e *model.LineageEdge) bool { return e.FieldsTruncated })
	}
	return nil
}

func flowColumn(_ *graphql.OperationContext, f graphql.CollectedField) writer[model.FieldFlow] {
	switch f.Name {
	case "from":
		return words(func(f *model.FieldFlow) string { return f.From })
	case "to":
		return words(func(f *model.FieldFlow) string { return f.To })
	case "transform":
		return words(func(f *model.FieldFlow) string { return f.Transform })
	}
	return nil
}
