// Package harvest keeps the sources, runs their plugins and feeds what these
// find to the catalogue and the lineage graph. It owns sources, schedules and
// runs, the only translation from the records of the SDK to the nouns of the
// model, and the rule by which something is held to be gone. It refuses to keep
// a secret: a source names where one is to be found, and only a run looks.
package harvest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/credential"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/harvest/form"
	"github.com/souk-mesh/souk/server/harvest/vault"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/tracing"
)

// The bounds of the runs of one server.
const (
	atOnce      = 4                // plugins at work at the same time; the others wait
	refreshEach = 5 * time.Second  // how often a run under way says that it lives
	silentAfter = 20 * time.Second // silence, as this server has heard it, after which a run is given up for dead
	staleAfter  = time.Minute      // the same by the clock of the server that made the run, which may be another
	pollEach    = 500 * time.Millisecond
	tickEach    = 5 * time.Second // how often the schedules are looked at
)

// Config is what the service needs.
type Config struct {
	Store   store.Store
	Gate    *gate.Gate
	Catalog *catalog.Service
	Lineage *lineage.Service
	Plugins *Launcher

	SecretEnv []string  // environment variables that sources may name; a trailing * stands for the rest
	SecretDir string    // folder whose files sources may name; "" has none
	Bindings  []Binding // which secrets a domain may show to which hosts

	Folders map[model.Slug][]string // below which the sources of a domain may read files
	Own     []string                // patterns of the server's own files, which no source reads

	Alone   bool            // no other process can write the store, so runs that it holds as under way are nobody's
	Limits  host.Limits     // of every plugin process; a field that is zero has its default
	Backoff []time.Duration // pauses before the next try of a scheduled run; 1 and 5 minutes when nil
	AtOnce  int             // how many plugins work at the same time; 4 when zero
	Ended   func(model.Run) // is told of every run that ends here; nil is nobody
	Trace   *tracing.Tracer // of runs; nil traces none
	Now     func() time.Time
	Log     *slog.Logger
}

// Service keeps sources and runs them.
type Service struct {
	store    store.Store
	gate     *gate.Gate
	catalog  *catalog.Service
	lineage  *lineage.Service
	plugins  *Launcher
	finder   form.Finder
	secrets  vault.Vault
	bindings []Binding
	folders  map[model.Slug][]string
	own      []string
	limits   host.Limits
	backoff  []time.Duration
	ended    func(model.Run)
	trace    *tracing.Tracer
	began    time.Time // when this process did, which is alone; zero where it may not be
	now      func() time.Time
	log      *slog.Logger

	slots  chan struct{}          // one for each run at work
	checks chan struct{}          // one for each check at work
	held   map[model.ID]time.Time // sources that the schedule lets rest; only Run touches it

	mu     sync.Mutex
	active map[model.ID]*execution
	pulses map[model.ID]pulse // of the runs that other servers make
	closed bool
	work   sync.WaitGroup
}

// New makes the service. Nothing runs until a run is started or Run is called.
func New(cfg Config) *Service {
	s := &Service{
		store: cfg.Store, gate: cfg.Gate, catalog: cfg.Catalog, lineage: cfg.Lineage, plugins: cfg.Plugins,
		secrets: vault.Vault{Env: cfg.SecretEnv, Dir: cfg.SecretDir}, bindings: cfg.Bindings, finder: form.Finder{Texts: credential.New()}, folders: cfg.Folders, own: cfg.Own, limits: cfg.Limits, backoff: cfg.Backoff, ended: cfg.Ended, trace: cfg.Trace,
		now: cfg.Now, log: cfg.Log, slots: make(chan struct{}, cmp.Or(cfg.AtOnce, atOnce)), checks: make(chan struct{}, cmp.Or(cfg.AtOnce, atOnce)),
		held: map[model.ID]time.Time{}, active: map[model.ID]*execution{},
	}
	if s.now == nil {
		s.now = model.Now
	}
	if s.ended == nil {
		s.ended = func(model.Run) {}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if cfg.Alone {
		s.began = s.now()
	}
	if s.backoff == nil {
		s.backoff = []time.Duration{time.Minute, 5 * time.Minute}
	}
	return s
}

// Run starts the runs that are due and gives up those whose server is gone,
// until the context ends. The context's principal must be the system.
func (s *Service) Run(ctx context.Context) {
	ticks := time.NewTicker(tickEach)
	defer ticks.Stop()
	for {
		s.tick(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// tick does one round of the background work. What goes wrong is logged, since
// nobody waits for the answer, and tried again in a later round.
func (s *Service) tick(ctx context.Context) {
	if err := errors.Join(s.bury(ctx), s.startDue(ctx), s.catalog.SettleNamespaces(ctx)); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "the upkeep of the harvest did not end", slog.Any("error", err))
	}
}

// Close ends the runs under way, which fail as interrupted, and waits for them.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	for _, x := range s.active {
		x.end(errClosed)
	}
	s.mu.Unlock()
	s.work.Wait()
}

// AtWork counts the plugins that run now, for harvests and for checks.
func (s *Service) AtWork() int { return len(s.slots) + len(s.checks) }
