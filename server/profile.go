package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// loopback reports an address for profiles that others than this machine reach:
// a profile shows what the server works on.
func (c Config) loopback() error {
	if c.PprofListen == "" {
		return nil
	}
	address, _, err := net.SplitHostPort(c.PprofListen)
	if ip := net.ParseIP(address); err != nil || address != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return model.Invalid("pprof-listen", "is no address of this machine alone", "use one such as 127.0.0.1:6060")
	}
	return nil
}

// bindProfiles takes the address of the profiles, if there is to be one.
func (s *Server) bindProfiles(ctx context.Context) (net.Listener, error) {
	if s.config.PprofListen == "" {
		return nil, nil //nolint:nilnil // nothing is to be served
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.PprofListen)
	if err != nil {
		return nil, fmt.Errorf("listen for profiles: %w", err)
	}
	return listener, nil
}

// serveProfiles answers Go's profiler until the context ends, on a listener of
// its own: none of the server's doors leads there.
func (s *Server) serveProfiles(ctx context.Context, listener net.Listener) {
	doors := http.NewServeMux()
	for path, door := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/cmdline": pprof.Cmdline, "/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
	} {
		doors.HandleFunc("GET "+path, door)
	}
	web := &http.Server{Handler: doors, ReadHeaderTimeout: 5 * time.Second}
	s.log.InfoContext(ctx, "profiles are served", "address", listener.Addr().String())
	go func() {
		<-ctx.Done()
		_ = web.Close() // whoever reads a profile begins anew
	}()
	_ = web.Serve(listener)
}
