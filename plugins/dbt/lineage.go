package dbt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqllineage"
	"github.com/souk-mesh/souk/sdk"
)

// lineage is what the compiled SQL of the models says of their columns.
type lineage struct {
	results map[string]sqllineage.Result // by unique id
	tables  map[string]*node             // by the parts of their names, in small letters
	known   map[string][]string          // columns, where all of them are known
}

// follow reads the SQL of every model that this project builds, those first on
// which others are built: a star over a model that the catalog lacks is then known.
func (p *project) follow() error {
	l := &lineage{results: map[string]sqllineage.Result{}, tables: map[string]*node{}, known: map[string][]string{}}
	p.lineage = l
	for _, id := range p.manifest.ids() {
		if n := p.manifest.Nodes[id]; isAsset(n) && !semantic(n) && n.Type != "exposure" {
			p.register(n)
		}
	}
	for _, n := range p.ordered() {
		if !p.hasSQL(n) {
			continue
		}
		r := p.read(n)
		l.results[n.UniqueID] = r
		if _, told := l.known[n.UniqueID]; !told && r.Unknown == "" {
			l.known[n.UniqueID] = namesOf(r)
		}
	}
	return p.remarkColumns()
}

// hasSQL tells whether the node is one that this project builds by a query.
func (p *project) hasSQL(n *node) bool {
	return (n.Type == "model" || n.Type == "snapshot") && !p.foreign(n)
}

func namesOf(r sqllineage.Result) []string {
	names := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		if names[i] = c.Name; c.Name == "" {
			return nil
		}
	}
	return names
}

// register makes a table known by its name, with and without its database.
func (p *project) register(n *node) {
	var columns []string
	for _, f := range fieldsOf(p.catalog.Relations[n.UniqueID]) {
		columns = append(columns, f.Name)
	}
	if len(columns) > 0 {
		p.lineage.known[n.UniqueID] = columns
	}
	if !stored(n) {
		return
	}
	parts := p.parts(n)
	for i := range parts {
		if parts[i] == "" {
			continue
		}
		key := tableKey(parts[i:])
		if other, taken := p.lineage.tables[key]; taken && (other == nil || p.id(other) != p.id(n)) {
			p.lineage.tables[key] = nil // two tables go by it
			continue
		} else if !taken || p.rank(n) < p.rank(other) {
			p.lineage.tables[key] = n
		}
	}
}

func tableKey(parts []string) string { return strings.ToLower(strings.Join(parts, "\x00")) }

// ordered lists the nodes so that each comes after those that it is built on.
func (p *project) ordered() []*node {
	type step struct {
		id   string
		done bool
	}
	var list []*node
	seen := map[string]bool{}
	for _, id := range p.manifest.ids() {
		for todo := []step{{id: id}}; len(todo) > 0; {
			s := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			n := p.manifest.Nodes[s.id]
			if s.done {
				list = append(list, n)
				continue
			}
			if n == nil || seen[s.id] {
				continue
			}
			seen[s.id] = true
			todo = append(todo, step{s.id, true})
			for _, below := range n.DependsOn.Nodes {
				todo = append(todo, step{id: below})
			}
		}
	}
	return list
}

// read says what the columns of a model are made of.
func (p *project) read(n *node) sqllineage.Result {
	sql := string(cmp.Or(n.Compiled, n.CompiledSQL))
	switch {
	case n.Language != "" && n.Language != "sql":
		return sqllineage.Result{Unknown: "the model is written in " + string(n.Language)}
	case sql == "":
		return sqllineage.Result{Unknown: "the manifest has no compiled SQL: run dbt compile"}
	}
	adapter := string(p.manifest.Adapter)
	reader := sqllineage.Reader{Dialect: sqllineage.DialectOf(adapter), Paths: adapter == "bigquery", Find: p.find, Inlined: func(name string) (sqllineage.Table, bool) {
		return p.inlined(n, name)
	}}
	return reader.Read(sql)
}

func (p *project) table(n *node) sqllineage.Table {
	return sqllineage.Table{ID: n.UniqueID, Columns: p.lineage.known[n.UniqueID]}
}

func (p *project) find(name []string) (sqllineage.Table, bool) {
	n := p.lineage.tables[tableKey(name)]
	if n == nil {
		return sqllineage.Table{}, false
	}
	return p.table(n), true
}

// inlined gives the ephemeral model that dbt has written into the SQL of another one.
func (p *project) inlined(n *node, name string) (sqllineage.Table, bool) {
	const mark = "__dbt__cte__"
	if len(name) <= len(mark) || !strings.EqualFold(name[:len(mark)], mark) {
		return sqllineage.Table{}, false
	}
	for _, id := range n.DependsOn.Nodes {
		if dep := p.manifest.Nodes[id]; dep != nil && isAsset(dep) && strings.EqualFold(string(dep.Name), name[len(mark):]) {
			return p.table(dep), true
		}
	}
	return sqllineage.Table{}, false
}

// flow gives the columns of an asset that are made of columns of another one.
func (p *project) flow(n *node, from, to sdk.NativeID) []sdk.FieldEdge {
	result := p.lineage.results[n.UniqueID]
	var edges []sdk.FieldEdge
	for i, c := range result.Columns {
		name := p.fieldOf(to, result, i)
		if name == "" || c.Unknown != "" {
			continue
		}
		for _, o := range c.From {
			source := p.manifest.Nodes[o.Table]
			if source == nil || p.id(source) != from {
				continue
			}
			if column := p.nameIn(from, o.Column); column != "" {
				edges = append(edges, sdk.FieldEdge{From: column, To: name, Transform: o.How.String()})
			}
		}
	}
	return edges
}

// fieldOf is the field that a column of a query has become. A column without a
// name is told by its place, where the table has as many.
func (p *project) fieldOf(id sdk.NativeID, r sqllineage.Result, i int) string {
	fields := p.fields[id]
	if name := r.Columns[i].Name; name != "" {
		return p.nameIn(id, name)
	}
	if len(fields) == len(r.Columns) {
		return fields[i].Name
	}
	return ""
}

// nameIn is the name of a field as its asset has it. Where only some fields are
// known, the name stands as it is.
func (p *project) nameIn(id sdk.NativeID, name string) string {
	fields := p.fields[id]
	if i := find(fields, name, nil); i >= 0 {
		return fields[i].Name
	}
	if p.whole[id] {
		return ""
	}
	return name
}

// columnLineage says in words how far the columns of a node are known.
func (p *project) columnLineage(n *node) string {
	if !p.hasSQL(n) {
		return ""
	}
	r := p.lineage.results[n.UniqueID]
	if r.Unknown != "" {
		return "unknown: " + r.Unknown
	}
	var unknown []string
	for i, c := range r.Columns {
		if c.Unknown != "" {
			unknown = append(unknown, cmp.Or(c.Name, fmt.Sprint("column ", i+1)))
		}
	}
	if len(unknown) == 0 {
		return "known"
	}
	return fmt.Sprintf("partly known; unknown are %d of %d columns: %s", len(unknown), len(r.Columns), strings.Join(unknown[:min(20, len(unknown))], ", "))
}

// remarkColumns tells what is unknown, model by model, and how much is known.
func (p *project) remarkColumns() error {
	models, whole, columns, known := 0, 0, 0, 0
	for _, id := range p.manifest.ids() {
		r, read := p.lineage.results[id]
		if !read {
			continue
		}
		models++
		why := r.Unknown
		for _, c := range r.Columns {
			columns++
			if c.Unknown == "" {
				known++
			}
			why = cmp.Or(why, c.Unknown)
		}
		if why == "" {
			whole++
		}
		if n := p.manifest.Nodes[id]; why == "" || n.Compiled == "" && n.CompiledSQL == "" {
			continue
		}
		if err := p.note(sdk.InfoLevel, "dbt.columns_unknown", "Of which columns those of a model are made is unknown, for some of them or all.", id+": "+why); err != nil {
			return err
		}
	}
	if models == 0 {
		return nil
	}
	return p.note(sdk.InfoLevel, "dbt.columns_followed", "How many columns were followed through the SQL of the models.",
		fmt.Sprintf("%d of %d models whole; %d of %d columns", whole, models, known, columns))
}

// parts are those of the name of a table: its database, its schema, its own.
func (p *project) parts(n *node) []string {
	parts := []string{
		cmp.Or(string(n.Database), p.config.DefaultDatabase), string(n.Schema),
		cmp.Or(string(n.Identifier), string(n.Alias), string(n.Name)),
	}
	quoted := splitRelation(string(n.Relation))
	for i := range min(len(quoted), len(parts)) {
		if part := quoted[len(quoted)-1-i]; part.quoted {
			parts[len(parts)-1-i] = part.name
		}
	}
	return parts
}

// isWhole tells whether the warehouse itself has told the fields of an asset.
func (p *project) isWhole(nodes []*node) bool {
	return slices.ContainsFunc(nodes, func(n *node) bool { return len(p.catalog.Relations[n.UniqueID].Columns) > 0 })
}
