package mysql

import (
	"context"

	"github.com/souk-mesh/souk/sdk"
)

// read says what a view is made of. It is worked out once for a view.
func (h *harvest) read(t *table) made {
	if t.made == nil {
		m := made{}
		if t.view.sql.String != "" {
			m = readView(t.view.sql.String)
		}
		t.made = &m
	}
	return *t.made
}

// columnOf is what a column of a view is made of, or nil for one of a table. The
// columns of the SELECT and of the view are the same, in the same order.
func (h *harvest) columnOf(t *table, position int) *column {
	if t.kind != "VIEW" || t.view.sql.String == "" {
		return nil
	}
	m := h.read(t)
	if len(m.columns) != len(t.fields) {
		return &column{}
	}
	return &m.columns[position-1]
}

// emitEdges emits the lineage of views.
func (h *harvest) emitEdges(ctx context.Context) error {
	for _, t := range h.tables {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(t.fields) == 0 || t.view.sql.String == "" {
			continue
		}
		if err := h.emitView(t); err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) emitView(t *table) error {
	m := h.read(t)
	if !m.known {
		return h.out.Note(sdk.Note{
			Level: sdk.WarnLevel, Code: "mysql.lineage_unknown", Sample: h.id(t.name).Name,
			Title: "The SQL of a view is not in a spelling that is known: what it is made of is unknown.",
		})
	}
	for _, o := range m.tables {
		from := o.name
		if there, ok := h.find(from); ok {
			from = there.name
		}
		if isSystem(from.database) {
			continue
		}
		edge := &sdk.Edge{
			From: h.id(from), To: h.id(t.name), Scope: h.scope(t.database), Kind: "DERIVES",
			Method: "mysql.view_definition", Confidence: 1, Fields: h.fieldEdges(t, o.name),
		}
		if err := h.out.Emit(edge); err != nil {
			return err
		}
	}
	return nil
}

// fieldEdges has the columns of a view that are made of columns of a table.
func (h *harvest) fieldEdges(t *table, from name) []sdk.FieldEdge {
	var edges []sdk.FieldEdge
	for i, f := range t.fields {
		c := h.columnOf(t, i+1)
		seen := map[string]bool{}
		for _, of := range c.from {
			if of.table == from && !seen[of.column] {
				seen[of.column] = true
				edges = append(edges, sdk.FieldEdge{From: text(of.column), To: text(f.name), Transform: of.how})
			}
		}
	}
	return edges
}
