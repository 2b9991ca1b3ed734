package bigquery

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/document"
	"github.com/souk-mesh/souk/sdk"
)

// text is UTF-8.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// tagsOf are labels, each KEY:VALUE or KEY alone.
func tagsOf(labels map[string]string) (tags []string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		tags = append(tags, strings.TrimSuffix(key+":"+labels[key], ":"))
	}
	return tags
}

// kinds are those of the API, by their words.
var kinds = map[string]string{"VIEW": "VIEW", "MATERIALIZED_VIEW": "MATERIALIZED_VIEW", "SNAPSHOT": "SNAPSHOT"}

func (h *harvest) asset(dataset string, f family, t tableAnswer) (a *sdk.Asset, cut bool) {
	parent := id(h.Project, dataset)
	a = &sdk.Asset{
		ID: id(h.Project, dataset, f.name), Scope: h.scope(dataset), Kind: "TABLE", Rank: sdk.Holder, ShortName: f.name, Parent: &parent,
		Description: text(t.Description), Tags: tagsOf(t.Labels), Properties: map[string]string{"dataset": dataset},
	}
	if kind := kinds[t.Type]; kind != "" {
		a.Kind = kind
	}
	var fields []*document.Field
	for _, one := range t.Schema.Fields {
		fields = append(fields, fieldOf(one, 0))
	}
	a.Fields, cut = document.Flatten(fields)
	h.keys(a, t)
	describe(a, t)
	if f.count > 1 || f.name != f.newest {
		a.Properties["shards"], a.Properties["newest_shard"] = strconv.Itoa(f.count), f.newest
		a.Rows, a.Bytes = nil, nil // those of the newest alone
	}
	return a, cut
}

func describe(a *sdk.Asset, t tableAnswer) {
	a.Rows, a.Bytes = number(t.Rows), number(t.Bytes)
	if ms := number(t.Changed); ms != nil {
		at := time.UnixMilli(*ms).UTC()
		a.ChangedAt = &at
	}
	properties := map[string]string{"friendly_name": t.FriendlyName, "expires_at_ms": t.Expires}
	switch {
	case t.TimePartitioning != nil && t.TimePartitioning.Field != "":
		properties["partitioned_by"] = t.TimePartitioning.Type + "(" + t.TimePartitioning.Field + ")"
	case t.TimePartitioning != nil:
		properties["partitioned_by"] = t.TimePartitioning.Type + "(_PARTITIONTIME)"
	case t.Range != nil:
		properties["partitioned_by"] = "RANGE(" + t.Range.Field + ")"
	}
	if t.FilterNeeded {
		properties["partition_filter"] = "required"
	}
	if t.Clustering != nil {
		properties["clustered_by"] = strings.Join(t.Clustering.Fields, ", ")
	}
	if t.External != nil {
		properties["external_format"] = t.External.Format
	}
	for _, view := range []*viewAnswer{t.View, t.MaterializedView} {
		if view == nil {
			continue
		}
		a.Definition, a.DefinitionLanguage = text(view.Query), "sql"
		if view.Legacy {
			properties["sql"] = "legacy"
		}
		if _, known := tablesOf(view.Query, view.Legacy); !known {
			properties["lineage"] = "unknown"
		}
	}
	for key, value := range properties {
		if value != "" {
			a.Properties[key] = text(value)
		}
	}
}

// number is a count, which the API writes as a text.
func number(s string) *int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

const maxDepth = 20 // BigQuery has 15

func fieldOf(f fieldAnswer, depth int) *document.Field {
	field := &document.Field{Field: sdk.Field{
		Name: text(f.Name), NativeType: typeOf(f), Nullable: f.Mode == "" || strings.EqualFold(f.Mode, "NULLABLE"),
		Description: text(f.Description), Default: text(f.Default),
	}}
	for _, tag := range f.PolicyTags.Names {
		field.Tags = append(field.Tags, text(tag))
	}
	if field.Name == "" {
		field.Name = "unnamed"
	}
	if depth < maxDepth {
		for _, inner := range f.Fields {
			field.Fields = append(field.Fields, fieldOf(inner, depth+1))
		}
	}
	return field
}

// typeOf is the type with its bounds: NUMERIC(10,2), ARRAY<RECORD>.
func typeOf(f fieldAnswer) string {
	t := text(f.Type)
	switch {
	case f.Precision != "" && f.Scale != "":
		t += "(" + f.Precision + "," + f.Scale + ")"
	case f.Precision != "":
		t += "(" + f.Precision + ")"
	case f.MaxLength != "":
		t += "(" + f.MaxLength + ")"
	}
	if strings.EqualFold(f.Mode, "REPEATED") {
		t = "ARRAY<" + t + ">"
	}
	return t
}

// keys adds the keys that a table declares; BigQuery does not enforce them.
func (h *harvest) keys(a *sdk.Asset, t tableAnswer) {
	for i := range a.Fields {
		a.Fields[i].PrimaryKey = 1 + slices.Index(t.Constraints.PrimaryKey.Columns, a.Fields[i].Name)
	}
	for _, k := range t.Constraints.ForeignKeys {
		key := sdk.ForeignKey{Name: text(k.Name), ToName: h.tableID(k.To).Name}
		for _, c := range k.Columns {
			key.Fields, key.ToFields = append(key.Fields, text(c.From)), append(key.ToFields, text(c.To))
		}
		a.ForeignKeys = append(a.ForeignKeys, key)
	}
}
