package hive

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/plugins/internal/fit"
	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

func asError(err error) (*sdk.Error, bool) { return errors.AsType[*sdk.Error](err) }

func asRefusal(err error) (*refusal, bool) { return errors.AsType[*refusal](err) }

// table emits a table with where its data lies.
func (h *harvest) table(ctx context.Context, p place, t table) error {
	a := h.describe(p, t)
	h.known[a.ID] = true
	if gone, err := h.more(ctx, p, t, a); err != nil || gone {
		return err
	}
	h.remember(p, a, t)
	at, held := location(t)
	named := held && a.Kind != "VIEW" && metastore.IsStore(at.ID) && !h.located[at.ID] && !h.referred[at.ID]
	if named { // the table is the dataset at its place, by another name
		h.located[at.ID] = true
		a.Aliases = []sdk.Alias{{Scheme: "openlineage", Namespace: at.ID.Namespace, Name: at.ID.Name}}
	}
	if left := fit.Columns(a); left > 0 {
		if err := h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "hive.many_columns", Title: "A table has more columns, or longer ones, than a record can hold: the first ones are shown.", Sample: a.ID.Name + ": " + strconv.Itoa(left)}); err != nil {
			return err
		}
	}
	if err := h.emit(a); err != nil || !held || named || a.Kind == "VIEW" {
		return err
	}
	if err := h.refer(at, a.Scope); err != nil {
		return err
	}
	return h.derives(at.ID, a.ID, a.Scope, "hive.location", 1)
}

// more asks for what a table is not told with: constraints, and how many
// partitions it has. It reports a table that is gone since, or was noted.
func (h *harvest) more(ctx context.Context, p place, t table, a *sdk.Asset) (gone bool, err error) {
	if len(t.keys) > 0 && h.Partitions != "skip" {
		n, err := h.session.partitions(ctx, p, t.name)
		if err != nil {
			return true, h.lost(p, t, err)
		}
		a.Properties["partitions"] = strconv.FormatInt(n, 10)
	}
	if a.Kind != "TABLE" || h.Constraints == "skip" {
		return false, nil
	}
	ask := h.session.constraints
	if h.old {
		ask = h.session.constraintsOneByOne
	}
	all, err := ask(ctx, p, t.name)
	if refused(err, unknown) && !h.old {
		h.old = true
		all, err = h.session.constraintsOneByOne(ctx, p, t.name)
	}
	if err != nil {
		return true, h.lost(p, t, err)
	}
	h.failures = 0
	h.constrain(p, a, all)
	return false, nil
}

// lost leaves out a table that is gone since it was listed, and notes one that
// cannot be read.
func (h *harvest) lost(p place, t table, err error) error {
	switch _, is := asRefusal(err); {
	case !is:
		return err
	case refused(err, noObject):
		delete(h.known, h.id(p, t.name))
		return nil
	}
	return h.undescribed(p, t.name, err)
}

// constrain puts the constraints where the record has a place for them.
func (h *harvest) constrain(p place, a *sdk.Asset, all constraints) {
	fields := map[string]*sdk.Field{}
	for i := range a.Fields {
		fields[strings.ToLower(a.Fields[i].Name)] = &a.Fields[i]
	}
	none := &sdk.Field{}
	of := func(c constraint) *sdk.Field { return cmp.Or(fields[strings.ToLower(c.column)], none) }
	for i, c := range all.primary {
		of(c).PrimaryKey, of(c).Nullable = i+1, false
	}
	for _, c := range all.notNull {
		of(c).Nullable = false
	}
	for _, c := range all.defaults {
		of(c).Default = c.text
	}
	for _, group := range grouped(all.unique) {
		k := sdk.Constraint{Name: group[0].name, Kind: sdk.Unique}
		for _, c := range group {
			k.Fields = append(k.Fields, c.column)
		}
		a.Constraints = append(a.Constraints, k)
	}
	for _, c := range all.checks {
		a.Constraints = append(a.Constraints, sdk.Constraint{Name: c.name, Kind: sdk.Check, Expression: c.text})
	}
	for _, group := range grouped(all.foreign) {
		k := sdk.ForeignKey{Name: group[0].name, ToName: h.id(place{p.catalog, group[0].toDatabase}, group[0].to).Name}
		for _, c := range group {
			k.Fields, k.ToFields = append(k.Fields, c.column), append(k.ToFields, c.toColumn)
		}
		a.ForeignKeys = append(a.ForeignKeys, k)
	}
}

// grouped puts the columns of each constraint together.
func grouped(all []constraint) [][]constraint {
	var groups [][]constraint
	for i, c := range all {
		if i == 0 || all[i-1].name != c.name {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], c)
	}
	return groups
}

// describe is the table as it was told.
func (h *harvest) describe(p place, t table) *sdk.Asset {
	parent := h.id(p, "")
	a := &sdk.Asset{
		ID: h.id(p, t.name), Scope: h.scope(p), Kind: kind(t), Rank: sdk.Holder, ShortName: clean(t.name), Parent: &parent,
		Description: t.words["comment"], OwnerRoles: owner(t.owner, t.ownerKind), Fields: fields(t), ChangedAt: changed(t.words),
		Rows: metastore.Count(t.words, "numRows", "spark.sql.statistics.numRows"), Bytes: metastore.Count(t.words, "totalSize", "spark.sql.statistics.totalSize"),
		Properties: sdk.Properties("type", t.kind, "format", metastore.Format(t.words), "location", t.location, "input_format", t.input, "serde", t.serde, "bucketed_by", clean(strings.Join(t.buckets, ", "))),
	}
	if t.number > 0 {
		a.StableID = "table:" + strconv.FormatInt(t.number, 10)
	}
	var keys []string
	for _, c := range t.keys {
		keys = append(keys, c.name)
	}
	if t.created > 0 {
		a.Properties["created"] = time.Unix(t.created, 0).UTC().Format(time.RFC3339)
	}
	if len(keys) > 0 {
		a.Properties["partitioned_by"] = strings.Join(keys, ", ")
	}
	words(a.Properties, t.words)
	if a.Bytes != nil && *a.Bytes == 0 { // what is said of files that nobody has looked at
		a.Bytes = nil
	}
	if a.Kind != "TABLE" {
		defined(a, t)
	}
	return a
}

// defined tells what a view is made by. Presto and Trino keep its columns and its
// comment beside the SQL, and give the Metastore others in their place.
func defined(a *sdk.Asset, t table) {
	if a.Definition = cmp.Or(metastore.ViewSQL(t.original), metastore.ViewSQL(t.expanded)); a.Definition != "" {
		a.DefinitionLanguage = "sql"
	}
	v, wrapped := metastore.Unwrap(t.original)
	if !wrapped {
		return
	}
	a.Description = v.Comment
	if len(v.Columns) == 0 {
		return
	}
	a.Fields = nil
	for _, c := range v.Columns {
		if c.Name != "" {
			a.Fields = append(a.Fields, sdk.Field{Name: c.Name, Position: len(a.Fields) + 1, NativeType: c.Type, Description: c.Comment, Nullable: true})
		}
	}
}

func kind(t table) string {
	switch {
	case t.kind == "MATERIALIZED_VIEW" || strings.Contains(t.original, "/* Presto Materialized View"):
		return "MATERIALIZED_VIEW"
	case t.kind == "VIRTUAL_VIEW":
		return "VIEW"
	}
	return "TABLE"
}

// words are parameters that people or tools have given, without those that change
// with every write.
func words(all, given map[string]string) {
	metastore.Words(all, given)
	for _, name := range []string{"bucketing_version", "numFilesErasureCoded"} {
		delete(all, name)
	}
}

// owner is who owns a thing, in the Metastore's words.
func owner(name string, kind int64) []string {
	switch {
	case name == "":
		return nil
	case kind == 2:
		return []string{"role " + name}
	case kind == 3:
		return []string{"group " + name}
	}
	return []string{name}
}

// changed is when the definition or the data of a table last changed.
func changed(words map[string]string) *time.Time {
	at, err := strconv.ParseInt(words["transient_lastDdlTime"], 10, 64)
	if err != nil || at <= 0 {
		return nil
	}
	t := time.Unix(at, 0).UTC()
	return &t
}

// fields are the columns of the data and then those of the partitions. A name that
// stands in both is one column.
func fields(t table) []sdk.Field {
	own := plain(t.columns)
	if len(own) == 0 || len(own) == 1 && metastore.StandIn(own[0].Name, own[0].NativeType) {
		if spark := metastore.SparkFields(t.words); len(spark) > 0 {
			own = spark
		}
	}
	for _, f := range plain(t.keys) {
		f.Meta = map[string]string{"partition": "true"}
		i := slices.IndexFunc(own, func(o sdk.Field) bool { return strings.EqualFold(o.Name, f.Name) })
		if i < 0 {
			own = append(own, f)
			continue
		}
		own[i].Meta = f.Meta
	}
	for i := range own {
		own[i].Position = i + 1
	}
	return own
}

func plain(columns []column) []sdk.Field {
	var all []sdk.Field
	for _, c := range columns {
		if c.name != "" {
			all = append(all, sdk.Field{Name: c.name, NativeType: c.kind, Description: c.comment, Nullable: true})
		}
	}
	return all
}

// location is where the data of a table lies. Spark writes it beside the place
// where it belongs.
func location(t table) (dataset.Dataset, bool) {
	places := []string{t.location}
	if t.words["spark.sql.sources.provider"] != "" {
		places = []string{t.path, t.location}
	}
	if before, _, cut := strings.Cut(t.words["metadata_location"], "/metadata/"); cut {
		places = append(places, before)
	}
	for _, text := range places {
		if at, ok := metastore.Place(text); ok {
			return at, true
		}
	}
	return dataset.Dataset{}, false
}
