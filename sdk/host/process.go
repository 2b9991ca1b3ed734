package host

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host/process"
	"github.com/souk-mesh/souk/sdk/internal/secret"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Process is a plugin that runs and has shaken hands. It serves one run and is
// then closed. One call is made at a time; Close may interrupt it.
type Process struct {
	limits     Limits
	log        *slog.Logger
	dir        *runDir // removed by Close
	account    *process.Account
	folders    []string
	executable *executable
	output     *output
	client     *plugin.Client
	config     *plugin.ClientConfig // of the client, which writes to it
	child      *child
	source     harvestv1.SourceClient

	abort  chan struct{} // closed to end a launch that takes too long
	failed bool          // a call has ended badly, so that no farewell is waited for

	closing sync.Once
	closed  error
}

// Description is what a plugin says of itself.
type Description struct {
	Info         sdk.Info
	Schema       json.RawMessage // of the configuration, JSON Schema 2020-12
	SecretFields []string        // dotted paths
}

// Request is one harvest.
type Request struct {
	RunID      string
	Config     json.RawMessage
	Secrets    map[string]string // by the dotted path of the field
	Checkpoint []byte            // where an interrupted run may go on, or nil
	Changes    bool              // of a plugin that offers them, for a Follower: end with a watermark
	Watermark  []byte            // with Changes: what has changed since; empty has everything
}

// Describe asks the plugin what it is. The error is a *Failure.
func (p *Process) Describe(ctx context.Context) (Description, error) {
	c := p.newCall(ctx, p.limits.Describe, "describe itself")
	defer c.end()
	d, err := p.source.Describe(c.ctx, &harvestv1.DescribeRequest{}, c.options()...)
	if err != nil {
		return Description{}, c.explain(err)
	}
	if !json.Valid(d.GetSchemaJson()) {
		return Description{}, c.explain(protocolError("its schema is no JSON"))
	}
	return Description{
		Info: sdk.Info{
			Name: d.GetName(), Version: d.GetVersion(), Summary: d.GetSummary(), Doc: d.GetDoc(), Emits: slices.Clone(d.GetEmits()),
			Offers: slices.Clone(d.GetOffers()),
		},
		Schema: d.GetSchemaJson(), SecretFields: slices.Clone(d.GetSecretFields()),
	}, nil
}

// Judge asks the plugin what is wrong with a configuration, from its text alone.
// A plugin that does not answer that has nothing against it. The error is a *Failure.
func (p *Process) Judge(ctx context.Context, config json.RawMessage) error {
	c := p.newCall(ctx, p.limits.Describe, "judge the configuration")
	defer c.end()
	_, err := p.source.Judge(c.ctx, &harvestv1.JudgeRequest{ConfigJson: config}, c.options()...)
	if err == nil || status.Code(err) == codes.Unimplemented {
		return nil
	}
	return c.explain(err)
}

// most capabilities that a check may report: a form shows a handful.
const maxCapabilities = 1000

// Check tells on each capability as soon as it is known. The error is a
// *Failure; a capability that is missing is none.
func (p *Process) Check(ctx context.Context, config json.RawMessage, secrets map[string]string, on func(sdk.Capability)) error {
	set := p.learn(config, secrets)
	c := p.newCall(ctx, p.limits.Check, "check the source")
	defer c.end()
	stream, err := p.source.Check(c.ctx, &harvestv1.CheckRequest{ConfigJson: config, Secrets: secrets, Folders: p.folders}, c.options()...)
	if err != nil {
		return c.explain(err)
	}
	for n := 0; ; n++ {
		k, err := stream.Recv()
		switch {
		case ended(err):
			return nil
		case err != nil:
			return c.explain(err)
		case n == maxCapabilities:
			return c.explain(protocolError("it reports more than %d capabilities", maxCapabilities))
		}
		on(sdk.Capability{Name: set.Strike(k.GetName()), OK: k.GetOk(), Reason: set.Strike(k.GetReason()), Fix: set.Strike(k.GetFix())})
	}
}

// learn makes the secrets known before the plugin hears of them, so that
// nothing it says can carry them on.
func (p *Process) learn(config json.RawMessage, secrets map[string]string) secret.Set {
	set := secret.New(slices.Collect(maps.Values(secrets)), string(config))
	p.output.keepFrom(set)
	return set
}

// PID is the number of the process.
func (p *Process) PID() int { return p.child.process.PID() }

// Usage tells what the process has used, once it is closed.
func (p *Process) Usage() Usage {
	if p.child == nil || p.child.process == nil {
		return Usage{}
	}
	select {
	case <-p.child.process.Exited():
		return p.child.process.Usage()
	default:
		return Usage{}
	}
}

// farewell is how long a plugin whose calls went well may take to end by itself.
const farewell = time.Second

// Close ends the process with everything it started, and removes what it left
// behind. It may be called more than once.
func (p *Process) Close() error {
	p.closing.Do(func() {
		if p.child != nil {
			p.stop()
		}
		p.closed = errors.Join(p.dir.remove(), p.executable.close())
	})
	return p.closed
}

// stop ends the process. A plugin that hangs would keep go-plugin waiting for
// an answer to its farewell, so the end is ours.
func (p *Process) stop() {
	if p.child.process != nil {
		p.child.process.Sample()
	}
	grace := farewell
	if p.failed {
		grace = 0
	}
	late := time.AfterFunc(grace, func() { _ = p.child.Kill(context.Background()) })
	p.client.Kill()
	late.Stop()
	_ = p.child.Kill(context.Background()) // never fails, and also drains one that has ended
}

// call is one call to the plugin with its deadline.
type call struct {
	process *Process
	ctx     context.Context //nolint:containedctx // of this one call, which ends with the function that made it
	caller  context.Context //nolint:containedctx // tells a cancel from a deadline of our own
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	codec   *inspecting
}

func (p *Process) newCall(ctx context.Context, limit time.Duration, what string) *call {
	inner, cancel := context.WithCancelCause(ctx)
	c := &call{process: p, ctx: inner, caller: ctx, cancel: cancel, codec: &inspecting{}}
	c.timer = time.AfterFunc(limit, func() {
		cancel(broken("timeout", "the plugin took longer than "+limit.String()+" to "+what, "look whether the source answers, and try again; if it stays, "+reportIt))
	})
	return c
}

func (c *call) options() []grpc.CallOption {
	return []grpc.CallOption{grpc.ForceCodec(c.codec)}
}

func (c *call) end() {
	c.timer.Stop()
	c.cancel(nil)
}
