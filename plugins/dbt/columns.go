package dbt

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// columns takes the columns of the warehouse where the catalog has them, and
// the manifest's words for them; without a catalog the documented columns are all.
func (p *project) columns(nodes []*node) []sdk.Field {
	if semantic(nodes[0]) {
		return meanings(nodes[0])
	}
	var fields []sdk.Field
	for _, n := range nodes {
		if fields == nil {
			fields = fieldsOf(p.catalog.Relations[n.UniqueID])
		}
	}
	if fields == nil {
		fields = documented(nodes)
	}
	comments := make([]string, len(fields))
	for i := range fields {
		comments[i], fields[i].Description, fields[i].Position = fields[i].Description, "", i+1
	}
	for _, n := range nodes {
		for _, c := range n.Columns {
			if i := find(fields, string(c.Name), n.Columns); i >= 0 {
				describe(&fields[i], c)
			}
		}
	}
	for i := range fields {
		fields[i].Description = cmp.Or(fields[i].Description, comments[i])
	}
	for _, n := range nodes {
		constrain(fields, n)
	}
	return fields
}

func fieldsOf(rel relation) []sdk.Field {
	list := make([]catalogColumn, 0, len(rel.Columns))
	for name, c := range rel.Columns {
		if c.Name = cmp.Or(c.Name, text(name)); c.Name != "" {
			list = append(list, c)
		}
	}
	place := func(c catalogColumn) int { n, _ := strconv.Atoi(string(c.Index)); return n }
	slices.SortFunc(list, func(a, b catalogColumn) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Name, b.Name))
	})
	var fields []sdk.Field
	for _, c := range list {
		fields = append(fields, sdk.Field{Name: string(c.Name), NativeType: string(c.Type), Description: string(c.Comment), Nullable: true})
	}
	return fields
}

// documented lists the columns that the nodes document, each once.
func documented(nodes []*node) []sdk.Field {
	var fields []sdk.Field
	for _, n := range nodes {
		for _, c := range n.Columns {
			if name := unquoted(string(c.Name)); name != "" && find(fields, name, n.Columns) < 0 {
				fields = append(fields, sdk.Field{Name: name, Nullable: true})
			}
		}
	}
	return fields
}

// describe adds what a node says of a column to what better ones have said.
func describe(f *sdk.Field, c column) {
	f.NativeType = cmp.Or(f.NativeType, string(c.DataType))
	f.Description = cmp.Or(f.Description, string(c.Description))
	f.Tags = union(f.Tags, c.Tags, c.Config.texts("tags"))
	f.Meta = filled(f.Meta, filled(c.Config.dict("meta").named(), c.Meta.named()))
}

// filled adds what only the second says to the first.
func filled(first, second map[string]string) map[string]string {
	if len(first) == 0 {
		return second
	}
	both := maps.Clone(second)
	if both == nil {
		both = map[string]string{}
	}
	maps.Copy(both, first)
	return both
}

// constrain marks the primary key, in its own order, and what may not be empty.
func constrain(fields []sdk.Field, n *node) {
	var byColumn []string
	filledIn := n.Constraints.columns("primary_key", "not_null")
	for _, c := range n.Columns {
		if c.Constraints.has("primary_key") {
			byColumn = append(byColumn, string(c.Name))
		}
		if c.Constraints.has("primary_key", "not_null") {
			filledIn = append(filledIn, string(c.Name))
		}
	}
	for _, name := range filledIn {
		if i := find(fields, name, n.Columns); i >= 0 {
			fields[i].Nullable = false
		}
	}
	if slices.ContainsFunc(fields, func(f sdk.Field) bool { return f.PrimaryKey > 0 }) {
		return // a better informed node has told the key
	}
	for _, key := range [][]string{n.Constraints.columns("primary_key"), byColumn, n.PrimaryKey} {
		if len(key) == 0 {
			continue
		}
		for place, name := range key {
			if i := find(fields, name, n.Columns); i >= 0 && fields[i].PrimaryKey == 0 {
				fields[i].PrimaryKey = place + 1
			}
		}
		return
	}
}

// find gives the place of the field that the name means: the one of that very
// name, or the one that differs in case only, where neither the fields nor the
// documented names have two of these. It is -1 where there is none.
func find(fields []sdk.Field, name string, beside columns) int {
	name = unquoted(name)
	if i := slices.IndexFunc(fields, func(f sdk.Field) bool { return f.Name == name }); i >= 0 {
		return i
	}
	alike := -1
	for i, f := range fields {
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		if alike >= 0 {
			return -1
		}
		alike = i
	}
	if alike < 0 {
		return -1
	}
	itself, another := false, false
	for _, c := range beside {
		other := unquoted(string(c.Name))
		itself = itself || other == name
		another = another || other != name && strings.EqualFold(other, name)
	}
	if itself && another {
		return -1 // two names, and one field: it is the other one's, or nobody knows
	}
	return alike
}

// unquoted takes the quotes of SQL off a name that is quoted as a whole.
func unquoted(name string) string {
	if name == "" || !strings.ContainsAny(name[:1], "\"`[") {
		return name
	}
	if part, rest, ok := cutPart(name); ok && rest == "" && part.quoted && part.name != "" {
		return part.name
	}
	return name
}
