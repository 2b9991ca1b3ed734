package sourcegrants

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// check looks whether the source still has what it was given, and whether it has
// anything from Souk that no record tells of. A source that does not answer has
// told nothing.
func (h *holding) check(ctx context.Context) error {
	in, err := h.inventory(ctx)
	if err != nil {
		return err
	}
	suspect, listed := in.applied(), false
	var end ending
	err = h.call(ctx, func(ctx context.Context, v visit) error {
		if err := v.process.ListGrants(ctx, v.access, in.roles(), in.found); err != nil {
			return err
		}
		listed, suspect = true, h.suspect(in)
		if end = h.run(ctx, v, &suspect, h.compare); end.trouble == nil && len(suspect) == 0 {
			end.trouble = h.strays(ctx, v, in)
		}
		return nil
	})
	if failed := failureOf(err); !listed && failed != nil {
		end.failed = failed
		h.missed = h.missed || outOfReach(failed)
	}
	if end.trouble != nil || end.lost || end.failed != nil && outOfReach(end.failed) {
		return end.trouble
	}
	_, err = h.each(ctx, &suspect, h.compare) // what a plugin that failed has left
	return err
}

// suspect are the rows that are compared one by one: those whose right the list
// does not tell of whole, those that had drifted, and some others in turn.
func (h *holding) suspect(in *inventory) []model.SourceGrant {
	turn := h.service.now().Unix() / int64(checkEach.Seconds())
	return slices.DeleteFunc(in.applied(), func(row model.SourceGrant) bool {
		return len(row.Drift) == 0 && in.has(row.Given, row) && !in.turnOf(row, turn)
	})
}

// compare notes what would have to be done for the source to have the right
// again.
func (h *holding) compare(ctx context.Context, v visit, row model.SourceGrant) (*host.Failure, error) {
	plan, failed := h.plan(ctx, v, row, false)
	if failed != nil || slices.Equal(plan.Statements, row.Drift) {
		return failed, nil // it is compared again in a while
	}
	_, err := h.note(ctx, row, "source_grant.drift", func(g *model.SourceGrant) { g.Drift = plan.Statements })
	return nil, ignoreRace(err)
}

// plan has no effect.
func (h *holding) plan(ctx context.Context, v visit, row model.SourceGrant, revoke bool) (sdk.GrantPlan, *host.Failure) {
	r := sdk.GrantRequest{Grant: grantOf(row, row.Given), Revoke: revoke}
	var err error
	if r.Others, err = h.others(ctx, row, row.Given); err != nil {
		return sdk.GrantPlan{}, failureOf(err)
	}
	plan, err := v.process.PlanGrant(ctx, v.access, r)
	return plan, failureOf(err)
}
