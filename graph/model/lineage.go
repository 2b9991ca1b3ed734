package model

import "slices"

// EdgeKind is what an edge of the lineage graph says.
type EdgeKind string

// The kinds of edge.
const (
	EdgeDerives EdgeKind = "DERIVES" // To is computed from From
	EdgeUses    EdgeKind = "USES"    // To, a dashboard or other consumer, reads From
)

// Edge says that data flows from one asset to another, and who says so.
type Edge struct {
	Meta
	FromID   ID         `json:"fromId"`
	ToID     ID         `json:"toId"`
	Kind     EdgeKind   `json:"kind"`
	Evidence []Evidence `json:"evidence"`
}

// Evidence is one source's ground for an edge.
type Evidence struct {
	SourceID   ID      `json:"sourceId"`
	Scope      string  `json:"scope"`
	Method     string  `json:"method"`     // pg_depend, dbt.depends_on
	Confidence float64 `json:"confidence"` // 0 to 1
}

// Cite adds or replaces the source's evidence and reports whether that changed anything.
func (e *Edge) Cite(ev Evidence) bool {
	i := slices.IndexFunc(e.Evidence, func(o Evidence) bool {
		return o.SourceID == ev.SourceID && o.Scope == ev.Scope && o.Method == ev.Method
	})
	if i < 0 {
		e.Evidence = append(e.Evidence, ev)
		return true
	}
	changed := e.Evidence[i] != ev
	e.Evidence[i] = ev
	return changed
}

// Withdraw removes what the source said within the scope and reports whether
// that changed anything. An edge without evidence shall be deleted.
func (e *Edge) Withdraw(source ID, scope string) bool {
	before := len(e.Evidence)
	e.Evidence = slices.DeleteFunc(e.Evidence, func(o Evidence) bool { return o.SourceID == source && o.Scope == scope })
	return len(e.Evidence) != before
}

// Direction is the way to walk the lineage graph.
type Direction string

// The directions.
const (
	Upstream   Direction = "UPSTREAM"   // towards where the data comes from
	Downstream Direction = "DOWNSTREAM" // towards what is made of it
	BothWays   Direction = "BOTH"
)

// LineageGraph is the part of the graph that a walk reached.
type LineageGraph struct {
	RootID    ID
	Nodes     []LineageNode
	Edges     []LineageEdge
	Truncated bool
	Reason    string // why it is truncated: MAX_NODES or MAX_DEPTH
}

// LineageNode is one asset of a walk. A restricted one has an id and nothing
// else: the viewer may know that something is there, not what.
type LineageNode struct {
	ID         ID
	Name       string
	Namespace  string
	Kind       AssetKind
	Platform   string
	DomainID   ID
	Depth      int // steps from the root
	Restricted bool
}

// LineageEdge is one edge of a walk.
type LineageEdge struct {
	FromID     ID
	ToID       ID
	Kind       EdgeKind
	Confidence float64
	Methods    []string
}
