//go:build unix

package mongodbtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Freeze stops the server in the middle of whatever it does, until Thaw.
func (s *Server) Freeze(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
	for !stopped(t, s.process.Process.Pid) {
		time.Sleep(time.Millisecond)
	}
}

// stopped reports whether each thread of a process stands still: the signal
// reaches them one after the other, and meanwhile some still answer. Where the
// machine does not say so it is believed.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		// "PID (NAME) STATE ...", where the name may hold anything.
		if _, state, found := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" ")); found && state[0] != 'T' {
			return false
		}
	}
	return true
}

// Thaw lets it go on.
func (s *Server) Thaw(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
}

func (s *Server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}
