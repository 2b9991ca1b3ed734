package mysql

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/sqltext"
	"github.com/souk-mesh/souk/sdk"
)

func (h *harvest) id(n name) sdk.NativeID {
	return sdk.NativeID{Namespace: h.namespace, Name: sdk.JoinName(n.database, n.table)}
}

// text is UTF-8, whatever an old server kept.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func (h *harvest) asset(t *table) *sdk.Asset {
	database := h.id(name{database: t.database})
	a := &sdk.Asset{
		ID: h.id(t.name), Scope: h.scope(t.database), Kind: "TABLE", Rank: sdk.Holder, ShortName: t.table, Parent: &database,
		Description: text(t.comment), Properties: map[string]string{"database": t.database}, Aliases: h.aliases(t),
	}
	if t.kind == "VIEW" {
		h.describeView(a, t)
	} else {
		describeTable(a, t)
	}
	for i, f := range t.fields {
		a.Fields = append(a.Fields, h.field(t, f, i+1))
	}
	h.describeKeys(a, t)
	return a
}

// aliases has the name in small letters where the server takes a name in any
// and keeps it as it was given.
func (h *harvest) aliases(t *table) []sdk.Alias {
	id := h.id(t.name)
	if lower := strings.ToLower(id.Name); h.version.fold && lower != id.Name {
		return []sdk.Alias{{Scheme: "openlineage", Namespace: id.Namespace, Name: lower}}
	}
	return nil
}

// describeView says of a view what its own row says; the comment of a view is
// the word VIEW, or what is wrong with it.
func (h *harvest) describeView(a *sdk.Asset, t *table) {
	a.Kind, a.Description = "VIEW", ""
	if t.view.sql.String != "" {
		a.Definition, a.DefinitionLanguage = text(t.view.sql.String), "sql"
		if !h.read(t).known {
			a.Properties["lineage"] = "unknown"
		}
	}
	if t.view.definer != "" {
		a.Properties["definer"] = text(t.view.definer)
	}
	if t.view.security != "" {
		a.Properties["security"] = text(t.view.security)
	}
}

func describeTable(a *sdk.Asset, t *table) {
	a.Rows = whole(t.rows.V, t.rows.Valid)
	if t.data.Valid && t.index.Valid {
		a.Bytes = whole(t.data.V+t.index.V, true)
	}
	for _, when := range []string{t.created.String, t.changed.String} {
		if at, err := time.Parse(time.RFC3339, when); err == nil {
			a.ChangedAt = &at
		}
	}
	if t.engine != "" {
		a.Properties["engine"] = t.engine
	}
	if t.kind == "SYSTEM VERSIONED" {
		a.Properties["system_versioned"] = "true"
	}
	if t.partitions.count > 0 {
		a.Properties["partitions"] = strconv.Itoa(t.partitions.count)
		a.Properties["partition_key"] = text(t.partitions.method + " (" + t.partitions.expression + ")")
	}
}

// whole is a count, where it is one: some engines answer with the largest number.
func whole(n uint64, known bool) *int64 {
	if !known || n > math.MaxInt64 {
		return nil
	}
	count := int64(n)
	return &count
}

func (h *harvest) field(t *table, f field, position int) sdk.Field {
	field := sdk.Field{
		Name: text(f.name), Position: position, NativeType: text(f.kind), Nullable: f.nullable == "YES", Description: text(f.comment),
		Default: presetOf(f, h.version), Values: valuesOf(f.kind), Meta: map[string]string{},
	}
	for _, i := range t.indexes {
		if i.name == "PRIMARY" {
			field.PrimaryKey = 1 + slices.IndexFunc(i.parts, func(p indexPart) bool { return p.column == f.name })
		}
	}
	if t.kind == "VIEW" {
		field.Default = "" // it is that of a column below, or made up
	}
	extra := strings.ToLower(f.extra)
	if _, update, found := strings.Cut(extra, "on update "); found {
		field.Meta["on_update"], _, _ = strings.Cut(update, ",")
	}
	if strings.Contains(extra, "invisible") {
		field.Meta["invisible"] = "true"
	}
	if made := h.columnOf(t, position); made != nil && !made.known {
		field.Meta["lineage"] = "unknown"
	}
	return field
}

// presetOf is the default of a column. MariaDB writes NULL where there is none.
func presetOf(f field, v version) string {
	extra := strings.ToLower(f.extra)
	switch {
	case strings.Contains(extra, "auto_increment"):
		return "auto_increment"
	case f.expression != "":
		how := "virtual"
		if strings.Contains(extra, "stored") || strings.Contains(extra, "persistent") {
			how = "stored"
		}
		return "generated always as (" + text(f.expression) + ") " + how
	case v.mariadb && f.preset.String == "NULL":
		return ""
	}
	return text(f.preset.String)
}

// valuesOf gives those of an enum. A set holds any number of its members at
// once, and so they are no values.
func valuesOf(kind string) []string {
	list, isEnum := strings.CutPrefix(kind, "enum(")
	if !isEnum {
		return nil
	}
	all, whole := tokens(list)
	if !whole {
		return nil
	}
	var values []string
	for _, t := range all {
		switch {
		case t.Is(")"):
			return values
		case t.Kind == sqltext.Literal:
			values = append(values, text(t.Text))
		}
	}
	return values
}

func (h *harvest) describeKeys(a *sdk.Asset, t *table) {
	for _, k := range t.keys {
		to := k.to
		if there, ok := h.find(to); ok {
			to = there.name
		}
		key := sdk.ForeignKey{Name: text(k.name), ToName: h.id(to).Name}
		for _, p := range k.parts {
			key.Fields, key.ToFields = append(key.Fields, text(p.from)), append(key.ToFields, text(p.to))
		}
		a.ForeignKeys = append(a.ForeignKeys, key)
	}
	for _, c := range t.checks {
		a.Constraints = append(a.Constraints, sdk.Constraint{Name: text(c.name), Kind: sdk.Check, Expression: text(c.clause)})
	}
	for _, i := range t.indexes {
		index := indexOf(i)
		if a.Indexes = append(a.Indexes, index); i.unique && i.name != "PRIMARY" && index.Expression == "" {
			a.Constraints = append(a.Constraints, sdk.Constraint{Name: index.Name, Kind: sdk.Unique, Fields: index.Fields})
		}
	}
	slices.SortStableFunc(a.Constraints, func(x, y sdk.Constraint) int { return cmp.Compare(x.Kind, y.Kind) })
}

// indexOf has an expression where a part is more than a column: an expression,
// or the first letters of a column.
func indexOf(i index) sdk.Index {
	index := sdk.Index{Name: text(i.name), Unique: i.unique, Method: strings.ToLower(i.method)}
	var parts []string
	more := false
	for _, p := range i.parts {
		part := quote(p.column)
		if p.column != "" {
			index.Fields = append(index.Fields, text(p.column))
		}
		switch {
		case p.expression != "":
			part, more = "("+p.expression+")", true
		case p.prefix.Valid && !strings.EqualFold(i.method, "spatial"):
			part, more = part+"("+strconv.FormatInt(p.prefix.Int64, 10)+")", true
		}
		parts = append(parts, part)
	}
	if more {
		index.Expression = text(strings.Join(parts, ", "))
	}
	return index
}
