package model

import (
	"encoding/json"
	"time"
)

// Source is a system whose metadata Souk harvests, and how.
type Source struct {
	Meta
	Name           Slug                 `json:"name"` // unique
	DomainID       ID                   `json:"domainId"`
	Plugin         string               `json:"plugin"`
	Config         json.RawMessage      `json:"config"`            // validated against the plugin's schema; never a secret
	Secrets        map[string]SecretRef `json:"secrets,omitempty"` // by the name of the config field
	Schedule       string               `json:"schedule,omitempty"`
	Paused         bool                 `json:"paused,omitempty"`
	Checkpoint     []byte               `json:"checkpoint,omitempty"`    // where an interrupted run may go on
	CheckpointRun  ID                   `json:"checkpointRun,omitempty"` // the run that left it
	FailedRuns     int                  `json:"failedRuns,omitempty"`    // in a row
	LastRunID      ID                   `json:"lastRunId,omitempty"`
	SetUpBy        ID                   `json:"setUpBy,omitempty"`        // who last set the configuration or the secrets, and answers for them
	RemovedAt      *time.Time           `json:"removedAt,omitempty"`      // it is not run any more, and its name is free
	AllowRetireAll bool                 `json:"allowRetireAll,omitempty"` // a person has lifted the fail-safe for the next run
	RetireAllBy    ID                   `json:"retireAllBy,omitempty"`    // who has
	RetireAllWhy   string               `json:"retireAllWhy,omitempty"`   // in their words
	Scopes         []string             `json:"scopes,omitempty"`         // those in which something may still stand that the source has shown
	Interrupted    bool                 `json:"interrupted,omitempty"`    // the latest run ended with its server: a server takes it over

	Watermark           []byte         `json:"watermark,omitempty"`           // of the plugin: how far it has read
	WatermarkOn         string         `json:"watermarkOn,omitempty"`         // a sum of the plugin and of how it was set up
	WatermarkAt         *time.Time     `json:"watermarkAt,omitempty"`         // when the run began that left it
	CheckpointOfChanges bool           `json:"checkpointOfChanges,omitempty"` // the checkpoint was left by a run that reads only what has changed
	FullAt              *time.Time     `json:"fullAt,omitempty"`              // when the latest run began that read everything and came to its end
	FullEvery           *time.Duration `json:"fullEvery,omitempty"`           // the time between two of them; nil is the server's own
}

// SecretRef tells where a secret is to be found when it is needed:
// "env:NAME" or "file:PATH". The secret itself is never stored.
type SecretRef string

// RunStatus is where a harvest run stands.
type RunStatus string

// The life of a harvest run.
const (
	RunRunning   RunStatus = "RUNNING"
	RunSucceeded RunStatus = "SUCCEEDED"
	RunPartial   RunStatus = "PARTIAL" // it went through, and an error note tells what it could not read
	RunFailed    RunStatus = "FAILED"
	RunCancelled RunStatus = "CANCELLED"
)

// Through reports a run that came to its end: what it found is kept.
func (s RunStatus) Through() bool { return s == RunSucceeded || s == RunPartial }

// Fault names who has to act on a failure.
type Fault string

// Whose fault a failure can be.
const (
	FaultConfig Fault = "CONFIG" // the person who set the source up
	FaultSource Fault = "SOURCE" // the system harvested: down, slow, refusing
	FaultPlugin Fault = "PLUGIN" // the plugin's author
	FaultHost   Fault = "HOST"   // Souk
)

// Run is one harvest of one source.
type Run struct {
	Meta
	SourceID  ID         `json:"sourceId"`
	Status    RunStatus  `json:"status"`
	Trigger   string     `json:"trigger"` // manual, schedule, command, takeover
	StartedBy ID         `json:"startedBy"`
	StartedAt time.Time  `json:"startedAt"`
	Owner     string     `json:"owner,omitempty"` // the server process that makes the run; "" where the system has no name for it
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	Counts    RunCounts  `json:"counts"`
	Scopes    []string   `json:"scopes,omitempty"` // those listed completely
	Notes     []RunNote  `json:"notes,omitempty"`
	Failure   *Failure   `json:"failure,omitempty"`

	CPUSeconds      *float64 `json:"cpuSeconds,omitempty"`      // of the plugin's processes, once they have ended
	PeakMemoryBytes *int64   `json:"peakMemoryBytes,omitempty"` // of the largest of them

	UndoneAt *time.Time `json:"undoneAt,omitempty"` // when what it had changed was put back

	Progress *RunProgress `json:"progress,omitempty"` // as the plugin told it last
	Preview  bool         `json:"preview,omitempty"`  // it looks at what would change, and changes nothing

	Changes      bool       `json:"changes,omitempty"`      // it reads only what has changed
	ChangesSince *time.Time `json:"changesSince,omitempty"` // when the run began from whose end it goes on
}

// RunProgress is how far a run has come with what it does now.
type RunProgress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"` // 0 is unknown
	What  string `json:"what,omitempty"`  // such as tables
}

// RunCounts is what a run saw and what it changed.
type RunCounts struct {
	Assets    int `json:"assets"`
	Fields    int `json:"fields"`
	Edges     int `json:"edges"`
	Quality   int `json:"quality"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Retired   int `json:"retired"`
}

// Remembered is a part of what a source last said of its objects, and of what
// was known of them then. It is the server's own, and may be lost at any time.
type Remembered struct {
	Meta
	SourceID ID              `json:"sourceId"`
	Objects  json.RawMessage `json:"objects"`
}

// RunChange is a part of what a run has changed, as it stood before, so that the
// run can be undone. It is the server's own.
type RunChange struct {
	Meta
	SourceID ID     `json:"sourceId"`
	RunID    ID     `json:"runId"`        // the first of those that one carried on after another
	By       ID     `json:"by,omitempty"` // the one that wrote it; RunID when empty
	Number   int    `json:"number"`       // in the order that they were written
	Records  []byte `json:"records"`      // packed
}

// RunNote is a remark of the plugin or the host, counted, with a few samples.
type RunNote struct {
	Level   string   `json:"level"` // info, warn, error
	Code    string   `json:"code"`
	Title   string   `json:"title"`
	Count   int      `json:"count"`
	Samples []string `json:"samples,omitempty"`
}

// Failure tells why a run or a check failed, whose fault it is and what to do.
type Failure struct {
	Fault   Fault  `json:"fault"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

// Capability is one thing that a harvest needs, as a check found it.
type Capability struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
	Fix    string `json:"fix,omitempty"`
}

// PluginInfo describes a plugin that this server can launch.
type PluginInfo struct {
	Name          string
	Version       string
	Summary       string
	Doc           string // Markdown
	Schema        json.RawMessage
	SecretFields  []string
	OffersChanges bool // it can tell what has changed since an earlier run
	Bundled       bool
	Trusted       bool   // a foreign plugin that is not pinned is listed and never launched
	SHA256        string // of a foreign plugin
}
