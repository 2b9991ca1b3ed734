package main

import (
	"encoding/hex"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/souk-mesh/souk/server/tracing"
	"github.com/souk-mesh/souk/server/tracing/tracingtest"
)

// TestTracesAsThePageSays runs the command of the operators' page.
func TestTracesAsThePageSays(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Traces\n")
	_, block, _ := strings.Cut(section, "```sh\nsouk ")
	command, _, found := strings.Cut(block, "\n```")
	if !found {
		t.Fatal("README.md has no command under \"Traces\"")
	}
	c := tracingtest.New(t)
	args := strings.Fields(strings.Replace(command, "http://127.0.0.1:4318", c.URL, 1))
	r := start(t, nil, append(args, "--listen", "127.0.0.1:0", "--store", "sqlite::memory:")...)
	if got := invoke(t, nil, "health", "--url", r.await(`(http://\S+)$`)); got.status != 0 {
		t.Fatalf("%+v", got)
	}
	r.stop()
	if !slices.ContainsFunc(c.Spans(), func(s *trace.Span) bool { return s.GetName() == "GET /readyz" }) {
		t.Errorf("the collector hears nothing of the request, but %v", c.Spans())
	}
}

// TestTraces: what a small company does arrives at a collector, on each engine,
// from the request to the store and to the plugin, and with no word too many.
func TestTraces(t *testing.T) {
	for engine, store := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			c := tracingtest.New(t)
			f := newFederation(t, store(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
			f.settle()
			f.trade()
			const caller, secret = "0af7651916cd43dd8448eb211c80319c", "souk_abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
			f.traced("/graphql?query=query+mine+{domains(first:1){nodes{name}}}", caller)
			f.traced("/graphql?query=query+"+secret+"+{domains(first:1){nodes{name}}}", caller)
			f.post("/access/v1/evaluation", map[string]any{
				"subject": map[string]any{"type": "user", "id": "mia"}, "action": map[string]any{"name": "can_" + secret}, "resource": map[string]any{"type": "data_product", "id": "sales/none"},
			}, nil)
			f.server.stop()
			spans := c.Spans()
			holdToList(t, spans, f, secret)
			joinsTheCaller(t, spans, caller)
			reachesThePlugin(t, spans)
		})
	}
}

// traced asks as a part of somebody's trace.
func (f *federation) traced(path, id string) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.server.url+path, http.NoBody)
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+f.people["mia"].token)
	request.Header.Set("Traceparent", "00-"+id+"-b7ad6b7169203331-01")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		f.t.Errorf("%s: %s", path, response.Status)
	}
}

// tells reports that a text has the word. One of three letters counts only by
// itself: now and then a random id has it within.
func tells(text, word string) bool {
	if len(word) > 3 {
		return strings.Contains(text, word)
	}
	return slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), word)
}

// holdToList: every attribute is one of the list, the list is on the page, and
// no value is a secret, a person, or the name of something that is declared.
func holdToList(t *testing.T, spans []*trace.Span, f *federation, secret string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range tracing.Keys() {
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("the operators' page does not tell of the attribute %s", key)
		}
	}
	forbidden := []string{secret, f.admin.token, "mia", "sam", "customers", "orders", "campaign", "prn_", "shop.db"}
	for _, p := range f.people {
		forbidden = append(forbidden, p.token)
	}
	met := map[string]bool{}
	for _, span := range spans {
		for key, value := range tracingtest.Texts(span.GetAttributes()) {
			met[key] = true
			for _, word := range forbidden {
				if tells(value, word) || tells(span.GetName(), word) {
					t.Errorf("%s tells %s: %s", span.GetName(), key, value)
				}
			}
		}
		if len(span.GetEvents()) > 0 || span.GetStatus().GetMessage() != "" {
			t.Errorf("%s tells of %v and %v", span.GetName(), span.GetEvents(), span.GetStatus())
		}
	}
	if strange := slices.DeleteFunc(slices.Collect(maps.Keys(met)), func(key string) bool { return slices.Contains(tracing.Keys(), key) }); len(strange) > 0 {
		t.Errorf("spans have attributes of no list: %v", strange)
	}
	if len(met) < len(tracing.Keys())-1 { // all but error.type, for nothing failed
		t.Errorf("only %v were met", slices.Sorted(maps.Keys(met)))
	}
}

// joinsTheCaller: what a caller who is traced asks for is a part of the trace.
func joinsTheCaller(t *testing.T, spans []*trace.Span, caller string) {
	t.Helper()
	names := map[string]int{}
	for _, span := range spans {
		if hex.EncodeToString(span.GetTraceId()) == caller {
			names[span.GetName()]++
		}
	}
	if names["/graphql"] != 2 || names["graphql"] != 2 || names["store get"]+names["store find"] == 0 {
		t.Errorf("the caller's trace has %v", names)
	}
}

// reachesThePlugin: the request that started the harvest, the run, the plugin,
// what it has found in the store and the log are one trace.
func reachesThePlugin(t *testing.T, spans []*trace.Span) {
	t.Helper()
	above := map[string]*trace.Span{}
	for _, span := range spans {
		above[string(span.GetSpanId())] = span
	}
	ways := map[string]bool{}
	for _, span := range spans {
		way := span.GetName()
		for up := above[string(span.GetParentSpanId())]; up != nil; up = above[string(up.GetParentSpanId())] {
			way = up.GetName() + " > " + way
		}
		ways[way] = true
	}
	for _, want := range []string{
		"/graphql > graphql > decision", "/graphql > graphql > store apply > decision log", "/graphql > graphql > harvest run > plugin",
		"/graphql > graphql > harvest run > store apply", "POST /access/v1/evaluation > decision",
	} {
		if !ways[want] {
			t.Errorf("nothing goes %s: %v", want, slices.Sorted(maps.Keys(ways)))
		}
	}
}
