package catalog

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// listBudget is how many rows a list of assets may look at for one page: a
// filter by several facts has an index for one of them only.
const listBudget = 1_000_000

// Asset returns one asset. One that the viewer may not see is not found.
func (s *Service) Asset(ctx context.Context, id model.ID) (model.Asset, error) {
	return s.asset(ctx, s.gate.Session(), id)
}

func (s *Service) asset(ctx context.Context, in *gate.Session, id model.ID) (model.Asset, error) {
	a, _, err := gate.See(ctx, in, store.Assets, id, s.gate.Asset)
	return a, err
}

// AssetsByID returns those of the assets that exist and that the viewer may
// see, in the order of the ids.
func (s *Service) AssetsByID(ctx context.Context, ids ...model.ID) ([]model.Asset, error) {
	return s.assetsByID(ctx, s.gate.Session(), ids...)
}

func (s *Service) assetsByID(ctx context.Context, in *gate.Session, ids ...model.ID) ([]model.Asset, error) {
	var visible []model.Asset
	for part := range slices.Chunk(ids, chunkSize) {
		assets, err := gate.SeeMany(ctx, in, store.Assets, s.gate.Assets, part...)
		if err != nil {
			return nil, err
		}
		visible = append(visible, assets...)
	}
	return visible, nil
}

// AssetByName returns the asset that goes by the name: an OpenLineage pair in
// any spelling of its namespace, a name in another scheme, or a spelling that
// differs in case where the platform does not tell them apart.
func (s *Service) AssetByName(ctx context.Context, namespace, name string) (model.Asset, error) {
	if namespace == "" || name == "" {
		return model.Asset{}, model.Invalid("name", "an asset is found by a namespace and a name", "give both, such as postgres://db.example:5432 and shop.public.orders")
	}
	ids, err := s.byName(ctx, namespace, name)
	if err != nil {
		return model.Asset{}, err
	}
	if len(ids) == 0 {
		ids = []model.ID{nothing} // takes what an asset takes that is hidden
	}
	in := s.gate.Session()
	for _, id := range ids {
		if a, err := s.asset(ctx, in, id); !model.Is(err, model.KindNotFound) {
			return a, err
		}
	}
	return model.Asset{}, &model.Error{
		Kind: model.KindNotFound, Message: "no asset goes by this name",
		Hint: "look for it with search; a name is complete with its database and schema",
	}
}

// nothing is the id of an asset that there is none of.
const nothing = model.ID(model.PrefixAsset) + "_0"

// byName gives the assets that a name may mean, the surest first; of folded
// spellings it follows one only when there is no other. It reads the same
// whether there is one of the name or none.
func (s *Service) byName(ctx context.Context, namespace, name string) ([]model.ID, error) {
	ref, f := canonical("", Ref{namespace, name})
	if f.refuses() || f == hostUnknown {
		return nil, nil
	}
	return s.named(ctx, ref, namespace, name)
}

// callEach notes the assets that the source means by the names, which may be names
// that are its alone. Names that are spelled as they are known are read together;
// another spelling is looked up by itself.
func (s *Service) callEach(ctx context.Context, source model.ID, raws []Ref, named map[model.ID]bool) error {
	var spelled []model.ID
	left := map[model.ID]Ref{} // names by what they go by, until it is found
	for _, raw := range raws {
		if ref, f := canonical(source, raw); !f.refuses() {
			at := aliasID(openLineage(ref))
			spelled, left[at] = append(spelled, at), raw
		}
	}
	exact, err := store.Aliases.GetMany(ctx, s.store, spelled...)
	if err != nil {
		return err
	}
	for _, a := range exact {
		named[model.ID(strings.Clone(string(a.AssetID)))] = true // and not the rest of the document
		delete(left, a.ID)
	}
	for _, at := range slices.Sorted(maps.Keys(left)) {
		ref, _ := canonical(source, left[at])
		ids, err := s.named(ctx, ref, left[at].Namespace, left[at].Name)
		if err != nil {
			return err
		}
		for _, id := range ids {
			named[id] = true
		}
	}
	return nil
}

func (s *Service) named(ctx context.Context, ref Ref, namespace, name string) ([]model.ID, error) {
	exact, err := store.Aliases.GetMany(ctx, s.store, aliasID(openLineage(ref)), aliasID(Name{model.SchemeDBT, namespace, name}))
	if err != nil || platformOf(ref.Namespace).fold == caseCounts {
		return owners(exact), err
	}
	alike, err := store.Aliases.Find(ctx, s.store, store.Query{Index: "by_folded", Limit: store.MaxPage, Where: store.And(
		store.Eq("namespace", ref.Namespace), store.Eq("folded", folded(ref.Namespace, ref.Name)))})
	if err != nil || len(exact) > 0 {
		return owners(exact), err
	}
	if ids := owners(alike.Nodes); len(ids) == 1 {
		return ids, nil
	}
	return nil, nil
}

func owners(aliases []model.Alias) []model.ID {
	var ids []model.ID
	for _, a := range aliases {
		if !slices.Contains(ids, a.AssetID) {
			ids = append(ids, a.AssetID)
		}
	}
	return ids
}

// Assets lists the assets that the viewer may see, by name.
func (s *Service) Assets(ctx context.Context, f AssetFilter, p model.Paging) (model.Page[model.Asset], error) {
	if f.ProductID != "" {
		return s.assetsOfProduct(ctx, f, p)
	}
	return gate.List(ctx, s.gate, store.Assets, f.query(), p, s.gate.Assets)
}

// query gives the conditions from the widest to the narrowest.
func (f AssetFilter) query() store.Query {
	q := store.Query{Index: "by_name", Budget: listBudget}.Narrowed(
		store.Condition{Path: "platform", Value: f.Platform},
		store.Condition{Index: "by_status", Path: "status", Value: string(f.Status)},
		store.Condition{Index: "by_kind", Path: "kind", Value: string(f.ownKind())},
		store.Condition{Index: "by_domain", Path: "domain", Value: string(f.DomainID)},
		store.Condition{Index: "by_namespace", Path: "namespace", Value: f.namespace()},
		store.Condition{Index: "by_parent", Path: "parent", Value: string(f.ParentID)})
	if f.Kind == model.KindOther {
		q.Where = store.And(q.Where, store.Not(store.In("kind", kindsWithAWord()...)))
	}
	if f.NamePrefix != "" {
		q.Where = store.And(q.Where, store.HasPrefix("name", f.NamePrefix))
	}
	return q
}

// ownKind is the kind to look for as it is stored. OTHER is what every kind
// without a word of its own is shown as, and so no single one.
func (f AssetFilter) ownKind() model.AssetKind {
	if f.Kind == model.KindOther {
		return ""
	}
	return f.Kind
}

func kindsWithAWord() []store.Value {
	var words []store.Value
	for _, k := range model.AssetKinds() {
		if k != model.KindOther {
			words = append(words, string(k))
		}
	}
	return words
}

func (f AssetFilter) namespace() string {
	if f.Namespace == "" {
		return ""
	}
	namespace, _ := normalise(f.Namespace)
	return namespace
}

// matches judges an asset by the filter, where no query does.
func (f AssetFilter) matches(a model.Asset) bool {
	return (f.DomainID == "" || a.DomainID == f.DomainID) && (f.Kind == "" || a.Kind.Is(f.Kind)) &&
		(f.Status == "" || a.Status == f.Status) && (f.ParentID == "" || a.ParentID == f.ParentID) && (f.Platform == "" || a.Platform == f.Platform) &&
		(f.Namespace == "" || a.Namespace == f.namespace()) && strings.HasPrefix(a.Name, f.NamePrefix)
}
