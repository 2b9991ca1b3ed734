package amundsen

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// graph is what the files of databuilder hold: nodes and what joins them.
type graph struct {
	tables     map[string]*table
	columns    map[string]*column
	dashboards map[string]*dashboard
	named      map[string]string // the name of a schema, cluster, database or group of dashboards, by its key
	texts      map[string]passage
	times      map[string]json.Number
	mails      map[string]person
	origins    map[string]string
	apps       map[string]application
	above      map[[2]string][]sdk.FieldEdge // lineage of tables, by the keys of both
	schemas    map[string]string             // descriptions
	joined     bool                          // there was a file of lineage
	boards     map[string][]string           // tables by the key of a dashboard
	flows      [][2]string                   // lineage of columns, until all tables are known
	cells      map[string]string             // the table of a column
}

func newGraph() *graph {
	return &graph{
		tables: map[string]*table{}, columns: map[string]*column{}, dashboards: map[string]*dashboard{}, named: map[string]string{}, texts: map[string]passage{},
		times: map[string]json.Number{}, mails: map[string]person{}, origins: map[string]string{}, apps: map[string]application{},
		above: map[[2]string][]sdk.FieldEdge{}, schemas: map[string]string{}, boards: map[string][]string{}, cells: map[string]string{},
	}
}

// row is a line of a file by the names of its columns. Databuilder marks those
// that are no text, which says nothing here.
type row map[string]string

// node keeps a node.
func (g *graph) node(r row) {
	key := r["KEY"]
	switch r["LABEL"] {
	case "Table":
		g.tables[key] = &table{place: place{Name: r["name"]}, IsView: strings.EqualFold(r["is_view"], "true")}
	case "Column":
		g.columns[key] = &column{Name: r["name"], Type: r["col_type"], Order: json.Number(r["sort_order"])}
	case "Dashboard":
		product, _, _ := strings.Cut(key, "_dashboard://")
		g.dashboards[key] = &dashboard{URI: key, Name: r["name"], URL: r["dashboard_url"], Product: product}
	case "Schema", "Cluster", "Database", "Dashboardgroup":
		g.named[key] = r["name"]
	case "Description":
		g.texts[key] = passage{Text: r["description"]}
	case "Programmatic_Description":
		g.texts[key] = passage{Source: cmp.Or(r["description_source"], "other"), Text: r["description"]}
	case "Timestamp":
		g.times[key] = json.Number(cmp.Or(r["last_updated_timestamp"], r["timestamp"]))
	case "User":
		g.mails[key] = person{Email: cmp.Or(r["email"], key)}
	case "Source":
		g.origins[key] = r["source"]
	case "Application":
		g.apps[key] = application{ID: cmp.Or(r["id"], key), Name: r["name"]}
	}
}

// relation joins two nodes, in the direction in which it is told.
func (g *graph) relation(r row) {
	g.join(r["START_LABEL"], r["START_KEY"], r["TYPE"], r["END_LABEL"], r["END_KEY"], r["read_count"])
	g.join(r["END_LABEL"], r["END_KEY"], r["REVERSE_TYPE"], r["START_LABEL"], r["START_KEY"], r["read_count"])
}

func (g *graph) join(label, from, kind, other, to, count string) {
	switch label + " " + kind {
	case "Table COLUMN":
		g.cells[to] = from
	case "Table HAS_DOWNSTREAM":
		g.joined = true
		g.above[[2]string{from, to}] = nil
	case "Column HAS_DOWNSTREAM":
		g.joined = true
		g.flows = append(g.flows, [2]string{from, to})
	case "Dashboard DASHBOARD_WITH_TABLE":
		g.boards[from] = append(g.boards[from], to)
	case "Dashboard DASHBOARD_OF":
		if d := g.dashboards[from]; d != nil {
			d.Group = g.named[to]
		}
	case "Schema DESCRIPTION":
		g.schemas[from] = g.texts[to].Text
	default:
		g.annotate(label, from, kind, other, to, count)
	}
}

// annotate gives a table, a column or a dashboard what is said of it.
func (g *graph) annotate(label, from, kind, other, to, count string) {
	t, c, d := g.tables[from], g.columns[from], g.dashboards[from]
	switch {
	case label == "Table" && t != nil:
		g.ofTable(t, kind, other, to, count)
	case label == "Column" && c != nil && kind == "DESCRIPTION":
		c.Description = g.texts[to].Text
	case label == "Column" && c != nil && kind == "HAS_BADGE":
		c.Badges = append(c.Badges, badge{to})
	case label == "Dashboard" && d != nil:
		g.ofDashboard(d, kind, other, to)
	}
}

func (g *graph) ofTable(t *table, kind, other, to, count string) {
	switch {
	case kind == "DESCRIPTION" && g.texts[to].Source == "":
		t.Description = g.texts[to].Text
	case kind == "DESCRIPTION":
		t.Programmatic = append(t.Programmatic, g.texts[to])
	case other == "Tag":
		t.Tags = append(t.Tags, tag{to})
	case kind == "HAS_BADGE":
		t.Badges = append(t.Badges, badge{to})
	case kind == "OWNER":
		t.Owners = append(t.Owners, g.person(to))
	case kind == "LAST_UPDATED_AT":
		t.Updated = g.times[to]
	case kind == "SOURCE":
		t.Source = &origin{g.origins[to]}
	case kind == "DERIVED_FROM" && other == "Application":
		app := g.apps[to]
		t.Writer = &app
	case kind == "READ_BY":
		t.read(to, count)
	}
}

// read keeps how often a person has read the table: two runs of databuilder tell it twice.
func (t *table) read(who, count string) {
	if t.readers == nil {
		t.readers = map[string]int64{}
	}
	t.readers[who] = max(t.readers[who], int64(float(json.Number(count))))
}

// usage sums up who reads the table. Only files tell all of them.
func (t table) usage() *sdk.Usage {
	if len(t.readers) == 0 {
		return nil
	}
	u := &sdk.Usage{Users: int64(len(t.readers))}
	for _, n := range t.readers {
		u.Reads += n
	}
	return u
}

func (g *graph) ofDashboard(d *dashboard, kind, other, to string) {
	switch {
	case kind == "DESCRIPTION":
		d.Description = g.texts[to].Text
	case other == "Tag":
		d.Tags = append(d.Tags, tag{to})
	case kind == "HAS_BADGE":
		d.Badges = append(d.Badges, badge{to})
	case kind == "OWNER":
		d.Owners = append(d.Owners, g.person(to))
	case kind == "LAST_UPDATED_AT":
		d.Updated = g.times[to]
	}
}

func (g *graph) person(key string) person {
	if p, known := g.mails[key]; known {
		return p
	}
	return person{Email: key}
}

// tell emits everything, in the order of the keys.
func (g *graph) tell(w *writer) error {
	g.assemble(w)
	for _, key := range slices.Sorted(maps.Keys(g.tables)) {
		if err := w.table(*g.tables[key]); err != nil {
			return err
		}
	}
	if err := g.lineage(w); err != nil {
		return err
	}
	for _, uri := range slices.Sorted(maps.Keys(g.dashboards)) {
		d := g.dashboards[uri]
		for _, key := range once(g.boards[uri]) {
			if p, known := w.placeOf(key); known {
				d.Tables = append(d.Tables, p)
			}
		}
		if err := w.dashboard(*d); err != nil {
			return err
		}
	}
	return g.done(w)
}

// done closes what the files hold. Where they hold nothing of a kind, that job of
// databuilder may not have run.
func (g *graph) done(w *writer) error {
	for _, scope := range []struct {
		name  string
		holds bool
	}{{tableScope, len(g.tables) > 0}, {lineageScope, g.joined}, {dashboardScope, len(g.dashboards) > 0}} {
		if !scope.holds {
			continue
		}
		if err := w.out.ScopeDone(scope.name); err != nil {
			return err
		}
	}
	return nil
}

// assemble gives the tables their places and columns.
func (g *graph) assemble(w *writer) {
	w.schema = g.schemas
	for key, t := range g.tables {
		if t.Database == "" {
			t.place = g.placeOf(key, t.Name)
		}
		w.places[key] = t.place
	}
	for key, c := range g.columns {
		holder, known := g.cells[key]
		if !known {
			holder, _ = w.column(key)
		}
		if t := g.tables[holder]; t != nil {
			t.Columns = append(t.Columns, *c)
		}
	}
}

// placeOf finds the parts of a table's key. The nodes of its schema tell where a
// dot parts them and where it belongs to a name.
func (g *graph) placeOf(key, name string) place {
	database, _, _ := strings.Cut(key, "://")
	holder := strings.TrimSuffix(key, "/"+name)
	schema, known := g.named[holder]
	cluster, isCluster := strings.CutSuffix(strings.TrimPrefix(holder, database+"://"), "."+schema)
	if known && isCluster && name != "" {
		return place{database, cluster, schema, name}
	}
	p, parsed := parseKey(key)
	if !parsed {
		return place{Database: database, Name: key}
	}
	return p
}

// lineage tells which table is made of which, with the columns that are known of both.
func (g *graph) lineage(w *writer) error {
	for _, flow := range g.flows {
		from, a := g.cell(w, flow[0])
		to, b := g.cell(w, flow[1])
		if a == "" || b == "" || from == to {
			continue
		}
		pair := [2]string{from, to}
		if f := (sdk.FieldEdge{From: a, To: b}); !slices.Contains(g.above[pair], f) {
			g.above[pair] = append(g.above[pair], f)
		}
	}
	pairs := slices.SortedFunc(maps.Keys(g.above), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, pair := range pairs {
		columns := g.above[pair]
		slices.SortFunc(columns, func(a, b sdk.FieldEdge) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From)) })
		if err := w.derived(pair[0], pair[1], columns...); err != nil {
			return err
		}
	}
	return nil
}

// cell gives the table and the name of a column.
func (g *graph) cell(w *writer, key string) (table, name string) {
	holder, known := g.cells[key]
	if c := g.columns[key]; known && c != nil {
		return holder, c.Name
	}
	return w.column(key)
}
