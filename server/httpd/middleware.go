package httpd

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/tracing"
)

const requestIDHeader = "X-Request-ID"

// Handler is everything the server answers, for tests and for listeners of
// others: the doors inside the request id, the headers, the log and the metrics.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		r, span := s.cfg.Trace.Request(withRequestID(w, r))
		secure(w.Header())
		rec := &record{ResponseWriter: w, draining: s.draining}
		defer func() { s.note(rec, r, span, time.Since(start)) }()
		defer s.rescue(rec, r)
		defer s.reading.watch(w, r)()
		s.mux.ServeHTTP(rec, r)
	})
}

// withRequestID takes the id of the caller if it is harmless, or makes one.
func withRequestID(w http.ResponseWriter, r *http.Request) *http.Request {
	id := r.Header.Get(requestIDHeader)
	if !saneID(id) {
		id = "req_" + rand.Text()
	}
	w.Header().Set(requestIDHeader, id)
	return r.WithContext(model.WithRequestID(r.Context(), id))
}

// saneID keeps line breaks, quotes and novels out of the log.
func saneID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// secure tells browsers to load nothing from elsewhere, to run nothing that is
// written into a page, and to show no page of ours inside another.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// rescue turns a panic into an answer. The one that net/http uses to cut a
// connection goes on its way.
func (s *Server) rescue(rec *record, r *http.Request) {
	reason := recover()
	if reason == nil {
		return
	}
	if reason == http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
		panic(reason)
	}
	s.log.ErrorContext(r.Context(), "panic in a handler", "reason", reason,
		"request", model.RequestIDFrom(r.Context()), "stack", string(debug.Stack()))
	if rec.status != 0 {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	s.plain.refuse(rec, r, mediaJSON, "", refuse(http.StatusInternalServerError, CodeInternal, "something went wrong; the log knows it by the request id"))
}

// note writes the access log: who asked what of which door, never the query,
// the token or the parameters.
func (s *Server) note(rec *record, r *http.Request, span tracing.Span, took time.Duration) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	span.Method(r.Method).Door(r.Pattern).Status(rec.status).Request(model.RequestIDFrom(r.Context())).Code(rec.code).End(nil)
	s.metrics.request(r, rec, took)
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", rec.status),
		slog.Int64("ms", took.Milliseconds()), slog.String("request", model.RequestIDFrom(r.Context())),
	}
	if rec.asker != "" {
		attrs = append(attrs, slog.String("principal", string(rec.asker)))
	}
	if rec.code != "" {
		attrs = append(attrs, slog.String("operation", rec.kind), slog.String("code", rec.code))
	}
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
}
