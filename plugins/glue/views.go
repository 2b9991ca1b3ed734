package glue

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/plugins/internal/sqllineage"
	"github.com/souk-mesh/souk/plugins/internal/sqltext"
	"github.com/souk-mesh/souk/sdk"
)

// definition is the SQL of a view. Athena, Presto and Trino keep theirs inside a
// comment, in base64.
func definition(t types.Table) (text, language string) {
	texts := []string{aws.ToString(t.ViewOriginalText), aws.ToString(t.ViewExpandedText)}
	if v := t.ViewDefinition; v != nil {
		for _, r := range v.Representations {
			texts = append(texts, aws.ToString(r.ViewOriginalText), aws.ToString(r.ViewExpandedText))
		}
	}
	for _, text := range texts {
		if sql := metastore.ViewSQL(text); sql != "" {
			return sql, "sql"
		}
	}
	return "", ""
}

// view is one whose SQL names tables, which may be listed after it.
type view struct {
	id      sdk.NativeID
	scope   string
	names   []string // of tables, in small letters
	columns []string
	sql     string
	dialect sqltext.Dialect
	in      string // the database of names without one
}

// mostColumns is of how many columns the names are held until the SQL of views is
// read: of more tables it is not known which they have.
const mostColumns = 500_000

// remember keeps that a table is there, and what the SQL of a view names, as far
// as it is of this catalog.
func (h *harvest) remember(a *sdk.Asset, database string, t types.Table) {
	key := strings.ToLower(a.ID.Name)
	if _, twice := h.known[key]; twice {
		h.known[key] = ""
	} else {
		h.known[key] = a.ID.Name
	}
	columns := namesOf(a.Fields)
	if h.held += len(columns); h.held <= mostColumns && len(columns) > 0 {
		h.columns[key] = columns
	}
	if a.Definition == "" || t.ViewDefinition != nil && len(t.ViewDefinition.SubObjects) > 0 {
		return
	}
	v := view{id: a.ID, scope: a.Scope, columns: columns, sql: a.Definition, dialect: metastore.Dialect(aws.ToString(t.ViewOriginalText)), in: database}
	for _, name := range v.dialect.Tables(v.sql) {
		if key := h.keyOf(v, name); key != "" {
			v.names = append(v.names, key)
		}
	}
	if len(v.names) > 0 {
		h.views = append(h.views, v)
	}
}

func namesOf(fields []sdk.Field) (names []string) {
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

// keyOf is the name of a table in small letters, as the SQL of a view has it; ""
// for one of another catalog.
func (h *harvest) keyOf(v view, name []string) string {
	in := v.in
	if len(name) == 3 && (strings.EqualFold(name[0], "awsdatacatalog") || name[0] == "spark_catalog") {
		name = name[1:]
	}
	if len(name) == 2 {
		in, name = name[0], name[1:]
	}
	if len(name) != 1 {
		return ""
	}
	return strings.ToLower(h.data.id("table", in, name[0]).Name)
}

// viewEdges emits what views are made of, column by column, now that all tables
// are known.
func (h *harvest) viewEdges() error {
	for _, v := range h.views {
		flows, unknown := h.viewFlows(v)
		if unknown != "" {
			n := sdk.Note{Level: sdk.InfoLevel, Code: "glue.columns_unknown", Title: "Of which columns those of a view are made is unknown, for some of them or all.", Sample: v.id.Name + ": " + unknown}
			if err := h.out.Note(n); err != nil {
				return err
			}
		}
		for _, name := range v.names {
			e := sdk.Edge{From: sdk.NativeID{Namespace: v.id.Namespace, Name: h.known[name]}, To: v.id, Scope: v.scope, Kind: "DERIVES", Method: "glue.view_sql", Confidence: 0.9}
			for _, f := range flows[name] {
				e.Fields = append(e.Fields, sdk.FieldEdge{From: f.From, To: f.To, Transform: f.How.String()})
			}
			if err := h.edge(e); err != nil {
				return err
			}
		}
	}
	h.views = nil
	return nil
}

// viewFlows follows the columns of a view through its SQL.
func (h *harvest) viewFlows(v view) (map[string][]sqllineage.Flow, string) {
	reader := sqllineage.Reader{Dialect: v.dialect, Find: func(name []string) (sqllineage.Table, bool) {
		key := h.keyOf(v, name)
		return sqllineage.Table{ID: key, Columns: h.columns[key]}, key != "" && h.known[key] != ""
	}}
	return reader.Read(v.sql).Into(v.columns)
}
