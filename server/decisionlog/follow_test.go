package decisionlog_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/mongo"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// onEachStore runs the test with a store and the place of its log.
func onEachStore(t *testing.T, test func(t *testing.T, s store.Store, uri string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		uri := sqliteURI(t)
		s, err := sqlite.Open(t.Context(), uri[len("sqlite:"):])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s, uri)
	})
	t.Run("mongodb", func(t *testing.T) {
		uri := mongoURI(t)
		s, err := mongo.Open(t.Context(), uri)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s, uri)
	})
}

// deed makes a change that carries its decision.
func deed(t *testing.T, s store.Store, n int, at time.Time) model.ID {
	t.Helper()
	d := asked(n, at)
	d.Action = model.ActProductPublish
	c := store.Change{Action: "product.publish", Actor: "prn_1", Decision: d.ID, Writes: []store.Write{store.Decisions.Put(d)}}
	if _, err := s.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

func TestDeedsAreCopiedOnce(t *testing.T) {
	onEachStore(t, func(t *testing.T, s store.Store, uri string) {
		t.Helper()
		config := decisionlog.Config{URI: uri, Store: s}
		var want []model.ID
		for round := range 4 {
			l, err := decisionlog.Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 25 {
				want = append([]model.ID{deed(t, s, i, model.Now())}, want...)
				if _, err := s.Apply(t.Context(), store.Change{Action: "test.noise", Subject: "prn_1"}); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, paged(t, l, decisionlog.Filter{}, 10)); diff != "" {
				t.Fatalf("round %d (-want +got):\n%s", round, diff)
			}
			if err := l.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			want = append([]model.ID{deed(t, s, 1, model.Now())}, want...) // while the log is closed
			closing(t, l)
		}
		l := open(t, config)
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustVerify(t, l, int64(len(want)))
	})
}

// A log that follows beside others, and one that reads, copy nothing twice.
func TestFollowersMeet(t *testing.T) {
	onEachStore(t, func(t *testing.T, s store.Store, uri string) {
		t.Helper()
		logs := []*decisionlog.Log{open(t, decisionlog.Config{URI: uri, Store: s})}
		if uri[:7] == "mongodb" {
			logs = append(logs, open(t, decisionlog.Config{URI: uri, Store: s}))
		}
		ctx, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		for _, l := range logs {
			work.Go(func() { l.Run(ctx) })
		}
		for i := range 60 {
			deed(t, s, i, model.Now())
			if err := logs[i%len(logs)].Append(t.Context(), asked(i, model.Now())); err != nil {
				t.Error(err)
			}
			if _, err := logs[0].Find(t.Context(), decisionlog.Filter{}, model.Paging{First: 5}); err != nil {
				t.Error(err)
			}
		}
		if err := logs[0].CatchUp(t.Context()); err != nil {
			t.Error(err)
		}
		stop()
		work.Wait()
		mustVerify(t, logs[0], 120)
	})
}

// Run copies without being asked.
func TestRunFollows(t *testing.T) {
	onEachStore(t, func(t *testing.T, s store.Store, uri string) {
		t.Helper()
		l := open(t, decisionlog.Config{URI: uri, Store: s})
		ctx, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() { l.Run(ctx) })
		defer work.Wait()
		defer stop()
		deed(t, s, 1, model.Now())
		for range 500 {
			if report := verified(t, l); report.Rows == 1 {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Error("nothing was copied")
	})
}

func TestTheStoreLetsGoOfWhatIsCopied(t *testing.T) {
	onEachStore(t, func(t *testing.T, s store.Store, uri string) {
		t.Helper()
		now := model.Now()
		l := open(t, decisionlog.Config{URI: uri, Store: s})
		old := deed(t, s, 1, now.Add(-25*time.Hour))
		young := deed(t, s, 2, now)
		if n, err := l.Prune(t.Context()); err != nil || n != 1 {
			t.Fatalf("got %d, %v, want one pruned", n, err)
		}
		left, err := store.Decisions.GetMany(t.Context(), s, old, young)
		if err != nil || len(left) != 1 || left[0].ID != young {
			t.Errorf("got %v, %v, want the young one alone", left, err)
		}
		for _, id := range []model.ID{old, young} {
			if _, err := l.Get(t.Context(), id); err != nil {
				t.Errorf("the log has lost %s: %v", id, err)
			}
		}
		mustVerify(t, l, 2)
	})
}
