package graph

import (
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph/model"
)

// MarshalDuration writes a length of time in ISO 8601; none is null.
func MarshalDuration(d time.Duration) graphql.Marshaler {
	if d == 0 {
		return graphql.Null
	}
	return graphql.MarshalString(model.FormatDuration(d))
}

// UnmarshalDuration reads a length of time as model.ParseDuration does.
func UnmarshalDuration(v any) (time.Duration, error) {
	text, ok := v.(string)
	if !ok {
		return 0, model.Invalid("", "is no string", "write \"90d\" or \"P90D\" for days, \"36h\" or \"PT36H\" for hours")
	}
	return model.ParseDuration("", text)
}
