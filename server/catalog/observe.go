package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// chunkSize is how many records one read asks for.
const chunkSize = 500

// Observe compares what a source shows with what is known and gives the writes
// that make up the difference: none when nothing has changed. It asks no
// policy, since whoever runs a harvest has been asked already, and it keeps
// nothing, so a caller whose writes meet a Conflict just observes again.
func (s *Service) Observe(ctx context.Context, o Observation) (Result, error) {
	w := &work{
		store: s.store, source: o.Source, byRef: map[Ref]*item{}, byRaw: map[Ref]*item{},
		names: map[model.ID]*knownName{}, assets: map[model.ID]*entry{}, groups: map[group][]*knownName{}, notes: notes{}, owners: ownership{},
	}
	w.collect(o)
	if err := w.loadNames(ctx); err != nil {
		return Result{}, err
	}
	if err := w.loadOwners(ctx); err != nil {
		return Result{}, err
	}
	w.yieldContainers()
	w.meetByStableID(o)
	w.meetExactly()
	if err := w.loadGroups(ctx); err != nil {
		return Result{}, err
	}
	if err := w.loadOwners(ctx); err != nil {
		return Result{}, err
	}
	w.meetTheRest()
	w.settleParents()
	w.settleOwners()
	r := w.result(s.now())
	r.Named = w.markNames(o)
	err := w.observeRules(ctx, o.Quality, &r)
	r.Notes = w.notes.list()
	return r, err
}

// work is one observation on its way to a result.
type work struct {
	store  store.Store
	source model.Source
	items  []*item
	byRef  map[Ref]*item // by canonical name
	byRaw  map[Ref]*item // by the name as given
	names  map[model.ID]*knownName
	order  []*knownName // names in the order that they came up
	assets map[model.ID]*entry
	made   []*entry // assets in the order that they came up
	groups map[group][]*knownName
	notes  notes
	owners ownership
}

// item is one asset of the observation under its canonical name.
type item struct {
	ref     Ref
	shown   *model.Sighting // nil when the name is only mentioned
	aliases []Name
	entry   *entry
	parent  *item  // of what is shown
	holds   bool   // it is somebody's parent, or shown as what holds others
	times   int    // how often it was shown
	flawed  bool   // its name was, as a note says
	speaks  bool   // what is shown has become the source's sighting
	held    bool   // who it is will be known later: see Result.Held
	not     *entry // the asset that goes by its name and is another object of the source
}

// rank orders the items: who knows best speaks first.
func (it *item) rank() int {
	if it.shown == nil {
		return math.MaxInt
	}
	return it.shown.Rank
}

// holder reports whether the item comes from the system that holds the asset,
// which lists everything once and under its true name.
func (it *item) holder() bool { return it.shown != nil && it.shown.Rank <= model.RankHolder }

// entry is an asset at work.
type entry struct {
	asset   model.Asset
	created bool
	dirty   bool
	named   bool // it got a name in this observation, which changes no asset
	shown   bool // this observation shows it
	tested  bool // a quality rule of it, or its result, is new
}

// knownName is a name at work.
type knownName struct {
	alias model.Alias
	dirty bool
}

// collect brings the observation into canonical names, each once, and in an
// order that does not depend on the order in which they were found.
func (w *work) collect(o Observation) {
	for _, seen := range o.Assets {
		if it := w.item(seen.Ref); it != nil {
			it.show(w.sighting(seen.Sighting), w.parent(seen.Parent))
			it.aliases = append(it.aliases, w.others(seen)...)
		}
	}
	for _, ref := range o.Refs {
		w.item(ref)
	}
	for _, q := range o.Quality {
		w.item(q.Asset)
	}
	slices.SortStableFunc(w.items, func(a, b *item) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.ref.Namespace, b.ref.Namespace), cmp.Compare(a.ref.Name, b.ref.Name))
	})
}

// item finds or makes the item of a name; a refused name has none.
func (w *work) item(raw Ref) *item {
	if it, known := w.byRaw[raw]; known {
		return it
	}
	ref, f := canonical(w.source.ID, raw)
	w.notes.flaw(f, ref)
	if f.refuses() {
		w.byRaw[raw] = nil
		return nil
	}
	it, known := w.byRef[ref]
	if !known {
		it = &item{ref: ref}
		w.byRef[ref] = it
		w.items = append(w.items, it)
	}
	it.flawed = it.flawed || f != flawless
	w.byRaw[raw] = it
	return it
}

// show keeps the better of two sightings of one asset.
func (it *item) show(s model.Sighting, parent *item) {
	it.times++
	if it.shown == nil || s.Rank < it.shown.Rank {
		it.shown, it.parent = &s, parent
		it.holds = it.holds || s.Kind.Holds()
	}
}

func (w *work) sighting(s model.Sighting) model.Sighting {
	s.SourceID, s.DomainID = w.source.ID, cmp.Or(s.DomainID, w.source.DomainID)
	return s
}

// others gives the further names of an asset, without those that no name may be.
func (w *work) others(seen Seen) []Name {
	var names []Name
	for _, n := range seen.Aliases {
		if n.Scheme == model.SchemeSource {
			continue // is ours to give
		}
		ref, f := Ref{norm.NFC.String(n.Namespace), norm.NFC.String(n.Name)}, flawIn(n.Namespace, n.Name)
		if n.Scheme == model.SchemeOpenLineage {
			ref, f = canonical(w.source.ID, Ref{n.Namespace, n.Name})
		}
		w.notes.flaw(f, ref)
		if n = (Name{n.Scheme, ref.Namespace, ref.Name}); !f.refuses() && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// sameFacts compares two sightings as the store would keep them.
func sameFacts(a, b model.Sighting) bool {
	x, err := json.Marshal(a)
	y, other := json.Marshal(b)
	return err == nil && other == nil && string(x) == string(y)
}
