// Package tracing owns the spans that tell where the time of a request went,
// and their way to a collector of OpenTelemetry. It is off unless the operator
// names a collector, and then costs a look at the context. What a span may tell
// is a closed list of words of ours: it refuses variables, contents of rows,
// personal data and secrets by having no attribute for them.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/souk-mesh/souk/graph/model"
)

// Bounds of the way to the collector: what a collector that is gone may cost.
const (
	queued       = 2048             // spans that wait; more are dropped
	sendTime     = 10 * time.Second // for one batch, with its retries
	shutdownTime = 5 * time.Second  // for what waits when the server stops
)

const scope = "github.com/souk-mesh/souk/server"

// Config says where spans go.
type Config struct {
	Endpoint string  // the address that takes OTLP over HTTP; "" traces nothing
	Ratio    float64 // of the traces that begin here, from 0 to 1
	Log      *slog.Logger
}

// Tracer begins traces. The nil one begins none.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	exports  *exportLog
}

// New makes the way to the collector, which it does not ask yet. Without an
// endpoint the tracer is nil. What beside the address a collector wants, such as
// a header with a key or a certificate, the standard variables OTEL_EXPORTER_OTLP_*
// tell.
func New(ctx context.Context, c Config) (*Tracer, error) {
	if c.Endpoint == "" {
		return nil, nil //nolint:nilnil // the tracer that is off
	}
	address, err := Address(c.Endpoint)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(address))
	if err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	from, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "souk")), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	exports := &exportLog{SpanExporter: exporter, log: c.Log, now: time.Now}
	p := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exports, sdktrace.WithMaxQueueSize(queued), sdktrace.WithExportTimeout(sendTime)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Ratio))),
		sdktrace.WithResource(from),
	)
	return &Tracer{provider: p, tracer: p.Tracer(scope), exports: exports}, nil
}

// Address is where an endpoint takes spans: where it names a server alone, at
// the path that is usual. An error is of kind Invalid.
func Address(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", model.Invalid("trace-endpoint", "is no address of a collector", "use one such as http://127.0.0.1:4318; a key goes into OTEL_EXPORTER_OTLP_HEADERS")
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}

// Close sends what waits, for as long as a stop may take, and ends.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.exports.complain(ctx, 0, err)
	}
}

// Begin begins a span that may have none above it: a piece of work that the
// server gives itself.
func (t *Tracer) Begin(ctx context.Context, name string) (context.Context, Span) {
	return t.begin(ctx, name, trace.SpanKindInternal)
}

// Request begins the span of a request, as a part of the trace that its sender
// says it belongs to.
func (t *Tracer) Request(r *http.Request) (*http.Request, Span) {
	if t == nil {
		return r, Span{}
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.begin(ctx, "request", trace.SpanKindServer)
	return r.WithContext(ctx), span
}

func (t *Tracer) begin(ctx context.Context, name string, kind trace.SpanKind) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, s := t.tracer.Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, recording(s)
}

// Beyond gives a context for work that outlives the call, and tells of its trace
// alone.
func Beyond(call context.Context) context.Context {
	return trace.ContextWithSpanContext(context.Background(), trace.SpanContextFromContext(call))
}

// Headers are what tells another process of the span at hand, after W3C's
// recommendation Trace Context. There are none where nothing is traced.
func Headers(ctx context.Context) map[string]string {
	headers := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, headers)
	return headers
}
