package pdp

import (
	"context"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Archive is a signed bundle of rules and grants. Its revision changes when a
// rule or a grant in it does.
type Archive struct {
	Revision string
	Data     []byte
}

// archives keeps the newest archive of each scope: a signature differs each
// time it is made, and most polls come when nothing has changed.
type archives struct {
	mu   sync.Mutex
	kept map[string]keptArchive
}

type keptArchive struct {
	Archive
	rules *policy.Snapshot
	seq   int64 // of the last event that what is held is known to be right after
}

// Bundle gives the rules of a scope, the platform or a domain's name, and the
// grants on its products, for engines outside of Souk. Since the grants say
// who holds what, only those may have it who may ask about everybody. It returns
// an error of kind NotFound for a domain that there is none of, and where the
// operator has given no key.
func (s *Service) Bundle(ctx context.Context, scope string) (Archive, error) {
	if _, err := s.gate.Require(ctx, model.ActPolicyRead, s.gate.Platform("policy", scope)); err != nil {
		return Archive{}, err
	}
	if _, err := s.gate.Require(ctx, model.ActDecisionAsk, s.gate.Platform("decision", "sidecar")); err != nil {
		return Archive{}, err
	}
	if s.key.ID == "" {
		return Archive{}, noKey()
	}
	s.archives.mu.Lock()
	defer s.archives.mu.Unlock()
	kept, ok := s.archives.kept[scope]
	seq, changed, err := s.heldChanged(ctx, kept.seq)
	if err != nil {
		return Archive{}, err
	}
	next := keptArchive{Archive: kept.Archive, rules: s.engine.Snapshot(), seq: seq}
	if !ok || changed || kept.rules != next.rules {
		if next.Archive, err = s.pack(ctx, next.rules, scope, kept.Archive); err != nil {
			return Archive{}, err
		}
	}
	s.archives.kept[scope] = next
	return next.Archive, nil
}

// pack makes the archive, or gives the old one when it would be the same.
func (s *Service) pack(ctx context.Context, rules *policy.Snapshot, scope string, old Archive) (Archive, error) {
	held, err := s.holdings(ctx, scope)
	if err != nil {
		return Archive{}, err
	}
	b, err := policy.BundleOf(rules, scope, held)
	if err != nil || b.Revision == old.Revision {
		return old, err
	}
	data, err := b.Sign(s.key)
	return Archive{Revision: b.Revision, Data: data}, err
}

// heldChanged reports whether a grant or a product was written after the event,
// and gives the number of the last event there is. A server that has just started, or
// where much has happened since, takes it that one was.
func (s *Service) heldChanged(ctx context.Context, after int64) (seq int64, changed bool, err error) {
	newest := store.Query{Index: "by_seq", Desc: true, Limit: 1}
	if after > 0 {
		newest.Where, newest.Limit = store.Between("seq", after+1, nil), store.MaxPage
	}
	page, err := store.Events.Find(ctx, s.store, newest)
	if err != nil {
		return 0, false, err
	}
	seq, changed = after, after == 0 || page.More
	for _, e := range page.Nodes {
		seq = max(seq, e.Seq)
		for _, t := range e.Touched {
			kind := store.Kind(t.Kind)
			changed = changed || kind == store.Grants.Kind() || kind == store.Products.Kind()
		}
	}
	return seq, changed, nil
}

// holdings finds what rules outside look up of the products of a scope.
func (s *Service) holdings(ctx context.Context, scope string) (policy.Holdings, error) {
	domain, err := s.scopeDomain(ctx, scope)
	if err != nil {
		return policy.Holdings{}, err
	}
	held, err := s.held(ctx, domain)
	if err != nil {
		return policy.Holdings{}, err
	}
	unconsented, err := s.unconsented(ctx, domain)
	return policy.Holdings{Grants: held, Unconsented: unconsented}, err
}

// scopeDomain is the domain that a scope is about; "" is all of them.
func (s *Service) scopeDomain(ctx context.Context, scope string) (model.ID, error) {
	if scope == policy.ScopePlatform {
		return "", nil
	}
	if err := model.Slug(scope).Validate("scope"); err != nil {
		return "", err
	}
	d, err := store.DomainNamed(ctx, s.store, model.Slug(scope))
	return d.ID, err
}

// held lists the grants on the domain's products that have not ended.
func (s *Service) held(ctx context.Context, domain model.ID) ([]policy.Holding, error) {
	ends := store.Between("ends", s.now().UnixMilli(), nil)
	q := store.Query{Index: "by_status", Where: store.And(store.Eq("status", string(model.GrantActive)), ends), Limit: store.MaxPage}
	if domain != "" {
		q.Index, q.Where = "by_domain", store.And(store.Eq("domain", string(domain)), ends)
	}
	var held []policy.Holding
	for g, err := range store.Grants.All(ctx, s.store, q) {
		if err != nil {
			return nil, err
		}
		if g.Status == model.GrantActive {
			fact := policy.GrantFact{ID: g.ID, Product: g.ProductID, Purpose: g.Purpose, Until: g.EndsAt}
			held = append(held, policy.Holding{GrantFact: fact, Holder: g.PrincipalID, From: g.StartsAt})
		}
	}
	return held, nil
}

// unconsented counts for the domain's products what they offer without consent.
func (s *Service) unconsented(ctx context.Context, domain model.ID) (map[model.ID]int, error) {
	q := store.Query{Index: "by_name", Limit: store.MaxPage, Budget: 1_000_000}.
		Narrowed(store.Condition{Index: "by_domain", Path: "domain", Value: string(domain)})
	lacking := map[model.ID]int{}
	for p, err := range store.Products.All(ctx, s.store, q) {
		if err != nil {
			return nil, err
		}
		if n := len(p.Unconsented); n > 0 && p.OnOffer() {
			lacking[p.ID] = n
		}
	}
	return lacking, nil
}

// VerificationKey gives the id and the public half of the key that bundles are
// signed with, in PEM.
func (s *Service) VerificationKey() (id, public string, err error) {
	if s.key.ID == "" {
		return "", "", noKey()
	}
	return s.key.ID, s.key.Public, nil
}

func noKey() error {
	return &model.Error{Kind: model.KindNotFound, Message: "this server signs no bundles", Hint: "let the operator give it a key with the setting bundle-key"}
}
