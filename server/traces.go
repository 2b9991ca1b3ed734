package server

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/tracing"
)

// traces reports a setting of traces that cannot work.
func (c Config) traces() error {
	if c.TraceEndpoint == "" {
		return nil
	}
	_, err := tracing.Address(c.TraceEndpoint)
	return err
}

func (c Config) tracer(ctx context.Context, log *slog.Logger) (*tracing.Tracer, error) {
	return tracing.New(ctx, tracing.Config{Endpoint: c.TraceEndpoint, Ratio: float64(c.TraceRatio), Log: log})
}

// Ratio is a part of a whole, from 0 to 1.
type Ratio float64

// UnmarshalText reads one.
func (r *Ratio) UnmarshalText(text []byte) error {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(n >= 0 && n <= 1) { // NaN compares with nothing
		return model.Invalid("", "is no number from 0 to 1", "1 is all of them, 0.01 one in a hundred")
	}
	*r = Ratio(n)
	return nil
}

// MarshalText writes one.
func (r Ratio) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String writes one in figures.
func (r Ratio) String() string { return strconv.FormatFloat(float64(r), 'g', -1, 64) }
