package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/driver/sqlite"
)

const columns = "SELECT r.seq, r.id, r.at, r.principal, r.resource, r.domain, r.action, r.outcome, r.prev, r.hash, r.body, i.salt, i.input FROM row r LEFT JOIN input i ON i.seq = r.seq"

// Rows implements chain.Keeper.
func (db *DB) Rows(ctx context.Context, q chain.Query) ([]chain.Row, error) {
	f := db.find(q.Segment)
	if f == nil {
		return nil, nil
	}
	sql, values := render(q)
	var rows []chain.Row
	err := query(ctx, f, sql, values, func(r sqlite.Row) (bool, error) {
		rows = append(rows, decode(r))
		return true, nil
	})
	if err != nil && ctx.Err() == nil {
		err = db.unusable(err)
	}
	return rows, err
}

// render writes the query in SQL. Only parameters carry values.
func render(q chain.Query) (string, []any) {
	var where []string
	var values []any
	add := func(condition string, vs ...any) {
		where, values = append(where, condition), append(values, vs...)
	}
	f := q.Filter
	for _, c := range []struct {
		given     bool
		condition string
		value     any
	}{
		{q.After != 0 && q.Desc, "r.seq < ?", q.After},
		{q.After != 0 && !q.Desc, "r.seq > ?", q.After},
		{f.Principal != "", "r.principal = ?", f.Principal},
		{f.Resource != "", "r.resource = ?", f.Resource},
		{f.Domain != "", "r.domain = ?", f.Domain},
		{f.Outcome != "", "r.outcome = ?", f.Outcome},
		{f.From != 0, "r.at >= ?", f.From},
		{f.To != 0, "r.at < ?", f.To},
	} {
		if c.given {
			add(c.condition, c.value)
		}
	}
	if len(f.Actions) > 0 {
		actions := make([]any, len(f.Actions))
		for i, a := range f.Actions {
			actions[i] = a
		}
		add("r.action IN (?"+strings.Repeat(", ?", len(actions)-1)+")", actions...)
	}
	if f.WithInput {
		add("i.seq IS NOT NULL")
	}
	sql := columns
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	order := " ORDER BY r.seq"
	if q.Desc {
		order += " DESC"
	}
	return sql + order + fmt.Sprintf(" LIMIT %d", q.Limit), values
}

func decode(r sqlite.Row) chain.Row {
	out := chain.Row{
		Seq: r.Int(0),
		Keys: chain.Keys{
			ID: model.ID(r.Text(1)), At: r.Int(2), Principal: model.ID(r.Text(3)), Resource: model.ID(r.Text(4)),
			Domain: model.Slug(r.Text(5)), Action: model.Action(r.Text(6)), Outcome: model.Outcome(r.Text(7)),
		},
		Body: r.Bytes(10), Salt: r.Bytes(11), Input: r.Bytes(12),
	}
	copy(out.Prev[:], r.Bytes(8))
	copy(out.Hash[:], r.Bytes(9))
	return out
}

// Row implements chain.Keeper. Ids sort by time, so the newest file is asked first.
func (db *DB) Row(ctx context.Context, id string) (found chain.Row, ok bool, err error) {
	for _, f := range slices.Backward(db.all()) {
		err := query(ctx, f, columns+" WHERE r.id = ?", []any{id}, func(r sqlite.Row) (bool, error) {
			found, ok = decode(r), true
			return false, nil
		})
		if err != nil || ok {
			return found, ok, err
		}
	}
	return found, false, nil
}

// Known implements chain.Keeper.
func (db *DB) Known(ctx context.Context, ids []string) (map[string]bool, error) {
	known := map[string]bool{}
	for _, f := range db.all() {
		for _, id := range ids {
			err := query(ctx, f, "SELECT 1 FROM row WHERE id = ?", []any{id}, func(sqlite.Row) (bool, error) {
				known[id] = true
				return false, nil
			})
			if err != nil {
				return nil, db.unusable(err)
			}
		}
	}
	return known, nil
}
