package catalog

import (
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// meetExactly gives every item the asset that already goes by its very name.
func (w *work) meetExactly() {
	for _, it := range w.items {
		if it.entry != nil {
			continue
		}
		if e := w.named(openLineage(it.ref)); e != nil && it.means(e) && (it.fits(e) || w.foreign(it)) {
			w.identify(it, e)
		} else if e := w.byPlainName(it); e != nil {
			w.identify(it, e)
		}
	}
}

// meetTheRest tries what else may tell who an item is, the surest first. Where
// two assets could be meant, none is: the item becomes a new one, and a note
// says so, because a wrong merge is worse than a duplicate.
func (w *work) meetTheRest() {
	rivals := w.countRivals()
	for _, it := range w.items {
		if it.entry != nil {
			continue
		}
		e := w.byOtherNames(it)
		if e == nil {
			e = w.byFolding(it, rivals)
		}
		if e == nil {
			e = w.byCompletion(it, rivals)
		}
		if e == nil {
			e = w.container(it)
		}
		if e == nil {
			e = w.newAsset(it)
		}
		w.identify(it, e)
	}
}

// fits reports whether the item may be the asset at all. A holder that shows
// two names has two tables, however alike the names are.
func (it *item) fits(e *entry) bool {
	if e == it.not {
		return false
	}
	return !it.holder() || !heldAs(e.asset, it.ref.Namespace) || e.asset.Name == it.ref.Name
}

// heldAs reports whether a holder shows the asset under a name of the namespace.
func heldAs(a model.Asset, namespace string) bool {
	return a.Namespace == namespace && slices.ContainsFunc(a.Sightings, func(s model.Sighting) bool { return s.Rank <= model.RankHolder })
}

// byOtherNames follows the names in other schemes that the source gives.
func (w *work) byOtherNames(it *item) *entry {
	var found []*entry
	for _, n := range it.aliases {
		e := w.named(n)
		if e == nil || !it.fits(e) || w.apart(it, e) || slices.Contains(found, e) {
			continue
		}
		if n.Scheme != model.SchemeOpenLineage && !w.follows(it, n, e) {
			continue
		}
		found = append(found, e)
	}
	return w.only(it, found)
}

// follows reports whether a name in a tool's own scheme may lead the item to
// the asset. It says nothing of the server: one project that is built on two of
// them has two tables of one name. On one server it tells that a table has
// moved, but only to the source that had named it, and only while no database
// shows the asset under its old name.
func (w *work) follows(it *item, n Name, e *entry) bool {
	if e.asset.Namespace != it.ref.Namespace {
		return false
	}
	return maySpell(it.ref, e.asset.Name) || w.names[aliasID(n)].alias.SourceID == w.source.ID && !heldAs(e.asset, it.ref.Namespace)
}

// byPlainName finds the asset that the same source had shown before names kept
// their quotes: "a.b" of c and b of "c.a" had been one name then, so the last
// part has to be the same.
func (w *work) byPlainName(it *item) *entry {
	plain, quoted := plainName(it.ref)
	if !quoted || it.shown == nil {
		return nil
	}
	e := w.named(openLineage(plain))
	if e == nil || e.shown || e.asset.Namespace != plain.Namespace || e.asset.Name != plain.Name {
		return nil
	}
	same := func(s model.Sighting) bool {
		return s.SourceID == w.source.ID && s.Scope == it.shown.Scope && s.ShortName == it.shown.ShortName
	}
	if !slices.ContainsFunc(e.asset.Sightings, same) {
		return nil
	}
	return e
}

// plainName is the name without the quotes of its parts.
func plainName(ref Ref) (Ref, bool) {
	plain := strings.Join(model.NameParts(ref.Name), ".")
	return Ref{ref.Namespace, plain}, plain != ref.Name
}

// maySpell reports whether the name may be another spelling of the item's.
func maySpell(ref Ref, name string) bool {
	a, b := folded(ref.Namespace, ref.Name), folded(ref.Namespace, name)
	return a == b || a == tail(b) || tail(a) == b
}

// byFolding finds the one asset whose name differs in case only.
func (w *work) byFolding(it *item, r rivalCounts) *entry {
	if platformOf(it.ref.Namespace).fold == caseCounts {
		return nil
	}
	key := foldedGroup(it.ref)
	if it.holder() && r.spellings[key] > 1 {
		return nil // the holder itself has two of them
	}
	e := w.only(it, w.entries(key, anyName))
	if e == nil || !it.fits(e) || !it.means(e) {
		return nil
	}
	return e
}

// byCompletion finds the one asset whose name has a database before the
// item's, or whose name lacks the database that the item's has.
func (w *work) byCompletion(it *item, r rivalCounts) *entry {
	if it.holds {
		return nil
	}
	switch missing(it.ref) {
	case 1:
		return w.only(it, w.entries(tailGroup(it.ref.Namespace, folded(it.ref.Namespace, it.ref.Name)), completeName))
	case 0:
		rest := tail(folded(it.ref.Namespace, it.ref.Name))
		key := tailGroup(it.ref.Namespace, rest)
		if rest == "" || r.databases[key] > 1 || len(w.entries(key, completeName)) > 0 {
			return nil
		}
		key.tail = false
		if e := w.only(it, w.entries(key, anyName)); e != nil && !e.holds() && !complete(Ref{e.asset.Namespace, e.asset.Name}) {
			return e
		}
	}
	return nil
}

// only gives the one candidate. Those that are retired count when there is no other.
func (w *work) only(it *item, candidates []*entry) *entry {
	alive := slices.DeleteFunc(slices.Clone(candidates), func(e *entry) bool { return e.asset.Status == model.AssetRetired })
	if len(alive) > 0 {
		candidates = alive
	}
	switch len(candidates) {
	case 0:
		return nil
	case 1:
		return candidates[0]
	}
	w.notes.add(model.RunNote{Level: "warn", Code: "catalog.possible_duplicate", Title: "A name may mean one of several assets and was given a new one."}, it.ref.Name)
	return nil
}

// rivalCounts counts what one observation shows beside each other.
type rivalCounts struct {
	spellings map[group]int // names by a holder that differ in case only
	databases map[group]int // complete names that differ in the database only
}

func (w *work) countRivals() rivalCounts {
	r := rivalCounts{spellings: map[group]int{}, databases: map[group]int{}}
	counted := map[Ref]bool{}
	for _, it := range w.items {
		name := folded(it.ref.Namespace, it.ref.Name)
		if it.holder() {
			r.spellings[foldedGroup(it.ref)]++
		}
		if full := (Ref{it.ref.Namespace, name}); complete(it.ref) && !counted[full] {
			counted[full] = true
			r.databases[tailGroup(it.ref.Namespace, tail(name))]++
		}
	}
	return r
}

// identify makes the item and the asset one: the asset gets the names and the sighting.
func (w *work) identify(it *item, e *entry) {
	it.entry = e
	foreign := w.foreign(it)
	w.name(openLineage(it.ref), e, !foreign)
	for _, n := range it.aliases {
		if !foreign {
			w.name(n, e, false)
		}
	}
	if it.shown != nil && !e.shown {
		w.nameOwn(it, e)
		e.show(*it.shown)
		it.speaks = true
	}
	if !foreign && !w.moves(it, e) {
		e.rename(it)
	}
	e.shown = e.shown || it.shown != nil
}

// show puts the source's sighting in the place of its last one.
func (e *entry) show(s model.Sighting) {
	i := slices.IndexFunc(e.asset.Sightings, func(o model.Sighting) bool { return o.SourceID == s.SourceID })
	if i >= 0 {
		s.ParentID = e.asset.Sightings[i].ParentID // until settleParents
	}
	switch {
	case i < 0:
		e.asset.Sightings, e.dirty = append(e.asset.Sightings, s), true
	case !sameFacts(e.asset.Sightings[i], s):
		e.asset.Sightings[i], e.dirty = s, true
	case e.asset.Outdated():
		e.dirty = true
	}
}

// rename lets the asset be known by the most complete name, and among equals by
// the name that the best source gives it.
func (e *entry) rename(it *item) {
	now := Ref{e.asset.Namespace, e.asset.Name}
	if now == it.ref || e.shown && it.shown != nil {
		return
	}
	lack, lacked := max(0, missing(it.ref)), max(0, missing(now))
	if lack < lacked || lack == lacked && it.shown != nil && e.best(*it.shown) {
		e.asset.Namespace, e.asset.Name, e.asset.Platform, e.dirty = it.ref.Namespace, it.ref.Name, platformName(it.ref.Namespace), true
	}
}

// moves reports whether the item's name would carry the asset of another domain
// off to another owner.
func (w *work) moves(it *item, e *entry) bool {
	owner := e.asset.DomainID
	return owner != "" && owner != w.source.DomainID && w.owners.of(it.ref) != owner
}

// best reports whether no other source ranks before the sighting's.
func (e *entry) best(s model.Sighting) bool {
	return !slices.ContainsFunc(e.asset.Sightings, func(o model.Sighting) bool {
		return o.Rank < s.Rank || o.Rank == s.Rank && o.SourceID < s.SourceID
	})
}

// name lets the asset go by the name. Its own name is taken from whoever had
// it; another name is taken only from where the same source had put it.
func (w *work) name(n Name, e *entry, own bool) {
	id := aliasID(n)
	k, exists := w.names[id]
	if !exists {
		k = &knownName{alias: model.Alias{
			Meta: model.Meta{ID: id}, Scheme: n.Scheme, Namespace: n.Namespace, Name: n.Name, Folded: n.Name, SourceID: w.source.ID,
		}}
		if n.Scheme == model.SchemeOpenLineage {
			k.alias.Folded = folded(n.Namespace, n.Name)
		}
		w.learn(k)
	}
	if k.alias.AssetID == e.asset.ID {
		return
	}
	before := w.assets[k.alias.AssetID]
	if before != nil && before.holds() && k.is(before.asset) && !e.holds() {
		return // what is in a container may be called by the same name, and the container keeps it
	}
	if before != nil && !own && !w.mayMove(k, before.asset) {
		w.notes.add(conflictOf(n), n.Name)
		return
	}
	if exists && k.alias.SourceID != w.source.ID && n.Scheme != model.SchemeOpenLineage {
		k.alias.SourceID = w.source.ID // who had given the name shows its asset no longer
	}
	k.alias.AssetID, k.dirty, e.named = e.asset.ID, true, true
}

// mayMove reports whether the source may take the name to another asset: from
// where it had put it itself, or from what is gone.
func (w *work) mayMove(k *knownName, before model.Asset) bool {
	return !k.is(before) && (k.alias.SourceID == w.source.ID || before.Status == model.AssetRetired)
}

func conflictOf(n Name) model.RunNote {
	if n.Scheme != model.SchemeOpenLineage {
		return model.RunNote{
			Level: "warn", Code: "catalog.same_name_elsewhere",
			Title: "Another source shows the same project on another server, or in another database or schema: what it builds there stays an asset of its own, and the project's names lead to what was shown first.",
		}
	}
	return model.RunNote{Level: "warn", Code: "catalog.alias_conflict", Title: "A name already leads to another asset and was left there."}
}

// is reports whether the alias is the name that the asset is known by.
func (k *knownName) is(a model.Asset) bool {
	return k.alias.Scheme == model.SchemeOpenLineage && k.alias.Namespace == a.Namespace && k.alias.Name == a.Name
}

// newAsset makes the asset of an item that is like no other.
func (w *work) newAsset(it *item) *entry {
	e := &entry{created: true, dirty: true, asset: model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: it.ref.Namespace, Name: it.ref.Name,
		ShortName: shortName(it.ref), Platform: platformName(it.ref.Namespace),
	}}
	if it.holds {
		e.asset.Kind = model.KindFolder // until a source shows what it is
	}
	w.assets[e.asset.ID] = e
	w.made = append(w.made, e)
	return e
}
