package audit

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// subject is what a decision was about, as the policies see it now.
type subject struct {
	policy.Resource

	live bool // it is there; else it is described as the policies saw it then
}

// about finds what a decision was about.
func (s *Service) about(ctx context.Context, d model.DecisionRecord) (subject, error) {
	all, err := s.abouts(ctx, d)
	if err != nil {
		return subject{}, err
	}
	return all[0], nil
}

// abouts finds what decisions were about, with one read for each kind of noun.
// What is not stored, or is gone, is taken from the log.
func (s *Service) abouts(ctx context.Context, rows ...model.DecisionRecord) ([]subject, error) {
	ids := make([]model.ID, len(rows))
	for i, d := range rows {
		ids[i] = d.ResourceID
	}
	there := map[model.ID]policy.Resource{}
	if err := s.gate.DescribeAll(ctx, ids, there); err != nil {
		return nil, err
	}
	found := make([]subject, len(rows))
	for i, d := range rows {
		if res, ok := there[d.ResourceID]; ok {
			found[i] = subject{Resource: res, live: true}
		} else {
			found[i] = subject{Resource: asLogged(d)}
		}
	}
	return found, nil
}

// asLogged describes what a decision was about as its input does.
func asLogged(d model.DecisionRecord) policy.Resource {
	res := policy.LoggedResource(d.Input) // without an input there is nothing to show either
	res.ID, res.Domain = d.ResourceID, d.Domain
	return res
}
