package harvest_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

func TestACompleteScopeRetiresExactlyWhatIsGone(t *testing.T) {
	w := newWorld(t)
	s, other := w.source(), w.source()
	w.succeed(s, "table public orders id", "table public customers id", "table audit log id", "table audit trail id",
		"edge public orders customers", "rule public orders a", "rule public orders b", "done public", "done audit")
	w.succeed(other, "table theirs shared id", "table theirs customers id", "done theirs")

	run := w.succeed(s, "table public customers id", "table audit log id", "done public")
	if run.Counts.Retired != 1 {
		t.Errorf("retired: %d", run.Counts.Retired)
	}
	if d := cmp.Diff([]string{"customers", "log", "shared", "trail"}, w.assets(model.AssetActive)); d != "" {
		t.Errorf("active (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"orders"}, w.assets(model.AssetRetired)); d != "" {
		t.Errorf("retired (-want +got):\n%s", d)
	}

	w.succeed(s, "table public orders id", "done public") // orders is back, and another source still shows customers
	if d := cmp.Diff([]string{"customers", "log", "orders", "shared", "trail"}, w.assets(model.AssetActive)); d != "" {
		t.Errorf("active in the end (-want +got):\n%s", d)
	}
}

// TestOneAssetThatCannotBeDescribedStays wants the rest of its scope to go on
// being retired.
func TestOneAssetThatCannotBeDescribedStays(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, "table public orders id", "table public customers id", "table public totals day", "table public old day",
		"edge public orders totals", "edge public orders customers", "rule public totals a", "rule public customers b", "done public")
	run := w.run(s, "table public orders id", "table public customers id", "unread public totals", "unread public never", "done public")
	if run.Status != model.RunPartial || run.Counts.Retired != 1 {
		t.Errorf("got %s, retired %d, %+v", run.Status, run.Counts.Retired, run.Failure)
	}
	if d := cmp.Diff([]string{"customers", "orders", "totals"}, w.assets(model.AssetActive)); d != "" {
		t.Errorf("active (-want +got):\n%s", d)
	}
	shown := store.Query{Index: "by_scope", Where: store.Eq("scope", store.ScopeKey(s.ID, "public"))}
	edges, rules, fields := 0, 0, 0
	for e, err := range store.Edges.All(t.Context(), w.store, shown) {
		if edges++; err != nil || e.ToID == "" {
			t.Fatal(err)
		}
	}
	for _, err := range store.QualityRules.All(t.Context(), w.store, shown) {
		if rules++; err != nil {
			t.Fatal(err)
		}
	}
	for a, err := range store.Assets.All(t.Context(), w.store, shown) {
		if err != nil {
			t.Fatal(err)
		}
		if a.ShortName == "totals" {
			fields = len(a.Fields)
		}
	}
	if edges != 1 || rules != 1 || fields != 1 {
		t.Errorf("what is known of the asset: %d edges, %d rules, %d fields; want 1 of each", edges, rules, fields)
	}
}

func TestTheFailSafe(t *testing.T) {
	tables := func(from, to int) []string {
		var lines []string
		for i := from; i < to; i++ {
			lines = append(lines, "table public t"+strconv.Itoa(i)+" id")
		}
		return append(lines, "done public")
	}
	for _, c := range []struct {
		name    string
		before  int
		after   []string
		blocked bool
		retired int
	}{
		{"an empty scope", 3, tables(0, 0), true, 0},
		{"many and much", 83, tables(0, 62), true, 0},
		{"many and a quarter", 84, tables(0, 63), false, 21},
		{"much and not many", 25, tables(0, 5), false, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			s := w.source()
			w.succeed(s, tables(0, c.before)...)
			run := w.succeed(s, c.after...)
			if run.Counts.Retired != c.retired || len(w.assets(model.AssetRetired)) != c.retired {
				t.Errorf("retired: %d", run.Counts.Retired)
			}
			if got := slices.Contains(codes(run), "retire_blocked"); got != c.blocked {
				t.Errorf("notes: %+v", run.Notes)
			}
			if !c.blocked {
				return
			}
			yes := true
			s = w.edit(w.reload(s), harvest.SourceEdit{AllowRetireAll: &yes})
			w.run(s, "auth")
			if !w.reload(s).AllowRetireAll {
				t.Error("a run that failed has used up the permission")
			}
			run = w.succeed(s, c.after...)
			if want := c.before - (len(c.after) - 1); run.Counts.Retired != want {
				t.Errorf("retired with permission: %d, not %d", run.Counts.Retired, want)
			}
			if w.reload(s).AllowRetireAll {
				t.Error("the permission outlives its run")
			}
		})
	}
}

func TestAnInterruptedRunIsResumed(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, "table public gone id", "table public orders id", "done public")
	run := w.run(s, "table public orders id", "checkpoint one", "table public lost id", "wait 500ms", "exit")
	if run.Status != model.RunFailed {
		t.Fatalf("the run ended as %s", run.Status)
	}
	if got := w.reload(s); string(got.Checkpoint) != "one" || got.CheckpointRun != run.ID {
		t.Errorf("checkpoint %q of run %s", got.Checkpoint, got.CheckpointRun)
	}
	if slices.Contains(w.assets(model.AssetActive), "lost") {
		t.Error("what came after the last checkpoint was kept")
	}
	run = w.succeed(s, "table public orders id", "checkpoint one", "table public customers id", "done public")
	if run.Counts.Assets != 1 || run.Counts.Retired != 0 || !slices.Contains(codes(run), "resumed") {
		t.Errorf("the resumed run: %+v %v", run.Counts, codes(run))
	}
	if d := cmp.Diff([]string{"customers", "gone", "orders"}, w.assets(model.AssetActive)); d != "" {
		t.Errorf("after the resumed run (-want +got):\n%s", d)
	}
	run = w.succeed(s, "table public orders id", "checkpoint one", "table public customers id", "done public")
	if run.Counts.Assets != 2 || run.Counts.Retired != 1 {
		t.Errorf("the run after it: %+v", run.Counts)
	}
}

func TestABadCheckpointIsForgotten(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.run(s, "table public orders id", "checkpoint one", "unavailable")
	w.run(s, "checkpoint one", "unavailable") // the source's fault: the checkpoint may be good
	if got := string(w.reload(s).Checkpoint); got != "one" {
		t.Errorf("checkpoint after the source's fault: %q", got)
	}
	w.run(s, "checkpoint one", "exit")
	if got := string(w.reload(s).Checkpoint); got != "" {
		t.Errorf("checkpoint after the plugin's fault: %q", got)
	}
	w.run(s, "table public orders id", "checkpoint two", "wait 500ms", "exit")
	if got := string(w.reload(s).Checkpoint); got != "two" {
		t.Fatalf("checkpoint: %q", got)
	}
	config := w.scripted()
	config = append(config[:len(config)-1], `,"port":1}`...)
	if got := w.edit(w.reload(s), harvest.SourceEdit{Config: &config}); len(got.Checkpoint) > 0 {
		t.Errorf("checkpoint after a new configuration: %q", got.Checkpoint)
	}
}

// TestTheFailSafeIsLifted tells who lifted it and why: in the feed at once, and on the run that used it.
func TestTheFailSafeIsLifted(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, "table public a id", "table public b id", "done public")
	yes, no, why, long := true, false, " the schema moved to the lake ", strings.Repeat("x", 501)
	for _, e := range []harvest.SourceEdit{{RetireAllWhy: &why}, {RetireAllWhy: &why, AllowRetireAll: &no}, {RetireAllWhy: &long, AllowRetireAll: &yes}} {
		e.ID = s.ID
		_, err := w.UpdateSource(w.ctx, e)
		servertest.WantField(t, err, model.KindInvalid, "retireAllReason")
	}
	w.edit(s, harvest.SourceEdit{AllowRetireAll: &yes, RetireAllWhy: &why})
	told, err := store.Events.First(t.Context(), w.store, store.Query{Index: "by_seq", Desc: true})
	if err != nil || !strings.Contains(told.Reason, "the schema moved to the lake") || told.DecisionID == "" || told.ActorID != "prn_ana" {
		t.Errorf("the feed says %+v, %v", told, err)
	}
	run := w.succeed(s, "done public")
	i := slices.IndexFunc(run.Notes, func(n model.RunNote) bool { return n.Code == "retire_all_used" })
	if i < 0 || !strings.Contains(run.Notes[i].Title, "ana@sales had allowed it for this run: the schema moved to the lake") || run.Counts.Retired != 2 {
		t.Errorf("got %+v, %+v", run.Notes, run.Counts)
	}
	if now := w.reload(s); now.AllowRetireAll || now.RetireAllBy != "" || now.RetireAllWhy != "" {
		t.Errorf("it is still lifted: %+v", now)
	}
}
