package model

import (
	"cmp"
	"slices"
	"time"
)

// PolicyPackage is one package of rules that the server decides with.
type PolicyPackage struct {
	Name     string   // souk.platform, souk.domains.sales
	Domain   Slug     // "" for the platform's own
	Revision string   // content hash of everything the package is compiled from
	Files    []string // paths below the policies folder
}

// PolicyModule is one file of Rego.
type PolicyModule struct {
	Path string `json:"path"` // domains/sales/access.rego
	Text string `json:"text"`
}

// PolicyRevision is what a domain's package is made of at one time. It is
// never changed: another text is another revision.
type PolicyRevision struct {
	Meta
	Domain   Slug           `json:"domain"`
	Hash     string         `json:"hash"` // content address: the modules, the library, the engine and its functions
	Modules  []PolicyModule `json:"modules"`
	Engine   string         `json:"engine"` // the engine's version that it was checked with
	AuthorID ID             `json:"authorId"`
}

// PolicyState says which revision of a domain's package decides. There is one
// record a domain, so that two activations at once cannot both succeed.
type PolicyState struct {
	Meta
	Domain      Slug      `json:"domain"`
	ActiveID    ID        `json:"activeId,omitempty"`   // "" lives by what the server was started with
	PreviousID  ID        `json:"previousId,omitempty"` // what a rollback returns to
	ShadowID    ID        `json:"shadowId,omitempty"`   // evaluated beside the active one; differences are logged only
	ShadowOf    ID        `json:"shadowOf,omitempty"`   // the proposal that ShadowID is of
	ProposalID  ID        `json:"proposalId,omitempty"` // the one that brought ActiveID
	Past        []ID      `json:"past,omitempty"`       // every revision that has been in force, in the order of their first day
	ActivatedBy ID        `json:"activatedBy"`
	ActivatedAt time.Time `json:"activatedAt"`

	// TakenBack are the revisions that the platform returned to before; each
	// needs a new proposal. Which the domain returned to before is not noted.
	TakenBack []TakenBack `json:"takenBack,omitempty"`
}

// TakenBack is a revision that the platform took back, and when.
type TakenBack struct {
	RevisionID ID        `json:"revisionId"`
	At         time.Time `json:"at"`
}

// TakenBackAt tells when the platform took the revision back; nil when it did not.
func (s PolicyState) TakenBackAt(id ID) *time.Time {
	for _, t := range s.TakenBack {
		if t.RevisionID == id {
			return &t.At
		}
	}
	return nil
}

// ProposalStatus is where a policy proposal stands.
type ProposalStatus string

// The life of a policy proposal.
const (
	ProposalDraft      ProposalStatus = "DRAFT"    // being written, or sent back
	ProposalChecked    ProposalStatus = "CHECKED"  // it compiles inside the sandbox
	ProposalTested     ProposalStatus = "TESTED"   // its tests pass and cover it
	ProposalAssessed   ProposalStatus = "ASSESSED" // its impact is known; votes are open
	ProposalApproved   ProposalStatus = "APPROVED"
	ProposalActive     ProposalStatus = "ACTIVE"
	ProposalSuperseded ProposalStatus = "SUPERSEDED"
	ProposalRolledBack ProposalStatus = "ROLLED_BACK"
	ProposalRejected   ProposalStatus = "REJECTED"
)

var proposalMoves = map[ProposalStatus][]ProposalStatus{
	ProposalDraft:    {ProposalChecked, ProposalRejected},
	ProposalChecked:  {ProposalDraft, ProposalChecked, ProposalTested, ProposalRejected},
	ProposalTested:   {ProposalDraft, ProposalChecked, ProposalTested, ProposalAssessed, ProposalRejected},
	ProposalAssessed: {ProposalDraft, ProposalChecked, ProposalTested, ProposalAssessed, ProposalApproved, ProposalRejected},
	ProposalApproved: {ProposalDraft, ProposalAssessed, ProposalActive, ProposalRejected},
	ProposalActive:   {ProposalSuperseded, ProposalRolledBack},

	// A rollback puts an earlier revision in force again.
	ProposalSuperseded: {ProposalActive},
	ProposalRolledBack: {ProposalActive},
}

// PolicyProposal asks to put a revision of a domain's package in force.
type PolicyProposal struct {
	Meta
	Domain      Slug            `json:"domain"`
	RevisionID  ID              `json:"revisionId"`
	BaseHash    string          `json:"baseHash"` // the revision in force when it was drafted
	AuthorID    ID              `json:"authorId"`
	Title       string          `json:"title"`
	Description string          `json:"description,omitempty"`
	Status      ProposalStatus  `json:"status"`
	Touches     []Slug          `json:"touches,omitempty"` // domains whose data or people its rules can reach
	Problems    []PolicyProblem `json:"problems,omitempty"`
	Tests       *PolicyTests    `json:"tests,omitempty"`
	Impact      *PolicyImpact   `json:"impact,omitempty"`
	Approvals   []Approval      `json:"approvals,omitempty"` // what the platform's rule wants, once assessed
	Votes       []PolicyVote    `json:"votes,omitempty"`
	Comments    []PolicyComment `json:"comments,omitempty"`
	ClosedAt    *time.Time      `json:"closedAt,omitempty"`
}

// Move puts the proposal into the status, or reports why it cannot go there.
func (p *PolicyProposal) Move(to ProposalStatus) error {
	if !slices.Contains(proposalMoves[p.Status], to) {
		return Conflict("status", "a "+string(p.Status)+" proposal cannot become "+string(to), "")
	}
	p.Status = to
	return nil
}

// Missing lists the approvals that still lack votes. A vote counts for the
// report that its approver had seen, and the author's own never does.
func (p PolicyProposal) Missing() []Approval {
	var votes []Vote
	for _, v := range p.Votes {
		if p.Impact != nil && v.ReportHash == p.Impact.Hash && v.ApproverID != p.AuthorID {
			votes = append(votes, v.Vote)
		}
	}
	return Ballot{Approvals: p.Approvals, Votes: votes}.Missing()
}

// Open reports whether the proposal can still come into force.
func (p PolicyProposal) Open() bool {
	switch p.Status {
	case ProposalDraft, ProposalChecked, ProposalTested, ProposalAssessed, ProposalApproved:
		return true
	case ProposalActive, ProposalSuperseded, ProposalRolledBack, ProposalRejected:
	}
	return false
}

// PolicyVote is one approver's word on a proposal, given on one report.
type PolicyVote struct {
	Vote
	ReportHash string `json:"reportHash"` // of the impact that the approver had seen
}

// PolicyComment is a remark of the working group.
type PolicyComment struct {
	AuthorID ID        `json:"authorId"`
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
}

// PolicyProblem is something that a check found in a module.
type PolicyProblem struct {
	Severity string `json:"severity"` // error or warning
	Code     string `json:"code"`     // stable, such as policy.foreign_reference
	File     string `json:"file"`
	Line     int    `json:"line"`
	Message  string `json:"message"`
	Fix      string `json:"fix"`
}

// PolicyTests is how the tests of a revision went.
type PolicyTests struct {
	Passed    int             `json:"passed"`
	Failed    int             `json:"failed"`
	Covered   float64         `json:"covered"` // share of lines, 0 to 1
	Failures  []PolicyProblem `json:"failures,omitempty"`
	Uncovered []PolicyProblem `json:"uncovered,omitempty"` // rules and actions that the thresholds want tested
	Survivors []PolicyProblem `json:"survivors,omitempty"` // conditions whose change no test notices
}

// OK reports whether the tests let the proposal go on.
func (t PolicyTests) OK() bool {
	return t.Failed == 0 && t.Passed > 0 && len(t.Failures) == 0 && len(t.Uncovered) == 0
}

// PolicyImpact says what a revision would have decided otherwise. Approvers
// sign its Hash.
type PolicyImpact struct {
	Hash         string       `json:"hash"`
	RevisionHash string       `json:"revisionHash"`
	BaseHash     string       `json:"baseHash"`
	At           time.Time    `json:"at"`
	Replayed     int          `json:"replayed"` // logged decisions
	Grants       int          `json:"grants"`   // live grants asked again
	Generated    int          `json:"generated"`
	Skipped      int          `json:"skipped,omitempty"` // logged decisions that these policies cannot be asked again
	Flips        []PolicyFlip `json:"flips,omitempty"`
	DyingGrants  []ID         `json:"dyingGrants,omitempty"`
	Loosens      bool         `json:"loosens"`   // it allows what was refused
	Sensitive    bool         `json:"sensitive"` // and does so on confidential data

	RowSteps int `json:"rowSteps,omitempty"` // that one row of a list takes; 0 where lists are filters

	// Loosenings are the rules that are not provably narrower than those in force.
	Loosenings []PolicyProblem `json:"loosenings,omitempty"`

	// ChannelRules are the rules that read by which door a question comes: a
	// replay knows only the doors of the past.
	ChannelRules []PolicyProblem `json:"channelRules,omitempty"`

	Duration time.Duration `json:"duration"`
}

// PolicyFlip counts one kind of change with a few samples.
type PolicyFlip struct {
	Change         string         `json:"change"` // allow_to_deny, deny_to_allow, tightened, loosened, error
	Action         Action         `json:"action"`
	Classification Classification `json:"classification,omitempty"`
	Team           string         `json:"team,omitempty"` // of the asker; their domain where they have none
	Count          int            `json:"count"`
	Samples        []ID           `json:"samples,omitempty"` // decision ids, at most 10
}

// Severity is how much a finding weighs.
type Severity string

// The severities. An error keeps a product from being published.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Finding is what a shared standard found about a noun.
type Finding struct {
	Code      string   `json:"code"` // stable, such as description.missing
	Severity  Severity `json:"severity"`
	Standard  string   `json:"standard"` // the package that found it
	Field     string   `json:"field,omitempty"`
	Message   string   `json:"message"`
	Remedy    string   `json:"remedy"`
	SubjectID ID       `json:"subjectId"`
}

// Compare puts errors before warnings, and the same findings always in the same order.
func (f Finding) Compare(g Finding) int {
	return cmp.Or(cmp.Compare(f.Severity, g.Severity), cmp.Compare(f.Code, g.Code), cmp.Compare(f.Field, g.Field),
		cmp.Compare(f.Standard, g.Standard), cmp.Compare(f.Message, g.Message), cmp.Compare(f.Remedy, g.Remedy))
}

// Scorecard is how a product or a domain does by the shared standards, on one day.
type Scorecard struct {
	Meta
	SubjectID ID        `json:"subjectId"`
	DomainID  ID        `json:"domainId"`
	Day       time.Time `json:"day"`   // midnight UTC
	Score     int       `json:"score"` // 0 to 100
	Checked   int       `json:"checked"`
	Findings  []Finding `json:"findings,omitempty"`
}

// PolicyDifference counts what a revision on trial would have decided
// otherwise, beside the one in force. Decisions that agree leave no trace.
type PolicyDifference struct {
	Meta
	ProposalID     ID             `json:"proposalId"`
	Domain         Slug           `json:"domain"`
	Action         Action         `json:"action"`
	Classification Classification `json:"classification,omitempty"`
	Team           string         `json:"team,omitempty"` // of the asker; their domain where they have none
	Active         Outcome        `json:"active"`         // what was decided
	Trial          Outcome        `json:"trial"`          // what would have been
	Codes          []string       `json:"codes,omitempty"`
	Count          int            `json:"count"`
	FirstAt        time.Time      `json:"firstAt"`
	LastAt         time.Time      `json:"lastAt"`
	Samples        []ID           `json:"samples,omitempty"` // resources, at most 10
}

// AssessmentState is how an assessment stands.
type AssessmentState string

// The states of an assessment.
const (
	AssessmentRunning   AssessmentState = "RUNNING"
	AssessmentDone      AssessmentState = "DONE"
	AssessmentFailed    AssessmentState = "FAILED"
	AssessmentCancelled AssessmentState = "CANCELLED"
	AssessmentNone      AssessmentState = "NONE" // none runs on this server, and there is no report
)

// PolicyAssessment is the replay of past decisions against a draft as it goes on.
type PolicyAssessment struct {
	ProposalID ID
	State      AssessmentState
	Done       int // decisions and grants replayed
	Total      int
	ReportHash string // of the report, once it is there
	Message    string // why it failed
}

// PolicyRollback is what a rollback has come to.
type PolicyRollback struct {
	State     PolicyStanding
	Rechecked bool   // the revision was of another engine or library and was checked again
	Notice    string // what whoever asked for it should know
}

// PolicyStanding is a state with what one server makes of it.
type PolicyStanding struct {
	PolicyState
	ServingHash string // content address of the rules that this server decides with
	Problem     string // why they are not those of ActiveID, or refuse everything; "" when all is well

	QuarantinedUntil *time.Time // they failed again and again and are not asked until then; nil when they never did
}
