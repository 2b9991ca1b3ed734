package sqlite

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/sqlite"
	"github.com/souk-mesh/souk/server/store"
)

// table is one noun's table: its declaration and the statements on it. It has
// the columns id, rev, one per path, and doc, which comes last because a long
// last column costs nothing to those who read the others.
type table struct {
	store.Schema
	name                                                 string
	get, size, revision, current, insert, update, remove string // insert and update take the same values

	unique []lookup
	sides  []side
}

// lookup finds another record with the same key in a unique index. There is
// one writer, so asking first is as safe as a constraint, and one index serves
// both uniqueness and an order that ends in the id.
type lookup struct {
	store.Index
	sql string
}

// side is the table of a Multi index: a row for each value, which carries the
// paths that follow, so that a page of one value comes sorted.
type side struct {
	store.Index
	insert, remove string
}

func newTables() map[store.Kind]*table {
	tables := map[store.Kind]*table{}
	for _, s := range store.Schemas() {
		tables[s.Kind] = newTable(s)
	}
	return tables
}

func newTable(s store.Schema) *table {
	name, columns, values := quote(string(s.Kind)), "rev, doc"+each(s.Paths, ", %", ""), "?, ?"+each(s.Paths, ", ?", "")
	t := &table{
		Schema: s, name: name,
		get:      "SELECT id, rev, doc FROM " + name + " WHERE id = ?",
		size:     "SELECT count(*) FROM " + name,
		revision: "SELECT rev FROM " + name + " WHERE id = ?",
		current:  "SELECT rev" + each(s.Paths, ", %", "") + " FROM " + name + " WHERE id = ?",
		insert:   "INSERT INTO " + name + " (" + columns + ", id) VALUES (" + values + ", ?)",
		update:   "UPDATE " + name + " SET (" + columns + ") = (" + values + ") WHERE id = ?",
		remove:   "DELETE FROM " + name + " WHERE id = ?",
	}
	for _, x := range s.Indexes {
		index, key := t.indexName(x), each(x.Paths, "% = ?", " AND ")
		switch {
		case x.Multi:
			t.sides = append(t.sides, side{
				Index:  x,
				insert: "INSERT INTO " + index + " (" + each(x.Paths, "%, ", "") + "id) VALUES (" + each(x.Paths, "?, ", "") + "?)",
				remove: "DELETE FROM " + index + " WHERE " + key + " AND id = ?",
			})
		case x.Unique:
			t.unique = append(t.unique, lookup{x, "SELECT 1 FROM " + name + " INDEXED BY " + index + " WHERE " + key + " AND id <> ?"})
		}
	}
	return t
}

// rows gives the side's rows of a record, but for the id.
func (d side) rows(keys store.Keys) [][]any {
	var rows [][]any
	for _, v := range keys[d.Paths[0]] {
		row := []any{v}
		for _, p := range d.Paths[1:] {
			row = append(row, store.First(keys[p]))
		}
		rows = append(rows, row)
	}
	return rows
}

// values gives the keys in the order of the columns, many values as JSON.
func (t *table) values(keys store.Keys) []any {
	values := make([]any, len(t.Paths))
	for i, p := range t.Paths {
		values[i] = store.First(keys[p])
		if list := keys[p]; len(list) > 0 && t.Multi(p) {
			text, _ := json.Marshal(list) // strings and integers always marshal
			values[i] = string(text)
		}
	}
	return values
}

// scan reads the columns of the paths into keys, the first of them at column from.
func (t *table) scan(r sqlite.Row, from int, paths []store.Path, keys store.Keys) error {
	for i, p := range paths {
		v := r.Value(from + i)
		text, ok := v.(string)
		switch {
		case v == nil:
			delete(keys, p)
		case ok && t.Multi(p):
			var list store.Values
			if err := list.UnmarshalJSON([]byte(text)); err != nil {
				return fmt.Errorf("read path %s of %s: %w", p, t.Kind, err)
			}
			keys[p] = list
		default:
			keys[p] = []store.Value{v}
		}
	}
	return nil
}

// record reads the columns id, rev and doc, with which every row begins.
func (t *table) record(r sqlite.Row) store.Record {
	return store.Record{Kind: t.Kind, ID: model.ID(r.Text(0)), Revision: model.Revision(r.Int(1)), Doc: r.Bytes(2)}
}

func (t *table) indexName(x store.Index) string { return quote(string(t.Kind) + "_" + x.Name) }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func column(p store.Path) string {
	if p == store.PathID {
		return "id"
	}
	return quote("k_" + string(p))
}

// each writes the pattern for each path, with the path's column for its %.
func each(paths []store.Path, pattern, separator string) string {
	words := make([]string, len(paths))
	for i, p := range paths {
		words[i] = strings.ReplaceAll(pattern, "%", column(p))
	}
	return strings.Join(words, separator)
}

func marks(n int) string { return strings.Join(slices.Repeat([]string{"?"}, n), ", ") }
