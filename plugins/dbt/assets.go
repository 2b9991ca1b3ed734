package dbt

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// emitAssets emits one asset for each name: where a source of one package is
// the model of another, the builder speaks first and the source is its alias.
func (p *project) emitAssets() error {
	byID := map[sdk.NativeID][]*node{}
	for _, id := range p.manifest.ids() {
		if n := p.manifest.Nodes[id]; isAsset(n) {
			byID[p.id(n)] = append(byID[p.id(n)], n)
		}
	}
	order := slices.SortedFunc(maps.Keys(byID), func(a, b sdk.NativeID) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	p.fields, p.whole = map[sdk.NativeID][]sdk.Field{}, map[sdk.NativeID]bool{}
	for i, id := range order {
		a := p.asset(id, byID[id])
		if len(a.Fields) > maxFields {
			a.Fields = a.Fields[:maxFields]
			if err := p.note(sdk.WarnLevel, "dbt.many_columns", "A table has more columns than are kept.", id.Name); err != nil {
				return err
			}
		}
		p.fields[id], p.whole[id] = a.Fields, p.isWhole(byID[id])
		if err := p.out.Emit(a); err != nil {
			return err
		}
		if err := p.out.Progress(int64(i+1), int64(len(order)), "nodes"); err != nil {
			return err
		}
	}
	return nil
}

const maxFields = harvestv1.MaxFields

func isAsset(n *node) bool {
	return n.Type == "model" || n.Type == "seed" || n.Type == "snapshot" || n.Type == "source" || n.Type == "exposure" || semantic(n)
}

// asset puts together what the nodes of one name say; the one that builds the
// asset speaks first.
func (p *project) asset(id sdk.NativeID, nodes []*node) *sdk.Asset {
	slices.SortStableFunc(nodes, func(a, b *node) int { return cmp.Compare(p.rank(a), p.rank(b)) })
	n := nodes[0]
	a := &sdk.Asset{
		ID: id, Scope: p.scope(), Kind: kindOf(n), Rank: p.rank(n), Reference: p.rank(n) == sdk.Reference, ShortName: shortName(n),
		Properties: properties(n), Fields: p.columns(nodes),
	}
	comment := ""
	for _, n := range nodes {
		rel := p.catalog.Relations[n.UniqueID]
		a.Description, comment = cmp.Or(a.Description, string(n.Description)), cmp.Or(comment, string(rel.Metadata.Comment))
		a.Owners = union(a.Owners, p.owners(n))
		a.OwnerRoles = union(a.OwnerRoles, texts{string(rel.Metadata.Owner)})
		a.Tags = union(a.Tags, n.Tags, n.Config.Tags)
		a.Rows, a.Bytes = cmp.Or(a.Rows, rel.rows()), cmp.Or(a.Bytes, rel.bytes())
		a.Freshness = cmp.Or(a.Freshness, freshnessOf(n))
		a.Aliases = append(a.Aliases, sdk.Alias{Scheme: "dbt", Namespace: p.namer(n), Name: n.UniqueID})
	}
	a.Description = cmp.Or(a.Description, comment)
	if told := p.columnLineage(n); told != "" {
		a.Properties["column_lineage"] = told
	}
	a.Constraints = p.enforced(n, a.Fields)
	if semantic(n) {
		a.Definition, a.DefinitionLanguage = definition(n)
	}
	return a
}

// rank tells who builds an asset of the node: this project, or somebody else.
func (p *project) rank(n *node) sdk.Rank {
	if n.Type == "source" || p.foreign(n) {
		return sdk.Reference
	}
	return sdk.Builder
}

// namer is the project whose name for the node its unique id is.
func (p *project) namer(n *node) string {
	if p.foreign(n) {
		return string(n.Package)
	}
	return p.name
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
	case "metric", "semantic_model", "saved_query":
		return strings.ToUpper(string(n.Type))
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
	for key, value := range filled(n.Config.Meta.named(), n.Meta.named()) {
		if key != "owner" { // stands among the owners
			props["meta."+key] = value
		}
	}
	if semantic(n) {
		props["type"] = string(n.ExposureType)
	}
	maps.DeleteFunc(props, func(_, v string) bool { return v == "" })
	return props
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
	if n.Type == "exposure" || n.Type == "saved_query" {
		kind = "USES"
	}
	seen := map[sdk.NativeID]bool{to: true} // a source over its own model is no lineage
	for _, dep := range p.assetsBelow(n, map[string]bool{}) {
		from := p.id(dep)
		if seen[from] {
			continue
		}
		seen[from] = true
		if err := p.out.Emit(&sdk.Edge{From: from, To: to, Scope: p.scope(), Kind: kind, Method: "dbt.depends_on", Confidence: 1, Fields: p.flow(n, from, to)}); err != nil {
			return err
		}
	}
	return nil
}

// assetsBelow lists the assets a node depends on, through what is none.
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
