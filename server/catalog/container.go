package catalog

import (
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// This file owns what holds other assets: databases, schemas, folders and
// buckets. Their names lack parts that the names of tables have, so that they
// are met by their very name or not at all.

// parent finds or makes the item of what holds another.
func (w *work) parent(ref Ref) *item {
	if ref == (Ref{}) {
		return nil
	}
	it := w.item(ref)
	if it != nil {
		it.holds = true
	}
	return it
}

// yieldContainers takes what a source shows of another domain's container for a
// mention of it: who reads a part of a database does not claim the whole.
func (w *work) yieldContainers() {
	for _, it := range w.items {
		if it.holds && w.foreign(it) {
			it.shown.Reference, it.shown.Rank = true, model.RankReference
		}
	}
}

// holds goes by what is settled, and of what is new by what is shown: another
// source's word alone makes no container of a table.
func (e *entry) holds() bool {
	if e.asset.Kind != "" {
		return e.asset.Kind.Holds()
	}
	return slices.ContainsFunc(e.asset.Sightings, func(s model.Sighting) bool { return s.Kind.Holds() })
}

// means reports whether the item may be an asset that goes by its name. The
// name of a table that lacks its database may be that of a container, too.
func (it *item) means(e *entry) bool { return it.holds || complete(it.ref) || !e.holds() }

// container gives the container that goes by the item's name, where nothing
// else does.
func (w *work) container(it *item) *entry {
	if e := w.named(openLineage(it.ref)); e != nil && !it.means(e) {
		return e
	}
	return nil
}

// settleParents says of everything that was shown what holds it, once all of it
// has been identified.
func (w *work) settleParents() {
	for _, it := range w.items {
		if !it.speaks {
			continue
		}
		var parent model.ID
		if it.parent != nil && it.parent.entry != it.entry {
			parent = it.parent.entry.asset.ID
		}
		i := slices.IndexFunc(it.entry.asset.Sightings, func(s model.Sighting) bool { return s.SourceID == w.source.ID })
		if s := &it.entry.asset.Sightings[i]; s.ParentID != parent {
			s.ParentID, it.entry.dirty = parent, true
		}
	}
}
