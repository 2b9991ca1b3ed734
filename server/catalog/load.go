package catalog

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// group is a set of names that are alike: the same when folded, or the same
// but for the database.
type group struct {
	tail      bool
	namespace string
	text      string
}

func foldedGroup(ref Ref) group {
	return group{namespace: ref.Namespace, text: folded(ref.Namespace, ref.Name)}
}

func tailGroup(namespace, text string) group {
	return group{tail: true, namespace: namespace, text: text}
}

// loadNames reads the names that the items have, and the assets behind them.
func (w *work) loadNames(ctx context.Context) error {
	var ids []model.ID
	for _, it := range w.items {
		ids = append(ids, aliasID(openLineage(it.ref)))
		if plain, quoted := plainName(it.ref); quoted {
			ids = append(ids, aliasID(openLineage(plain)))
		}
		if own, ok := w.ownName(it); ok {
			ids = append(ids, aliasID(own))
		}
		for _, n := range it.aliases {
			ids = append(ids, aliasID(n))
		}
	}
	for part := range slices.Chunk(unique(ids), chunkSize) {
		aliases, err := store.Aliases.GetMany(ctx, w.store, part...)
		if err != nil {
			return err
		}
		w.learnAll(aliases)
	}
	return w.loadAssets(ctx)
}

// loadOwners reads to whom the names that have come up so far belong.
func (w *work) loadOwners(ctx context.Context) error {
	for _, it := range w.items {
		if err := w.owners.load(ctx, w.store, it.ref.Namespace); err != nil {
			return err
		}
	}
	for _, e := range w.made {
		if err := w.owners.load(ctx, w.store, e.asset.Namespace); err != nil {
			return err
		}
	}
	return nil
}

// loadGroups reads the names that are like those of the items that no asset
// has met yet, and the assets behind them.
func (w *work) loadGroups(ctx context.Context) error {
	wanted := map[bool]map[string][]store.Value{false: {}, true: {}}
	want := func(g group) { wanted[g.tail][g.namespace] = append(wanted[g.tail][g.namespace], g.text) }
	for _, it := range w.items {
		if it.entry == nil {
			wantLike(it.ref, want)
		}
	}
	for namespace, texts := range wanted[false] {
		if err := w.find(ctx, store.Query{Index: "by_folded"}, namespace, "folded", texts); err != nil {
			return err
		}
	}
	for namespace, texts := range wanted[true] {
		if err := w.find(ctx, store.Query{Index: "by_tail"}, namespace, "tail", texts); err != nil {
			return err
		}
	}
	return w.loadAssets(ctx)
}

// wantLike names the groups in which an item may find its asset.
func wantLike(ref Ref, want func(group)) {
	p := platformOf(ref.Namespace)
	if p.fold != caseCounts {
		want(foldedGroup(ref))
		want(group{namespace: ref.Namespace, text: foldedBefore(ref.Namespace, ref.Name)})
	}
	if p.parts == 0 {
		return
	}
	name := folded(ref.Namespace, ref.Name)
	switch missing(ref) {
	case 1:
		want(tailGroup(ref.Namespace, name))
	case 0:
		if rest := tail(name); rest != "" {
			want(tailGroup(ref.Namespace, rest))
			want(group{namespace: ref.Namespace, text: rest})
		}
	}
}

func (w *work) find(ctx context.Context, q store.Query, namespace string, path store.Path, texts []store.Value) error {
	slices.SortFunc(texts, store.Compare)
	for part := range slices.Chunk(slices.Compact(texts), store.MaxIn) {
		q.Where, q.Limit = store.And(store.Eq("namespace", namespace), store.In(path, part...)), store.MaxPage
		for a, err := range store.Aliases.All(ctx, w.store, q) {
			if err != nil {
				return err
			}
			w.learnAll([]model.Alias{a})
		}
	}
	return nil
}

func (w *work) learnAll(aliases []model.Alias) {
	for _, a := range aliases {
		if _, have := w.names[a.ID]; !have {
			w.learn(&knownName{alias: a})
		}
	}
}

// learn remembers a name, also by what it is like.
func (w *work) learn(k *knownName) {
	w.names[k.alias.ID] = k
	w.order = append(w.order, k)
	if k.alias.Scheme != model.SchemeOpenLineage {
		return
	}
	if now := folded(k.alias.Namespace, k.alias.Name); k.alias.Folded != now {
		k.alias.Folded, k.dirty = now, true // an older program folded it otherwise
	}
	like := []group{{namespace: k.alias.Namespace, text: k.alias.Folded}}
	if rest := tail(k.alias.Folded); rest != "" {
		like = append(like, tailGroup(k.alias.Namespace, rest))
	}
	for _, g := range like {
		w.groups[g] = append(w.groups[g], k)
	}
}

// loadAssets reads the assets of all names that have come up so far.
func (w *work) loadAssets(ctx context.Context) error {
	var ids []model.ID
	for _, k := range w.order {
		if _, loaded := w.assets[k.alias.AssetID]; !loaded {
			ids = append(ids, k.alias.AssetID)
		}
	}
	for part := range slices.Chunk(unique(ids), chunkSize) {
		assets, err := store.Assets.GetMany(ctx, w.store, part...)
		if err != nil {
			return err
		}
		for _, a := range assets {
			e := &entry{asset: a}
			w.assets[a.ID] = e
			w.made = append(w.made, e)
		}
	}
	return nil
}

// named gives the asset that goes by the name, or nil.
func (w *work) named(n Name) *entry {
	if k, exists := w.names[aliasID(n)]; exists {
		return w.assets[k.alias.AssetID]
	}
	return nil
}

func anyName(*knownName) bool { return true }

func completeName(k *knownName) bool { return missing(Ref{k.alias.Namespace, k.alias.Name}) == 0 }

// entries lists the assets behind the names of a group, each once.
func (w *work) entries(g group, accept func(*knownName) bool) []*entry {
	var found []*entry
	for _, k := range w.groups[g] {
		if e := w.assets[k.alias.AssetID]; e != nil && accept(k) && !slices.Contains(found, e) {
			found = append(found, e)
		}
	}
	return found
}

func unique(ids []model.ID) []model.ID {
	slices.Sort(ids)
	return slices.Compact(ids)
}
