package sqlite

import (
	"context"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/sqlite"
	"github.com/souk-mesh/souk/server/store"
)

// Fetch implements store.Engine.
func (e *engine) Fetch(ctx context.Context, kind store.Kind, ids []model.ID) ([]store.Record, error) {
	t, records := e.tables[kind], make([]store.Record, 0, len(ids))
	err := e.reader(len(ids))(ctx, func(c *sqlite.Conn) error {
		for _, id := range ids {
			err := c.Rows(t.get, []any{id}, func(r sqlite.Row) (bool, error) {
				records = append(records, t.record(r))
				return false, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// Revisions implements store.Engine.
func (e *engine) Revisions(ctx context.Context, kind store.Kind, ids []model.ID) (map[model.ID]model.Revision, error) {
	t, revisions := e.tables[kind], make(map[model.ID]model.Revision, len(ids))
	return revisions, e.reader(len(ids))(ctx, func(c *sqlite.Conn) error {
		for _, id := range ids {
			err := c.Rows(t.revision, []any{id}, func(r sqlite.Row) (bool, error) {
				revisions[id] = model.Revision(r.Int(0))
				return false, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Size implements store.Engine. It counts along the narrowest index.
func (e *engine) Size(ctx context.Context, kind store.Kind) (n int, err error) {
	err = e.file.ReadOne(ctx, func(c *sqlite.Conn) error {
		return c.Rows(e.tables[kind].size, nil, func(r sqlite.Row) (bool, error) {
			n = int(r.Int(0))
			return false, nil
		})
	})
	return n, err
}

// Newest implements store.Engine.
func (e *engine) Newest(ctx context.Context) (seq int64, err error) {
	err = e.file.ReadOne(ctx, func(c *sqlite.Conn) error {
		seq, err = c.Number(newestEvent)
		return err
	})
	return seq, err
}

// reader gives the way to read by so many statements.
func (e *engine) reader(statements int) func(context.Context, func(*sqlite.Conn) error) error {
	if statements == 1 {
		return e.file.ReadOne
	}
	return e.file.Read
}

// Scan implements store.Engine.
func (e *engine) Scan(ctx context.Context, p *store.Plan, page *store.Pager) error {
	f := finder{table: e.tables[p.Schema.Kind], plan: p, reads: p.Reads()}
	return e.reader(len(p.Scans))(ctx, func(c *sqlite.Conn) error {
		more, keys := true, store.Keys{}
		for _, scan := range p.Scans {
			sql, values := f.statement(scan)
			err := c.Rows(sql, values, func(r sqlite.Row) (_ bool, err error) {
				if err := f.table.scan(r, 3, f.reads, keys); err != nil {
					return false, err
				}
				more, err = page.Offer(keys.Values, func() store.Record { return f.table.record(r) })
				return more, err
			})
			if err != nil || !more {
				return err
			}
		}
		return nil
	})
}

// finder writes the statements of one plan.
type finder struct {
	table *table
	plan  *store.Plan
	reads []store.Path // beside id, rev and doc
}

// statement writes the scan in SQL. The index is named, so that SQLite reports
// an error where it would otherwise choose to sort.
func (f *finder) statement(scan store.Scan) (string, []any) {
	index := f.table.indexName(f.plan.Index)
	key, from := "t.", f.table.name+" AS t INDEXED BY "+index
	if f.plan.Index.Multi {
		key, from = "x.", index+" AS x CROSS JOIN "+f.table.name+" AS t ON t.id = x.id"
	}
	sql := "SELECT t.id, t.rev, t.doc" + each(f.reads, ", t.%", "") + " FROM " + from
	if f.plan.Bare() {
		sql = "SELECT t.id, t.rev, NULL" + each(f.reads, ", t.%", "") + " FROM " + from
		if f.plan.Index.Multi && f.plan.Residual.Op == "" { // all that is asked for stands in the index
			sql = "SELECT x.id, 0, NULL" + each(f.reads, ", x.%", "") + " FROM " + index + " AS x"
		}
	}
	conditions, values := f.conditions(key, scan)
	if len(conditions) > 0 {
		sql += " WHERE " + strings.Join(conditions, " AND ")
	}
	direction := ""
	if f.plan.Desc {
		direction = " DESC"
	}
	return sql + " ORDER BY " + strings.Join(f.order(key, scan), direction+", ") + direction, values
}

// order lists the columns that vary in the scan, the id last.
func (f *finder) order(key string, scan store.Scan) []string {
	var names []string
	for _, p := range f.plan.Order(scan) {
		names = append(names, key+column(p))
	}
	return append(names, key+"id")
}

// conditions writes the scan's stretch of the index: its equalities, where it
// begins and where it ends. The key to go on from takes the place of the bound
// on its side, so that SQLite has one beginning to seek to.
func (f *finder) conditions(key string, scan store.Scan) (conditions []string, values []any) {
	add := func(condition string, vs ...any) {
		conditions, values = append(conditions, condition), append(values, vs...)
	}
	for i, v := range scan.Equal {
		add(key+column(f.plan.Index.Paths[i])+" = ?", v)
	}
	order, beyond := f.order(key, scan), " > "
	lower, upper := true, true // whether the bound is the scan's own
	if scan.AfterID != "" {
		lower, upper = f.plan.Desc, !f.plan.Desc
		if f.plan.Desc {
			beyond = " < "
		}
		add("(" + strings.Join(order, ", ") + ")" + beyond + "(" + marks(len(order)) + ")")
		for _, v := range scan.After {
			values = append(values, v)
		}
		values = append(values, scan.AfterID)
	}
	if lower && scan.From != nil {
		add(order[0]+" >= ?", scan.From)
	} else if lower && scan.NotNull {
		add(order[0]+" > ?", nil)
	}
	if upper && scan.To != nil {
		add(order[0]+" < ?", scan.To)
	}
	return conditions, values
}
