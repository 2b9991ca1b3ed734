package harvest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
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
const batchWeight = 250

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
	changes bool         // this attempt sees only what has changed

	batch  batch
	memory *memory.Memory
	held   batch // what is looked at again when the source has shown everything
	scopes map[string]*seenInScope
	done   []string                 // the scopes listed completely, in order
	broken []string                 // the scopes of which something could not be read; "" is any
	stays  []string                 // the scopes of which only what has changed was shown
	gone   map[string][]catalog.Ref // by scope: what the source says is no longer there
	owes   bool                     // something is gone that was not retired

	foreseen map[catalog.Ref]bool // by a preview: the assets that a run would create
	progress *model.RunProgress   // as the plugin told it last
	told     time.Time            // when those who watch heard of it
}

// batch is what has come since the last change.
type batch struct {
	observed catalog.Observation
	assets   map[catalog.Ref]printed
	tests    []host.Print // of the quality rules that were observed
	edges    []printedEdge
	kept     []sdk.Note // of assets that could not be described
	known    []*memory.Known
	counts   model.RunCounts
	weight   int
}

// printed is by what an asset is known again.
type printed struct {
	print  host.Print
	scope  string
	fields int
}

// printedEdge is an edge and by what it is known again.
type printedEdge struct {
	*sdk.Edge

	print host.Print
}

// seenInScope is what the run has seen in one scope.
type seenInScope struct {
	nouns map[model.ID]bool // assets and quality rules
	edges map[model.ID]bool
	kept  map[model.ID]bool // assets that could not be described: what is known of them stays
}

func newCollector(x *execution, source model.Source, m *memory.Memory, p plan) *collector {
	c := &collector{run: x, source: source, memory: m, resumed: len(source.Checkpoint) > 0, changes: p.changes, gone: map[string][]catalog.Ref{}, scopes: map[string]*seenInScope{}, foreseen: map[catalog.Ref]bool{}}
	c.batch, c.held = c.empty(), c.empty()
	return c
}

func (c *collector) empty() batch {
	return batch{observed: catalog.Observation{Source: c.source, Run: c.run.id, Shown: c.shown}, assets: map[catalog.Ref]printed{}}
}

// Records takes records of which nothing will be known again.
func (c *collector) Records(records []sdk.Record) error {
	return c.Printed(records, make([]host.Print, len(records)))
}

// Printed takes records and keeps them when they are many.
func (c *collector) Printed(records []sdk.Record, prints []host.Print) error {
	for i, r := range records {
		c.batch.add(c.source, r, prints[i])
		if c.batch.weight >= batchWeight {
			if err := c.flush(c.run.ctx, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *batch) add(source model.Source, r sdk.Record, print host.Print) {
	b.weight++
	switch r := r.(type) {
	case *sdk.Asset:
		seen := translate.Asset(source, r)
		b.observed.Assets = append(b.observed.Assets, seen)
		if _, twice := b.assets[seen.Ref]; twice {
			print = host.Print{}
		}
		b.assets[seen.Ref] = printed{print, r.Scope, len(r.Fields)}
		b.counts.Assets++
		b.counts.Fields += len(r.Fields)
		b.weight += extraWeight(seen)
	case *sdk.Quality:
		b.observed.Quality = append(b.observed.Quality, translate.Quality(source, r))
		b.tests = append(b.tests, print)
		b.counts.Quality++
	case *sdk.Edge:
		b.edges = append(b.edges, printedEdge{r, print})
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
	return c.flush(c.run.ctx, func(s *model.Source) {
		s.Checkpoint, s.CheckpointRun, s.CheckpointOfChanges = state, c.run.id, c.changes
	})
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
	if c.batch.weight == 0 && len(c.batch.known) == 0 && remember == nil {
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
	found, err := c.run.service.catalog.Observe(ctx, c.batch.observed)
	if err != nil {
		return fmt.Errorf("observe assets: %w", err)
	}
	edges, prints := c.resolved(found.IDs)
	flows, err := c.run.service.lineage.Observe(ctx, lineage.Observation{Source: c.source, Edges: edges})
	if err != nil {
		return fmt.Errorf("observe lineage: %w", err)
	}
	counts := c.batch.counted(found)
	if c.run.preview {
		counts.Created = c.foresee(&found)
	}
	err = c.run.write(ctx, step{
		action: "run.observe", reason: fmt.Sprintf("run %s: %s, %s, %s", c.run.id, model.Counted(counts.Assets, "asset"), model.Counted(counts.Edges, "edge"), model.Counted(counts.Quality, "quality rule")),
		writes: slices.Concat(found.Writes, flows.Writes), source: remember, atLeastEach: 500 * time.Millisecond,
		run: func(r *model.Run) {
			c.progressed(r)
			r.Counts = sum(r.Counts, counts)
			for _, n := range slices.Concat(found.Notes, c.batch.unowned()) {
				r.Notes = notes(r.Notes).add(n)
			}
		},
	})
	if err == nil {
		c.remember(found, flows, prints)
		c.hold(found.Held)
		c.see(found, edges, flows.IDs)
	}
	return err
}

// writeMemory keeps the source's memory for its next run.
func (c *collector) writeMemory(ctx context.Context) error {
	writes, err := c.memory.Writes(!c.resumed && !c.changes)
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
const maxHeld = 8 * batchWeight

// hold takes what the catalogue cannot tell yet out of what has been seen.
func (c *collector) hold(names map[catalog.Ref]bool) {
	c.batch.observed.Assets = slices.DeleteFunc(c.batch.observed.Assets, func(seen catalog.Seen) bool {
		if names[seen.Ref] {
			c.held.observed.Assets = append(c.held.observed.Assets, seen)
			c.held.weight += 1 + extraWeight(seen)
			c.held.assets[seen.Ref] = c.batch.assets[seen.Ref]
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
func (c *collector) resolved(ids map[catalog.Ref]model.ID) (edges []lineage.Seen, of []printedEdge) {
	for _, e := range c.batch.edges {
		from, to := ids[translate.Ref(e.From)], ids[translate.Ref(e.To)]
		if from != "" && to != "" {
			edges, of = append(edges, translate.Edge(e.Edge, from, to)), append(of, e)
		}
	}
	return edges, of
}

// see remembers by scope what the batch has shown.
func (c *collector) see(found catalog.Result, edges []lineage.Seen, ids []model.ID) {
	for _, a := range c.batch.observed.Assets {
		if id := found.IDs[a.Ref]; id != "" {
			c.scope(a.Sighting.Scope).nouns[id] = true
		}
	}
	for i, q := range c.batch.observed.Quality {
		if id := found.Tests[i].ID; id != "" {
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
