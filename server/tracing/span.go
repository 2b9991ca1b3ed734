package tracing

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/souk-mesh/souk/graph/model"
)

// Span is one piece of work. The zero one tells nothing to nobody, and so does
// one whose trace is not sampled. Each method is one attribute: there is no way
// to tell of anything else.
type Span struct{ span trace.Span }

// Start begins a span below the one of the context, if that is traced.
func Start(ctx context.Context, name string) (context.Context, Span) {
	above := trace.SpanFromContext(ctx)
	if !above.IsRecording() {
		return ctx, Span{}
	}
	ctx, s := above.TracerProvider().Tracer(scope).Start(ctx, name)
	return ctx, Span{s}
}

// Past is a span for what began before and is over. Nothing can be below it.
func Past(ctx context.Context, name string, begun time.Time) Span {
	above := trace.SpanFromContext(ctx)
	if !above.IsRecording() {
		return Span{}
	}
	_, s := above.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithTimestamp(begun))
	return Span{s}
}

// On reports that somebody is told. It is for attributes that take work.
func (s Span) On() bool { return s.span != nil }

func recording(s trace.Span) Span {
	if !s.IsRecording() {
		return Span{}
	}
	return Span{s}
}

// Keys of the attributes. README.md of the server tells operators of each.
const (
	keyMethod    attribute.Key = "http.request.method"
	keyRoute     attribute.Key = "http.route"
	keyStatus    attribute.Key = "http.response.status_code"
	keyRequest   attribute.Key = "souk.request"
	keyKind      attribute.Key = "graphql.operation.type"
	keyOperation attribute.Key = "graphql.operation.name"
	keyCode      attribute.Key = "souk.code"
	keyAction    attribute.Key = "souk.action"
	keyOutcome   attribute.Key = "souk.outcome"
	keyTable     attribute.Key = "db.collection.name"
	keyRows      attribute.Key = "souk.rows"
	keyTogether  attribute.Key = "souk.rows_together"
	keyRun       attribute.Key = "souk.run"
	keySource    attribute.Key = "souk.source"
	keyPlugin    attribute.Key = "souk.plugin"
	keyTrigger   attribute.Key = "souk.trigger"
	keyRunStatus attribute.Key = "souk.run_status"
	keyError     attribute.Key = "error.type"
)

// Keys lists every attribute that a span can have.
func Keys() []string {
	all := []attribute.Key{
		keyMethod, keyRoute, keyStatus, keyRequest, keyKind, keyOperation, keyCode, keyAction, keyOutcome, keyTable, keyRows, keyTogether,
		keyRun, keySource, keyPlugin, keyTrigger, keyRunStatus, keyError,
	}
	names := make([]string, len(all))
	for i, key := range all {
		names[i] = string(key)
	}
	return names
}

func (s Span) text(key attribute.Key, value string) Span {
	if s.span != nil && value != "" {
		s.span.SetAttributes(key.String(value))
	}
	return s
}

func (s Span) count(key attribute.Key, n int) Span {
	if s.span != nil {
		s.span.SetAttributes(key.Int(n))
	}
	return s
}

// Method names the method of a request, if it is one of HTTP's own.
func (s Span) Method(method string) Span {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return s.text(keyMethod, method)
	}
	return s.text(keyMethod, "_OTHER")
}

// Door names the pattern of the door that answers, and calls the span by it.
func (s Span) Door(pattern string) Span {
	if s.span != nil && pattern != "" {
		s.span.SetName(pattern)
	}
	return s.text(keyRoute, pattern)
}

// Status is the HTTP status of the answer.
func (s Span) Status(status int) Span {
	if s.span != nil && status >= http.StatusInternalServerError {
		s.span.SetStatus(codes.Error, "")
	}
	return s.count(keyStatus, status)
}

// Request is the id by which the log knows the request.
func (s Span) Request(id string) Span { return s.text(keyRequest, id) }

// Operation tells the type of a GraphQL operation and the name that its author
// gave it.
func (s Span) Operation(kind, name string) Span {
	const longest = 64
	return s.text(keyKind, kind).text(keyOperation, name[:min(len(name), longest)])
}

// Code is that of the answer's first error, or OK.
func (s Span) Code(code string) Span { return s.text(keyCode, code) }

// Decision tells what was asked for and how it came out.
func (s Span) Decision(action model.Action, outcome model.Outcome) Span {
	return s.text(keyAction, string(action)).text(keyOutcome, string(outcome))
}

// Table names the table of the store.
func (s Span) Table(name string) Span { return s.text(keyTable, name) }

// Rows is how many were read or written.
func (s Span) Rows(n int) Span { return s.count(keyRows, n) }

// Together is how many rows the commit had in all, those of others among them.
func (s Span) Together(n int) Span { return s.count(keyTogether, n) }

// Run tells of a run by what the log calls it.
func (s Span) Run(run model.Run, source model.Slug) Span {
	return s.text(keyRun, string(run.ID)).text(keySource, string(source)).text(keyTrigger, run.Trigger)
}

// RunStatus is how a run ended.
func (s Span) RunStatus(status model.RunStatus) Span { return s.text(keyRunStatus, string(status)) }

// Plugin names the plugin.
func (s Span) Plugin(name string) Span { return s.text(keyPlugin, name) }

// End ends the span. Of an error it tells the kind alone: the message may quote
// what it is about.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		s.text(keyError, string(model.KindOf(err)))
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}
