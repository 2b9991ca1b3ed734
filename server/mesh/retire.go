package mesh

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Ending deprecates or retires a product.
type Ending struct {
	ID          model.ID
	SuccessorID model.ID // what its consumers shall turn to; "" leaves it as it is
	Reason      string   // for its consumers
}

// DeprecateProduct tells new consumers to look elsewhere.
func (s *Service) DeprecateProduct(ctx context.Context, id model.ID) (model.DataProduct, error) {
	return s.Deprecate(ctx, Ending{ID: id})
}

// Deprecate tells new consumers to look elsewhere, and where. It begins the
// notice that the product's consumers have.
func (s *Service) Deprecate(ctx context.Context, e Ending) (model.DataProduct, error) {
	p, _, err := s.end(ctx, e, model.ActProductDeprecat, model.Deprecated)
	return p, err
}

// RetireProduct takes the product off the market for good.
func (s *Service) RetireProduct(ctx context.Context, id model.ID) (model.DataProduct, error) {
	return s.Retire(ctx, Ending{ID: id})
}

// Retire takes the product off the market for good. Its grants end with the
// reason, its pending requests and changes are closed, each with an event of
// its own that its holder can read. The policies know how many consumers the
// product has and how long they have had notice.
func (s *Service) Retire(ctx context.Context, e Ending) (model.DataProduct, error) {
	p, answer, err := s.end(ctx, e, model.ActProductRetire, model.Retired)
	if err != nil {
		return p, err
	}
	return p, s.release(ctx, p, e.Reason, answer.ID)
}

func (s *Service) end(ctx context.Context, e Ending, action model.Action, to model.ProductStatus) (model.DataProduct, gate.Answer, error) {
	if err := (model.Text{Field: "reason", Most: maxComment, Prose: true}).Check(e.Reason); err != nil {
		return model.DataProduct{}, gate.Answer{}, err
	}
	in := s.gate.Session()
	p, res, err := s.seeProduct(ctx, in, e.ID)
	if err != nil {
		return p, gate.Answer{}, err
	}
	if err := s.succeed(ctx, in, &p, e.SuccessorID); err != nil {
		return p, gate.Answer{}, err
	}
	answer, err := s.askEnd(ctx, in, p, res, action)
	if err != nil {
		return p, answer, err
	}
	if !answer.Allowed() {
		return p, answer, in.Refuse(ctx, action, res, answer)
	}
	if err := p.Move(to, model.Instant(s.now())); err != nil {
		return p, answer, err
	}
	change := in.Change(ctx, string(action), p.ID, e.Reason, answer, store.Products.Put(p))
	p, err = store.Products.Apply(ctx, s.store, change)
	return p, answer, err
}

// succeed names the product that takes over.
func (s *Service) succeed(ctx context.Context, in *gate.Session, p *model.DataProduct, id model.ID) error {
	if id == "" {
		return nil
	}
	if id == p.ID {
		return model.Invalid("successorId", "is the product itself", "name another product")
	}
	found, err := gate.Refer(ctx, in, store.Products, "successorId", gate.Each(s.gate.Product), id)
	if err != nil {
		return err
	}
	if found[0].Status == model.Retired {
		return model.Invalid("successorId", "is retired itself", "name a product that is on offer")
	}
	p.SuccessorID = id
	return nil
}

// askEnd asks with what the consumers would lose.
func (s *Service) askEnd(ctx context.Context, in *gate.Session, p model.DataProduct, res policy.Resource, action model.Action) (gate.Answer, error) {
	fact, err := s.ending(ctx, p)
	if err != nil {
		return gate.Answer{}, err
	}
	return in.Ask(ctx, action, res, gate.Extra{Purpose: endOfProduct, Ending: fact})
}

// endOfProduct is the purpose of the question.
const endOfProduct = "the end of a product"

// ending tells what the end of the product means to its consumers.
func (s *Service) ending(ctx context.Context, p model.DataProduct) (*policy.EndingFact, error) {
	fact := &policy.EndingFact{NoticeHours: -1, Successor: p.SuccessorID != ""}
	if p.DeprecatedAt != nil {
		fact.NoticeHours = int(s.now().Sub(*p.DeprecatedAt) / time.Hour)
	}
	for g, err := range store.Grants.All(ctx, s.store, grantsOn(p.ID)) {
		if err != nil {
			return nil, err
		}
		if g.Live(s.now()) {
			fact.Consumers++
		}
	}
	return fact, nil
}

func grantsOn(product model.ID) store.Query {
	return store.Query{Index: "by_product", Where: store.And(store.Eq("product", string(product)), store.Eq("status", string(model.GrantActive))), Limit: store.MaxPage, Budget: 1_000_000}
}

// release ends what there is on a retired product: grants, requests, changes.
func (s *Service) release(ctx context.Context, p model.DataProduct, reason string, decision model.ID) error {
	words, err := s.endingWords(ctx, p, reason)
	if err != nil {
		return err
	}
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return err
	}
	at := model.Instant(s.now())
	for g, err := range store.Grants.All(ctx, s.store, grantsOn(p.ID)) {
		if err != nil {
			return err
		}
		if err := g.End(model.GrantRevoked, at); err != nil {
			return err
		}
		g.RevokedBy, g.RevokeReason = actor.ID, words
		if err := s.applyEnding(ctx, "grant.revoke", g.ID, words, decision, store.Grants.Put(g)); err != nil {
			return err
		}
	}
	return s.closeWaiting(ctx, p, words, decision, at)
}

func (s *Service) closeWaiting(ctx context.Context, p model.DataProduct, words string, decision model.ID, at time.Time) error {
	q := store.Query{Index: "by_product", Where: store.Eq("product", string(p.ID)), Limit: store.MaxPage, Budget: 1_000_000}
	for r, err := range store.Requests.All(ctx, s.store, q) {
		if err != nil {
			return err
		}
		if r.Status != model.RequestPending {
			continue
		}
		if err := r.Close(model.RequestDenied, at); err != nil {
			return err
		}
		r.Reasons = []model.Reason{{Code: "product.retired", Message: words, Origin: "engine"}}
		if err := s.applyEnding(ctx, "request.close", r.ID, words, decision, store.Requests.Put(r)); err != nil {
			return err
		}
	}
	c, err := s.waiting(ctx, p.ID)
	if err != nil || c == nil {
		return err
	}
	if err := c.Close(model.ChangeOvertaken, at); err != nil {
		return err
	}
	return s.applyEnding(ctx, "change.overtake", c.ID, words, decision, store.Changes.Put(*c))
}

// applyEnding writes the end of one thing. What somebody else has ended meanwhile is
// left to them.
func (s *Service) applyEnding(ctx context.Context, action string, id model.ID, words string, decision model.ID, w store.Write) error {
	change := s.gate.Change(ctx, action, id, words, w)
	change.Decision = decision
	_, err := s.store.Apply(ctx, change)
	if model.LostRace(err) {
		return nil
	}
	return err
}

// endingWords says what a consumer has to know.
func (s *Service) endingWords(ctx context.Context, p model.DataProduct, reason string) (string, error) {
	words := "The product is retired."
	if reason != "" {
		words += " " + reason
	}
	if p.SuccessorID == "" {
		return words, nil
	}
	next, err := store.Products.GetMany(ctx, s.store, p.SuccessorID)
	if err != nil || len(next) == 0 {
		return words, err
	}
	domain, err := s.gate.DomainName(ctx, next[0].DomainID)
	return words + " Its successor is " + string(domain) + "/" + string(next[0].Name) + ".", err
}

// releaseAll ends what an earlier server has left on retired products.
func (s *Service) releaseAll(ctx context.Context) error {
	q := store.Query{Index: "by_status", Where: store.Eq("status", string(model.Retired)), Limit: store.MaxPage, Budget: 1_000_000}
	for p, err := range store.Products.All(ctx, s.store, q) {
		if err != nil {
			return err
		}
		if err := s.release(ctx, p, "", ""); err != nil {
			s.log.ErrorContext(ctx, "ending what is left on a retired product went wrong", "product", p.ID, "error", err)
		}
	}
	return nil
}

// offering lists the products that offer one of the assets, each once. It asks
// for one asset after the other: the index has a product once for each of its
// assets, so that many at once would come more than once.
func (s *Service) offering(ctx context.Context, assets []model.ID) iter.Seq2[model.DataProduct, error] {
	return func(yield func(model.DataProduct, error) bool) {
		met := map[model.ID]bool{}
		for _, id := range assets {
			q := store.Query{Index: "by_asset", Where: store.Eq("asset", string(id)), Limit: store.MaxPage}
			for p, err := range store.Products.All(ctx, s.store, q) {
				if err == nil && met[p.ID] {
					continue
				}
				met[p.ID] = true
				if !yield(p, err) || err != nil {
					return
				}
			}
		}
	}
}

// AlsoOffered gives for each of the products the others, among those that the
// actor may know of, that offer an asset which it offers too.
func (s *Service) AlsoOffered(ctx context.Context, ids ...model.ID) (map[model.ID][]model.DataProduct, error) {
	products, err := store.Products.GetMany(ctx, s.store, ids...)
	if err != nil {
		return nil, err
	}
	var assets []model.ID
	for _, p := range products {
		assets = append(assets, p.Assets(model.OutputPort)...)
	}
	others := map[model.ID]model.DataProduct{}
	for o, err := range s.offering(ctx, assets) {
		if err != nil {
			return nil, err
		}
		others[o.ID] = o
	}
	seen, err := s.seeAll(ctx, others)
	also := make(map[model.ID][]model.DataProduct, len(products))
	for _, p := range products {
		also[p.ID] = []model.DataProduct{}
		for _, o := range seen {
			if o.ID != p.ID && o.OnOffer() && shares(p, o) {
				also[p.ID] = append(also[p.ID], o)
			}
		}
	}
	return also, err
}

func (s *Service) seeAll(ctx context.Context, products map[model.ID]model.DataProduct) ([]model.DataProduct, error) {
	ids := make([]model.ID, 0, len(products))
	for id := range products {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return s.ProductsByID(ctx, ids...)
}

func shares(p, o model.DataProduct) bool {
	theirs := o.Assets(model.OutputPort)
	return slices.ContainsFunc(p.Assets(model.OutputPort), func(id model.ID) bool { return slices.Contains(theirs, id) })
}
