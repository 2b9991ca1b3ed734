package harvest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/store"
)

// Check tries what a harvest of the source needs, capability by capability. A
// check that could not be made comes back as a failure beside what is known.
func (s *Service) Check(ctx context.Context, sourceID model.ID) ([]model.Capability, *model.Failure, error) {
	source, err := store.Sources.Get(ctx, s.store, sourceID)
	if err != nil {
		return nil, nil, err
	}
	answer, err := s.mayAdminister(ctx, source)
	if err != nil {
		return nil, nil, err
	}
	if _, err := s.store.Apply(ctx, s.gate.Change(ctx, "source.check", source.ID, "", answer)); err != nil {
		return nil, nil, err
	}
	return s.check(ctx, source.Plugin, source.Config, source.Secrets)
}

// CheckConfig tries a configuration before there is a source. The right to do
// so is asked for as if the source belonged to the asker's own domain.
func (s *Service) CheckConfig(ctx context.Context, plugin string, config json.RawMessage, secrets map[string]model.SecretRef) ([]model.Capability, *model.Failure, error) {
	asker, err := model.PrincipalFrom(ctx)
	if err != nil {
		return nil, nil, err
	}
	res, err := s.gate.Source(ctx, model.Source{DomainID: asker.DomainID})
	if err != nil {
		return nil, nil, err
	}
	if _, err := s.gate.Require(ctx, model.ActSourceAdmin, res); err != nil {
		return nil, nil, err
	}
	kept, err := s.judge(ctx, plugin, config, secrets)
	if err != nil {
		return nil, nil, err
	}
	return s.check(ctx, plugin, kept, secrets)
}

func (s *Service) check(ctx context.Context, name string, config json.RawMessage, refs map[string]model.SecretRef) ([]model.Capability, *model.Failure, error) {
	select {
	case s.checks <- struct{}{}:
		defer func() { <-s.checks }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	var found []model.Capability
	err := s.use(ctx, name, refs, s.log, func(p *host.Process, secrets map[string]string) error {
		return p.Check(ctx, config, secrets, func(c sdk.Capability) { found = append(found, capability(c)) })
	})
	switch {
	case err == nil:
		return found, nil, nil
	case ctx.Err() != nil:
		return found, nil, ctx.Err()
	}
	return found, s.failureOf(ctx, err), nil
}

// use launches the plugin with its secrets for one call, and ends it after. The
// error is a *host.Failure, unless it is the call's own.
func (s *Service) use(ctx context.Context, name string, refs map[string]model.SecretRef, log *slog.Logger, call func(*host.Process, map[string]string) error) error {
	p, err := s.plugins.find(ctx, name)
	if err != nil {
		return notLaunched(err)
	}
	secrets, missing := s.vault.resolve(refs)
	if missing != nil {
		return &host.Failure{Class: sdk.ClassConfig, Fault: host.FaultConfig, Code: missing.Code, Message: missing.Message, Fix: missing.Fix}
	}
	process, err := host.Launch(ctx, p.spec, s.limits, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := process.Close(); err != nil {
			log.WarnContext(ctx, "the plugin left something behind", slog.Any("error", err))
		}
	}()
	return call(process, secrets)
}

// notLaunched is the failure of a source whose plugin is not there any more.
func notLaunched(err error) error {
	e, ok := errors.AsType[*model.Error](err)
	if !ok {
		return err
	}
	return &host.Failure{Class: sdk.ClassConfig, Fault: host.FaultConfig, Code: e.StableCode(), Field: "plugin", Message: e.Message, Fix: e.Hint, Err: e.Err}
}
