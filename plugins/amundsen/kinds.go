package amundsen

import (
	"cmp"
	"encoding/json"
	"strings"
)

// kind is a kind of file, known by columns that it has.
type kind struct {
	columns []string
	without []string
	take    func(*graph, row)
}

// kinds are the files that are read, in this order: what databuilder writes for
// Neo4j, and what its CSV extractors read. Statistics and watermarks, which hold
// values of the data, are no kind.
var kinds = []kind{
	{columns: []string{"LABEL", "KEY"}, take: (*graph).node},
	{columns: []string{"START_LABEL", "START_KEY", "END_LABEL", "END_KEY", "TYPE", "REVERSE_TYPE"}, take: (*graph).relation},
	{columns: []string{"database", "cluster", "schema", "name", "description"}, without: []string{"table_name", "col_type"}, take: (*graph).tableRow},
	{columns: []string{"database", "cluster", "schema", "table_name", "name", "col_type", "sort_order"}, take: (*graph).columnRow},
	{columns: []string{"source_table_key", "target_table_key"}, take: func(g *graph, r row) {
		g.join("Table", r["source_table_key"], "HAS_DOWNSTREAM", "Table", r["target_table_key"], "")
	}},
	{columns: []string{"source_column_key", "target_column_key"}, take: func(g *graph, r row) {
		g.join("Column", r["source_column_key"], "HAS_DOWNSTREAM", "Column", r["target_column_key"], "")
	}},
	{columns: []string{"schema_key", "schema", "description"}, take: func(g *graph, r row) { g.schemas[r["schema_key"]] = r["description"] }},
	ofTable("owners", func(t *table, r row) {
		for _, mail := range list(r["owners"]) {
			t.Owners = append(t.Owners, person{Email: mail})
		}
	}),
	ofTable("category", func(t *table, r row) {
		for _, name := range list(r["name"]) {
			t.Badges = append(t.Badges, badge{strings.ToLower(name)})
		}
	}),
	ofTable("last_updated_time_epoch", func(t *table, r row) { t.Updated = json.Number(r["last_updated_time_epoch"]) }),
	ofTable("source_type", func(t *table, r row) { t.Source = &origin{r["source"]} }),
	ofTable("dag_id", func(t *table, r row) { t.Writer = &application{ID: r["dag_id"] + "/" + r["task_id"]} }),
	ofTable("read_count", func(t *table, r row) { t.read(r["user_email"], r["read_count"]) }),
	{columns: []string{"product", "cluster", "dashboard_group_id", "dashboard_name", "dashboard_id"}, take: (*graph).dashboardRow},
	ofDashboard("table_ids", func(g *graph, d *dashboard, r row) {
		g.boards[d.URI] = append(g.boards[d.URI], list(r["table_ids"])...)
	}),
	ofDashboard("email", func(_ *graph, d *dashboard, r row) {
		if r["view_count"] == "" { // which a file of those who look at it has
			d.Owners = append(d.Owners, person{Email: r["email"]})
		}
	}),
	ofDashboard("last_modified_timestamp", func(_ *graph, d *dashboard, r row) { d.Updated = json.Number(r["last_modified_timestamp"]) }),
}

// ofTable is a kind of file that says something of tables.
func ofTable(column string, take func(*table, row)) kind {
	return kind{columns: []string{column, "cluster", "schema"}, take: func(g *graph, r row) {
		if t := g.tables[placeIn(r).key()]; t != nil {
			take(t, r)
		}
	}}
}

// ofDashboard is a kind of file that says something of dashboards.
func ofDashboard(column string, take func(*graph, *dashboard, row)) kind {
	return kind{columns: []string{column, "product", "cluster", "dashboard_group_id", "dashboard_id"}, take: func(g *graph, r row) {
		if d := g.dashboards[boardKey(r)]; d != nil {
			take(g, d, r)
		}
	}}
}

// placeIn is the table of a row: the extractors call the parts by several names.
func placeIn(r row) place {
	return place{cmp.Or(r["database"], r["db"], r["db_name"]), r["cluster"], r["schema"], cmp.Or(r["table_name"], r["table"], r["name"])}
}

func boardKey(r row) string {
	return r["product"] + "_dashboard://" + r["cluster"] + "." + r["dashboard_group_id"] + "/" + r["dashboard_id"]
}

func list(text string) []string {
	var out []string
	for word := range strings.SplitSeq(text, ",") {
		out = append(out, strings.TrimSpace(word))
	}
	return once(out)
}

// tableRow keeps a table; a second row of it brings a description from elsewhere.
func (g *graph) tableRow(r row) {
	p := placeIn(r)
	t := g.tables[p.key()]
	if t == nil {
		t = &table{place: p}
		g.tables[p.key()] = t
	}
	if source := r["description_source"]; source != "" && source != "description" {
		t.Programmatic = append(t.Programmatic, passage{source, r["description"]})
	} else {
		t.Description = cmp.Or(r["description"], t.Description)
	}
	t.IsView = t.IsView || strings.EqualFold(r["is_view"], "true")
	for _, name := range list(r["tags"]) {
		t.Tags = append(t.Tags, tag{strings.ToLower(name)})
	}
}

func (g *graph) columnRow(r row) {
	key := placeIn(r).key()
	c := &column{Name: r["name"], Type: r["col_type"], Order: json.Number(r["sort_order"]), Description: r["description"]}
	for _, name := range list(r["badges"]) {
		c.Badges = append(c.Badges, badge{strings.ToLower(name)})
	}
	g.columns[key+"/"+c.Name], g.cells[key+"/"+c.Name] = c, key
}

func (g *graph) dashboardRow(r row) {
	d := &dashboard{URI: boardKey(r), Name: r["dashboard_name"], Description: r["description"], URL: r["dashboard_url"], Group: r["dashboard_group"], Product: r["product"]}
	for _, name := range list(r["tags"]) {
		d.Tags = append(d.Tags, tag{strings.ToLower(name)})
	}
	g.dashboards[d.URI] = d
}
