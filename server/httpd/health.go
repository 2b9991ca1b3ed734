package httpd

import (
	"context"
	"io"
	"net/http"
	"strings"
)

// Health answers as long as the process does.
func Health() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok\n") })
}

// Readiness is what a server can do now.
type Readiness string

// The states. In the second people can read, and what would be changed is
// refused with the code READS_ONLY.
const (
	IsReady   Readiness = "ready"
	ReadsOnly Readiness = "reads only"
	NotReady  Readiness = "not ready"
)

const stateHeader = "X-Souk-State"

// Ready answers 200 while everything can be done, and 503 otherwise, with the
// state as text and in the header X-Souk-State. With ?verbose, the parts that come
// to be ready by and by stand below it, a line each. The reason stays inside:
// anybody may ask this question.
func (s *Server) Ready(check func(context.Context) Readiness, parts ...func() string) http.Handler {
	s.metrics.watch(check)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state, status := check(r.Context()), http.StatusServiceUnavailable
		if state == IsReady {
			status = http.StatusOK
		}
		w.Header().Set(stateHeader, string(state))
		lines := []string{string(state)}
		if r.URL.Query().Has("verbose") {
			for _, part := range parts {
				lines = append(lines, part())
			}
		}
		say(w, status, strings.Join(lines, "\n")+"\n")
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a prober that has gone is no failure of ours
}
