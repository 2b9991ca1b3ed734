package lineage

import (
	"cmp"
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Why a walk ended before the graph did.
const (
	ReasonMaxNodes = "MAX_NODES"
	ReasonMaxDepth = "MAX_DEPTH"
)

// Walk reads the part of the graph around an asset that the viewer may see,
// level by level. An asset that the viewer may not see shows as a restricted
// node without a name, and the walk does not go through it. A root that the
// viewer may not see is not found.
func (s *Service) Walk(ctx context.Context, q WalkQuery) (model.LineageGraph, error) {
	if err := q.validate(); err != nil {
		return model.LineageGraph{}, err
	}
	in := s.gate.Session()
	viewer, err := in.Viewer(ctx, model.ActMetadataView)
	if err != nil {
		return model.LineageGraph{}, err
	}
	w := &walk{service: s, viewer: viewer, query: q, nodes: map[model.ID]int{}, hidden: map[model.ID]bool{}, edges: map[model.ID]bool{}}
	w.graph.RootID = q.RootID
	frontier, err := w.enter(ctx, 0, []model.ID{q.RootID})
	if err != nil {
		return model.LineageGraph{}, err
	}
	if len(frontier) == 0 {
		return model.LineageGraph{}, model.NotFound("asset", q.RootID)
	}
	for depth := 1; len(frontier) > 0; depth++ {
		if frontier, err = w.step(ctx, depth, frontier); err != nil {
			return model.LineageGraph{}, err
		}
	}
	w.order()
	return w.graph, in.Listed(ctx, model.ActMetadataView, "lineage", q, len(w.graph.Nodes), w.open())
}

func (q WalkQuery) validate() error {
	switch {
	case q.Depth < 1 || q.Depth > MaxDepth:
		return model.Invalid("depth", "must be between 1 and 10", "walk on from an asset at the border of the graph")
	case q.MaxNodes < 1 || q.MaxNodes > MaxNodes:
		return model.Invalid("maxNodes", "must be between 1 and 2000", "walk on from an asset at the border of the graph")
	}
	switch q.Direction {
	case model.Upstream, model.Downstream, model.BothWays:
		return nil
	default:
		return model.Invalid("direction", "there is no direction "+string(q.Direction), "use UPSTREAM, DOWNSTREAM or BOTH")
	}
}

// walk is a walk on its way.
type walk struct {
	service *Service
	viewer  *gate.Viewer
	query   WalkQuery
	graph   model.LineageGraph
	nodes   map[model.ID]int // the depth of every node met
	hidden  map[model.ID]bool
	edges   map[model.ID]bool
	flows   int // fields of edges that are shown
}

// step goes one level further from the frontier and gives the next frontier.
// Beyond the depth it only looks whether there would be more.
func (w *walk) step(ctx context.Context, depth int, frontier []model.ID) ([]model.ID, error) {
	edges, cut, err := w.service.edgesOf(ctx, frontier, w.query.Direction)
	if err != nil {
		return nil, err
	}
	if cut {
		w.truncate(ReasonMaxNodes)
	}
	fresh := w.unmet(edges)
	if depth > w.query.Depth && len(fresh) > 0 {
		w.truncate(ReasonMaxDepth)
		fresh = nil
	}
	if room := w.query.MaxNodes - len(w.nodes); len(fresh) > room {
		w.truncate(ReasonMaxNodes)
		fresh = fresh[:room]
	}
	next, err := w.enter(ctx, depth, fresh)
	if err != nil {
		return nil, err
	}
	w.connect(edges)
	return next, nil
}

// open counts the nodes that the viewer may see.
func (w *walk) open() int {
	n := 0
	for _, node := range w.graph.Nodes {
		if !node.Restricted {
			n++
		}
	}
	return n
}

// unmet lists the ends of the edges that the walk has not come to yet, the oldest first.
func (w *walk) unmet(edges []model.Edge) []model.ID {
	var ids []model.ID
	for _, e := range edges {
		for _, id := range []model.ID{e.FromID, e.ToID} {
			if _, met := w.nodes[id]; !met {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// truncate notes why the graph goes on beyond the answer; the first reason stands.
func (w *walk) truncate(reason string) {
	if w.graph.Truncated = true; w.graph.Reason == "" {
		w.graph.Reason = reason
	}
}

// enter adds the nodes of one level, asking the policies about all of them at
// once, and gives those from which the walk may go on.
func (w *walk) enter(ctx context.Context, depth int, ids []model.ID) ([]model.ID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	assets, err := store.Assets.GetMany(ctx, w.service.store, ids...)
	if err != nil || len(assets) == 0 {
		return nil, err
	}
	resources, err := w.service.gate.Assets(ctx, assets)
	if err != nil {
		return nil, err
	}
	var open []model.ID
	for i, a := range assets {
		may := w.viewer.May(ctx, resources[i])
		w.nodes[a.ID], w.hidden[a.ID] = depth, !may
		node := model.LineageNode{ID: a.ID, Depth: depth, Restricted: !may}
		if may {
			node.Name, node.Namespace, node.Kind, node.Platform, node.DomainID = a.Name, a.Namespace, a.Kind, a.Platform, a.DomainID
			open = append(open, a.ID)
		} else if depth == 0 {
			return nil, nil
		}
		w.graph.Nodes = append(w.graph.Nodes, node)
	}
	return open, nil
}

// connect adds the edges whose ends are both in the graph, each once.
func (w *walk) connect(edges []model.Edge) {
	for _, e := range edges {
		_, from := w.nodes[e.FromID]
		_, to := w.nodes[e.ToID]
		if !from || !to || w.edges[e.ID] {
			continue
		}
		w.edges[e.ID] = true
		shown := model.LineageEdge{FromID: e.FromID, ToID: e.ToID, Kind: e.Kind}
		for _, ev := range e.Evidence {
			shown.Confidence = max(shown.Confidence, ev.Confidence)
			if !slices.Contains(shown.Methods, ev.Method) {
				shown.Methods = append(shown.Methods, ev.Method)
			}
		}
		slices.Sort(shown.Methods)
		w.showFields(e, &shown)
		w.graph.Edges = append(w.graph.Edges, shown)
	}
}

// showFields adds what the sources say of the fields, each pair once. Of what
// the viewer may not see not even the names of fields are told.
func (w *walk) showFields(e model.Edge, shown *model.LineageEdge) {
	if w.hidden[e.FromID] || w.hidden[e.ToID] {
		return
	}
	for _, ev := range e.Evidence {
		shown.Fields = model.JoinFlows(shown.Fields, ev.Fields)
	}
	if room := MaxFieldFlows - w.flows; len(shown.Fields) > room {
		shown.Fields, shown.FieldsTruncated = shown.Fields[:room], true
	}
	w.flows += len(shown.Fields)
}

// order makes the answer the same whatever order the store gave its parts in.
func (w *walk) order() {
	slices.SortFunc(w.graph.Nodes, func(a, b model.LineageNode) int {
		return cmp.Or(cmp.Compare(a.Depth, b.Depth), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(w.graph.Edges, func(a, b model.LineageEdge) int {
		return cmp.Or(cmp.Compare(a.FromID, b.FromID), cmp.Compare(a.ToID, b.ToID), cmp.Compare(a.Kind, b.Kind))
	})
}
