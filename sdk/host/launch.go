package host

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/souk-mesh/souk/sdk/host/process"
	"github.com/souk-mesh/souk/sdk/internal/handshake"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Launch starts the plugin and shakes hands with it. The context bounds the
// launch alone; the process lives until Close. The error is a *Failure.
func Launch(ctx context.Context, spec Spec, limits Limits, log *slog.Logger) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, cancelled(err)
	}
	x, err := openExecutable(spec)
	if err != nil {
		return nil, asFailure(err)
	}
	own, err := handshake.Certificate()
	if err != nil {
		return nil, ours("no_key", "no key could be made to speak to the plugin with", "see that this machine gives random numbers", errors.Join(err, x.close()))
	}
	dir, err := newRunDir(spec.Account)
	if err != nil {
		return nil, ours("no_run_dir", "no private directory could be made for the plugin", "see that the temporary directory exists and has room", errors.Join(err, x.close()))
	}
	limits = spec.Limits.or(limits).withDefaults()
	log = log.With(slog.String("plugin", spec.Name))
	p := &Process{
		limits: limits, log: log, dir: dir, folders: spec.Folders, account: spec.Account, executable: x, output: newOutput(log, limits.StderrLinesPerSecond),
		abort: make(chan struct{}),
	}
	argv := append([]string{x.path}, spec.Command[1:]...)
	if spec.Program != nil {
		if argv, err = spec.interpreted(dir.path); err != nil {
			_, _ = dir.remove(), x.close() // why it cannot be launched says more
			return nil, asFailure(err)
		}
	}
	p.config = p.clientConfig(argv, environment(spec, limits, dir.path), own)
	p.client = plugin.NewClient(p.config)
	if err := p.connect(ctx); err != nil {
		p.failed = true
		_ = p.Close() // the launch's own failure says more
		return nil, err
	}
	return p, nil
}

// environment is everything that the plugin finds in its environment, but for
// the handshake: none of the server's own settings.
func environment(spec Spec, l Limits, dir string) []string {
	env := []string{
		"HOME=" + dir, "TMPDIR=" + dir, "TZ=UTC", "LANG=C.UTF-8",
		fmt.Sprintf("GOMEMLIMIT=%d", l.MemoryBytes/5*4),
	}
	for _, entry := range spec.Env {
		if strings.Contains(entry, "=") {
			env = append(env, entry)
		} else if value, has := os.LookupEnv(entry); has {
			env = append(env, entry+"="+value)
		}
	}
	return env
}

func (p *Process) clientConfig(argv, env []string, own tls.Certificate) *plugin.ClientConfig {
	env = append(env, handshake.Variable+"="+handshake.PEM(own))
	return &plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: harvestv1.CookieKey, MagicCookieValue: harvestv1.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{harvestv1.Version: {harvestv1.ServiceName: calledPlugin{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		TLSConfig:        handshake.Client(own),
		SkipHostEnv:      true,
		StartTimeout:     p.limits.Start + farewell, // ours comes first, since it also bounds the connection
		Logger:           hclog.NewNullLogger(),
		SyncStdout:       p.output,
		SyncStderr:       p.output,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.dir.path},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(p.limits.MessageBytes)),
		},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, socketDir string) (runner.Runner, error) {
			p.child = &child{
				path: p.executable.path, argv: argv, plain: p.speakPlainly, env: slices.Concat(env, cmd.Env), dir: p.dir.path, file: p.executable.file, account: p.account, socketDir: socketDir,
				limits: process.Limits{MemoryBytes: p.limits.MemoryBytes, CPUSeconds: p.limits.CPUSeconds}, output: p.output, abort: p.abort,
			}
			return p.child, give(socketDir, p.account)
		},
	}
}

// speakPlainly is for a plugin in a language whose gRPC cannot make certificates
// on the way. It is asked where the plugin listens on a socket in its own private
// directory, to which nobody else has access.
func (p *Process) speakPlainly() { p.config.TLSConfig = nil }

// connect waits for the handshake. A cancel and a deadline kill the process,
// which ends the wait.
func (p *Process) connect(ctx context.Context) error {
	type connected struct {
		service any
		err     error
	}
	done := make(chan connected, 1)
	go func() {
		service, err := p.dispense()
		done <- connected{service, err}
	}()
	late := time.NewTimer(p.limits.Start)
	defer late.Stop()
	select {
	case c := <-done:
		if c.err != nil {
			return p.explainStart(c.err)
		}
		p.source, _ = c.service.(harvestv1.SourceClient)
		return nil
	case <-late.C:
		close(p.abort)
		<-done
		return p.explainStart(errStartTimeout)
	case <-ctx.Done():
		close(p.abort)
		<-done
		return cancelled(context.Cause(ctx))
	}
}

func (p *Process) dispense() (any, error) {
	protocol, err := p.client.Client()
	if err != nil {
		return nil, err
	}
	return protocol.Dispense(harvestv1.ServiceName)
}

// calledPlugin gives go-plugin the client of the service.
type calledPlugin struct{ plugin.NetRPCUnsupportedPlugin }

// GRPCServer is the plugin's business.
func (calledPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("a plugin is called here, not served")
}

// GRPCClient makes the client.
func (calledPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return harvestv1.NewSourceClient(conn), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
