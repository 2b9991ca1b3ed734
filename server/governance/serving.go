package governance

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// serving is what the engine of this server has taken over from the store.
type serving struct {
	mu       sync.Mutex // one package at a time, so that the engine never goes back
	domains  map[model.Slug]served
	position int64 // of the last event that was there when everything was loaded
}

// served is one package as it was taken over.
type served struct {
	state   model.PolicyState
	loaded  bool   // a revision of the store decides
	problem string // why the active revision does not
}

func (v *serving) of(domain model.Slug) served {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.domains[domain]
}

// stateID names the record of a domain's package; "" is the platform's. A
// domain may itself be called platform.
func stateID(domain model.Slug) model.ID {
	switch domain {
	case "":
		return model.ID(model.PrefixState) + "_platform"
	case "platform":
		return model.ID(model.PrefixState) + "_-platform"
	}
	return model.ID(model.PrefixState) + "_" + model.ID(domain)
}

// stateOf reads which revisions a domain lives by; a domain that has never
// put one in force has a state that is not stored yet.
func (s *Service) stateOf(ctx context.Context, domain model.Slug) (model.PolicyState, error) {
	found, err := store.PolicyStates.GetMany(ctx, s.store, stateID(domain))
	if err != nil || len(found) == 0 {
		return model.PolicyState{Meta: model.Meta{ID: stateID(domain)}, Domain: domain}, err
	}
	return found[0], nil
}

// inForce gives the state of a domain and the content address of the rules
// that decide, after this server has caught up with the store.
func (s *Service) inForce(ctx context.Context, domain model.Slug) (model.PolicyState, string, error) {
	if err := s.reload(ctx, domain); err != nil {
		return model.PolicyState{}, "", err
	}
	s.serving.mu.Lock()
	defer s.serving.mu.Unlock()
	state := s.serving.domains[domain].state
	return state, s.hash(domain), nil
}

// hash is the content address of what the engine decides with.
func (s *Service) hash(domain model.Slug) string {
	template := ""
	for _, p := range s.engine.Snapshot().Packages() {
		switch {
		case domain == "" && p.Name == "souk.platform", domain != "" && p.Domain == domain:
			return p.Revision
		case p.Name == "souk.template":
			template = p.Revision
		}
	}
	return template
}

// Standing tells which revisions a domain, "" is the platform, lives by, and
// whether this server could load them.
func (s *Service) Standing(ctx context.Context, domain model.Slug) (model.PolicyStanding, error) {
	return s.standing(ctx, s.gate.Session(), domain)
}

func (s *Service) standing(ctx context.Context, in *gate.Session, domain model.Slug) (model.PolicyStanding, error) {
	var none model.PolicyStanding
	if _, err := in.Require(ctx, model.ActPolicyRead, s.gate.Policy(domain)); err != nil {
		return none, err
	}
	if err := s.exists(ctx, in, domain); err != nil {
		if model.Is(err, model.KindInvalid) {
			err = model.NotFound("domain", model.ID(domain))
		}
		return none, err
	}
	state, hash, err := s.inForce(ctx, domain)
	standing := model.PolicyStanding{PolicyState: state, ServingHash: hash, Problem: s.serving.of(domain).problem}
	if until := s.engine.QuarantinedUntil(domain); !until.IsZero() {
		standing.QuarantinedUntil = &until
		if time.Until(until) > 0 && standing.Problem == "" {
			standing.Problem = resting(state, s.engine.QuarantineReason(domain), until)
		}
	}
	return standing, err
}

// resting says that rules are in quarantine, and what the domain can return to.
func resting(state model.PolicyState, why string, until time.Time) string {
	offer := "roll back to " + string(state.PreviousID) + ", the last good revision"
	switch {
	case state.ActiveID == "":
		offer = "propose rules that do not fail"
	case state.PreviousID == "":
		offer = "roll back to what the server was started with"
	}
	return "the rules rest: " + why + ", and everything is refused until " + until.Format(time.TimeOnly) + " UTC; " + offer
}

// Load puts what the store says is in force over what the engine was started
// with. A revision that does not load leaves the rules before it deciding and
// marks the domain; only a store that cannot be read is an error.
func (s *Service) Load(ctx context.Context) error {
	last, err := store.Events.Find(ctx, s.store, store.Query{Index: "by_seq", Desc: true, Limit: 1})
	if err != nil {
		return err
	}
	if len(last.Nodes) > 0 {
		s.serving.position = last.Nodes[0].Seq
	}
	for state, err := range store.PolicyStates.All(ctx, s.store, store.Query{Index: "by_domain", Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		if err := s.reload(ctx, state.Domain); err != nil {
			return err
		}
	}
	return nil
}

// reload brings one package up to date with the store.
func (s *Service) reload(ctx context.Context, domain model.Slug) error {
	s.serving.mu.Lock()
	defer s.serving.mu.Unlock()
	state, err := s.stateOf(ctx, domain)
	if err != nil {
		return err
	}
	now := s.serving.domains[domain]
	if now.state.ID != "" && now.state.Revision == state.Revision {
		return nil
	}
	next := served{state: state, loaded: now.loaded}
	err = s.take(ctx, domain, state.ActiveID, &next)
	if err != nil && !model.Is(err, model.KindInvalid) && !model.Is(err, model.KindNotFound) {
		return err // of the store, or because the caller has gone: the next one tries again
	}
	if err != nil {
		next.problem = told(err)
		s.log.ErrorContext(ctx, "rules in force did not load; the last good ones go on deciding", "domain", domain, "revision", state.ActiveID, "error", err)
		if !now.loaded && state.PreviousID != "" { // at the start there is nothing better yet
			_ = s.take(ctx, domain, state.PreviousID, &next) // what the server was started with is good, too
		}
	}
	if state.ShadowID != now.state.ShadowID || state.ShadowOf != now.state.ShadowOf {
		s.try(ctx, state)
	}
	s.serving.domains[domain] = next
	return nil
}

// take makes the engine decide by a revision; "" is what it was started with.
func (s *Service) take(ctx context.Context, domain model.Slug, id model.ID, next *served) error {
	d := policy.Draft{Domain: domain}
	if id == "" && !next.loaded {
		return nil // it does so already
	}
	if id != "" {
		r, err := store.PolicyRevisions.Get(ctx, s.store, id)
		if err != nil {
			return err
		}
		d.Modules = r.Modules
	}
	_, err := s.engine.Activate(ctx, d)
	if err == nil {
		next.loaded = id != ""
	}
	return err
}

// Run follows the feed of events, so that what another server puts in force is
// in force here as well, until the context ends. A store that does not answer
// is asked again a second later.
func (s *Service) Run(ctx context.Context) {
	var writing sync.WaitGroup
	writing.Go(func() { s.keepCounts(ctx) })
	writing.Go(func() { s.holdToContract(ctx) })
	defer writing.Wait()
	for ctx.Err() == nil {
		err := s.follow(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		s.log.ErrorContext(ctx, "following the policies went wrong; it is tried again in a second", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// holdToContract tells the operator when another release of the server brought
// guardrails, or a contract, that the rules in force do not keep.
func (s *Service) holdToContract(ctx context.Context) {
	breaches, err := s.engine.Breaches(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "the rules in force could not be held to the contract", "error", err)
	}
	for _, b := range breaches {
		s.log.WarnContext(ctx, "the rules in force break the contract", "file", b.File, "line", b.Line, "problem", b.Message)
	}
}

func (s *Service) follow(ctx context.Context) error {
	s.serving.mu.Lock()
	from := s.serving.position
	s.serving.mu.Unlock()
	for e, err := range s.store.Events(ctx, from) {
		if err != nil {
			return err
		}
		for _, t := range e.Touched {
			if t.Kind != string(store.PolicyStates.Kind()) {
				continue
			}
			if err := s.reload(ctx, domainOf(t.ID)); err != nil {
				return err
			}
		}
		s.serving.mu.Lock()
		s.serving.position = e.Seq
		s.serving.mu.Unlock()
	}
	return nil
}

// domainOf is the way back from stateID.
func domainOf(id model.ID) model.Slug {
	name := strings.TrimPrefix(string(id), string(model.PrefixState)+"_")
	switch name {
	case "platform":
		return ""
	case "-platform":
		return "platform"
	}
	return model.Slug(name)
}
