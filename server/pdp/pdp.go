// Package pdp answers the questions of other systems: what may this subject do
// with that resource. It owns the way from the names that outsiders use to our
// nouns, the right to ask about others, and the rule that a caller who cannot
// carry a duty out hears no. It decides nothing, and it refuses to take an
// outsider's word for what the server knows itself.
package pdp

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// recorder keeps decisions that no change of ours follows, and knows those that
// the store has forgotten.
type recorder interface {
	Note(ctx context.Context, rows ...model.DecisionRecord) error
	Get(ctx context.Context, id model.ID) (model.DecisionRecord, error)
}

// Service answers questions about subjects other than the caller.
type Service struct {
	store  store.Store
	gate   *gate.Gate
	engine *policy.Engine
	log    recorder
	key    policy.BundleKey
	tables tables
	now    func() time.Time

	nouns    map[string]noun // by type
	archives archives
	domains  sync.Map // ids by names
}

// Config is what the service works with.
type Config struct {
	Store    store.Store
	Gate     *gate.Gate
	Engine   *policy.Engine
	Log      recorder         // nil keeps the decisions in the store
	Key      policy.BundleKey // without one there are no bundles
	Catalogs []string         // Trino's catalogs: NAME=NAMESPACE/DATABASE
	Now      func() time.Time
}

// New makes the service. It returns an error of kind Invalid for a setting
// that cannot work.
func New(c Config) (*Service, error) {
	t, err := readTables(c.Catalogs)
	if err != nil {
		return nil, err
	}
	byType := map[string]noun{}
	for _, n := range nouns() {
		byType[n.typ] = n
	}
	return &Service{
		store: c.Store, gate: c.Gate, engine: c.Engine, log: c.Log, key: c.Key, now: c.Now, tables: t,
		nouns: byType, archives: archives{kept: map[string]keptArchive{}},
	}, nil
}

// nounOf finds the noun that a type of other systems means.
func (s *Service) nounOf(typ string) noun {
	if n, ok := s.nouns[typ]; ok {
		return n
	}
	return s.nouns[typeAsset]
}

// Entity is a subject or a resource as an outsider names it.
type Entity struct {
	Type       string
	ID         string
	Properties map[string]any
}

// Question asks whether the subject may do the action to the resource.
type Question struct {
	Subject    Entity
	Action     string
	Properties map[string]any // of the action
	Resource   Entity
	Context    map[string]any
}

// Client is what the door knows of the caller.
type Client struct {
	Carries []model.ObligationType // the duties that the caller carries out; a mandatory one beside them refuses
}

// EveryDuty is what a client carries that understands obligations.
func EveryDuty() []model.ObligationType {
	return []model.ObligationType{
		model.ObligeMask, model.ObligeRowFilter, model.ObligeLog, model.ObligeWatermark,
		model.ObligeTTLMax, model.ObligeNoExport, model.ObligeAcknowledge,
	}
}

// Evaluate answers one question. A refusal is an answer; so is a name that
// nobody here goes by. It returns an error of kind Denied to a caller who may
// not ask about the subject.
func (s *Service) Evaluate(ctx context.Context, q Question, c Client) (model.Decision, error) {
	r := s.batch(c)
	d, err := r.evaluate(ctx, q)
	if err != nil {
		return model.Decision{}, err
	}
	return d, r.keep(ctx)
}

// batch is one request: many questions on one snapshot of the policies.
type batch struct {
	*Service
	client  Client
	session *gate.Session
	right   *bool // whether the caller may ask about everybody; nil until asked
	trusted *bool // whether the caller may vouch
	people  map[entityName]*model.Principal
	targets map[entityName]*target
	rows    []model.DecisionRecord
	alike   policy.Alike

	caller  model.ID
	request string
}

// entityName is an entity without its properties.
type entityName struct{ typ, id string }

func (s *Service) batch(c Client) *batch {
	return &batch{Service: s, client: c, session: s.gate.Session(), people: map[entityName]*model.Principal{}, targets: map[entityName]*target{}}
}

func (r *batch) evaluate(ctx context.Context, q Question) (model.Decision, error) {
	c, err := r.prepare(ctx, q)
	if err != nil {
		return model.Decision{}, err
	}
	r.decide(ctx, &c)
	return r.conclude(ctx, c)
}

// inquiry is a question on its way to an answer.
type inquiry struct {
	Question

	said   *model.Decision // the answer of a question that no policy is asked
	who    model.Principal
	what   target
	first  policy.Question // what is decided first
	seen   bool            // it may be decided with others: the subject may know of the resource
	answer gate.Answer     // to that
}

func answered(d model.Decision) inquiry { return inquiry{said: &d} }

// prepare finds who and what the question is about, and what is to be decided.
func (r *batch) prepare(ctx context.Context, q Question) (inquiry, error) {
	who, err := r.subject(ctx, q.Subject)
	if err != nil {
		return inquiry{}, err
	}
	if err := r.mayAsk(ctx, who); err != nil {
		return inquiry{}, err
	}
	if who == nil {
		return answered(unknown("subject.unknown", "There is no such subject here.")), nil
	}
	what, err := r.resource(ctx, q.Resource)
	if err != nil {
		return inquiry{}, err
	}
	c := inquiry{Question: q, who: *who, what: *what}
	if c.viewedFirst() {
		q = Question{Action: string(model.ActMetadataView)}
	}
	extra, err := r.extra(ctx, c.what, q)
	if err != nil {
		return c, err
	}
	c.first, err = r.session.QuestionOf(ctx, c.who, actionOf(q.Action), c.what.res, extra)
	return c, err
}

// viewedFirst reports a question whose facts take reads that only a real product
// has: what is hidden must not cost more than what does not exist.
func (c inquiry) viewedFirst() bool { return actionOf(c.Action) == model.ActProductPublish }

// decide asks the policies. It may be called from several goroutines at once.
func (r *batch) decide(ctx context.Context, c *inquiry) {
	switch {
	case c.said != nil:
	case c.seen:
		c.answer = r.session.DecideAlike(ctx, c.first, &r.alike)
	default:
		c.answer = r.session.Decide(ctx, c.first)
	}
}

// conclude makes of the first answer what the caller hears.
func (r *batch) conclude(ctx context.Context, c inquiry) (model.Decision, error) {
	if c.said != nil {
		return *c.said, nil
	}
	exists, answer := !c.what.absent, c.answer
	if exists && answer.Allowed() && c.viewedFirst() {
		var err error
		if answer, err = r.ask(ctx, c.who, c.what, c.Question); err != nil {
			return model.Decision{}, err
		}
	}
	if exists && answer.Allowed() {
		d, err := r.offered(ctx, c.who, c.what, c.Question, answer.Decision, r.askLogged)
		if err != nil {
			return model.Decision{}, err
		}
		if d.Allowed() {
			r.rows = append(r.rows, answer.Row)
			return r.carried(d), nil
		}
		answer.Decision = d
	}
	return r.refused(ctx, c.who, c.what, answer, exists)
}

// refused tells why not, but only of a resource that the subject may know of.
// What is hidden answers as what does not exist, after the same reads and one
// decision; the log keeps what the policies said of it.
func (r *batch) refused(ctx context.Context, who model.Principal, what target, answer gate.Answer, exists bool) (model.Decision, error) {
	known, err := r.session.Sees(ctx, who, what.res, gate.Extra{})
	if err != nil {
		return model.Decision{}, err
	}
	if exists {
		answer.Row.Hidden = !known
		r.rows = append(r.rows, answer.Row)
	}
	if exists && known {
		return answer.Decision, nil
	}
	return unknown("resource.unknown", "There is no such resource here."), nil
}

// askLogged asks about a product and leaves a row of it.
func (r *batch) askLogged(ctx context.Context, who model.Principal, what target, q Question) (model.Decision, error) {
	answer, err := r.ask(ctx, who, what, q)
	if err == nil {
		r.rows = append(r.rows, answer.Row)
	}
	return answer.Decision, err
}

// askUnlogged asks about a product and leaves no row.
func (r *batch) askUnlogged(ctx context.Context, who model.Principal, what target, q Question) (model.Decision, error) {
	extra, err := r.extra(ctx, what, q)
	if err != nil {
		return model.Decision{}, err
	}
	return r.session.Would(ctx, who, actionOf(q.Action), what.res, extra)
}

type asker func(context.Context, model.Principal, target, Question) (model.Decision, error)

// offered joins what the rules say of reading an asset with what they say of
// the products that offer it: the strictest decides, at every door.
func (r *batch) offered(ctx context.Context, who model.Principal, what target, q Question, d model.Decision, ask asker) (model.Decision, error) {
	if what.asset == nil || actionOf(q.Action) != model.ActDataRead || !d.Allowed() {
		return d, nil
	}
	o, err := r.offerOf(ctx, *what.asset)
	if err != nil || !o.any() {
		return d, err
	}
	over, err := r.strictest(ctx, &who, o, q, ask)
	return policy.Strictest(d, over), err
}

// ask puts the question to the policies.
func (r *batch) ask(ctx context.Context, who model.Principal, what target, q Question) (gate.Answer, error) {
	extra, err := r.extra(ctx, what, q)
	if err != nil {
		return gate.Answer{}, err
	}
	return r.session.AskFor(ctx, who, actionOf(q.Action), what.res, extra)
}

// extra is what the question carries beside its subject and resource.
func (r *batch) extra(ctx context.Context, what target, q Question) (gate.Extra, error) {
	properties, err := r.properties(ctx, what, q)
	purpose, _ := q.Context["purpose"].(string)
	return gate.Extra{Purpose: purpose, Properties: properties}, err
}

// mayAsk asks whether the caller may ask about the subject: as somebody who
// may ask about everybody, or about themselves.
func (r *batch) mayAsk(ctx context.Context, who *model.Principal) error {
	caller, err := model.PrincipalFrom(ctx)
	if err != nil {
		return err
	}
	r.caller, r.request = caller.ID, model.RequestIDFrom(ctx)
	res := r.gate.Platform("decision", "evaluation")
	if r.right == nil {
		d, err := r.session.Standing(ctx, caller, model.ActDecisionAsk, res)
		if err != nil {
			return err
		}
		allowed := d.Allowed()
		r.right = &allowed
	}
	if *r.right {
		return nil
	}
	if who != nil {
		res.Requester = who.ID
	}
	_, err = r.gate.Require(ctx, model.ActDecisionAsk, res)
	return err
}

// carried turns an allow into a refusal when it comes with a duty that the
// client would not carry out. The log keeps what the policies said.
func (r *batch) carried(d model.Decision) model.Decision {
	for _, o := range d.Obligations {
		if d.Allowed() && o.Mandatory && !slices.Contains(r.client.Carries, o.Type) {
			d.Outcome = model.Deny
			d.Reasons = []model.Reason{{
				Code: "obligation.unsupported", Origin: "engine",
				Message: "It is allowed only with the duty " + o.ID + " (" + string(o.Type) + "), which the client does not carry out.",
			}}
		}
	}
	return d
}

// keep logs the decisions of the batch.
func (r *batch) keep(ctx context.Context) error {
	if len(r.rows) == 0 {
		return nil
	}
	if r.log != nil {
		return r.log.Note(ctx, r.rows...)
	}
	writes := make([]store.Write, len(r.rows))
	for i, row := range r.rows {
		writes[i] = store.Decisions.Put(row)
	}
	change := r.gate.Change(ctx, string(model.ActDecisionAsk), r.rows[0].ResourceID, "", writes...)
	_, err := r.store.Apply(ctx, change)
	return err
}

func unknown(code, message string) model.Decision {
	return model.Decision{Outcome: model.Deny, Reasons: []model.Reason{{Code: code, Message: message, Origin: "engine"}}}
}
