// Package server wires the rooms together, top to bottom, and owns their
// beginning and end. It holds no logic of its own.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/credential"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/console"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/pdp"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/resolver"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/standards"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/mongo"
	"github.com/souk-mesh/souk/server/store/sqlite"
	"github.com/souk-mesh/souk/server/telemetry"
	"github.com/souk-mesh/souk/server/tracing"
)

// Server is a Souk with its rooms open. The services are exported for the
// commands that work without HTTP.
type Server struct {
	Identity   *identity.Service
	Mesh       *mesh.Service
	Access     *access.Service
	Audit      *audit.Service
	Catalog    *catalog.Service
	Lineage    *lineage.Service
	Harvest    *harvest.Service
	Governance *governance.Service
	Standards  *standards.Service
	InSources  *sourcegrants.Service
	Decisions  *decisionlog.Log
	Outside    *pdp.Service

	config Config
	log    *slog.Logger
	store  store.Store
	engine *policy.Engine
	health *health
	gate   *gate.Gate

	numbers *telemetry.Metrics
	trace   *tracing.Tracer
}

// New opens the store, compiles the policies and builds the services. It
// listens on nothing and starts nothing.
func New(ctx context.Context, cfg Config, bundled []sdk.Registration, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	log = newQuiet(log)
	numbers := telemetry.New()
	engine, err := policy.New(policy.Config{Files: cfg.rego(), Child: cfg.PolicyChild, Observe: numbers.Decided})
	if err != nil {
		return nil, fmt.Errorf("load policies: %w", err)
	}
	records, err := openStore(ctx, cfg.Store, cfg.Mode)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	decisions, err := openDecisions(ctx, cfg, records, engine, log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open decision log: %w", err), records.Close())
	}
	s := &Server{Decisions: decisions, config: cfg, log: log, store: records, engine: engine, health: newHealth(records, log, decisions), numbers: numbers}
	records = numbers.Store(guarded{records, decisions})
	g := gate.New(records, engine, model.Now, decisions)
	s.gate = g
	s.Identity = identity.New(records, g, cfg.sessions(), model.Now)
	s.Mesh = mesh.New(records, g, model.Now, log)
	s.Access = access.New(records, g, model.Now, log)
	s.Catalog = catalog.New(records, g, index.New(records, cfg.searchFile(), log), model.Now)
	s.Lineage = lineage.New(records, g)
	s.Standards = standards.New(records, g, model.Now, log)
	s.Governance = governance.New(governance.Config{Store: records, Gate: g, Engine: engine, History: decisions, Now: model.Now, Log: log})
	s.Audit = audit.New(records, g, decisions, s.Governance)
	if err := s.Governance.Load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("load the rules in force: %w", err), decisions.Close(), records.Close())
	}
	if s.Outside, err = s.outside(g); err != nil {
		return nil, errors.Join(err, decisions.Close(), records.Close())
	}
	bindings, err := harvest.ParseBindings(cfg.Bindings)
	if err != nil {
		return nil, errors.Join(err, decisions.Close(), records.Close())
	}
	folders, err := harvest.ParseFolders(cfg.Folders)
	if err != nil {
		return nil, errors.Join(err, decisions.Close(), records.Close())
	}
	launcher, err := harvest.NewLauncher(bundled, cfg.PluginDir, cfg.PluginUser, log)
	if err != nil {
		return nil, errors.Join(err, decisions.Close(), records.Close())
	}
	if s.trace, err = cfg.tracer(ctx, log); err != nil {
		return nil, errors.Join(err, decisions.Close(), records.Close())
	}
	s.Harvest = harvest.New(harvest.Config{
		Store: records, Gate: g, Catalog: s.Catalog, Lineage: s.Lineage, Plugins: launcher, Alone: strings.HasPrefix(cfg.Store, sqliteScheme),
		SecretEnv: cfg.SecretEnv, SecretDir: cfg.SecretDir, Bindings: bindings, Folders: folders, Own: cfg.own(), Limits: cfg.plugins(), Backoff: cfg.pauses(), AtOnce: cfg.Harvests, Ended: numbers.Harvested, Trace: s.trace, Now: model.Now, Log: log,
	})
	s.InSources = sourcegrants.New(sourcegrants.Config{Store: records, Gate: g, Plugins: s.Harvest, Now: model.Now, Log: log})
	return s, nil
}

func openStore(ctx context.Context, uri string, mode store.Mode) (store.Store, error) {
	if path, ok := strings.CutPrefix(uri, sqliteScheme); ok {
		return sqlite.OpenAs(ctx, path, mode)
	}
	return mongo.OpenAs(ctx, uri, mode)
}

// Bind takes the address to serve on. It comes before New, so that a start on
// an address that is taken writes nothing.
func Bind(cfg Config) (net.Listener, error) { return httpd.Bind(cfg.http()) }

// Run serves on what Bind has taken until the context ends and then shuts down
// in order: no new requests, requests in flight finish, background work stops.
// Ready is told the address once requests are answered.
func (s *Server) Run(ctx context.Context, listener net.Listener, ready func(url string)) error {
	web := s.web()
	url, err := httpd.URL(listener)
	if err != nil {
		return err
	}
	profiles, err := s.bindProfiles(ctx)
	if err != nil {
		return err
	}
	if err := s.Mesh.WeighAll(ctx); err != nil {
		return err
	}
	background, stop := context.WithCancel(model.WithChannel(model.WithPrincipal(context.WithoutCancel(ctx), model.System()), model.ChannelSchedule))
	var work sync.WaitGroup
	for name, loop := range map[string]func(context.Context){
		"gate": s.gate.Follow, "access": s.Access.Run, "mesh": s.Mesh.Run, "catalog": s.Catalog.Run, "harvest": s.Harvest.Run, "decisions": s.Decisions.Run,
		"governance": s.Governance.Run, "standards": s.Standards.Run, "sourcegrants": s.InSources.Run, "health": s.health.run,
	} {
		work.Go(func() { loop(telemetry.As(background, name)) })
	}
	if profiles != nil {
		work.Go(func() { s.serveProfiles(background, profiles) })
	}
	defer work.Wait()
	defer stop()
	ready(url)
	return web.Serve(ctx, listener)
}

// web builds the listener with every door.
func (s *Server) web() *httpd.Server {
	cfg := s.config.http()
	cfg.Credential, cfg.Streaming, cfg.Trace = credential.New().Found, s.numbers.Streaming, s.trace
	web := httpd.New(cfg, s.log)
	schema := resolver.Schema(resolver.Services{
		Identity: s.Identity, Mesh: s.Mesh, Access: s.Access, Audit: s.Audit,
		Catalog: s.Catalog, Lineage: s.Lineage, Harvest: s.Harvest, Governance: s.Governance, Standards: s.Standards, InSources: s.InSources,
	})
	api := httpd.GraphQL(cfg, schema, s.log, resolver.Present(s.log), resolver.Recover(s.log))
	web.Handle("/graphql", web.Signed(s.Identity, api))
	web.Handle("GET /healthz", httpd.Health())
	web.Handle("GET /readyz", web.Ready(s.health.readiness, s.searchState))
	web.Handle("GET /metrics", web.Metrics(s.Identity))
	s.health.headroom(web.Gauge)
	web.Collect(s.numbers.Collectors()...)
	web.Gauge("souk_plugins_running", "Plugins at work now, for harvests and for checks of sources.", func() float64 { return float64(s.Harvest.AtWork()) })
	web.Gauge("souk_search_indexed_percent", "How much of the catalog search knows: 100 but for the first moments after a start.", func() float64 { return float64(s.Catalog.Indexed()) })
	web.Gauge("souk_decision_log_fits", "1 while the store and its decision log belong together, 0 when one has lost what the other knows of.", s.fits)
	s.open(web)
	web.Handle("/", web.Pages(console.New(console.Config{
		Sessions: s.Identity, API: api, Life: s.config.sessions().Life, PublicURL: s.config.PublicURL, Now: model.Now, Log: s.log,
	})))
	return web
}

// searchState is for those who look at readiness closely: a server is ready
// while its search is not complete.
func (s *Server) searchState() string {
	if n := s.Catalog.Indexed(); n < 100 {
		return fmt.Sprintf("search: being built, %d %%: hits may be missing", n)
	}
	return "search: complete"
}

func (s *Server) fits() float64 {
	if s.Decisions.Fits() {
		return 1
	}
	return 0
}

// Close gives back what New opened, the last first.
func (s *Server) Close() error {
	s.Governance.Close()
	s.Harvest.Close()
	err := errors.Join(s.Decisions.Close(), s.store.Close())
	s.trace.Close()
	return err
}
