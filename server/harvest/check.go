package harvest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/harvest/form"
	"github.com/souk-mesh/souk/server/harvest/translate"
	"github.com/souk-mesh/souk/server/tracing"
)

// Check tries what a harvest of the source needs, capability by capability. A
// check that could not be made comes back as a failure beside what is known.
func (s *Service) Check(ctx context.Context, sourceID model.ID) ([]model.Capability, *model.Failure, error) {
	in := s.gate.Session()
	source, answer, err := s.administered(ctx, in, sourceID)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.plugins.find(ctx, source.Plugin)
	if err != nil {
		return nil, s.failureOf(ctx, notLaunched(err)), nil
	}
	if _, err := s.store.Apply(ctx, in.Change(ctx, "source.check", source.ID, s.uses(p, source), answer)); err != nil {
		return nil, nil, err
	}
	return s.check(ctx, source)
}

// CheckConfig tries a configuration before there is a source, as if it
// belonged to the domain; "" is the asker's own.
func (s *Service) CheckConfig(ctx context.Context, n NewSource) ([]model.Capability, *model.Failure, error) {
	asker, err := model.PrincipalFrom(ctx)
	if err != nil {
		return nil, nil, err
	}
	source := model.Source{DomainID: cmp.Or(n.DomainID, asker.DomainID), Plugin: n.Plugin, Config: n.Config, Secrets: n.Secrets}
	res, err := s.gate.Source(ctx, source)
	if model.Is(err, model.KindNotFound) {
		err = model.Invalid("domainId", "there is no such domain", "name the domain that the source would belong to")
	}
	if err != nil {
		return nil, nil, err
	}
	in := s.gate.Session()
	answer, err := in.Require(ctx, model.ActSourceAdmin, res)
	if err != nil {
		return nil, nil, err
	}
	reason, vouched, err := s.judge(ctx, in, &source)
	if err != nil {
		return nil, nil, err
	}
	if _, err := s.store.Apply(ctx, in.Change(ctx, "source.check_config", source.DomainID, reason, answer, vouched...)); err != nil {
		return nil, nil, err
	}
	return s.check(ctx, source)
}

// takeTurn waits for its turn to launch a plugin for somebody who waits, and gives
// the end of it.
func (s *Service) takeTurn(ctx context.Context) (func(), error) {
	select {
	case s.checks <- struct{}{}:
		return func() { <-s.checks }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// askPlugin asks the source's plugin what it has against the configuration,
// from its text alone: no secret is resolved, and no folder is open to it.
func (s *Service) askPlugin(ctx context.Context, p *plugin, config json.RawMessage) error {
	end, err := s.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer end()
	err = s.once(ctx, p.spec, s.log, func(ctx context.Context, process *host.Process) error { return process.Judge(ctx, config) })
	f, ok := errors.AsType[*host.Failure](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case ok && f.Fault == host.FaultConfig:
		return form.Wrong(f.Field, clip(s.finder.Strip(f.Message), maxText), clip(s.finder.Strip(f.Fix), maxText))
	}
	return refused(err)
}

func (s *Service) check(ctx context.Context, source model.Source) ([]model.Capability, *model.Failure, error) {
	end, err := s.takeTurn(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer end()
	var found []model.Capability
	err = s.Use(ctx, source, s.log, func(ctx context.Context, p *host.Process, secrets map[string]string) error {
		return p.Check(ctx, source.Config, secrets, func(c sdk.Capability) { found = append(found, translate.Capability(c)) })
	})
	switch {
	case err == nil:
		return found, nil, nil
	case ctx.Err() != nil:
		return found, nil, ctx.Err()
	}
	return found, s.failureOf(ctx, err), nil
}

// Use launches the source's plugin with its secrets for one call, and ends it
// after. What the operator has bound is asked for each time, since it may have
// changed. The error is a *host.Failure, unless it is the call's own.
func (s *Service) Use(ctx context.Context, source model.Source, log *slog.Logger, call func(context.Context, *host.Process, map[string]string) error) error {
	p, err := s.plugins.find(ctx, source.Plugin)
	if err != nil {
		return notLaunched(err)
	}
	if _, err := s.permit(ctx, s.gate.Session(), p, source); model.Is(err, model.KindInvalid) {
		return notLaunched(err)
	} else if err != nil {
		return err
	}
	secrets, missing := s.secrets.Resolve(source.Secrets)
	if missing != nil {
		return &host.Failure{Class: sdk.ClassConfig, Fault: host.FaultConfig, Code: missing.Code, Message: missing.Message, Fix: missing.Fix}
	}
	domain, err := s.gate.DomainName(ctx, source.DomainID)
	if err != nil {
		return err
	}
	spec := p.spec
	spec.Folders = s.foldersOf(p, source, domain)
	return s.once(ctx, spec, log, func(ctx context.Context, process *host.Process) error { return call(ctx, process, secrets) })
}

// once launches a plugin for one call, and ends it after. The call is to be made
// with the context that it is given, which tells the plugin of the trace.
func (s *Service) once(ctx context.Context, spec host.Spec, log *slog.Logger, call func(context.Context, *host.Process) error) (err error) {
	ctx, span := tracing.Start(ctx, "plugin")
	defer func() { span.Plugin(spec.Name).End(err) }()
	ctx = host.WithTrace(ctx, tracing.Headers(ctx))
	process, err := host.Launch(ctx, spec, s.limits, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := process.Close(); err != nil {
			log.WarnContext(ctx, "the plugin left something behind", slog.Any("error", err))
		}
	}()
	return call(ctx, process)
}

// notLaunched is the failure of a source that may not be run as it stands, or
// whose plugin is not there any more.
func notLaunched(err error) error {
	e, ok := errors.AsType[*model.Error](err)
	if !ok {
		return err
	}
	field := cmp.Or(e.Field, "plugin")
	return &host.Failure{Class: sdk.ClassConfig, Fault: host.FaultConfig, Code: e.StableCode(), Field: field, Message: e.Message, Fix: e.Hint, Err: e.Err}
}
