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

	Fields []FieldFlow `json:"fields,omitempty"` // which field is made of which, as far as the source knows
}

// FieldFlow says that the field To of an edge's end is made of the field From
// of its origin.
type FieldFlow struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Transform string `json:"transform,omitempty"` // how, in the source's words
}

// JoinFlows gives what both say. Who says first how a field is made is heard.
func JoinFlows(a, b []FieldFlow) []FieldFlow {
	if len(a) == 0 {
		return b
	}
	type pair struct{ from, to string }
	have := make(map[pair]bool, len(a)+len(b))
	for _, f := range a {
		have[pair{f.From, f.To}] = true
	}
	joined := slices.Clip(a) // it is others' too
	for _, f := range b {
		if !have[pair{f.From, f.To}] {
			joined = append(joined, f)
		}
	}
	return joined
}

func (e Evidence) equal(o Evidence) bool {
	return e.SourceID == o.SourceID && e.Scope == o.Scope && e.Method == o.Method && e.Confidence == o.Confidence && slices.Equal(e.Fields, o.Fields)
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
	changed := !e.Evidence[i].equal(ev)
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

	Fields          []FieldFlow // none where an end is restricted
	FieldsTruncated bool        // there are more than one walk shows
}
