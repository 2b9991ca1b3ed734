package glue

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/metastore"
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
	id    sdk.NativeID
	scope string
	names []string // of tables, in small letters
}

// remember keeps that a table is there, and what the SQL of a view names, as far
// as it is of this catalog.
func (h *harvest) remember(a *sdk.Asset, database string, t types.Table) {
	key := strings.ToLower(a.ID.Name)
	if _, twice := h.known[key]; twice {
		h.known[key] = ""
	} else {
		h.known[key] = a.ID.Name
	}
	if a.Definition == "" || t.ViewDefinition != nil && len(t.ViewDefinition.SubObjects) > 0 {
		return
	}
	v := view{id: a.ID, scope: a.Scope}
	for _, name := range metastore.Dialect(aws.ToString(t.ViewOriginalText)).Tables(a.Definition) {
		in := database
		if len(name) == 3 && strings.EqualFold(name[0], "awsdatacatalog") || len(name) == 3 && name[0] == "spark_catalog" {
			name = name[1:]
		}
		if len(name) == 2 {
			in, name = name[0], name[1:]
		}
		if len(name) == 1 {
			v.names = append(v.names, strings.ToLower(h.data.id("table", in, name[0]).Name))
		}
	}
	if len(v.names) > 0 {
		h.views = append(h.views, v)
	}
}

// viewEdges emits what views are made of, now that all tables are known. How a
// column comes about is not read.
func (h *harvest) viewEdges() error {
	for _, v := range h.views {
		for _, name := range v.names {
			e := sdk.Edge{From: sdk.NativeID{Namespace: v.id.Namespace, Name: h.known[name]}, To: v.id, Scope: v.scope, Kind: "DERIVES", Method: "glue.view_sql", Confidence: 0.9}
			if err := h.edge(e); err != nil {
				return err
			}
		}
	}
	h.views = nil
	return nil
}
