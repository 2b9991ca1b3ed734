package catalog

import (
	"cmp"
	"slices"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-mesh/souk/graph/model"
)

// This file owns what a source's own ids tell: that a name of today and another
// one of yesterday are one asset's.
//
// An id is heard only against what the same source has said before. Where it
// contradicts the name, neither may be right: a table that is made anew under
// its name has another id and is the same to all who use it, and a table that
// took the name of another which lives on is not. So whatever contradicts is
// held until the source has shown everything, and then it is known which
// objects are still there.

// ownName is the source's own id of an item as a name.
func (w *work) ownName(it *item) (Name, bool) {
	id := norm.NFC.String(it.stableID())
	return Name{model.SchemeSource, string(w.source.ID), id}, id != ""
}

// nameOwn lets the source's own id lead to the asset, for the day when its name
// has changed. An id that has changed hands goes along, and one that still is
// another's stays there.
func (w *work) nameOwn(it *item, e *entry) {
	own, ok := w.ownName(it)
	if !ok || w.foreign(it) {
		return
	}
	if before := w.named(own); before != nil && before != e && !w.contradicts(it, before) && w.stableOf(before) != nil {
		return
	}
	named := e.named
	w.name(own, e, true)
	e.named = named // is no news to anybody
}

// stableID is the source's own id of an item that it holds or builds, or "".
func (it *item) stableID() string {
	if it.shown == nil || !it.shown.Claims() {
		return ""
	}
	return it.shown.StableID
}

// stableOf is what this source said of the asset before, where it holds or builds it.
func (w *work) stableOf(e *entry) *model.Sighting {
	i := slices.IndexFunc(e.asset.Sightings, func(s model.Sighting) bool { return s.SourceID == w.source.ID && s.Claims() })
	if i < 0 {
		return nil
	}
	return &e.asset.Sightings[i]
}

// contradicts reports an asset that the source showed before under another id
// than the item's. One without an id was shown by an older plugin.
func (w *work) contradicts(it *item, e *entry) bool {
	s := w.stableOf(e)
	return s != nil && s.StableID != "" && s.StableID != it.stableID()
}

// meeting is what an item's name and its id say.
type meeting struct {
	*item

	byName *entry // the asset that goes by the item's name
	byID   *entry // the one that the source showed under the item's id
	former string // the id under which it showed byName, where that is another
}

// meetByStableID gives items the assets that the source's own ids lead to.
func (w *work) meetByStableID(o Observation) {
	var unclear []meeting
	alive := map[string]int{}
	for _, it := range w.items {
		if it.stableID() == "" || w.foreign(it) {
			continue
		}
		alive[it.stableID()]++
		m := w.meeting(it)
		switch {
		case m.byID == nil && m.former == "": // nobody was shown under this name or this id before
		case m.byID == m.byName && !w.isAgain(m, o):
			w.identify(it, m.byID)
		default:
			unclear = append(unclear, m)
		}
	}
	for _, m := range unclear {
		if o.Last {
			w.decide(m, alive, o)
		} else {
			w.hold(m)
		}
	}
}

// meeting asks for the assets. What the source has shown without an id, its name tells.
func (w *work) meeting(it *item) meeting {
	m := meeting{item: it, byName: w.named(openLineage(it.ref))}
	if m.byName != nil && !it.means(m.byName) {
		m.byName = nil
	}
	if m.byName != nil {
		before := w.stableOf(m.byName)
		switch {
		case before != nil && before.StableID == it.stableID():
			m.byID = m.byName
			return m
		case before != nil && before.StableID == "":
			return m
		case before != nil:
			m.former = before.StableID
		}
	}
	own, _ := w.ownName(it)
	if e := w.named(own); e != nil && w.stableOf(e) != nil && !w.contradicts(it, e) && !w.apart(it, e) && e.holds() == it.holds {
		m.byID = e
	}
	return m
}

// isAgain reports an item that was held before, or whose asset the harvest has
// shown under its other name already.
func (w *work) isAgain(m meeting, o Observation) bool {
	return (Ref{m.byID.asset.Namespace, m.byID.asset.Name}) != m.ref && (o.Last || w.shownElsewhere(m, o))
}

// hold puts the item off. What names it leads in the meantime to where it will
// most likely be, so that no asset is made of a mere mention.
func (w *work) hold(m meeting) {
	m.held, m.shown, m.entry = true, nil, cmp.Or(m.byName, m.byID)
	if w.named(openLineage(m.ref)) == nil {
		named := m.byID.named
		w.name(openLineage(m.ref), m.byID, false)
		m.byID.named = named // counts when it is decided
	}
}

// decide says who an item is whose name and id contradict each other, when all
// has been shown: alive counts the objects whose ids contradict.
func (w *work) decide(m meeting, alive map[string]int, o Observation) {
	switch {
	case alive[m.stableID()] > 1 || m.byID != nil && w.shownElsewhere(m, o):
		w.notes.add(model.RunNote{
			Level: "warn", Code: "catalog.stable_id_twice",
			Title: "The source gives one id of its own to two objects, so that these were told apart by their names alone.",
		}, m.ref.Name)
		if m.byName == m.byID {
			m.not = m.byID
		}
	case m.former != "" && alive[m.former] == 0:
		w.replaced(m) // goes on by its name
	case m.byID != nil:
		w.renamed(m)
	default:
		m.not = m.byName // which lives on under another name
	}
}

// shownElsewhere reports an asset that the harvest has shown already as another object.
func (w *work) shownElsewhere(m meeting, o Observation) bool {
	return m.byID.shown || o.Shown != nil && o.Shown(m.byID.asset.ID)
}

// replaced notes an object that stands where another one stood that is gone.
func (w *work) replaced(m meeting) {
	if m.byID == nil {
		return // was made anew, as many tools do every night
	}
	w.notes.add(model.RunNote{
		Level: "info", Code: "catalog.replaced",
		Title: "An object has taken the name of one that is gone. The name decides: who uses the asset of this name goes on with it.",
	}, m.byID.asset.Name+" -> "+m.ref.Name)
}

// renamed gives the item the asset that has another name until now. A name that
// was only mentioned so far is no asset of its own any more.
func (w *work) renamed(m meeting) {
	w.notes.add(model.RunNote{
		Level: "info", Code: "catalog.renamed",
		Title: "The source shows assets under another name than before. Each is still the same asset, and both names lead to it.",
	}, m.byID.asset.Name+" -> "+m.ref.Name)
	if n := m.byName; n != nil && n != m.byID && len(n.asset.Sightings) == 0 && n.asset.Status == model.AssetUnresolved {
		n.asset.Status, n.dirty = model.AssetActive, true // until now, so that it settles as gone
	}
	w.identify(m.item, m.byID)
}
