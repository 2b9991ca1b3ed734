package decide

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// DecideAgain answers a logged question as Decide does a live one.
func (s *Snapshot) DecideAgain(ctx context.Context, l question.Logged) model.Decision {
	d := s.decide(ctx, l.About, l.Right, l.Input)
	d.Revisions = s.revisions(l.About)
	return d
}
