package sdk

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/souk-mesh/souk/sdk/internal/handshake"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Serve answers the host that launched this process for one plugin, and returns
// when the host is done with it. Standard output belongs to the handshake until
// then. Without a host it says so on standard error and exits.
func Serve(r Registration) {
	stop := watchParent(2 * time.Second)
	defer stop()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{MagicCookieKey: harvestv1.CookieKey, MagicCookieValue: harvestv1.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{harvestv1.Version: {
			harvestv1.ServiceName: &servedPlugin{service: &service{plugin: r, log: hostLog()}},
		}},
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return plugin.DefaultGRPCServer(append(options, grpc.ForceServerCodec(steady{})))
		},
		TLSProvider: handshake.Server,
		Logger:      hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr}),
	})
}

// hostLog writes lines that the host reads back. It holds the true standard
// error, since the variable is replaced once the host is connected.
func hostLog() *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// watchParent ends the process when the one that launched it is gone, where the
// kernel does not see to it.
func watchParent(every time.Duration) (stop func()) {
	parent, done := os.Getppid(), make(chan struct{})
	go func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				if os.Getppid() != parent {
					os.Exit(3)
				}
			}
		}
	}()
	return func() { close(done) }
}

// servedPlugin hands the service to go-plugin.
type servedPlugin struct {
	plugin.NetRPCUnsupportedPlugin

	service *service
}

// GRPCServer registers the service.
func (p *servedPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	harvestv1.RegisterSourceServer(s, p.service)
	return nil
}

// GRPCClient is the host's business.
func (p *servedPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin is served here, not called")
}

// steady writes the same message as the same bytes, maps in order, by which the
// host knows a record again without reading it.
type steady struct{}

// Name is that of gRPC's own codec, which this one stands in for.
func (steady) Name() string { return "proto" }

// Marshal writes a message.
func (steady) Marshal(v any) ([]byte, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, errNoMessage
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// Unmarshal reads a message.
func (steady) Unmarshal(data []byte, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return errNoMessage
	}
	return proto.Unmarshal(data, m)
}

var errNoMessage = errors.New("a message has an unknown type")

// TraceHeaders tells which trace the call is part of, in the headers of W3C's
// recommendation Trace Context (traceparent and tracestate). The context is the
// one that Check or Harvest were called with. There are none where the host does
// not trace. A plugin that uses OpenTelemetry joins the trace with
//
//	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier(sdk.TraceHeaders(ctx)))
func TraceHeaders(ctx context.Context) map[string]string {
	headers := map[string]string{}
	given, _ := metadata.FromIncomingContext(ctx)
	for _, name := range []string{"traceparent", "tracestate"} {
		if values := given.Get(name); len(values) == 1 {
			headers[name] = values[0]
		}
	}
	return headers
}
