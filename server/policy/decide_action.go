package policy

import "github.com/souk-mesh/souk/graph/model"

// rights says what the combination needs to know of an action.
type rights struct {
	platform bool // the platform may allow it on a domain's resource too
	approval bool // a wanted approval suspends it, rather than being ignored
	consent  bool // the asker's own domain is heard as well
	alone    bool // the platform decides alone: rules about rules could lock themselves in
}

// AsksDomains reports that the domain of the resource is asked about the action.
func AsksDomains(a model.Action) bool { return !actions[a].alone }

// actions is the closed list. Data and products are the domain's alone to
// give: there the platform can only refuse. What keeps the mesh running
// (looking, withdrawing, administering) the platform may allow as well.
var actions = map[model.Action]rights{
	model.ActMetadataView:    {platform: true},
	model.ActDataRead:        {consent: true},
	model.ActAccessRequest:   {approval: true, consent: true},
	model.ActRequestApprove:  {},
	model.ActRequestReject:   {},
	model.ActRequestCancel:   {platform: true},
	model.ActGrantRevoke:     {platform: true},
	model.ActProductCreate:   {},
	model.ActProductUpdate:   {},
	model.ActProductPublish:  {approval: true},
	model.ActProductDeprecat: {},
	model.ActProductRetire:   {},
	model.ActProductOffer:    {platform: true, approval: true},
	model.ActConsentRevoke:   {platform: true},
	model.ActChangeApprove:   {platform: true},
	model.ActChangeReject:    {platform: true},
	model.ActChangeWithdraw:  {platform: true},
	model.ActDomainSteward:   {platform: true, approval: true},
	model.ActAssetUpdate:     {},
	model.ActDomainAdmin:     {platform: true},
	model.ActSourceAdmin:     {platform: true},
	model.ActIdentity:        {platform: true},
	model.ActAuditRead:       {platform: true},
	model.ActPolicyRead:      {platform: true, alone: true},
	model.ActPolicyDraft:     {platform: true, alone: true},
	model.ActPolicyComment:   {platform: true, alone: true},
	model.ActPolicyApprove:   {platform: true, alone: true},
	model.ActPolicyActivate:  {platform: true, alone: true, approval: true},
	model.ActPolicyRollback:  {platform: true, alone: true},
	model.ActDecisionExplain: {platform: true, alone: true},
	model.ActDecisionAsk:     {platform: true, alone: true},
	model.ActDecisionVouch:   {platform: true, alone: true},
}
