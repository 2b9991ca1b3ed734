// Package lineage owns the edges between assets: who says that data flows, and
// what a walk along them reaches. It keeps an edge for as long as some source
// gives evidence for it, it shows a viewer no more of a hidden asset than that
// something is there, and it never walks through one.
package lineage

import (
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Service walks and keeps the lineage graph.
type Service struct {
	store store.Store
	gate  *gate.Gate
}

// New makes a lineage service.
func New(s store.Store, g *gate.Gate) *Service { return &Service{store: s, gate: g} }

// WalkQuery says where to walk and how far.
type WalkQuery struct {
	RootID    model.ID
	Direction model.Direction
	Depth     int // 1 to MaxDepth
	MaxNodes  int // 1 to MaxNodes, the root included
}

// The bounds of a walk.
const (
	MaxDepth = 10
	MaxNodes = 2000

	MaxFieldFlows = 20_000 // fields of all edges of one walk
)

// Observation is what one stretch of a harvest says of the flow of data.
type Observation struct {
	Source model.Source
	Edges  []Seen
}

// Seen is one edge as a source shows it, between assets that catalog.Observe
// has resolved.
type Seen struct {
	FromID     model.ID
	ToID       model.ID
	Kind       model.EdgeKind // DERIVES when empty
	Scope      string
	Method     string
	Confidence float64 // 0 to 1

	Fields []model.FieldFlow
}

// Result is what an observation changes. Nothing is written yet.
type Result struct {
	Writes    []store.Write
	IDs       []model.ID       // IDs[i] is the edge of Edges[i], for Withdraw; "" where an asset is its own origin
	Revisions []model.Revision // to which the writes bring the edge of Edges[i]
	Created   int
	Updated   int
	Unchanged int
}

// WithdrawResult is what the end of a complete scope changes. Nothing is written yet:
// TakeBack gives the writes, since there may be more of them than fit into memory.
type WithdrawResult struct {
	EdgeIDs   []model.ID // of what is withdrawn
	Known     int        // edges that the source had shown in the scope
	Withdrawn int        // of these, the ones that it shows no longer
	Deleted   int        // of these, the ones that no other source shows either
}
