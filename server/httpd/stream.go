package httpd

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph/model"
)

// stream answers with server-sent events, one connection an operation, as the
// graphql-sse protocol has it: event next for each answer, event complete at
// the end, a comment now and then so that proxies do not hang up.
func (a *api) stream(w http.ResponseWriter, r *http.Request, op *graphql.OperationContext) {
	kind := op.Operation.Operation
	who := holder(r.Context())
	if refused := a.streams.take(who.ID); refused != nil {
		w.Header().Set("Retry-After", "10")
		a.refuse(w, r, mediaStream, kind, refused)
		return
	}
	defer a.streams.leave(who.ID)
	ctx, cancel := context.WithTimeout(r.Context(), a.cfg.limit(kind))
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
	(&relay{out: out, heartbeat: a.cfg.Heartbeat, draining: drainingOf(w), again: againOf(w), who: who}).run(ctx, answers)
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
		ctx, span := a.traced(ctx, op)
		defer span.End(nil)
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

// relay hands answers on to one client for as long as the client is who it was.
type relay struct {
	out       *events
	heartbeat time.Duration
	draining  <-chan struct{}
	again     func(context.Context) (model.Principal, error) // signs in once more; nil where nobody has to
	who       model.Principal
}

func (l *relay) run(ctx context.Context, answers <-chan []byte) {
	pulse := time.NewTicker(l.heartbeat)
	defer pulse.Stop()
	for {
		var err error
		select {
		case answer, open := <-answers:
			if !open {
				l.complete()
				return
			}
			err = l.pass(ctx, "event: next\ndata: "+string(answer)+"\n\n")
			pulse.Reset(l.heartbeat)
		case <-pulse.C:
			err = l.pass(ctx, ":\n\n")
		case <-l.draining:
			l.complete()
			return
		case <-ctx.Done():
			l.complete()
			return
		}
		if err != nil {
			return
		}
	}
}

func (l *relay) complete() { _ = l.out.send("event: complete\ndata:\n\n") }

// pass sends what is there if the credential still opens and the principal is
// the one that the answer was made for. Otherwise it says so, and the stream ends.
func (l *relay) pass(ctx context.Context, text string) error {
	if ended := l.ended(ctx); ended != nil {
		_ = l.out.send("event: next\ndata: " + string(ended) + "\n\n")
		l.complete()
		return errEnded
	}
	return l.out.send(text)
}

var errEnded = errors.New("the right that the stream was opened by has ended")

// ended is the last answer of a stream whose holder may not have another.
func (l *relay) ended(ctx context.Context) []byte {
	if l.again == nil {
		return nil
	}
	now, err := l.again(ctx)
	refused := refuse(http.StatusUnauthorized, string(model.KindUnauthenticated), "what the stream was opened by has ended; sign in again")
	switch {
	case err == nil && now.ID == l.who.ID && now.Revision == l.who.Revision:
		return nil
	case err == nil:
		refused = refuse(http.StatusForbidden, string(model.KindDenied), "your own record has changed since the stream began; subscribe again")
	case !model.Is(err, model.KindUnauthenticated):
		refused = refuse(http.StatusServiceUnavailable, string(model.KindUnavailable), "the records cannot be read now; come back later")
	}
	return refused.text(model.RequestIDFrom(ctx))
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
