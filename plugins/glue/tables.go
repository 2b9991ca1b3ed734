package glue

import (
	"cmp"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

// table emits a table with where it comes from.
func (h *harvest) table(database string, t types.Table) error {
	a := h.describe(database, t)
	h.remember(a, database, t)
	at, held := h.location(t)
	named := held && a.Kind != "VIEW" && metastore.IsStore(at.ID) && !h.located[at.ID] && !h.named[at.ID]
	if named { // the table is the dataset at its place, by another name
		h.located[at.ID] = true
		a.Aliases = []sdk.Alias{{Scheme: "openlineage", Namespace: at.ID.Namespace, Name: at.ID.Name}}
	}
	if err := h.emit(a); err != nil {
		return err
	}
	if held && !named && a.Kind != "VIEW" {
		if err := h.refer(at, a.Scope); err != nil {
			return err
		}
		if err := h.edge(sdk.Edge{From: at.ID, To: a.ID, Scope: a.Scope, Kind: "DERIVES", Method: "glue.location"}); err != nil {
			return err
		}
	}
	if err := h.made(a, at, t); err != nil {
		return err
	}
	return h.origins(a, t)
}

// made remembers which crawler has made a table, and says so.
func (h *harvest) made(a *sdk.Asset, at dataset.Dataset, t types.Table) error {
	crawler := t.Parameters["UPDATED_BY_CRAWLER"]
	if crawler == "" || h.config.Jobs == "skip" {
		return nil
	}
	if h.crawled[crawler] == nil {
		h.crawled[crawler] = map[sdk.NativeID]bool{}
	}
	h.crawled[crawler][a.ID] = true
	if at.ID.Name != "" {
		h.crawled[crawler][at.ID] = true
	}
	return h.edge(sdk.Edge{From: h.work.id("crawler", crawler), To: a.ID, Scope: a.Scope, Kind: "DERIVES", Method: "glue.crawler"})
}

// origins emits what a view is made of and what a link leads to, as far as the
// catalog itself says it.
func (h *harvest) origins(a *sdk.Asset, t types.Table) error {
	if l := t.TargetTable; l != nil {
		from := h.data.within(aws.ToString(l.CatalogId), aws.ToString(l.Region)).id("table", aws.ToString(l.DatabaseName), aws.ToString(l.Name))
		return h.edge(sdk.Edge{From: from, To: a.ID, Scope: a.Scope, Kind: "DERIVES", Method: "glue.resource_link"})
	}
	if t.ViewDefinition == nil {
		return nil
	}
	for _, arn := range t.ViewDefinition.SubObjects {
		from, ok := fromARN(arn)
		if !ok {
			continue
		}
		if err := h.edge(sdk.Edge{From: from, To: a.ID, Scope: a.Scope, Kind: "DERIVES", Method: "glue.view"}); err != nil {
			return err
		}
	}
	return nil
}

// location is where the data of a table lies: in a store, or in a database that
// a connection leads to. Spark writes it beside the place where it belongs.
func (h *harvest) location(t types.Table) (dataset.Dataset, bool) {
	s := t.StorageDescriptor
	if s == nil || t.TargetTable != nil {
		return dataset.Dataset{}, false
	}
	texts := []string{aws.ToString(s.Location)}
	if t.Parameters["spark.sql.sources.provider"] != "" && s.SerdeInfo != nil {
		texts = []string{s.SerdeInfo.Parameters["path"], texts[0]}
	}
	if before, _, cut := strings.Cut(t.Parameters["metadata_location"], "/metadata/"); cut {
		texts = append(texts, before)
	}
	for _, text := range texts {
		if at, ok := metastore.Place(text); ok {
			return at, true
		}
	}
	if c, known := h.connections[t.Parameters["connectionName"]]; known {
		return c.table(texts[0])
	}
	return dataset.Dataset{}, false
}

func (h *harvest) describe(database string, t types.Table) *sdk.Asset {
	name := aws.ToString(t.Name)
	parent := h.data.id("database", database)
	a := &sdk.Asset{
		ID: h.data.id("table", database, name), Scope: h.scopeOf(database), Kind: kind(t), Rank: sdk.Holder, ShortName: name, Parent: &parent,
		Description: cmp.Or(aws.ToString(t.Description), t.Parameters["comment"]), Fields: columns(t),
		Rows: metastore.Count(t.Parameters, "numRows", "recordCount", "spark.sql.statistics.numRows"), Bytes: metastore.Count(t.Parameters, "totalSize", "sizeKey", "spark.sql.statistics.totalSize"),
		Properties: facts(t),
	}
	if owner := aws.ToString(t.Owner); owner != "" && owner != "owner" { // what crawlers write for nobody
		a.OwnerRoles = []string{owner}
	}
	if at := latest(t.CreateTime, t.UpdateTime); at != nil {
		a.ChangedAt = at
	}
	a.Definition, a.DefinitionLanguage = definition(t)
	if l := t.TargetTable; l != nil {
		to := h.data.within(aws.ToString(l.CatalogId), aws.ToString(l.Region)).id("table", aws.ToString(l.DatabaseName), aws.ToString(l.Name))
		a.Properties["link_to"] = to.Namespace + " " + to.Name
	}
	return a
}

func kind(t types.Table) string {
	switch {
	case aws.ToBool(t.IsMaterializedView) || strings.EqualFold(aws.ToString(t.TableType), "MATERIALIZED_VIEW"):
		return "MATERIALIZED_VIEW"
	case strings.EqualFold(aws.ToString(t.TableType), "VIRTUAL_VIEW") || aws.ToBool(t.IsMultiDialectView):
		return "VIEW"
	}
	return "TABLE"
}

// facts are what the catalog says of a table and no other place of a record takes.
func facts(t types.Table) map[string]string {
	all := sdk.Properties(
		"type", aws.ToString(t.TableType), "version", aws.ToString(t.VersionId), "created", stamp(t.CreateTime), "created_by", aws.ToString(t.CreatedBy),
		"format", metastore.Format(t.Parameters), "partitioned_by", strings.Join(named(t.PartitionKeys), ", "), "crawler", t.Parameters["UPDATED_BY_CRAWLER"],
	)
	if s := t.StorageDescriptor; s != nil {
		maps.Copy(all, sdk.Properties("location", aws.ToString(s.Location), "input_format", aws.ToString(s.InputFormat), "bucketed_by", strings.Join(s.BucketColumns, ", ")))
		if s.SerdeInfo != nil {
			maps.Copy(all, sdk.Properties("serde", aws.ToString(s.SerdeInfo.SerializationLibrary)))
		}
	}
	if f := t.FederatedTable; f != nil {
		maps.Copy(all, sdk.Properties("federated", aws.ToString(f.Identifier)))
	}
	if all["format"] == "iceberg" {
		delete(all, "version") // another one with each commit, as where the newest metadata lies
	}
	if t.IsRegisteredWithLakeFormation {
		all["lake_formation"] = "true"
	}
	metastore.Words(all, t.Parameters)
	return all
}

func named(columns []types.Column) []string {
	var out []string
	for _, c := range columns {
		out = append(out, aws.ToString(c.Name))
	}
	return out
}

func latest(times ...*time.Time) *time.Time {
	var last *time.Time
	for _, t := range times {
		if t != nil && t.Unix() > 0 && (last == nil || t.After(*last)) {
			last = aws.Time(t.UTC())
		}
	}
	return last
}

func stamp(t *time.Time) string {
	if t == nil || t.Unix() <= 0 {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
