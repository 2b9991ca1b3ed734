package gate

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// Viewer judges rows for whoever the context names, on one snapshot of the
// policies, at one time, and with one load of what the asker holds. Its
// verdicts are those of the decisions about each row; most rows it judges by a
// condition that the rules were turned into once. It serves one request and is
// not safe for concurrent use.
type Viewer struct {
	gate     *Gate
	snapshot *policy.Snapshot
	question policy.Question
	grants   holdings
	views    map[string]policy.View // by type of resource
	spent    map[model.Slug]cost    // on rows that had to be asked about one by one
	over     map[model.Slug]time.Time
}

// Viewer gets to know the asker.
func (s *Session) Viewer(ctx context.Context, action model.Action) (*Viewer, error) {
	a, err := s.factsOfActor(ctx)
	if err != nil {
		return nil, err
	}
	grants, err := s.grants(ctx, a)
	if err != nil {
		return nil, err
	}
	return &Viewer{
		gate: s.gate, snapshot: s.snapshot, grants: grants,
		question: policy.Question{Action: action, Subject: a.subject, Context: Extra{}.context(ctx, s.now)},
		views:    map[string]policy.View{}, spent: map[model.Slug]cost{}, over: resting(s.snapshot, action),
	}, nil
}

// view gives what the rules say of a type of resource.
func (v *Viewer) view(ctx context.Context, kind string) policy.View {
	if view, ok := v.views[kind]; ok {
		return view
	}
	q := v.question
	q.Resource = policy.Resource{Type: kind}
	view := v.snapshot.View(ctx, q)
	v.views[kind] = view
	return view
}

// May judges one row. Rows leave no record of their own.
func (v *Viewer) May(ctx context.Context, res policy.Resource) bool {
	q := &v.question
	q.Resource = res
	q.Facts = policy.Facts{RolesHeld: rolesHeld(q.Subject, res), Grants: v.grants.on(res)}
	if _, out := v.over[res.Domain]; out {
		return false
	}
	if c := v.view(ctx, res.Type).Of(res.Domain); c != nil {
		return c.Holds(q)
	}
	begin := time.Now()
	d := v.snapshot.Decide(ctx, *q)
	v.pay(res.Domain, d.Steps, time.Since(begin))
	return d.Allowed()
}

// each judges rows.
func (v *Viewer) each(ctx context.Context, resources []policy.Resource) []bool {
	allowed := make([]bool, len(resources))
	for i, res := range resources {
		allowed[i] = v.May(ctx, res)
	}
	return allowed
}
