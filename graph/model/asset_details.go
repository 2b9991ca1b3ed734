package model

import (
	"cmp"
	"time"
)

// AssetDetails is what sources may know of an asset beside its fields, and
// most know little of.
type AssetDetails struct {
	ParentID           ID                `json:"parentId,omitempty"` // what holds it, such as the schema of a table
	Constraints        []AssetConstraint `json:"constraints,omitempty"`
	Indexes            []AssetIndex      `json:"indexes,omitempty"`
	Definition         string            `json:"definition,omitempty"` // what it is made by, such as the SQL of a view
	DefinitionLanguage string            `json:"definitionLanguage,omitempty"`
	Bytes              *int64            `json:"bytes,omitempty"`     // what it takes in the source
	ChangedAt          *time.Time        `json:"changedAt,omitempty"` // when its data or definition last changed, as the source says
	Freshness          *Freshness        `json:"freshness,omitempty"`
	Usage              *Usage            `json:"usage,omitempty"`
	Runs               []JobRun          `json:"runs,omitempty"` // of a job, the newest first
}

// ConstraintKind is what a constraint demands.
type ConstraintKind string

// The kinds of constraint beside primary and foreign keys.
const (
	ConstraintUnique ConstraintKind = "UNIQUE"
	ConstraintCheck  ConstraintKind = "CHECK"
)

// AssetConstraint is a rule that the source itself enforces.
type AssetConstraint struct {
	Name       string         `json:"name,omitempty"`
	Kind       ConstraintKind `json:"kind"`
	Fields     []string       `json:"fields,omitempty"`
	Expression string         `json:"expression,omitempty"`
}

// AssetIndex is what a source keeps to find rows by.
type AssetIndex struct {
	Name       string   `json:"name"`
	Fields     []string `json:"fields,omitempty"`
	Unique     bool     `json:"unique,omitempty"`
	Expression string   `json:"expression,omitempty"` // where it is more than a list of fields
	Method     string   `json:"method,omitempty"`     // btree, hash, ...
}

// Freshness says how old the data of an asset may become; zero sets no limit.
type Freshness struct {
	WarnAfter  time.Duration `json:"warnAfter,omitempty"`
	ErrorAfter time.Duration `json:"errorAfter,omitempty"`
	Field      string        `json:"field,omitempty"` // that tells how old the data is
}

// Usage is how much an asset was used between two times; without To up to when
// it was last harvested.
type Usage struct {
	Reads int64      `json:"reads"`
	Users int64      `json:"users,omitempty"` // 0 where the source does not say
	From  *time.Time `json:"from,omitempty"`
	To    *time.Time `json:"to,omitempty"`
}

// JobRun is one run of an asset that is a job.
type JobRun struct {
	ID      string      `json:"id"`
	State   JobRunState `json:"state"`
	Started *time.Time  `json:"started,omitempty"`
	Ended   *time.Time  `json:"ended,omitempty"`
	Message string      `json:"message,omitempty"`
}

// JobRunState is how far the run of a job has come.
type JobRunState string

// The states of the run of a job.
const (
	JobRunning   JobRunState = "RUNNING"
	JobSucceeded JobRunState = "SUCCEEDED"
	JobFailed    JobRunState = "FAILED"
	JobCancelled JobRunState = "CANCELLED"
	JobSkipped   JobRunState = "SKIPPED"
	JobUnknown   JobRunState = "UNKNOWN"
)

// fill adds what only the other says.
func (d *AssetDetails) fill(o AssetDetails) {
	d.ParentID = cmp.Or(d.ParentID, o.ParentID)
	if len(d.Constraints) == 0 {
		d.Constraints = o.Constraints
	}
	if len(d.Indexes) == 0 {
		d.Indexes = o.Indexes
	}
	if d.Definition == "" {
		d.Definition, d.DefinitionLanguage = o.Definition, o.DefinitionLanguage
	}
	d.Bytes = cmp.Or(d.Bytes, o.Bytes)
	d.ChangedAt = cmp.Or(d.ChangedAt, o.ChangedAt)
	d.Freshness = cmp.Or(d.Freshness, o.Freshness)
	d.Usage = cmp.Or(d.Usage, o.Usage)
	if len(d.Runs) == 0 {
		d.Runs = o.Runs
	}
}
