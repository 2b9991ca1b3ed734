package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// way reaches the plugin: in this process, or over the pipe.
type way interface {
	where() string
	describe(ctx context.Context) (host.Description, error)
	judge(ctx context.Context, config json.RawMessage) error
	check(ctx context.Context, in input, on func(sdk.Capability)) error
	harvest(h *harvest, in input) (host.Usage, error)
	granting(ctx context.Context, in input, use func(sdk.Granter) error) error
}

// input is what one call is given.
type input struct {
	config     json.RawMessage
	secrets    map[string]string
	checkpoint []byte
	changes    bool // since the watermark, or all where there is none
	watermark  sdk.Watermark
	limits     host.Limits
}

// good is the input of the fixture's source.
func (s *suite) good() input { return input{config: s.fixture.Config, secrets: s.fixture.Secrets} }

// inside is a plugin of this process.
type inside struct {
	suite  *suite
	plugin sdk.Registration
}

func (*inside) where() string { return "in process" }

func (w *inside) describe(context.Context) (host.Description, error) {
	return host.Description{Info: w.plugin.Info(), Schema: w.plugin.Schema(), SecretFields: w.plugin.SecretFields()}, nil
}

func (w *inside) judge(_ context.Context, config json.RawMessage) error {
	return w.plugin.Judge(config, slog.New(slog.DiscardHandler))
}

func (w *inside) check(ctx context.Context, in input, on func(sdk.Capability)) error {
	return w.open(ctx, in, func(source sdk.Source) error { return source.Check(ctx, &sdk.Report{OnAdd: on}) })
}

func (w *inside) harvest(h *harvest, in input) (host.Usage, error) {
	return host.Usage{}, w.open(h.ctx, in, func(source sdk.Source) (err error) {
		req := sdk.Request{RunID: runID, Checkpoint: in.checkpoint}
		if !in.changes {
			return source.Harvest(h.ctx, req, inProcess{h})
		}
		changer, can := source.(sdk.Changer)
		if !can {
			return errors.New("it says that it offers changes, and its source is no Changer")
		}
		h.watermark, err = changer.Changes(h.ctx, req, in.watermark, inProcess{h})
		return err
	})
}

const runID = "run_plugintest"

func (w *inside) open(ctx context.Context, in input, use func(sdk.Source) error) error {
	log := &journal{}
	defer func() { w.suite.say("the log in process", log.String()) }()
	source, err := w.plugin.Open(ctx, in.config, in.secrets, sdk.Env{Log: log.logger(), Files: sdk.NewFiles(w.suite.fixture.Folders...)})
	if err == nil {
		err = errors.Join(use(source), source.Close())
	}
	if err != nil {
		w.suite.say("an error in process", err.Error())
	}
	return err
}

// outside is a plugin in a process of its own.
type outside struct {
	suite *suite
	log   *journal // of the last process
}

func (*outside) where() string { return "over the pipe" }

func (w *outside) describe(ctx context.Context) (d host.Description, err error) {
	_, err = w.launch(host.Limits{}, func(p *host.Process) error {
		d, err = p.Describe(ctx)
		return err
	})
	return d, err
}

func (w *outside) judge(ctx context.Context, config json.RawMessage) error {
	_, err := w.launch(host.Limits{}, func(p *host.Process) error { return p.Judge(ctx, config) })
	return err
}

func (w *outside) check(ctx context.Context, in input, on func(sdk.Capability)) error {
	_, err := w.launch(in.limits, func(p *host.Process) error { return p.Check(ctx, in.config, in.secrets, on) })
	return err
}

func (w *outside) harvest(h *harvest, in input) (host.Usage, error) {
	return w.launch(in.limits, func(p *host.Process) error {
		result, err := p.Harvest(h.ctx, host.Request{
			RunID: runID, Config: in.config, Secrets: in.secrets, Checkpoint: in.checkpoint, Changes: in.changes, Watermark: in.watermark,
		}, overPipe{h})
		h.watermark = result.Watermark
		return err
	})
}

// count harvests and keeps nothing.
func (w *outside) count(ctx context.Context, c *counter, in input) (host.Usage, error) {
	return w.launch(in.limits, func(p *host.Process) error {
		_, err := p.Harvest(ctx, host.Request{RunID: runID, Config: in.config, Secrets: in.secrets}, c)
		return err
	})
}

func (w *outside) launch(limits host.Limits, use func(*host.Process) error) (host.Usage, error) {
	w.log = &journal{}
	defer func(log *journal) { w.suite.say("the log of the process", log.String()) }(w.log)
	p, err := host.Launch(w.suite.ctx, w.suite.spec, limits, w.log.logger())
	if err == nil {
		err = use(p)
		err = cmp.Or(err, p.Close())
	}
	if f, ok := errors.AsType[*host.Failure](err); ok {
		w.suite.say("a failure of the process", append([]string{f.Error(), f.Fix}, f.Stderr...)...)
	}
	if p == nil {
		return host.Usage{}, err
	}
	return p.Usage(), err
}

// pipeline gives the way to a process of the plugin's own.
func (s *suite) pipeline() *outside {
	w, _ := s.ways[len(s.ways)-1].(*outside)
	return w
}

// refusal is why a plugin did not do what it was asked.
type refusal struct {
	class               sdk.Class
	field, message, fix string
}

// refusalOf reads an error that says whose fault it is.
func refusalOf(err error) (refusal, bool) {
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return refusal{e.Class, e.Field, e.Message, e.Fix}, true
	}
	if f, ok := errors.AsType[*host.Failure](err); ok {
		return refusal{f.Class, f.Field, f.Message, f.Fix}, true
	}
	return refusal{}, false
}
