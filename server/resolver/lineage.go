package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/lineage"
)

// Lineage resolves the field lineage.
func (q query) Lineage(ctx context.Context, rootID model.ID, direction model.Direction, depth, maxNodes int) (*graph.LineageGraph, error) {
	return walk(ctx, q.s, rootID, direction, depth, maxNodes)
}

// Lineage resolves the graph around an asset.
func (r asset) Lineage(ctx context.Context, a *model.Asset, direction model.Direction, depth, maxNodes int) (*graph.LineageGraph, error) {
	return walk(ctx, r.s, a.ID, direction, depth, maxNodes)
}

func walk(ctx context.Context, s Services, rootID model.ID, direction model.Direction, depth, maxNodes int) (*graph.LineageGraph, error) {
	g, err := s.Lineage.Walk(ctx, lineage.WalkQuery{RootID: rootID, Direction: direction, Depth: depth, MaxNodes: maxNodes})
	return &graph.LineageGraph{LineageGraph: g}, err
}
