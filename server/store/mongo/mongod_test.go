package mongo_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mongod is a server of the test's own, which it may kill.
type mongod struct {
	address string
	dir     string
	flags   []string
	process *exec.Cmd
}

func startMongod(t *testing.T, flags ...string) *mongod {
	t.Helper()
	binary := setting(t, "SOUK_TEST_MONGOD", "it is the path of a mongod that the test may start and kill")
	m := &mongod{address: freeAddress(t), dir: t.TempDir(), flags: append([]string{binary}, flags...)}
	m.start(t)
	t.Cleanup(m.kill)
	return m
}

// start runs the server on its data and waits until it listens.
func (m *mongod) start(t *testing.T) {
	t.Helper()
	_, port, _ := net.SplitHostPort(m.address)
	args := append(m.flags[1:len(m.flags):len(m.flags)], "--dbpath", m.dir, "--port", port, "--bind_ip", "127.0.0.1",
		"--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--logpath", filepath.Join(m.dir, "log"))
	m.process = exec.CommandContext(context.WithoutCancel(t.Context()), m.flags[0], args...)
	if err := m.process.Start(); err != nil {
		t.Fatal(err)
	}
	var dialer net.Dialer
	for range 300 {
		if c, err := dialer.DialContext(t.Context(), "tcp", m.address); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(m.dir, "log"))
	t.Fatalf("mongod does not listen: %s", log)
}

// kill ends the server as a power switch does, without a word.
func (m *mongod) kill() {
	_ = m.process.Process.Kill()
	_ = m.process.Wait()
}

// standalone gives the address of a server that is no replica set.
func standalone(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("SOUK_TEST_MONGODB_STANDALONE_URI"); given != "" {
		return strings.Trim(strings.TrimPrefix(given, "mongodb://"), "/")
	}
	return startMongod(t).address
}
