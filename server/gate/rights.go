package gate

import (
	"context"
	"fmt"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// whatTheViewerCan is the purpose of questions that nobody acts on.
const whatTheViewerCan = "what the viewer can do"

// rightsKey tells apart the rights that a session has made conditions of.
type rightsKey struct {
	who      model.ID
	action   model.Action
	kind     string
	purpose  string
	duration time.Duration
	channel  model.Channel
}

// Can tells which of the actions the policies allow on the resource.
func (s *Session) Can(ctx context.Context, res policy.Resource, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	can, err := s.Rights(ctx, []policy.Resource{res}, actions...)
	if err != nil {
		return nil, err
	}
	return can[0], nil
}

// Rights tells of each of the resources which of the actions the policies allow
// on it, and leaves no row. It is Can for a page: who asks and what they hold is
// read once, and the rules are asked about a row only where no condition that
// they were turned into knows the answer.
func (s *Session) Rights(ctx context.Context, resources []policy.Resource, actions ...model.Action) ([]map[model.Action]model.Outcome, error) {
	can := make([]map[model.Action]model.Outcome, len(resources))
	var left []question
	for i, res := range resources {
		can[i] = make(map[model.Action]model.Outcome, len(actions))
		for _, action := range actions {
			outcome, sure, err := s.Foresee(ctx, action, res, Extra{Purpose: whatTheViewerCan})
			if err != nil {
				return nil, err
			}
			if can[i][action] = outcome; !sure {
				left = append(left, question{i, action, res})
			}
		}
	}
	return can, s.askEach(ctx, left, can)
}

// question is one right of one row that the rules have to be asked about.
type question struct {
	row    int
	action model.Action
	res    policy.Resource
}

// askEach asks the rules, as long as those of one domain have not taken more than
// they may in a list.
func (s *Session) askEach(ctx context.Context, left []question, can []map[model.Action]model.Outcome) error {
	who, err := model.PrincipalFrom(ctx)
	if err != nil || len(left) == 0 {
		return err
	}
	if err := s.inspectAll(ctx, left); err != nil {
		return err
	}
	spent := map[model.Slug]cost{}
	for _, q := range left {
		if spent[q.res.Domain].tooMuch() && q.row != left[0].row {
			return tooSlow(q.res.Domain)
		}
		begun := time.Now()
		d, err := s.Would(ctx, who, q.action, q.res, Extra{Purpose: whatTheViewerCan})
		if err != nil {
			return err
		}
		spent[q.res.Domain] = spent[q.res.Domain].plus(d.Steps, time.Since(begun))
		can[q.row][q.action] = d.Outcome
	}
	return nil
}

func tooSlow(domain model.Slug) error {
	return &model.Error{
		Kind: model.KindUnavailable, Field: "viewerCan", Message: fmt.Sprintf("the rules of the domain %q take too long for the rights over so many rows", domain),
		Hint: "ask for fewer rows at once: no filter can express these rules, so each row is asked about",
	}
}

// Foresee tells how a question of the actor would come out, where conditions
// know. It reads nothing of the resource: what the standards find about a product
// counts as not known, and so does what Extra says of its end or its change.
func (s *Session) Foresee(ctx context.Context, action model.Action, res policy.Resource, extra Extra) (model.Outcome, bool, error) {
	a, err := s.factsOfActor(ctx)
	if err != nil {
		return "", false, err
	}
	q := policy.Question{Action: action, Subject: a.subject, Resource: res, Context: extra.context(ctx, s.now)}
	key := rightsKey{a.subject.ID, action, res.Type, extra.Purpose, extra.Duration, model.ChannelFrom(ctx)}
	rights, made := s.rights[key]
	if !made {
		rights = s.snapshot.Rights(ctx, q)
		s.rights[key] = rights
	}
	grants, err := s.grantsOn(ctx, a, res)
	if err != nil {
		return "", false, err
	}
	q.Facts = policy.Facts{
		Grants: grants, RolesHeld: joined(rolesHeld(a.subject, res), extra.Roles),
		Impact: extra.Impact, Change: extra.Change, Ending: extra.Ending,
	}
	if looksAtFindings(action, res) {
		q.Resource.Findings = &policy.FindingsFact{} // not these: they are found when they are needed
	}
	outcome, sure := rights.Judge(&q)
	return outcome, sure, nil
}

// inspectAll adds what the standards find to products that may be published, of
// all of them with one read a kind.
func (s *Session) inspectAll(ctx context.Context, left []question) error {
	var ids []model.ID
	for _, q := range left {
		if looksAtFindings(q.action, q.res) {
			ids = append(ids, q.res.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	products, err := store.Products.GetMany(ctx, s.gate.store, ids...)
	if err != nil {
		return err
	}
	found, err := s.ProductFindings(ctx, products)
	for i, q := range left {
		if of, exists := found[q.res.ID]; exists && looksAtFindings(q.action, q.res) {
			left[i].res.Findings = summary(of)
		}
	}
	return err
}
