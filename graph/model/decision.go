package model

import (
	"encoding/json"
	"time"
)

// Action is one of the closed list of things a policy is asked about.
type Action string

// The actions. Policies are written against these words: never rename one.
const (
	ActMetadataView    Action = "metadata.view"
	ActDataRead        Action = "data.read"
	ActAccessRequest   Action = "access.request"
	ActRequestApprove  Action = "request.approve"
	ActRequestReject   Action = "request.reject"
	ActRequestCancel   Action = "request.cancel"
	ActGrantRevoke     Action = "grant.revoke"
	ActProductCreate   Action = "product.create"
	ActProductUpdate   Action = "product.update"
	ActProductPublish  Action = "product.publish"
	ActProductDeprecat Action = "product.deprecate"
	ActProductRetire   Action = "product.retire"
	ActProductOffer    Action = "product.offer"  // let a product of another domain offer an asset
	ActConsentRevoke   Action = "consent.revoke" // and take that back
	ActChangeApprove   Action = "change.approve"
	ActChangeReject    Action = "change.reject"
	ActChangeWithdraw  Action = "change.withdraw"
	ActDomainSteward   Action = "domain.steward" // name a steward
	ActAssetUpdate     Action = "asset.update"
	ActDomainAdmin     Action = "domain.admin" // create or change a domain, its teams and stewards
	ActSourceAdmin     Action = "source.admin" // create, change, check, run or undo a source
	ActIdentity        Action = "identity.admin"
	ActAuditRead       Action = "audit.read"
	ActPolicyRead      Action = "policy.read"
	ActPolicyDraft     Action = "policy.draft"
	ActPolicyComment   Action = "policy.comment"
	ActPolicyApprove   Action = "policy.approve"
	ActPolicyActivate  Action = "policy.activate"
	ActPolicyRollback  Action = "policy.rollback"
	ActDecisionExplain Action = "decision.explain"
	ActDecisionAsk     Action = "decision.evaluate" // ask what others may do
	ActDecisionVouch   Action = "decision.vouch"    // state attributes that stand above the server's own
)

// Actions lists them all.
func Actions() []Action {
	return []Action{
		ActMetadataView, ActDataRead, ActAccessRequest, ActRequestApprove, ActRequestReject, ActRequestCancel, ActGrantRevoke,
		ActProductCreate, ActProductUpdate, ActProductPublish, ActProductDeprecat, ActProductRetire, ActAssetUpdate, ActDomainAdmin,
		ActSourceAdmin, ActIdentity, ActAuditRead, ActPolicyRead, ActPolicyDraft, ActPolicyComment, ActPolicyApprove, ActPolicyActivate,
		ActPolicyRollback, ActDecisionExplain, ActDecisionAsk, ActDecisionVouch,
		ActProductOffer, ActConsentRevoke, ActChangeApprove, ActChangeReject, ActChangeWithdraw, ActDomainSteward,
	}
}

// AppActions begins the names of actions that applications define for
// themselves, such as app.read: they reach the policies of the resource's
// domain, and mean what those say.
const AppActions = "app."

// Outcome is the answer of the policies.
type Outcome string

// The outcomes.
const (
	Allow         Outcome = "ALLOW"
	Deny          Outcome = "DENY"
	NeedsApproval Outcome = "NEEDS_APPROVAL"
)

// Reason says why, to a program by its Code and to a person by its Message.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Origin  string `json:"origin"` // engine, platform, or the domain's name
}

// ObligationType is one of the closed list of duties that come with an allow.
type ObligationType string

// The obligations.
const (
	ObligeMask        ObligationType = "mask"
	ObligeRowFilter   ObligationType = "row_filter"
	ObligeLog         ObligationType = "log"
	ObligeWatermark   ObligationType = "watermark"
	ObligeTTLMax      ObligationType = "ttl_max"
	ObligeNoExport    ObligationType = "no_export"
	ObligeAcknowledge ObligationType = "acknowledge"
)

// Obligation is a duty of whoever acts on an allow.
type Obligation struct {
	ID        string            `json:"id"`
	Type      ObligationType    `json:"type"`
	Mandatory bool              `json:"mandatory"`
	Params    map[string]string `json:"params,omitempty"`
}

// Approval is a vote that the policy wants before it allows.
type Approval struct {
	Role             ApproverRole `json:"role"`
	Domain           Slug         `json:"domain,omitempty"`
	Min              int          `json:"min"`
	ExcludeRequester bool         `json:"excludeRequester"`
}

// Decision is the policies' whole answer to one question.
type Decision struct {
	ID          ID            `json:"id"`
	Outcome     Outcome       `json:"outcome"`
	Reasons     []Reason      `json:"reasons"`
	Obligations []Obligation  `json:"obligations,omitempty"`
	Approvals   []Approval    `json:"approvals,omitempty"`
	TTLMax      time.Duration `json:"ttlMax,omitempty"` // longest grant the policies accept; zero sets no limit
	Revisions   Revisions     `json:"revisions"`
	Steps       int           `json:"steps"` // what the evaluation cost, in engine steps
}

// Allowed reports a plain allow; a decision that still needs approval is none.
func (d Decision) Allowed() bool { return d.Outcome == Allow }

// Revisions names the exact policies that were asked, by content hash.
type Revisions struct {
	Platform string `json:"platform"`
	Domain   string `json:"domain,omitempty"`
	Consent  string `json:"consent,omitempty"` // of the asker's own domain, where that has a say
}

// DecisionRecord is a decision as the log keeps it: with everything the
// policies saw, so that it can be evaluated again.
type DecisionRecord struct {
	Meta
	At          time.Time       `json:"at"`
	Action      Action          `json:"action"`
	PrincipalID ID              `json:"principalId"`
	AskedBy     ID              `json:"askedBy,omitempty"` // who asked, when that was somebody else: an application, about its user
	ResourceID  ID              `json:"resourceId,omitempty"`
	Domain      Slug            `json:"domain,omitempty"`
	Outcome     Outcome         `json:"outcome"`
	Decision    Decision        `json:"decision"`
	Input       json.RawMessage `json:"input,omitempty"` // gone after the retention
	RequestID   string          `json:"requestId,omitempty"`
	List        *DecisionList   `json:"list,omitempty"`   // set when the row tells of a whole list, and then there is no Input
	Masked      []string        `json:"masked,omitempty"` // paths of Input that stand as keyed hashes, such as subject.name
	Hidden      bool            `json:"hidden,omitempty"` // the principal may not know of the resource, and so not read the row either
	Seq         int64           `json:"seq,omitempty"`    // its place in the log
}

// DecisionList sums up the decisions about the rows of one list, which would
// be too many to keep one by one.
type DecisionList struct {
	Kind   string `json:"kind"`   // what was listed
	Filter string `json:"filter"` // hash of the filter: the same filter gives the same
	Asked  int    `json:"asked"`  // rows that the policies were asked about
	Shown  int    `json:"shown"`  // rows that they allowed
}

// DecisionHead is what the store remembers of the decision log: the log was
// there, signed with this key, and had come to this row. A log that does not
// know the row any more is another one, or has lost its end.
type DecisionHead struct {
	Meta
	PublicKey string `json:"publicKey"`
	Segment   string `json:"segment"`
	Seq       int64  `json:"seq"`
	Hash      string `json:"hash"`
}
