package catalog

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// result settles what has changed and turns it into writes.
func (w *work) result(at time.Time) Result {
	r := Result{IDs: make(map[Ref]model.ID, len(w.byRaw)), Held: map[Ref]bool{}, Settled: map[Ref][]Mark{}, Unowned: map[Ref]string{}, Tested: map[model.ID]bool{}}
	for _, e := range w.made {
		if e.dirty {
			e.asset.Settle(at)
			r.Writes = append(r.Writes, store.Assets.Put(e.asset))
		}
		switch {
		case e.created:
			r.Created++
			r.New = append(r.New, Ref{e.asset.Namespace, e.asset.Name})
		case e.dirty || e.named:
			r.Updated++
			r.Changed = append(r.Changed, Ref{e.asset.Namespace, e.asset.Name})
		case e.shown:
			r.Unchanged++
		}
	}
	for _, k := range w.order {
		if k.dirty {
			r.Writes = append(r.Writes, store.Aliases.Put(k.alias))
		}
	}
	for raw, it := range w.byRaw {
		if it != nil {
			r.IDs[raw] = it.entry.asset.ID
			if it.held {
				r.Held[raw] = true
			} else if marks := w.marks(it); marks != nil {
				r.Settled[raw] = marks
				if it.shown.Claims() && it.entry.asset.DomainID == "" {
					r.Unowned[raw] = it.ref.Namespace
				}
			}
		}
	}
	return r
}

// marks lists what an item that is settled stands on; nil is one that is not.
func (w *work) marks(it *item) []Mark {
	owner := it.entry.asset.DomainID
	claimed := it.shown != nil && it.shown.Claims() && owner != w.source.DomainID && owner != ""
	if it.shown == nil || !it.speaks || it.times > 1 || it.flawed || claimed {
		return nil
	}
	marks := []Mark{{store.Assets.Kind(), it.entry.asset.ID, written(it.entry.asset.Meta, it.entry.dirty)}}
	mark := func(n Name, e *entry) bool {
		k, known := w.names[aliasID(n)]
		if !known || k.alias.AssetID != e.asset.ID {
			return false
		}
		marks = append(marks, Mark{store.Aliases.Kind(), k.alias.ID, written(k.alias.Meta, k.dirty)})
		return true
	}
	for _, n := range append([]Name{openLineage(it.ref)}, it.aliases...) {
		if !mark(n, it.entry) {
			return nil
		}
	}
	if it.parent != nil && !mark(openLineage(it.parent.ref), it.parent.entry) {
		return nil
	}
	return marks
}

// markNames lists what the names stand for to which edges and tests lead.
func (w *work) markNames(o Observation) map[Ref][]Mark {
	named := map[Ref][]Mark{}
	mark := func(raw Ref) {
		it := w.byRaw[raw]
		if it == nil || it.held || it.flawed || named[raw] != nil {
			return
		}
		k, known := w.names[aliasID(openLineage(it.ref))]
		if known && k.alias.AssetID == it.entry.asset.ID {
			named[raw] = []Mark{
				{store.Assets.Kind(), it.entry.asset.ID, written(it.entry.asset.Meta, it.entry.dirty)},
				{store.Aliases.Kind(), k.alias.ID, written(k.alias.Meta, k.dirty)},
			}
		}
	}
	for _, ref := range o.Refs {
		mark(ref)
	}
	for _, q := range o.Quality {
		mark(q.Asset)
	}
	return named
}

// written is the revision of a record once the writes are made.
func written(m model.Meta, dirty bool) model.Revision {
	if dirty {
		return m.Revision + 1
	}
	return m.Revision
}

// observeRules compares the quality rules with those that are known.
func (w *work) observeRules(ctx context.Context, seen []SeenQuality, r *Result) error {
	shown := map[model.ID]model.QualityRule{}
	r.Tests = make([]Mark, len(seen))
	for i, q := range seen {
		it := w.byRaw[q.Asset]
		if it == nil {
			continue // its name was refused, and a note says so
		}
		rule := q.Rule
		rule.Meta = model.Meta{ID: ruleID(w.source.ID, rule.Scope, rule.Key)}
		rule.SourceID, rule.AssetID = w.source.ID, it.entry.asset.ID
		rule.Field = it.entry.asset.FieldName(rule.Field)
		shown[rule.ID] = rule
		r.Tests[i] = Mark{Kind: store.QualityRules.Kind(), ID: rule.ID}
	}
	r.Rules = slices.Sorted(maps.Keys(shown))
	before := map[model.ID]model.QualityRule{}
	for part := range slices.Chunk(r.Rules, chunkSize) {
		rules, err := store.QualityRules.GetMany(ctx, w.store, part...)
		if err != nil {
			return err
		}
		for _, rule := range rules {
			before[rule.ID] = rule
		}
	}
	revisions := map[model.ID]model.Revision{}
	for _, id := range r.Rules {
		rule, old := shown[id], before[id]
		revisions[id] = old.Revision
		if rule.Meta = old.Meta; old.ID == "" {
			rule.ID = id
		}
		if old.ID == "" || !sameRule(rule, old) {
			r.Writes = append(r.Writes, store.QualityRules.Put(rule))
			w.assets[rule.AssetID].tested = true
			revisions[id]++
		}
	}
	for i, mark := range r.Tests {
		r.Tests[i].Revision = revisions[mark.ID]
	}
	w.countTested(r)
	return nil
}

// countTested counts the assets of which only a rule or its result is new.
func (w *work) countTested(r *Result) {
	for _, e := range w.made {
		if !e.tested || e.created || e.dirty || e.named {
			continue
		}
		r.Updated++
		r.Changed = append(r.Changed, Ref{e.asset.Namespace, e.asset.Name})
		if e.shown {
			r.Unchanged--
		} else {
			r.Tested[e.asset.ID] = true
		}
	}
}

// sameRule compares two rules as the store would keep them.
func sameRule(a, b model.QualityRule) bool {
	x, err := json.Marshal(a)
	y, other := json.Marshal(b)
	return err == nil && other == nil && string(x) == string(y)
}
