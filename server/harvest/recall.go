package harvest

import (
	"maps"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/harvest/memory"
	"github.com/souk-mesh/souk/server/harvest/translate"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/store"
)

// knownAtOnce is after how many records that are as before the run says how far
// it has come: nothing is written of them.
const knownAtOnce = 20 * batchWeight

var _ host.Recaller = (*collector)(nil)

// Seed implements host.Recaller.
func (c *collector) Seed() []byte { return memory.Seed(c.source) }

// Recall takes what the source has said before and what stands as it stood then.
func (c *collector) Recall(prints []host.Print) ([]bool, error) {
	found, err := c.memory.Recall(c.run.ctx, prints)
	if err != nil {
		return nil, err
	}
	known := make([]bool, len(prints))
	for i, k := range found {
		if k == nil {
			continue
		}
		known[i] = true
		c.batch.known = append(c.batch.known, k)
		scope := c.scope(k.Scope)
		switch k.Kind {
		case store.Edges.Kind():
			scope.edges[k.ID] = true
			c.batch.counts.Edges++
		case store.QualityRules.Kind():
			scope.nouns[k.ID] = true
			c.batch.counts.Quality++
		default:
			scope.nouns[k.ID] = true
			c.batch.counts.Assets++
			c.batch.counts.Fields += k.Fields
		}
	}
	if len(c.batch.known) >= knownAtOnce {
		err = c.flush(c.run.ctx, nil)
	}
	return known, err
}

// counted is what the batch came to. An asset that is as before and one of whose
// tests is not has changed.
func (b *batch) counted(found catalog.Result) model.RunCounts {
	counts := b.counts
	counts.Created, counts.Updated, counts.Unchanged = found.Created, found.Updated, found.Unchanged
	for _, k := range b.known {
		if k.Kind == store.Assets.Kind() && !found.Tested[k.ID] {
			counts.Unchanged++
		}
	}
	return counts
}

// unowned tells of what is as before and belongs to no domain, by its namespaces.
func (b *batch) unowned() []model.RunNote {
	counts := map[string]int{}
	for _, k := range b.known {
		if k.Unowned != "" {
			counts[k.Unowned]++
		}
	}
	var all []model.RunNote
	for _, namespace := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, catalog.Unowned(namespace, counts[namespace]))
	}
	return all
}

// remember takes what the batch has kept into the source's memory, each with the
// marks of all that it stands on.
func (c *collector) remember(found catalog.Result, flows lineage.Result, edges []printedEdge) {
	for ref, p := range c.batch.assets {
		c.memory.KeepUnowned(p.print, p.scope, p.fields, found.Unowned[ref], found.Settled[ref]...)
	}
	for i, q := range c.batch.observed.Quality {
		if named := found.Named[q.Asset]; len(named) > 0 && found.Tests[i].ID != "" {
			c.memory.Keep(c.batch.tests[i], q.Rule.Scope, 0, slices.Concat(found.Tests[i:i+1], named)...)
		}
	}
	for i, e := range edges {
		from, to := found.Named[translate.Ref(e.From)], found.Named[translate.Ref(e.To)]
		if len(from) == 0 || len(to) == 0 || flows.IDs[i] == "" {
			continue
		}
		mark := catalog.Mark{Kind: store.Edges.Kind(), ID: flows.IDs[i], Revision: flows.Revisions[i]}
		c.memory.Keep(e.print, e.Scope, 0, slices.Concat([]catalog.Mark{mark}, from, to)...)
	}
}
