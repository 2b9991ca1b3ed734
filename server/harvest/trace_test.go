package harvest_test

import (
	"encoding/hex"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/tracing"
	"github.com/souk-mesh/souk/server/tracing/tracingtest"
)

// TestAPluginJoinsTheTrace: the call to it is a span of the run's, and it hears
// of that one. Where nothing is traced it hears of nothing.
func TestAPluginJoinsTheTrace(t *testing.T) {
	c := tracingtest.New(t)
	tracer, err := tracing.New(t.Context(), tracing.Config{Endpoint: c.URL, Ratio: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(cfg *harvest.Config) { cfg.Trace = tracer })
	run := w.succeed(w.source(), "tell-trace")
	w.Close()
	tracer.Close()
	heard := strings.Split(run.Notes[0].Samples[0], "-")
	if len(heard) != 4 {
		t.Fatalf("the plugin hears %q", heard)
	}
	got := map[string]map[string]string{}
	for _, span := range c.Spans() {
		got[span.GetName()] = tracingtest.Texts(span.GetAttributes())
		if span.GetName() == "plugin" && (heard[1] != hex.EncodeToString(span.GetTraceId()) || heard[2] != hex.EncodeToString(span.GetSpanId())) {
			t.Errorf("the plugin hears of %v, not of its span", heard)
		}
	}
	want := map[string]map[string]string{
		"plugin":      {"souk.plugin": "script"},
		"harvest run": {"souk.run": string(run.ID), "souk.source": "source_b", "souk.trigger": "manual", "souk.run_status": string(model.RunSucceeded)},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("spans (-want +got):\n%s", d)
	}
	untraced := newWorld(t)
	if run := untraced.succeed(untraced.source(), "tell-trace"); len(run.Notes[0].Samples) > 0 && run.Notes[0].Samples[0] != "" {
		t.Errorf("without a trace the plugin hears %q", run.Notes[0].Samples)
	}
}
