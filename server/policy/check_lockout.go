package policy

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
)

// LocksOut reports that under the draft nobody could take rules back any more:
// not even an administrator who is a platform steward could return the
// platform to its earlier rules. Only the platform's own package can do that;
// a domain's has no say in it.
func (e *desk) LocksOut(ctx context.Context, d Draft) bool {
	if d.Domain != "" {
		return false
	}
	u, err := e.compile(ctx, d)
	if err != nil || u == nil {
		return false // it does not come into force as it is
	}
	trial := e.Snapshot().with("", u).onTrial()
	return !trial.Decide(ctx, Question{
		Action:   model.ActPolicyRollback,
		Subject:  Subject{Type: "person", ID: "prn_rescuer", Name: "rescuer", Roles: []model.Role{model.RoleAdmin, model.RoleSteward, model.RoleEmployee}, Clearance: model.Restricted},
		Resource: Resource{Type: "policy", Name: folderPlatform},
		Facts:    Facts{RolesHeld: []string{"platform_steward"}},
		Context:  Context{Now: model.Now(), Channel: "graphql"},
	}).Allowed()
}
