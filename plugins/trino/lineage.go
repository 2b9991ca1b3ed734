package trino

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/souk-mesh/souk/sdk"
)

// plan is what Trino says of the tables that a statement would read.
type plan struct {
	Inputs []struct {
		Table struct {
			Catalog string `json:"catalog"`
			Name    struct {
				Schema string `json:"schema"`
				Table  string `json:"table"`
			} `json:"schemaTable"`
		} `json:"table"`
	} `json:"inputTableColumnInfos"`
}

// place is a table of the cluster.
type place struct {
	catalog string
	name
}

// kept is where Trino keeps the rows of materialized views, with the views: the
// plan of a view over such a one reads that table and does not say of whom it is.
func (c *conversation) kept(ctx context.Context) (map[place]place, error) {
	found := map[place]place{}
	sql := "SELECT storage_catalog, storage_schema, storage_table, catalog_name, schema_name, name FROM system.metadata.materialized_views"
	for r, err := range c.rows(ctx, question{sql: sql}) {
		if err != nil {
			return found, err
		}
		found[place{r.text(0), name{r.text(1), r.text(2)}}] = place{r.text(3), name{r.text(4), r.text(5)}}
	}
	return found, nil
}

// findKept notes where it is not told.
func (h *harvest) findKept(ctx context.Context) (err error) {
	if h.Lineage == "leave" {
		return nil
	}
	h.storage, err = h.kept(ctx)
	if e, ours := told(err); ours {
		return h.out.Note(sdk.Note{
			Level: sdk.WarnLevel, Code: "trino.storage_unknown", Sample: e.Message,
			Title: "It is not told where Trino keeps materialized views: a view over one may seem to be made of a table of Trino's own.",
		})
	}
	return err
}

// explain asks for the plan of a view without running it. A materialized view is
// planned by its SQL, since Trino would read what it keeps of it.
func explain(c catalog, t *table) question {
	const ask = "EXPLAIN (TYPE IO, FORMAT JSON) "
	if t.kind == "MATERIALIZED_VIEW" {
		return question{sql: ask + t.sql, catalog: c.name, schema: t.schema}
	}
	return question{sql: ask + "SELECT * FROM " + quote(c.name) + "." + quote(t.schema) + "." + quote(t.table)}
}

// emitLineage emits what each view is made of: the tables at the bottom, through
// all views between, and their columns.
func (h *harvest) emitLineage(ctx context.Context, c catalog, views []*table) error {
	if h.Lineage == "leave" {
		return nil
	}
	for _, t := range views {
		if first := h.shown[h.id(c, t.name)]; first != nil && first.name != c.name {
			continue
		}
		made, err := h.madeOf(ctx, c, t)
		if e, ours := told(err); ours {
			err = h.noteUnknown(c, t, e.Message)
		}
		if err != nil {
			return err
		}
		if err := h.emitEdges(c, t, made); err != nil {
			return err
		}
	}
	return nil
}

// emitEdges emits one from each table that the plan of a view reads.
func (h *harvest) emitEdges(c catalog, t *table, made []place) error {
	if len(made) == 0 {
		return nil
	}
	flows, why := h.flows(place{c.name, t.name}, made)
	if why != "" {
		n := sdk.Note{Level: sdk.InfoLevel, Code: "trino.columns_unknown", Title: "Of which columns those of a view are made is unknown, for some of them or all.", Sample: h.own(c.name, t.schema, t.table).Name + ": " + why}
		if err := h.out.Note(n); err != nil {
			return err
		}
	}
	var ids []sdk.NativeID
	fields := map[sdk.NativeID][]sdk.FieldEdge{}
	for _, at := range made {
		id := h.id(catalog{name: at.catalog}, at.name)
		if id != h.id(c, t.name) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
		fields[id] = append(fields[id], flows[at]...)
	}
	slices.SortFunc(ids, func(a, b sdk.NativeID) int {
		return slices.Compare([]string{a.Namespace, a.Name}, []string{b.Namespace, b.Name})
	})
	for _, id := range ids {
		e := &sdk.Edge{From: id, To: h.id(c, t.name), Scope: scope(c), Kind: "DERIVES", Method: "trino.explain", Confidence: 1, Fields: fields[id]}
		if err := h.out.Emit(e); err != nil {
			return err
		}
	}
	return nil
}

// madeOf gives the tables that the plan of a view reads, each once.
func (h *harvest) madeOf(ctx context.Context, c catalog, t *table) (made []place, err error) {
	texts, err := all(ctx, h.conversation, explain(c, t), func(r row) string { return r.text(0) })
	if err != nil {
		return nil, err
	}
	var p plan
	if len(texts) != 1 || json.Unmarshal([]byte(texts[0]), &p) != nil {
		return nil, h.noteUnknown(c, t, "the plan is in a form that is not known")
	}
	for _, in := range p.Inputs {
		at := place{in.Table.Catalog, name{in.Table.Name.Schema, in.Table.Name.Table}}
		if of, is := h.storage[at]; is {
			at = of
		}
		if !slices.Contains(made, at) {
			made = append(made, at)
		}
	}
	return made, nil
}

func (h *harvest) noteUnknown(c catalog, t *table, why string) error {
	return h.out.Note(sdk.Note{
		Level: sdk.ErrorLevel, Code: "trino.lineage_unknown", Scope: scope(c), Asset: h.id(c, t.name), Sample: h.own(c.name, t.schema, t.table).Name + ": " + why,
		Title: "Trino cannot plan a view: grant SELECT on it, mend it, or set lineage to leave. What is known of its lineage stays.",
	})
}
