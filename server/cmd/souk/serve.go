package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/plugins"
	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/startup"
	"github.com/souk-mesh/souk/server/store"
)

// open builds a server on the store that is there already; the caller closes
// it. Only what serves makes a store: elsewhere a name that was mistyped would
// be an empty one.
func (p *program) open(ctx context.Context, f *flags) (*server.Server, error) {
	cfg, err := f.config()
	if err != nil {
		return nil, err
	}
	cfg.Mode = store.Existing
	return p.openWith(ctx, cfg)
}

func (p *program) openWith(ctx context.Context, cfg server.Config) (*server.Server, error) {
	cfg.PolicyChild = policyChild()
	log, err := p.logger(cfg)
	if err != nil {
		return nil, err
	}
	slog.SetDefault(log) // for the rooms that are given no logger
	defer startup.Over()
	return server.New(ctx, cfg, plugins.All(), log)
}

// openBound takes the address first and opens the store then, so that a start
// on an address that is taken writes nothing. The caller closes both.
func (p *program) openBound(ctx context.Context, f *flags) (*server.Server, net.Listener, error) {
	cfg, err := f.config()
	if err != nil {
		return nil, nil, err
	}
	listener, err := server.Bind(cfg)
	if err != nil {
		return nil, nil, err
	}
	s, err := p.openWith(ctx, cfg)
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	return s, listener, nil
}

func serve(p *program) *cobra.Command {
	f := p.command("serve", "start the server, closed to everybody but the admin token it prints once").withSettings()
	return f.runs(func(ctx context.Context) (err error) {
		p.harden()
		s, listener, err := p.openBound(ctx, f)
		if err != nil {
			return err
		}
		defer closing(s.Close, &err)
		defer listener.Close() // once it serves, that closes it
		if err := p.bringUp(ctx, s); err != nil {
			return err
		}
		secret, err := s.Identity.Bootstrap(model.WithPrincipal(ctx, model.System()))
		if err != nil {
			return fmt.Errorf("make the first principal: %w", err)
		}
		if err := p.handOver(secret); err != nil {
			return err
		}
		return s.Run(ctx, listener, func(url string) { fmt.Fprintf(p.stdout, "Souk listens on %s\n", url) })
	})
}

// handOver shows the first token as soon as there is one, whatever comes after.
func (p *program) handOver(secret string) error {
	if secret == "" {
		return nil
	}
	_, err := fmt.Fprintf(p.stdout, "This is the first start. Keep this admin token; it is not shown again:\n\n  %s\n\n", secret)
	if err != nil {
		return &model.Error{
			Kind: model.KindUnavailable, Message: "the first admin token was made and could not be shown",
			Hint: "get another with: souk token issue admin", Err: err,
		}
	}
	return nil
}

// bringUp takes an older store up and tells its operator what that changed.
func (p *program) bringUp(ctx context.Context, s *server.Server) error {
	lines, err := s.BringUp(ctx)
	for _, line := range lines {
		fmt.Fprintln(p.stderr, line)
	}
	return err
}

// closing joins the error of a deferred close to the function's own.
func closing(shut func() error, err *error) {
	if e := shut(); e != nil && *err == nil {
		*err = e
	}
}

func health(p *program) *cobra.Command {
	f := p.command("health", "ask a running server whether it is ready")
	url := f.String("url", "http://127.0.0.1:8080", "`address` of the server")
	return f.runs(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, *url+"/readyz", http.NoBody)
		if err != nil {
			return model.Invalid("url", "is no address", "use one such as http://127.0.0.1:8080")
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("ask %s: %w", *url, err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s is not ready: %s", *url, response.Status)
		}
		fmt.Fprintln(p.stdout, "ready")
		return nil
	})
}

// version prints what the build knows of itself.
func version(p *program) *cobra.Command {
	return p.command("version", "print the version").runs(func(context.Context) error {
		p.printVersion()
		return nil
	})
}

func (p *program) printVersion() {
	name, revision := "devel", ""
	info, ok := debug.ReadBuildInfo()
	if ok {
		name = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	fmt.Fprintf(p.stdout, "souk %s%s %s\n", name, revision, info.GoVersion)
}
