package glue

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// flow is how the columns of a source come to a step: all by their own names,
// or those that are listed.
type flow struct {
	source string
	fields []sdk.FieldEdge
	all    bool
}

// flows emits which target is made of which source, and which column of which,
// for drawn jobs in which the steps between the two say so: mappings, renamings
// and choices. Where any other step stands between, columns are unknown.
func (h *harvest) flows(nodes map[string]node, ends map[string][]sdk.NativeID) error {
	w := walk{nodes: nodes, known: map[string][]flow{}}
	for _, id := range slices.Sorted(maps.Keys(nodes)) {
		if !nodes[id].isTarget() {
			continue
		}
		for _, f := range w.into(nodes[id].Inputs) {
			if err := h.flow(f, ends[f.source], ends[id]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *harvest) flow(f flow, from, to []sdk.NativeID) error {
	for _, source := range from {
		for _, target := range to {
			e := sdk.Edge{From: source, To: target, Scope: jobScope, Kind: "DERIVES", Method: drawn, Fields: f.fields}
			if err := h.edge(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// walk goes from targets to sources. What comes out of a step is worked out once.
type walk struct {
	nodes map[string]node
	known map[string][]flow
}

// from gives the sources whose columns come out of a step.
func (w walk) from(id string) []flow {
	n, there := w.nodes[id]
	if out, known := w.known[id]; known || !there {
		return out
	}
	w.known[id] = nil // a step that leads to itself ends here
	var out []flow
	if n.isSource() {
		out = []flow{{source: id, all: true}}
	} else {
		for _, f := range w.into(n.Inputs) {
			out = append(out, n.pass(f))
		}
	}
	w.known[id] = out
	return out
}

// into gives what comes together out of several steps, each source once.
func (w walk) into(inputs []string) []flow {
	var out []flow
	for _, input := range inputs {
		for _, f := range w.from(input) {
			at := slices.IndexFunc(out, func(o flow) bool { return o.source == f.source })
			if at < 0 {
				out = append(out, f)
				continue
			}
			out[at] = out[at].with(f)
		}
	}
	return out
}

// with is a flow that comes two ways. What is unknown of one is unknown.
func (f flow) with(other flow) flow {
	out := flow{source: f.source, all: f.all && other.all}
	if !out.all {
		out.fields = slices.Concat(f.fields, other.fields)
		slices.SortFunc(out.fields, func(a, b sdk.FieldEdge) int {
			return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From))
		})
		out.fields = slices.Compact(out.fields)
	}
	return out
}

// keeping are the steps that leave columns what they are.
var keeping = []string{"Filter", "DropDuplicates", "DropNullFields", "SelectFromCollection", "Spigot", "EvaluateDataQuality"}

// pass is what comes out of a step of what has come to it.
func (n node) pass(f flow) flow {
	switch {
	case n.kind == "ApplyMapping":
		return f.mapped(n.Mapping)
	case n.kind == "RenameField" && !f.all && len(n.SourcePath) > 0 && len(n.TargetPath) > 0:
		return f.renamed(strings.Join(n.SourcePath, "."), strings.Join(n.TargetPath, "."))
	case n.kind == "SelectFields" && f.all:
		return f.mapped(n.same())
	case n.kind == "SelectFields":
		return f.without(func(to string) bool { return !slices.Contains(n.Paths, to) })
	case n.kind == "DropFields":
		return f.without(func(to string) bool { return slices.Contains(n.Paths, to) })
	case slices.Contains(keeping, n.kind):
		return f
	}
	return flow{source: f.source}
}

// same maps the columns that are chosen to themselves.
func (n node) same() []mapping {
	var out []mapping
	for _, path := range n.Paths {
		out = append(out, mapping{ToKey: path, FromPath: []string{path}})
	}
	return out
}

func (f flow) without(gone func(to string) bool) flow {
	f.fields = slices.DeleteFunc(slices.Clone(f.fields), func(e sdk.FieldEdge) bool { return gone(e.To) })
	return f
}

func (f flow) mapped(all []mapping) flow {
	out := flow{source: f.source}
	before := map[string][]string{}
	for _, e := range f.fields {
		before[e.To] = append(before[e.To], e.From)
	}
	for _, m := range all {
		if m.Dropped || m.ToKey == "" || len(m.FromPath) == 0 {
			continue
		}
		from := strings.Join(m.FromPath, ".")
		origins := before[from]
		if f.all {
			origins = []string{from}
		}
		for _, origin := range origins {
			out.fields = append(out.fields, sdk.FieldEdge{From: origin, To: m.ToKey, Transform: "ApplyMapping"})
		}
	}
	return out
}

func (f flow) renamed(from, to string) flow {
	out := flow{source: f.source, fields: slices.Clone(f.fields)}
	for i := range out.fields {
		if out.fields[i].To == from {
			out.fields[i].To = to
		}
	}
	return out
}
