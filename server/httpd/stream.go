package httpd

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// stream answers with server-sent events, one connection an operation, as the
// graphql-sse protocol has it: event next for each answer, event complete at
// the end, a comment now and then so that proxies do not hang up.
func (a *api) stream(w http.ResponseWriter, r *http.Request, op *graphql.OperationContext) {
	kind := op.Operation.Operation
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		w.Header().Set("Retry-After", "10")
		a.refuse(w, r, mediaStream, kind, refuse(http.StatusServiceUnavailable, CodeTooManyStreams, "%d streams are open; come back later", a.cfg.MaxStreams))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.cfg.StreamLifetime)
	defer cancel()
	h := w.Header()
	h.Set("Content-Type", mediaStream+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep the events to itself
	observe(w, string(kind), "OK")
	out := &events{w: w, control: http.NewResponseController(w)}
	if out.send(":\n\n") != nil {
		return
	}
	answers := a.answers(ctx, op)
	a.relay(ctx, out, answers, drainingOf(w))
	cancel()
	for range answers { // wait until the producer has seen the end
	}
}

// answers runs the operation in the background until it or the context ends.
// Each answer is encoded before the next is asked for, since the schema may
// write them all into the same memory.
func (a *api) answers(ctx context.Context, op *graphql.OperationContext) <-chan []byte {
	answers := make(chan []byte)
	go func() {
		defer close(answers)
		ctx, next := a.start(ctx, op)
		for answer := next(ctx); answer != nil; answer = next(ctx) {
			select {
			case answers <- encode(answer):
			case <-ctx.Done():
				return
			}
		}
	}()
	return answers
}

func (a *api) relay(ctx context.Context, out *events, answers <-chan []byte, draining <-chan struct{}) {
	pulse := time.NewTicker(a.cfg.Heartbeat)
	defer pulse.Stop()
	for {
		var err error
		select {
		case answer, open := <-answers:
			if !open {
				_ = out.send("event: complete\ndata:\n\n")
				return
			}
			err = out.send("event: next\ndata: " + string(answer) + "\n\n")
			pulse.Reset(a.cfg.Heartbeat)
		case <-pulse.C:
			err = out.send(":\n\n")
		case <-draining:
			_ = out.send("event: complete\ndata:\n\n")
			return
		case <-ctx.Done():
			_ = out.send("event: complete\ndata:\n\n")
			return
		}
		if err != nil {
			return
		}
	}
}

// events writes to the client, who gets a while for each event.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (e *events) send(text string) error {
	_ = e.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}
