package httpd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/httpd"
)

// toy is a schema small enough to be executed by hand, so that what these
// tests see is the door's doing alone.
type toy struct {
	schema *ast.Schema
	ended  chan struct{} // closed when the subscription has seen its end
}

func newToy() *toy {
	return &toy{ended: make(chan struct{}), schema: gqlparser.MustLoadSchema(&ast.Source{Name: "toy", Input: `
		type Query { hello(name: String): String! asker: String! slow: String! boom: String! big(size: Int!): String! items(first: Int!): [Item!]! }
		type Item { id: ID! name: String child: Item items(first: Int!): [Item!]! }
		type Mutation { touch: String! }
		type Subscription { ticks(count: Int!): Int! waits: Int! }`})}
}

func (t *toy) Schema() *ast.Schema { return t.schema }

func (t *toy) Complexity(_ context.Context, _, field string, child int, args map[string]any) (int, bool) {
	if field == "items" {
		n, _ := args["first"].(int64)
		return int(n) * (child + 1), true
	}
	return 0, false
}

func (t *toy) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	field, _ := op.Operation.SelectionSet[0].(*ast.Field)
	args := field.ArgumentMap(op.Variables)
	if field.Name == "ticks" {
		return t.ticks(args["count"])
	}
	if field.Name == "waits" {
		return func(ctx context.Context) *graphql.Response {
			<-ctx.Done()
			return nil
		}
	}
	return func(ctx context.Context) *graphql.Response {
		value, err := t.answer(ctx, field.Name, args)
		answer := &graphql.Response{Data: json.RawMessage("null")}
		if err != nil {
			answer.Errors = gqlerror.List{{Message: err.Error(), Extensions: map[string]any{"code": "TOY"}}}
			return answer
		}
		answer.Data, _ = json.Marshal(map[string]any{field.Alias: value})
		return answer
	}
}

func (t *toy) answer(ctx context.Context, field string, args map[string]any) (any, error) {
	switch field {
	case "asker":
		p, err := model.PrincipalFrom(ctx)
		return p.Name, err
	case "slow":
		<-ctx.Done()
		return nil, ctx.Err()
	case "boom":
		panic("the toy is broken")
	case "big":
		n, _ := args["size"].(int64)
		return strings.Repeat("ab", int(n)/2), nil
	case "items":
		return nil, errors.New("no items")
	}
	return fmt.Sprint(field, " ", args["name"]), nil
}

// ticks yields count answers, and for a count of zero waits for ever.
func (t *toy) ticks(count any) graphql.ResponseHandler {
	n, _ := count.(int64)
	i := int64(0)
	return func(ctx context.Context) *graphql.Response {
		if n == 0 {
			<-ctx.Done()
			close(t.ended)
			return nil
		}
		if i == n {
			return nil
		}
		i++
		return &graphql.Response{Data: json.RawMessage(fmt.Sprintf(`{"ticks":%d}`, i))}
	}
}

// tokens lets everybody in who knows a name.
type tokens struct {
	down bool
	now  *holder // what has become of everybody meanwhile
}

type holder struct{ revoked, changed atomic.Bool }

func (a tokens) Authenticate(_ context.Context, secret string) (model.Principal, error) {
	if a.now != nil && a.now.revoked.Load() {
		secret = "revoked"
	}
	switch {
	case a.down:
		return model.Principal{}, &model.Error{Kind: model.KindUnavailable, Message: "the database at 10.0.0.7 is gone"}
	case secret == "ana" || secret == "cy":
		p := model.Principal{Meta: model.Meta{ID: model.ID("prn_" + secret)}, Name: secret}
		if secret == "cy" {
			p.Roles = []model.Role{model.RoleAdmin}
		}
		if a.now != nil && a.now.changed.Load() {
			p.Revision++
		}
		return p, nil
	}
	return model.Principal{}, &model.Error{Kind: model.KindUnauthenticated, Message: "the token opens nothing"}
}

// AuthenticateSession lets nobody in: a session is tried with the real server.
func (tokens) AuthenticateSession(context.Context, string) (model.Principal, error) {
	return model.Principal{}, &model.Error{Kind: model.KindUnauthenticated, Message: "the session has ended"}
}

// door is a server with the toy behind it.
type door struct {
	t       *testing.T
	toy     *toy
	server  *httpd.Server
	handler http.Handler
	log     *strings.Builder
}

func newDoor(t *testing.T, cfg httpd.Config, auth tokens) *door {
	t.Helper()
	d := &door{t: t, toy: newToy(), log: &strings.Builder{}}
	log := slog.New(slog.NewTextHandler(d.log, nil))
	d.server = httpd.New(cfg, log)
	api := httpd.GraphQL(cfg, d.toy, log, graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	d.server.Handle("/graphql", d.server.Signed(auth, api))
	d.server.Handle("GET /healthz", httpd.Health())
	d.server.Handle("GET /metrics", d.server.Metrics(auth))
	d.handler = d.server.Handler()
	return d
}

// call is one request and what came back.
type call struct {
	method, path, body string
	header             map[string]string
	remote             string
}

func (d *door) do(c call) *httptest.ResponseRecorder {
	d.t.Helper()
	if c.path == "" {
		c.path = "/graphql"
	}
	if c.method == "" {
		c.method = http.MethodPost
	}
	r := httptest.NewRequestWithContext(d.t.Context(), c.method, c.path, strings.NewReader(c.body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer ana")
	for k, v := range c.header {
		if r.Header.Set(k, v); v == "" {
			r.Header.Del(k)
		}
	}
	if c.remote != "" {
		r.RemoteAddr = c.remote
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w
}

// ask sends a query in the modern media type.
func (d *door) ask(query string) *httptest.ResponseRecorder {
	d.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.do(call{body: string(body), header: map[string]string{"Accept": "application/graphql-response+json"}})
}

// code is the code of the first error of an answer.
func code(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Errors []struct {
			Message    string         `json:"message"`
			Extensions map[string]any `json:"extensions"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("the answer is no JSON: %v: %.200s", err, body)
	}
	if len(answer.Errors) == 0 {
		return ""
	}
	if answer.Errors[0].Message == "" {
		t.Errorf("an error without a message: %s", body)
	}
	c, _ := answer.Errors[0].Extensions["code"].(string)
	return c
}

const soon = 5 * time.Second
