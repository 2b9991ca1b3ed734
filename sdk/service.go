package sdk

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/souk-mesh/souk/sdk/internal/report"
	"github.com/souk-mesh/souk/sdk/internal/secret"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// service answers the host for one plugin.
type service struct {
	harvestv1.UnimplementedSourceServer

	plugin Registration
	log    *slog.Logger
}

// Describe tells what the plugin is.
func (s *service) Describe(context.Context, *harvestv1.DescribeRequest) (*harvestv1.DescribeResponse, error) {
	i := s.plugin.Info()
	return &harvestv1.DescribeResponse{
		Name: i.Name, Version: i.Version, Summary: i.Summary, Doc: i.Doc, Emits: i.Emits,
		SchemaJson: s.plugin.Schema(), SecretFields: s.plugin.SecretFields(), Offers: i.Offers,
	}, nil
}

// Judge says what is wrong with a configuration.
func (s *service) Judge(ctx context.Context, req *harvestv1.JudgeRequest) (*harvestv1.JudgeResponse, error) {
	c := s.newCall(req.GetConfigJson(), nil, nil)
	if err := s.plugin.Judge(req.GetConfigJson(), c.log); err != nil {
		return nil, c.status(ctx, err)
	}
	return &harvestv1.JudgeResponse{}, nil
}

// Check streams the capabilities.
func (s *service) Check(req *harvestv1.CheckRequest, stream grpc.ServerStreamingServer[harvestv1.Capability]) error {
	c := s.newCall(req.GetConfigJson(), req.GetSecrets(), req.GetFolders())
	return c.run(stream.Context(), func(source Source) error {
		var sent error
		told := &Report{OnAdd: func(k Capability) {
			out := &harvestv1.Capability{Name: report.Clip(k.Name), Ok: k.OK, Reason: report.Clip(c.secrets.Strike(k.Reason)), Fix: report.Clip(c.secrets.Strike(k.Fix))}
			sent = errors.Join(sent, stream.Send(out))
		}}
		return errors.Join(source.Check(stream.Context(), told), sent)
	})
}

// Harvest streams the records.
func (s *service) Harvest(req *harvestv1.HarvestRequest, stream grpc.ServerStreamingServer[harvestv1.HarvestEvent]) error {
	c := s.newCall(req.GetConfigJson(), req.GetSecrets(), req.GetFolders())
	return c.run(stream.Context(), func(source Source) error {
		out := newSink(stream.Context(), c.secrets, stream.Send)
		defer out.close()
		if err := c.changes(withAlive(stream.Context(), out.live), source, req, out); err != nil {
			return err
		}
		return out.finish()
	})
}

// call is one call that opens the source, with its configuration.
type call struct {
	plugin  Registration
	config  []byte
	given   map[string]string
	files   Files
	secrets secret.Set
	log     *slog.Logger
}

func (s *service) newCall(config []byte, given map[string]string, folders []string) *call {
	set := s.plugin.secretSet(config, given)
	return &call{plugin: s.plugin, config: config, given: given, files: NewFiles(folders...), secrets: set, log: slog.New(striking{s.log.Handler(), set})}
}

func (c *call) run(ctx context.Context, use func(Source) error) error {
	return c.status(ctx, guard(c.log, func() (err error) {
		source, err := c.plugin.Open(ctx, c.config, c.given, Env{Log: c.log, Files: c.files})
		if err != nil {
			return err
		}
		defer c.close(ctx, source)
		return use(source)
	}))
}

// closePatience is how long a source may take to close. What it has found is
// found, and the host ends the process in any case.
const closePatience = 5 * time.Second

// close closes the source. That it does not close well is for the log alone.
func (c *call) close(ctx context.Context, source Source) {
	closed := make(chan error, 1)
	go func() { closed <- guard(c.log, source.Close) }()
	select {
	case err := <-closed:
		if err != nil {
			c.log.WarnContext(ctx, "the source did not close", slog.String("cause", err.Error()))
		}
	case <-time.After(closePatience):
		c.log.WarnContext(ctx, "the source did not close", slog.String("cause", "it took longer than "+closePatience.String()))
	}
}

// status gives the error the shape in which it travels.
func (c *call) status(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Class: ClassInternal, Code: "internal", Message: err.Error(), Fix: "report it to the author of the plugin with the log of the run"}
	}
	logCause(ctx, c.log, e)
	detail := &harvestv1.Failure{
		Class: string(e.Class), Code: report.Clip(e.Code), Field: report.Clip(e.Field),
		Message: report.Clip(c.secrets.Strike(e.Message)), Fix: report.Clip(c.secrets.Strike(e.Fix)), RetryAfterMs: e.RetryAfter.Milliseconds(),
	}
	full, err := status.New(codes.Aborted, "the plugin reports a failure").WithDetails(detail)
	if err != nil {
		return status.Error(codes.Internal, "the plugin cannot report its failure")
	}
	return full.Err()
}
