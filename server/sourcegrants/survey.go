package sourcegrants

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// survey looks at every grant that lives, and at every right that is or may be
// in a source though its grant does not.
func (s *Service) survey(ctx context.Context) error {
	v, err := s.newView(ctx)
	if err != nil || len(v.sources) == 0 && !v.leftovers {
		return err
	}
	seen := map[model.ID]bool{}
	for g, err := range store.Grants.All(ctx, s.store, store.Query{Index: "by_status", Where: store.Eq("status", string(model.GrantActive)), Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		seen[g.ID] = true
		if err := v.settle(ctx, g); err != nil {
			return err
		}
	}
	var over []model.ID
	for row, err := range store.SourceGrants.All(ctx, s.store, store.Query{Index: "by_created", Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		if !seen[row.GrantID] && row.Wanted != nil {
			over, seen[row.GrantID] = append(over, row.GrantID), true
		}
	}
	return s.settleAll(ctx, v, over)
}

// look looks at some grants.
func (s *Service) look(ctx context.Context, ids []model.ID) error {
	if len(ids) == 0 {
		return nil
	}
	v, err := s.newView(ctx)
	if err != nil {
		return err
	}
	return s.settleAll(ctx, v, ids)
}

func (s *Service) settleAll(ctx context.Context, v *view, ids []model.ID) error {
	var trouble error
	for part := range slices.Chunk(ids, store.MaxIn) {
		grants, err := store.Grants.GetMany(ctx, s.store, part...)
		trouble = errors.Join(trouble, err)
		for _, g := range grants {
			trouble = errors.Join(trouble, v.settle(ctx, g))
		}
	}
	return trouble
}

// view is what grants are looked at with: the sources in which rights are given,
// and who reads there by which role.
type view struct {
	service   *Service
	in        *gate.Session
	sources   map[model.ID]model.Source
	roles     map[[2]model.ID]string // by source and principal
	leftovers bool                   // a source that was given rights in gives none any more
}

func (s *Service) newView(ctx context.Context) (*view, error) {
	v := &view{service: s, in: s.gate.Session(), sources: map[model.ID]model.Source{}, roles: map[[2]model.ID]string{}}
	for g, err := range store.SourceGrantings.All(ctx, s.store, store.Query{Index: "by_source", Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		source, err := store.Sources.Get(ctx, s.store, g.SourceID)
		if err != nil {
			return nil, err
		}
		if source.RemovedAt != nil {
			v.leftovers = true
			continue
		}
		v.sources[source.ID] = source
		q := store.Query{Index: "by_role", Where: store.Eq("source", string(source.ID)), Limit: store.MaxPage}
		for r, err := range store.SourceRoles.All(ctx, s.store, q) {
			if err != nil {
				return nil, err
			}
			v.roles[[2]model.ID{r.SourceID, r.PrincipalID}] = r.Role
		}
	}
	return v, nil
}

// wish is what a grant means for one asset in one source.
type wish struct {
	source  model.Source
	asset   model.ID
	right   *model.SourceRight // nil where it cannot be given
	failure *model.Failure     // why not
}

// settle turns what has changed about a grant into work.
func (v *view) settle(ctx context.Context, g model.Grant) error {
	wishes, answer, err := v.wishes(ctx, g)
	if err != nil {
		return err
	}
	rows := map[model.ID]model.SourceGrant{}
	for row, err := range store.SourceGrants.All(ctx, v.service.store, store.Query{Index: "by_grant", Where: store.Eq("grant", string(g.ID)), Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		rows[row.ID] = row
	}
	for _, w := range wishes {
		id := rowID(g.ID, w.source.ID, w.asset)
		row, has := rows[id]
		delete(rows, id)
		if !has {
			row = model.SourceGrant{
				Meta: model.Meta{ID: id}, GrantID: g.ID, SourceID: w.source.ID, DomainID: w.source.DomainID, AssetID: w.asset, PrincipalID: g.PrincipalID,
				State: model.SourceGrantRevoked,
			}
		}
		if err := v.put(ctx, row, w, answer); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if err := v.put(ctx, row, wish{}, answer); err != nil {
			return err
		}
	}
	return nil
}

func rowID(grant, source, asset model.ID) model.ID {
	sum := sha256.Sum256([]byte(grant + " " + source + " " + asset))
	return model.SumID(model.PrefixInSource, sum[:16])
}

// put writes what the source shall have, if that is another thing than before.
func (v *view) put(ctx context.Context, row model.SourceGrant, w wish, answer gate.Answer) error {
	same := row.Revision > 0 && row.Wanted.Same(w.right)
	if same && (w.failure == nil || row.Failure != nil && row.Failure.Code == w.failure.Code) {
		return nil
	}
	row.Wanted, row.Failure, row.Tries, row.DecisionID = w.right, w.failure, 0, answer.ID
	switch {
	case w.right != nil || row.Given != nil:
		row.State, row.DueAt = model.SourceGrantPending, v.service.now()
	case w.failure != nil:
		row.State = model.SourceGrantFailed
	}
	if row.Revision == 0 && w.right == nil && w.failure == nil {
		return nil
	}
	_, err := v.service.store.Apply(ctx, v.in.Change(ctx, "source_grant.want", row.ID, "", answer, store.SourceGrants.Put(row)))
	if model.LostRace(err) {
		v.service.news.missed(row.GrantID)
		return nil
	}
	return err
}

// wishes are what the grant means, under the rules of this moment, and the answer
// of the rules; none where it lives no more or they do not allow it now.
func (v *view) wishes(ctx context.Context, g model.Grant) ([]wish, gate.Answer, error) {
	if !g.Live(v.service.now()) {
		return nil, gate.Answer{}, nil
	}
	product, err := store.Products.Get(ctx, v.service.store, g.ProductID)
	if model.Is(err, model.KindNotFound) || err == nil && !product.OnOffer() {
		return nil, gate.Answer{}, nil
	}
	if err != nil {
		return nil, gate.Answer{}, err
	}
	assets, err := store.Assets.GetMany(ctx, v.service.store, product.Assets(model.OutputPort)...)
	if err != nil {
		return nil, gate.Answer{}, err
	}
	found := v.places(product, assets)
	if len(found) == 0 {
		return nil, gate.Answer{}, nil
	}
	answer, err := v.ask(ctx, g, product)
	if err != nil || !answer.Allowed() {
		return nil, gate.Answer{}, err
	}
	for i := range found {
		v.fill(&found[i], g, assets, answer.Obligations)
	}
	return found, answer, nil
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
func (v *view) ask(ctx context.Context, g model.Grant, p model.DataProduct) (gate.Answer, error) {
	holder, err := store.Principals.Get(ctx, v.service.store, g.PrincipalID)
	if model.Is(err, model.KindNotFound) || err == nil && holder.Suspended {
		return gate.Answer{}, nil
	}
	if err != nil {
		return gate.Answer{}, err
	}
	res, err := v.service.gate.Product(ctx, p)
	if err != nil {
		return gate.Answer{}, err
	}
	answer, err := v.in.AskFor(ctx, holder, model.ActDataRead, res, gate.Extra{Purpose: g.Purpose})
	if err == nil {
		answer.Record = store.Decisions.Put(answer.Row)
	}
	return answer, err
}
