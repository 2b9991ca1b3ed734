package model

import "time"

// Event is one line of the audit feed: who changed what, when and why. It is
// written in the same transaction as the change that it tells of.
type Event struct {
	Meta
	Seq        int64     `json:"seq"` // dense, in commit order
	At         time.Time `json:"at"`
	ActorID    ID        `json:"actorId"`
	Action     string    `json:"action"`
	SubjectID  ID        `json:"subjectId,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	DecisionID ID        `json:"decisionId,omitempty"`
	RequestID  string    `json:"requestId,omitempty"`
	Touched    []Touch   `json:"touched,omitempty"`
}

// Touch names one record that a change wrote.
type Touch struct {
	Kind     string   `json:"kind"`
	ID       ID       `json:"id"`
	Revision Revision `json:"revision"`
	Deleted  bool     `json:"deleted,omitempty"`
}
