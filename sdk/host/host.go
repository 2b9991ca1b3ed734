// Package host launches a plugin as a process of its own and gives back what it
// harvests. It owns the process, its limits, its end and the sentences that
// explain its faults; it refuses to keep records, to schedule runs, or to launch
// an executable that nobody has pinned.
package host

import (
	"cmp"
	"context"
	"os"
	"runtime"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host/process"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Spec says what to launch.
type Spec struct {
	Name    string           // the plugin's name, for messages
	Command []string         // argv; Command[0] is absolute
	SHA256  string           // of the executable, in hexadecimal; empty only for this very binary
	Folders []string         // below which the plugin may open files; none: it opens no file
	Account *process.Account // whom it runs as; nil: the server's own user
	Program *Program         // what Command[0] interprets; nil: it is the plugin itself
	Limits  Limits           // those that are not zero hold instead of those that Launch is given
	Env     []string         // NAME passes a variable of this process on, NAME=VALUE sets one; nothing else is passed
}

// ServeArgument is the sub-command under which a binary serves its own plugins.
const ServeArgument = harvestv1.ServeArgument

// Self launches this very binary again as `plugin-serve NAME`. On Linux an
// upgraded file on disk never mixes two versions.
func Self(name string) Spec {
	path := "/proc/self/exe"
	if runtime.GOOS != "linux" {
		path, _ = os.Executable() // an empty path is refused by Launch
	}
	return Spec{Name: name, Command: []string{path, ServeArgument, name}}
}

// Limits bounds one plugin process. A field that is zero has its default.
type Limits struct {
	Start    time.Duration // until the handshake: 10 s
	Describe time.Duration // 5 s
	Check    time.Duration // 30 s
	Idle     time.Duration // a harvest without any event: 120 s
	Wall     time.Duration // a whole harvest: 60 min

	MemoryBytes uint64 // RLIMIT_DATA, on Linux: 512 MiB
	CPUSeconds  uint64 // RLIMIT_CPU, on Linux: 30 min

	MessageBytes int // 1 MiB and the envelope
	Records      int // of one harvest: 5 million

	StderrLinesPerSecond int // passed on to the log; the rest is counted: 200
}

// DefaultLimits are those that hold where nobody has set others.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

func (l Limits) withDefaults() Limits {
	return Limits{
		Start:    cmp.Or(l.Start, 10*time.Second),
		Describe: cmp.Or(l.Describe, 5*time.Second),
		Check:    cmp.Or(l.Check, 30*time.Second),
		Idle:     cmp.Or(l.Idle, 2*time.Minute),
		Wall:     cmp.Or(l.Wall, time.Hour),

		MemoryBytes: cmp.Or(l.MemoryBytes, process.DefaultMemory),
		CPUSeconds:  cmp.Or(l.CPUSeconds, 30*60),

		MessageBytes: cmp.Or(l.MessageBytes, harvestv1.MaxMessageBytes),
		Records:      cmp.Or(l.Records, 5_000_000),

		StderrLinesPerSecond: cmp.Or(l.StderrLinesPerSecond, 200),
	}
}

// Usage is what a plugin has used of the machine.
type Usage = process.Usage

// or gives these limits, and those of the others where one is zero.
func (l Limits) or(others Limits) Limits {
	return Limits{
		Start: cmp.Or(l.Start, others.Start), Describe: cmp.Or(l.Describe, others.Describe), Check: cmp.Or(l.Check, others.Check),
		Idle: cmp.Or(l.Idle, others.Idle), Wall: cmp.Or(l.Wall, others.Wall),
		MemoryBytes: cmp.Or(l.MemoryBytes, others.MemoryBytes), CPUSeconds: cmp.Or(l.CPUSeconds, others.CPUSeconds),
		MessageBytes: cmp.Or(l.MessageBytes, others.MessageBytes), Records: cmp.Or(l.Records, others.Records),
		StderrLinesPerSecond: cmp.Or(l.StderrLinesPerSecond, others.StderrLinesPerSecond),
	}
}

// Handler takes what a harvest finds, in order and from one goroutine. While it
// works the plugin waits. An error from it cancels the harvest.
type Handler interface {
	Records(records []sdk.Record) error
	Checkpoint(state []byte) error
	ScopeDone(scope string) error
	Progress(done, total int64, what string)
	Note(n sdk.Note)
}

// Result is what a complete harvest came to.
type Result struct {
	Assets      int64
	Edges       int64
	Quality     int64
	Scopes      []string // those listed completely, in order
	Kept        []string // scopes of which only what changed was sent, in order
	Gone        int64    // assets that the source says are no longer there
	Watermark   []byte   // from which a later harvest may go on; nil where there is none
	Checkpoints int
	Notes       int
	Unknown     int // events of a newer plugin that this host does not know
	Duration    time.Duration
}

// WithTrace has the calls made with the context tell the plugin which trace they
// are part of. The headers are those of W3C's recommendation Trace Context.
func WithTrace(ctx context.Context, headers map[string]string) context.Context {
	for name, value := range headers {
		ctx = metadata.AppendToOutgoingContext(ctx, name, value)
	}
	return ctx
}
