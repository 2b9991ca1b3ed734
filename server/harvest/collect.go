package harvest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/harvest/memory"
	"github.com/souk-mesh/souk/server/harvest/translate"
	"github.com/souk-mesh/souk/server/lineage"
)

// What is shown of a plugin's progress.
const (
	maxWhat  = 100                    // bytes of its word for what it counts
	tellEach = 500 * time.Millisecond // those who watch hear of it
)

// batchWeight is how much is kept in one change. A record weighs one, and a
// wide table more, so that neither memory nor a transaction grows with the source.
const batchWeight = 500

// collector keeps what one attempt of a run finds.
//
// Records are kept in batches, each in one change with the run's counts; a
// checkpoint and the end of a scope close a batch early, and the checkpoint is
// kept in the same change as the records before it. That a batch may be kept
// before its checkpoint does no harm: to see an asset twice is to see it once,
// and only the complete end of a run holds anything for gone. So a run that
// does not end well leaves what it has seen, drops what it has not yet kept,
// and takes nothing away.
type collector struct {
	run     *execution
	source  model.Source // as it was when the attempt began
	resumed bool         // from a checkpoint: this attempt does not see everything

	batch  batch
	memory *memory.Memory
	held   batch // what is looked at again when the source has shown everything
	scopes map[string]*seenInScope
	done   []string // the scopes listed completely, in order
	broken []string // the scopes of which something could not be read; "" is any

	foreseen map[catalog.Ref]bool // by a preview: the assets that a run would create
	progress *model.RunProgress   // as the plugin told it last
	told     time.Time            // when those who watch heard of it
}

// batch is what has come since the last change.
type batch struct {
	observed catalog.Observation
	prints   map[catalog.Ref]memory.Print
	edges    []*sdk.Edge
	kept     []sdk.Note // of assets that could not be described
	counts   model.RunCounts
	weight   int
}

// seenInScope is what the run has seen in one scope.
type seenInScope struct {
	nouns map[model.ID]bool // assets and quality rules
	edges map[model.ID]bool
	kept  map[model.ID]bool // assets that could not be described: what is known of them stays
}

func newCollector(x *execution, source model.Source, m *memory.Memory) *collector {
	c := &collector{run: x, source: source, memory: m, resumed: len(source.Checkpoint) > 0, scopes: map[string]*seenInScope{}, foreseen: map[catalog.Ref]bool{}}
	c.batch, c.held = c.empty(), c.empty()
	return c
}

func (c *collector) empty() batch {
	return batch{observed: catalog.Observation{Source: c.source, Run: c.run.id, Shown: c.shown}, prints: map[catalog.Ref]memory.Print{}}
}

// Records takes records and keeps them when they are many.
func (c *collector) Records(records []sdk.Record) error {
	for _, r := range records {
		c.batch.add(c.source, r)
		if c.batch.weight >= batchWeight {
			if err := c.flush(c.run.ctx, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *batch) add(source model.Source, r sdk.Record) {
	b.weight++
	switch r := r.(type) {
	case *sdk.Asset:
		seen := translate.Asset(source, r)
		b.observed.Assets = append(b.observed.Assets, seen)
		if _, twice := b.prints[seen.Ref]; twice {
			b.prints[seen.Ref] = ""
		} else {
			b.prints[seen.Ref] = memory.Of(seen)
		}
		b.counts.Assets++
		b.counts.Fields += len(r.Fields)
		b.weight += extraWeight(seen)
	case *sdk.Quality:
		b.observed.Quality = append(b.observed.Quality, translate.Quality(source, r))
		b.counts.Quality++
	case *sdk.Edge:
		b.edges = append(b.edges, r)
		b.observed.Refs = append(b.observed.Refs, translate.Ref(r.From), translate.Ref(r.To))
		b.counts.Edges++
		b.weight += len(r.Fields) / 50
	}
}

// extraWeight is what a wide asset weighs beside the one of its record.
func extraWeight(seen catalog.Seen) int {
	return (len(seen.Sighting.Fields) + len(seen.Sighting.Definition)/100) / 50
}

// Checkpoint keeps what has come together with the state.
func (c *collector) Checkpoint(state []byte) error {
	state = bytes.Clone(state)
	return c.flush(c.run.ctx, func(s *model.Source) { s.Checkpoint, s.CheckpointRun = state, c.run.id })
}

// ScopeDone keeps what has come and remembers that the scope is complete.
func (c *collector) ScopeDone(scope string) error {
	if err := c.flush(c.run.ctx, nil); err != nil {
		return err
	}
	c.done = append(c.done, scope)
	c.run.row.Change(func(r *model.Run) {
		c.progressed(r)
		r.Scopes = append(slices.Clone(r.Scopes), scope)
	})
	return nil
}

// Progress shows how far the run has come: now and then, since a plugin may say
// so for each object and who watches is asked for anew each time. It is kept with
// the run's next write.
func (c *collector) Progress(done, total int64, what string) {
	c.progress = &model.RunProgress{Done: done, Total: total, What: clip(what, maxWhat)}
	if time.Since(c.told) < tellEach {
		return
	}
	c.told = time.Now()
	c.run.row.Change(c.progressed)
}

func (c *collector) progressed(r *model.Run) {
	r.Progress = cmp.Or(c.progress, r.Progress)
}

// Note counts the remark.
func (c *collector) Note(n sdk.Note) {
	if n.Asset != (sdk.NativeID{}) {
		c.batch.kept = append(c.batch.kept, n)
		c.batch.observed.Refs = append(c.batch.observed.Refs, translate.Ref(n.Asset))
		c.batch.weight++
	}
	if n.Level == sdk.ErrorLevel {
		c.broken = append(c.broken, n.Scope)
	}
	c.run.row.Change(func(r *model.Run) { r.Notes = notes(r.Notes).note(n) })
}

// flush keeps the batch in one change, together with what the source shall
// remember. A write that loses a race is made again on what is then known.
func (c *collector) flush(ctx context.Context, remember func(*model.Source)) error {
	if c.batch.weight == 0 && remember == nil {
		return nil
	}
	err := repeat(ctx, func() error { return c.keep(ctx, remember) })
	if err == nil {
		c.batch = c.empty()
	}
	return err
}

func (c *collector) keep(ctx context.Context, remember func(*model.Source)) error {
	c.batch.observed.Last = c.batch.observed.Last || c.held.weight >= maxHeld
	known, err := c.memory.Recall(ctx, c.batch.prints)
	if err != nil {
		return err
	}
	found, err := c.run.service.catalog.Observe(ctx, c.batch.without(known))
	if err != nil {
		return fmt.Errorf("observe assets: %w", err)
	}
	maps.Copy(found.IDs, known)
	edges := c.resolved(found.IDs)
	flows, err := c.run.service.lineage.Observe(ctx, lineage.Observation{Source: c.source, Edges: edges})
	if err != nil {
		return fmt.Errorf("observe lineage: %w", err)
	}
	counts := c.batch.counts
	counts.Created, counts.Updated, counts.Unchanged = found.Created, found.Updated, found.Unchanged
	for _, id := range known {
		if !found.Tested[id] {
			counts.Unchanged++
		}
	}
	if c.run.preview {
		counts.Created = c.foresee(&found)
	}
	err = c.run.write(ctx, step{
		action: "run.observe", reason: fmt.Sprintf("run %s: %s, %s, %s", c.run.id, model.Counted(counts.Assets, "asset"), model.Counted(counts.Edges, "edge"), model.Counted(counts.Quality, "quality rule")),
		writes: slices.Concat(found.Writes, flows.Writes), source: remember, atLeastEach: 500 * time.Millisecond,
		run: func(r *model.Run) {
			c.progressed(r)
			r.Counts = sum(r.Counts, counts)
			for _, n := range found.Notes {
				r.Notes = notes(r.Notes).add(n)
			}
		},
	})
	if err == nil {
		c.hold(found.Held)
		c.see(found, edges, flows.IDs)
		c.remember(known, found.Settled)
	}
	return err
}

// without is the batch but for those of which nothing is new.
func (b *batch) without(known map[catalog.Ref]model.ID) catalog.Observation {
	o := b.observed
	if len(known) > 0 {
		o.Assets = slices.DeleteFunc(slices.Clone(o.Assets), func(seen catalog.Seen) bool { return known[seen.Ref] != "" })
	}
	return o
}

// remember takes what the batch has kept into the source's memory.
func (c *collector) remember(known map[catalog.Ref]model.ID, settled map[catalog.Ref][]catalog.Mark) {
	c.memory.Met(known)
	maps.DeleteFunc(c.batch.prints, func(ref catalog.Ref, _ memory.Print) bool { return known[ref] != "" })
	c.memory.Keep(c.batch.prints, settled)
}

// writeMemory keeps the source's memory for its next run.
func (c *collector) writeMemory(ctx context.Context) error {
	writes, err := c.memory.Writes(!c.resumed)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(writes, memoryChunk) {
		keep := func() error {
			return c.run.write(ctx, step{action: "run.remember", reason: "run " + string(c.run.id), writes: part})
		}
		if err := repeat(ctx, keep); err != nil {
			return err
		}
	}
	return nil
}

// memoryChunk is how many parts of a memory one change writes.
const memoryChunk = 8

// maxHeld bounds the weight of what is held, and so the memory. What comes beyond is decided
// by what is known when it comes, which is as good unless names were exchanged too.
const maxHeld = 4 * batchWeight

// hold takes what the catalogue cannot tell yet out of what has been seen.
func (c *collector) hold(names map[catalog.Ref]bool) {
	c.batch.observed.Assets = slices.DeleteFunc(c.batch.observed.Assets, func(seen catalog.Seen) bool {
		if names[seen.Ref] {
			c.held.observed.Assets = append(c.held.observed.Assets, seen)
			c.held.weight += 1 + extraWeight(seen)
			c.held.prints[seen.Ref] = c.batch.prints[seen.Ref]
		}
		return names[seen.Ref]
	})
}

// end keeps the rest, once the source has shown everything.
func (c *collector) end(ctx context.Context) error {
	if err := c.flush(ctx, nil); err != nil {
		return err
	}
	c.batch, c.held = c.held, c.empty()
	c.batch.observed.Last = true
	if err := c.flush(ctx, nil); err != nil {
		return err
	}
	return c.writeMemory(ctx)
}

// shown reports an asset that the run has shown before.
func (c *collector) shown(id model.ID) bool {
	for _, s := range c.scopes {
		if s.nouns[id] {
			return true
		}
	}
	return false
}

// resolved gives the edges both of whose ends the catalogue has accepted.
func (c *collector) resolved(ids map[catalog.Ref]model.ID) []lineage.Seen {
	edges := make([]lineage.Seen, 0, len(c.batch.edges))
	for _, e := range c.batch.edges {
		from, to := ids[translate.Ref(e.From)], ids[translate.Ref(e.To)]
		if from != "" && to != "" {
			edges = append(edges, translate.Edge(e, from, to))
		}
	}
	return edges
}

// see remembers by scope what the batch has shown.
func (c *collector) see(found catalog.Result, edges []lineage.Seen, ids []model.ID) {
	for _, a := range c.batch.observed.Assets {
		if id := found.IDs[a.Ref]; id != "" {
			c.scope(a.Sighting.Scope).nouns[id] = true
		}
	}
	for _, q := range c.batch.observed.Quality {
		for _, id := range found.Rules { // a rule belongs to one scope, so that it does no harm in another
			c.scope(q.Rule.Scope).nouns[id] = true
		}
	}
	for _, n := range c.batch.kept {
		if id := found.IDs[translate.Ref(n.Asset)]; id != "" {
			c.scope(n.Scope).nouns[id], c.scope(n.Scope).kept[id] = true, true
		}
	}
	for i, e := range edges {
		if i < len(ids) && ids[i] != "" {
			c.scope(e.Scope).edges[ids[i]] = true
		}
	}
}

func (c *collector) scope(name string) *seenInScope {
	s := c.scopes[name]
	if s == nil {
		s = &seenInScope{nouns: map[model.ID]bool{}, edges: map[model.ID]bool{}, kept: map[model.ID]bool{}}
		c.scopes[name] = s
	}
	return s
}

func sum(a, b model.RunCounts) model.RunCounts {
	return model.RunCounts{
		Assets: a.Assets + b.Assets, Fields: a.Fields + b.Fields, Edges: a.Edges + b.Edges, Quality: a.Quality + b.Quality,
		Created: a.Created + b.Created, Updated: a.Updated + b.Updated, Unchanged: a.Unchanged + b.Unchanged, Retired: a.Retired + b.Retired,
	}
}
