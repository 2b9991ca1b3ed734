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
	in := s.gate.Session()
	if _, err := s.home(ctx, in, p.DomainID); err != nil {
		return model.DataProduct{}, err
	}
	answer, err := s.requireCreate(ctx, in, p)
	if err != nil {
		return model.DataProduct{}, err
	}
	if err := s.checkRefs(ctx, in, model.DataProduct{}, p); err != nil {
		return model.DataProduct{}, err
	}
	if err := s.mayAsk(ctx, in, p); err != nil {
		return model.DataProduct{}, err
	}
	if err := s.gate.Free(ctx, model.PrefixProduct, p.DomainID, string(p.Name), p.ID); err != nil {
		return model.DataProduct{}, err
	}
	return s.putProduct(ctx, in, "product.create", p, answer)
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
func (s *Service) requireCreate(ctx context.Context, in *gate.Session, p model.DataProduct) (gate.Answer, error) {
	p.OwnerID, p.OwnerTeamID = "", ""
	res, err := s.gate.Product(ctx, p)
	if err != nil {
		return gate.Answer{}, err
	}
	return in.Require(ctx, model.ActProductCreate, res)
}

// UpdateProduct changes a data product. A retired one stays as it is. What
// publishing was asked about is asked again when it changes on a product that
// is on offer: where votes are wanted the change waits for them, see Pending,
// and the product stays as it is until then.
func (s *Service) UpdateProduct(ctx context.Context, e ProductEdit) (model.DataProduct, error) {
	in := s.gate.Session()
	was, res, err := s.seeProduct(ctx, in, e.ID)
	if err != nil {
		return model.DataProduct{}, err
	}
	p := e.apply(was)
	if err := checkProduct(p); err != nil {
		return model.DataProduct{}, err
	}
	answer, err := in.Require(ctx, model.ActProductUpdate, res)
	if err != nil {
		return model.DataProduct{}, err
	}
	if err := expect(e.ExpectedRevision, was.Meta, "data product"); err != nil {
		return model.DataProduct{}, err
	}
	if was.Status == model.Retired {
		return model.DataProduct{}, model.Conflict("id", "a RETIRED product cannot be changed", "make a new product")
	}
	if err := s.checkRefs(ctx, in, was, p); err != nil {
		return model.DataProduct{}, err
	}
	fields := was.Differs(p)
	if was.OnOffer() && model.Asked(fields) {
		return s.change(ctx, in, model.ChangeUpdate, was, p, fields)
	}
	if err := s.mayAsk(ctx, in, p); err != nil {
		return model.DataProduct{}, err
	}
	return s.putProduct(ctx, in, "product.update", p, answer)
}

// change puts the product on offer as it shall be, when the policies and the
// owners of what it offers want no votes. Otherwise it proposes the change and
// gives the product as it stays.
func (s *Service) change(ctx context.Context, in *gate.Session, kind model.ChangeKind, was, p model.DataProduct, fields []string) (model.DataProduct, error) {
	j, err := s.judgeProduct(ctx, in, was, p, fields)
	if err != nil {
		return model.DataProduct{}, err
	}
	if kind == model.ChangeUpdate && unasked(j) {
		// Whoever may change the product may not publish it: a steward has to agree.
		wanted, err := s.ofSteward(ctx, in, was)
		if err != nil {
			return model.DataProduct{}, err
		}
		j.outcome, j.approvals = model.NeedsApproval, model.UniteApprovals(j.approvals, wanted)
	}
	action := map[model.ChangeKind]string{model.ChangePublish: string(model.ActProductPublish), model.ChangeUpdate: string(model.ActProductUpdate)}[kind]
	switch j.outcome {
	case model.Deny:
		answer := j.answer
		answer.Outcome, answer.Reasons = model.Deny, j.reasons
		return model.DataProduct{}, in.Refuse(ctx, j.action, j.res, answer)
	case model.Allow:
		if other, err := s.waiting(ctx, was.ID); err != nil || other != nil {
			return model.DataProduct{}, cmpErr(err, errWaiting())
		}
		return s.putProduct(ctx, in, action, p, j.answer, j.records...)
	case model.NeedsApproval: // it waits for its votes
	}
	c := model.ProposedChange{SubjectID: was.ID, DomainID: was.DomainID, Kind: kind, Fields: fields}
	if kind == model.ChangeUpdate {
		c.Product = &p
	}
	if err := s.propose(ctx, in, c, j, store.Products.Put(was)); err != nil {
		return model.DataProduct{}, err
	}
	return store.Products.Get(ctx, s.store, was.ID)
}

// unasked reports a refusal for want of a right alone: nothing speaks against it.
func unasked(j judgement) bool {
	return j.outcome == model.Deny && len(j.reasons) == 1 && j.reasons[0].Code == "no.rule" && j.answer.Outcome == model.Deny
}

func (s *Service) ofSteward(ctx context.Context, in *gate.Session, p model.DataProduct) ([]model.Approval, error) {
	name, err := s.gate.DomainName(ctx, p.DomainID)
	wanted := []model.Approval{{Role: model.ApproverDomainSteward, Domain: name, Min: 1, ExcludeRequester: true}}
	if err != nil {
		return nil, err
	}
	asked, err := s.askOwners(ctx, in, p)
	for _, a := range asked {
		wanted = model.UniteApprovals(wanted, a.Approvals)
	}
	return wanted, err
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

// PublishProduct puts the product on offer. A refusal of the policies is an
// error of kind Denied; a product that cannot get there from where it stands is
// one of kind Conflict. Where votes are wanted, those of other domains whose data
// it offers too, it waits for them: see Pending.
func (s *Service) PublishProduct(ctx context.Context, id model.ID) (model.DataProduct, error) {
	in := s.gate.Session()
	was, _, err := s.seeProduct(ctx, in, id)
	if err != nil {
		return model.DataProduct{}, err
	}
	p := was
	if err := p.Move(model.Published, model.Instant(s.now())); err != nil {
		// Whoever may not publish hears that, and not how the product stands.
		if _, denied := s.requireMove(ctx, in, was, model.ActProductPublish); denied != nil {
			return model.DataProduct{}, denied
		}
		return model.DataProduct{}, err
	}
	return s.change(ctx, in, model.ChangePublish, was, p, nil)
}

func (s *Service) requireMove(ctx context.Context, in *gate.Session, p model.DataProduct, action model.Action) (gate.Answer, error) {
	res, err := s.gate.Product(ctx, p)
	if err != nil {
		return gate.Answer{}, err
	}
	return in.Require(ctx, action, res)
}

func (s *Service) putProduct(ctx context.Context, in *gate.Session, action string, p model.DataProduct, answer gate.Answer, more ...store.Write) (model.DataProduct, error) {
	p, err := s.weighed(ctx, p)
	if err != nil {
		return model.DataProduct{}, err
	}
	writes := append([]store.Write{store.Products.Put(p)}, more...)
	return store.Products.Apply(ctx, s.store, in.Change(ctx, action, p.ID, "", answer, writes...))
}

func (s *Service) seeProduct(ctx context.Context, in *gate.Session, id model.ID) (model.DataProduct, policy.Resource, error) {
	return gate.See(ctx, in, store.Products, id, s.gate.Product)
}

// Product returns one data product, or an error of kind NotFound.
func (s *Service) Product(ctx context.Context, id model.ID) (model.DataProduct, error) {
	p, _, err := s.seeProduct(ctx, s.gate.Session(), id)
	return p, err
}

// ProductByName returns the product that goes by the name in the domain, or
// an error of kind NotFound.
func (s *Service) ProductByName(ctx context.Context, domain, name model.Slug) (model.DataProduct, error) {
	absent := model.NotFound("data product", model.ID(domain+"/"+name))
	if name.Validate("name") != nil {
		return model.DataProduct{}, absent
	}
	in := s.gate.Session()
	d, err := s.domainByName(ctx, in, domain)
	if err != nil && !model.Is(err, model.KindNotFound) { // in no domain there is no product, which takes as long to say
		return model.DataProduct{}, err
	}
	where := store.And(store.Eq("domain", d.ID), store.Eq("name", name))
	p, err := gate.SeeFirst(ctx, in, store.Products, store.Query{Index: "by_domain", Where: where}, s.gate.Product)
	if model.Is(err, model.KindNotFound) { // a name that it had leads to it
		p, err = gate.SeeFormer(ctx, in, store.Products, model.PrefixProduct, d.ID, string(name), s.gate.Product)
	}
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

// query gives the conditions from the widest to the narrowest.
func (f ProductFilter) query() store.Query {
	return store.Query{Index: "by_name"}.Narrowed(
		store.Condition{Index: "by_status", Path: "status", Value: string(f.Status)},
		store.Condition{Index: "by_domain", Path: "domain", Value: string(f.DomainID)},
		store.Condition{Index: "by_asset", Path: "asset", Value: string(f.AssetID)})
}
