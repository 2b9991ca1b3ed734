package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/plugins"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/harvest"
)

// servePlugin is the first argument of this binary when the host re-executes
// it as a bundled plugin. It is no command for people.
const servePlugin = "plugin-serve"

func runPlugin(args []string) int {
	if len(args) == 1 {
		if r, ok := plugins.ByName(args[0]); ok {
			sdk.Serve(r)
			return 0
		}
	}
	fmt.Fprintln(os.Stderr, "souk plugin-serve: no such plugin")
	return 2
}

func pluginList(p *program) *cobra.Command {
	f := p.command("list", "list the plugins that are there, with their versions").withSettings("plugin-dir", "log-level", "log-format")
	return f.runs(func(ctx context.Context) (err error) {
		p.harden()
		s, err := p.openEphemeral(ctx, f)
		if err != nil {
			return err
		}
		defer closing(s.Close, &err)
		return p.listPlugins(s.Harvest.Plugins(model.WithPrincipal(ctx, model.System())))
	})
}

func pluginCheck(p *program) *cobra.Command {
	f := p.command("check PLUGIN", "check a source's configuration with a plugin, and store nothing").withSettings(append(pluginSettings, "log-level", "log-format")...)
	config := f.String("config-json", "{}", "the source's configuration, as `JSON` or @FILE")
	secrets := secretFlag{}
	f.Var(secrets, "secret", "`FIELD=REFERENCE`, such as password=env:SOUK_SECRET_DB (may be repeated)")
	return f.runs(func(ctx context.Context) (err error) {
		p.harden()
		text, err := textOrFile("config-json", *config)
		if err != nil {
			return err
		}
		s, err := p.openEphemeral(ctx, f)
		if err != nil {
			return err
		}
		defer closing(s.Close, &err)
		ctx = model.WithPrincipal(ctx, model.System())
		if err := knownPlugin(ctx, s, "PLUGIN", f.Arg(0)); err != nil {
			return err
		}
		capabilities, failure, err := s.Harvest.CheckConfig(ctx, harvest.NewSource{Plugin: f.Arg(0), Config: text, Secrets: secrets})
		if err != nil {
			return err
		}
		return p.printCheck(capabilities, failure)
	})
}

// openEphemeral opens a server on a store of its own that is forgotten, so
// that a command works beside a running server.
func (p *program) openEphemeral(ctx context.Context, f *flags) (*server.Server, error) {
	cfg, err := f.config()
	if err != nil {
		return nil, err
	}
	cfg.Store = "sqlite::memory:"
	return p.openWith(ctx, cfg)
}

func (p *program) listPlugins(infos []model.PluginInfo) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tVERSION\tFROM\tSUMMARY")
	for _, info := range infos {
		from := "souk"
		if !info.Bundled {
			from = "folder"
			if !info.Trusted {
				from = "folder, not trusted"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", info.Name, info.Version, from, info.Summary)
	}
	return w.Flush()
}

func (p *program) printCheck(capabilities []model.Capability, failure *model.Failure) error {
	failed := failure != nil
	for _, c := range capabilities {
		if c.OK {
			fmt.Fprintf(p.stdout, "ok      %s\n", c.Name)
			continue
		}
		failed = true
		fmt.Fprintf(p.stdout, "FAILED  %s: %s\n        %s\n", c.Name, c.Reason, c.Fix)
	}
	if failure != nil {
		fmt.Fprintf(p.stdout, "FAILED  %s\n        %s\n", failure.Message, failure.Fix)
	}
	if failed {
		return errReported
	}
	return nil
}

// secretFlag collects repeated FIELD=REFERENCE arguments.
type secretFlag map[string]model.SecretRef

func (s secretFlag) String() string { return "" }

// Type is what a value of it is called.
func (s secretFlag) Type() string { return "FIELD=REFERENCE" }

func (s secretFlag) Set(text string) error {
	field, ref, ok := strings.Cut(text, "=")
	if !ok || field == "" || ref == "" {
		return errors.New("want FIELD=REFERENCE, such as password=env:SOUK_SECRET_DB")
	}
	s[field] = model.SecretRef(ref)
	return nil
}

// textOrFile gives the argument itself, or the content of the file that it
// names after an @.
func textOrFile(field, text string) (json.RawMessage, error) {
	path, isFile := strings.CutPrefix(text, "@")
	if !isFile {
		return json.RawMessage(text), nil
	}
	content, err := os.ReadFile(path) //nolint:gosec // the file that the person at the command line names
	if err != nil {
		return nil, model.Invalid(field, "the file cannot be read", err.Error())
	}
	return content, nil
}
