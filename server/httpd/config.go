// Package httpd owns the HTTP door: one listener, its limits, its headers, the
// GraphQL transport and the metrics. It refuses work that is too large before
// that work costs anything, and it knows no noun beyond the principal.
package httpd

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/tracing"
)

// Config is what an operator can set about the door. A zero field takes the
// default that stands beside it.
type Config struct {
	Listen string // host:port, 127.0.0.1:8080; port 0 takes a free one

	MaxBodyBytes   int64 // 128 KiB
	MaxTokens      int   // 2,000 words and signs in one document
	MaxDepth       int   // 12 levels of fields
	MaxAliases     int   // 30 aliased fields, fragments written out
	MaxRootFields  int   // 10 fields of Query, Mutation or Subscription
	MaxDefinitions int   // 100 operations and fragments in one document
	MaxRepeats     int   // 20 times the same response key in one place
	MaxComplexity  int   // 20,000 objects and values
	MaxStreams     int   // 1,000 subscriptions open at once
	MaxStreamsEach int   // 20 of them by one principal

	QueryTimeout    time.Duration // 10 s
	MutationTimeout time.Duration // 30 s
	StreamLifetime  time.Duration // 1 h; the client comes back and proves again who it is
	Heartbeat       time.Duration // 15 s between signs of life on a quiet stream
	DrainTimeout    time.Duration // 10 s for the requests in flight when the server stops

	Streaming func(change int) // is told 1 for each stream that opens, and -1 when it ends; nil is nobody

	Trace *tracing.Tracer // of requests; nil traces none

	Credential func(text string) bool // reports a text that looks like one, which no mutation takes; nil looks for none

	DisableIntrospection bool // hides the schema even from those who are signed in
}

// maxIntrospectionDepth leaves room for the usual tools, whose query nests a
// type reference nine deep, and for nothing much deeper.
const maxIntrospectionDepth = 20

// Validate reports the first setting that cannot work, as an error of kind
// Invalid.
func (c Config) Validate() error {
	_, port, err := net.SplitHostPort(c.withDefaults().Listen)
	if err != nil {
		return model.Invalid("listen", "is not host:port", "use 127.0.0.1:8080, or :8080 for every interface")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return model.Invalid("listen", "the port must be a number from 0 to 65535", "use 127.0.0.1:8080")
	}
	numbers := map[string]int64{
		"maxBodyBytes": c.MaxBodyBytes, "maxTokens": int64(c.MaxTokens), "maxDepth": int64(c.MaxDepth),
		"maxAliases": int64(c.MaxAliases), "maxRootFields": int64(c.MaxRootFields), "maxRepeats": int64(c.MaxRepeats),
		"maxComplexity": int64(c.MaxComplexity), "maxStreams": int64(c.MaxStreams), "maxStreamsEach": int64(c.MaxStreamsEach), "maxDefinitions": int64(c.MaxDefinitions),
		"queryTimeout": int64(c.QueryTimeout), "mutationTimeout": int64(c.MutationTimeout),
		"streamLifetime": int64(c.StreamLifetime), "heartbeat": int64(c.Heartbeat), "drainTimeout": int64(c.DrainTimeout),
	}
	for _, field := range slices.Sorted(maps.Keys(numbers)) {
		if numbers[field] < 0 {
			return model.Invalid(field, "must not be negative", "leave it out for the default")
		}
	}
	return nil
}

// Defaults are the limits that hold where nobody has set others.
func Defaults() Config { return Config{}.withDefaults() }

func (c Config) withDefaults() Config {
	orElse(&c.Listen, "127.0.0.1:8080")
	orElse(&c.MaxBodyBytes, 128<<10)
	orElse(&c.MaxTokens, 2000)
	orElse(&c.MaxDepth, 12)
	orElse(&c.MaxAliases, 30)
	orElse(&c.MaxRootFields, 10)
	orElse(&c.MaxRepeats, 20)
	orElse(&c.MaxComplexity, 20_000)
	orElse(&c.MaxStreams, 1000)
	orElse(&c.MaxStreamsEach, 20)
	orElse(&c.MaxDefinitions, 100)
	orElse(&c.QueryTimeout, 10*time.Second)
	orElse(&c.MutationTimeout, 30*time.Second)
	orElse(&c.StreamLifetime, time.Hour)
	orElse(&c.Heartbeat, 15*time.Second)
	orElse(&c.DrainTimeout, 10*time.Second)
	return c
}

func orElse[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}
