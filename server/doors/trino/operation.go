package trino

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/pdp"
)

// operationKind is what an operation comes down to.
type operationKind int

const (
	forbidden operationKind = iota // whatever is not listed: managing the cluster, acting as others
	around                         // looking around, which shows no table by itself
	looking                        // at a table's metadata
	reading                        // a table's data
	changing                       // a table: no policy of Souk gives that away
	owning                         // a query of one's own
	calling                        // a function
)

// operations is the closed list of what Trino asks about.
var operations = map[string]operationKind{
	"ExecuteQuery": around, "AccessCatalog": around, "FilterCatalogs": around, "ShowSchemas": around, "FilterSchemas": around,
	"ShowTables": around, "ShowFunctions": around,
	"FilterTables": looking, "ShowColumns": looking, "FilterColumns": looking, "ShowCreateTable": looking,
	"SelectFromColumns":       reading,
	"FilterViewQueryOwnedBy":  owning,
	"ViewQueryOwnedBy":        owning,
	"KillQueryOwnedBy":        owning,
	"ExecuteFunction":         calling,
	"FilterFunctions":         calling,
	"CreateTable":             changing,
	"DropTable":               changing,
	"SetTableProperties":      changing,
	"SetTableComment":         changing,
	"SetColumnComment":        changing,
	"AddColumn":               changing,
	"AlterColumn":             changing,
	"DropColumn":              changing,
	"RenameColumn":            changing,
	"InsertIntoTable":         changing,
	"DeleteFromTable":         changing,
	"TruncateTable":           changing,
	"UpdateTableColumns":      changing,
	"CreateView":              changing,
	"DropView":                changing,
	"SetViewComment":          changing,
	"CreateMaterializedView":  changing,
	"RefreshMaterializedView": changing,
	"DropMaterializedView":    changing,
}

// decide answers for each of the resources.
func (d *Door) decide(ctx context.Context, in *input, resources []resource) ([]bool, error) {
	allowed := make([]bool, len(resources))
	operation := operations[in.Action.Operation]
	switch operation {
	case forbidden:
		return allowed, nil
	case looking:
		return d.decideTables(ctx, in, model.ActMetadataView, resources)
	case reading:
		return d.decideTables(ctx, in, model.ActDataRead, resources)
	case around, changing, owning, calling:
	}
	present, err := d.pdp.Present(ctx, in.subject(), in.client)
	if err != nil || !present {
		return allowed, err
	}
	if operation == changing {
		return d.decideChanges(ctx, in, resources)
	}
	for i, r := range resources {
		switch operation {
		case owning:
			allowed[i] = r.User.User == in.Context.Identity.User
		case calling:
			allowed[i] = r.Function.builtin()
		default:
			allowed[i] = true
		}
	}
	return allowed, nil
}

// builtin reports a function of Trino itself. Those of catalogs can do anything:
// many pass SQL through to the database behind.
func (f function) builtin() bool {
	return f.CatalogSchema == (schema{}) || f.CatalogSchema == schema{"system", "builtin"}
}

// lists reports a table that only lists what other questions have filtered.
func (t table) lists() bool {
	return t.Schema == "information_schema" || (t.Catalog == "system" && t.Schema == "jdbc")
}

func (d *Door) decideTables(ctx context.Context, in *input, action model.Action, resources []resource) ([]bool, error) {
	allowed, open := make([]bool, len(resources)), false
	var asked []int
	var tables []pdp.Table
	for i, r := range resources {
		if r.Table.lists() {
			allowed[i], open = true, true
			continue
		}
		asked, tables = append(asked, i), append(tables, r.Table.of())
	}
	answers, err := d.pdp.Tables(ctx, in.subject(), action, tables, in.purpose(), in.client)
	if err != nil {
		return nil, err
	}
	for j, i := range asked {
		allowed[i] = answers[j].Allowed() || (!answers[j].Known && d.unknown != Deny)
		open = open || (allowed[i] && !answers[j].Known)
	}
	if !open {
		return allowed, nil
	}
	present, err := d.pdp.Present(ctx, in.subject(), in.client)
	if err != nil || present || d.unknown == Passthrough {
		return allowed, err
	}
	for i := range allowed {
		allowed[i] = false // nobody here goes by that name
	}
	return allowed, nil
}

// decideChanges refuses to change what a product offers, and leaves the rest
// to the setting.
func (d *Door) decideChanges(ctx context.Context, in *input, resources []resource) ([]bool, error) {
	allowed := make([]bool, len(resources))
	if d.unknown != Passthrough {
		return allowed, nil
	}
	for i, r := range resources {
		if r.Table.Table == "" || r.Table.lists() {
			continue
		}
		answers, err := d.pdp.Tables(ctx, in.subject(), model.ActMetadataView, []pdp.Table{r.Table.of()}, "", in.client)
		if err != nil {
			return nil, err
		}
		allowed[i] = !answers[0].Governed
	}
	return allowed, nil
}

// read asks about the data of one table. What no product covers has neither
// filters nor masks.
func (d *Door) read(ctx context.Context, in *input, t pdp.Table) (pdp.Answer, bool, error) {
	if (table{Catalog: t.Catalog, Schema: t.Schema}).lists() {
		return pdp.Answer{}, false, nil
	}
	answers, err := d.pdp.Tables(ctx, in.subject(), model.ActDataRead, []pdp.Table{t}, in.purpose(), in.client)
	if err != nil {
		return pdp.Answer{}, false, err
	}
	return answers[0], answers[0].Known || d.unknown == Deny, nil
}
