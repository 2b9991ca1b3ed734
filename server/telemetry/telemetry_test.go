package telemetry_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/telemetry"
)

// scripted is a store that answers as the test wants.
type scripted struct {
	store.Store
	err    error
	during func()
	events []model.Event
}

func (s scripted) Get(context.Context, store.Kind, ...model.ID) ([]store.Record, error) {
	return nil, s.err
}

func (s scripted) Apply(context.Context, store.Change) (model.Event, error) {
	s.during()
	return model.Event{}, s.err
}

func (s scripted) Events(context.Context, int64) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		for _, e := range s.events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// value reads one number off the metrics: a gauge, a counter, or how often a
// histogram was fed.
func value(t *testing.T, m *telemetry.Metrics, name, label string) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(m.Collectors()...)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			if f.GetName() != name || label != "" && metric.GetLabel()[0].GetValue() != label {
				continue
			}
			return metric.GetGauge().GetValue() + metric.GetCounter().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return -1
}

// TestStore times operations, counts changes that wait, and tells a store that
// fails from one that refuses.
func TestStore(t *testing.T) {
	m := telemetry.New()
	waiting := -1.0
	s := scripted{during: func() { waiting = value(t, m, "souk_store_waiting_changes", "") }}
	if _, err := m.Store(s).Apply(t.Context(), store.Change{}); err != nil || waiting != 1 {
		t.Errorf("%v changes wait, %v", waiting, err)
	}
	if got := value(t, m, "souk_store_waiting_changes", ""); got != 0 {
		t.Errorf("%v changes wait afterwards", got)
	}
	for _, err := range []error{nil, model.Conflict("name", "is taken", ""), &model.Error{Kind: model.KindUnavailable, Message: "gone"}} {
		s.err = err
		if _, got := m.Store(s).Get(t.Context(), "domain", "dom_x"); !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
	if got := value(t, m, "souk_store_seconds", "get"); got != 3 {
		t.Errorf("%v gets were timed", got)
	}
	if got := value(t, m, "souk_store_failures_total", "get"); got != 1 {
		t.Errorf("%v gets failed", got)
	}
}

// TestFeed: a reader is behind by the age of the event that it works on, and by
// nothing while it waits.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := telemetry.New()
		s := m.Store(scripted{events: []model.Event{{Seq: 1, At: time.Now().Add(-time.Minute)}}})
		for _, err := range s.Events(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if got := value(t, m, "souk_feed_lag_seconds", "catalog"); got != -1 {
				t.Errorf("a reader without a name is behind by %v", got)
			}
		}
		for _, err := range s.Events(telemetry.As(t.Context(), "catalog"), 0) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			if got := value(t, m, "souk_feed_lag_seconds", "catalog"); got != 62 {
				t.Errorf("the reader is behind by %v", got)
			}
			if got := value(t, m, "souk_index_age_seconds", ""); got != 62 {
				t.Errorf("the index is %v old", got)
			}
		}
		if got := value(t, m, "souk_feed_lag_seconds", "catalog"); got != 0 {
			t.Errorf("afterwards the reader is behind by %v", got)
		}
	})
}

// TestWhatOthersTell is counted under words of ours.
func TestWhatOthersTell(t *testing.T) {
	m := telemetry.New()
	m.Decided(t.Context(), model.ActMetadataView, model.Deny, time.Now())
	m.Decided(t.Context(), model.ActMetadataView, model.Deny, time.Now())
	ended := time.Now()
	m.Harvested(model.Run{Status: model.RunSucceeded, StartedAt: ended.Add(-time.Second), EndedAt: &ended})
	m.Streaming(1)
	m.Streaming(1)
	m.Streaming(-1)
	for name, want := range map[string]float64{
		"souk_decisions_total DENY": 2, "souk_decision_seconds": 2, "souk_harvest_runs_total SUCCEEDED": 1, "souk_harvest_run_seconds": 1, "souk_streams": 1,
	} {
		metric, label, _ := strings.Cut(name, " ")
		if got := value(t, m, metric, label); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
