package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/store"
)

// faults are those that a test makes up for a store and a log.
type faults struct {
	store.Store

	read, write, log error
}

func (f *faults) Get(context.Context, store.Kind, ...model.ID) ([]store.Record, error) {
	return nil, f.read
}
func (f *faults) Probe(context.Context) error { return f.write }

type faultyLog struct{ *faults }

func (f faultyLog) Probe(context.Context) error { return f.log }
func (f faultyLog) Trouble() error              { return nil }

// TestHealth is as good as its worst part.
func TestHealth(t *testing.T) {
	broken := errors.New("disk I/O error")
	for want, f := range map[httpd.Readiness]*faults{httpd.IsReady: {}, httpd.ReadsOnly: {write: broken}, httpd.NotReady: {read: broken, write: broken}} {
		h := newHealth(f, slog.New(slog.DiscardHandler), faultyLog{f})
		h.look(t.Context())
		if got := h.readiness(t.Context()); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		f.read, f.write, f.log = nil, nil, broken
		h.look(t.Context())
		if got := h.readiness(t.Context()); got != httpd.ReadsOnly {
			t.Errorf("with a dead log: got %q", got)
		}
		f.log = nil
		h.look(t.Context())
		if got := h.readiness(t.Context()); got != httpd.IsReady {
			t.Errorf("afterwards: got %q", got)
		}
	}
}

// TestHeadroom: the page of the metrics tells how much room the store has left.
func TestHeadroom(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems do not tell")
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	r.RemoteAddr = "127.0.0.1:5000"
	w := httptest.NewRecorder()
	newMasking(t).web().Handler().ServeHTTP(w, r)
	for _, name := range []string{"souk_store_free_bytes", "souk_store_log_bytes", "souk_decision_log_fits"} {
		_, value, _ := strings.Cut(w.Body.String(), "\n"+name+" ")
		value, _, _ = strings.Cut(value, "\n")
		if n, err := strconv.ParseFloat(value, 64); err != nil || n <= 0 {
			t.Errorf("%s is %q", name, value)
		}
	}
}

// TestADeadLogChangesNothing refuses what the log would have to keep, and goes
// on when it can.
func TestADeadLogChangesNothing(t *testing.T) {
	m := newMasking(t)
	dead := errors.New("disk I/O error")
	trouble := &model.Error{Kind: model.KindUnavailable, Code: model.CodeReadsOnly, Err: dead}
	var now error = trouble
	g := guarded{m.store, troubled{m.Decisions, &now}}
	change := store.Change{Action: "test.change"}
	if _, err := g.Apply(t.Context(), change); !errors.Is(err, dead) {
		t.Errorf("got %v, want that it is refused", err)
	}
	now = nil
	if _, err := g.Apply(t.Context(), change); err != nil {
		t.Error(err)
	}
	if _, err := m.Mesh.CreateDomain(model.WithPrincipal(t.Context(), model.System()), mesh.NewDomain{Name: "later"}); err != nil {
		t.Error(err)
	}
}

// troubled is a log whose trouble a test makes up.
type troubled struct {
	*decisionlog.Log

	now *error
}

func (l troubled) Trouble() error { return *l.now }

// TestALogThatFailsBetweenTwoLooks: a change is not made whose decision cannot be
// logged, although the last look at the log found it in order. Other damage
// than that of the head, which a look writes, is noticed too.
func TestALogThatFailsBetweenTwoLooks(t *testing.T) {
	for name, damage := range map[string]string{
		"its rows": "CREATE TRIGGER bad BEFORE INSERT ON row BEGIN SELECT raise(ABORT, 'a page is damaged'); END",
		"its head": "CREATE TRIGGER bad BEFORE INSERT ON segment BEGIN SELECT raise(ABORT, 'a page is damaged'); END",
	} {
		t.Run(name, func(t *testing.T) {
			m := newMasking(t)
			m.health.look(t.Context())
			if got := m.health.readiness(t.Context()); got != httpd.IsReady {
				t.Fatalf("got %q", got)
			}
			before := m.changes()
			m.inLog(damage)
			system := model.WithPrincipal(t.Context(), model.System())
			for range 20 {
				_, err := m.Mesh.CreateDomain(system, mesh.NewDomain{Name: "later"})
				if e, ours := errors.AsType[*model.Error](err); !ours || e.Code != model.CodeReadsOnly {
					t.Fatalf("got %v, want READS_ONLY", err)
				}
			}
			if got := m.changes(); got != before {
				t.Errorf("%d changes slipped in", got-before)
			}
			m.inLog("DROP TRIGGER bad")
			m.health.look(t.Context())
			d, err := m.Mesh.CreateDomain(system, mesh.NewDomain{Name: "later"})
			must(t, err)
			must(t, m.Decisions.CatchUp(t.Context()))
			e, err := store.Events.First(t.Context(), m.store, store.Query{Index: "by_subject", Where: store.Eq("subject", string(d.ID)), Desc: true})
			must(t, err)
			_, err = m.Decisions.Get(t.Context(), e.DecisionID)
			must(t, err)
			report, err := m.Decisions.Verify(t.Context(), nil)
			if err != nil || !report.OK() {
				t.Errorf("got %v, %v", report.Problems, err)
			}
		})
	}
}

// changes counts those that the store has seen.
func (m *masking) changes() int64 {
	m.t.Helper()
	e, err := store.Events.First(m.t.Context(), m.store, store.Query{Index: "by_seq", Desc: true})
	must(m.t, err)
	return e.Seq
}

// inLog writes into the file of the log behind its back.
func (m *masking) inLog(sql string) {
	m.t.Helper()
	months, err := filepath.Glob(strings.TrimSuffix(strings.TrimPrefix(m.config.Store, "sqlite:"), ".db") + "-decisions/*.db")
	must(m.t, err)
	conn, err := sqlite.OpenConn(months[len(months)-1])
	must(m.t, err)
	must(m.t, sqlitex.ExecuteTransient(conn, sql, nil))
	must(m.t, conn.Close())
}

// TestQuiet tells of a fault that lasts once a minute, and how often it came.
func TestQuiet(t *testing.T) {
	var out bytes.Buffer
	log := newQuiet(slog.New(slog.NewTextHandler(&out, nil)))
	away := &model.Error{Kind: model.KindUnavailable, Message: "away"}
	for range 50 {
		log.Error("records unavailable", "error", away)
		log.With("door", "x").Error("records unavailable", "error", away)
	}
	log.Error("another", "error", away)
	log.Error("records unavailable", "error", errors.New("no such thing"))
	if got := strings.Count(out.String(), "\n"); got != 3 {
		t.Errorf("got %d lines, want 3: %s", got, &out)
	}
	out.Reset()
	r := slog.NewRecord(time.Now().Add(repeatEvery), slog.LevelError, "records unavailable", 0)
	r.AddAttrs(slog.Any("error", away))
	if err := log.Handler().Handle(t.Context(), r); err != nil || !strings.Contains(out.String(), "repeated=99") {
		t.Errorf("got %s, %v", &out, err)
	}
}
