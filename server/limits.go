package server

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
)

// Limits bound what a request, a stream and a harvest may cost. Zero takes the
// default.
type Limits struct {
	Body          Size `yaml:"query-body"`        // of one request
	Tokens        int  `yaml:"query-tokens"`      // words and signs in one document
	Depth         int  `yaml:"query-depth"`       // levels of fields
	Aliases       int  `yaml:"query-aliases"`     // fragments written out
	RootFields    int  `yaml:"query-root-fields"` // of Query, Mutation or Subscription
	Definitions   int  `yaml:"query-definitions"` // operations and fragments in one document
	Repeats       int  `yaml:"query-repeats"`     // of one response key in one place
	Complexity    int  `yaml:"query-complexity"`  // objects and values
	QueryTime     Span `yaml:"query-time"`        // for a query
	MutationTime  Span `yaml:"mutation-time"`     // for a mutation
	Streams       int  `yaml:"streams"`           // subscriptions open at once
	StreamsEach   int  `yaml:"streams-each"`      // of them by one principal
	StreamTime    Span `yaml:"stream-time"`       // until a stream has to begin anew
	StreamSilence Span `yaml:"stream-silence"`    // between signs of life on a quiet stream
	DrainTime     Span `yaml:"drain-time"`        // for requests in flight when the server stops

	SessionTime Span `yaml:"session-time"` // of a session of the console, however much it is used
	SessionIdle Span `yaml:"session-idle"` // of a session without a request

	Harvests     int    `yaml:"harvests"`         // plugins at work at once
	HarvestPause []Span `yaml:"harvest-pauses"`   // before each new try of a scheduled run
	PluginStart  Span   `yaml:"plugin-start"`     // until a plugin answers
	PluginCheck  Span   `yaml:"plugin-check"`     // for a check
	PluginIdle   Span   `yaml:"plugin-idle"`      // of a harvest without a word
	PluginTime   Span   `yaml:"plugin-time"`      // for a whole harvest
	PluginMemory Size   `yaml:"plugin-memory"`    // of a plugin's process
	PluginCPU    Span   `yaml:"plugin-cpu"`       // of a plugin's process
	PluginRecord int    `yaml:"plugin-records"`   // of one harvest
	PluginLines  int    `yaml:"plugin-log-lines"` // in a second, that are logged
}

func defaultLimits() Limits {
	h, p := httpd.Defaults(), host.DefaultLimits()
	return Limits{
		Body: Size(h.MaxBodyBytes), Tokens: h.MaxTokens, Depth: h.MaxDepth, Aliases: h.MaxAliases, RootFields: h.MaxRootFields,
		Definitions: h.MaxDefinitions, Repeats: h.MaxRepeats, Complexity: h.MaxComplexity,
		QueryTime: Span(h.QueryTimeout), MutationTime: Span(h.MutationTimeout),
		Streams: h.MaxStreams, StreamsEach: h.MaxStreamsEach, StreamTime: Span(h.StreamLifetime), StreamSilence: Span(h.Heartbeat), DrainTime: Span(h.DrainTimeout),
		SessionTime: Span(12 * time.Hour), SessionIdle: Span(2 * time.Hour),
		Harvests: 4, HarvestPause: []Span{Span(time.Minute), Span(5 * time.Minute)},
		PluginStart: Span(p.Start), PluginCheck: Span(p.Check), PluginIdle: Span(p.Idle), PluginTime: Span(p.Wall),
		PluginMemory: Size(p.MemoryBytes),                                                                                           //nolint:gosec // ours, and small
		PluginCPU:    Span(time.Duration(p.CPUSeconds) * time.Second), PluginRecord: p.Records, PluginLines: p.StderrLinesPerSecond, //nolint:gosec // likewise
	}
}

// http is what the listener is told.
func (c Config) http() httpd.Config {
	l := c.Limits
	return httpd.Config{
		Listen: c.Listen, MaxBodyBytes: int64(l.Body), MaxTokens: l.Tokens, MaxDepth: l.Depth, MaxAliases: l.Aliases, MaxRootFields: l.RootFields,
		MaxDefinitions: l.Definitions, MaxRepeats: l.Repeats, MaxComplexity: l.Complexity,
		QueryTimeout: time.Duration(l.QueryTime), MutationTimeout: time.Duration(l.MutationTime),
		MaxStreams: l.Streams, MaxStreamsEach: l.StreamsEach, StreamLifetime: time.Duration(l.StreamTime), Heartbeat: time.Duration(l.StreamSilence),
		DrainTimeout: time.Duration(l.DrainTime), DisableIntrospection: c.Introspection == "off",
	}
}

// sessions is how long people stay signed in.
func (c Config) sessions() identity.Sessions {
	usual := defaultLimits()
	return identity.Sessions{
		Life: time.Duration(cmp.Or(c.SessionTime, usual.SessionTime)), Idle: time.Duration(cmp.Or(c.SessionIdle, usual.SessionIdle)),
	}
}

// plugins is what the launcher of plugins is told.
func (l Limits) plugins() host.Limits {
	return host.Limits{
		Start: time.Duration(l.PluginStart), Check: time.Duration(l.PluginCheck), Idle: time.Duration(l.PluginIdle), Wall: time.Duration(l.PluginTime),
		MemoryBytes: uint64(max(l.PluginMemory, 0)), CPUSeconds: uint64(time.Duration(max(l.PluginCPU, 0)) / time.Second), //nolint:gosec // not negative
		Records: l.PluginRecord, StderrLinesPerSecond: l.PluginLines,
	}
}

// pauses are those before further tries: none where none are given, and those
// of the harvest where nothing is said.
func (l Limits) pauses() []time.Duration {
	if l.HarvestPause == nil {
		return nil
	}
	all := make([]time.Duration, 0, len(l.HarvestPause))
	for _, p := range l.HarvestPause {
		all = append(all, time.Duration(p))
	}
	return all
}

// validate reports a limit that cannot work.
func (l Limits) validate() error {
	counts := map[string]int{
		"query-tokens": l.Tokens, "query-depth": l.Depth, "query-aliases": l.Aliases, "query-root-fields": l.RootFields, "query-definitions": l.Definitions,
		"query-repeats": l.Repeats, "query-complexity": l.Complexity, "streams": l.Streams, "streams-each": l.StreamsEach,
		"harvests": l.Harvests, "plugin-records": l.PluginRecord, "plugin-log-lines": l.PluginLines,
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] < 0 {
			return model.Invalid(name, "must not be negative", "leave it out for the default")
		}
	}
	for _, session := range []struct {
		name string
		time Span
	}{{"session-time", l.SessionTime}, {"session-idle", l.SessionIdle}} {
		if t := time.Duration(session.time); t != 0 && (t < time.Minute || t > 31*24*time.Hour) {
			return model.Invalid(session.name, "must be between a minute and 31 days", "leave it out for the default")
		}
	}
	if l.PluginCPU != 0 && time.Duration(l.PluginCPU) < time.Second {
		return model.Invalid("plugin-cpu", "is shorter than a second", "leave it out for the default")
	}
	return nil
}

// Span is a length of time, written as everywhere: 10s, 5m, 36h, P90D.
type Span time.Duration

// UnmarshalText reads one.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := model.ParseDuration("", string(text))
	*s = Span(d)
	return err
}

// MarshalText writes one.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes one as people do: 1m, not 1m0s.
func (s Span) String() string {
	text := time.Duration(s).String()
	if rest, found := strings.CutSuffix(text, "m0s"); found {
		text = rest + "m"
	}
	if rest, found := strings.CutSuffix(text, "h0m"); found {
		text = rest + "h"
	}
	return text
}

// Size is a number of bytes, written as 128KiB, 512MiB, 2GiB or a plain number.
type Size int64

var sizeUnits = []struct {
	unit  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// UnmarshalText reads one.
func (s *Size) UnmarshalText(text []byte) error {
	for _, u := range sizeUnits {
		number, found := strings.CutSuffix(string(text), u.unit)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.bytes {
			break
		}
		*s = Size(n * u.bytes)
		return nil
	}
	return model.Invalid("", "is no size", "write it as 128KiB, 512MiB, 2GiB or a number of bytes")
}

// MarshalText writes one.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes one in the largest unit that fits.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.bytes == 0 {
			return fmt.Sprintf("%d%s", int64(s)/u.bytes, u.unit)
		}
	}
	return "0"
}
