package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
)

const maxNodeIDs = 100

// Node resolves the field node.
func (q query) Node(ctx context.Context, id model.ID) (model.Noun, error) {
	return linksFrom(ctx).find(ctx, id)
}

// Nodes resolves the field nodes.
func (q query) Nodes(ctx context.Context, ids []model.ID) ([]model.Noun, error) {
	if len(ids) > maxNodeIDs {
		return nil, model.Invalid("ids", "has more than 100 ids", "ask for at most 100 at a time")
	}
	linksFrom(ctx).expect(ids...)
	nodes := make([]model.Noun, len(ids))
	for i, id := range ids {
		n, err := q.Node(ctx, id)
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return nodes, nil
}

// oneOf reports arguments of which not exactly one is given.
func oneOf(id, name bool) error {
	if id == name {
		return model.Invalid("id", "give either the id or the name", "leave the other argument out")
	}
	return nil
}
