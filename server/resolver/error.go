package resolver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
)

const (
	codeTimeout     = "TIMEOUT"
	internalMessage = "something went wrong; the log knows it by the request id"
)

// errRecovered marks an error that the log has been told of already.
var errRecovered = errors.New("recovered from a panic")

// Present writes an error for the wire: its code, the request's id and, for a
// refusal, the reasons and what would help. What is nobody's business but the
// operator's goes to the log instead.
func Present(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		out := graphql.DefaultErrorPresenter(ctx, err)
		shown := &gqlerror.Error{Path: out.Path, Locations: out.Locations, Extensions: map[string]any{}}
		if id := model.RequestIDFrom(ctx); id != "" {
			shown.Extensions["requestId"] = id
		}
		if e, ok := errors.AsType[*model.Error](err); ok {
			describe(shown, e)
			nameInput(shown)
		} else if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			shown.Message, shown.Extensions["code"] = "the request took too long or was given up", codeTimeout
			return shown
		} else {
			shown.Message, shown.Extensions["code"] = internalMessage, string(model.KindInternal)
		}
		keep(ctx, log, err, shown)
		return shown
	}
}

// describe fills in what the sender may know of the error.
func describe(shown *gqlerror.Error, e *model.Error) {
	shown.Message, shown.Extensions["code"] = e.Message, string(e.Kind)
	if e.Code != "" {
		shown.Extensions["detail"] = e.Code
	}
	if e.Field != "" {
		shown.Extensions["field"] = e.Field
	}
	if e.Hint != "" {
		shown.Extensions["hint"] = e.Hint
	}
	if e.Denial != nil {
		shown.Extensions["outcome"] = e.Denial.Outcome
		shown.Extensions["reasons"] = list(e.Denial.Reasons)
		shown.Extensions["approvals"] = list(e.Denial.Approvals)
		shown.Extensions["decisionId"] = e.Denial.ID
	}
	if e.Kind == model.KindInternal {
		shown.Message = internalMessage
		delete(shown.Extensions, "hint")
		delete(shown.Extensions, "field")
	}
}

// nameInput finds the field of a value that could not even be read: there, the
// path leads from the field of the answer on into the input.
func nameInput(shown *gqlerror.Error) {
	at := slices.Index(shown.Path, ast.PathElement(ast.PathName("input")))
	if _, named := shown.Extensions["field"]; named || at < 0 {
		return
	}
	shown.Extensions["field"] = shown.Path[at:].String()
}

// renamed calls the field at fault as the argument is called here.
func renamed(err error, from, to string) error {
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Field != from {
		return err
	}
	out := *e
	out.Field = to
	return &out
}

// list keeps an empty list from becoming null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// keep tells the log of what is ours to mend.
func keep(ctx context.Context, log *slog.Logger, err error, shown *gqlerror.Error) {
	switch model.ErrorKind(fmt.Sprint(shown.Extensions["code"])) {
	case model.KindInternal, model.KindUnavailable:
		if !errors.Is(err, errRecovered) {
			log.ErrorContext(ctx, "field failed", "error", err, "path", shown.Path.String(), "request", model.RequestIDFrom(ctx))
		}
	default:
	}
}

// Recover turns a panic of a resolver into an internal error and logs it.
func Recover(log *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, cause any) error {
		log.ErrorContext(ctx, "resolver panicked", "cause", cause, "request", model.RequestIDFrom(ctx), "stack", string(debug.Stack()))
		return &model.Error{Kind: model.KindInternal, Message: internalMessage, Err: errRecovered}
	}
}

// answer sorts what a mutation's service call came to: the noun, or what the
// sender can mend, or an error for the top of the answer. What earlier
// mutations of the operation looked up may have changed and is forgotten.
func answer[T any](ctx context.Context, v T, err error) (*T, []*graph.UserError, error) {
	linksFrom(ctx).forget()
	if err == nil {
		linksFrom(ctx).note(&v)
		return &v, []*graph.UserError{}, nil
	}
	e, ok := errors.AsType[*model.Error](err)
	if !ok {
		return nil, nil, err
	}
	switch e.Kind {
	case model.KindInvalid, model.KindBadCursor, model.KindNotFound, model.KindConflict:
		return nil, []*graph.UserError{userError(ctx, e)}, nil
	default:
		return nil, nil, err
	}
}

// userError names the input at fault as the sender wrote it: the services name
// a field of what they were given, which is the argument input here. One that
// finds nothing of an id does not know where in the input it stood: this looks.
func userError(ctx context.Context, e *model.Error) *graph.UserError {
	u := &graph.UserError{Code: e.Kind, Message: e.Message}
	if e.Code != "" {
		u.Detail = &e.Code
	}
	if e.Hint != "" {
		u.Hint = &e.Hint
	}
	if e.Field != "" {
		field := strings.NewReplacer("[", ".", "]", "").Replace(e.Field)
		u.Path = append([]string{"input"}, strings.Split(field, ".")...)
	} else if e.ID != "" {
		u.Path = placeOf(ctx, e.ID)
	}
	return u
}

// placeOf finds where in the mutation's input an id stands; nil is nowhere.
func placeOf(ctx context.Context, id model.ID) []string {
	input := graphql.GetFieldContext(ctx).Field.Arguments.ForName("input")
	if input == nil {
		return nil
	}
	sent, err := input.Value.Value(graphql.GetOperationContext(ctx).Variables)
	if err != nil {
		return nil
	}
	return within(sent, string(id), "input")
}

// within gives the path to a text in what a sender has sent, the first by name.
func within(sent any, text string, path ...string) []string {
	switch v := sent.(type) {
	case string:
		if v == text {
			return path
		}
	case []any:
		for i, item := range v {
			if found := within(item, text, append(slices.Clone(path), strconv.Itoa(i))...); found != nil {
				return found
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if found := within(v[name], text, append(slices.Clone(path), name)...); found != nil {
				return found
			}
		}
	}
	return nil
}

// orNull makes null of what is not there, which is what a query shows for what
// the viewer may not know of, too.
func orNull[T any](ctx context.Context, v T, err error) (*T, error) {
	if model.Is(err, model.KindNotFound) {
		return nil, nil //nolint:nilnil // null is the answer
	}
	if err != nil {
		return nil, err
	}
	linksFrom(ctx).note(&v)
	return &v, nil
}
