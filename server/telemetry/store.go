package telemetry

import (
	"context"
	"iter"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/tracing"
)

// watched is a store whose operations are timed.
type watched struct {
	store.Store
	metrics *Metrics
}

// Store times what is asked of the store.
func (m *Metrics) Store(s store.Store) store.Store { return watched{s, m} }

// Get implements store.Store.
func (w watched) Get(ctx context.Context, kind store.Kind, ids ...model.ID) (records []store.Record, err error) {
	ctx, span := tracing.Start(ctx, "store get")
	defer w.done("get", time.Now(), span.Table(string(kind)), &err)
	records, err = w.Store.Get(ctx, kind, ids...)
	span.Rows(len(records))
	return records, err
}

// Find implements store.Store.
func (w watched) Find(ctx context.Context, q store.Query) (page store.Page, err error) {
	ctx, span := tracing.Start(ctx, "store find")
	defer w.done("find", time.Now(), span.Table(string(q.Kind)), &err)
	page, err = w.Store.Find(ctx, q)
	span.Rows(len(page.Records))
	return page, err
}

// Apply implements store.Store.
func (w watched) Apply(ctx context.Context, c store.Change) (_ model.Event, err error) {
	w.metrics.storeWaiting.Inc()
	defer w.metrics.storeWaiting.Dec()
	ctx, span := tracing.Start(ctx, "store apply")
	defer w.done("apply", time.Now(), span.Rows(len(c.Writes)), &err)
	return w.Store.Apply(ctx, c)
}

// Events implements store.Store.
func (w watched) Events(ctx context.Context, after int64) iter.Seq2[model.Event, error] {
	return w.metrics.feed.follow(ctx, w.Store.Events(ctx, after))
}

// done notes how long an operation took, and whether the store failed in it.
func (w watched) done(operation string, begun time.Time, span tracing.Span, err *error) {
	span.End(*err)
	w.metrics.storeSeconds.WithLabelValues(operation).Observe(time.Since(begun).Seconds())
	if model.Is(*err, model.KindUnavailable) || model.Is(*err, model.KindInternal) {
		w.metrics.storeErrors.WithLabelValues(operation).Inc()
	}
}
