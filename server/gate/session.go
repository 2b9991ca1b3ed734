package gate

import (
	"context"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Session is one operation: its questions, about whoever they are, are put on
// one snapshot of the policies and at one time, and what they need of a subject
// is read once. A change renews it. It is not safe for concurrent use.
type Session struct {
	gate     *Gate
	snapshot *policy.Snapshot
	now      time.Time
	known    map[model.ID]*subjectFacts
	rights   map[rightsKey]policy.Rights
	needs    []store.Self // what its changes build on
}

// subjectFacts is what the policies may know of a subject.
type subjectFacts struct {
	subject policy.Subject
	domains []model.Domain // that the subject is a steward of
	grants  holdings
	granted bool // the grants are loaded
}

// Session begins an operation.
func (g *Gate) Session() *Session {
	s := &Session{gate: g}
	s.renew()
	return s
}

// renew forgets what was read, and takes the policies and the time of now.
func (s *Session) renew() {
	s.snapshot, s.now = s.gate.engine.Snapshot(), s.gate.now()
	s.known, s.rights = map[model.ID]*subjectFacts{}, map[rightsKey]policy.Rights{}
}

// Asker is who puts the questions of an operation: a session, or the gate
// itself where the operation has one question only.
type Asker interface{ session() *Session }

func (s *Session) session() *Session { return s }
func (g *Gate) session() *Session    { return g.Session() }

// Ask puts one question of the actor. A refusal is an answer, not an error.
func (s *Session) Ask(ctx context.Context, action model.Action, res policy.Resource, extra Extra) (Answer, error) {
	who, err := model.PrincipalFrom(ctx)
	if err != nil {
		return Answer{}, err
	}
	answer, err := s.AskFor(ctx, who, action, res, extra)
	if err == nil {
		answer.Record = store.Decisions.Put(answer.Row)
	}
	return answer, err
}

// Require asks and turns anything but an allow into an error of kind Denied.
// The refusal is in the decision log before the caller hears of it.
func (s *Session) Require(ctx context.Context, action model.Action, res policy.Resource) (Answer, error) {
	answer, err := s.Ask(ctx, action, res, Extra{})
	if err != nil || answer.Allowed() {
		return answer, err
	}
	return answer, s.Refuse(ctx, action, res, answer)
}

// Refuse logs a refusal and gives the error that tells of it, with the next
// step that would be legal where there is one.
func (s *Session) Refuse(ctx context.Context, action model.Action, res policy.Resource, answer Answer) error {
	return s.gate.refuse(ctx, action, res, answer)
}

// Change begins the change that an answer permits: it names the actor and
// carries the decision's row, so that the log and the deed share a transaction.
// Whatever the operation asks from then on it asks about the facts after the
// change, which may have made the actor a steward, or no longer one.
func (s *Session) Change(ctx context.Context, action string, subject model.ID, reason string, answer Answer, writes ...store.Write) store.Change {
	s.renew()
	c := s.gate.permitted(ctx, action, subject, reason, answer, writes...)
	c.Needs = slices.Clone(s.needs)
	return c
}

// Needs notes records that a change of the operation builds on: it is refused
// when one of them has gone meanwhile. What See and Refer find is noted by
// themselves, where it is of a kind that people take away.
func (s *Session) Needs(kind store.Kind, ids ...model.ID) {
	switch kind {
	case store.Domains.Kind(), store.Teams.Kind(), store.Principals.Kind(), store.Products.Kind():
	default:
		return
	}
	for _, id := range ids {
		if self := (store.Self{Kind: kind, ID: id}); !slices.Contains(s.needs, self) {
			s.needs = append(s.needs, self)
		}
	}
}

// Filter asks about every resource at once. Rows of a list leave no record of
// their own.
func (s *Session) Filter(ctx context.Context, action model.Action, resources []policy.Resource) ([]bool, error) {
	v, err := s.Viewer(ctx, action)
	if err != nil {
		return nil, err
	}
	return v.each(ctx, resources), nil
}

// Question puts together what the actor would be asking, without asking.
func (s *Session) Question(ctx context.Context, action model.Action, res policy.Resource, extra Extra) (policy.Question, error) {
	who, err := model.PrincipalFrom(ctx)
	if err != nil {
		return policy.Question{}, err
	}
	return s.QuestionOf(ctx, who, action, res, extra)
}

// AskFor puts one question about what who may do. Nobody is asked whether the
// actor of the context may ask it: that is the caller's duty. The answer has a
// row for the log, but no write of it.
func (s *Session) AskFor(ctx context.Context, who model.Principal, action model.Action, res policy.Resource, extra Extra) (Answer, error) {
	q, err := s.QuestionOf(ctx, who, action, res, extra)
	if err != nil {
		return Answer{}, err
	}
	return s.Decide(ctx, q), nil
}

// Decide puts a question of QuestionOf. Unlike the rest of a session it may be
// called from several goroutines at once.
func (s *Session) Decide(ctx context.Context, q policy.Question) Answer {
	return decide(ctx, s.snapshot, q, nil)
}

// DecideAlike is Decide for one of many questions about what the subject may know
// of: those that no rule can tell apart are decided once.
func (s *Session) DecideAlike(ctx context.Context, q policy.Question, others *policy.Alike) Answer {
	return decide(ctx, s.snapshot, q, others)
}

// Would puts a question that leaves no row.
func (s *Session) Would(ctx context.Context, who model.Principal, action model.Action, res policy.Resource, extra Extra) (model.Decision, error) {
	q, err := s.QuestionOf(ctx, who, action, res, extra)
	if err != nil {
		return model.Decision{}, err
	}
	return s.snapshot.Decide(ctx, q), nil
}

// Standing puts a question of who about what they may do on the platform, which
// each of their requests begins with. It leaves no row.
func (s *Session) Standing(ctx context.Context, who model.Principal, action model.Action, res policy.Resource) (model.Decision, error) {
	q, err := s.QuestionOf(ctx, who, action, res, Extra{})
	if err != nil {
		return model.Decision{}, err
	}
	return s.snapshot.Standing(ctx, q), nil
}

// Sees tells whether who may know of the resource. As for the rows of a list, the
// condition that the rules were turned into answers, which is no decision of its
// own. Where no condition expresses the rules of some domain, the rules are asked
// whatever the resource's domain: what is hidden there must cost what is absent does.
func (s *Session) Sees(ctx context.Context, who model.Principal, res policy.Resource, extra Extra) (bool, error) {
	q, sees, told, err := s.glance(ctx, who, res, extra)
	if err != nil || told {
		return sees, err
	}
	return s.snapshot.Decide(ctx, q).Allowed(), nil
}

// SeesAtOnce tells, without asking the rules, whether who may know of the resource;
// false where no condition tells.
func (s *Session) SeesAtOnce(ctx context.Context, who model.Principal, res policy.Resource) (bool, error) {
	_, sees, _, err := s.glance(ctx, who, res, Extra{})
	return sees, err
}

// glance asks the condition that the rules of looking were turned into.
func (s *Session) glance(ctx context.Context, who model.Principal, res policy.Resource, extra Extra) (q policy.Question, sees, told bool, err error) {
	if q, err = s.QuestionOf(ctx, who, model.ActMetadataView, res, extra); err != nil {
		return q, false, false, err
	}
	view := s.snapshot.View(ctx, q)
	if !view.Whole() {
		return q, false, false, nil
	}
	return q, view.Of(res.Domain).Holds(&q), true, nil
}

// QuestionOf puts together what who would be asking, without asking.
func (s *Session) QuestionOf(ctx context.Context, who model.Principal, action model.Action, res policy.Resource, extra Extra) (policy.Question, error) {
	a, err := s.factsOf(ctx, who)
	if err != nil {
		return policy.Question{}, err
	}
	if res, err = s.inspect(ctx, action, res, extra.Wanted); err != nil {
		return policy.Question{}, err
	}
	grants, err := s.grantsOn(ctx, a, res)
	return policy.Question{
		Action: action, Subject: a.subject, Resource: res, Properties: extra.Properties, Context: extra.context(ctx, s.now),
		Facts: policy.Facts{
			Grants: grants, RolesHeld: joined(rolesHeld(a.subject, res), extra.Roles),
			Impact: extra.Impact, Change: extra.Change, Ending: extra.Ending,
		},
	}, err
}

// joined is each role of both, once.
func joined(held, more []model.ApproverRole) []model.ApproverRole {
	for _, role := range more {
		if !slices.Contains(held, role) {
			held = append(held, role)
		}
	}
	return held
}

// factsOf loads what the policies may know of a subject.
func (s *Session) factsOf(ctx context.Context, who model.Principal) (*subjectFacts, error) {
	if a, ok := s.known[who.ID]; ok {
		return a, nil
	}
	subject, domains, err := s.gate.subject(ctx, who)
	if err != nil {
		return nil, err
	}
	a := &subjectFacts{subject: subject, domains: domains}
	s.known[who.ID] = a
	return a, nil
}

// Stewarded gives the domains that the actor is a steward of, as the operation
// has read them.
func (s *Session) Stewarded(ctx context.Context) ([]model.Domain, error) {
	a, err := s.factsOfActor(ctx)
	if err != nil {
		return nil, err
	}
	return a.domains, nil
}

// factsOfActor loads what the policies may know of the actor.
func (s *Session) factsOfActor(ctx context.Context) (*subjectFacts, error) {
	who, err := model.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	return s.factsOf(ctx, who)
}

// grantsOn gives the subject's grants on the resource, and loads them when the
// first resource comes up that there can be one on: grants are for products.
func (s *Session) grantsOn(ctx context.Context, a *subjectFacts, res policy.Resource) ([]policy.GrantFact, error) {
	if res.ID.Prefix() != model.PrefixProduct && res.Product == "" {
		return nil, nil
	}
	grants, err := s.grants(ctx, a)
	return grants.on(res), err
}

func (s *Session) grants(ctx context.Context, a *subjectFacts) (holdings, error) {
	if a.granted {
		return a.grants, nil
	}
	grants, err := s.gate.grants(ctx, a.subject.ID, s.now)
	if err != nil {
		return holdings{}, err
	}
	a.grants, a.granted = hold(grants), true
	return a.grants, nil
}

// Purpose is what the subject's live grant on the resource was given for; ""
// without one.
func (s *Session) Purpose(ctx context.Context, who model.Principal, res policy.Resource) (string, error) {
	a, err := s.factsOf(ctx, who)
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
func (e Extra) context(ctx context.Context, now time.Time) policy.Context {
	return policy.Context{Now: now, Purpose: e.Purpose, Duration: e.Duration, Channel: string(model.ChannelFrom(ctx))}
}
