package sourcegrants

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// mostKept is how many products, and how many people, one look keeps at hand.
const mostKept = 1000

// view is one look at grants: on one snapshot of the rules and at one time, with
// what it has read of products and people at hand.
type view struct {
	*readers

	service  *Service
	in       *gate.Session
	products map[model.ID]*offer
	people   map[model.ID]*model.Principal // nil where there is none
	pairs    map[pair]bool                 // of teams and products that were looked at
}

// offer is a product with what may be given of it in sources.
type offer struct {
	product  model.DataProduct
	resource policy.Resource
	assets   []model.Asset
	places   []wish
}

// pair is a team and a product.
type pair struct{ team, product model.ID }

func (s *Service) newView(r *readers) *view {
	v := &view{readers: r, service: s, in: s.gate.Session(), pairs: map[pair]bool{}}
	v.forget()
	return v
}

func (v *view) forget() {
	v.products, v.people = map[model.ID]*offer{}, map[model.ID]*model.Principal{}
}

// wish is what a grant means for one asset in one source.
type wish struct {
	source  model.Source
	asset   model.ID
	right   *model.SourceRight // nil where it cannot be given
	failure *model.Failure     // why not
}

// claim is whose right it is, on what and by which grant.
type claim struct{ grant, principal, team, product model.ID }

// row is a new one of the claim, for the wish.
func (c claim) row(w wish) model.SourceGrant {
	sum := sha256.Sum256([]byte(c.grant + " " + w.source.ID + " " + w.asset))
	if c.team != "" {
		sum = sha256.Sum256([]byte(c.team + " " + c.product + " " + w.source.ID + " " + w.asset))
	}
	return model.SourceGrant{
		Meta: model.Meta{ID: model.SumID(model.PrefixInSource, sum[:16])}, GrantID: c.grant, PrincipalID: c.principal, TeamID: c.team, ProductID: c.product,
		SourceID: w.source.ID, DomainID: w.source.DomainID, AssetID: w.asset, State: model.SourceGrantRevoked,
	}
}

// settle turns what has changed about the grants into work, and about the teams of
// those who hold them. Trouble with one holds up none of the others.
func (v *view) settle(ctx context.Context, grants []model.Grant) error {
	if len(grants) == 0 {
		return nil
	}
	ids := make([]store.Value, len(grants))
	for i, g := range grants {
		ids[i] = string(g.ID)
	}
	rows := map[model.ID][]model.SourceGrant{}
	for row, err := range store.SourceGrants.All(ctx, v.service.store, store.Query{Index: "by_grant", Where: store.In("grant", ids...), Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		rows[row.GrantID] = append(rows[row.GrantID], row)
	}
	var trouble error
	for _, g := range grants {
		wishes, answers, err := v.wishes(ctx, g)
		if err == nil {
			err = v.bring(ctx, claim{grant: g.ID, principal: g.PrincipalID, product: g.ProductID}, rows[g.ID], wishes, answers)
		}
		for _, team := range v.memberOf[g.PrincipalID] {
			err = errors.Join(err, v.settleTeam(ctx, pair{team, g.ProductID}))
		}
		trouble = errors.Join(trouble, err)
	}
	return trouble
}

// bring has the rows of a claim say what is wished, and no other say anything.
func (v *view) bring(ctx context.Context, c claim, rows []model.SourceGrant, wishes []wish, answers []gate.Answer) error {
	byID := map[model.ID]model.SourceGrant{}
	for _, row := range rows {
		byID[row.ID] = row
	}
	wished := map[model.ID]bool{}
	for _, w := range wishes {
		row := c.row(w)
		if before, has := byID[row.ID]; has {
			row = before
		}
		wished[row.ID] = true
		if err := v.put(ctx, row, w, answers); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if wished[row.ID] {
			continue
		}
		if err := v.put(ctx, row, wish{}, answers); err != nil {
			return err
		}
	}
	return nil
}

// put writes what the source shall have, if that is another thing than before.
// Every answer that it follows from is kept with it.
func (v *view) put(ctx context.Context, row model.SourceGrant, w wish, answers []gate.Answer) error {
	same := row.Revision > 0 && row.Wanted.Same(w.right)
	if same && (w.failure == nil || row.Failure != nil && row.Failure.Code == w.failure.Code) {
		return nil
	}
	if row.Revision == 0 && w.right == nil && w.failure == nil {
		return nil
	}
	var answer gate.Answer
	if len(answers) > 0 {
		answer = answers[0]
	}
	row.Wanted, row.Failure, row.Tries, row.DecisionID = w.right, w.failure, 0, answer.ID
	switch {
	case w.right != nil || row.Given != nil:
		row.State, row.DueAt = model.SourceGrantPending, v.service.now()
	case w.failure != nil:
		row.State = model.SourceGrantFailed
	}
	writes := []store.Write{store.SourceGrants.Put(row)}
	for _, other := range answers[min(1, len(answers)):] {
		writes = append(writes, other.Record)
	}
	// Nothing that the look asks about is changed by this: it goes on with what it knows.
	change := v.service.gate.Session().Change(ctx, "source_grant.want", row.ID, "", answer, writes...)
	_, err := v.service.store.Apply(ctx, change)
	if model.LostRace(err) {
		v.service.missed(row)
		return nil
	}
	return err
}

// missed has what a row came of looked at again.
func (s *Service) missed(row model.SourceGrant) {
	if row.GrantID != "" {
		s.news.missed(store.Grants.Kind(), row.GrantID)
		return
	}
	s.news.missed(store.Products.Kind(), row.ProductID)
}

// wishes are what the grant means, under the rules of this moment, and the answer
// of the rules; none where it lives no more or they do not allow it now.
func (v *view) wishes(ctx context.Context, g model.Grant) ([]wish, []gate.Answer, error) {
	o, err := v.offered(ctx, g)
	if err != nil || len(o.places) == 0 {
		return nil, nil, err
	}
	answer, err := v.ask(ctx, g, o)
	if err != nil || !answer.Allowed() {
		return nil, nil, err
	}
	found := make([]wish, len(o.places))
	for i, w := range o.places {
		found[i] = v.fill(w, g.PrincipalID, o.assets, answer.Obligations)
	}
	return found, []gate.Answer{answer}, nil
}

// offered is what the grant opens, if it lives: nothing where the product is not
// there or gives nothing.
func (v *view) offered(ctx context.Context, g model.Grant) (*offer, error) {
	if !g.Live(v.service.now()) {
		return &offer{}, nil
	}
	if o, known := v.products[g.ProductID]; known {
		return o, nil
	}
	if len(v.products) >= mostKept {
		v.forget()
	}
	o := &offer{}
	var err error
	if o.product, err = store.Products.Get(ctx, v.service.store, g.ProductID); err != nil && !model.Is(err, model.KindNotFound) {
		return nil, err
	}
	if err == nil && o.product.OnOffer() {
		if o.assets, err = store.Assets.GetMany(ctx, v.service.store, o.product.Assets(model.OutputPort)...); err != nil {
			return nil, err
		}
		o.places = v.places(o.product, o.assets)
	}
	if len(o.places) > 0 {
		if o.resource, err = v.service.gate.Product(ctx, o.product); err != nil {
			return nil, err
		}
	}
	v.products[g.ProductID] = o
	return o, nil
}

// places are the assets of the product that a source holds in which rights are
// given. A source says nothing of the assets of another domain.
func (v *view) places(p model.DataProduct, assets []model.Asset) (found []wish) {
	for _, a := range assets {
		if !p.MayOffer(a) || a.Kind.Holds() {
			continue
		}
		for _, sighting := range a.Sightings {
			source, gives := v.sources[sighting.SourceID]
			if gives && !sighting.Reference && sighting.UnlistedSince == nil && source.DomainID == a.DomainID {
				found = append(found, wish{source: source, asset: a.ID})
			}
		}
	}
	return found
}

// ask puts the question whether the holder may read the product now.
func (v *view) ask(ctx context.Context, g model.Grant, o *offer) (gate.Answer, error) {
	holder, err := v.person(ctx, g.PrincipalID)
	if err != nil || holder == nil || holder.Suspended {
		return gate.Answer{}, err
	}
	answer, err := v.in.AskFor(ctx, *holder, model.ActDataRead, o.resource, gate.Extra{Purpose: g.Purpose})
	if err == nil {
		answer.Record = store.Decisions.Put(answer.Row)
	}
	return answer, err
}

func (v *view) person(ctx context.Context, id model.ID) (*model.Principal, error) {
	if p, known := v.people[id]; known {
		return p, nil
	}
	if len(v.people) >= mostKept {
		v.forget()
	}
	p, err := store.Principals.Get(ctx, v.service.store, id)
	if model.Is(err, model.KindNotFound) {
		v.people[id] = nil
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, err
	}
	v.people[id] = &p
	return &p, nil
}
