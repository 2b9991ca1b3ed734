package decisionlog_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// stamped are the fields that the log fills in.
var stamped = cmp.Options{
	cmpopts.IgnoreFields(model.Meta{}, "CreatedAt", "UpdatedAt", "Revision"),
	cmpopts.IgnoreFields(model.DecisionRecord{}, "Seq"),
}

func TestWhatIsLoggedIsRead(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		t.Helper()
		c := newClock()
		l := open(t, decisionlog.Config{URI: uri, Now: c.now})
		want := fill(t, l, 20, c.now())
		consented := asked(21, c.now())
		consented.Decision.Revisions.Consent = "c1"
		if err := l.Append(t.Context(), consented); err != nil {
			t.Fatal(err)
		}
		want = append(want, consented)
		list := model.DecisionRecord{
			Meta: model.Meta{ID: "dec_list"}, At: c.now().Add(123456 * time.Nanosecond), Action: model.ActMetadataView, PrincipalID: "prn_1", Outcome: model.Allow,
			Decision: model.Decision{ID: "dec_list", Outcome: model.Allow, Reasons: []model.Reason{}},
			List:     &model.DecisionList{Kind: "asset", Filter: "abc", Asked: 12, Shown: 7},
		}
		if err := l.Append(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		want = append(want, list)
		var got []model.DecisionRecord
		for d, err := range l.Oldest(t.Context(), decisionlog.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			if d.Seq != int64(len(got)+1) {
				t.Errorf("row %d where %d should be", d.Seq, len(got)+1)
			}
			got = append(got, d)
		}
		if diff := cmp.Diff(want, got, stamped); diff != "" {
			t.Errorf("written (-) and read (+) differ:\n%s", diff)
		}
		one, err := l.Get(t.Context(), want[3].ID)
		if err != nil || one.ID != want[3].ID {
			t.Errorf("got %v, %v, want the fourth", one, err)
		}
		if _, err := l.Get(t.Context(), "dec_none"); !model.Is(err, model.KindNotFound) {
			t.Errorf("got %v, want not found", err)
		}
		if err := l.Append(t.Context(), want[3]); !model.Is(err, model.KindConflict) {
			t.Errorf("the same again: got %v, want a conflict", err)
		}
		mustVerify(t, l, 23)
	})
}

func TestFilters(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		t.Helper()
		c := newClock()
		l := open(t, decisionlog.Config{URI: uri, Now: c.now})
		early := c.now()
		all := fill(t, l, 30, early)
		c.sleep(time.Hour)
		late := asked(1, c.now())
		late.Action, late.Input = model.ActMetadataView, nil
		if err := l.Append(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		all = append(all, late)
		for name, f := range map[string]decisionlog.Filter{
			"all":       {},
			"principal": {PrincipalID: "prn_1"},
			"resource":  {ResourceID: "dpr_3"},
			"domain":    {Domain: "legal"},
			"outcome":   {Outcome: model.Deny},
			"action":    {Actions: []model.Action{model.ActMetadataView, model.ActAuditRead}},
			"from":      {From: early.Add(time.Minute)},
			"to":        {To: early.Add(time.Minute)},
			"input":     {WithInput: true},
			"several":   {PrincipalID: "prn_1", Domain: "legal", Outcome: model.Allow, From: early, To: early.Add(2 * time.Hour)},
			"nothing":   {Domain: "nowhere"},
		} {
			t.Run(name, func(t *testing.T) {
				var want []model.ID
				for _, d := range all {
					if matches(f, d) {
						want = append([]model.ID{d.ID}, want...)
					}
				}
				for _, first := range []int{1000, 4} {
					if diff := cmp.Diff(want, paged(t, l, f, first)); diff != "" {
						t.Errorf("pages of %d (-want +got):\n%s", first, diff)
					}
				}
			})
		}
	})
}

func matches(f decisionlog.Filter, d model.DecisionRecord) bool {
	action := len(f.Actions) == 0
	for _, a := range f.Actions {
		action = action || a == d.Action
	}
	return action && (f.PrincipalID == "" || f.PrincipalID == d.PrincipalID) && (f.ResourceID == "" || f.ResourceID == d.ResourceID) &&
		(f.Domain == "" || f.Domain == d.Domain) && (f.Outcome == "" || f.Outcome == d.Outcome) && (!f.WithInput || d.Input != nil) &&
		(f.From.IsZero() || !d.At.Before(f.From)) && (f.To.IsZero() || d.At.Before(f.To))
}

func paged(t *testing.T, l *decisionlog.Log, f decisionlog.Filter, first int) []model.ID {
	t.Helper()
	var ids []model.ID
	for p := (model.Paging{First: first}); ; {
		page, err := l.Find(t.Context(), f, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Nodes {
			ids = append(ids, d.ID)
		}
		if !page.More {
			return ids
		}
		p.After = page.Cursors[len(page.Cursors)-1]
	}
}

func TestForeignCursors(t *testing.T) {
	c := newClock()
	l := open(t, decisionlog.Config{URI: "sqlite::memory:", Now: c.now})
	fill(t, l, 5, c.now())
	page, err := l.Find(t.Context(), decisionlog.Filter{}, model.Paging{First: 2})
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]struct {
		f     decisionlog.Filter
		after string
	}{
		"another filter": {decisionlog.Filter{Domain: "sales"}, page.Cursors[0]},
		"no cursor":      {decisionlog.Filter{}, "row 7"},
		"a damaged one":  {decisionlog.Filter{}, page.Cursors[0] + "A"},
	} {
		if _, err := l.Find(t.Context(), p.f, model.Paging{First: 2, After: p.after}); !model.Is(err, model.KindBadCursor) {
			t.Errorf("%s: got %v, want a bad cursor", name, err)
		}
	}
}

func TestSegmentsAndDays(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		t.Helper()
		c := newClock()
		config := decisionlog.Config{URI: uri, Now: c.now}
		l := open(t, config)
		for range 4 { // 25 Nov to 10 Dec
			fill(t, l, 9, c.now())
			c.sleep(5 * 24 * time.Hour)
		}
		report := verified(t, l)
		if !report.OK() || report.Rows != 40 || report.Segments != 2 || report.Days != 3 {
			t.Errorf("got %+v, want 40 rows in 2 segments and 3 signed days", report)
		}
		if got := paged(t, l, decisionlog.Filter{}, 7); len(got) != 40 {
			t.Errorf("got %d rows in pages over both segments, want 40", len(got))
		}
		if uri == "sqlite::memory:" {
			return
		}
		if strings.HasPrefix(uri, "sqlite:") { // which one process writes
			closing(t, l)
		}
		again := open(t, config)
		fill(t, again, 1, c.now())
		if strings.HasPrefix(uri, "sqlite:") {
			fill(t, again, 1, c.now())
		} else {
			fill(t, l, 1, c.now()) // whose head is not the newest any more
		}
		mustVerify(t, again, 44)
		if again.PublicKey() != l.PublicKey() {
			t.Errorf("the key is another one after a restart")
		}
	})
}

// Several processes may write to one log: every row finds its place.
func TestWritersMeet(t *testing.T) {
	uri := mongoURI(t)
	var work sync.WaitGroup
	for range 3 {
		l := open(t, decisionlog.Config{URI: uri})
		work.Go(func() {
			for i := range 20 {
				if err := l.Append(t.Context(), asked(i, model.Now())); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	mustVerify(t, open(t, decisionlog.Config{URI: uri}), 60)
}

func TestTheKeyIsItsOwnersAlone(t *testing.T) {
	uri := sqliteURI(t)
	config := decisionlog.Config{URI: uri}
	l, err := decisionlog.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, l, 1, model.Now())
	closing(t, l)
	key := strings.TrimSuffix(strings.TrimPrefix(uri, "sqlite:"), ".db") + "-decisions.key"
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("got %v, %v, want a file for its owner alone", info, err)
	}
	if left, _ := filepath.Glob(key + ".*"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := decisionlog.Open(t.Context(), config); !model.Is(err, model.KindUnavailable) {
		t.Errorf("without its key: got %v, want unavailable", err)
	}
	if err := os.WriteFile(key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := decisionlog.Open(t.Context(), config); !model.Is(err, model.KindUnavailable) {
		t.Errorf("with a damaged key: got %v, want unavailable", err)
	}
}

func TestClosed(t *testing.T) {
	l, err := decisionlog.Open(t.Context(), decisionlog.Config{URI: sqliteURI(t)})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, l)
	if err := l.Append(t.Context(), asked(1, model.Now())); !model.Is(err, model.KindUnavailable) {
		t.Errorf("got %v, want unavailable", err)
	}
}

// TestWhatWasNotedIsReadAtOnce asks for each row in the moment after it was noted.
func TestWhatWasNotedIsReadAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		t.Helper()
		c := newClock()
		l := open(t, decisionlog.Config{URI: uri, Now: c.now})
		for i := range 30 {
			d := asked(i, c.now())
			d.Hidden = i%2 == 0
			if err := l.Note(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if got, err := l.Get(t.Context(), d.ID); err != nil || got.Hidden != d.Hidden {
				t.Fatalf("row %d: %+v, %v", i, got, err)
			}
		}
		if _, err := l.Get(t.Context(), "dec_nothing"); !model.Is(err, model.KindNotFound) {
			t.Errorf("a row of nobody's: %v", err)
		}
	})
}
