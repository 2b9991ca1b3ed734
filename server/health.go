package server

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/store"
)

const (
	lookEvery = 5 * time.Second
	lookTime  = 2 * time.Second // for one look at one part
)

// health looks at what the server stands on: whether the store can be read and
// written, and the decision log written. Its answer is that of the last look,
// or of this moment when the store cannot be read or the log has just failed.
type health struct {
	store store.Store
	probe func(context.Context) error // of the store
	log   interface {
		Probe(ctx context.Context) error
		Trouble() error
	}
	said  *slog.Logger
	state atomic.Pointer[model.Error] // what cannot be written; nil is nothing
}

func newHealth(records store.Store, log *slog.Logger, decisions interface {
	Probe(ctx context.Context) error
	Trouble() error
},
) *health {
	h := &health{store: records, log: decisions, said: log, probe: func(context.Context) error { return nil }}
	if s, ok := records.(interface {
		Probe(ctx context.Context) error
	}); ok {
		h.probe = s.Probe
	}
	return h
}

// run looks again and again until the context ends.
func (h *health) run(ctx context.Context) {
	clock := time.NewTicker(lookEvery)
	defer clock.Stop()
	for {
		h.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
	}
}

// look tries to write. It tells when something changes, and what stays wrong,
// which the log repeats once a minute.
func (h *health) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*lookTime)
	defer cancel()
	err := h.probe(ctx)
	what := "the store cannot be written: the server reads only"
	if err == nil {
		err, what = h.log.Probe(ctx), "the decision log cannot be written: the server reads only"
	}
	if err == nil || errors.Is(ctx.Err(), context.Canceled) {
		if h.state.Swap(nil) != nil && ctx.Err() == nil {
			h.said.InfoContext(ctx, "the store and the decision log can be written again")
		}
		return
	}
	h.state.Store(&model.Error{Kind: model.KindUnavailable, Code: model.CodeReadsOnly, Message: what, Err: err})
	h.said.ErrorContext(ctx, what, "error", &model.Error{Kind: model.KindUnavailable, Message: "see the cause", Err: err})
}

// headroom shows how near the store is to the end of its disk, where that is
// known: it is the server's own disk with SQLite, and none with MongoDB.
func (h *health) headroom(gauge func(name, help string, now func() float64)) {
	disk, ok := h.store.(interface {
		Headroom() (room, log int64, known bool)
	})
	if !ok {
		return
	}
	if _, _, known := disk.Headroom(); !known {
		return
	}
	gauge("souk_store_free_bytes", "Room that is left on the disk of the store.", func() float64 {
		room, _, _ := disk.Headroom()
		return float64(room)
	})
	gauge("souk_store_log_bytes", "Size of the write-ahead log of the store.", func() float64 {
		_, log, _ := disk.Headroom()
		return float64(log)
	})
}

// readiness answers a prober.
func (h *health) readiness(ctx context.Context) httpd.Readiness {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	switch _, err := h.store.Get(ctx, store.Domains.Kind(), "dom_probe"); {
	case err != nil:
		return httpd.NotReady
	case h.state.Load() != nil || h.log.Trouble() != nil:
		return httpd.ReadsOnly
	default:
		return httpd.IsReady
	}
}
