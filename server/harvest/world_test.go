package harvest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// world is a service on a store of its own, with one domain and its steward.
type world struct {
	*harvest.Service

	t       testing.TB
	ctx     context.Context // of the steward
	outside context.Context // of somebody from elsewhere
	admin   context.Context // of an administrator
	store   store.Store
	domain  model.Domain
	log     *buffer
	script  string
	names   int
	last    model.ID // the source made last

	catalog *catalog.Service
	config  harvest.Config
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	also io.Writer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(p)
	return b.also.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newWorld(tb testing.TB, adjust ...func(*harvest.Config)) *world {
	tb.Helper()
	return newWorldOn(tb, enginetest.SQLite(tb), adjust...)
}

func newWorldOn(tb testing.TB, s store.Store, adjust ...func(*harvest.Config)) *world {
	tb.Helper()
	e := servertest.Shipped(tb)
	steward := model.Principal{Meta: model.Meta{ID: "prn_ana"}, Kind: model.Person, Name: "ana@sales", Roles: []model.Role{model.RoleEmployee}}
	root := model.Principal{Meta: model.Meta{ID: "prn_root"}, Kind: model.Person, Name: "root", Roles: []model.Role{model.RoleEmployee, model.RoleAdmin}}
	stranger := model.Principal{Meta: model.Meta{ID: "prn_bo"}, Kind: model.Person, Name: "bo@marketing", Roles: []model.Role{model.RoleEmployee}}
	w := &world{
		t: tb, store: s, script: scriptPath(tb), log: &buffer{also: tb.Output()},
		domain: model.Domain{Meta: model.Meta{ID: "dom_sales"}, Name: "sales", StewardIDs: []model.ID{steward.ID}},
	}
	steward.DomainID = w.domain.ID
	w.ctx, w.outside = model.WithPrincipal(tb.Context(), steward), model.WithPrincipal(tb.Context(), stranger)
	w.admin = model.WithPrincipal(tb.Context(), root)
	w.apply(store.Domains.Put(w.domain), store.Principals.Put(root), store.Namespaces.Put(model.Namespace{
		Meta: model.Meta{ID: "nsp_db"}, Namespace: "postgres://db.example:5432", DomainID: w.domain.ID,
	}), store.Principals.Put(steward), store.Principals.Put(stranger))
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	launcher, err := harvest.NewLauncher(registrations(), "", "", log)
	if err != nil {
		tb.Fatal(err)
	}
	g := gate.New(s, e, model.Now, nil)
	w.catalog = catalog.New(s, g, index.New(s, "", nil), model.Now)
	w.config = harvest.Config{
		Store: s, Gate: g, Catalog: w.catalog, Lineage: lineage.New(s, g), Plugins: launcher,
		SecretEnv: []string{"SOUK_TEST_SECRET_*"}, Now: model.Now, Log: log,
		Bindings: []harvest.Binding{{Ref: "env:SOUK_TEST_SECRET_*", Domain: "sales", Host: "*"}, {Ref: "file:*", Domain: "sales", Host: "*"}},
		Limits:   host.Limits{Start: 30 * time.Second, Idle: 20 * time.Second},
	}
	for _, do := range adjust {
		do(&w.config)
	}
	w.Service = harvest.New(w.config)
	tb.Cleanup(w.Close)
	return w
}

func (w *world) apply(writes ...store.Write) {
	w.t.Helper()
	if _, err := w.store.Apply(w.t.Context(), store.Change{Actor: "prn_system", Action: "test", Writes: writes}); err != nil {
		w.t.Fatal(err)
	}
}

// source makes a source that runs the world's script.
func (w *world) source(adjust ...func(*harvest.NewSource)) model.Source {
	w.t.Helper()
	w.names++
	n := harvest.NewSource{Name: model.Slug("source_" + string(rune('a'+w.names))), DomainID: w.domain.ID, Plugin: "script", Config: w.scripted()}
	for _, do := range adjust {
		do(&n)
	}
	s, err := w.CreateSource(w.ctx, n)
	if err != nil {
		w.t.Fatal(err)
	}
	w.last = s.ID
	return s
}

func (w *world) scripted() json.RawMessage {
	config, err := json.Marshal(map[string]any{"file": w.script})
	if err != nil {
		w.t.Fatal(err)
	}
	return config
}

// run writes the script and runs the source to its end.
func (w *world) run(s model.Source, lines ...string) model.Run {
	w.t.Helper()
	writeScript(w.t, w.script, lines...)
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err != nil {
		w.t.Fatal(err)
	}
	return w.wait(run)
}

func (w *world) wait(run model.Run) model.Run {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	run, err := w.Wait(ctx, run.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

// succeed runs the source and demands that it succeeds.
func (w *world) succeed(s model.Source, lines ...string) model.Run {
	w.t.Helper()
	run := w.run(s, lines...)
	if run.Status != model.RunSucceeded {
		w.t.Fatalf("the run ended as %s: %+v", run.Status, run.Failure)
	}
	return run
}

// assets lists the short names of the assets in the status.
func (w *world) assets(status model.AssetStatus) []string {
	w.t.Helper()
	names := []string{}
	for a, err := range store.Assets.All(w.t.Context(), w.store, store.Query{Index: "by_status", Where: store.Eq("status", string(status))}) {
		if err != nil {
			w.t.Fatal(err)
		}
		names = append(names, a.ShortName)
	}
	return names
}

func (w *world) reload(s model.Source) model.Source {
	w.t.Helper()
	s, err := store.Sources.Get(w.t.Context(), w.store, s.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) edit(s model.Source, e harvest.SourceEdit) model.Source {
	w.t.Helper()
	e.ID = s.ID
	s, err := w.UpdateSource(w.ctx, e)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// codes lists the codes of a run's notes.
func codes(run model.Run) []string {
	var list []string
	for _, n := range run.Notes {
		list = append(list, n.Code)
	}
	return list
}
