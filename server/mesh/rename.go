package mesh

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Renaming gives a record another name.
type Renaming struct {
	ID               model.ID
	Name             model.Slug
	ExpectedRevision *model.Revision
}

// RenameDomain gives a domain another name. Rules are texts that name domains,
// and people have voted on them: a rename would carry them to nobody, or take
// the words out of somebody else's rules. So a domain with rules in force or
// proposed, or one that rules in force speak of, keeps its name, and the error
// of kind Conflict says what has to go first. The old name stays with the
// domain: it leads there, and nobody else can take it.
func (s *Service) RenameDomain(ctx context.Context, r Renaming) (model.Domain, error) {
	in := s.gate.Session()
	was, _, err := s.seeDomain(ctx, in, r.ID)
	if err != nil {
		return model.Domain{}, err
	}
	d := was
	d.Name = r.Name
	if err := checkDomain(d); err != nil {
		return model.Domain{}, err
	}
	// Names of domains are the platform's to give, as when one is made.
	answer, err := in.Require(ctx, model.ActDomainAdmin, s.gate.Platform("domain", string(d.Name)))
	if err != nil {
		return model.Domain{}, err
	}
	if err := expect(r.ExpectedRevision, was.Meta, "domain"); err != nil || d.Name == was.Name {
		return was, err
	}
	for _, name := range []model.Slug{was.Name, d.Name} {
		if err := s.ungoverned(ctx, name); err != nil {
			return model.Domain{}, err
		}
	}
	if err := s.unspoken("domain", string(was.Name)); err != nil {
		return model.Domain{}, err
	}
	if err := s.gate.Free(ctx, model.PrefixDomain, "", string(d.Name), d.ID); err != nil {
		return model.Domain{}, err
	}
	claim, err := s.gate.Claim(ctx, model.PrefixDomain, "", string(was.Name), d.ID)
	if err != nil {
		return model.Domain{}, err
	}
	made, err := s.putDomain(ctx, in, "domain.rename", d, answer, claim...)
	s.gate.Renamed()
	return made, err
}

// ungoverned reports a domain whose rules are in force or on their way there.
func (s *Service) ungoverned(ctx context.Context, name model.Slug) error {
	held := s.gate.Governed(name)
	for state, err := range store.PolicyStates.All(ctx, s.store, store.Query{Index: "by_domain", Where: store.Eq("domain", string(name)), Limit: 1}) {
		if err != nil {
			return err
		}
		held = held || state.ActiveID != "" || state.ShadowID != ""
	}
	if held {
		return model.Conflict("id", fmt.Sprintf("%s has rules in force, which name it", name),
			fmt.Sprintf("change its displayName instead, or take the rules back first: souk policy rollback --domain %s --to-start", name))
	}
	for p, err := range store.PolicyProposals.All(ctx, s.store, store.Query{Index: "by_domain", Where: store.Eq("domain", string(name)), Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		if p.Open() {
			return model.Conflict("id", fmt.Sprintf("rules of %s are proposed, which name it", name), "withdraw or reject proposal "+string(p.ID)+" first, or change the displayName instead")
		}
	}
	return nil
}

// unspoken reports a name that rules in force speak of.
func (s *Service) unspoken(noun, name string) error {
	files := s.gate.Mentions(name)
	if len(files) == 0 {
		return nil
	}
	return model.Conflict("id", fmt.Sprintf("rules in force speak of the %s %s: %s", noun, name, strings.Join(files, ", ")),
		"change the displayName instead, or have those rules changed first")
}

// RenameTeam gives a team another name within its domain. A team that rules in
// force speak of keeps its name.
func (s *Service) RenameTeam(ctx context.Context, r Renaming) (model.Team, error) {
	in := s.gate.Session()
	was, answer, err := s.seeTeam(ctx, in, r.ID)
	if err != nil {
		return model.Team{}, err
	}
	t := was
	t.Name = r.Name
	if err := t.Name.Validate("name"); err != nil {
		return model.Team{}, err
	}
	if err := expect(r.ExpectedRevision, was.Meta, "team"); err != nil || t.Name == was.Name {
		return was, err
	}
	return s.renamedTeam(ctx, in, "team.rename", was, t, answer)
}

// RenameProduct gives a product another name within its domain. A product that
// rules in force speak of keeps its name.
func (s *Service) RenameProduct(ctx context.Context, r Renaming) (model.DataProduct, error) {
	in := s.gate.Session()
	was, res, err := s.seeProduct(ctx, in, r.ID)
	if err != nil {
		return model.DataProduct{}, err
	}
	p := was
	p.Name = r.Name
	if err := checkProduct(p); err != nil {
		return model.DataProduct{}, err
	}
	answer, err := in.Require(ctx, model.ActProductUpdate, res)
	if err != nil {
		return model.DataProduct{}, err
	}
	if err := expect(r.ExpectedRevision, was.Meta, "data product"); err != nil || p.Name == was.Name {
		return was, err
	}
	return s.renamedProduct(ctx, in, "product.rename", was, p, answer)
}

// MoveProduct gives a draft to another domain. Whoever does may change it where
// it is and make one where it goes. What is on offer stays: its readers and its
// votes belong to the domain that offers it. A draft whose publishing waits for
// votes stays too: they were asked for by the domain that it is in. What other
// domains let the old one offer they are asked about again.
func (s *Service) MoveProduct(ctx context.Context, id, domainID model.ID, expected *model.Revision) (model.DataProduct, error) {
	in := s.gate.Session()
	was, res, err := s.seeProduct(ctx, in, id)
	if err != nil {
		return model.DataProduct{}, err
	}
	answer, err := in.Require(ctx, model.ActProductUpdate, res)
	if err != nil {
		return model.DataProduct{}, err
	}
	if err := expect(expected, was.Meta, "data product"); err != nil || domainID == was.DomainID {
		return was, err
	}
	if was.Status != model.Draft {
		return model.DataProduct{}, model.Conflict("id", "a "+string(was.Status)+" product stays in its domain", "make a new product there, and deprecate this one")
	}
	if other, err := s.waiting(ctx, was.ID); err != nil || other != nil {
		return model.DataProduct{}, cmpErr(err, errWaiting())
	}
	p := was
	p.DomainID, p.OwnerTeamID, p.Consents = domainID, "", nil
	if p, err = s.weighed(ctx, p); err != nil {
		return model.DataProduct{}, err
	}
	if _, err := s.home(ctx, in, domainID); err != nil {
		return model.DataProduct{}, err
	}
	there, err := s.requireCreate(ctx, in, p)
	if err != nil {
		return model.DataProduct{}, err
	}
	return s.renamedProduct(ctx, in, "product.move", was, p, answer, there.Record)
}

// renamedProduct writes a product that others will know by another name.
func (s *Service) renamedProduct(ctx context.Context, in *gate.Session, action string, was, p model.DataProduct, answer gate.Answer, more ...store.Write) (model.DataProduct, error) {
	domain, err := s.gate.DomainName(ctx, was.DomainID)
	if err != nil {
		return model.DataProduct{}, err
	}
	for _, name := range []string{string(was.Name), string(domain) + "/" + string(was.Name)} {
		if err := s.unspoken("data product", name); err != nil {
			return model.DataProduct{}, err
		}
	}
	if err := s.gate.Free(ctx, model.PrefixProduct, p.DomainID, string(p.Name), p.ID); err != nil {
		return model.DataProduct{}, err
	}
	claim, err := s.gate.Claim(ctx, model.PrefixProduct, was.DomainID, string(was.Name), p.ID)
	if err != nil {
		return model.DataProduct{}, err
	}
	writes := slices.Concat([]store.Write{store.Products.Put(p)}, claim, more)
	return store.Products.Apply(ctx, s.store, in.Change(ctx, action, p.ID, "", answer, writes...))
}
