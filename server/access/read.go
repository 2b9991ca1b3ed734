package access

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// MayRead asks whether the actor may read the product now. A refusal is an
// answer, not an error. Whatever the answer, the decision log keeps it.
func (s *Service) MayRead(ctx context.Context, productID model.ID, purpose string) (model.Decision, error) {
	if err := (model.Text{Field: "purpose", Most: maxPurpose, Prose: true}).Check(purpose); err != nil {
		return model.Decision{}, err
	}
	_, res, err := gate.See(ctx, s.gate, store.Products, productID, s.gate.Product)
	if err != nil {
		return model.Decision{}, err
	}
	answer, err := s.gate.Ask(ctx, model.ActDataRead, res, gate.Extra{Purpose: purpose})
	if err != nil {
		return model.Decision{}, err
	}
	action := string(model.ActDataRead)
	if !answer.Allowed() {
		action += ".refused"
	}
	return answer.Decision, s.gate.Keep(ctx, action, productID, purpose, answer)
}
