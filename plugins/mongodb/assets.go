package mongodb

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/plugins/internal/document"
	"github.com/souk-mesh/souk/sdk"
)

func (h *harvest) id(database, name string) sdk.NativeID {
	return sdk.NativeID{Namespace: h.namespace, Name: sdk.JoinName(database, text(name))}
}

// aliases are the names by further members of the replica set, and the name
// without quotes, by which other tools know a collection that has a dot in it:
// a database has none. A name that begins with a quote could be taken for one
// that is quoted.
func (h *harvest) aliases(database, name string) []sdk.Alias {
	id := h.id(database, name)
	var all []sdk.Alias
	if plain := sdk.PlainName(database, text(name)); plain != "" && !strings.HasPrefix(name, `"`) {
		all = append(all, sdk.Alias{Scheme: "openlineage", Namespace: id.Namespace, Name: plain})
	}
	for _, other := range h.others {
		all = append(all, sdk.Alias{Scheme: "openlineage", Namespace: other, Name: id.Name})
	}
	return all
}

func (h *harvest) asset(c *collection, sampled *shape) (asset *sdk.Asset, cut bool) {
	database := h.id(c.database, "")
	a := &sdk.Asset{
		ID: h.id(c.database, c.name), Scope: h.scope(c.database), Kind: "TABLE", Rank: sdk.Holder, ShortName: text(c.name),
		Parent: &database, StableID: c.uuid, Properties: map[string]string{"database": c.database}, Aliases: h.aliases(c.database, c.name),
	}
	root := c.root(a, sampled)
	a.Fields, cut = fieldsOf(root)
	a.Description = root.description
	if c.stats != nil {
		a.Rows, a.Bytes = &c.stats.count, &c.stats.bytes
		if c.stats.shards > 1 {
			a.Properties["shards"] = strconv.FormatInt(c.stats.shards, 10)
		}
	}
	switch c.kind {
	case viewKind:
		a.Kind, a.DefinitionLanguage = "VIEW", "mongodb"
		a.Definition = stagesText(c.options.Pipeline)
		a.Properties["view_on"] = text(c.options.ViewOn)
	case seriesKind:
		c.describeSeries(a)
	case collectionKind:
		markID(a)
	}
	c.describeOptions(a)
	for _, x := range c.indexes {
		addIndex(a, x)
	}
	return a, cut
}

// root is what validator and sample say together.
func (c *collection) root(a *sdk.Asset, sampled *shape) *node {
	root := declared(c.options.Validator)
	from := []string{}
	if root != nil {
		from = append(from, "validator")
	} else {
		root = &node{}
	}
	if sampled != nil && sampled.objects > 0 {
		from = append(from, "sample")
		a.Properties["sampled_documents"] = strconv.Itoa(sampled.objects)
		root.merge(sampled.node("", sampled.objects))
	}
	if len(from) > 0 {
		a.Properties["schema"] = strings.Join(from, ", ")
	}
	return root
}

// markID makes _id the primary key, which it is of every collection.
func markID(a *sdk.Asset) {
	i := slices.IndexFunc(a.Fields, func(f sdk.Field) bool { return f.Name == "_id" })
	if i >= 0 {
		a.Fields[i].PrimaryKey, a.Fields[i].Nullable = 1, false
	}
}

func (c *collection) describeSeries(a *sdk.Asset) {
	series := c.options.TimeSeries
	for key, value := range map[string]string{"time_field": series.TimeField, "meta_field": series.MetaField, "granularity": series.Granularity} {
		if value != "" {
			a.Properties[key] = text(value)
		}
	}
	a.Properties["time_series"] = "true"
	a.Rows = nil // the server counts the buckets in which it keeps the documents
}

func (c *collection) describeOptions(a *sdk.Asset) {
	o := c.options
	if o.Capped {
		a.Properties["capped"] = "true"
		putNumber(a, "capped_bytes", o.Size)
		putNumber(a, "capped_documents", o.Max)
	}
	putNumber(a, "expire_after_seconds", o.Expire)
	if len(o.Validator) == 0 {
		return
	}
	a.Constraints = append(a.Constraints, sdk.Constraint{Name: "validator", Kind: sdk.Check, Expression: documentText(o.Validator)})
	a.Properties["validation_level"] = cmp.Or(o.ValidationLevel, "strict")
	a.Properties["validation_action"] = cmp.Or(o.ValidationAction, "error")
}

func putNumber(a *sdk.Asset, key string, v bson.RawValue) {
	if n, ok := v.AsInt64OK(); ok && n > 0 {
		a.Properties[key] = strconv.FormatInt(n, 10)
	}
}

// addIndex adds an index, and a constraint where it lets no two documents have
// the same: one that holds for a part of the documents only is none.
func addIndex(a *sdk.Asset, x index) {
	index := sdk.Index{Name: text(x.Name), Unique: x.Unique || x.Name == "_id_" || x.Grouped, Method: "btree"}
	plain, keys := true, []string{}
	elements, _ := x.Key.Elements()
	for _, e := range elements {
		path := fieldPath(text(e.Key()))
		how := "1"
		if word, ok := e.Value().StringValueOK(); ok {
			how, index.Method = word, word
		} else if n, ok := e.Value().AsInt64OK(); ok && n < 0 {
			how = "-1"
		}
		if strings.Contains(path, "$**") {
			index.Method = "wildcard"
		} else if path != "_fts" && path != "_ftsx" {
			index.Fields = append(index.Fields, path)
		}
		plain = plain && how == "1"
		keys = append(keys, fmt.Sprintf("%s: %s", path, how))
	}
	if x.Grouped {
		index.Method = "clustered"
	}
	if !plain || index.Method == "wildcard" {
		index.Expression = "{" + strings.Join(keys, ", ") + "}"
	}
	conditions := conditionsOf(x)
	if conditions != "" {
		index.Expression = strings.TrimSpace(index.Expression + " " + conditions)
	}
	a.Indexes = append(a.Indexes, index)
	if x.Unique && len(x.Partial) == 0 && !x.Grouped {
		a.Constraints = append(a.Constraints, sdk.Constraint{Name: index.Name, Kind: sdk.Unique, Fields: index.Fields})
	}
	if n, ok := x.Expire.AsInt64OK(); ok {
		a.Properties["expire_after_seconds"] = strconv.FormatInt(n, 10)
		a.Properties["expire_field"] = strings.Join(index.Fields, ", ")
	}
}

func conditionsOf(x index) string {
	var all []string
	if len(x.Partial) > 0 {
		all = append(all, "where "+documentText(x.Partial))
	}
	if x.Sparse {
		all = append(all, "sparse")
	}
	if x.Hidden {
		all = append(all, "hidden")
	}
	return strings.Join(all, " ")
}

// fieldPath is a path of an index as fields are named here.
func fieldPath(key string) string {
	path := ""
	for part := range strings.SplitSeq(key, ".") {
		path = document.Below(path, part)
	}
	return path
}

// documentText writes a document as people do.
func documentText(d bson.Raw) string {
	written, err := bson.MarshalExtJSON(d, false, false)
	if err != nil {
		return text(d.String())
	}
	return text(string(written))
}

// stagesText writes a pipeline, a stage a line.
func stagesText(pipeline bson.RawArray) string {
	var lines []string
	values, _ := pipeline.Values()
	for _, v := range values {
		if stage, ok := v.DocumentOK(); ok {
			lines = append(lines, "  "+documentText(stage))
		}
	}
	return "[\n" + strings.Join(lines, ",\n") + "\n]"
}
