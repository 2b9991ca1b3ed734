package decisionlog_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/mongo"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// pair is a store and its log, which a test opens, closes and damages.
type pair struct {
	t   *testing.T
	uri string
	log *bytes.Buffer
}

// pairs runs the test with a store and a log on each engine.
func pairs(t *testing.T, test func(t *testing.T, p *pair)) {
	t.Helper()
	for name, uri := range map[string]func(testing.TB) string{"sqlite": sqliteURI, "mongodb": mongoURI} {
		t.Run(name, func(t *testing.T) { test(t, &pair{t, uri(t), &bytes.Buffer{}}) })
	}
}

func (p *pair) path() string { return strings.TrimPrefix(p.uri, "sqlite:") }

func (p *pair) folder() string { return strings.TrimSuffix(p.path(), ".db") + "-decisions" }

func (p *pair) records() store.Store {
	p.t.Helper()
	var s store.Store
	var err error
	if strings.HasPrefix(p.uri, "sqlite:") {
		s, err = sqlite.Open(p.t.Context(), p.path())
	} else {
		s, err = mongo.Open(p.t.Context(), p.uri)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// with opens the store and the log, if it can be opened, and closes them after do.
func (p *pair) with(c decisionlog.Config, do func(s store.Store, l *decisionlog.Log)) error {
	p.t.Helper()
	s := p.records()
	defer func() {
		if err := s.Close(); err != nil {
			p.t.Error(err)
		}
	}()
	c.URI, c.Store, c.Log = p.uri, s, slog.New(slog.NewTextHandler(p.log, nil))
	l, err := decisionlog.Open(p.t.Context(), c)
	if err != nil {
		return err
	}
	do(s, l)
	return l.Close()
}

// lived is a pair with rows of both kinds: copied from changes, and asked for.
func (p *pair) lived() {
	p.t.Helper()
	err := p.with(decisionlog.Config{}, func(s store.Store, l *decisionlog.Log) {
		for i := range 5 {
			carry(p.t, s, i)
		}
		if err := l.CatchUp(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
		fill(p.t, l, 5, model.Now())
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// carry writes a change with a decision.
func carry(t *testing.T, s store.Store, n int) {
	t.Helper()
	d := asked(n, model.Now())
	if _, err := s.Apply(t.Context(), store.Change{Action: "test.decide", Decision: d.ID, Writes: []store.Write{store.Decisions.Put(d)}}); err != nil {
		t.Fatal(err)
	}
}

// wantRefusal demands that the log does not open, says why, and logs it.
func (p *pair) wantRefusal(code string, words ...string) {
	p.t.Helper()
	p.log.Reset()
	err := p.with(decisionlog.Config{}, func(store.Store, *decisionlog.Log) {})
	said, ours := errors.AsType[*model.Error](err)
	if !ours || said.Kind != model.KindUnavailable || said.Code != code {
		p.t.Fatalf("got %v, want the refusal %s", err, code)
	}
	for _, w := range append(words, "souk restore") {
		if !strings.Contains(err.Error(), w) {
			p.t.Errorf("the refusal %q does not name %q", err, w)
		}
	}
	if code == "LOG_MISMATCH" && !strings.Contains(p.log.String(), "level=ERROR") {
		p.t.Errorf("no line of the log says so: %s", p.log)
	}
}

// wantProblem demands that a verification beside the store says what is missing.
func (p *pair) wantProblem(words string) {
	p.t.Helper()
	err := p.with(decisionlog.Config{ReadOnly: true}, func(_ store.Store, l *decisionlog.Log) {
		report := verified(p.t, l)
		if report.OK() || !strings.Contains(report.Problems[len(report.Problems)-1].String(), words) {
			p.t.Errorf("got %v, want %q", report.Problems, words)
		}
	})
	if err != nil {
		p.t.Error(err)
	}
}

// wantAccepted goes on with what there is: the store says so, the log is whole,
// and what comes later is logged.
func (p *pair) wantAccepted() {
	p.t.Helper()
	must := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	must(p.with(decisionlog.Config{Accept: "the disk is gone", Accepting: "ana on shop"}, func(s store.Store, _ *decisionlog.Log) {
		last, err := store.Events.First(p.t.Context(), s, store.Query{Index: "by_seq", Desc: true})
		must(err)
		if last.Action != "decision.accept" || !strings.HasPrefix(last.Reason, "the disk is gone: ") {
			p.t.Errorf("the last change is %q: %q", last.Action, last.Reason)
		}
	}))
	p.wantAcceptance()
	for range 2 {
		must(p.with(decisionlog.Config{}, func(s store.Store, l *decisionlog.Log) {
			must(l.CatchUp(p.t.Context())) // what the store still has of the old ones
			before := verified(p.t, l)
			carry(p.t, s, 1)
			must(l.CatchUp(p.t.Context()))
			after := verified(p.t, l)
			if !before.OK() || !after.OK() || after.Rows != before.Rows+1 {
				p.t.Errorf("got %d and then %d rows, %v", before.Rows, after.Rows, after.Problems)
			}
		}))
	}
}

// wantAcceptance demands the row that says who accepted what.
func (p *pair) wantAcceptance() {
	p.t.Helper()
	err := p.with(decisionlog.Config{ReadOnly: true}, func(s store.Store, l *decisionlog.Log) {
		last, err := store.Events.First(p.t.Context(), s, store.Query{Index: "by_seq", Desc: true})
		if err != nil {
			p.t.Fatal(err)
		}
		d, err := l.Get(p.t.Context(), last.DecisionID)
		if err != nil || d.Action != decisionlog.ActAccept || len(d.Decision.Reasons) < 2 {
			p.t.Fatalf("the row of %s: %+v, %v", last.DecisionID, d, err)
		}
		who, what := d.Decision.Reasons[0].Message, d.Decision.Reasons[1].Message
		if who != "accepted by ana on shop: the disk is gone" || !strings.HasSuffix(last.Reason, what) || what == "" {
			p.t.Errorf("the row says %q and %q", who, what)
		}
	})
	if err != nil {
		p.t.Error(err)
	}
}

// TestStoreAndLogBelongTogether reopens them in peace, also those of a souk
// that did not remember the log.
func TestStoreAndLogBelongTogether(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.lived()
		p.lived()
		err := p.with(decisionlog.Config{ReadOnly: true}, func(s store.Store, l *decisionlog.Log) {
			mustVerify(t, l, 22)
			head, err := store.DecisionHeads.Get(t.Context(), s, "dhd_log")
			if err != nil || head.Seq != 22 || head.PublicKey != l.PublicKey() {
				t.Errorf("the store remembers %+v, %v", head, err)
			}
			if _, err := s.Apply(t.Context(), store.Change{Action: "test.forget", Writes: []store.Write{store.DecisionHeads.Delete(head)}}); err != nil {
				t.Fatal(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		p.lived()
		if p.log.Len() > 0 {
			t.Errorf("it was said: %s", p.log)
		}
	})
}

func TestMissingRowsAreNoticed(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.lived()
		p.dropLog(false)
		p.wantProblem("the store knows that it had come to row 11")
		p.wantRefusal("LOG_MISMATCH", "ends with row 0", "souk decisions accept")
		p.wantAccepted()
	})
}

func TestANewLogIsNoticed(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.lived()
		p.dropLog(true)
		p.wantRefusal("LOG_MISMATCH", "another log, or a new one", "souk decisions accept")
		p.wantAccepted()
	})
}

// dropLog removes the log, with or without its key.
func (p *pair) dropLog(key bool) {
	p.t.Helper()
	if !strings.HasPrefix(p.uri, "sqlite:") {
		names := []string{"decision_log", "decision_log_input", "decision_log_segment", "decision_log_mark"}
		if key {
			names = append(names, "decision_log_state")
		}
		p.drop(names...)
		return
	}
	err := os.RemoveAll(p.folder())
	if key {
		err = os.Remove(p.folder() + ".key")
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) drop(collections ...string) {
	p.t.Helper()
	database := mongodbtest.Of(p.t, p.uri)
	for _, name := range collections {
		if err := database.Collection(name).Drop(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestAnEmptyStoreIsNoticed(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.lived()
		if strings.HasPrefix(p.uri, "sqlite:") {
			if err := os.Remove(p.path()); err != nil {
				t.Fatal(err)
			}
		} else {
			p.drop("meta", "event", "decision", "decision_head")
		}
		p.wantRefusal("LOG_MISMATCH", "the store is empty")
		p.wantProblem("the store is empty")
		p.wantAccepted()
	})
}

// TestLostChangesAreNoticed loses the end of the store, as whoever deletes or
// cuts off its write-ahead log does.
func TestLostChangesAreNoticed(t *testing.T) {
	p := &pair{t, sqliteURI(t), &bytes.Buffer{}}
	p.lived()
	old, err := os.ReadFile(p.path())
	if err != nil {
		t.Fatal(err)
	}
	p.lived()
	if err := os.WriteFile(p.path(), old, 0o600); err != nil {
		t.Fatal(err)
	}
	p.wantRefusal("LOG_MISMATCH", "the store has lost ")
	p.wantProblem("the store has lost ")
	p.wantAccepted()
}

func TestALogCutOffIsNoticed(t *testing.T) {
	p := &pair{t, sqliteURI(t), &bytes.Buffer{}}
	p.lived()
	month, err := filepath.Glob(filepath.Join(p.folder(), "*.db"))
	if err != nil || len(month) != 1 {
		t.Fatal(month, err)
	}
	old, err := os.ReadFile(month[0])
	if err != nil {
		t.Fatal(err)
	}
	p.lived()
	if err := os.WriteFile(month[0], old, 0o600); err != nil {
		t.Fatal(err)
	}
	p.wantRefusal("LOG_MISMATCH", "the decision log ends with row 11")
	p.wantAccepted()
}

// TestALossIsNoticedMeanwhile by a log that is open: nothing is changed then.
func TestALossIsNoticedMeanwhile(t *testing.T) {
	p := &pair{t, mongoURI(t), &bytes.Buffer{}}
	p.lived()
	err := p.with(decisionlog.Config{}, func(s store.Store, l *decisionlog.Log) {
		if err := l.Probe(t.Context()); err != nil || !l.Fits() {
			t.Errorf("it fits: %v", err)
		}
		known, err := store.DecisionHeads.Get(t.Context(), s, "dhd_log")
		if err != nil {
			t.Fatal(err)
		}
		known.Seq += 5
		if _, err := s.Apply(t.Context(), store.Change{Action: "test.ahead", Writes: []store.Write{store.DecisionHeads.Put(known)}}); err != nil {
			t.Fatal(err)
		}
		if err := l.Probe(t.Context()); !model.Is(err, model.KindUnavailable) || !strings.Contains(err.Error(), "the rows between are gone") || l.Fits() {
			t.Errorf("it does not fit: %v", err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestTheHeadIsRemembered within seconds, while the log is open, and without an
// event: a log that is set back to what it was then is noticed.
func TestTheHeadIsRemembered(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.lived()
		err := p.with(decisionlog.Config{}, func(s store.Store, l *decisionlog.Log) {
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); l.Run(ctx) }()
			fill(t, l, 5, model.Now())
			remembers(t, s, 17)
			stop()
			<-done
			for e, err := range store.Events.All(t.Context(), s, store.Query{Index: "by_seq"}) {
				if err != nil || e.Action != "test.decide" {
					t.Errorf("the feed tells of %q, %v", e.Action, err)
				}
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// remembers waits until the store knows of the row.
func remembers(t *testing.T, s store.Store, row int64) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		head, err := store.DecisionHeads.Get(t.Context(), s, "dhd_log")
		switch {
		case err != nil:
			t.Fatal(err)
		case head.Seq == row:
			return
		case time.Since(begin) > 30*time.Second:
			t.Fatalf("the store remembers row %d of %d", head.Seq, row)
		}
	}
}

// TestAForeignKeySignsNothing leaves a log as it is that is signed with another key.
func TestAForeignKeySignsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		code string
		says string
	}{
		"another key":         {strings.Repeat("00", 64), 0o600, "LOG_FOREIGN", "not signed with its key"},
		"a key for all":       {"", 0o644, "", "chmod 600"},
		"a key for the group": {"", 0o640, "", "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pair{t, sqliteURI(t), &bytes.Buffer{}}
			p.lived()
			key := p.folder() + ".key"
			own, err := os.ReadFile(key)
			if err != nil {
				t.Fatal(err)
			}
			if c.text != "" {
				err = os.WriteFile(key, []byte(c.text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(key, c.mode); err != nil {
				t.Fatal(err)
			}
			if c.code == "" {
				err := p.with(decisionlog.Config{}, func(store.Store, *decisionlog.Log) {})
				if !model.Is(err, model.KindUnavailable) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want %q", err, c.says)
				}
			} else {
				p.wantRefusal(c.code, c.says)
			}
			if err := os.WriteFile(key, own, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(key, 0o600); err != nil {
				t.Fatal(err)
			}
			p.lived()
		})
	}
}

// TestAKeyThatChangesMeanwhile: a head that another key has signed is not
// signed again, also when the log is open already.
func TestAKeyThatChangesMeanwhile(t *testing.T) {
	uri := mongoURI(t)
	first := open(t, decisionlog.Config{URI: uri})
	fill(t, first, 3, model.Now())
	states := mongodbtest.Of(t, uri).Collection("decision_log_state")
	if err := states.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := states.InsertOne(t.Context(), map[string]any{"_id": "secret", "secret": bytes.Repeat([]byte{7}, 64)}); err != nil {
		t.Fatal(err)
	}
	if _, err := decisionlog.Open(t.Context(), decisionlog.Config{URI: uri}); err == nil || !strings.Contains(err.Error(), "not signed with its key") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// TestDamagedPagesAreNamed by the verification, where no row shows them.
func TestDamagedPagesAreNamed(t *testing.T) {
	config, folder := written(t)
	forge(t, filepath.Join(folder, "2026-11.db"), "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, 'principal, seq', 'resource, seq') WHERE name = 'row_principal';")
	mustName(t, config, 0, "the file of segment 2026-11 is damaged")
}
