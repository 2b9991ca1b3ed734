package tracing_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/tracing"
	"github.com/souk-mesh/souk/server/tracing/tracingtest"
)

func tracer(t *testing.T, endpoint string, ratio float64, log *slog.Logger) *tracing.Tracer {
	t.Helper()
	tr, err := tracing.New(t.Context(), tracing.Config{Endpoint: endpoint, Ratio: ratio, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func request(t *testing.T, traceparent string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", http.NoBody)
	if traceparent != "" {
		r.Header.Set("traceparent", traceparent)
	}
	return r
}

// TestSpans arrive at a collector as parts of the caller's trace, and tell what
// they were told.
func TestSpans(t *testing.T) {
	c := tracingtest.New(t)
	tr := tracer(t, c.URL, 0, slog.New(slog.DiscardHandler)) // the caller's trace counts, whatever the ratio
	r, span := tr.Request(request(t, caller))
	if got := tracing.Headers(r.Context())["traceparent"]; !strings.HasPrefix(got, caller[:36]) || got == caller {
		t.Errorf("another process hears %q", got)
	}
	_, inner := tracing.Start(r.Context(), "store get")
	inner.Table("product").Rows(3).End(&model.Error{Kind: model.KindConflict, Message: "ana@sales has it"})
	tracing.Past(r.Context(), "decision", time.Now().Add(-time.Hour)).Decision(model.ActMetadataView, model.Deny).End(nil)
	span.Method("BREW").Door("/graphql").Status(503).Operation("query", strings.Repeat("x", 100)).End(nil)
	tr.Close()
	spans := c.Spans()
	if len(spans) != 3 {
		t.Fatalf("%d spans came", len(spans))
	}
	get, decision, root := spans[0], spans[1], spans[2]
	if string(get.GetParentSpanId()) != string(root.GetSpanId()) || len(root.GetParentSpanId()) == 0 || root.GetName() != "/graphql" {
		t.Errorf("they lie wrongly: %v", spans)
	}
	if took := time.Duration(decision.GetEndTimeUnixNano() - decision.GetStartTimeUnixNano()); took < time.Hour {
		t.Errorf("the decision took %v", took)
	}
	said := tracingtest.Texts(slices.Concat(root.GetAttributes(), get.GetAttributes(), decision.GetAttributes()))
	for key, want := range map[string]string{
		"http.request.method": "_OTHER", "graphql.operation.name": strings.Repeat("x", 64), "db.collection.name": "product",
		"souk.action": "metadata.view", "souk.outcome": "DENY", "error.type": "CONFLICT",
	} {
		if said[key] != want {
			t.Errorf("%s is %q", key, said[key])
		}
	}
	if get.GetStatus().GetMessage() != "" || get.GetStatus().GetCode() != root.GetStatus().GetCode() || root.GetStatus().GetCode() == 0 {
		t.Errorf("of what failed they say %v and %v", get.GetStatus(), root.GetStatus())
	}
	if c.From()["service.name"] != "souk" {
		t.Errorf("they come from %v", c.From())
	}
}

// TestRatio: of the traces that begin here, some are told of, and what lies in
// one that is not is not either. Off is nothing at all.
func TestRatio(t *testing.T) {
	c := tracingtest.New(t)
	for name, tr := range map[string]*tracing.Tracer{"none": tracer(t, c.URL, 0, slog.Default()), "off": tracer(t, "", 1, slog.Default())} {
		ctx, run := tr.Begin(tracing.Beyond(t.Context()), "harvest run")
		r, span := tr.Request(request(t, ""))
		_, inner := tracing.Start(r.Context(), "store get")
		_, below := tracing.Start(ctx, "store get")
		for _, s := range []tracing.Span{run, span, inner, below, tracing.Past(ctx, "decision", time.Now())} {
			if s.On() {
				t.Errorf("%s: a span tells", name)
			}
			s.Method("GET").Door("/").Status(500).Rows(1).Run(model.Run{}, "shop").End(errors.New("x"))
		}
		tr.Close()
	}
	if spans := c.Spans(); len(spans) > 0 {
		t.Errorf("%d spans came", len(spans))
	}
	if h := tracing.Headers(t.Context()); len(h) > 0 {
		t.Errorf("without a trace other processes hear %v", h)
	}
}

// TestACollectorThatFails does not hold the work up, is complained of once a
// minute, and delays the end for a bounded time.
func TestACollectorThatFails(t *testing.T) {
	hung := make(chan struct{})
	for name, answer := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) },
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hung:
			case <-r.Context().Done():
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			collector := httptest.NewServer(answer)
			log := &buffer{}
			tr := tracer(t, collector.URL, 1, slog.New(slog.NewTextHandler(log, nil)))
			begun := time.Now()
			for range 5000 {
				_, span := tr.Begin(context.Background(), "harvest run")
				span.End(nil)
			}
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("the work took %v", took)
			}
			begun = time.Now()
			tr.Close()
			if took := time.Since(begun); took > 8*time.Second {
				t.Errorf("the end took %v", took)
			}
			if name == "hangs" {
				close(hung)
			}
			collector.Close()
			if said := log.String(); strings.Count(said, "does not take them") != 1 {
				t.Errorf("the log says %q", said)
			}
		})
	}
}

// buffer is a log that goroutines share.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
