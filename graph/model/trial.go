package model

import "time"

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
