package bigquery

import (
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqllineage"
	"github.com/souk-mesh/souk/sdk"
)

// view is one whose SQL names tables, which may be listed after it.
type view struct {
	id     sdk.NativeID
	scope  string
	answer viewAnswer
}

// mostFields is of how many fields the names are held until the SQL of views is
// read: of more tables it is not known which they have.
const mostFields = 500_000

// remember keeps the fields of a table, and the SQL of a view.
func (h *harvest) remember(a *sdk.Asset, t tableAnswer) {
	if h.held += len(a.Fields); h.held <= mostFields && len(a.Fields) > 0 {
		names := make([]string, len(a.Fields))
		for i, f := range a.Fields {
			names[i] = f.Name
		}
		h.fields[a.ID] = names
	}
	for _, answer := range []*viewAnswer{t.View, t.MaterializedView} {
		if answer != nil {
			h.views = append(h.views, view{a.ID, a.Scope, *answer})
		}
	}
}

// viewEdges emits what a view is made of, column by column where that is certain.
func (h *harvest) viewEdges(v view) error {
	tables, _ := tablesOf(v.answer.Query, v.answer.Legacy)
	if len(tables) == 0 {
		return nil
	}
	flows, unknown := h.flows(v)
	if unknown != "" {
		n := sdk.Note{Level: sdk.InfoLevel, Code: "bigquery.columns_unknown", Title: "Of which columns those of a view are made is unknown, for some of them or all.", Sample: v.id.Name + ": " + unknown}
		if err := h.out.Note(n); err != nil {
			return err
		}
	}
	var sent []sdk.NativeID
	for _, parts := range tables {
		from := h.named(parts)
		if from == v.id || slices.Contains(sent, from) {
			continue
		}
		sent = append(sent, from)
		e := &sdk.Edge{From: from, To: v.id, Scope: v.scope, Kind: "DERIVES", Method: "bigquery.view_sql", Confidence: 0.9}
		for _, f := range flows[from.Name] {
			e.Fields = append(e.Fields, sdk.FieldEdge{From: f.From, To: f.To, Transform: f.How.String()})
		}
		if err := h.out.Emit(e); err != nil {
			return err
		}
	}
	return nil
}

// flows follows the columns of a view through its SQL.
func (h *harvest) flows(v view) (map[string][]sqllineage.Flow, string) {
	if v.answer.Legacy {
		return nil, "legacy SQL is not read"
	}
	reader := sqllineage.Reader{
		Dialect: sqllineage.DialectOf("bigquery"), Paths: true,
		Find: func(name []string) (sqllineage.Table, bool) {
			if len(name) < 2 || slices.ContainsFunc(name, func(part string) bool { return strings.EqualFold(part, "information_schema") }) {
				return sqllineage.Table{}, false
			}
			id := h.named(name)
			return sqllineage.Table{ID: id.Name, Columns: topmost(h.fields[id])}, true
		},
		Inner: func(table, path string) bool {
			return slices.Contains(h.fields[sdk.NativeID{Namespace: namespace, Name: table}], path)
		},
	}
	return reader.Read(v.answer.Query).Into(topmost(h.fields[v.id]))
}

// topmost are the fields that are columns, and no parts of one: no name of a column
// has a dot.
func topmost(fields []string) (columns []string) {
	for _, f := range fields {
		if !strings.Contains(f, ".") {
			columns = append(columns, f)
		}
	}
	return columns
}
