package trino_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors/trino"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

const contacts = `{"table":{"catalogName":"pg","schemaName":"app.x","tableName":"contacts","columns":["id"]}}`

// TestDutiesOnColumns: a duty finds its column whatever dots the name holds,
// and one that finds none closes the table.
func TestDutiesOnColumns(t *testing.T) {
	for name, tt := range map[string]struct {
		duty    string
		allowed bool
		filters string
		mask    string // of the column "contact.email"
	}{
		"mask of a name with a dot":     {`"type": "mask", "params": {"field": "contact.email", "with": "null"}`, true, `[]`, `{"expression":"NULL"}`},
		"the same behind the table":     {`"type": "mask", "params": {"field": "contacts.contact.email", "with": "null"}`, true, `[]`, `{"expression":"NULL"}`},
		"the same behind the schema":    {`"type": "mask", "params": {"field": "app.x.contacts.contact.email", "with": "null"}`, true, `[]`, `{"expression":"NULL"}`},
		"filter of a name with a dot":   {`"type": "row_filter", "params": {"field": "placed.at", "op": "ge", "value": "2026-01-01"}`, true, `[{"expression":"\"placed.at\" \u003e= DATE '2026-01-01'"}]`, `null`},
		"mask of nothing":               {`"type": "mask", "params": {"field": "emial", "with": "null"}`, false, `[{"expression":"false"}]`, `{"expression":"NULL"}`},
		"mask of nothing with a dot":    {`"type": "mask", "params": {"field": "contact.emial", "with": "null"}`, false, `[{"expression":"false"}]`, `{"expression":"NULL"}`},
		"filter of nothing":             {`"type": "row_filter", "params": {"field": "region", "op": "eq", "value": "EU"}`, false, `[{"expression":"false"}]`, `{"expression":"NULL"}`},
		"filter of nothing in a table":  {`"type": "row_filter", "params": {"field": "contacts.region", "op": "eq", "value": "EU"}`, false, `[{"expression":"false"}]`, `{"expression":"NULL"}`},
		"mask of another table":         {`"type": "mask", "params": {"field": "staff.salary", "with": "null"}`, true, `[]`, `null`},
		"mask that another table meets": {`"type": "mask", "params": {"field": "salary", "with": "null"}`, true, `[]`, `null`},
		"filter of another table":       {`"type": "row_filter", "params": {"field": "staff.salary", "op": "lt", "value": "9"}`, true, `[]`, `null`},
		"filter that names no table":    {`"type": "row_filter", "params": {"field": "salary", "op": "lt", "value": "9"}`, false, `[{"expression":"false"}]`, `{"expression":"NULL"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.contacts(`{"id": "duty", ` + tt.duty + `}`)
			c := w.serve(trino.Deny)
			if got := c.ask("allow", "ana", on("SelectFromColumns", contacts)); (got == "true") != tt.allowed {
				t.Errorf("allow: got %s", got)
			}
			if got := c.ask("rowFilters", "ana", on("GetRowFilters", contacts)); got != tt.filters {
				t.Errorf("filters: got %s, want %s", got, tt.filters)
			}
			column := `{"column":{"catalogName":"pg","schemaName":"app.x","tableName":"contacts","columnName":"contact.email","columnType":"varchar"}}`
			if got := c.ask("columnMask", "ana", on("GetColumnMask", column)); got != tt.mask {
				t.Errorf("mask: got %s, want %s", got, tt.mask)
			}
		})
	}
}

// contacts adds a product of two tables, and gives its domain one duty.
func (w *world) contacts(duty string) {
	w.Helper()
	rules := `# METADATA
# title: One duty
package souk.domains.sales

import rego.v2

# METADATA
# title: Reading
# description: Everybody reads.
allow contains {"code": "read", "message": "You may read."} if input.action.name == "data.read"

obligations contains ` + duty + ` if input.action.name == "data.read"
`
	_, err := w.Engine.Activate(w.Context(), policy.Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: "domains/sales/rules.rego", Text: rules}}})
	w.Must(err)
	table := w.table(w.orders.DomainID, `shop."app.x".contacts`, []model.AssetField{{Name: "id", NativeType: "int"}, {Name: "contact.email", NativeType: "text"}, {Name: "placed.at", NativeType: "date"}})
	staff := w.table(w.orders.DomainID, `shop."app.x".staff`, []model.AssetField{{Name: "salary", NativeType: "int"}})
	p := w.orders
	p.Meta, p.Name = model.Meta{ID: model.NewID(model.PrefixProduct)}, "contacts"
	p.Ports = []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{table, staff}}}
	w.Put(store.Products.Put(p))
}
