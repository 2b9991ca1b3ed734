package trino

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
)

// catalog is one of the cluster's; connector is the kind of system behind it.
type catalog struct{ name, connector string }

// name is that of a table within its catalog.
type name struct{ schema, table string }

// table is a table or a view.
type table struct {
	name
	kind    string // of the asset
	comment string
	sql     string // of a view
	told    bool   // of a view: its SQL was told
	fresh   string // when a materialized view was last made anew
}

// literal is a text in a statement.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// quote is a name in a statement.
func quote(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

// all collects the rows of a statement.
func all[T any](ctx context.Context, c *conversation, q question, take func(row) T) ([]T, error) {
	var found []T
	for r, err := range c.rows(ctx, q) {
		if err != nil {
			return nil, err
		}
		found = append(found, take(r))
	}
	return found, nil
}

// catalogs lists those to harvest. A version before 410 does not say what is
// behind a catalog.
func (c *conversation) catalogs(ctx context.Context) ([]catalog, error) {
	take := func(r row) catalog { return catalog{r.text(0), r.text(1)} }
	found, err := all(ctx, c, question{sql: "SELECT catalog_name, connector_name FROM system.metadata.catalogs"}, take)
	if e, is := told(err); is && e.Code == "trino.column_not_found" {
		found, err = all(ctx, c, question{sql: "SELECT catalog_name FROM system.metadata.catalogs"}, take)
	}
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(one catalog) bool {
		return one.name == "system" || len(c.Include) > 0 && !slices.Contains(c.Include, one.name) || slices.Contains(c.Exclude, one.name)
	})
	slices.SortFunc(found, func(a, b catalog) int { return cmp.Compare(a.name, b.name) })
	return found, nil
}

// own reports a schema in which a catalog speaks of itself.
func (c catalog) own(schema string) bool {
	switch schema {
	case "information_schema":
		return true
	case "pg_catalog":
		return c.connector == "postgresql" || c.connector == "redshift"
	case "system":
		return c.connector == "iceberg"
	}
	return false
}

// schemas lists those of a catalog.
func (c *conversation) schemas(ctx context.Context, of catalog) ([]string, error) {
	found, err := all(ctx, c, question{sql: "SELECT schema_name FROM " + quote(of.name) + ".information_schema.schemata"}, func(r row) string { return r.text(0) })
	slices.Sort(found)
	return slices.DeleteFunc(found, of.own), err
}

// tables lists those of a catalog. It is this question that fails where a catalog
// cannot be listed; that of columns gives nothing then, without a word.
func (c *conversation) tables(ctx context.Context, of catalog) ([]*table, error) {
	found, err := all(ctx, c, question{sql: "SELECT table_schema, table_name, table_type FROM " + quote(of.name) + ".information_schema.tables WHERE table_schema <> 'information_schema'"}, func(r row) *table {
		kind := "TABLE"
		if r.text(2) == "VIEW" {
			kind = "VIEW"
		}
		return &table{name: name{r.text(0), r.text(1)}, kind: kind}
	})
	return slices.DeleteFunc(found, func(t *table) bool { return of.own(t.schema) }), err
}

// describe adds what the catalog says of its tables and views. A table that only
// these answers name is there, too: Trino leaves a damaged one out of the list.
func (c *conversation) describe(ctx context.Context, of catalog, tables map[name]*table) error {
	for _, part := range []struct {
		sql  string
		take func(*table, row)
	}{
		{
			"SELECT schema_name, table_name, comment FROM system.metadata.table_comments WHERE catalog_name = " + literal(of.name) + " AND schema_name <> 'information_schema'",
			func(t *table, r row) { t.comment = r.text(2) },
		},
		{
			"SELECT table_schema, table_name, view_definition FROM " + quote(of.name) + ".information_schema.views WHERE table_schema <> 'information_schema'",
			func(t *table, r row) { t.kind, t.sql, t.told = "VIEW", r.text(2), true },
		},
		{
			"SELECT schema_name, name, definition, comment, CAST(last_fresh_time AS varchar) FROM system.metadata.materialized_views WHERE catalog_name = " + literal(of.name),
			func(t *table, r row) {
				t.kind, t.sql, t.fresh = "MATERIALIZED_VIEW", r.text(2), r.text(4)
				t.comment = cmp.Or(t.comment, r.text(3))
			},
		},
	} {
		for r, err := range c.rows(ctx, question{sql: part.sql}) {
			if err != nil {
				return err
			}
			n := name{r.text(0), r.text(1)}
			if of.own(n.schema) {
				continue
			}
			if tables[n] == nil {
				tables[n] = &table{name: n, kind: "TABLE"}
			}
			part.take(tables[n], r)
		}
	}
	return nil
}

// sorted are the tables in an order that does not depend on Trino.
func sorted(tables map[name]*table) []*table {
	return slices.SortedFunc(maps.Values(tables), func(a, b *table) int {
		return cmp.Or(cmp.Compare(a.schema, b.schema), cmp.Compare(a.table, b.table))
	})
}

// columnsOf asks for the columns of a catalog, those of a table one after another.
func columnsOf(of catalog) question {
	return question{sql: "SELECT table_schem, table_name, column_name, type_name, is_nullable, column_def, remarks FROM system.jdbc.columns WHERE table_cat = " +
		literal(of.name) + " AND table_schem <> 'information_schema' ORDER BY table_schem, table_name, ordinal_position"}
}
