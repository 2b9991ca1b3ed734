// Package sdk is what the author of a Souk plugin reads. A plugin teaches Souk
// one kind of source system: it says what it needs to be configured with,
// checks that it may read what it must, and emits what it finds. It never
// computes ids and never decides that something is gone: it gives native names
// and says which scopes it has listed completely, and the host does the rest.
package sdk

import (
	"context"
	"errors"
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
	Offers  []string // what its sources can do besides: OffersGrants, OffersChanges
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

// Tried reports how trying the capability ended: it is there, or it is missing
// for the reason that an error of the SDK gives. Any other error is the plugin's
// own or its host's, and comes back.
func (r *Report) Tried(name string, err error) error {
	if err == nil {
		r.OK(name)
		return nil
	}
	e, told := errors.AsType[*Error](err)
	if !told {
		return err
	}
	r.Failed(name, e.Error(), e.Fix)
	return nil
}

// Add reports one capability.
func (r *Report) Add(c Capability) {
	r.Capabilities = append(r.Capabilities, c)
	if r.OnAdd != nil {
		r.OnAdd(c)
	}
}
