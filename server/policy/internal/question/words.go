package question

import (
	"maps"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// Approvers are the roles that the server can find holders of.
var Approvers = map[string]bool{"domain_steward": true, "product_owner": true, "platform_steward": true}

// ClosedWords lists the fields of the input that hold words of a closed list. A
// rule that compares one with any other word never fires, so a misspelt word
// is an error of the compiler as a misspelt field is.
var ClosedWords = map[string][]string{
	"input.action.name":             actionWords(),
	"input.subject.roles":           Spelled(model.RoleAdmin, model.RoleSteward, model.RoleEmployee, model.RolePEP, model.RoleTrusted),
	"input.subject.clearance":       Spelled(model.Public, model.Internal, model.Confidential, model.Restricted),
	"input.resource.classification": Spelled(model.Public, model.Internal, model.Confidential, model.Restricted),
	"input.resource.visibility":     Spelled(model.VisibleToAll, model.VisibleToDomain),
	"input.facts.roles_held":        slices.Sorted(maps.Keys(Approvers)),
}

func actionWords() []string { return Spelled(Actions()...) }

// Spelled gives the words as texts.
func Spelled[T ~string](of ...T) []string {
	words := make([]string, len(of))
	for i, w := range of {
		words[i] = string(w)
	}
	return words
}

// FieldsOfActions are the fields that the input has for some actions only.
var FieldsOfActions = map[string][]model.Action{
	"input.context.duration_s": {model.ActAccessRequest},
	"input.resource.findings":  {model.ActProductPublish},
	"input.facts.impact":       {model.ActPolicyApprove, model.ActPolicyActivate, model.ActPolicyRollback, model.ActPolicyDraft, model.ActPolicyComment},
}
