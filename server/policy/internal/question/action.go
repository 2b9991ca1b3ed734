package question

import (
	"maps"
	"regexp"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// Rights says what the combination needs to know of an action.
type Rights struct {
	Platform bool // the platform may allow it on a domain's resource too
	Approval bool // a wanted approval suspends it, rather than being ignored
	Consent  bool // the asker's own domain is heard as well
	Alone    bool // the platform decides alone: rules about rules could lock themselves in
}

// AsksDomains reports that the domain of the resource is asked about the action.
func AsksDomains(a model.Action) bool { return !RightsByAction[a].Alone }

// RightsByAction is the closed list. Data and products are the domain's alone to
// give: there the platform can only refuse. What keeps the mesh running
// (looking, withdrawing, administering) the platform may allow as well.
var RightsByAction = map[model.Action]Rights{
	model.ActMetadataView:    {Platform: true},
	model.ActDataRead:        {Consent: true},
	model.ActAccessRequest:   {Approval: true, Consent: true},
	model.ActRequestApprove:  {},
	model.ActRequestReject:   {},
	model.ActRequestCancel:   {Platform: true},
	model.ActGrantRevoke:     {Platform: true},
	model.ActProductCreate:   {},
	model.ActProductUpdate:   {},
	model.ActProductPublish:  {Approval: true},
	model.ActProductDeprecat: {},
	model.ActProductRetire:   {},
	model.ActProductOffer:    {Platform: true, Approval: true},
	model.ActConsentRevoke:   {Platform: true},
	model.ActChangeApprove:   {Platform: true},
	model.ActChangeReject:    {Platform: true},
	model.ActChangeWithdraw:  {Platform: true},
	model.ActDomainSteward:   {Platform: true, Approval: true},
	model.ActAssetUpdate:     {},
	model.ActDomainAdmin:     {Platform: true},
	model.ActSourceAdmin:     {Platform: true},
	model.ActIdentity:        {Platform: true},
	model.ActAuditRead:       {Platform: true},
	model.ActPolicyRead:      {Platform: true, Alone: true},
	model.ActPolicyDraft:     {Platform: true, Alone: true},
	model.ActPolicyComment:   {Platform: true, Alone: true},
	model.ActPolicyApprove:   {Platform: true, Alone: true},
	model.ActPolicyActivate:  {Platform: true, Alone: true, Approval: true},
	model.ActPolicyRollback:  {Platform: true, Alone: true},
	model.ActDecisionExplain: {Platform: true, Alone: true},
	model.ActDecisionAsk:     {Platform: true, Alone: true},
	model.ActDecisionVouch:   {Platform: true, Alone: true},
}

// RightsOf knows the actions of the mesh and those of applications.
func RightsOf(a model.Action) (Rights, bool) {
	if right, ok := RightsByAction[a]; ok {
		return right, true
	}
	return Rights{}, ForeignShape.MatchString(string(a))
}

// Asked reports whether policies can be asked about the action at all.
func Asked(a model.Action) bool {
	_, ok := RightsOf(a)
	return ok
}

// Known reports whether the action is one of the mesh's own.
func Known(a model.Action) bool {
	_, ok := RightsByAction[a]
	return ok
}

// Actions lists the actions of the mesh, sorted.
func Actions() []model.Action { return slices.Sorted(maps.Keys(RightsByAction)) }

// ForeignShape is an action of an application. The owner of the resource alone
// can allow it; the platform can only refuse.
var ForeignShape = regexp.MustCompile(`^app\.[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$`)
