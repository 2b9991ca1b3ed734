// Package harvestv1 is the wire between Souk and its plugins, version 1. It
// owns the protobuf messages, generated from harvest.proto, and the handshake
// and limits on which both ends agree; it refuses any behaviour.
package harvestv1

// Version is the version of the wire that both ends negotiate.
const Version = 1

// ServiceName is the name under which a plugin process serves Source.
const ServiceName = "source"

// ServeArgument is the sub-command under which a binary of several plugins
// serves the one that the next argument names.
const ServeArgument = "plugin-serve"

// The cookie keeps a person from running a plugin by hand by mistake. It is no
// means of security.
const (
	CookieKey   = "SOUK_PLUGIN"
	CookieValue = "harvest.v1"
)

// The limits of what travels. The host refuses what is larger.
const (
	MaxRecordBytes     = 1 << 20
	MaxCheckpointBytes = 1 << 20
	MaxWatermarkBytes  = 64 << 10       // it is kept with its source, which is read often
	MaxGone            = 100_000        // assets that one harvest may name as gone: where there are more, everything is read
	MaxMessageBytes    = 1<<20 + 64<<10 // the largest record with its envelope
	MaxBatchRecords    = 1000
	MaxFields          = 5000
	MaxParts           = 1 << 16 // messages within one event, at any depth: a nest of empty ones unfolds to far more than it takes
)

// CodeExpired is the code of the failure of a plugin that cannot go on from the
// watermark that it was handed.
const CodeExpired = "watermark_expired"

// What is kept of a record. What is more is cut, and a note says so.
const (
	MaxDefinition  = 64 << 10 // bytes of a definition or an expression
	MaxMessageText = 2 << 10  // bytes of the message of a run or a test
	MaxRuns        = 25       // of a job
	MaxValues      = 1000     // that a field may hold
	MaxFieldEdges  = 10_000   // of an edge
)
