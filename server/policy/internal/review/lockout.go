package review

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// LocksOut reports that under the draft nobody could take rules back any more:
// not even an administrator who is a platform steward could return the
// platform to its earlier rules. Only the platform's own package can do that;
// a domain's has no say in it.
func (e *Desk) LocksOut(ctx context.Context, d sandbox.Draft) bool {
	if d.Domain != "" {
		return false
	}
	u, err := e.Compile(ctx, d)
	if err != nil || u == nil {
		return false // it does not come into force as it is
	}
	trial := e.Snapshot().With("", u).OnTrial()
	return !trial.Decide(ctx, question.Question{
		Action:   model.ActPolicyRollback,
		Subject:  question.Subject{Type: "person", ID: "prn_rescuer", Name: "rescuer", Roles: []model.Role{model.RoleAdmin, model.RoleSteward, model.RoleEmployee}, Clearance: model.Restricted},
		Resource: question.Resource{Type: "policy", Name: sandbox.FolderPlatform},
		Facts:    question.Facts{RolesHeld: []model.ApproverRole{model.ApproverPlatformSteward}},
		Context:  question.Context{Now: model.Now(), Channel: "graphql"},
	}).Allowed()
}
