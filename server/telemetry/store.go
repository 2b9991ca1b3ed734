package telemetry

import (
	"context"
	"iter"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// watched is a store whose operations are timed.
type watched struct {
	store.Store
	metrics *Metrics
}

// Store times what is asked of the store.
func (m *Metrics) Store(s store.Store) store.Store { return watched{s, m} }

// Get implements store.Store.
func (w watched) Get(ctx context.Context, kind store.Kind, ids ...model.ID) (_ []store.Record, err error) {
	defer w.time("get", time.Now(), &err)
	return w.Store.Get(ctx, kind, ids...)
}

// Find implements store.Store.
func (w watched) Find(ctx context.Context, q store.Query) (_ store.Page, err error) {
	defer w.time("find", time.Now(), &err)
	return w.Store.Find(ctx, q)
}

// Apply implements store.Store.
func (w watched) Apply(ctx context.Context, c store.Change) (_ model.Event, err error) {
	w.metrics.storeWaiting.Inc()
	defer w.metrics.storeWaiting.Dec()
	defer w.time("apply", time.Now(), &err)
	return w.Store.Apply(ctx, c)
}

// Events implements store.Store.
func (w watched) Events(ctx context.Context, after int64) iter.Seq2[model.Event, error] {
	return w.metrics.feed.follow(ctx, w.Store.Events(ctx, after))
}

// time notes how long an operation took, and whether the store failed in it.
func (w watched) time(operation string, begun time.Time, err *error) {
	w.metrics.storeSeconds.WithLabelValues(operation).Observe(time.Since(begun).Seconds())
	if model.Is(*err, model.KindUnavailable) || model.Is(*err, model.KindInternal) {
		w.metrics.storeErrors.WithLabelValues(operation).Inc()
	}
}
