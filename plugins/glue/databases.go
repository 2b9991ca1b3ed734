package glue

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

// databases lists those that are wanted. One that is named and not there is a
// mistake of the configuration.
func (h *harvest) databases(ctx context.Context) ([]types.Database, error) {
	var all []types.Database
	err := list(ctx, h.source, listing[*glue.GetDatabasesOutput, types.Database]{
		what: "the list of databases", action: "glue:GetDatabases", name: func(d types.Database) *string { return d.Name },
		ask: func(ctx context.Context, token *string) (*glue.GetDatabasesOutput, error) {
			return h.client.GetDatabases(ctx, &glue.GetDatabasesInput{CatalogId: h.catalog(), MaxResults: aws.Int32(pageSize), NextToken: token})
		},
		of: func(out *glue.GetDatabasesOutput) ([]types.Database, *string) { return out.DatabaseList, out.NextToken },
	}, func(d types.Database) error {
		if name := aws.ToString(d.Name); name != "" && h.config.Takes(name) {
			all = append(all, d)
		}
		return nil
	})
	if err == nil && len(all) == 0 && !h.config.All() {
		err = sdk.Config("databases", "fit no database that may be seen", "name databases as Glue shows them; where Lake Formation guards the catalog, grant DESCRIBE on them")
	}
	return all, err
}

// scopeOf is the catalog's where every database is wanted, so that one that is
// gone is seen to be gone. Otherwise a database is a scope.
func (h *harvest) scopeOf(database string) string {
	if h.config.All() {
		return "catalog"
	}
	return "database:" + database
}

// tables emits the databases with their tables.
func (h *harvest) tables(ctx context.Context, databases []types.Database) error {
	for _, d := range databases {
		name := aws.ToString(d.Name)
		if err := h.database(ctx, d); err != nil {
			return err
		}
		if d.TargetDatabase == nil { // the tables behind a link are those of another catalog
			if err := h.tablesOf(ctx, name); err != nil {
				if err := h.unread(ctx, h.scopeOf(name), "database "+name, err); err != nil {
					return err
				}
			}
		}
	}
	if err := h.viewEdges(); err != nil {
		return err
	}
	if h.config.All() {
		return h.done(h.scopeOf(""))
	}
	for _, d := range databases {
		if err := h.done(h.scopeOf(aws.ToString(d.Name))); err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) database(ctx context.Context, d types.Database) error {
	name := aws.ToString(d.Name)
	labels, err := h.tagsOf(ctx, h.data, "database", name)
	if err != nil {
		return err
	}
	a := &sdk.Asset{
		ID: h.data.id("database", name), Scope: h.scopeOf(name), Kind: "DATABASE", Rank: sdk.Holder, ShortName: name,
		Description: cmp.Or(aws.ToString(d.Description), d.Parameters["comment"]), Tags: labels,
		Properties: sdk.Properties("location", aws.ToString(d.LocationUri), "created", stamp(d.CreateTime)),
	}
	metastore.Words(a.Properties, d.Parameters)
	link := sdk.NativeID{}
	if t := d.TargetDatabase; t != nil {
		link = h.data.within(aws.ToString(t.CatalogId), aws.ToString(t.Region)).id("database", aws.ToString(t.DatabaseName))
		a.Properties["link_to"] = link.Namespace + " " + link.Name
	}
	if f := d.FederatedDatabase; f != nil {
		a.Properties["federated"] = aws.ToString(f.Identifier)
	}
	if err := h.emit(a); err != nil || link.Name == "" {
		return err
	}
	return h.edge(sdk.Edge{From: link, To: a.ID, Scope: a.Scope, Kind: "DERIVES", Method: "glue.resource_link"})
}

// tablesOf emits the tables of one database.
func (h *harvest) tablesOf(ctx context.Context, database string) error {
	return list(ctx, h.source, listing[*glue.GetTablesOutput, types.Table]{
		what: "the list of tables of " + database, action: "glue:GetTables", name: func(t types.Table) *string { return t.Name },
		ask: func(ctx context.Context, token *string) (*glue.GetTablesOutput, error) {
			return h.client.GetTables(ctx, &glue.GetTablesInput{CatalogId: h.catalog(), DatabaseName: &database, MaxResults: aws.Int32(pageSize), NextToken: token})
		},
		of: func(out *glue.GetTablesOutput) ([]types.Table, *string) { return out.TableList, out.NextToken },
	}, func(t types.Table) error {
		if aws.ToString(t.Name) == "" {
			return nil
		}
		return h.table(database, t)
	})
}
