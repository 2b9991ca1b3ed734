package telemetry

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-mesh/souk/graph/model"
)

// feed knows how far each reader of the events is behind: the age of the event
// that it was given and has not done with. A reader that waits for the next
// event is not behind.
type feed struct {
	lag, index *prometheus.Desc
	now        func() time.Time

	mu      sync.Mutex
	reading map[string]time.Time // since when the event at hand is there; zero when there is none
}

func newFeed() *feed {
	return &feed{
		lag:   prometheus.NewDesc("souk_feed_lag_seconds", "Age of the oldest event that a reader of the feed has not done with, by reader; 0 when it has done with all.", []string{"reader"}, nil),
		index: prometheus.NewDesc("souk_index_age_seconds", "Age of the oldest change that the index of search does not hold yet; 0 when it holds all.", nil, nil),
		now:   time.Now, reading: map[string]time.Time{},
	}
}

// indexReader is the reader that keeps the index of search.
const indexReader = "catalog"

// Describe implements prometheus.Collector.
func (f *feed) Describe(all chan<- *prometheus.Desc) {
	all <- f.lag
	all <- f.index
}

// Collect implements prometheus.Collector.
func (f *feed) Collect(all chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, since := range f.reading {
		behind := 0.0
		if !since.IsZero() {
			behind = max(f.now().Sub(since).Seconds(), 0)
		}
		all <- prometheus.MustNewConstMetric(f.lag, prometheus.GaugeValue, behind, name)
		if name == indexReader {
			all <- prometheus.MustNewConstMetric(f.index, prometheus.GaugeValue, behind)
		}
	}
}

func (f *feed) at(name string, since time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reading[name] = since
}

// follow passes the events on and notes when the reader is at work on one.
// Readers that nobody has named are passing.
func (f *feed) follow(ctx context.Context, events iter.Seq2[model.Event, error]) iter.Seq2[model.Event, error] {
	name, _ := ctx.Value(reader{}).(string)
	if name == "" {
		return events
	}
	return func(yield func(model.Event, error) bool) {
		f.at(name, time.Time{})
		for e, err := range events {
			if err == nil {
				f.at(name, e.At)
			}
			more := yield(e, err)
			if !more {
				return // it stays behind by what it did not end well, until it reads again
			}
			f.at(name, time.Time{})
		}
	}
}
