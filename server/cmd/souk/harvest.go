package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/harvest"
)

// harvestOnce runs one source in this process. A source that does not exist
// yet is made when --plugin says with what, and kept when it works; one that
// does gets the configuration and the secrets that are given.
func harvestOnce(p *program) *cobra.Command {
	f := p.command("harvest SOURCE", "harvest one source now and wait for the report").withSettings(slices.Concat(storeSettings, pluginSettings)...)
	wanted := harvest.NewSource{Secrets: secretFlag{}}
	f.StringVar(&wanted.Plugin, "plugin", "", "make the source with this `plugin` if there is none")
	domain := f.String("domain", "", "`name` of the domain that the new source belongs to")
	config := f.String("config-json", "{}", "the new source's configuration, as `JSON` or @FILE")
	f.Var(secretFlag(wanted.Secrets), "secret", "`FIELD=REFERENCE`, such as password=env:SOUK_SECRET_DB (may be repeated)")
	full := f.Bool("is-full", false, "read everything, where the plugin would tell only what has changed since the last run")
	asJSON := f.Bool("json", false, "print the run's report as JSON")
	return f.runs(func(ctx context.Context) (err error) {
		p.harden()
		wanted.Name = model.Slug(f.Arg(0))
		if wanted.Config, err = textOrFile("config-json", *config); err != nil {
			return err
		}
		s, err := p.open(ctx, f)
		if err != nil {
			return err
		}
		defer closing(s.Close, &err)
		ctx = model.WithPrincipal(ctx, model.System())
		if err := p.bringUp(ctx, s); err != nil {
			return err
		}
		source, made, err := findOrMake(ctx, s, wanted, model.Slug(*domain), f.Changed("config-json"))
		if err != nil {
			return err
		}
		run, err := s.Harvest.StartAs(ctx, source.ID, "command", harvest.How{Full: *full})
		if err != nil {
			return err
		}
		if run, err = p.watch(ctx, s, run); err != nil {
			return err
		}
		if made {
			if run, err = p.settle(ctx, s, source, run); err != nil {
				return err
			}
		}
		return p.report(run, *asJSON)
	})
}

// settle ends the first harvest of a new source: what it has found and nobody
// has is its domain's, as whoever set it up here has said, so the run's remark
// about it is over; and a source that does not work is not left behind, so that
// the next call sets it up anew. A run that could not read everything has worked.
func (p *program) settle(ctx context.Context, s *server.Server, source model.Source, run model.Run) (model.Run, error) {
	ctx = context.WithoutCancel(ctx)
	if !run.Status.Through() {
		if _, err := s.Harvest.RemoveSource(ctx, source.ID, nil); err != nil {
			return run, err
		}
		fmt.Fprintf(p.stderr, "The new source %s is not kept, since it could not be harvested.\n", source.Name)
		return run, nil
	}
	source, err := s.Harvest.Source(ctx, source.ID) // which now knows where it found something
	if err != nil {
		return run, err
	}
	given, err := s.Catalog.GiveFound(ctx, source)
	for _, n := range given {
		fmt.Fprintln(p.stderr, "Nobody had it, so it is given: "+s.Catalog.Describe(ctx, n))
	}
	if err == nil {
		run.Notes = slices.DeleteFunc(slices.Clone(run.Notes), func(n model.RunNote) bool { return n.Code == catalog.NoOwner })
	}
	return run, err
}

// findOrMake gives the source of the name, with the configuration and secrets
// of this call if it has any, and tells whether it is new.
func findOrMake(ctx context.Context, s *server.Server, wanted harvest.NewSource, domain model.Slug, configured bool) (model.Source, bool, error) {
	source, err := findSource(ctx, s, wanted, domain)
	if model.Is(err, model.KindNotFound) {
		source, err = makeSource(ctx, s, wanted, domain, err)
		return source, true, err
	}
	if err != nil {
		return source, false, err
	}
	if wanted.Plugin != "" && wanted.Plugin != source.Plugin {
		return source, false, model.Invalid("--plugin", "the source "+string(source.Name)+" has the plugin "+source.Plugin, "leave --plugin out, or give the source another name")
	}
	edit := harvest.SourceEdit{ID: source.ID}
	if configured {
		edit.Config = &wanted.Config
	}
	if len(wanted.Secrets) > 0 {
		edit.Secrets = &wanted.Secrets
	}
	if edit.Config != nil || edit.Secrets != nil {
		source, err = s.Harvest.UpdateSource(ctx, edit)
	}
	return source, false, err
}

// findSource finds the source of the name, among those of the domain if one is
// given: sources of several may share a name.
func findSource(ctx context.Context, s *server.Server, wanted harvest.NewSource, domain model.Slug) (model.Source, error) {
	if domain == "" {
		source, err := s.Harvest.SourceByName(ctx, wanted.Name)
		if model.Is(err, model.KindInvalid) {
			err = model.Invalid("--domain", "sources of several domains are called "+string(wanted.Name), "name the one that is meant with --domain NAME")
		}
		return source, err
	}
	owner, err := s.Mesh.DomainByName(ctx, domain)
	if model.Is(err, model.KindNotFound) {
		return model.Source{}, unknownDomain(ctx, s, "--domain", string(domain), err)
	}
	if err != nil {
		return model.Source{}, err
	}
	source, err := s.Harvest.SourceIn(ctx, owner.ID, wanted.Name)
	if _, elsewhere := s.Harvest.SourceByName(ctx, wanted.Name); wanted.Plugin == "" && model.Is(err, model.KindNotFound) && !model.Is(elsewhere, model.KindNotFound) {
		err = model.Invalid("--domain", "the source "+string(wanted.Name)+" belongs to another domain", "leave --domain out; updateSource moves a source")
	}
	return source, err
}

func makeSource(ctx context.Context, s *server.Server, wanted harvest.NewSource, domain model.Slug, unknown error) (model.Source, error) {
	var source model.Source
	if wanted.Plugin == "" {
		return source, unknownSource(ctx, s, string(wanted.Name), unknown)
	}
	if err := knownPlugin(ctx, s, "--plugin", wanted.Plugin); err != nil {
		return source, err
	}
	if domain == "" {
		return source, model.Invalid("--domain", "a new source belongs to a domain", "name one with --domain NAME")
	}
	owner, err := s.Mesh.DomainByName(ctx, domain)
	if model.Is(err, model.KindNotFound) {
		err = unknownDomain(ctx, s, "--domain", string(domain), err)
	}
	if err != nil {
		return source, err
	}
	wanted.DomainID = owner.ID
	return s.Harvest.CreateSource(ctx, wanted)
}

// watch follows the run to its end. Only a terminal gets a moving bar.
func (p *program) watch(ctx context.Context, s *server.Server, run model.Run) (model.Run, error) {
	states, err := s.Harvest.Watch(ctx, run.ID)
	if err != nil {
		return run, err
	}
	out := io.Discard
	if file, ok := p.stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		out = file
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription("harvesting"),
		progressbar.OptionShowCount(), progressbar.OptionSetItsString("assets"), progressbar.OptionClearOnFinish())
	for state := range states {
		run = state
		_ = bar.Set(run.Counts.Assets)
	}
	_ = bar.Finish()
	if ctx.Err() != nil {
		return s.Harvest.Cancel(context.WithoutCancel(ctx), run.ID)
	}
	return s.Harvest.Wait(ctx, run.ID)
}

// report prints how a run ended; a run that did not succeed is a failure of the command.
func (p *program) report(run model.Run, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(p.stdout).Encode(run); err != nil {
			return err
		}
	} else {
		p.printRun(run)
	}
	if !run.Status.Through() {
		return errReported
	}
	return nil
}

func (p *program) printRun(run model.Run) {
	took := time.Duration(0)
	if run.EndedAt != nil {
		took = run.EndedAt.Sub(run.StartedAt)
	}
	c := run.Counts
	fmt.Fprintf(p.stdout, "%s in %s: %s with %s, %s, %s\n", run.Status, took,
		model.Counted(c.Assets, "asset"), model.Counted(c.Fields, "field"), model.Counted(c.Edges, "edge"), model.Counted(c.Quality, "quality rule"))
	if run.Changes {
		fmt.Fprintf(p.stdout, "only what has changed since %s\n", run.ChangesSince.Format(time.RFC3339))
	}
	fmt.Fprintf(p.stdout, "%d created, %d updated, %d unchanged, %d retired\n", c.Created, c.Updated, c.Unchanged, c.Retired)
	for _, n := range run.Notes {
		fmt.Fprintf(p.stdout, "%s %s (%s): %s\n", n.Level, n.Code, model.Counted(n.Count, "time"), n.Title)
		for _, sample := range n.Samples {
			fmt.Fprintf(p.stdout, "    %s\n", sample)
		}
	}
	if run.Failure != nil {
		fmt.Fprintf(p.stdout, "%s fault: %s\n    %s\n", run.Failure.Fault, run.Failure.Message, run.Failure.Fix)
	}
}
