package sourcegrants_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/plugins/postgres"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store"
)

// harvesting is the service of harvests, with a source that it reads by a role of
// its own and gives rights in by the writer's.
func (w *world) harvesting() (*harvest.Service, model.Source) {
	w.Helper()
	w.Setenv("SOUK_TEST_SECRET_READER", "canary-reader")
	w.Setenv("SOUK_TEST_SECRET_WRITER", "canary-writer")
	reader := w.role + "_souk"
	run(w, w.admin, "create role "+reader+" login password 'canary-reader'", "grant usage on schema app to "+reader)
	w.Cleanup(func() {
		if _, err := w.admin.Exec(context.Background(), "drop owned by "+reader+"; drop role "+reader); err != nil {
			w.Error(err)
		}
	})
	log := slog.New(slog.NewTextHandler(w.Output(), nil))
	launcher, err := harvest.NewLauncher([]sdk.Registration{sdk.Register(postgres.Plugin())}, "", "", log)
	w.Must(err)
	runs := harvest.New(harvest.Config{
		Store: w.Store, Gate: w.Gate, Catalog: catalog.New(w.Store, w.Gate, index.New(w.Store, "", nil), w.Now), Lineage: lineage.New(w.Store, w.Gate), Plugins: launcher,
		SecretEnv: []string{"SOUK_TEST_SECRET_*"}, Now: w.Now, Log: log,
	})
	w.Cleanup(runs.Close)
	sales := w.Domains["sales"].ID
	w.Put(store.Namespaces.Put(model.Namespace{Meta: model.Meta{ID: model.NewID(model.PrefixNamespace)}, Namespace: "postgres://real:5432", DomainID: sales}))
	config := map[string]any{}
	w.Must(json.Unmarshal(w.source.Config, &config))
	config["namespace"], config["url"] = "postgres://real:5432", w.address(reader)
	text, err := json.Marshal(config)
	w.Must(err)
	source, err := runs.CreateSource(w.System(), harvest.NewSource{
		Name: "real", DomainID: sales, Plugin: "postgres", Config: text,
		Secrets: map[string]model.SecretRef{"password": "env:SOUK_TEST_SECRET_READER", "grants.password": "env:SOUK_TEST_SECRET_WRITER"},
	})
	w.Must(err)
	return runs, source
}

// TestFromTheHarvestToTheRight goes the whole way: a source with its secrets is
// harvested, what it shows is offered and granted, and the right is given by the
// plugin that the harvest launches. A table that is renamed keeps its grant.
func TestFromTheHarvestToTheRight(t *testing.T) {
	w := newWorld(t, nil)
	runs, source := w.harvesting()
	harvested := func() model.Asset {
		r, err := runs.Start(w.System(), source.ID, "manual")
		w.Must(err)
		if r, err = runs.Wait(w.System(), r.ID); err != nil || r.Status != model.RunSucceeded {
			t.Fatalf("the run is %s with %+v, %v", r.Status, r.Failure, err)
		}
		a, err := store.Assets.First(t.Context(), w.Store, store.Query{Index: "by_namespace", Where: store.And(store.Eq("namespace", "postgres://real:5432"), store.Eq("kind", "TABLE"))})
		w.Must(err)
		return a
	}
	asset := harvested()
	w.product = w.offer("real", asset)
	w.grants = sourcegrants.New(sourcegrants.Config{Store: w.Store, Gate: w.Gate, Plugins: runs, Now: w.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	_, err := w.grants.SetRole(w.As("ana"), sourcegrants.NewRole{SourceID: source.ID, PrincipalID: w.People["dan"].ID, Role: w.role})
	w.Must(err)
	w.grant()
	w.tend()
	if row := w.expect(model.SourceGrantApplied, ""); row.Given.StableID == "" || !w.may("select id, email, secret from app.orders") {
		t.Fatalf("got %+v", row)
	}
	run(w, w.admin, "alter table app.orders rename to bought")
	harvested()
	w.tend()
	w.expect(model.SourceGrantApplied, "")
	if !w.may("select id, email, secret from app.bought") {
		t.Error("the renamed table lost its grant")
	}
	w.Must(w.revokeAll())
	w.tend()
	if w.expect(model.SourceGrantRevoked, ""); w.may("select id from app.bought") {
		t.Error("dan still reads the renamed table")
	}
}
