package sdk

import (
	"context"

	"google.golang.org/grpc"

	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// granting calls the source as a Granter.
func (c *call) granting(ctx context.Context, use func(Granter) error) error {
	return c.run(ctx, func(source Source) error {
		g, ok := source.(Granter)
		if !ok {
			return &Error{Class: ClassConfig, Code: "grants.none", Message: "this plugin gives no grants", Fix: "give the rights by hand, in the source"}
		}
		return use(g)
	})
}

// ListGrants streams what is held.
func (s *service) ListGrants(req *harvestv1.ListGrantsRequest, stream grpc.ServerStreamingServer[harvestv1.HeldGrant]) error {
	c := s.newCall(req.GetConfigJson(), req.GetSecrets(), req.GetFolders())
	return c.granting(stream.Context(), func(g Granter) error {
		return g.ListGrants(stream.Context(), req.GetRoles(), func(h HeldGrant) error {
			return stream.Send(&harvestv1.HeldGrant{Asset: encodeID(h.Asset), Role: h.Role, Fields: h.Fields, By: h.By, Ours: h.Ours, GrantId: h.GrantID})
		})
	})
}

// PlanGrant tells what would be done.
func (s *service) PlanGrant(ctx context.Context, req *harvestv1.PlanGrantRequest) (*harvestv1.GrantPlan, error) {
	c := s.newCall(req.GetConfigJson(), req.GetSecrets(), req.GetFolders())
	var plan GrantPlan
	err := c.granting(ctx, func(g Granter) (err error) {
		r := GrantRequest{Grant: decodeGrant(req.GetGrant()), Revoke: req.GetRevoke(), Others: decodeGrants(req.GetOthers())}
		if err := r.Validate(); err != nil {
			return err
		}
		plan, err = g.PlanGrant(ctx, r)
		return err
	})
	return c.encodePlan(plan), err
}

// ApplyGrant does it.
func (s *service) ApplyGrant(ctx context.Context, req *harvestv1.ApplyGrantRequest) (*harvestv1.ApplyGrantResponse, error) {
	c := s.newCall(req.GetConfigJson(), req.GetSecrets(), req.GetFolders())
	var outcome GrantOutcome
	err := c.granting(ctx, func(g Granter) (err error) {
		r := GrantRequest{Grant: decodeGrant(req.GetGrant()), Revoke: req.GetRevoke(), Others: decodeGrants(req.GetOthers())}
		if err := r.Validate(); err != nil {
			return err
		}
		outcome, err = g.ApplyGrant(ctx, r, decodePlan(req.GetPlan()))
		return err
	})
	return &harvestv1.ApplyGrantResponse{Outcome: string(outcome)}, err
}

// VerifyGrant tells what can be read.
func (s *service) VerifyGrant(ctx context.Context, req *harvestv1.VerifyGrantRequest) (*harvestv1.VerifyGrantResponse, error) {
	c := s.newCall(req.GetConfigJson(), req.GetSecrets(), req.GetFolders())
	out := &harvestv1.VerifyGrantResponse{}
	err := c.granting(ctx, func(g Granter) error {
		wanted := decodeGrant(req.GetGrant())
		if err := wanted.Validate(); err != nil {
			return err
		}
		found, err := g.VerifyGrant(ctx, wanted)
		out.Given, out.Readable = found.Given, found.Readable
		for _, w := range found.Ways {
			out.Ways = append(out.Ways, &harvestv1.Way{Kind: string(w.Kind), Through: w.Through, Fields: w.Fields, Ours: w.Ours})
		}
		return err
	})
	return out, err
}

// encodePlan strikes secrets out of what people read. What is applied is planned
// anew in the source, so nothing is lost by it.
func (c *call) encodePlan(p GrantPlan) *harvestv1.GrantPlan {
	out := &harvestv1.GrantPlan{Precondition: p.Precondition, Reads: encodeID(p.Reads)}
	for _, text := range p.Statements {
		out.Statements = append(out.Statements, c.secrets.Strike(text))
	}
	for _, text := range p.Remarks {
		out.Remarks = append(out.Remarks, c.secrets.Strike(text))
	}
	return out
}

func decodePlan(p *harvestv1.GrantPlan) GrantPlan {
	return GrantPlan{Statements: p.GetStatements(), Precondition: p.GetPrecondition(), Remarks: p.GetRemarks(), Reads: decodeID(p.GetReads())}
}

func decodeGrants(all []*harvestv1.Grant) (grants []Grant) {
	for _, g := range all {
		grants = append(grants, decodeGrant(g))
	}
	return grants
}

func decodeGrant(g *harvestv1.Grant) Grant {
	out := Grant{ID: g.GetId(), Asset: decodeID(g.GetAsset()), StableID: g.GetStableId(), Role: g.GetRole(), Fields: g.GetFields(), TakeOver: g.GetTakeOver()}
	for _, m := range g.GetMasks() {
		out.Masks = append(out.Masks, Mask{Field: m.GetField(), With: m.GetWith()})
	}
	for _, f := range g.GetFilters() {
		out.Filters = append(out.Filters, RowFilter{Field: f.GetField(), Op: f.GetOp(), Value: f.GetValue()})
	}
	return out
}

func decodeID(id *harvestv1.NativeID) NativeID {
	return NativeID{Namespace: id.GetNamespace(), Name: id.GetName()}
}
