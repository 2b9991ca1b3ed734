package mesh

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// foreign reads the assets that the product offers and must not offer yet.
func (s *Service) foreign(ctx context.Context, p model.DataProduct) ([]model.Asset, error) {
	var found []model.Asset
	for part := range slices.Chunk(p.Assets(model.OutputPort), store.MaxIn) {
		assets, err := store.Assets.GetMany(ctx, s.store, part...)
		if err != nil {
			return nil, err
		}
		for _, a := range assets {
			if !p.MayOffer(a) {
				found = append(found, a)
			}
		}
	}
	return found, nil
}

// weighed notes on the product what it offers without consent.
func (s *Service) weighed(ctx context.Context, p model.DataProduct) (model.DataProduct, error) {
	assets, err := s.foreign(ctx, p)
	p.Unconsented = nil
	for _, a := range assets {
		p.Unconsented = append(p.Unconsented, a.ID)
	}
	return p, err
}

// askOwners asks for each domain that owns something which the product would
// offer whether it may; "" is the platform, for what nobody owns.
func (s *Service) askOwners(ctx context.Context, in *gate.Session, p model.DataProduct) ([]gate.Answer, error) {
	assets, err := s.foreign(ctx, p)
	if err != nil {
		return nil, err
	}
	var answers []gate.Answer
	var asked []model.ID
	for _, a := range assets {
		if slices.Contains(asked, a.DomainID) {
			continue
		}
		asked = append(asked, a.DomainID)
		res, err := s.gate.Asset(ctx, a)
		if err != nil {
			return nil, err
		}
		answer, err := in.Ask(ctx, model.ActProductOffer, res, gate.Extra{})
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// mayAsk refuses a product whose owners refuse even to be asked.
func (s *Service) mayAsk(ctx context.Context, in *gate.Session, p model.DataProduct) error {
	answers, err := s.askOwners(ctx, in, p)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.Outcome == model.Deny {
			return in.Refuse(ctx, model.ActProductOffer, s.gate.Platform("asset", string(p.Name)), a)
		}
	}
	return nil
}

// consented records the word of the owners for all that the product offers.
func (s *Service) consented(ctx context.Context, p model.DataProduct, change model.ID) (model.DataProduct, error) {
	assets, err := s.foreign(ctx, p)
	if err != nil {
		return p, err
	}
	p.Consents = slices.DeleteFunc(slices.Clone(p.Consents), func(c model.Consent) bool {
		return slices.ContainsFunc(assets, func(a model.Asset) bool { return a.ID == c.AssetID })
	})
	for _, a := range assets {
		p.Consents = append(p.Consents, model.Consent{AssetID: a.ID, DomainID: a.DomainID, ChangeID: change, At: model.Instant(s.now())})
	}
	return s.weighed(ctx, p)
}

// AskForConsent asks the owners of what a product on offer offers without
// their consent: one that was published before its assets had other owners.
func (s *Service) AskForConsent(ctx context.Context, id model.ID) (model.DataProduct, error) {
	in := s.gate.Session()
	p, res, err := s.seeProduct(ctx, in, id)
	if err != nil {
		return p, err
	}
	if _, err := in.Require(ctx, model.ActProductUpdate, res); err != nil {
		return p, err
	}
	if !p.OnOffer() || len(p.Unconsented) == 0 {
		return p, model.Conflict("id", "the product offers nothing that wants consent", "")
	}
	return s.change(ctx, in, model.ChangeConsent, p, p, nil)
}

// RevokeConsent takes back that the product may offer the assets: it opens
// them no more. Without assets it is about all of the actor's domain.
func (s *Service) RevokeConsent(ctx context.Context, id model.ID, assets []model.ID, reason string) (model.DataProduct, error) {
	if err := (model.Text{Field: "reason", Most: maxComment, Prose: true}).Check(reason); err != nil {
		return model.DataProduct{}, err
	}
	in := s.gate.Session()
	p, _, err := s.seeProduct(ctx, in, id)
	if err != nil {
		return p, err
	}
	var last gate.Answer
	var kept []model.Consent
	for _, c := range p.Consents {
		if len(assets) > 0 && !slices.Contains(assets, c.AssetID) {
			kept = append(kept, c)
			continue
		}
		answer, err := s.askRevoke(ctx, in, c)
		if err != nil {
			return p, err
		}
		if last = answer; !answer.Allowed() {
			kept = append(kept, c)
		}
	}
	switch {
	case last.ID == "":
		return p, model.Invalid("assetIds", "none of them is offered by consent", "look at the consents of the product")
	case len(kept) == len(p.Consents):
		return p, in.Refuse(ctx, model.ActConsentRevoke, s.gate.Platform("asset", string(p.Name)), last)
	}
	p.Consents = kept
	if p, err = s.weighed(ctx, p); err != nil {
		return p, err
	}
	return store.Products.Apply(ctx, s.store, in.Change(ctx, string(model.ActConsentRevoke), p.ID, reason, last, store.Products.Put(p)))
}

func (s *Service) askRevoke(ctx context.Context, in *gate.Session, c model.Consent) (gate.Answer, error) {
	found, err := store.Assets.GetMany(ctx, s.store, c.AssetID)
	if err != nil {
		return gate.Answer{}, err
	}
	res := s.gate.Platform("asset", string(c.AssetID))
	if len(found) > 0 {
		if res, err = s.gate.Asset(ctx, found[0]); err != nil {
			return gate.Answer{}, err
		}
	}
	return in.Ask(ctx, model.ActConsentRevoke, res, gate.Extra{})
}

// Run weighs products anew when the assets that they offer come to have
// another owner, until the context ends.
func (s *Service) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.follow(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "looking at what products offer went wrong; it is tried again in a second", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (s *Service) follow(ctx context.Context) error {
	var from int64
	newest, err := store.Events.Find(ctx, s.store, store.Query{Index: "by_seq", Desc: true, Limit: 1})
	if err != nil {
		return err
	}
	for _, e := range newest.Nodes {
		from = e.Seq
	}
	if err := s.WeighAll(ctx); err != nil {
		return err
	}
	if err := s.releaseAll(ctx); err != nil {
		return err
	}
	for e, err := range s.store.Events(ctx, from) {
		if err != nil {
			return err
		}
		if err := s.weighTouched(ctx, e); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// WeighAll looks at every product that is not retired. A server does so before
// it answers: a store may hold products from before owners were asked.
func (s *Service) WeighAll(ctx context.Context) error {
	ctx = model.WithPrincipal(ctx, model.System())
	for _, status := range []model.ProductStatus{model.Published, model.Deprecated, model.Draft} {
		q := store.Query{Index: "by_status", Where: store.Eq("status", string(status)), Limit: store.MaxPage, Budget: 1_000_000}
		for p, err := range store.Products.All(ctx, s.store, q) {
			if err != nil {
				return err
			}
			if err := s.weigh(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) weighTouched(ctx context.Context, e model.Event) error {
	var assets []model.ID
	for _, t := range e.Touched {
		if store.Kind(t.Kind) == store.Assets.Kind() {
			assets = append(assets, t.ID)
		}
	}
	for p, err := range s.offering(ctx, assets) {
		if err != nil {
			return err
		}
		if err := s.weigh(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// weigh writes the product when what it lacks consent for has changed. One that
// somebody else writes meanwhile is weighed by them.
func (s *Service) weigh(ctx context.Context, was model.DataProduct) error {
	p, err := s.weighed(ctx, was)
	if err != nil || slices.Equal(p.Unconsented, was.Unconsented) || p.Status == model.Retired {
		return err
	}
	reason := fmt.Sprintf("it offers %s without the consent of their owners", model.Counted(len(p.Unconsented), "asset"))
	_, err = s.store.Apply(ctx, s.gate.Change(ctx, "product.weigh", p.ID, reason, store.Products.Put(p)))
	if model.LostRace(err) {
		return nil
	}
	return err
}
