package dbt

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// emitAssets emits one asset for each name: where a source of one package is
// the model of another, the builder speaks and the source is its alias.
func (p *project) emitAssets() error {
	byID := map[sdk.NativeID]*sdk.Asset{}
	for _, id := range p.manifest.ids() {
		n := p.manifest.Nodes[id]
		if !isAsset(n) {
			continue
		}
		a := p.asset(n)
		if other, taken := byID[a.ID]; taken {
			a = joined(other, a)
		}
		byID[a.ID] = a
	}
	order := slices.SortedFunc(maps.Keys(byID), func(a, b sdk.NativeID) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for i, id := range order {
		if err := p.out.Emit(byID[id]); err != nil {
			return err
		}
		if err := p.out.Progress(int64(i+1), int64(len(order)), "nodes"); err != nil {
			return err
		}
	}
	return nil
}

func joined(a, b *sdk.Asset) *sdk.Asset {
	if b.Rank < a.Rank {
		a, b = b, a
	}
	a.Aliases = append(a.Aliases, b.Aliases...)
	a.Description = cmp.Or(a.Description, b.Description)
	if len(a.Fields) == 0 {
		a.Fields = b.Fields
	}
	return a
}

func isAsset(n *node) bool {
	return n.Type == "model" || n.Type == "seed" || n.Type == "snapshot" || n.Type == "source" || n.Type == "exposure"
}

func (p *project) asset(n *node) *sdk.Asset {
	id := p.id(n)
	rel := p.catalog.Relations[n.UniqueID]
	a := &sdk.Asset{
		ID: id, Scope: p.scope(), Kind: kindOf(n), Rank: sdk.Builder, ShortName: shortName(n),
		Description: cmp.Or(string(n.Description), string(rel.Metadata.Comment)),
		Owners:      p.owners(n), OwnerRoles: union(texts{string(rel.Metadata.Owner)}), Tags: union(n.Tags, n.Config.Tags),
		Fields: p.fields(n, rel), Rows: rel.rows(), Properties: properties(n),
		Aliases: []sdk.Alias{{Scheme: "dbt", Namespace: p.name, Name: n.UniqueID}},
	}
	if n.Type == "source" || p.foreign(n) {
		a.Rank, a.Reference = sdk.Reference, true
	}
	if p.foreign(n) {
		a.Aliases[0].Namespace = string(n.Package) // the owner project's name for it
	}
	return a
}

// foreign reports whether another project builds the node: dbt copies the
// public nodes of upstream projects into a manifest, without their file.
// Nodes of an installed package have one, and are built here.
func (p *project) foreign(n *node) bool {
	return string(n.Package) != p.name && n.File == "" && n.Type != "exposure"
}

func shortName(n *node) string {
	if !stored(n) {
		return cmp.Or(string(n.Label), string(n.Name))
	}
	return cmp.Or(string(n.Identifier), string(n.Alias), string(n.Name))
}

func kindOf(n *node) string {
	switch n.Type {
	case "seed":
		return "SEED"
	case "snapshot":
		return "SNAPSHOT"
	case "source":
		return "TABLE"
	case "exposure":
		return strings.ToUpper(cmp.Or(string(n.ExposureType), "dashboard"))
	}
	switch m := n.Config.Materialized; m {
	case "view":
		return "VIEW"
	case "materialized_view":
		return "MATERIALIZED_VIEW"
	case "ephemeral":
		return "OTHER"
	default:
		return "TABLE" // table, incremental, and what adapters add to them
	}
}

func (p *project) owners(n *node) []string {
	group := cmp.Or(n.Group, n.Config.Group)
	var owners []string
	if group != "" {
		owners = p.manifest.Groups["group."+string(n.Package)+"."+string(group)].names()
	}
	for _, meta := range []dict{n.Meta, n.Config.Meta} {
		owners = union(owners, meta.texts("owner"))
	}
	return union(owners, n.Owner.names())
}

// merged gives what either says; the first is heard before the second.
func merged(first, second dict) dict {
	both := dict{}
	maps.Copy(both, second)
	maps.Copy(both, first)
	return both
}

func union(lists ...[]string) []string {
	var all []string
	for _, s := range slices.Concat(lists...) {
		if s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func properties(n *node) map[string]string {
	props := map[string]string{
		"dbt_unique_id": n.UniqueID, "package": string(n.Package), "path": string(n.File),
		"materialized": string(n.Config.Materialized), "access": string(cmp.Or(n.Access, n.Config.Access)),
		"group": string(cmp.Or(n.Group, n.Config.Group)), "version": string(n.NodeVersion), "url": string(n.URL), "maturity": string(n.Maturity),
	}
	if n.Contract.Enforced || n.Config.Contract.Enforced {
		props["contract"] = "enforced"
	}
	maps.DeleteFunc(props, func(_, v string) bool { return v == "" })
	return props
}

// fields takes the columns of the warehouse where the catalog has them, and
// the manifest's words for them; without a catalog the documented columns are all.
func (p *project) fields(n *node, rel relation) []sdk.Field {
	keys := primaryKey(n)
	var fields []sdk.Field
	for _, c := range catalogOrder(rel) {
		fields = append(fields, sdk.Field{Name: string(c.Name), NativeType: string(c.Type), Description: string(c.Comment), Nullable: true})
	}
	if len(fields) == 0 {
		for _, c := range n.Columns {
			fields = append(fields, sdk.Field{Name: string(c.Name), Nullable: true})
		}
	}
	for i := range fields {
		f := &fields[i]
		f.Position = i + 1
		describe(f, n.Columns)
		f.PrimaryKey = 1 + slices.IndexFunc(keys, func(k string) bool { return strings.EqualFold(k, f.Name) })
	}
	return fields
}

func describe(f *sdk.Field, documented columns) {
	i := slices.IndexFunc(documented, func(c column) bool { return strings.EqualFold(string(c.Name), f.Name) })
	if i < 0 {
		return
	}
	c := documented[i]
	f.NativeType = cmp.Or(f.NativeType, string(c.DataType))
	f.Description = cmp.Or(string(c.Description), f.Description)
	f.Tags = union(c.Tags, c.Config.texts("tags"))
	f.Meta = merged(c.Config.dict("meta"), c.Meta).named()
	f.Nullable = !slices.ContainsFunc(c.Constraints, func(k constraint) bool { return k.Type == "not_null" || k.Type == "primary_key" })
}

func primaryKey(n *node) []string {
	if len(n.PrimaryKey) > 0 {
		return n.PrimaryKey
	}
	var names []string
	for _, c := range n.Columns {
		if slices.ContainsFunc(c.Constraints, func(k constraint) bool { return k.Type == "primary_key" }) {
			names = append(names, string(c.Name))
		}
	}
	return names
}

func catalogOrder(rel relation) []catalogColumn {
	list := make([]catalogColumn, 0, len(rel.Columns))
	for name, c := range rel.Columns {
		c.Name = cmp.Or(c.Name, text(name))
		list = append(list, c)
	}
	place := func(c catalogColumn) int { n, _ := strconv.Atoi(string(c.Index)); return n }
	slices.SortFunc(list, func(a, b catalogColumn) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// emitEdges emits what each node is made of, or uses. What a node of another
// project is made of is for that project to say.
func (p *project) emitEdges() error {
	for _, id := range p.manifest.ids() {
		n := p.manifest.Nodes[id]
		if !isAsset(n) || p.foreign(n) {
			continue
		}
		if err := p.edgesOf(n); err != nil {
			return err
		}
	}
	return nil
}

func (p *project) edgesOf(n *node) error {
	to, kind := p.id(n), "DERIVES"
	if n.Type == "exposure" {
		kind = "USES"
	}
	seen := map[sdk.NativeID]bool{to: true} // a source over its own model is no lineage
	for _, dep := range p.assetsBelow(n, map[string]bool{}) {
		from := p.id(dep)
		if seen[from] {
			continue
		}
		seen[from] = true
		if err := p.out.Emit(&sdk.Edge{From: from, To: to, Scope: p.scope(), Kind: kind, Method: "dbt.depends_on", Confidence: 1}); err != nil {
			return err
		}
	}
	return nil
}

// assetsBelow lists the assets a node depends on, through metrics and semantic models.
func (p *project) assetsBelow(n *node, seen map[string]bool) []*node {
	var found []*node
	for _, id := range n.DependsOn.Nodes {
		dep := p.manifest.Nodes[id]
		switch {
		case dep == nil || seen[id]:
		case isAsset(dep):
			found = append(found, dep)
		default:
			seen[id] = true
			found = append(found, p.assetsBelow(dep, seen)...)
		}
	}
	return found
}
