package mesh

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// The bounds of a domain.
const (
	MaxDepth    = 16 // domains above one another
	maxStewards = 50
)

// CreateDomain makes a domain. A name that is taken is an error of kind
// Conflict; a parent or a steward that does not exist is one of kind Invalid.
func (s *Service) CreateDomain(ctx context.Context, n NewDomain) (model.Domain, error) {
	d := model.Domain{
		Meta: model.Meta{ID: model.NewID(model.PrefixDomain)}, Name: n.Name, DisplayName: cmp.Or(n.DisplayName, titleOf(n.Name)),
		Description: n.Description, ParentID: n.ParentID, StewardIDs: n.StewardIDs,
	}
	if err := checkDomain(d); err != nil {
		return model.Domain{}, err
	}
	// A domain that is not there yet has no rules of its own: the platform decides.
	in := s.gate.Session()
	answer, err := in.Require(ctx, model.ActDomainAdmin, s.gate.Platform("domain", string(d.Name)))
	if err != nil {
		return model.Domain{}, err
	}
	if err := s.gate.Free(ctx, model.PrefixDomain, "", string(d.Name), d.ID); err != nil {
		return model.Domain{}, err
	}
	if err := s.checkStewards(ctx, in, d); err != nil {
		return model.Domain{}, err
	}
	above, err := s.above(ctx, in, d)
	if err != nil {
		return model.Domain{}, err
	}
	return s.putDomain(ctx, in, "domain.create", d, answer, above...)
}

// UpdateDomain changes a domain. A parent that lies below the domain itself
// is an error of kind Invalid. Whoever moves a domain must run the new parent too.
// New stewards whom no administrator names wait for another steward's word: see Pending.
func (s *Service) UpdateDomain(ctx context.Context, e DomainEdit) (model.Domain, error) {
	in := s.gate.Session()
	was, res, err := s.seeDomain(ctx, in, e.ID)
	if err != nil {
		return model.Domain{}, err
	}
	d := e.apply(was)
	if err := checkDomain(d); err != nil {
		return model.Domain{}, err
	}
	answer, err := in.Require(ctx, model.ActDomainAdmin, res)
	if err != nil {
		return model.Domain{}, err
	}
	if err := expect(e.ExpectedRevision, was.Meta, "domain"); err != nil {
		return model.Domain{}, err
	}
	if err := s.checkStewards(ctx, in, d); err != nil {
		return model.Domain{}, err
	}
	fresh := named(was, d)
	if len(fresh) > 0 {
		waits, err := s.proposeStewards(ctx, in, was, fresh)
		if err != nil {
			return model.Domain{}, err
		}
		if waits {
			if was, err = store.Domains.Get(ctx, s.store, was.ID); err != nil {
				return model.Domain{}, err
			}
			d.Meta = was.Meta
			d.StewardIDs = slices.DeleteFunc(slices.Clone(d.StewardIDs), func(id model.ID) bool { return slices.Contains(fresh, id) })
		}
	}
	var above []store.Write
	if d.ParentID != was.ParentID {
		if above, err = s.above(ctx, in, d); err != nil {
			return model.Domain{}, err
		}
	}
	return s.putDomain(ctx, in, "domain.update", d, answer, above...)
}

// named lists the stewards that are new.
func named(was, d model.Domain) []model.ID {
	return slices.DeleteFunc(slices.Clone(d.StewardIDs), was.HasSteward)
}

// proposeStewards asks whether the actor may name stewards. It reports true
// when that wants votes: then the new stewards wait for them.
func (s *Service) proposeStewards(ctx context.Context, in *gate.Session, was model.Domain, fresh []model.ID) (bool, error) {
	j, err := s.judgeStewards(ctx, in, was)
	if err != nil || j.outcome == model.Allow {
		return false, err
	}
	if j.outcome == model.Deny {
		return false, in.Refuse(ctx, j.action, j.res, j.answer)
	}
	people, err := store.Principals.GetMany(ctx, s.store, fresh...)
	if err != nil {
		return false, err
	}
	for _, p := range people {
		if p.Kind != model.Person {
			return false, model.Invalid("stewardIds", "names the service "+p.Name, "name persons: a service has no word in votes")
		}
	}
	c := model.ProposedChange{SubjectID: was.ID, DomainID: was.ID, Kind: model.ChangeStewards, StewardIDs: fresh, Fields: []string{"stewardIds"}}
	return true, s.propose(ctx, in, c, j, store.Domains.Put(was))
}

func (e DomainEdit) apply(d model.Domain) model.Domain {
	set(&d.DisplayName, e.DisplayName)
	set(&d.Description, e.Description)
	set(&d.ParentID, e.ParentID)
	set(&d.StewardIDs, e.StewardIDs)
	return d
}

// above checks the place below the new parent and gives the writes that keep
// it. Every domain above is written as it is, so the change fails when one of
// them has moved meanwhile: two moves at once cannot make a ring.
func (s *Service) above(ctx context.Context, in *gate.Session, d model.Domain) ([]store.Write, error) {
	if d.ParentID == "" {
		return nil, nil
	}
	parents, err := gate.Refer(ctx, in, store.Domains, "parentId", gate.Each(s.gate.Domain), d.ParentID)
	if err != nil {
		return nil, err
	}
	answer, err := s.requireDomain(ctx, in, parents[0])
	if err != nil {
		return nil, err
	}
	writes := []store.Write{answer.Record}
	for up := parents[0]; ; {
		if up.ID == d.ID {
			return nil, model.Invalid("parentId", fmt.Sprintf("%q lies below %q already, so this would make a ring", parents[0].Name, d.Name), "choose a domain that is not below this one")
		}
		if writes = append(writes, store.Domains.Put(up)); len(writes) > MaxDepth {
			return nil, model.Invalid("parentId", fmt.Sprintf("more than %d domains would lie above one another", MaxDepth), "choose a parent nearer the top")
		}
		if up.ParentID == "" {
			return writes, nil
		}
		if up, err = store.Domains.Get(ctx, s.store, up.ParentID); err != nil {
			return nil, err
		}
	}
}

func (s *Service) requireDomain(ctx context.Context, in *gate.Session, d model.Domain) (gate.Answer, error) {
	res, err := s.gate.Domain(ctx, d)
	if err != nil {
		return gate.Answer{}, err
	}
	return in.Require(ctx, model.ActDomainAdmin, res)
}

func checkDomain(d model.Domain) error {
	if err := d.Name.Validate("name"); err != nil {
		return err
	}
	if err := checkTitle(d.DisplayName); err != nil {
		return err
	}
	if len(d.StewardIDs) > maxStewards {
		return model.Invalid("stewardIds", fmt.Sprintf("names more than %d stewards", maxStewards), "name fewer")
	}
	return checkProse("description", d.Description)
}

func (s *Service) checkStewards(ctx context.Context, in *gate.Session, d model.Domain) error {
	_, err := gate.Refer(ctx, in, store.Principals, "stewardIds", gate.Each(s.gate.Principal), d.StewardIDs...)
	return err
}

func (s *Service) putDomain(ctx context.Context, in *gate.Session, action string, d model.Domain, answer gate.Answer, more ...store.Write) (model.Domain, error) {
	writes := append([]store.Write{store.Domains.Put(d)}, more...)
	return store.Domains.Apply(ctx, s.store, in.Change(ctx, action, d.ID, "", answer, writes...))
}

// Domain returns one domain, or an error of kind NotFound.
func (s *Service) Domain(ctx context.Context, id model.ID) (model.Domain, error) {
	d, _, err := s.seeDomain(ctx, s.gate.Session(), id)
	return d, err
}

func (s *Service) seeDomain(ctx context.Context, in *gate.Session, id model.ID) (model.Domain, policy.Resource, error) {
	return gate.See(ctx, in, store.Domains, id, s.gate.Domain)
}

// DomainByName returns the domain of the name, or an error of kind NotFound.
func (s *Service) DomainByName(ctx context.Context, name model.Slug) (model.Domain, error) {
	return s.domainByName(ctx, s.gate.Session(), name)
}

func (s *Service) domainByName(ctx context.Context, in *gate.Session, name model.Slug) (model.Domain, error) {
	absent := model.NotFound("domain", model.ID(name))
	if name.Validate("name") != nil {
		return model.Domain{}, absent
	}
	d, err := gate.SeeFirst(ctx, in, store.Domains, store.Query{Index: "by_name", Where: store.Eq("name", name)}, s.gate.Domain)
	if model.Is(err, model.KindNotFound) { // a name that it had leads to it
		d, err = gate.SeeFormer(ctx, in, store.Domains, model.PrefixDomain, "", string(name), s.gate.Domain)
	}
	if model.Is(err, model.KindNotFound) {
		err = absent
	}
	return d, err
}

// DomainsByID returns those among the ids that the actor may know of, in order.
func (s *Service) DomainsByID(ctx context.Context, ids ...model.ID) ([]model.Domain, error) {
	return gate.SeeMany(ctx, s.gate, store.Domains, gate.Each(s.gate.Domain), ids...)
}

// Domains lists the domains by name.
func (s *Service) Domains(ctx context.Context, f DomainFilter, p model.Paging) (model.Page[model.Domain], error) {
	q := store.Query{Index: "by_name"}
	if f.ParentID != nil {
		q = store.Query{Index: "by_parent", Where: store.Eq("parent", *f.ParentID)}
	}
	return gate.List(ctx, s.gate, store.Domains, q, p, gate.Each(s.gate.Domain))
}
