// Package authzen is the door for enforcement points that speak the AuthZEN
// Authorization API 1.0. It owns the shape of its requests and answers, and
// nothing of the decisions in them: pdp answers.
package authzen

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/pdp"
)

const (
	maxBody        = 1 << 20
	maxEvaluations = 500 // of one batch
)

// Door answers the requests of the API. Whoever mounts it says who is asking.
type Door struct {
	pdp *pdp.Service
	log *slog.Logger
}

// New makes the door.
func New(p *pdp.Service, log *slog.Logger) *Door { return &Door{pdp: p, log: log} }

// Routes gives the handlers by the patterns that they belong behind.
func (d *Door) Routes() map[string]http.Handler {
	return map[string]http.Handler{
		"POST /access/v1/evaluation":      d.handle(d.evaluation),
		"POST /access/v1/evaluations":     d.handle(d.evaluations),
		"POST /access/v1/search/subject":  d.handle(d.searchSubject),
		"POST /access/v1/search/resource": d.handle(d.searchResource),
		"POST /access/v1/search/action":   d.handle(d.searchAction),
	}
}

// maxRequestID is far above what callers make up.
const maxRequestID = 256

// Echo returns the request id of the caller just as it came, with whatever
// answer the handler behind gives. The protocol allows any text there, while
// our own log takes harmless ones only.
func Echo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("X-Request-ID"); id != "" && len(id) <= maxRequestID {
			w.Header().Set("X-Request-ID", id)
		}
		next.ServeHTTP(w, r)
	})
}

// handle reads the body, and writes what the answer is.
func (d *Door) handle(respond func(*http.Request, *request, pdp.Client) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = doors.By(r, model.ChannelAuthZEN)
		var body request
		client, err := clientOf(r)
		if err == nil {
			err = doors.Read(w, r, maxBody, requestShape, &body)
		}
		var value any
		if err == nil {
			value, err = respond(r, &body, client)
		}
		if err != nil {
			doors.Refuse(w, r, d.log, err)
			return
		}
		doors.Write(w, http.StatusOK, value)
	})
}

// obligationsHeader says whether the client carries out the duties that come
// with an answer.
const obligationsHeader = "X-Souk-Obligations"

func clientOf(r *http.Request) (pdp.Client, error) {
	client := pdp.Client{}
	switch strings.ToLower(r.Header.Get(obligationsHeader)) {
	case "", "none":
	case "understood":
		client.Carries = pdp.EveryDuty()
	default:
		return client, model.Invalid(obligationsHeader, "must be understood or none", "leave it out if the client carries out no obligations")
	}
	return client, nil
}

func (d *Door) evaluation(r *http.Request, body *request, client pdp.Client) (any, error) {
	q, err := body.question(whole)
	if err != nil {
		return nil, err
	}
	decision, err := d.pdp.Evaluate(r.Context(), q, client)
	return answerOf(decision), err
}

func (d *Door) evaluations(r *http.Request, body *request, client pdp.Client) (any, error) {
	if len(body.Evaluations) == 0 {
		return d.evaluation(r, body, client)
	}
	batch, err := body.batch()
	if err != nil {
		return nil, err
	}
	decisions, err := d.pdp.Batch(r.Context(), batch, client)
	answers := make([]answer, len(decisions))
	for i, decision := range decisions {
		answers[i] = answerOf(decision)
	}
	return map[string]any{"evaluations": answers}, err
}

func (d *Door) searchSubject(r *http.Request, body *request, client pdp.Client) (any, error) {
	q, w, err := body.search(forSubject)
	if err != nil {
		return nil, err
	}
	found, err := d.pdp.Subjects(r.Context(), q, w, client)
	return pageOf(found), err
}

func (d *Door) searchResource(r *http.Request, body *request, client pdp.Client) (any, error) {
	q, w, err := body.search(forResource)
	if err != nil {
		return nil, err
	}
	found, err := d.pdp.Resources(r.Context(), q, w, client)
	return pageOf(found), err
}

func (d *Door) searchAction(r *http.Request, body *request, client pdp.Client) (any, error) {
	q, _, err := body.search(forAction)
	if err != nil {
		return nil, err
	}
	found, err := d.pdp.Actions(r.Context(), q, client)
	return actionsOf(found), err
}
