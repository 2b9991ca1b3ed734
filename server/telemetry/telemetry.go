// Package telemetry owns the numbers that an operator watches beside those of
// the listener: decisions, harvests, the store and the feed. It looks on from
// the outside, as a store around the store and a word that others call when
// something has happened, and changes nothing of what it sees.
package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/tracing"
)

// Metrics are the numbers. Their labels are words of ours, so that strangers
// cannot make them grow.
type Metrics struct {
	decisions       *prometheus.CounterVec
	decisionSeconds prometheus.Histogram
	runs            *prometheus.CounterVec
	runSeconds      prometheus.Histogram
	storeSeconds    *prometheus.HistogramVec
	storeErrors     *prometheus.CounterVec
	storeWaiting    prometheus.Gauge
	streams         prometheus.Gauge
	feed            *feed
}

var fast = []float64{.000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

// New makes numbers that stand at nothing.
func New() *Metrics {
	return &Metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_decisions_total", Help: "Questions that the policies have answered, by outcome.",
		}, []string{"outcome"}),
		decisionSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "souk_decision_seconds", Help: "Time that the policies took for one question.", Buckets: fast,
		}),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_harvest_runs_total", Help: "Runs of sources that ended in this process, by status.",
		}, []string{"status"}),
		runSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "souk_harvest_run_seconds", Help: "Time from the start of a run to its end.", Buckets: prometheus.ExponentialBuckets(.1, 3, 10),
		}),
		storeSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "souk_store_seconds", Help: "Time that the store took, by operation: get, find or apply.", Buckets: fast,
		}, []string{"operation"}),
		storeErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_store_failures_total", Help: "Operations that the store could not carry out, by operation; what it refuses, such as a conflict, is none.",
		}, []string{"operation"}),
		storeWaiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "souk_store_waiting_changes", Help: "Changes that wait for the one writer of the store, with those that it is writing.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "souk_streams", Help: "Subscriptions that are open now."}),
		feed:    newFeed(),
	}
}

// Collectors are what the page of metrics shows of them.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.decisions, m.decisionSeconds, m.runs, m.runSeconds, m.storeSeconds, m.storeErrors, m.storeWaiting, m.streams, m.feed}
}

// Decided counts one answer of the policies, and adds it to the trace at hand.
func (m *Metrics) Decided(ctx context.Context, action model.Action, outcome model.Outcome, begun time.Time) {
	m.decisions.WithLabelValues(string(outcome)).Inc()
	m.decisionSeconds.Observe(time.Since(begun).Seconds())
	tracing.Past(ctx, "decision", begun).Decision(action, outcome).End(nil)
}

// Streaming counts the streams: 1 for one that opens, -1 for one that ends.
func (m *Metrics) Streaming(change int) { m.streams.Add(float64(change)) }

// Harvested counts a run that has ended.
func (m *Metrics) Harvested(run model.Run) {
	m.runs.WithLabelValues(string(run.Status)).Inc()
	if run.EndedAt != nil {
		m.runSeconds.Observe(run.EndedAt.Sub(run.StartedAt).Seconds())
	}
}

// reader is the key of a reader's name in a context.
type reader struct{}

// As names whoever reads the feed with the context.
func As(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, reader{}, name)
}
