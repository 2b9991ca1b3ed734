package sqlite

import (
	"context"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Get implements store.Store.
func (db *DB) Get(ctx context.Context, kind store.Kind, ids ...model.ID) ([]store.Record, error) {
	t, ok := db.tables[kind]
	if !ok {
		return nil, &model.Error{Kind: model.KindInternal, Message: fmt.Sprintf("no kind %q", kind), Hint: "declare its table"}
	}
	records := make([]store.Record, 0, len(ids))
	err := db.read(ctx, func(conn *sqlite.Conn) error {
		for _, id := range ids {
			err := rows(conn, t.get, []store.Value{id}, func(stmt *sqlite.Stmt) (bool, error) {
				records = append(records, store.Record{Kind: kind, ID: id, Revision: model.Revision(stmt.ColumnInt64(0)), Doc: blob(stmt, 1)})
				return false, ctx.Err()
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

// Find implements store.Store.
func (db *DB) Find(ctx context.Context, q store.Query) (store.Page, error) {
	p, err := q.Plan()
	if err != nil {
		return store.Page{}, err
	}
	f := finder{interrupted: ctx.Err, table: db.tables[q.Kind], plan: p, pager: p.Pager(), reads: p.Reads()}
	if err := db.read(ctx, f.run); err != nil {
		return store.Page{}, err
	}
	return f.pager.Page(), nil
}

// finder reads one page.
type finder struct {
	interrupted func() error
	table       *table
	plan        *store.Plan
	pager       *store.Pager
	reads       []store.Path
	done        bool
}

func (f *finder) run(conn *sqlite.Conn) error {
	for _, scan := range f.plan.Scans {
		sql, values := f.statement(scan)
		if err := rows(conn, sql, values, f.row); err != nil || f.done {
			return err
		}
	}
	return nil
}

// row takes one row and reports whether the page wants more.
func (f *finder) row(stmt *sqlite.Stmt) (bool, error) {
	if err := f.interrupted(); err != nil {
		return false, err
	}
	var broken error
	values := func(p store.Path) []store.Value {
		if p == store.PathID {
			return []store.Value{stmt.ColumnText(0)}
		}
		for i, q := range f.reads {
			if p == q {
				list, err := f.table.list(stmt, 2+i, p)
				if err != nil {
					broken = err
				}
				return list
			}
		}
		return nil
	}
	ok, err := f.pager.Matches(values)
	switch {
	case err != nil:
		return false, err
	case !ok:
		return true, broken
	case f.pager.Full():
		f.pager.Rest()
		f.done = true
		return false, nil
	}
	f.pager.Add(store.Record{
		Kind: f.table.Kind, ID: model.ID(stmt.ColumnText(0)), Revision: model.Revision(stmt.ColumnInt64(1)), Doc: blob(stmt, 2+len(f.reads)),
	}, values)
	return true, broken
}

// statement writes the scan in SQL. The index is named, so that SQLite reports
// an error where it would otherwise choose to sort.
func (f *finder) statement(scan store.Scan) (string, []store.Value) {
	var b strings.Builder
	b.WriteString("SELECT t.id, t.rev")
	for _, p := range f.reads {
		b.WriteString(", t." + column(p))
	}
	index, name := indexName(f.table.Schema, f.plan.Index), quote(string(f.table.Kind))
	key, from := "t.", name+" AS t INDEXED BY "+index
	if f.plan.Index.Multi {
		key, from = "x.", index+" AS x CROSS JOIN "+name+" AS t ON t.id = x.id"
	}
	conditions, values := f.conditions(key, scan)
	b.WriteString(", t.doc FROM " + from)
	if len(conditions) > 0 {
		b.WriteString(" WHERE " + strings.Join(conditions, " AND "))
	}
	b.WriteString(" ORDER BY " + strings.Join(f.order(key, scan), f.direction()+", ") + f.direction())
	return b.String(), values
}

// order lists the columns that vary in the scan, the id last.
func (f *finder) order(key string, scan store.Scan) []string {
	var names []string
	for _, p := range f.plan.Order(scan) {
		names = append(names, key+column(p))
	}
	return append(names, key+"id")
}

func (f *finder) direction() string {
	if f.plan.Desc {
		return " DESC"
	}
	return ""
}

// conditions writes the scan's stretch of the index: its equalities, where it
// begins and where it ends. The key to go on from takes the place of the bound
// on its side, so that SQLite has one beginning to seek to.
func (f *finder) conditions(key string, scan store.Scan) (conditions []string, values []store.Value) {
	add := func(condition string, vs ...store.Value) {
		conditions, values = append(conditions, condition), append(values, vs...)
	}
	for i, v := range scan.Equal {
		add(key+column(f.plan.Index.Paths[i])+" = ?", v)
	}
	order := f.order(key, scan)
	after := scan.AfterID != ""
	if after {
		beyond := " > "
		if f.plan.Desc {
			beyond = " < "
		}
		add("("+strings.Join(order, ", ")+")"+beyond+"("+marks(len(order))+")", append(append([]store.Value{}, scan.After...), scan.AfterID)...)
	}
	if lower := !after || f.plan.Desc; lower && scan.From != nil {
		add(order[0]+" >= ?", scan.From)
	} else if lower && scan.NotNull {
		add(order[0]+" > ?", nil)
	}
	if upper := !after || !f.plan.Desc; upper && scan.To != nil {
		add(order[0]+" < ?", scan.To)
	}
	return conditions, values
}
