package host

import (
	"context"
	"encoding/json"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/internal/report"
	"github.com/souk-mesh/souk/sdk/internal/secret"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Access is a source whose grants are asked for.
type Access struct {
	Config  json.RawMessage
	Secrets map[string]string // by the dotted path of the field
}

// The most that a plugin may tell of grants.
const (
	maxHeld       = 100_000
	maxStatements = 1000
)

// ListGrants tells on each right that is held, as it comes. The error is a
// *Failure, or the handler's own.
func (p *Process) ListGrants(ctx context.Context, a Access, roles []string, on func(sdk.HeldGrant) error) error {
	set := p.learn(a.Config, a.Secrets)
	c := p.newCall(ctx, p.limits.Wall, "list the grants of the source")
	defer c.end()
	stream, err := p.source.ListGrants(c.ctx, &harvestv1.ListGrantsRequest{ConfigJson: a.Config, Secrets: a.Secrets, Folders: p.folders, Roles: roles}, c.options()...)
	if err != nil {
		return c.explainGrants(err)
	}
	for n := 0; ; n++ {
		h, err := stream.Recv()
		switch {
		case ended(err):
			return nil
		case err != nil:
			return c.explainGrants(err)
		case n == maxHeld:
			return c.explain(protocolError("it lists more than %d rights", maxHeld))
		}
		held := sdk.HeldGrant{Asset: decodeID(h.GetAsset()), Role: h.GetRole(), Fields: h.GetFields(), By: h.GetBy(), Ours: h.GetOurs(), GrantID: h.GetGrantId()}
		if told(set, slices.Concat([]string{held.Asset.Namespace, held.Asset.Name, held.Role, held.By, held.GrantID}, held.Fields)...) {
			return c.explain(toldSecret())
		}
		if err := on(held); err != nil {
			p.failed = true
			return err
		}
	}
}

// PlanGrant asks what would be done. Nothing is. The error is a *Failure.
func (p *Process) PlanGrant(ctx context.Context, a Access, r sdk.GrantRequest) (sdk.GrantPlan, error) {
	set := p.learn(a.Config, a.Secrets)
	c := p.newCall(ctx, p.limits.Check, "plan a grant")
	defer c.end()
	plan, err := p.source.PlanGrant(c.ctx, &harvestv1.PlanGrantRequest{
		ConfigJson: a.Config, Secrets: a.Secrets, Folders: p.folders, Grant: encodeGrant(r.Grant), Revoke: r.Revoke, Others: encodeGrants(r.Others),
	}, c.options()...)
	if err != nil {
		return sdk.GrantPlan{}, c.explainGrants(err)
	}
	if len(plan.GetStatements()) > maxStatements {
		return sdk.GrantPlan{}, c.explain(protocolError("a plan holds more than %d statements", maxStatements))
	}
	out := sdk.GrantPlan{Precondition: plan.GetPrecondition(), Reads: decodeID(plan.GetReads())}
	for _, text := range plan.GetStatements() {
		out.Statements = append(out.Statements, set.Strike(text))
	}
	for _, text := range plan.GetRemarks() {
		out.Remarks = append(out.Remarks, report.Clip(set.Strike(text)))
	}
	return out, nil
}

// ApplyGrant does what was planned. The error is a *Failure: what was done then
// is not known, and it may be called again.
func (p *Process) ApplyGrant(ctx context.Context, a Access, r sdk.GrantRequest, plan sdk.GrantPlan) (sdk.GrantOutcome, error) {
	p.learn(a.Config, a.Secrets)
	c := p.newCall(ctx, p.limits.Check, "apply a grant")
	defer c.end()
	answer, err := p.source.ApplyGrant(c.ctx, &harvestv1.ApplyGrantRequest{
		ConfigJson: a.Config, Secrets: a.Secrets, Folders: p.folders, Grant: encodeGrant(r.Grant), Revoke: r.Revoke, Others: encodeGrants(r.Others),
		Plan: &harvestv1.GrantPlan{Statements: plan.Statements, Precondition: plan.Precondition, Remarks: plan.Remarks, Reads: encodeID(plan.Reads)},
	}, c.options()...)
	if err != nil {
		return "", c.explainGrants(err)
	}
	outcome := sdk.GrantOutcome(answer.GetOutcome())
	if !slices.Contains([]sdk.GrantOutcome{sdk.GrantDone, sdk.GrantAlready, sdk.GrantChanged}, outcome) {
		return "", c.explain(protocolError("it does not say whether the grant was applied"))
	}
	return outcome, nil
}

// VerifyGrant asks what the grant's role can read now. The error is a *Failure.
func (p *Process) VerifyGrant(ctx context.Context, a Access, g sdk.Grant) (sdk.Effective, error) {
	set := p.learn(a.Config, a.Secrets)
	c := p.newCall(ctx, p.limits.Check, "verify a grant")
	defer c.end()
	answer, err := p.source.VerifyGrant(c.ctx, &harvestv1.VerifyGrantRequest{ConfigJson: a.Config, Secrets: a.Secrets, Folders: p.folders, Grant: encodeGrant(g)}, c.options()...)
	if err != nil {
		return sdk.Effective{}, c.explainGrants(err)
	}
	found := sdk.Effective{Given: answer.GetGiven(), Readable: answer.GetReadable()}
	texts := slices.Clone(found.Readable)
	for _, w := range answer.GetWays() {
		found.Ways = append(found.Ways, sdk.Way{Kind: sdk.WayKind(w.GetKind()), Through: w.GetThrough(), Fields: w.GetFields(), Ours: w.GetOurs()})
		texts = append(append(texts, w.GetKind(), w.GetThrough()), w.GetFields()...)
	}
	if told(set, texts...) {
		return sdk.Effective{}, c.explain(toldSecret())
	}
	return found, nil
}

// explainGrants is explain, for calls that a plugin need not answer.
func (c *call) explainGrants(err error) *Failure {
	if status.Code(err) == codes.Unimplemented {
		c.process.failed = true
		return misconfigured("grants.none", "this plugin gives no grants", "give the rights by hand, in the source", err)
	}
	return c.explain(err)
}

// told reports whether a secret stands in a name, which cannot be struck out.
func told(set secret.Set, texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return set.In([]byte(text)) })
}

func toldSecret() *Failure {
	return broken("secret_in_record", "the plugin sends the value of a secret as if it were a name", reportIt+"; and change the secret")
}

func encodeGrants(all []sdk.Grant) (grants []*harvestv1.Grant) {
	for _, g := range all {
		grants = append(grants, encodeGrant(g))
	}
	return grants
}

func encodeGrant(g sdk.Grant) *harvestv1.Grant {
	out := &harvestv1.Grant{Id: g.ID, Asset: encodeID(g.Asset), StableId: g.StableID, Role: g.Role, Fields: g.Fields, TakeOver: g.TakeOver}
	for _, m := range g.Masks {
		out.Masks = append(out.Masks, &harvestv1.Mask{Field: m.Field, With: m.With})
	}
	for _, f := range g.Filters {
		out.Filters = append(out.Filters, &harvestv1.RowFilter{Field: f.Field, Op: f.Op, Value: f.Value})
	}
	return out
}

func encodeID(id sdk.NativeID) *harvestv1.NativeID {
	return &harvestv1.NativeID{Namespace: id.Namespace, Name: id.Name}
}
