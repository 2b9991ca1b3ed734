package sdk

import (
	"slices"
	"time"
)

// Asset is one table, view, file, dashboard, job or the like; and what holds
// others: a database, a schema, a folder, a bucket.
type Asset struct {
	ID          NativeID          `json:"id"`
	Scope       string            `json:"scope"` // the scope whose listing shows it, such as "schema:public"
	Kind        string            `json:"kind"`  // TABLE, VIEW, MATERIALIZED_VIEW, SEED, SNAPSHOT, DASHBOARD, JOB, SCHEMA, ...
	Rank        Rank              `json:"rank"`
	ShortName   string            `json:"shortName"`
	Description string            `json:"description,omitempty"`
	Owners      []string          `json:"owners,omitempty"`     // people and teams, in the source's own words
	OwnerRoles  []string          `json:"ownerRoles,omitempty"` // roles of the system that own it, such as a database's loader
	Tags        []string          `json:"tags,omitempty"`
	Fields      []Field           `json:"fields,omitempty"`
	ForeignKeys []ForeignKey      `json:"foreignKeys,omitempty"`
	Rows        *int64            `json:"rows,omitempty"` // an estimate
	Properties  map[string]string `json:"properties,omitempty"`
	Aliases     []Alias           `json:"aliases,omitempty"`   // other names that mean the same asset
	Reference   bool              `json:"reference,omitempty"` // the source uses the asset but does not hold or build it

	// Parent is what holds it: the schema of a table, the database of a schema.
	// It is an asset itself, of the kind DATABASE, SCHEMA, FOLDER or BUCKET.
	Parent *NativeID `json:"parent,omitempty"`

	Constraints        []Constraint `json:"constraints,omitempty"` // what else the source enforces
	Indexes            []Index      `json:"indexes,omitempty"`
	Definition         string       `json:"definition,omitempty"`         // what it is made by: the SQL of a view, a pipeline; cut at 64 KiB
	DefinitionLanguage string       `json:"definitionLanguage,omitempty"` // sql, python, mongodb, ...
	Bytes              *int64       `json:"bytes,omitempty"`              // what it takes in the source
	ChangedAt          *time.Time   `json:"changedAt,omitempty"`          // when its data or definition last changed, as the source says
	Freshness          *Freshness   `json:"freshness,omitempty"`
	Usage              *Usage       `json:"usage,omitempty"`

	// StableID is the source's own id of it, which stays when it is renamed,
	// such as an oid. Two things of one source never have the same.
	StableID string `json:"stableId,omitempty"`

	// Runs are the latest ones of a JOB, the newest first; 25 are kept. What it
	// reads are edges of the kind USES to it, what it makes are edges of the
	// kind DERIVES from it.
	Runs []JobRun `json:"runs,omitempty"`
}

// Rank says how well the source knows the asset. It describes; it is no claim
// on the asset, and the server decides what it makes of it. One that is not
// given is Reference.
type Rank int

func (r Rank) known() bool { return r == 0 || r == Holder || r == Builder || r == Reference }

// The ranks, best first.
const (
	Holder    Rank = 10 // the system's own catalogue
	Builder   Rank = 20 // the tool that builds the asset
	Reference Rank = 30 // a tool that only names it
)

// Alias is another name of an asset in some scheme: "openlineage" or "dbt".
type Alias struct {
	Scheme    string `json:"scheme"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Field is a column or its like.
type Field struct {
	Name        string            `json:"name"`
	Position    int               `json:"position"` // from 1
	NativeType  string            `json:"nativeType,omitempty"`
	Nullable    bool              `json:"nullable,omitempty"`
	Description string            `json:"description,omitempty"`
	PrimaryKey  int               `json:"primaryKey,omitempty"` // place in the primary key, from 1
	Default     string            `json:"default,omitempty"`
	Tags        []string          `json:"tags,omitempty"`   // the source's own, such as pii
	Meta        map[string]string `json:"meta,omitempty"`   // what else the source says of it, by name
	Values      []string          `json:"values,omitempty"` // the only ones that it may hold, such as those of an enum; more than 1,000 are left out
}

// ForeignKey is a declared reference to another asset of the same namespace.
type ForeignKey struct {
	Name     string   `json:"name,omitempty"`
	Fields   []string `json:"fields"`
	ToName   string   `json:"toName"`
	ToFields []string `json:"toFields,omitempty"`
}

// The kinds of constraint beside primary and foreign keys, which have places of their own.
const (
	Unique = "UNIQUE"
	Check  = "CHECK"
)

// Constraint is a rule that the source itself enforces.
type Constraint struct {
	Name       string   `json:"name,omitempty"`
	Kind       string   `json:"kind"` // Unique or Check
	Fields     []string `json:"fields,omitempty"`
	Expression string   `json:"expression,omitempty"` // of a check
}

// Index is what a source keeps to find rows by.
type Index struct {
	Name       string   `json:"name"`
	Fields     []string `json:"fields,omitempty"`
	Unique     bool     `json:"unique,omitempty"`
	Expression string   `json:"expression,omitempty"` // where it is more than a list of fields: on what, or for which rows
	Method     string   `json:"method,omitempty"`     // btree, hash, ...
}

// Freshness says how old the data may become.
type Freshness struct {
	WarnAfter  time.Duration `json:"warnAfter,omitempty"`
	ErrorAfter time.Duration `json:"errorAfter,omitempty"`
	Field      string        `json:"field,omitempty"` // that tells how old the data is
}

// Usage is how much an asset was used. Without To it is up to the harvest.
type Usage struct {
	Reads int64     `json:"reads"`
	Users int64     `json:"users,omitempty"` // 0 where the source does not say
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to,omitzero"`
}

// RunState is how far a run of a job has come.
type RunState string

// The states of a run.
const (
	RunRunning   RunState = "RUNNING"
	RunSucceeded RunState = "SUCCEEDED"
	RunFailed    RunState = "FAILED"
	RunCancelled RunState = "CANCELLED"
	RunSkipped   RunState = "SKIPPED"
	RunUnknown   RunState = "UNKNOWN"
)

func (s RunState) known() bool {
	switch s {
	case RunRunning, RunSucceeded, RunFailed, RunCancelled, RunSkipped, RunUnknown:
		return true
	}
	return false
}

// JobRun is one run of a job.
type JobRun struct {
	ID      string    `json:"id"`
	State   RunState  `json:"state"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Message string    `json:"message,omitempty"` // how it ended, in the source's words; cut at 2 KiB
}

// Edge says that To is made of From, or uses it. Either end may be an asset
// that no source has shown yet.
type Edge struct {
	From       NativeID    `json:"from"`
	To         NativeID    `json:"to"`
	Scope      string      `json:"scope"`
	Kind       string      `json:"kind"`             // DERIVES or USES
	Method     string      `json:"method"`           // how it is known: pg_depend, dbt.depends_on
	Confidence float64     `json:"confidence"`       // 0 to 1
	Fields     []FieldEdge `json:"fields,omitempty"` // which field is made of which, as far as the source knows; 10,000 are kept
}

// FieldEdge says that the field To of an edge's end is made of the field From
// of its origin.
type FieldEdge struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Transform string `json:"transform,omitempty"` // how, in the source's words: an expression, or a word; cut at 2 KiB
}

// Quality is a test that the source runs against an asset, with its last result.
type Quality struct {
	Asset     NativeID          `json:"asset"`
	Scope     string            `json:"scope"`
	Key       string            `json:"key"` // the source's stable name of the test
	Name      string            `json:"name"`
	Rule      string            `json:"rule"`
	Field     string            `json:"field,omitempty"`
	Severity  string            `json:"severity,omitempty"`
	Arguments map[string]string `json:"arguments,omitempty"` // what the test is given, by name
	Result    *Result           `json:"result,omitempty"`
}

// Result is how a test ended the last time.
type Result struct {
	Status   string    `json:"status"` // pass, fail, warn, error, skipped
	Failures int64     `json:"failures"`
	Message  string    `json:"message,omitempty"`
	At       time.Time `json:"at"`
}

func (*Asset) record()   {}
func (*Edge) record()    {}
func (*Quality) record() {}

// Properties makes the properties of an asset of names and values in turn, and
// leaves out what has no value.
func Properties(pairs ...string) map[string]string {
	all := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		if len(pair) == 2 && pair[1] != "" {
			all[pair[0]] = pair[1]
		}
	}
	return all
}
