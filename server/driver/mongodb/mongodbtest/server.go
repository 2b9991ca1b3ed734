package mongodbtest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Server is a mongod of the test's own, which it may kill.
type Server struct {
	Address string // host:port
	binary  string
	dir     string
	flags   []string
	process *exec.Cmd
}

// Start starts a server on a folder of its own. It is killed at the end.
func Start(t *testing.T, flags ...string) *Server {
	t.Helper()
	binary := setting(t, "SOUK_TEST_MONGOD", "it is the path of a mongod that the test may start and kill")
	s := &Server{Address: FreeAddress(t), binary: binary, dir: t.TempDir(), flags: flags}
	s.Restart(t)
	t.Cleanup(s.Kill)
	return s
}

// Standalone gives the address of a server that is no replica set.
func Standalone(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("SOUK_TEST_MONGODB_STANDALONE_URI"); given != "" {
		return strings.Trim(strings.TrimPrefix(given, "mongodb://"), "/")
	}
	return Start(t).Address
}

// Restart runs a killed server on its data and waits until it listens.
func (s *Server) Restart(t *testing.T) {
	t.Helper()
	_, port, _ := net.SplitHostPort(s.Address)
	args := append(slices.Clip(s.flags), "--dbpath", s.dir, "--port", port, "--bind_ip", "127.0.0.1",
		"--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--logpath", filepath.Join(s.dir, "log"))
	s.process = exec.CommandContext(context.WithoutCancel(t.Context()), s.binary, args...)
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	var dialer net.Dialer
	for range 300 {
		if c, err := dialer.DialContext(t.Context(), "tcp", s.Address); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	t.Fatalf("mongod does not listen: %s", log)
}

// Kill ends the server as a power switch does, without a word.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// FreeAddress gives an address where nobody listens.
func FreeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
