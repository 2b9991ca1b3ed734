package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/sdk"
)

// readStatements reads what made the views, tables and indexes, by their names,
// which no two of these share.
func (h *harvest) readStatements() error {
	h.statements = map[string]string{}
	return h.each(`select name, sql from sqlite_schema where sql is not null and type <> 'trigger'`, func(r *sqlite.Stmt) error {
		h.statements[fold(r.ColumnText(0))] = r.ColumnText(1)
		return nil
	})
}

// describe adds the indexes and constraints of a table, and what made a view.
func (h *harvest) describe(a *sdk.Asset, t table) error {
	switch t.kind {
	case "view":
		a.Definition, a.DefinitionLanguage = h.statements[fold(t.name)], "sql"
	case "table":
		a.Constraints = checksIn(h.statements[fold(t.name)])
		if t.keys {
			return h.indexes(a, t.name)
		}
	}
	return nil
}

// indexPart is one column of an index.
type indexPart struct {
	index, origin, column string
	unique, partial, bare bool // bare: a column, and no expression
}

// indexes reads the indexes that somebody made, and the unique constraints,
// which SQLite keeps as indexes of its own. That of a primary key says no more
// than the key.
func (h *harvest) indexes(a *sdk.Asset, name string) error {
	var parts []indexPart
	err := h.each(`select l.name, l.origin, coalesce(x.name, ''), l."unique", l.partial, x.cid from pragma_index_list(?1) l, pragma_index_xinfo(l.name) x
		where x.key and l.origin <> 'pk' order by l.name, x.seqno`, func(r *sqlite.Stmt) error {
		parts = append(parts, indexPart{r.ColumnText(0), r.ColumnText(1), r.ColumnText(2), r.ColumnBool(3), r.ColumnBool(4), r.ColumnInt(5) >= 0})
		return nil
	}, name)
	for len(parts) > 0 && err == nil {
		n := 1
		for n < len(parts) && parts[n].index == parts[0].index {
			n++
		}
		h.index(a, parts[:n])
		parts = parts[n:]
	}
	return err
}

// index adds one index with the columns that it has.
func (h *harvest) index(a *sdk.Asset, parts []indexPart) {
	var fields []string
	for _, p := range parts {
		if p.bare {
			fields = append(fields, p.column)
		}
	}
	if first := parts[0]; first.origin == "u" {
		a.Constraints = append(a.Constraints, sdk.Constraint{Kind: sdk.Unique, Fields: fields})
	} else {
		x := sdk.Index{Name: first.index, Fields: fields, Unique: first.unique}
		if whole := len(fields) == len(parts); !whole || first.partial {
			x.Expression = indexExpression(h.statements[fold(first.index)], !whole)
		}
		a.Indexes = append(a.Indexes, x)
	}
}
