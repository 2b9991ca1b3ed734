package httpd_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/httpd"
)

func TestRequestsThatAreNotExecuted(t *testing.T) {
	d := newDoor(t, httpd.Config{}, tokens{})
	json := func(name, value string) map[string]string { return map[string]string{name: value} }
	for name, c := range map[string]struct {
		call   call
		status int
		code   string
	}{
		"no body":                {call{}, 400, httpd.CodeBadRequest},
		"no JSON":                {call{body: "query { hello }"}, 400, httpd.CodeBadRequest},
		"a batch":                {call{body: `[{"query":"{hello}"}]`}, 400, httpd.CodeBadRequest},
		"no query":               {call{body: `{"variables":{}}`}, 400, httpd.CodeBadRequest},
		"query of a wrong type":  {call{body: `{"query":{"a":1}}`}, 400, httpd.CodeBadRequest},
		"broken UTF-8":           {call{body: "{\"query\":\"{hello} \xff\"}"}, 400, httpd.CodeBadRequest},
		"two documents":          {call{body: `{"query":"{hello}"}{}`}, 400, httpd.CodeBadRequest},
		"a form":                 {call{body: `query={hello}`, header: json("Content-Type", "application/x-www-form-urlencoded")}, 415, httpd.CodeMediaType},
		"another charset":        {call{body: `{"query":"{hello}"}`, header: json("Content-Type", "application/json; charset=latin1")}, 415, httpd.CodeMediaType},
		"a compressed body":      {call{body: `{"query":"{hello}"}`, header: json("Content-Encoding", "gzip")}, 415, httpd.CodeMediaType},
		"an unknown media type":  {call{body: `{"query":"{hello}"}`, header: json("Accept", "image/png")}, 406, httpd.CodeNotAcceptable},
		"a wrong method":         {call{method: http.MethodPut, body: `{"query":"{hello}"}`}, 405, httpd.CodeMethod},
		"another Query":          {call{body: `{"query":"{hello}","Query":"{asker}"}`}, 400, httpd.CodeBadRequest},
		"a query given twice":    {call{body: `{"query":"{hello}","query":"{asker}"}`}, 400, httpd.CodeBadRequest},
		"a variable given twice": {call{body: `{"query":"query($n:String){hello(name:$n)}","variables":{"n":"a","n":"b"}}`}, 400, httpd.CodeBadRequest},
		"an unknown member":      {call{body: `{"query":"{hello}","variabels":{}}`}, 400, httpd.CodeBadRequest},
		"a number out of range":  {call{body: `{"query":"{hello}","variables":{"n":1e400}}`}, 400, httpd.CodeBadRequest},
		"a parameter twice":      {call{method: http.MethodGet, path: "/graphql?query={hello}&query={asker}"}, 400, httpd.CodeBadRequest},
		"another Parameter":      {call{method: http.MethodGet, path: "/graphql?query={hello}&Query={asker}"}, 400, httpd.CodeBadRequest},
		"a mutation by GET":      {call{method: http.MethodGet, path: "/graphql?query=mutation{touch}"}, 405, httpd.CodeMethod},
		"a link of another site": {call{method: http.MethodGet, path: "/graphql?query={hello}", header: json("Sec-Fetch-Site", "cross-site")}, 403, httpd.CodeBadRequest},
		"a subscription by JSON": {call{body: `{"query":"subscription{ticks(count:1)}"}`}, 406, httpd.CodeNotAcceptable},
		"too large a body":       {call{body: `{"query":"{hello} #` + strings.Repeat("x", 130<<10) + `"}`}, 413, httpd.CodeBodyTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			w := d.do(c.call)
			if w.Code != c.status {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if got := code(t, w); got != c.code {
				t.Errorf("code %q, want %q", got, c.code)
			}
			if strings.Contains(w.Body.String(), `"data"`) {
				t.Errorf("data in the answer to a request that was not executed: %s", w.Body)
			}
		})
	}
}

func TestAMemberAtFaultIsNamed(t *testing.T) {
	d := newDoor(t, httpd.Config{}, tokens{})
	for body, want := range map[string]string{
		`{"query":"{hello}","Query":"{asker}"}`:                 "the member Query differs from query in small and capital letters alone",
		`{"query":"{hello}","variabels":{}}`:                    "did you mean variables?",
		`{"query":"{hello}","variables":{"a":[{"b":1,"b":2}]}}`: "the member variables.a[0].b is given twice",
		`{"query":"{hello}","variables":{"n":1e400}}`:           "the member variables.n is a number out of range",
		`{"query":["{hello}"]}`:                                 "the member query has the wrong type",
	} {
		if w := d.do(call{body: body}); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %s, want %q", body, w.Body, want)
		}
	}
	w := d.do(call{method: http.MethodGet, path: `/graphql?query={hello}&variables={"a":1,"a":2}`})
	if want := "the parameter variables.a is given twice"; !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %s, want %q", w.Body, want)
	}
}

func TestLimitsBeforeExecution(t *testing.T) {
	d := newDoor(t, httpd.Config{}, tokens{})
	aliases := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d: hello ", i)
		}
		return "{" + b.String() + "}"
	}
	deep := "{ items(first: 1) " + strings.Repeat("{ child ", 13) + "{ id }" + strings.Repeat("}", 13) + "}"
	var bomb strings.Builder
	bomb.WriteString("{ ...f0 } ")
	for i := range 40 {
		fmt.Fprintf(&bomb, "fragment f%d on Query { x%d: hello ...f%d y%d: hello ...f%d } ", i, i, i+1, i, i+1)
	}
	bomb.WriteString("fragment f40 on Query { hello }")
	for name, c := range map[string]struct{ query, code string }{
		"no GraphQL":           {"{ hello", httpd.CodeParse},
		"no operation":         {"fragment f on Query { hello }", httpd.CodeValidation},
		"an unknown field":     {"{ nothing }", httpd.CodeValidation},
		"a missing argument":   {"{ big }", httpd.CodeValidation},
		"a missing variable":   {"query($n: Int!) { big(size: $n) }", httpd.CodeInput},
		"tokens":               {"{ items(first: 1) {" + strings.Repeat(" id", 2100) + "} }", httpd.CodeTokens},
		"repeats":              {"{" + strings.Repeat(" hello", 21) + "}", httpd.CodeRepeats},
		"depth":                {deep, httpd.CodeDepth},
		"root fields":          {aliases(11), httpd.CodeRootFields},
		"aliases":              {aliases(31), httpd.CodeAliases},
		"complexity":           {"{ items(first: 200) { items(first: 200) { id } } }", httpd.CodeComplexity},
		"a bomb of fragments":  {bomb.String(), httpd.CodeComplexity},
		"a fragment in itself": {"{ ...f } fragment f on Query { hello ...f }", httpd.CodeValidation},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			begun := time.Now()
			w := d.ask(c.query)
			if got := code(t, w); got != c.code || w.Code != http.StatusBadRequest {
				t.Errorf("got %d %q, want 400 %q: %.300s", w.Code, got, c.code, w.Body)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("the refusal took %s", took)
			}
			if w := d.do(call{body: string(mustBody(t, c.query))}); w.Code != http.StatusOK {
				t.Errorf("under application/json a document at fault answers 200, got %d", w.Code)
			}
		})
	}
}

func mustBody(t *testing.T, query string) []byte {
	t.Helper()
	return fmt.Appendf(nil, `{"query":%q}`, query)
}

func TestAnswers(t *testing.T) {
	d := newDoor(t, httpd.Config{}, tokens{})
	w := d.ask(`query A { hello(name: "Ana") } query B { asker }`)
	if got := code(t, w); got != httpd.CodeValidation {
		t.Errorf("two operations without a name: code %q", got)
	}
	w = d.do(call{body: `{"query":"query A { hello } query B { asker }","operationName":"B"}`})
	if got, want := w.Body.String(), `{"data":{"asker":"ana"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	w = d.do(call{method: http.MethodGet, path: `/graphql?query=query($n:String){hello(name:$n)}&variables={"n":"Bo"}`, header: map[string]string{"Content-Type": ""}})
	if got, want := w.Body.String(), `{"data":{"hello":"hello Bo"}}`; got != want {
		t.Errorf("by GET: got %s, want %s", got, want)
	}
}

func TestLargeAnswersTravelCompressed(t *testing.T) {
	d := newDoor(t, httpd.Config{}, tokens{})
	w := d.do(call{body: `{"query":"{big(size:50000)}"}`, header: map[string]string{"Accept-Encoding": "br, gzip"}})
	if w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > 5000 {
		t.Fatalf("encoding %q, %d bytes", w.Header().Get("Content-Encoding"), w.Body.Len())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || len(text) != 50000+len(`{"data":{"big":""}}`) {
		t.Errorf("%d bytes unpacked: %v", len(text), err)
	}
	if w := d.do(call{body: `{"query":"{big(size:50000)}"}`, header: map[string]string{"Accept-Encoding": "gzip;q=0"}}); w.Header().Get("Content-Encoding") != "" {
		t.Error("compressed for a client that refuses it")
	}
}

func TestDeadlines(t *testing.T) {
	d := newDoor(t, httpd.Config{QueryTimeout: 20 * time.Millisecond}, tokens{})
	w := d.ask("{ slow }")
	if got := code(t, w); got != httpd.CodeTimeout || w.Code != http.StatusGatewayTimeout {
		t.Errorf("got %d %q", w.Code, got)
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	d := newDoor(t, httpd.Config{}, tokens{})
	w := d.ask("{ boom }")
	if got := code(t, w); got != httpd.CodeInternal || w.Code != http.StatusInternalServerError {
		t.Errorf("got %d %q", w.Code, got)
	}
	if strings.Contains(w.Body.String(), "toy is broken") {
		t.Error("the reason of the panic went to the client")
	}
	if !strings.Contains(d.log.String(), "toy is broken") {
		t.Error("the log does not know the reason")
	}
}

func TestNobodyPassesUnsigned(t *testing.T) {
	for name, c := range map[string]struct {
		auth   string
		down   bool
		status int
		code   string
	}{
		"no token":             {"", false, 401, string(model.KindUnauthenticated)},
		"an unknown token":     {"Bearer eve", false, 401, string(model.KindUnauthenticated)},
		"another scheme":       {"Basic YW5hOmFuYQ==", false, 401, string(model.KindUnauthenticated)},
		"an endless token":     {"Bearer " + strings.Repeat("a", 600), false, 401, string(model.KindUnauthenticated)},
		"records out of reach": {"Bearer ana", true, 503, string(model.KindUnavailable)},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, httpd.Config{}, tokens{down: c.down})
			w := d.do(call{body: `{"query":"{hello}"}`, header: map[string]string{"Authorization": c.auth}})
			if got := code(t, w); w.Code != c.status || got != c.code {
				t.Errorf("got %d %q, want %d %q", w.Code, got, c.status, c.code)
			}
			if strings.Contains(w.Body.String(), "10.0.0.7") {
				t.Error("the answer tells of the inside")
			}
			if c.status == 401 && w.Header().Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
}

func TestMetricsAreForTheMachineAndAdministrators(t *testing.T) {
	d := newDoor(t, httpd.Config{}, tokens{})
	d.ask("{ hello }")
	for name, c := range map[string]struct {
		call   call
		status int
	}{
		"the machine":      {call{remote: "127.0.0.1:5000", header: map[string]string{"Authorization": ""}}, 200},
		"a proxy on it":    {call{remote: "127.0.0.1:5000", header: map[string]string{"Authorization": "", "X-Forwarded-For": "10.1.1.1"}}, 401},
		"a stranger":       {call{remote: "10.1.1.1:5000", header: map[string]string{"Authorization": ""}}, 401},
		"an employee":      {call{remote: "10.1.1.1:5000"}, 403},
		"an administrator": {call{remote: "10.1.1.1:5000", header: map[string]string{"Authorization": "Bearer cy"}}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			c.call.method, c.call.path = http.MethodGet, "/metrics"
			w := d.do(c.call)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d", w.Code, c.status)
			}
			if c.status == 200 && !strings.Contains(w.Body.String(), `souk_graphql_operations_total{code="OK",kind="query"} 1`) {
				t.Errorf("the query is not counted:\n%s", w.Body)
			}
		})
	}
}

func TestHeadersAndRequestIDs(t *testing.T) {
	d := newDoor(t, httpd.Config{}, tokens{})
	for id, kept := range map[string]bool{"trace-0123456789": true, "short": false, "line\nbreak-in-it": false, strings.Repeat("x", 65): false} {
		w := d.do(call{body: `{"query":"{hello}"}`, header: map[string]string{"X-Request-ID": id}})
		if got := w.Header().Get("X-Request-ID"); (got == id) != kept || got == "" {
			t.Errorf("id %q came back as %q", id, got)
		}
		if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("X-Frame-Options") != "DENY" {
			t.Error("a page of ours could be framed or scripted")
		}
	}
	if strings.Contains(d.log.String(), "Bearer") {
		t.Error("the log holds credentials")
	}
}

// TestStream reads server-sent events over a real connection.
func TestStream(t *testing.T) {
	cfg := httpd.Config{Listen: "127.0.0.1:0", Heartbeat: 20 * time.Millisecond, MaxStreams: 1}
	d := newDoor(t, cfg, tokens{})
	listener, err := httpd.Bind(cfg)
	if err != nil {
		t.Fatal(err)
	}
	url, err := httpd.URL(listener)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(ctx, listener) }()

	events := subscribe(t, url, 2)
	got, err := io.ReadAll(events)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"event: next\ndata: {\"data\":{\"ticks\":1}}\n\n", "{\"ticks\":2}", "event: complete"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	_ = events.Close()

	endless := subscribe(t, url, 0)
	lines := bufio.NewReader(endless)
	for range 4 { // an opening comment, then a heartbeat
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	second := subscribe(t, url, 0)
	if text, _ := io.ReadAll(second); !strings.Contains(string(text), httpd.CodeTooManyStreams) {
		t.Errorf("a second stream got %q", text)
	}
	stop()
	rest, err := io.ReadAll(lines)
	if err != nil || !strings.Contains(string(rest), "event: complete") {
		t.Errorf("at shutdown the stream got %q, %v", rest, err)
	}
	waitFor(t, d.toy.ended)
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func subscribe(t *testing.T, url string, count int) io.ReadCloser {
	t.Helper()
	body := fmt.Sprintf(`{"query":"subscription { ticks(count: %d) }"}`, count)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Authorization": {"Bearer ana"}}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response.Body
}

func waitFor(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(soon):
		t.Fatal("it did not end")
	}
}

func TestReadiness(t *testing.T) {
	for state, status := range map[httpd.Readiness]int{httpd.IsReady: 200, httpd.ReadsOnly: 503, httpd.NotReady: 503} {
		t.Run(string(state), func(t *testing.T) {
			d := newDoor(t, httpd.Config{}, tokens{})
			d.server.Handle("GET /readyz", d.server.Ready(func(context.Context) httpd.Readiness { return state }))
			w := d.do(call{method: http.MethodGet, path: "/readyz", header: map[string]string{"Authorization": ""}})
			if w.Code != status || w.Body.String() != string(state)+"\n" || w.Header().Get("X-Souk-State") != string(state) {
				t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
			}
		})
	}
}

func TestReadinessInParts(t *testing.T) {
	d := newDoor(t, httpd.Config{}, tokens{})
	ready := func(context.Context) httpd.Readiness { return httpd.IsReady }
	d.server.Handle("GET /readyz", d.server.Ready(ready, func() string { return "search: complete" }))
	for path, want := range map[string]string{"/readyz": "ready\n", "/readyz?verbose": "ready\nsearch: complete\n"} {
		w := d.do(call{method: http.MethodGet, path: path, header: map[string]string{"Authorization": ""}})
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: got %d %q", path, w.Code, w.Body)
		}
	}
}

// slow is a store of tokens that does not answer before the deadline.
type slow struct{}

func (slow) Authenticate(ctx context.Context, _ string) (model.Principal, error) {
	<-ctx.Done()
	return model.Principal{}, ctx.Err()
}

func (s slow) AuthenticateSession(ctx context.Context, secret string) (model.Principal, error) {
	return s.Authenticate(ctx, secret)
}

// TestSignInHasADeadline answers 503, also when the token cannot be looked up in time.
func TestSignInHasADeadline(t *testing.T) {
	server := httpd.New(httpd.Config{QueryTimeout: 20 * time.Millisecond}, slog.New(slog.DiscardHandler))
	server.Handle("/", server.Signed(slow{}, http.NotFoundHandler()))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer souk_x")
	w := httptest.NewRecorder()
	server.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "UNAVAILABLE") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestConfigNamesTheSetting(t *testing.T) {
	for listen, ok := range map[string]bool{"": true, ":8080": true, "127.0.0.1:0": true, "localhost": false, "127.0.0.1:http": false, "127.0.0.1:70000": false} {
		err := httpd.Config{Listen: listen}.Validate()
		if (err == nil) != ok {
			t.Errorf("listen %q: %v", listen, err)
		}
		if err != nil && !strings.Contains(err.Error(), "listen") {
			t.Errorf("the error does not name the setting: %v", err)
		}
	}
	if err := (httpd.Config{MaxDepth: -1}).Validate(); err == nil {
		t.Error("a negative limit is taken")
	}
}

// TestHalfABody does not hold up the end of the server.
func TestHalfABody(t *testing.T) {
	cfg := httpd.Config{Listen: "127.0.0.1:0"}
	d := newDoor(t, cfg, tokens{})
	listener, err := httpd.Bind(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(ctx, listener) }()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	half := "POST /graphql HTTP/1.1\r\nHost: souk\r\nAuthorization: Bearer ana\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"query\":"
	if _, err := io.WriteString(conn, half); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // it is read
	begin := time.Now()
	stop()
	if err := <-served; err != nil || time.Since(begin) > 3*time.Second {
		t.Errorf("the end took %v, %v", time.Since(begin), err)
	}
}
