// Package killtest proves that an engine of the store keeps its word when a
// process dies in the middle of a write: what was acknowledged is there, every
// change has its event, and every event has its change. It kills processes
// without warning, and only those that it has started.
package killtest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/server/store"
)

// Open opens the store at an address that the engine understands.
type Open = func(ctx context.Context, address string) (store.Store, error)

// addressVariable tells a process that it is the writer to be killed, and
// where to write.
const addressVariable = "SOUK_KILLTEST_ADDRESS"

// Rounds is how many times to kill: 50, or 5 for a short test.
func Rounds() int {
	if testing.Short() {
		return 5
	}
	return 50
}

// KillWriter starts this test again as another process that writes to the
// store, kills it at a random moment and verifies what it left, so many rounds.
// The address is asked for once, and not in the other process: there this
// function is the writer and never returns.
func KillWriter(t *testing.T, open Open, address func() string, rounds int) {
	t.Helper()
	if writeTo := os.Getenv(addressVariable); writeTo != "" {
		_, _ = os.Stderr.WriteString(becomeWriter(open, writeTo).Error() + "\n")
		os.Exit(1)
	}
	ledger, where := NewLedger(), address()
	for round := range rounds {
		ledger.round(t, open, where, writeAndDie(t, where))
		if t.Failed() {
			t.Fatalf("round %d left a broken store", round)
		}
	}
	if ledger.Acknowledged == 0 {
		t.Fatal("nothing was acknowledged: the test would prove nothing")
	}
	t.Logf("%d kills: %s", rounds, ledger)
}

// round opens what the killed writer left, verifies it, and then writes once
// more: what the dead process held must not keep the living from writing.
func (l *Ledger) round(t *testing.T, open Open, address string, acknowledged []string) {
	t.Helper()
	l.Acknowledged += len(acknowledged)
	s, err := open(t.Context(), address)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	l.Verify(t, s, acknowledged)
	change, _, _ := next(nil)
	if _, err := s.Apply(t.Context(), change); err != nil {
		t.Fatalf("write after the kill: %v", err)
	}
	l.Verify(t, s, []string{change.Request})
}

// writeAndDie runs a writer for a random while and gives what it acknowledged.
func writeAndDie(t *testing.T, address string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	writer := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	writer.Env = append(os.Environ(), addressVariable+"="+address)
	var complaint strings.Builder
	writer.Stderr = &complaint
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged, err := listen(out, func() { _ = writer.Process.Kill() })
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Wait(); err == nil || writer.ProcessState.Exited() {
		t.Fatalf("the writer ended by itself (%v): %s", err, complaint.String())
	}
	return acknowledged
}

// listen reads what the writer acknowledges, one a line, and kills it soon
// after the first. A last line that is cut off was not yet said.
func listen(out io.Reader, kill func()) ([]string, error) {
	var acknowledged []string
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return acknowledged, nil
		}
		if err != nil {
			return nil, err
		}
		if acknowledged = append(acknowledged, strings.TrimSuffix(line, "\n")); len(acknowledged) == 1 {
			time.AfterFunc(rand.N(200*time.Millisecond), kill)
		}
	}
}

// becomeWriter writes until the process is killed. To come back is to have
// failed, and the error says why.
func becomeWriter(open Open, address string) error {
	ctx := context.Background()
	s, err := open(ctx, address)
	if err != nil {
		return err
	}
	return Write(ctx, s, func(request string) { _, _ = os.Stdout.WriteString(request + "\n") })
}
