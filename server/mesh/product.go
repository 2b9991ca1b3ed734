package mesh

import (
	"cmp"
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// CreateProduct makes a data product, as a draft. A name that the domain has
// taken is an error of kind Conflict; an owner, a team or an asset that the
// actor may not know of is one of kind Invalid.
func (s *Service) CreateProduct(ctx context.Context, n NewProduct) (model.DataProduct, error) {
	p, err := n.product(ctx)
	if err != nil {
		return model.DataProduct{}, err
	}
	if err := checkProduct(p); err != nil {
		return model.DataProduct{}, err
	}
	if _, err := s.home(ctx, p.DomainID); err != nil {
		return model.DataProduct{}, err
	}
	answer, err := s.requireCreate(ctx, p)
	if err != nil {
		return model.DataProduct{}, err
	}
	if err := s.checkRefs(ctx, model.DataProduct{}, p); err != nil {
		return model.DataProduct{}, err
	}
	return s.putProduct(ctx, "product.create", p, answer)
}

func (n NewProduct) product(ctx context.Context) (model.DataProduct, error) {
	actor, err := model.PrincipalFrom(ctx)
	return model.DataProduct{
		Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: n.Name, DomainID: n.DomainID,
		DisplayName: cmp.Or(n.DisplayName, titleOf(n.Name)), Description: n.Description, BusinessContext: n.BusinessContext,
		OwnerID: cmp.Or(n.OwnerID, actor.ID), OwnerTeamID: n.OwnerTeamID, Tags: n.Tags, Ports: n.Ports, Status: model.Draft,
		Classification: cmp.Or(n.Classification, model.Internal), Visibility: cmp.Or(n.Visibility, model.VisibleToAll),
	}, err
}

// requireCreate asks about the product without its owner: owning what is not
// there yet must open nothing.
func (s *Service) requireCreate(ctx context.Context, p model.DataProduct) (gate.Answer, error) {
	p.OwnerID, p.OwnerTeamID = "", ""
	res, err := s.gate.Product(ctx, p)
	if err != nil {
		return gate.Answer{}, err
	}
	return s.gate.Require(ctx, model.ActProductCreate, res)
}

// UpdateProduct changes a data product. A retired one stays as it is.
func (s *Service) UpdateProduct(ctx context.Context, e ProductEdit) (model.DataProduct, error) {
	was, res, err := s.seeProduct(ctx, e.ID)
	if err != nil {
		return model.DataProduct{}, err
	}
	p := e.apply(was)
	if err := checkProduct(p); err != nil {
		return model.DataProduct{}, err
	}
	answer, err := s.gate.Require(ctx, model.ActProductUpdate, res)
	if err != nil {
		return model.DataProduct{}, err
	}
	if err := expect(e.ExpectedRevision, was.Meta, "data product"); err != nil {
		return model.DataProduct{}, err
	}
	if was.Status == model.Retired {
		return model.DataProduct{}, model.Conflict("id", "a RETIRED product cannot be changed", "make a new product")
	}
	if err := s.checkRefs(ctx, was, p); err != nil {
		return model.DataProduct{}, err
	}
	return s.putProduct(ctx, "product.update", p, answer)
}

func (e ProductEdit) apply(p model.DataProduct) model.DataProduct {
	set(&p.DisplayName, e.DisplayName)
	set(&p.Description, e.Description)
	set(&p.BusinessContext, e.BusinessContext)
	set(&p.OwnerID, e.OwnerID)
	set(&p.OwnerTeamID, e.OwnerTeamID)
	set(&p.Classification, e.Classification)
	set(&p.Visibility, e.Visibility)
	set(&p.Tags, e.Tags)
	set(&p.Ports, e.Ports)
	return p
}

// PublishProduct puts the product on offer. A refusal of the policies, or a
// wish for approvals, is an error of kind Denied; a product that cannot get
// there from where it stands is one of kind Conflict.
func (s *Service) PublishProduct(ctx context.Context, id model.ID) (model.DataProduct, error) {
	return s.move(ctx, id, model.ActProductPublish, model.Published)
}

// DeprecateProduct tells new consumers to look elsewhere.
func (s *Service) DeprecateProduct(ctx context.Context, id model.ID) (model.DataProduct, error) {
	return s.move(ctx, id, model.ActProductDeprecat, model.Deprecated)
}

// RetireProduct takes the product off the market for good.
func (s *Service) RetireProduct(ctx context.Context, id model.ID) (model.DataProduct, error) {
	return s.move(ctx, id, model.ActProductRetire, model.Retired)
}

func (s *Service) move(ctx context.Context, id model.ID, action model.Action, to model.ProductStatus) (model.DataProduct, error) {
	p, res, err := s.seeProduct(ctx, id)
	if err != nil {
		return model.DataProduct{}, err
	}
	answer, err := s.gate.Require(ctx, action, res)
	if err != nil {
		return model.DataProduct{}, err
	}
	if err := p.Move(to, model.Instant(s.now())); err != nil {
		return model.DataProduct{}, err
	}
	return s.putProduct(ctx, string(action), p, answer)
}

func (s *Service) putProduct(ctx context.Context, action string, p model.DataProduct, answer gate.Answer) (model.DataProduct, error) {
	return store.Products.Apply(ctx, s.store, s.gate.Change(ctx, action, p.ID, "", answer, store.Products.Put(p)))
}

func (s *Service) seeProduct(ctx context.Context, id model.ID) (model.DataProduct, policy.Resource, error) {
	return gate.See(ctx, s.gate, store.Products, id, s.gate.Product)
}

// Product returns one data product, or an error of kind NotFound.
func (s *Service) Product(ctx context.Context, id model.ID) (model.DataProduct, error) {
	p, _, err := s.seeProduct(ctx, id)
	return p, err
}

// ProductByName returns the product that goes by the name in the domain, or
// an error of kind NotFound.
func (s *Service) ProductByName(ctx context.Context, domain, name model.Slug) (model.DataProduct, error) {
	absent := model.NotFound("data product", model.ID(domain+"/"+name))
	if name.Validate("name") != nil {
		return model.DataProduct{}, absent
	}
	d, err := s.DomainByName(ctx, domain)
	if err != nil && !model.Is(err, model.KindNotFound) { // in no domain there is no product, which takes as long to say
		return model.DataProduct{}, err
	}
	where := store.And(store.Eq("domain", d.ID), store.Eq("name", name))
	p, err := gate.SeeFirst(ctx, s.gate, store.Products, store.Query{Index: "by_domain", Where: where}, s.gate.Product)
	if model.Is(err, model.KindNotFound) {
		err = absent
	}
	return p, err
}

// ProductsByID returns those among the ids that the actor may know of, in order.
func (s *Service) ProductsByID(ctx context.Context, ids ...model.ID) ([]model.DataProduct, error) {
	return gate.SeeMany(ctx, s.gate, store.Products, gate.Each(s.gate.Product), ids...)
}

// Products lists the data products by name.
func (s *Service) Products(ctx context.Context, f ProductFilter, p model.Paging) (model.Page[model.DataProduct], error) {
	return gate.List(ctx, s.gate, store.Products, f.query(), p, gate.Each(s.gate.Product))
}

// query names the index that the narrowest condition begins.
func (f ProductFilter) query() store.Query {
	q := store.Query{Index: "by_name"}
	var conditions []store.Filter
	for _, c := range []struct {
		index string
		path  store.Path
		value string
	}{
		{"by_status", "status", string(f.Status)}, {"by_domain", "domain", string(f.DomainID)}, {"by_asset", "asset", string(f.AssetID)},
	} {
		if c.value != "" {
			q.Index, conditions = c.index, append(conditions, store.Eq(c.path, c.value))
		}
	}
	if len(conditions) > 0 {
		q.Where = store.And(conditions...)
	}
	return q
}
