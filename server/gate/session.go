package gate

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// Session asks many questions, about whoever they are, on one snapshot of the
// policies and at one time. It loads what it knows of a subject once. It
// serves one request and is not safe for concurrent use.
type Session struct {
	gate     *Gate
	snapshot *policy.Snapshot
	now      time.Time
	known    map[model.ID]*acquaintance
}

type acquaintance struct {
	subject policy.Subject
	grants  []policy.GrantFact
	granted bool // the grants are loaded
}

// Session begins a session.
func (g *Gate) Session() *Session {
	return &Session{gate: g, snapshot: g.engine.Snapshot(), now: g.now(), known: map[model.ID]*acquaintance{}}
}

// Ask puts one question about what who may do. Nobody is asked whether the
// actor of the context may ask it: that is the caller's duty. The answer has a
// row for the log, but no write of it.
func (s *Session) Ask(ctx context.Context, who model.Principal, action model.Action, res policy.Resource, extra Extra) (Answer, error) {
	q, err := s.question(ctx, who, action, res, extra)
	if err != nil {
		return Answer{}, err
	}
	return decide(ctx, s.snapshot, q), nil
}

// Would puts a question that leaves no row.
func (s *Session) Would(ctx context.Context, who model.Principal, action model.Action, res policy.Resource, extra Extra) (model.Decision, error) {
	q, err := s.question(ctx, who, action, res, extra)
	if err != nil {
		return model.Decision{}, err
	}
	return s.snapshot.Decide(ctx, q), nil
}

// Sees tells whether who may know of the resource. As for the rows of a list, the
// condition that the rules were turned into answers, which is no decision of its
// own. Where no condition expresses the rules of some domain, the rules are asked
// whatever the resource's domain: what is hidden there must cost what is absent does.
func (s *Session) Sees(ctx context.Context, who model.Principal, res policy.Resource, extra Extra) (bool, error) {
	q, err := s.question(ctx, who, model.ActMetadataView, res, extra)
	if err != nil {
		return false, err
	}
	if view := s.snapshot.View(ctx, q); view.Whole() {
		return view.Of(res.Domain).Holds(&q), nil
	}
	return s.snapshot.Decide(ctx, q).Allowed(), nil
}

func (s *Session) question(ctx context.Context, who model.Principal, action model.Action, res policy.Resource, extra Extra) (policy.Question, error) {
	a, err := s.meet(ctx, who)
	if err != nil {
		return policy.Question{}, err
	}
	if res, err = s.gate.inspect(ctx, action, res, extra.Wanted); err != nil {
		return policy.Question{}, err
	}
	grants, err := s.grantsOn(ctx, a, res)
	return policy.Question{
		Action: action, Subject: a.subject, Resource: res, Properties: extra.Properties, Context: extra.context(s.now),
		Facts: policy.Facts{Grants: grants, RolesHeld: slices.Concat(rolesHeld(a.subject, res), extra.Roles)},
	}, err
}

// meet loads what the policies may know of a subject.
func (s *Session) meet(ctx context.Context, who model.Principal) (*acquaintance, error) {
	if a, ok := s.known[who.ID]; ok {
		return a, nil
	}
	subject, err := s.gate.subject(model.WithPrincipal(ctx, who))
	if err != nil {
		return nil, err
	}
	a := &acquaintance{subject: subject}
	s.known[who.ID] = a
	return a, nil
}

// grantsOn gives the subject's grants on the resource, and loads them when the
// first resource comes up that there can be one on: grants are for products.
func (s *Session) grantsOn(ctx context.Context, a *acquaintance, res policy.Resource) ([]policy.GrantFact, error) {
	if res.ID.Prefix() != model.PrefixProduct && res.Product == "" {
		return nil, nil
	}
	if !a.granted {
		grants, err := s.gate.grants(ctx, a.subject.ID)
		if err != nil {
			return nil, err
		}
		a.grants, a.granted = grants, true
	}
	return relevant(a.grants, res), nil
}

// Purpose is what the subject's live grant on the resource was given for; ""
// without one.
func (s *Session) Purpose(ctx context.Context, who model.Principal, res policy.Resource) (string, error) {
	a, err := s.meet(ctx, who)
	if err != nil {
		return "", err
	}
	grants, err := s.grantsOn(ctx, a, res)
	if err != nil || len(grants) == 0 {
		return "", err
	}
	return grants[0].Purpose, nil
}

// Actions lists the actions of applications that the domain's rules name.
func (s *Session) Actions(domain model.Slug) []model.Action { return s.snapshot.AppActions(domain) }

// Revisions names the platform's policies that the session asks.
func (s *Session) Revisions() model.Revisions {
	return model.Revisions{Platform: s.snapshot.Revisions()["souk.platform"]}
}

// context tells of the circumstances.
func (e Extra) context(now time.Time) policy.Context {
	return policy.Context{Now: now, Purpose: e.Purpose, Duration: e.Duration, Channel: cmp.Or(e.Channel, "graphql")}
}
