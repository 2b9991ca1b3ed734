// Package sdk is what the author of a Souk plugin reads. A plugin teaches Souk
// one kind of source system: it says what it needs to be configured with,
// checks that it may read what it must, and emits what it finds. It never
// computes ids and never decides that something is gone: it gives native names
// and says which scopes it has listed completely, and the host does the rest.
package sdk

import (
	"context"
	"log/slog"
	"time"
)

// Info describes a plugin before it runs. It is served without any I/O.
type Info struct {
	Name    string   // lower case, as `souk plugin list` shows it
	Version string   // semantic version of the plugin
	Summary string   // one sentence
	Doc     string   // Markdown page for operators: what it needs, what it reads
	Emits   []string // record kinds: "asset", "edge", "quality"
}

// Plugin is one kind of source. C is its configuration: a struct whose tags
// (json, doc, default, enum, format, admin, host) give the JSON Schema.
type Plugin[C any] struct {
	Info Info
	Open func(ctx context.Context, config C, env Env) (Source, error)

	// Judge says what is wrong with a configuration that fits its schema, as
	// an error made by Config. It is asked before a configuration is kept, and
	// so looks at the text alone: secrets are empty, nothing is connected to and
	// no file is opened. It may be nil; Open refuses the same.
	Judge func(config C) error
}

// Source is an open connection to one configured system.
type Source interface {
	// Check reports each capability that a harvest needs, with the remedy
	// where one is missing. It returns an error only when it could not check.
	Check(ctx context.Context, r *Report) error

	// Harvest emits everything that it can see. An error that hides a part of
	// the source is returned, or noted for its scope, never swallowed.
	Harvest(ctx context.Context, req Request, out Sink) error

	Close() error
}

// Env is what the host lends to a plugin.
type Env struct {
	Log   *slog.Logger // goes to the run's log; values of secret fields are struck out
	Now   func() time.Time
	Files Files // every file of a configuration is opened here, and nowhere else
}

// Request says where to begin.
type Request struct {
	RunID      string
	Checkpoint []byte // the last state passed to Sink.Checkpoint by a run that did not end, or nil
}

// Sink takes what a harvest finds. Its methods block when the host is slower
// than the plugin, and return the context's error after a cancel.
type Sink interface {
	Emit(r Record) error           // *Asset, *Edge or *Quality
	Checkpoint(state []byte) error // everything emitted so far is kept, and a later run may begin here; at most 1 MiB
	ScopeDone(scope string) error  // everything in the scope has been emitted; refused for a scope with a noted error
	Progress(done, total int64, what string) error
	Note(n Note) error
}

// Record is something found: an *Asset, an *Edge or a *Quality.
type Record interface{ record() }

// NativeID names an asset as OpenLineage does.
type NativeID struct {
	Namespace string `json:"namespace"` // such as postgres://db.acme.example:5432
	Name      string `json:"name"`      // such as shop.public.orders
}

// Asset is one table, view, file, dashboard or the like.
type Asset struct {
	ID          NativeID          `json:"id"`
	Scope       string            `json:"scope"` // the scope whose listing shows it, such as "schema:public"
	Kind        string            `json:"kind"`  // TABLE, VIEW, MATERIALIZED_VIEW, SEED, SNAPSHOT, DASHBOARD, ...
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
	Tags        []string          `json:"tags,omitempty"` // the source's own, such as pii
	Meta        map[string]string `json:"meta,omitempty"` // what else the source says of it, by name
}

// ForeignKey is a declared reference to another asset of the same namespace.
type ForeignKey struct {
	Name     string   `json:"name,omitempty"`
	Fields   []string `json:"fields"`
	ToName   string   `json:"toName"`
	ToFields []string `json:"toFields,omitempty"`
}

// Edge says that To is made of From, or uses it. Either end may be an asset
// that no source has shown yet.
type Edge struct {
	From       NativeID `json:"from"`
	To         NativeID `json:"to"`
	Scope      string   `json:"scope"`
	Kind       string   `json:"kind"`       // DERIVES or USES
	Method     string   `json:"method"`     // how it is known: pg_depend, dbt.depends_on
	Confidence float64  `json:"confidence"` // 0 to 1
}

// Quality is a test that the source runs against an asset, with its last result.
type Quality struct {
	Asset    NativeID `json:"asset"`
	Scope    string   `json:"scope"`
	Key      string   `json:"key"` // the source's stable name of the test
	Name     string   `json:"name"`
	Rule     string   `json:"rule"`
	Field    string   `json:"field,omitempty"`
	Severity string   `json:"severity,omitempty"`
	Result   *Result  `json:"result,omitempty"`
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

// Level is how much a note matters.
type Level string

// The levels.
const (
	InfoLevel  Level = "info"
	WarnLevel  Level = "warn"
	ErrorLevel Level = "error" // something of the scope is missing: the scope cannot be done, but for the one asset that the note names
)

// Note is a remark on the run. Notes are counted by code, with a few samples kept.
type Note struct {
	Level  Level  `json:"level"`
	Code   string `json:"code"`             // stable: "dbt.unknown_node"
	Title  string `json:"title"`            // a sentence without the particulars
	Sample string `json:"sample,omitempty"` // the particulars: a name, never a value of the data
	Scope  string `json:"scope,omitempty"`  // for ErrorLevel: the scope that is incomplete

	// Asset, for ErrorLevel, is the one asset of the scope that is there and
	// could not be described. What is known of it and of its lineage stays, and
	// the rest of the scope may be done.
	Asset NativeID `json:"asset,omitzero"`
}

// Capability is one thing that a harvest needs and a check found out about.
type Capability struct {
	Name   string `json:"name"` // "connect", "list_tables"
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // why not
	Fix    string `json:"fix,omitempty"`    // what to do, down to the statement to run
}

// Report collects the capabilities of one check.
type Report struct {
	Capabilities []Capability
	OnAdd        func(Capability) // told at once, so that a form fills while the check runs
}

// OK reports that the capability is there.
func (r *Report) OK(name string) { r.Add(Capability{Name: name, OK: true}) }

// Failed reports that the capability is missing, why, and what to do.
func (r *Report) Failed(name, reason, fix string) {
	r.Add(Capability{Name: name, Reason: reason, Fix: fix})
}

// Add reports one capability.
func (r *Report) Add(c Capability) {
	r.Capabilities = append(r.Capabilities, c)
	if r.OnAdd != nil {
		r.OnAdd(c)
	}
}
