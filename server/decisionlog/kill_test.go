package decisionlog_test

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// killURI tells a process that it is the writer to be killed.
const killURI = "SOUK_KILLTEST_DECISIONS"

// TestKilledWriter kills the process that writes, again and again: what it
// acknowledged is there, and the chain is whole.
func TestKilledWriter(t *testing.T) {
	if uri := os.Getenv(killURI); uri != "" {
		writeOn(uri)
		return
	}
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	for engine, uri := range map[string]func(testing.TB) string{"sqlite": sqliteURI, "mongodb": mongoURI} {
		t.Run(engine, func(t *testing.T) {
			at, acknowledged := uri(t), 0
			for range rounds {
				acknowledged += killOnce(t, at)
			}
			t.Logf("%d kills, %d rows acknowledged, none lost", rounds, acknowledged)
		})
	}
}

func killOnce(t *testing.T, uri string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	writer := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledWriter$")
	writer.Env = append(os.Environ(), killURI+"="+uri)
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // a last line that is cut off was not yet said
			break
		}
		if acknowledged = append(acknowledged, strings.TrimSpace(line)); len(acknowledged) == 1 {
			time.AfterFunc(rand.N(150*time.Millisecond), func() { _ = writer.Process.Kill() })
		}
	}
	_ = writer.Wait() // it was killed
	if len(acknowledged) == 0 {
		t.Fatal("nothing was acknowledged: the round proves nothing")
	}
	l, err := decisionlog.Open(t.Context(), decisionlog.Config{URI: uri})
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	for _, id := range acknowledged {
		if _, err := l.Get(t.Context(), model.ID(id)); err != nil {
			t.Errorf("%s was acknowledged and is lost: %v", id, err)
		}
	}
	if report := verified(t, l); !report.OK() {
		t.Errorf("the chain is broken: %v", report.Problems)
	}
	return len(acknowledged)
}

// writeOn appends from many goroutines until it is killed.
func writeOn(uri string) {
	ctx := context.Background()
	l, err := decisionlog.Open(ctx, decisionlog.Config{URI: uri})
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	var work sync.WaitGroup
	for range 32 {
		work.Go(func() {
			for i := 0; ; i++ {
				d := asked(i, model.Now())
				if err := l.Append(ctx, d); err != nil {
					return
				}
				_, _ = os.Stdout.WriteString(string(d.ID) + "\n")
			}
		})
	}
	work.Wait()
}
