package tracing

import (
	"context"
	"log/slog"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// complaintEach is how often the log hears of a collector that takes nothing.
const complaintEach = time.Minute

// exportLog tells the log of spans that the collector did not take, now and
// then. The server goes on without them.
type exportLog struct {
	sdktrace.SpanExporter

	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	said time.Time // when the log was told last
	lost int       // spans since then
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *exportLog) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.complain(ctx, len(spans), err)
	}
	return nil // the library would tell its own log, each time
}

func (e *exportLog) complain(ctx context.Context, spans int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lost += spans
	if now := e.now(); now.Sub(e.said) >= complaintEach {
		e.log.WarnContext(ctx, "the collector of traces does not take them", slog.Int("spans", e.lost), slog.Any("error", err))
		e.said, e.lost = now, 0
	}
}
