package decisionlog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// theirEvent is the part of OPA's EventV1 that says what was decided, with the
// names that its readers look for.
type theirEvent struct {
	Labels      map[string]string      `json:"labels"`
	DecisionID  string                 `json:"decision_id"`
	Bundles     map[string]theirBundle `json:"bundles"`
	Path        string                 `json:"path"`
	Input       *any                   `json:"input"`
	Result      *any                   `json:"result"`
	Erased      []string               `json:"erased"`
	Masked      []string               `json:"masked"`
	RequestedBy string                 `json:"requested_by"`
	Timestamp   time.Time              `json:"timestamp"`
	Souk        any                    `json:"souk"`
}

type theirBundle struct {
	Revision string `json:"revision"`
}

func exported(t *testing.T, l *decisionlog.Log, f decisionlog.Filter) []string {
	t.Helper()
	var out bytes.Buffer
	n, err := l.Export(t.Context(), &out, f)
	lines := strings.SplitAfter(out.String(), "\n")
	lines = lines[:len(lines)-1]
	if err != nil || int(n) != len(lines) {
		t.Fatalf("got %d lines, said to be %d, %v", len(lines), n, err)
	}
	return lines
}

// What we export has the shape of OPA's decision-log event, and one key more.
func TestExportIsOPAs(t *testing.T) {
	c := newClock()
	l := open(t, decisionlog.Config{URI: "sqlite::memory:", Now: c.now, Reads: func(model.DecisionRecord) ([]string, bool) { return []string{"context"}, true }})
	d := asked(1, c.now())
	if err := l.Append(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	lines := exported(t, l, decisionlog.Filter{})
	var theirs theirEvent
	whole := json.NewDecoder(strings.NewReader(lines[0]))
	whole.DisallowUnknownFields()
	if err := whole.Decode(&theirs); err != nil {
		t.Fatal(err)
	}
	if theirs.DecisionID != string(d.ID) || theirs.Path != "souk/main" || !theirs.Timestamp.Equal(d.At) || theirs.RequestedBy != "prn_1" || theirs.Labels["app"] != "souk" {
		t.Errorf("got %+v", theirs)
	}
	want := map[string]theirBundle{"souk/platform": {Revision: "p1"}, "souk/domains/legal": {Revision: "d1"}}
	if diff := cmp.Diff(want, theirs.Bundles); diff != "" {
		t.Errorf("bundles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/input/subject/name", "/input/subject/teams"}, theirs.Masked); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
	if theirs.Input == nil || theirs.Result == nil || len(theirs.Erased) != 0 {
		t.Errorf("got the input %v and the result %v, erased %v", theirs.Input, theirs.Result, theirs.Erased)
	}
	var ours decisionlog.Event
	if err := json.Unmarshal([]byte(lines[0]), &ours); err != nil || ours.Souk.Outcome != model.Allow || ours.Souk.Seq != 1 || len(ours.Souk.Hash) != 64 {
		t.Errorf("got %+v, %v", ours.Souk, err)
	}
	c.sleep(decisionlog.DefaultRetention + time.Hour)
	if _, err := l.Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	if line := exported(t, l, decisionlog.Filter{})[0]; strings.Contains(line, `"input":`) || !strings.Contains(line, `"erased":["/input"]`) {
		t.Errorf("after the retention: %s", line)
	}
}

func TestExportIsFilteredAndInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		t.Helper()
		l := open(t, decisionlog.Config{URI: uri})
		fill(t, l, 30, model.Now())
		last := int64(0)
		lines := exported(t, l, decisionlog.Filter{Domain: "legal"})
		for _, line := range lines {
			var e decisionlog.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Souk.Seq <= last || e.Souk.Domain != "legal" {
				t.Errorf("got row %d of %s after %d, %v", e.Souk.Seq, e.Souk.Domain, last, err)
			}
			last = e.Souk.Seq
		}
		if len(lines) != 15 {
			t.Errorf("got %d lines, want 15", len(lines))
		}
	})
}

// full is a disk with room for so many lines.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room == 0 {
		return 0, io.ErrShortWrite
	}
	f.room--
	return len(p), nil
}

// TestExportStreams writes line by line while it reads, and keeps no more than
// a handful of rows however long the log is.
func TestExportStreams(t *testing.T) {
	l := open(t, decisionlog.Config{URI: sqliteURI(t), Relaxed: true})
	fill(t, l, 9999, model.Now())
	if n, err := l.Export(t.Context(), &full{room: 7}, decisionlog.Filter{}); n != 7 || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %d lines and %v, want those that there was room for", n, err)
	}
	peak := &tide{}
	n, err := l.Export(t.Context(), peak, decisionlog.Filter{})
	if err != nil || n != 10_000 {
		t.Fatalf("got %d lines, %v", n, err)
	}
	if grown := peak.high - peak.low; grown > uint64(peak.bytes)/2 {
		t.Errorf("%d KiB were exported, and at one time %d KiB held", peak.bytes>>10, grown>>10)
	}
}

// tide measures now and then what is held in memory.
type tide struct {
	bytes     int
	lines     int
	low, high uint64
}

func (m *tide) Write(p []byte) (int, error) {
	m.bytes += len(p)
	if m.lines++; m.lines%1000 == 1 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		if m.low == 0 {
			m.low = stats.HeapAlloc
		}
		m.high = max(m.high, stats.HeapAlloc)
	}
	return len(p), nil
}
