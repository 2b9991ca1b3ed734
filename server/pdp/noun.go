package pdp

import (
	"context"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// typeAsset is the noun of every type without a row: applications keep their
// records as assets, and their type is its kind.
const typeAsset = "asset"

// noun says once what other systems can ask about one kind of record. A new noun
// that they may ask about is a row of nouns.
type noun struct {
	typ     string         // as other systems and the policies call it
	actions []model.Action // of the mesh's own, those that fit it

	find    func(context.Context, *batch, Entity) (*target, error) // nil when there is none
	nothing func(context.Context, *batch, Entity) (policy.Resource, error)
	search  func(context.Context, *batch, search) (Found, error)
	outside func(typ string, res policy.Resource) string // the name that outsiders know one by
}

func nouns() []noun {
	return []noun{
		{
			typ: "data_product", find: findProduct, nothing: noProduct, search: searchIn(store.Products, (*gate.Gate).Product),
			outside: func(_ string, res policy.Resource) string { return string(res.Domain) + "/" + res.Name },
			actions: []model.Action{
				model.ActMetadataView, model.ActDataRead, model.ActAccessRequest, model.ActProductUpdate, model.ActProductPublish,
				model.ActProductDeprecat, model.ActProductRetire,
			},
		},
		{
			typ: "domain", find: findDomain, nothing: noDomain, search: searchIn(store.Domains, (*gate.Gate).Domain), outside: byName,
			actions: []model.Action{model.ActMetadataView, model.ActDomainAdmin, model.ActSourceAdmin, model.ActProductCreate, model.ActAuditRead, model.ActPolicyDraft},
		},
		{
			typ: "access_request", find: findByID(store.Requests, model.PrefixRequest, (*gate.Gate).Request), nothing: nothingForNoProduct, search: searchAssets, outside: byName,
			actions: []model.Action{model.ActMetadataView, model.ActRequestApprove, model.ActRequestReject, model.ActRequestCancel},
		},
		{
			typ: "grant", find: findByID(store.Grants, model.PrefixGrant, (*gate.Gate).Grant), nothing: nothingForNoProduct, search: searchAssets, outside: byName,
			actions: []model.Action{model.ActMetadataView, model.ActGrantRevoke},
		},
		{
			typ: typeAsset, find: findAsset, nothing: noAssetResource, search: searchAssets, outside: assetOutside,
			actions: []model.Action{model.ActMetadataView, model.ActDataRead, model.ActAssetUpdate},
		},
	}
}

// describes tells the policies of one record.
type describes[T any] func(*gate.Gate, context.Context, T) (policy.Resource, error)

// described is what was found, as the policies see it.
func described[T any](ctx context.Context, r *batch, n *T, err error, describe describes[T]) (*target, error) {
	if err != nil || n == nil {
		return nil, err
	}
	res, err := describe(r.gate, ctx, *n)
	if err != nil {
		return nil, err
	}
	return &target{res: res}, nil
}

// findByID is for nouns that have no names.
func findByID[T any, P model.PointerTo[T]](table store.Table[T, P], prefix model.Prefix, describe describes[T]) func(context.Context, *batch, Entity) (*target, error) {
	return func(ctx context.Context, r *batch, e Entity) (*target, error) {
		n, err := find(ctx, r.store, table, prefix, e.ID, store.Query{})
		return described(ctx, r, n, err, describe)
	}
}

// findProduct finds a product by its id, or by DOMAIN/NAME.
func findProduct(ctx context.Context, r *batch, e Entity) (*target, error) {
	domain, product, ok := strings.Cut(e.ID, "/")
	if !ok {
		return findByID(store.Products, model.PrefixProduct, (*gate.Gate).Product)(ctx, r, e)
	}
	in, err := r.domainID(ctx, domain)
	if err != nil || in == "" {
		return nil, err
	}
	p, err := find(ctx, r.store, store.Products, "", product, store.Query{
		Index: "by_domain", Where: store.And(store.Eq("domain", string(in)), store.Eq("name", product)),
	})
	return described(ctx, r, p, err, (*gate.Gate).Product)
}

func findDomain(ctx context.Context, r *batch, e Entity) (*target, error) {
	d, err := find(ctx, r.store, store.Domains, model.PrefixDomain, e.ID, store.Query{Index: "by_name", Where: store.Eq("name", e.ID)})
	return described(ctx, r, d, err, (*gate.Gate).Domain)
}

// findAsset finds an asset of the kind that the type stands for.
func findAsset(ctx context.Context, r *batch, e Entity) (*target, error) {
	where := store.Eq("name", e.ID)
	kind := assetKind(e.Type)
	if e.Type != typeAsset && kind != model.KindOther { // which stands for every kind without a word of its own
		where = store.And(where, store.Eq("kind", string(kind)))
	}
	a, err := find(ctx, r.store, store.Assets, model.PrefixAsset, e.ID, store.Query{Index: "by_name", Where: where})
	if err != nil || a == nil || (e.Type != typeAsset && !a.Kind.Is(kind)) {
		return nil, err
	}
	return r.assetTarget(ctx, *a)
}

// assetKind is the kind of asset that a type of others stands for.
func assetKind(typ string) model.AssetKind { return model.AssetKind(strings.ToUpper(typ)) }

func (r *batch) assetTarget(ctx context.Context, a model.Asset) (*target, error) {
	res, err := r.gate.Asset(ctx, a)
	if err != nil {
		return nil, err
	}
	knows := map[string]any{"kind": string(a.Kind)}
	for key, value := range a.Properties {
		knows[key] = value
	}
	return &target{res: res, knows: knows, asset: &a}, nil
}

// What stands where a resource does not is described with the reads that one
// takes which exists, and asked about by the rules of the domain that its name
// speaks of: so the two cost the same.

// nobody is the id of a product that there is none of; there could be grants on it.
const nobody = model.ID(model.PrefixProduct) + "_0"

func noProduct(ctx context.Context, r *batch, e Entity) (policy.Resource, error) {
	res := policy.Resource{Type: e.Type, ID: nobody, Product: nobody}
	var err error
	if domain, _, ok := strings.Cut(e.ID, "/"); ok {
		res.Domain, err = r.domainName(ctx, domain)
	}
	return res, err
}

func noDomain(_ context.Context, _ *batch, e Entity) (policy.Resource, error) {
	return policy.Resource{Type: e.Type}, nil
}

// nothingForNoProduct is a request or a grant that there is none of.
func nothingForNoProduct(ctx context.Context, r *batch, e Entity) (policy.Resource, error) {
	_, err := store.Products.GetMany(ctx, r.store, nobody)
	return policy.Resource{Type: e.Type, Product: nobody}, err
}

func noAssetResource(ctx context.Context, r *batch, _ Entity) (policy.Resource, error) {
	return r.gate.Asset(ctx, noAsset())
}

// noAsset is the asset that there is none of.
func noAsset() model.Asset {
	return model.Asset{Meta: model.Meta{ID: model.ID(model.PrefixAsset) + "_0"}}
}

// search is one for resources: to which of a type somebody may do something.
type search struct {
	who    model.Principal
	about  Question
	window Window
	after  store.Cursor
}

// searchIn asks about the records of a table.
func searchIn[T any, P model.PointerTo[T]](table store.Table[T, P], describe describes[T]) func(context.Context, *batch, search) (Found, error) {
	return func(ctx context.Context, r *batch, s search) (Found, error) {
		q := store.Query{Index: "by_name", After: s.after}
		return scan(ctx, r, table, q, s.window, "resource", s.about, func(n T) (Entity, bool, error) {
			t, err := described(ctx, r, &n, nil, describe)
			return s.candidate(ctx, r, t, err)
		})
	}
}

// searchAssets asks about the assets of the kind that the type stands for.
func searchAssets(ctx context.Context, r *batch, s search) (Found, error) {
	q := store.Query{Index: "by_name", After: s.after}
	if typ := s.about.Resource.Type; typ != typeAsset {
		q.Index, q.Where = "by_kind", store.Eq("kind", string(assetKind(typ)))
	}
	return scan(ctx, r, store.Assets, q, s.window, "resource", s.about, func(a model.Asset) (Entity, bool, error) {
		t, err := r.assetTarget(ctx, a)
		return s.candidate(ctx, r, t, err)
	})
}

// candidate asks about one that a search has come upon.
func (s search) candidate(ctx context.Context, r *batch, t *target, err error) (Entity, bool, error) {
	if err != nil {
		return Entity{}, false, err
	}
	allowed, err := r.would(ctx, s.who, *t, s.about)
	typ := s.about.Resource.Type
	return Entity{Type: typ, ID: r.nounOf(typ).outside(typ, t.res)}, allowed, err
}

func byName(_ string, res policy.Resource) string { return res.Name }

// assetOutside is an id, for names of assets may be shared; an application knows
// its records by their names.
func assetOutside(typ string, res policy.Resource) string {
	if typ == typeAsset {
		return string(res.ID)
	}
	return res.Name
}
