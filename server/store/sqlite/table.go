package sqlite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/server/store"
)

// table is one noun's table: its declaration and the statements on it. It has
// the columns id, rev, one per path, and doc, which comes last because a long
// last column costs nothing to those who read the others.
type table struct {
	store.Schema
	get, current, insert, update, remove string

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
	name           string
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
	name, paths := quote(string(s.Kind)), columns(s.Paths)
	t := &table{
		Schema:  s,
		get:     "SELECT rev, doc FROM " + name + " WHERE id = ?",
		current: "SELECT rev" + each(paths...) + " FROM " + name + " WHERE id = ?",
		insert:  "INSERT INTO " + name + " (id, rev" + each(paths...) + ", doc) VALUES (?, ?, " + marks(len(paths)+1) + ")",
		update:  "UPDATE " + name + " SET rev = ?" + each(assignments(paths)...) + ", doc = ? WHERE id = ?",
		remove:  "DELETE FROM " + name + " WHERE id = ?",
	}
	for _, x := range s.Indexes {
		switch {
		case x.Multi:
			t.sides = append(t.sides, newSide(s, x))
		case x.Unique:
			t.unique = append(t.unique, lookup{x, "SELECT 1 FROM " + name + " INDEXED BY " + indexName(s, x) +
				" WHERE " + strings.Join(columns(x.Paths), " = ? AND ") + " = ? AND id <> ?"})
		}
	}
	return t
}

func newSide(s store.Schema, x store.Index) side {
	name, paths := indexName(s, x), columns(x.Paths)
	return side{
		Index: x, name: name,
		insert: "INSERT INTO " + name + " (" + strings.Join(paths, ", ") + ", id) VALUES (" + marks(len(paths)+1) + ")",
		remove: "DELETE FROM " + name + " WHERE " + strings.Join(paths, " = ? AND ") + " = ? AND id = ?",
	}
}

// rows gives the side's rows of a record, but for the id.
func (d side) rows(keys store.Keys) [][]store.Value {
	var rows [][]store.Value
	for _, v := range keys[d.Paths[0]] {
		row := []store.Value{v}
		for _, p := range d.Paths[1:] {
			row = append(row, only(keys[p]))
		}
		rows = append(rows, row)
	}
	return rows
}

// values gives the keys in the order of the columns.
func (t *table) values(keys store.Keys) []store.Value {
	values := make([]store.Value, len(t.Paths))
	for i, p := range t.Paths {
		values[i] = only(keys[p])
		if list := keys[p]; len(list) > 0 && t.Multi(p) {
			text, _ := json.Marshal(list) // strings and integers always marshal
			values[i] = string(text)
		}
	}
	return values
}

// keys reads the columns of all paths back, the first of them at column from.
func (t *table) keys(stmt *sqlite.Stmt, from int) (store.Keys, error) {
	keys := store.Keys{}
	for i, p := range t.Paths {
		list, err := t.list(stmt, from+i, p)
		if err != nil {
			return nil, err
		}
		keys[p] = list
	}
	return keys, nil
}

// list reads the values of one path from its column.
func (t *table) list(stmt *sqlite.Stmt, column int, p store.Path) ([]store.Value, error) {
	v := value(stmt, column)
	text, ok := v.(string)
	switch {
	case v == nil:
		return nil, nil
	case !ok || !t.Multi(p):
		return []store.Value{v}, nil
	}
	var list []store.Value
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("read path %s of %s: %w", p, t.Kind, err)
	}
	for i, v := range list {
		if n, ok := v.(json.Number); ok {
			list[i], _ = n.Int64() // written from an int64
		}
	}
	return list, nil
}

func only(values []store.Value) store.Value {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func column(p store.Path) string { return quote("k_" + string(p)) }

func columns(paths []store.Path) []string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = column(p)
	}
	return names
}

func assignments(columns []string) []string {
	words := make([]string, len(columns))
	for i, c := range columns {
		words[i] = c + " = ?"
	}
	return words
}

// each puts a comma before each word.
func each(words ...string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(", " + w)
	}
	return b.String()
}

func marks(n int) string { return strings.Join(slices.Repeat([]string{"?"}, n), ", ") }

func indexName(s store.Schema, x store.Index) string { return quote(string(s.Kind) + "_" + x.Name) }
