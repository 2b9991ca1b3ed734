//go:build unix

package mongodbtest

import (
	"syscall"
	"testing"
)

// Freeze stops the server in the middle of whatever it does, until Thaw.
func (s *Server) Freeze(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
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
