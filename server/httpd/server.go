package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
)

// Server is one listener and the doors behind it.
type Server struct {
	cfg      Config
	log      *slog.Logger
	mux      *http.ServeMux
	patterns []string // of the doors, in the order of Handle
	metrics  *metrics
	plain    *api // writes refusals for doors that have no schema
	draining chan struct{}
	drain    sync.Once
	reading  reading
}

// New makes a server without doors. It listens on nothing yet.
func New(cfg Config, log *slog.Logger) *Server {
	return &Server{
		cfg: cfg.withDefaults(), log: log, mux: http.NewServeMux(), metrics: newMetrics(),
		plain: &api{log: log, zip: newZipper()}, draining: make(chan struct{}),
	}
}

// Handle puts a door behind a pattern of net/http.ServeMux.
func (s *Server) Handle(pattern string, h http.Handler) {
	s.patterns = append(s.patterns, pattern)
	s.mux.Handle(pattern, h)
}

// Patterns lists the doors, so that a test can knock at each of them.
func (s *Server) Patterns() []string { return slices.Clone(s.patterns) }

// Serve answers requests on the listener, which Bind has taken, until the
// context ends. Then it takes no new ones, completes the streams, lets the
// requests in flight finish and closes what is left after the drain timeout.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	web := s.web(base)
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	s.drain.Do(func() { close(s.draining) })
	s.reading.hurry()
	err := s.shutdown(base, web)
	cancel()
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (s *Server) shutdown(base context.Context, web *http.Server) error {
	ctx, cancel := context.WithTimeout(base, s.cfg.DrainTimeout)
	defer cancel()
	err := web.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.WarnContext(base, "requests cut off at shutdown", "after", s.cfg.DrainTimeout)
		err = web.Close()
	}
	if err != nil {
		return fmt.Errorf("shut down http: %w", err)
	}
	return nil
}

func (s *Server) web(base context.Context) *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		BaseContext:    func(net.Listener) context.Context { return base },
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}
