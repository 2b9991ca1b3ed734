package host_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

const canary = "canary-Pa55word!"

// memory is a handler that keeps everything.
type memory struct {
	names    []string
	records  []sdk.Record
	order    []string // of what is no record
	notes    []sdk.Note
	onRecord func() error
}

func (m *memory) Records(records []sdk.Record) error {
	m.records = append(m.records, records...)
	for _, r := range records {
		if a, ok := r.(*sdk.Asset); ok {
			m.names = append(m.names, a.ID.Name)
		}
	}
	if m.onRecord != nil {
		return m.onRecord()
	}
	return nil
}

func (m *memory) Checkpoint(state []byte) error {
	m.order = append(m.order, "checkpoint "+string(state))
	return nil
}

func (m *memory) ScopeDone(scope string) error { m.order = append(m.order, "done "+scope); return nil }

func (m *memory) Progress(done, total int64, what string) {}
func (m *memory) Note(n sdk.Note)                         { m.notes = append(m.notes, n) }

// lines is a log that tests read.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// bench launches plugins in a temporary directory of its own, and looks at the
// end whether they have left anything.
type bench struct {
	t   *testing.T
	log *lines
	dir string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	// A socket's path must be short, and that of t.TempDir is not.
	dir, err := os.MkdirTemp("/tmp", "souk-host-") //nolint:usetesting // as said
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	b := &bench{t: t, log: &lines{}, dir: dir}
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	t.Cleanup(func() { b.leftovers(files, goroutines) })
	return b
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this test reads /proc, which only Linux has")
	}
	return len(entries)
}

func (b *bench) leftovers(files, goroutines int) {
	b.t.Helper()
	until := time.Now().Add(5 * time.Second)
	for time.Now().Before(until) && (openFiles(b.t) > files || runtime.NumGoroutine() > goroutines) {
		time.Sleep(20 * time.Millisecond)
	}
	if got := openFiles(b.t); got > files {
		b.t.Errorf("open files: %d before, %d after", files, got)
	}
	if got := runtime.NumGoroutine(); got > goroutines {
		stacks := make([]byte, 1<<20)
		b.t.Errorf("goroutines: %d before, %d after\n%s", goroutines, got, stacks[:runtime.Stack(stacks, true)])
	}
	entries, err := os.ReadDir(b.dir)
	if err != nil || len(entries) > 0 {
		b.t.Errorf("left in the temporary directory: %v %v", entries, err)
	}
	_ = os.RemoveAll(b.dir)
}

func (b *bench) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (b *bench) launch(spec host.Spec, limits host.Limits) (*host.Process, *host.Failure) {
	b.t.Helper()
	p, err := host.Launch(b.t.Context(), spec, limits, b.logger())
	if err != nil {
		return nil, b.failure(err)
	}
	b.t.Cleanup(func() { b.close(p) })
	return p, nil
}

// close is called by tests that look for what is left, and again by cleanup.
func (b *bench) close(p *host.Process) {
	b.t.Helper()
	begun := time.Now()
	if err := p.Close(); err != nil {
		b.t.Error(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		b.t.Errorf("close took %s", took)
	}
}

func (b *bench) failure(err error) *host.Failure {
	b.t.Helper()
	f, ok := errors.AsType[*host.Failure](err)
	if !ok {
		b.t.Fatalf("the error is no *Failure: %#v", err)
	}
	if f.Fault == "" || f.Code == "" || f.Message == "" || f.Fix == "" || f.Class == "" {
		b.t.Errorf("the failure lacks a part: %+v", f)
	}
	if text := fmt.Sprintf("%v %+v", f, *f); strings.Contains(text, canary) {
		b.t.Errorf("the failure holds the secret: %s", text)
	}
	return f
}

func (b *bench) harvest(name string, limits host.Limits, m *memory) (host.Result, *host.Failure) {
	b.t.Helper()
	p, failure := b.launch(host.Self(name), limits)
	if failure != nil {
		return host.Result{}, failure
	}
	defer b.close(p)
	result, err := p.Harvest(b.t.Context(), host.Request{
		RunID: "run_1", Config: json.RawMessage(`{"count": 250}`), Secrets: map[string]string{"password": canary},
	}, m)
	if err != nil {
		return result, b.failure(err)
	}
	return result, nil
}

// BenchmarkFirstRecord tells how long it takes from the start of a plugin to its
// first record, for half of the starts and for nineteen of twenty.
func BenchmarkFirstRecord(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		p, err := host.Launch(b.Context(), host.Self("good"), host.Limits{}, log)
		if err != nil {
			b.Fatal(err)
		}
		m := &memory{onRecord: func() error {
			took = append(took, time.Since(begun))
			return nil
		}}
		if _, err := p.Harvest(b.Context(), host.Request{Config: json.RawMessage(`{"count": 1}`)}, m); err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*19/20].Microseconds())/1000, "ms/p95")
}
