package httpd

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/tracing"
)

const cachedDocuments = 1000

// api executes GraphQL requests against one schema.
type api struct {
	cfg       Config
	schema    graphql.ExecutableSchema
	log       *slog.Logger
	present   graphql.ErrorPresenterFunc
	recover   graphql.RecoverFunc
	documents graphql.Cache[*ast.QueryDocument]
	described *described
	values    *reader
	leaks     leaks
	streams   *seats
	zip       func(http.Handler) http.HandlerFunc
}

// GraphQL is the handler of the graph: queries and mutations by POST, queries
// by GET, subscriptions as a stream of server-sent events. Every request is
// held to the limits of the configuration before it is validated or executed.
func GraphQL(cfg Config, schema graphql.ExecutableSchema, log *slog.Logger, present graphql.ErrorPresenterFunc, onPanic graphql.RecoverFunc) http.Handler {
	cfg = cfg.withDefaults()
	return &api{
		cfg: cfg, schema: schema, log: log, present: present, recover: onPanic,
		documents: lru.New[*ast.QueryDocument](cachedDocuments),
		described: describe(schema.Schema()),
		values:    newReader(schema),
		leaks:     leaks{schema.Schema(), cfg.Credential},
		streams:   newSeats(cfg),
		zip:       newZipper(),
	}
}

// ServeHTTP answers one request.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if model.RequestIDFrom(r.Context()) == "" {
		r = withRequestID(w, r)
	}
	media, ok := negotiate(r.Header)
	if !ok {
		a.refuse(w, r, mediaJSON, "", refuse(http.StatusNotAcceptable, CodeNotAcceptable, "the answer can be %s, %s or, for a subscription, %s", mediaGraphQL, mediaJSON, mediaStream))
		return
	}
	params, refused := a.read(w, r)
	if refused != nil {
		a.refuse(w, r, media, "", refused)
		return
	}
	// The deadline for the body must not end a long answer.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	op, refused := a.prepare(r.Context(), params)
	if refused != nil {
		a.refuse(w, r, media, "", refused)
		return
	}
	a.execute(w, r, media, op)
}

func (a *api) execute(w http.ResponseWriter, r *http.Request, media string, op *graphql.OperationContext) {
	kind := op.Operation.Operation
	switch {
	case kind != ast.Query && r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		a.refuse(w, r, media, kind, refuse(http.StatusMethodNotAllowed, CodeMethod, "only a query can be sent by GET"))
	case media == mediaStream:
		a.stream(w, r, op)
	case kind == ast.Subscription:
		a.refuse(w, r, media, kind, refuse(http.StatusNotAcceptable, CodeNotAcceptable, "a subscription needs the header Accept: %s", mediaStream))
	default:
		a.once(w, r, media, op)
	}
}

// once runs a query or a mutation to its single answer.
func (a *api) once(w http.ResponseWriter, r *http.Request, media string, op *graphql.OperationContext) {
	kind := op.Operation.Operation
	limit := a.cfg.limit(kind)
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	ctx, span := a.traced(ctx, op)
	ctx, next := a.start(ctx, op)
	answer := next(ctx)
	span.End(nil)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		refused := timedOut(kind, limit)
		if kind == ast.Query && answer != nil && codeOf(answer.Errors) == string(model.KindUnavailable) { // it was not the question that took long
			refused = refuse(http.StatusServiceUnavailable, string(model.KindUnavailable), "the records cannot be read now; come back later")
		}
		a.refuse(w, r, media, kind, refused)
		return
	}
	if answer == nil { // the client has gone
		return
	}
	observe(w, string(kind), codeOf(answer.Errors))
	a.write(w, r, media, http.StatusOK, encode(answer))
}

// traced begins the span of an operation. A name that is a credential stays
// out of it.
func (a *api) traced(ctx context.Context, op *graphql.OperationContext) (context.Context, tracing.Span) {
	ctx, span := tracing.Start(ctx, "graphql")
	if !span.On() {
		return ctx, span
	}
	name := op.Operation.Name
	if a.cfg.Credential != nil && a.cfg.Credential(name) {
		name = ""
	}
	return ctx, span.Operation(string(op.Operation.Operation), name)
}

// limit is how long an operation may take, however its answers travel.
func (c Config) limit(kind ast.Operation) time.Duration {
	switch kind {
	case ast.Mutation:
		return c.MutationTimeout
	case ast.Subscription:
		return c.StreamLifetime
	default:
		return c.QueryTimeout
	}
}

func timedOut(kind ast.Operation, limit time.Duration) *refusal {
	if kind == ast.Mutation {
		return refuse(http.StatusGatewayTimeout, CodeTimeout, "the mutation took longer than %s and may have taken effect; look before sending it again", limit)
	}
	return refuse(http.StatusGatewayTimeout, CodeTimeout, "the query took longer than %s; ask for less at a time", limit)
}

// start begins the operation and gives the function that yields its answers,
// nil after the last. It is called with the context that start returns.
func (a *api) start(ctx context.Context, op *graphql.OperationContext) (context.Context, graphql.ResponseHandler) {
	ctx = graphql.WithOperationContext(model.WithChannel(ctx, model.ChannelGraphQL), op)
	opening := graphql.WithResponseContext(ctx, a.present, a.recover)
	next := a.schema.Exec(opening)
	if list := graphql.GetErrors(opening); list != nil {
		next = graphql.OneShot(&graphql.Response{Errors: list})
	}
	return ctx, func(ctx context.Context) *graphql.Response {
		if ctx.Err() != nil {
			return nil
		}
		ctx = graphql.WithResponseContext(ctx, a.present, a.recover)
		answer := next(ctx)
		if answer != nil {
			answer.Errors = append(answer.Errors, graphql.GetErrors(ctx)...)
			answer.Extensions = graphql.GetExtensions(ctx)
		}
		return answer
	}
}

// codeOf gives the code of the first error, for the metrics.
func codeOf(list gqlerror.List) string {
	if len(list) == 0 {
		return "OK"
	}
	if code, ok := list[0].Extensions["code"].(string); ok {
		return code
	}
	return CodeInternal
}
