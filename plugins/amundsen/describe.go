package amundsen

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// table is a table as the metadata service answers it; the files fill the same.
type table struct {
	place
	Description  string       `json:"description"`
	IsView       bool         `json:"is_view"`
	Columns      []column     `json:"columns"`
	Owners       []person     `json:"owners"`
	Tags         []tag        `json:"tags"`
	Badges       []badge      `json:"badges"`
	Updated      json.Number  `json:"last_updated_timestamp"`
	Source       *origin      `json:"source"`
	Writer       *application `json:"table_writer"`
	Programmatic []passage    `json:"programmatic_descriptions"`

	readers map[string]int64
}

type column struct {
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Type        string      `json:"col_type"`
	Order       json.Number `json:"sort_order"`
	Badges      []badge     `json:"badges"`
}

type person struct {
	Email string `json:"email"`
	ID    string `json:"user_id"`
	Name  string `json:"full_name"`
}

type tag struct {
	Name string `json:"tag_name"`
}

type badge struct {
	Name string `json:"badge_name"`
}

type origin struct {
	Source string `json:"source"`
}

type application struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type passage struct {
	Source string `json:"source"`
	Text   string `json:"text"`
}

// dashboard is a dashboard as the metadata service answers it.
type dashboard struct {
	URI         string      `json:"uri"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	URL         string      `json:"url"`
	Group       string      `json:"group_name"`
	Product     string      `json:"product"`
	Updated     json.Number `json:"updated_timestamp"`
	Owners      []person    `json:"owners"`
	Tags        []tag       `json:"tags"`
	Badges      []badge     `json:"badges"`
	Charts      []string    `json:"chart_names"`
	Tables      []place     `json:"tables"`
}

// The scopes. Lineage is one of its own: a backend may tell tables without it.
const (
	tableScope     = "tables"
	lineageScope   = "lineage"
	dashboardScope = "dashboards"
)

// asset describes a table in the names that its own source uses.
func (t table) asset(n names) *sdk.Asset {
	a := &sdk.Asset{
		ID: n.of(t.place), Scope: tableScope, Kind: "TABLE", Rank: sdk.Reference, ShortName: t.Name,
		Description: t.Description, Owners: people(t.Owners), Tags: words(t.Tags, t.Badges), Fields: fields(t.Columns), Usage: t.usage(),
		Properties: map[string]string{"amundsen_key": t.key()}, ChangedAt: moment(t.Updated),
	}
	if t.Schema != "" {
		parent := n.of(place{Database: t.Database, Cluster: t.Cluster, Schema: t.Schema})
		a.Parent = &parent
	}
	if t.IsView {
		a.Kind = "VIEW"
	}
	if t.Source != nil && t.Source.Source != "" {
		a.Properties["source"] = t.Source.Source
	}
	if t.Writer != nil {
		a.Properties["written_by"] = cmp.Or(t.Writer.Name, t.Writer.ID)
	}
	for _, p := range t.Programmatic {
		if p.Text != "" {
			a.Properties["description."+cmp.Or(p.Source, "other")] = p.Text
		}
	}
	return a
}

// asset describes a dashboard.
func (d dashboard) asset(n names) *sdk.Asset {
	a := &sdk.Asset{
		ID: n.dashboard(d.URI), Scope: dashboardScope, Kind: "DASHBOARD", Rank: sdk.Reference, ShortName: cmp.Or(d.Name, d.URI),
		Description: d.Description, Owners: people(d.Owners), Tags: words(d.Tags, d.Badges), Properties: map[string]string{}, ChangedAt: moment(d.Updated),
	}
	for name, value := range map[string]string{"url": d.URL, "group": d.Group, "product": d.Product, "charts": strings.Join(slices.Sorted(slices.Values(d.Charts)), ", ")} {
		if value != "" {
			a.Properties[name] = value
		}
	}
	return a
}

// dashboard names a dashboard by its key; no other source knows it.
func (n names) dashboard(uri string) sdk.NativeID {
	return sdk.NativeID{Namespace: n.namespace, Name: uri}
}

// fields puts the columns into their order. Where two have one place, or one is
// there twice, as after two runs of databuilder, their names decide.
func fields(columns []column) []sdk.Field {
	columns = slices.Clone(columns)
	slices.SortStableFunc(columns, func(a, b column) int {
		return cmp.Or(cmp.Compare(float(a.Order), float(b.Order)), cmp.Compare(a.Name, b.Name))
	})
	seen := map[string]bool{}
	var out []sdk.Field
	for _, c := range columns {
		if c.Name == "" || seen[c.Name] {
			continue
		}
		seen[c.Name] = true
		out = append(out, sdk.Field{Name: c.Name, Position: len(out) + 1, NativeType: c.Type, Nullable: true, Description: c.Description, Tags: words(nil, c.Badges)})
	}
	return out
}

func people(list []person) []string {
	var out []string
	for _, p := range list {
		out = append(out, cmp.Or(p.Email, p.ID, p.Name))
	}
	return once(out)
}

func words(tags []tag, badges []badge) []string {
	var out []string
	for _, t := range tags {
		out = append(out, t.Name)
	}
	for _, b := range badges {
		out = append(out, b.Name)
	}
	return once(out)
}

// once gives each word once, sorted, without the empty one.
func once(list []string) []string {
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(s string) bool { return s == "" })
}

func float(n json.Number) float64 {
	f, _ := strconv.ParseFloat(n.String(), 64)
	return f
}

// moment reads seconds since 1970, and what cannot be a time of a table as none.
func moment(n json.Number) *time.Time {
	seconds := float(n)
	if seconds <= 0 || seconds > 253402300799 { // the year 9999
		return nil
	}
	t := time.UnixMilli(int64(seconds * 1000)).UTC()
	return &t
}

// writer emits what is found, each asset and each edge once.
type writer struct {
	names  names
	out    sdk.Sink
	places map[string]place // of tables, by their key
	taken  map[sdk.NativeID]string
	edges  map[edge]bool
	schema map[string]string // descriptions of schemas, by key
	n      int64
}

type edge struct {
	from, to sdk.NativeID
	kind     string
}

func newWriter(n names, out sdk.Sink) *writer {
	return &writer{names: n, out: out, places: map[string]place{}, taken: map[sdk.NativeID]string{}, edges: map[edge]bool{}, schema: map[string]string{}}
}

// table emits a table, and the schema that holds it once before the first.
func (w *writer) table(t table) error {
	w.places[t.key()] = t.place
	if t.Schema != "" {
		if err := w.holder(t.place); err != nil {
			return err
		}
	}
	return w.asset(t.asset(w.names), t.key())
}

func (w *writer) holder(p place) error {
	key := p.schemaKey()
	p.Name = ""
	id := w.names.of(p)
	if _, done := w.taken[id]; done {
		return nil
	}
	return w.asset(&sdk.Asset{ID: id, Scope: tableScope, Kind: "SCHEMA", Rank: sdk.Reference, ShortName: p.Schema, Description: w.schema[key]}, key)
}

func (w *writer) asset(a *sdk.Asset, key string) error {
	if other, taken := w.taken[a.ID]; taken {
		if other == key {
			return nil
		}
		return w.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "amundsen.twice", Title: "Two tables have one name by the setting sources, and the first one counts.", Sample: other + " and " + key})
	}
	w.taken[a.ID] = key
	if len(a.Fields) > harvestv1.MaxFields {
		a.Fields = a.Fields[:harvestv1.MaxFields]
		if err := w.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "amundsen.many_columns", Title: "A table has more columns than are kept.", Sample: a.ID.Name}); err != nil {
			return err
		}
	}
	w.n++
	if err := w.out.Progress(w.n, 0, a.Scope); err != nil {
		return err
	}
	return w.out.Emit(a)
}

// dashboard emits a dashboard, and the tables that it uses.
func (w *writer) dashboard(d dashboard) error {
	if err := w.asset(d.asset(w.names), d.URI); err != nil {
		return err
	}
	for _, p := range d.Tables {
		if p.Name == "" || p.Database == "" {
			continue
		}
		if err := w.edge(sdk.Edge{From: w.names.of(p), To: w.names.dashboard(d.URI), Scope: dashboardScope, Kind: "USES", Method: "amundsen.dashboard"}); err != nil {
			return err
		}
	}
	return nil
}

// id names the table of a key, whether it has been shown or not.
func (w *writer) id(key string) (sdk.NativeID, bool) {
	p, known := w.placeOf(key)
	return w.names.of(p), known
}

func (w *writer) placeOf(key string) (place, bool) {
	if p, known := w.places[key]; known {
		return p, true
	}
	return parseKey(key)
}

func (w *writer) edge(e sdk.Edge) error {
	key := edge{e.From, e.To, e.Kind}
	if e.From == e.To || w.edges[key] && len(e.Fields) == 0 {
		return nil
	}
	w.edges[key] = true
	e.Confidence = 1
	return w.out.Emit(&e)
}

// derived says that one table is made of another, by their keys.
func (w *writer) derived(from, to string, columns ...sdk.FieldEdge) error {
	a, fromKnown := w.id(from)
	b, toKnown := w.id(to)
	if !fromKnown || !toKnown {
		return w.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "amundsen.no_key", Title: "Lineage names what is no table, and is left out there.", Sample: from + " to " + to})
	}
	return w.edge(sdk.Edge{From: a, To: b, Scope: lineageScope, Kind: "DERIVES", Method: "amundsen.lineage", Fields: columns})
}

// column takes the key of a column apart, at the key of its table where that is known.
func (w *writer) column(key string) (table, name string) {
	for at := len(key); ; {
		if at = strings.LastIndexByte(key[:at], '/'); at < 0 {
			break
		}
		if _, known := w.places[key[:at]]; known {
			return key[:at], key[at+1:]
		}
	}
	at := max(strings.LastIndexByte(key, '/'), 0)
	return key[:at], strings.TrimPrefix(key[at:], "/")
}
