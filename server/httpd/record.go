package httpd

import (
	"context"
	"net/http"

	"github.com/souk-mesh/souk/graph/model"
)

// record is the response writer of one request. It remembers what the log and
// the metrics want to know, and carries news of the server to the handlers,
// which may just as well run without a server.
type record struct {
	http.ResponseWriter
	status   int
	kind     string // of the GraphQL operation
	code     string // of its first error, or OK
	asker    model.ID
	again    func(context.Context) (model.Principal, error) // signs the asker in once more
	draining <-chan struct{}
}

// WriteHeader notes the status.
func (r *record) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write notes the status that a body without one implies.
func (r *record) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets a response controller reach the connection.
func (r *record) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func observe(w http.ResponseWriter, kind, code string) {
	if r, ok := w.(*record); ok {
		r.kind, r.code = kind, code
	}
}

// drainingOf gives the channel that closes when the server stops; nil, which
// never closes, without a server.
func drainingOf(w http.ResponseWriter) <-chan struct{} {
	if r, ok := w.(*record); ok {
		return r.draining
	}
	return nil
}

// againOf gives what signs the asker in once more; nil where nobody has to.
func againOf(w http.ResponseWriter) func(context.Context) (model.Principal, error) {
	if r, ok := w.(*record); ok {
		return r.again
	}
	return nil
}
