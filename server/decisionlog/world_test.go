package decisionlog_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
)

// clock is a time that the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// onEach runs the test on every engine.
func onEach(t *testing.T, test func(t *testing.T, uri string)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, "sqlite::memory:") })
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteURI(t)) })
	t.Run("mongodb", func(t *testing.T) { test(t, mongoURI(t)) })
}

func sqliteURI(tb testing.TB) string {
	tb.Helper()
	return "sqlite:" + filepath.Join(tb.TempDir(), "souk.db")
}

// mongoURI names a fresh database.
func mongoURI(tb testing.TB) string {
	tb.Helper()
	uri, _ := mongodbtest.Database(tb)
	return uri
}

func open(tb testing.TB, c decisionlog.Config) *decisionlog.Log {
	tb.Helper()
	l, err := decisionlog.Open(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closing(tb, l) })
	return l
}

func closing(tb testing.TB, l *decisionlog.Log) {
	tb.Helper()
	if err := l.Close(); err != nil {
		tb.Error(err)
	}
}

// asked is a decision of the kind that no change carries.
func asked(n int, at time.Time) model.DecisionRecord {
	id := model.NewID(model.PrefixDecision)
	outcome := model.Allow
	if n%3 == 0 {
		outcome = model.Deny
	}
	return model.DecisionRecord{
		Meta: model.Meta{ID: id}, At: at, Action: model.ActDataRead, PrincipalID: model.ID(fmt.Sprintf("prn_%d", n%5)),
		ResourceID: model.ID(fmt.Sprintf("dpr_%d", n%7)), Domain: model.Slug([]string{"sales", "legal"}[n%2]), Outcome: outcome,
		Decision: model.Decision{
			ID: id, Outcome: outcome, Reasons: []model.Reason{{Code: "grant.live", Message: "A \"grant\" für Ana\n<lives>.", Origin: "platform"}},
			Obligations: []model.Obligation{{ID: "m", Type: model.ObligeMask, Mandatory: true, Params: map[string]string{"field": "email"}}},
			Approvals:   []model.Approval{{Role: "domain_steward", Min: 1}},
			TTLMax:      time.Hour, Revisions: model.Revisions{Platform: "p1", Domain: "d1"}, Steps: 17,
		},
		Input:     json.RawMessage(fmt.Sprintf(`{"action":{"name":"data.read"},"context":{"now":"2026-11-25T10:00:00.000Z","purpose":"attribution"},"resource":{"domain":"sales","id":"dpr_%d","tags":["a","b"]},"subject":{"id":"prn_%d","name":"ana","teams":["sales/growth"]},"v":1}`, n%7, n%5)),
		RequestID: fmt.Sprintf("req_%d", n),
	}
}

func fill(tb testing.TB, l *decisionlog.Log, n int, at time.Time) []model.DecisionRecord {
	tb.Helper()
	records := make([]model.DecisionRecord, n)
	for i := range records {
		records[i] = asked(i, at)
		if err := l.Note(tb.Context(), records[i]); err != nil {
			tb.Fatal(err)
		}
	}
	last := asked(n, at)
	if err := l.Append(tb.Context(), last); err != nil { // rows are written in the order in which they came
		tb.Fatal(err)
	}
	return append(records, last)
}

func verified(tb testing.TB, l *decisionlog.Log) decisionlog.Report {
	tb.Helper()
	report, err := l.Verify(tb.Context(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return report
}

func mustVerify(tb testing.TB, l *decisionlog.Log, rows int64) {
	tb.Helper()
	report := verified(tb, l)
	if !report.OK() || report.Rows != rows {
		tb.Errorf("got %d rows and %v, want %d rows and no problem", report.Rows, report.Problems, rows)
	}
}
