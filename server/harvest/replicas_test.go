package harvest_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/mongo"
)

// replica is a second server on the same database, with a connection, a catalog
// and plugins of its own.
func (w *world) replica(db store.Store) *harvest.Service {
	w.t.Helper()
	config := w.config
	g := gate.New(db, servertest.Shipped(w.t), model.Now, nil)
	launcher, err := harvest.NewLauncher(registrations(), "", "", config.Log)
	if err != nil {
		w.t.Fatal(err)
	}
	config.Store, config.Gate, config.Plugins = db, g, launcher
	config.Catalog, config.Lineage = catalog.New(db, g, index.New(db, "", nil), model.Now), lineage.New(db, g)
	s := harvest.New(config)
	w.t.Cleanup(s.Close)
	return s
}

func opened(t *testing.T, uri string) store.Store {
	t.Helper()
	db, err := mongo.Open(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestReplicasShareARunOfChanges on one MongoDB: the second takes over what the
// first seems to have left, and the first, which lives on, writes nothing of what
// it still hears. Nothing is lost, and nothing is there twice.
func TestReplicasShareARunOfChanges(t *testing.T) {
	uri := mongodbtest.Reused(t)
	w := newWorldOn(t, opened(t, uri))
	elsewhere := w.replica(opened(t, uri))
	system := model.WithPrincipal(t.Context(), model.System())
	s := w.teller()
	w.followed(s, ";", whole()...)

	goOn := filepath.Join(t.TempDir(), "go-on")
	writeScript(t, w.script, "table main new id", "checkpoint half", "await "+goOn, "table main late id", "gone main c", "kept main", "kept more", "mark wrong")
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	w.awaitCounts(run, 1)
	rest := []string{"table main new id", "checkpoint half", "table main newer id", "edge main new newer", "gone main b", "kept main", "kept more", "mark two"}
	writeScript(t, w.script, rest...)
	elsewhere.Tick(system)
	elsewhere.Silence(25 * time.Second)
	elsewhere.Tick(system)
	taken, err := elsewhere.Wait(w.ctx, w.reload(s).LastRunID)
	if err != nil || taken.ID == run.ID || taken.Trigger != "takeover" || taken.Status != model.RunSucceeded || !taken.Changes {
		t.Fatalf("it was carried on as %+v, %v", taken, err)
	}
	if err := os.WriteFile(goOn, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := w.wait(run); got.Status != model.RunFailed || got.Failure.Code != "interrupted" {
		t.Errorf("the run that was taken over ended as %s: %+v", got.Status, got.Failure)
	}
	w.Close() // which waits for what the first server still does
	if mark := string(w.reload(s).Watermark); mark != "one" {
		t.Errorf("a run that went on from a checkpoint leaves the watermark %q", mark)
	}
	w.Service = elsewhere
	w.asked()
	last := w.followed(s, "one;", rest...)
	if last.Counts.Retired != 1 || last.Counts.Created != 0 {
		t.Errorf("the next run came to %+v, notes %v", last.Counts, codes(last))
	}
	want := []string{"a", "c", "d", "e", "f", "new", "newer", "x", "y"}
	got := w.assets(model.AssetActive)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if gone := w.assets(model.AssetRetired); !slices.Equal(gone, []string{"b"}) {
		t.Errorf("retired are %v", gone)
	}
	if edges := w.edges(); len(edges) != 1 || edges[0].FromID != w.named("shop.new").ID || len(w.rules()) != 0 {
		t.Errorf("got edges %+v, rules %+v", edges, w.rules())
	}
}
