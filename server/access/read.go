package access

import (
	"context"
	"slices"
	"time"

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
	in := s.gate.Session()
	_, res, err := gate.See(ctx, in, store.Products, productID, s.gate.Product)
	if err != nil {
		return model.Decision{}, err
	}
	answer, err := in.Ask(ctx, model.ActDataRead, res, gate.Extra{Purpose: purpose})
	if err != nil {
		return model.Decision{}, err
	}
	action := string(model.ActDataRead)
	if !answer.Allowed() {
		action += ".refused"
	}
	if err := s.gate.Keep(ctx, action, productID, purpose, answer); err != nil || answer.Allowed() {
		return answer.Decision, err
	}
	return s.told(ctx, productID, answer)
}

// told adds to a refusal what its asker wants to know: that their grant was
// ended, and what they can do. The log keeps what the policies said.
func (s *Service) told(ctx context.Context, product model.ID, answer gate.Answer) (model.Decision, error) {
	d := answer.Decision
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return d, err
	}
	if step := s.gate.Next(ctx, answer); step != "" { // then the only reason is that no rule allows it
		d.Reasons = slices.Clone(d.Reasons)
		d.Reasons[0].Message = "No rule allows this as things stand. " + step
	}
	ended, err := s.ended(ctx, actor.ID, product)
	if err != nil {
		return d, err
	}
	if ended != nil {
		d.Reasons = append(slices.Clone(d.Reasons), *ended)
	}
	return d, nil
}

// ended tells how the last grant of the holder on the product came to its end.
func (s *Service) ended(ctx context.Context, holder, product model.ID) (*model.Reason, error) {
	var last *model.Grant
	q := store.Query{Index: "by_principal", Where: store.And(store.Eq("principal", string(holder)), store.Eq("product", string(product))), Limit: store.MaxPage}
	for g, err := range store.Grants.All(ctx, s.store, q) {
		if err != nil {
			return nil, err
		}
		if g.EndedAt != nil && (last == nil || g.EndedAt.After(*last.EndedAt)) {
			last = &g
		}
	}
	if last == nil {
		return nil, nil //nolint:nilnil // no grant has ended
	}
	code, words := "grant.expired", "Your grant ended on "
	if last.Status == model.GrantRevoked {
		code, words = "grant.revoked", "Your grant was revoked on "
	}
	words += last.EndedAt.Format(time.DateOnly) + "."
	if last.RevokeReason != "" {
		words += " Reason: " + last.RevokeReason
	}
	return &model.Reason{Code: code, Message: words, Origin: "engine"}, nil
}
