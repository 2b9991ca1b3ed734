package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	metrics  *metrics
	plain    *api // writes refusals for doors that have no schema
	listener net.Listener
	draining chan struct{}
	drain    sync.Once
}

// New makes a server without doors. It listens on nothing yet.
func New(cfg Config, log *slog.Logger) *Server {
	return &Server{
		cfg: cfg.withDefaults(), log: log, mux: http.NewServeMux(), metrics: newMetrics(),
		plain: &api{log: log, zip: newZipper()}, draining: make(chan struct{}),
	}
}

// Handle puts a door behind a pattern of net/http.ServeMux.
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// Listen takes the address and gives the URL under which it is reached. The
// error says which address could not be had.
func (s *Server) Listen() (string, error) {
	if err := s.cfg.Validate(); err != nil {
		return "", err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.cfg.Listen)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", s.cfg.Listen, err)
	}
	s.listener = listener
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return "", errors.Join(fmt.Errorf("read own address: %w", err), listener.Close())
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// Serve answers requests until the context ends. Then it takes no new ones,
// completes the streams, lets the requests in flight finish and closes what is
// left after the drain timeout. Listen must have been called.
func (s *Server) Serve(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("serve: Listen has not been called")
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	web := s.web(base)
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	s.drain.Do(func() { close(s.draining) })
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
