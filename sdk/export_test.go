package sdk

import (
	"context"
	"io"

	"github.com/souk-mesh/souk/sdk/internal/secret"
	"github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// TestSink is the sink of a harvest with both of its ends.
type TestSink struct{ *sink }

// NewTestSink makes one that knows the secrets.
func NewTestSink(ctx context.Context, secrets []string, send func(*harvestv1.HarvestEvent) error) TestSink {
	return TestSink{newSink(ctx, secret.New(secrets, ""), send)}
}

// Alive gives the context of a harvest into the sink.
func (s TestSink) Alive(ctx context.Context) context.Context { return withAlive(ctx, s.live) }

// WithAlive gives a context by which a plugin says that it is at work.
func WithAlive(ctx context.Context, say func()) context.Context { return withAlive(ctx, say) }

// Finish sends what is pending and the counts.
func (s TestSink) Finish() error { return s.finish() }

// Close ends the sink.
func (s TestSink) Close() { s.close() }

// RunTool runs a plugin's binary as a person does, or as a host that asks it to serve.
func RunTool(ctx context.Context, stdout, stderr io.Writer, launched bool, serve func(Registration), args []string, plugins ...Registration) int {
	t := &tool{plugins: plugins, stdout: stdout, stderr: stderr, launched: launched, serve: serve}
	return t.run(ctx, args)
}
