package superset

import (
	"regexp"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// tableKey is a table of a database of which it is not known where it is, in
// small letters.
type tableKey struct {
	database      int64
	schema, table string
}

// unresolved is a dataset whose SQL names tables that other datasets may be of.
type unresolved struct {
	id    sdk.NativeID
	names []tableKey
}

// template is what Jinja fills in before the SQL is run. What it stands for is not
// known, and is no name.
var template = regexp.MustCompile(`(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}`)

// origins tells of which tables the SQL of a dataset is, and remembers a dataset
// that is a table.
func (h *harvest) origins(d dataset, a *sdk.Asset) error {
	where := h.at[d.Database.ID]
	if a.Definition == "" {
		if !where.known {
			h.physical[tableKey{d.Database.ID, strings.ToLower(d.Schema), strings.ToLower(d.Name)}] = a.ID
		}
		return nil
	}
	seen := map[sdk.NativeID]bool{}
	var open unresolved
	for _, parts := range where.dialect.Tables(template.ReplaceAllString(a.Definition, " ? ")) {
		catalog, schema, table := qualified(d, parts)
		if !where.known {
			open.names = append(open.names, tableKey{d.Database.ID, strings.ToLower(schema), strings.ToLower(table)})
			continue
		}
		from, ok := where.table(catalog, schema, table)
		if !ok || seen[from] {
			continue
		}
		seen[from] = true
		if err := h.edge("DERIVES", "superset.sql", datasetScope, from, a.ID, 0.9); err != nil {
			return err
		}
	}
	if open.id = a.ID; len(open.names) > 0 {
		h.virtual = append(h.virtual, open)
	}
	return nil
}

// qualified gives a name its parts, those of the dataset where it has none.
func qualified(d dataset, parts []string) (catalog, schema, table string) {
	table = parts[len(parts)-1]
	catalog, schema = d.Catalog, d.Schema
	if len(parts) > 1 {
		schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		catalog = parts[len(parts)-3]
	}
	return catalog, schema, table
}

// resolve tells of which other datasets those with SQL are, where it is not known
// where their database is.
func (h *harvest) resolve() error {
	for _, v := range h.virtual {
		seen := map[sdk.NativeID]bool{}
		for _, key := range v.names {
			from, known := h.physical[key]
			if !known || seen[from] {
				continue
			}
			seen[from] = true
			if err := h.edge("DERIVES", "superset.sql", datasetScope, from, v.id, 0.8); err != nil {
				return err
			}
		}
	}
	return nil
}
