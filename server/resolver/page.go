package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
)

// connection has the shape of every generated connection, and edge that of its
// edges; Go converts the one into the other as they stand.
type connection[T, E any] struct {
	Edges    []*E
	Nodes    []*T
	PageInfo *graph.PageInfo
}

type edge[T any] interface {
	~struct {
		Cursor string `json:"cursor"`
		Node   *T     `json:"node"`
	}
}

// connect makes a connection of a page and notes what its rows link to.
func connect[T any, E edge[T]](ctx context.Context, p model.Page[T]) *connection[T, E] {
	l := linksFrom(ctx)
	l.leftOut.tell(ctx, p.LeftOut)
	c := &connection[T, E]{Edges: make([]*E, len(p.Nodes)), Nodes: make([]*T, len(p.Nodes)), PageInfo: pageInfo(p.Cursors, p.More)}
	for i := range p.Nodes {
		node := &p.Nodes[i]
		e := E{Cursor: p.Cursors[i], Node: node}
		c.Edges[i], c.Nodes[i] = &e, node
		l.note(node)
	}
	return c
}

func pageInfo(cursors []string, more bool) *graph.PageInfo {
	info := &graph.PageInfo{HasNextPage: more}
	if len(cursors) > 0 {
		info.EndCursor = &cursors[len(cursors)-1]
	}
	return info
}

func paging(first int, after *string) model.Paging {
	p := model.Paging{First: first}
	if after != nil {
		p.After = *after
	}
	return p
}
