package decisionlog_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/store"
)

// promise does what a server does: the decision is logged, then the change is made.
func promise(t *testing.T, s store.Store, l *decisionlog.Log, d model.DecisionRecord) {
	t.Helper()
	if err := l.Promise(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	carried := store.Change{Action: "test.decide", Decision: d.ID, Writes: []store.Write{store.Decisions.Put(d)}}
	if _, err := s.Apply(t.Context(), carried); err != nil {
		t.Fatal(err)
	}
}

// TestPromise logs the decisions of a change before the change, each once: also
// when the change is tried again with another one, and when the log then
// follows the store.
func TestPromise(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		t.Helper()
		err := p.with(decisionlog.Config{}, func(s store.Store, l *decisionlog.Log) {
			one, two := asked(1, model.Now()), asked(2, model.Now())
			promise(t, s, l, one)
			for _, again := range [][]model.DecisionRecord{{one}, {one, two}, {two, one}, {}} {
				if err := l.Promise(t.Context(), again...); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustVerify(t, l, 2)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestLostChangesWithAPromise are noticed by how far the log has followed the store.
func TestLostChangesWithAPromise(t *testing.T) {
	p := &pair{t, sqliteURI(t), &bytes.Buffer{}}
	p.lived()
	old, err := os.ReadFile(p.path())
	if err != nil {
		t.Fatal(err)
	}
	err = p.with(decisionlog.Config{}, func(s store.Store, l *decisionlog.Log) {
		promise(t, s, l, asked(1, model.Now()))
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path(), old, 0o600); err != nil {
		t.Fatal(err)
	}
	p.wantRefusal("LOG_MISMATCH", "the store has lost ")
	p.wantProblem("the store has lost ")
}
