// Package doors holds what the doors for other systems share: reading one JSON
// object from a request, writing one, and turning our errors into statuses. The
// doors themselves lie below; each speaks one protocol and decides nothing.
package doors

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/exact"
)

// Read takes the one JSON object of the request into the value, exactly as the
// shape has it. Numbers stay as they were written. Every error is of kind Invalid.
func Read[T any](w http.ResponseWriter, r *http.Request, most int64, shape exact.Shape[T], into *T) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return model.Invalid("Content-Type", "is not application/json", "send the header Content-Type: application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return model.Invalid("body", "is larger than "+strconv.FormatInt(most, 10)+" bytes", "send less at once")
	}
	if err != nil {
		return model.Invalid("body", "ended early or came too slowly", "")
	}
	return shape.Read(body, into)
}

// By says of a request by which door it comes.
func By(r *http.Request, c model.Channel) *http.Request {
	return r.WithContext(model.WithChannel(r.Context(), c))
}

const writeTimeout = 30 * time.Second

// Write answers with the value as JSON.
func Write(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil { // values of our own making have a JSON form
		status, text = http.StatusInternalServerError, []byte(`{"error":{"code":"INTERNAL","message":"something went wrong"}}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that has gone is no failure of ours
}

var statuses = map[model.ErrorKind]int{
	model.KindInvalid: http.StatusBadRequest, model.KindBadCursor: http.StatusBadRequest, model.KindNotFound: http.StatusNotFound,
	model.KindConflict: http.StatusConflict, model.KindUnauthenticated: http.StatusUnauthorized, model.KindDenied: http.StatusForbidden,
	model.KindUnavailable: http.StatusServiceUnavailable,
}

// Refuser is Refuse with the log at hand.
func Refuser(log *slog.Logger) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) { Refuse(w, r, log, err) }
}

// Refuse answers with an error. One that is nobody's fault outside keeps its
// words to the log.
func Refuse(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	request := model.RequestIDFrom(r.Context())
	status, known := statuses[model.KindOf(err)]
	code, message := string(model.KindInternal), "something went wrong; the log knows it by the request id"
	e, ok := errors.AsType[*model.Error](err)
	if !ok && errors.Is(err, context.DeadlineExceeded) {
		e, ok = &model.Error{Kind: model.KindUnavailable, Message: "the deadline of the request is past", Err: err}, true
		status, known = http.StatusServiceUnavailable, true
	}
	switch {
	case known && ok && status != http.StatusServiceUnavailable:
		code, message = e.StableCode(), err.Error()
	case known && e.Code == model.CodeReadsOnly:
		log.ErrorContext(r.Context(), "reads only", "error", err, "request", request)
		code, message = e.Code, e.Message
	case known:
		log.ErrorContext(r.Context(), "records unavailable", "error", err, "request", request)
		code, message = string(model.KindUnavailable), "the records cannot be read now; come back later"
	default:
		log.ErrorContext(r.Context(), "request failed", "error", err, "path", r.URL.Path, "request", request)
		status = http.StatusInternalServerError
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="souk"`)
	}
	body := map[string]string{"code": code, "message": message}
	if request != "" {
		body["requestId"] = request
	}
	Write(w, status, map[string]any{"error": body})
}
