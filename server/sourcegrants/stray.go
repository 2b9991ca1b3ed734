package sourcegrants

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/store"
)

// mostStrays is how many of them a check notes; the others come when these are gone.
const mostStrays = 500

// strays notes what the source has from Souk and no record tells of, each with the
// statements that would take it away: a store was lost, an older one restored, or
// somebody gave rights by Souk's own credential. Nothing is taken away before
// somebody has decided so. What was noted before and is no stray any more is over.
func (h *holding) strays(ctx context.Context, v visit, in *inventory) error {
	found := in.unaccounted()
	found = found[:min(len(found), mostStrays)]
	rows, err := h.strayRows(ctx, in, found)
	if err != nil {
		return err
	}
	for _, row := range in.rows {
		known := slices.ContainsFunc(rows, func(r model.SourceGrant) bool { return r.ID == row.ID })
		if row.State != model.SourceGrantUnknown || known {
			continue
		}
		if err := h.over(ctx, row); err != nil {
			return err
		}
	}
	return h.run(ctx, v, &rows, h.find).trouble
}

// strayRows are the rows of what was found, as they are or new. What somebody has
// decided on is left to the work.
func (h *holding) strayRows(ctx context.Context, in *inventory, found []model.SourceRight) ([]model.SourceGrant, error) {
	rows := make([]model.SourceGrant, len(found))
	ids := make([]model.ID, len(found))
	for i, r := range found {
		rows[i] = h.strayRow(in, r)
		ids[i] = rows[i].ID
	}
	known, err := store.SourceGrants.GetMany(ctx, h.service.store, ids...)
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		for i := range rows {
			if rows[i].ID == k.ID {
				rows[i].Meta, rows[i].State, rows[i].Drift, rows[i].AssetID = k.Meta, k.State, k.Drift, k.AssetID
			}
		}
	}
	return slices.DeleteFunc(rows, func(r model.SourceGrant) bool {
		return r.State == model.SourceGrantPending || r.State == model.SourceGrantFailed
	}), nil
}

func (h *holding) strayRow(in *inventory, r model.SourceRight) model.SourceGrant {
	sum := sha256.Sum256([]byte(strings.Join([]string{"stray", string(h.source.ID), r.Role, r.Namespace, r.Name, r.ID}, "\x00")))
	holder := in.holders[r.Role]
	return model.SourceGrant{
		Meta: model.Meta{ID: model.SumID(model.PrefixInSource, sum[:16])}, SourceID: h.source.ID, DomainID: h.source.DomainID,
		PrincipalID: holder.PrincipalID, TeamID: holder.TeamID, Given: &r,
	}
}

// find notes one stray, if anything could be taken away: what another grant of the
// role needs in that form is none.
func (h *holding) find(ctx context.Context, v visit, row model.SourceGrant) (*host.Failure, error) {
	plan, failed := h.plan(ctx, v, row, true)
	if failed != nil {
		return failed, nil
	}
	if len(plan.Statements) == 0 {
		if row.State != model.SourceGrantUnknown {
			return nil, nil //nolint:nilnil // there is nothing to say
		}
		return nil, h.over(ctx, row)
	}
	if row.State == model.SourceGrantUnknown && slices.Equal(row.Drift, plan.Statements) {
		return nil, nil //nolint:nilnil // there is nothing to say
	}
	if row.AssetID == "" {
		q := store.Query{Index: "by_namespace", Where: store.And(store.Eq("namespace", row.Given.Namespace), store.Eq("name", row.Given.Name))}
		asset, err := store.Assets.First(ctx, h.service.store, q)
		if err != nil && !model.Is(err, model.KindNotFound) {
			return nil, err
		}
		row.AssetID = asset.ID
	}
	row.State, row.Drift, row.Remarks = model.SourceGrantUnknown, plan.Statements, append(plan.Remarks,
		"The source has this right from Souk, and no record says for which grant. repairSourceGrant takes it away by the statements in drift.")
	return nil, h.tell(ctx, "source_grant.unknown", row)
}

// over ends what is no stray any more.
func (h *holding) over(ctx context.Context, row model.SourceGrant) error {
	row.State, row.Given, row.Drift, row.Remarks = model.SourceGrantRevoked, nil, nil, []string{"The source has this right no more, or a grant is known for it again."}
	return h.tell(ctx, "source_grant.known", row)
}

func (h *holding) tell(ctx context.Context, action string, row model.SourceGrant) error {
	_, err := h.service.store.Apply(ctx, store.Change{
		Actor: model.System().ID, Action: action, Subject: row.ID, Reason: strings.Join(row.Drift, "; "), Writes: []store.Write{store.SourceGrants.Put(row)},
	})
	return ignoreRace(err)
}
