package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/conformance"
	"github.com/souk-mesh/souk/sdk/host"
)

// pluginTest judges a program that speaks the wire.
func pluginTest(p *program) *cobra.Command {
	f := p.command("test PROGRAM", "hold a plugin that you write, in any language, to the rules that every plugin keeps")
	f.cmd.Long = "PROGRAM is started as it is, without a lock: that you name it is the trust. What the suite needs to know of\n" +
		"your source stands in " + conformance.FixtureFile + " beside it, or in the file of --fixture; sdk/README.md describes it."
	o := suiteOptions{secrets: secretFlag{}}
	f.StringVar(&o.fixture, "fixture", "", "`file` with what the suite needs to know (default "+conformance.FixtureFile+" beside the program)")
	f.StringVar(&o.interpreter, "interpreter", "", "the `program` that runs a plugin that is a folder (default the python3 of the PATH)")
	f.StringVar(&o.entry, "entry", "main.py", "the `file` of such a folder that is run")
	f.StringVar(&o.config, "config", "", "the configuration of a source that answers, as `JSON` or @FILE")
	f.Var(o.secrets, "secret", "`FIELD=REFERENCE`, such as password=env:DB_PASSWORD or password=file:PATH (may be repeated)")
	f.StringArrayVar(&o.bad, "bad-config", nil, "`CLASS[:FIELD]=JSON`, a configuration that has to be refused, such as 'config:path={}' (may be repeated)")
	f.StringVar(&o.golden, "golden", "", "`file` of the records that have to come out")
	f.BoolVar(&o.update, "update", false, "write the golden file instead of comparing it")
	f.StringVar(&o.previous, "previous", "", "the badge `file` of the last release, with which this one has to be compatible")
	f.IntVar(&o.kills, "kills", 0, "how many times the harvest is killed and taken up again (default 20)")
	f.IntVar(&o.scale, "scale", 0, "how many objects the large source has (default 20000)")
	f.StringArrayVar(&o.only, "case", nil, "judge this `case` alone (may be repeated)")
	f.BoolVar(&o.badge, "badge", false, "write the result beside the program, as PROGRAM.badge.json")
	return f.runs(func(ctx context.Context) error {
		p.harden()
		return p.judgePlugin(ctx, f.Arg(0), o)
	})
}

type suiteOptions struct {
	fixture, config, golden, previous, interpreter, entry string

	bad, only     []string
	secrets       secretFlag
	kills, scale  int
	update, badge bool
}

func (p *program) judgePlugin(ctx context.Context, path string, o suiteOptions) error {
	spec, err := o.program(ctx, path)
	if err != nil {
		return asInvalid(err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	fixture, done, err := o.read(path)
	if err != nil {
		return model.Invalid("fixture", err.Error(), "sdk/README.md says what stands in it")
	}
	defer done()
	badge := conformance.Report(ctx, spec, fixture)
	p.printVerdicts(badge)
	if o.badge {
		file := path + ".badge.json"
		if err := badge.Write(file); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "wrote %s\n", file)
	}
	if !badge.Passed {
		return errReported
	}
	return nil
}

// program is what stands at the path: an executable, or a folder that an interpreter runs.
func (o suiteOptions) program(ctx context.Context, path string) (host.Spec, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return host.ProgramAt(path)
	}
	interpreter := o.interpreter
	if interpreter == "" {
		// The one of the PATH may be a script that looks for the one that is meant.
		out, err := exec.CommandContext(ctx, "python3", "-c", "import sys; print(sys.executable)").Output()
		if err != nil {
			return host.Spec{}, model.Invalid("interpreter", "there is no python3 in the PATH", "name the program that runs the plugin")
		}
		interpreter = strings.TrimSpace(string(out))
	}
	return host.FolderAt(path, o.entry, interpreter, "-B", "-s")
}

// asInvalid gives a failure of the host with its remedy.
func asInvalid(err error) error {
	if f, ok := errors.AsType[*host.Failure](err); ok {
		return model.Invalid(f.Field, f.Message, f.Fix)
	}
	return err
}

// read gives the fixture of the file with what the flags say otherwise.
func (o suiteOptions) read(judged string) (f conformance.Fixture, done func(), err error) {
	done = func() {}
	file := o.fixture
	if file == "" {
		file = filepath.Join(filepath.Dir(judged), conformance.FixtureFile)
	}
	if _, missing := os.Stat(file); o.fixture != "" || !errors.Is(missing, fs.ErrNotExist) {
		if f, done, err = conformance.ReadFixture(file); err != nil {
			return f, nil, err
		}
	}
	if err := o.apply(&f); err != nil {
		done()
		return f, nil, err
	}
	return f, done, nil
}

func (o suiteOptions) apply(f *conformance.Fixture) (err error) {
	if o.config != "" {
		if f.Config, err = textOrFile("config", o.config); err != nil {
			return err
		}
	}
	if len(o.secrets) > 0 {
		references := map[string]string{}
		for field, reference := range o.secrets {
			references[field] = string(reference)
		}
		if f.Secrets, err = conformance.Secrets(references, "."); err != nil {
			return err
		}
	}
	for _, text := range o.bad {
		bad, err := badConfig(text)
		if err != nil {
			return err
		}
		f.BadConfigs = append(f.BadConfigs, bad)
	}
	if o.golden != "" {
		f.Golden = o.golden
	}
	if o.previous != "" {
		badge, err := conformance.ReadBadge(o.previous)
		if err != nil {
			return err
		}
		f.Previous = badge.Description()
	}
	if o.kills > 0 {
		f.Kills = o.kills
	}
	if o.scale > 0 && f.Scale != nil {
		f.Scale.Many = o.scale
	}
	f.Update, f.Only = o.update, o.only
	return nil
}

// badConfig reads CLASS[:FIELD]=JSON.
func badConfig(text string) (conformance.BadConfig, error) {
	head, config, ok := strings.Cut(text, "=")
	class, field, _ := strings.Cut(head, ":")
	if !ok || !json.Valid([]byte(config)) {
		return conformance.BadConfig{}, fmt.Errorf("--bad-config %q: write CLASS[:FIELD]=JSON, such as 'config:path={}'", text)
	}
	return conformance.BadConfig{Name: text, Config: json.RawMessage(config), Class: sdk.Class(class), Field: field}, nil
}

func (p *program) printVerdicts(b *conformance.Badge) {
	passed, failed, skipped := 0, 0, 0
	for _, v := range b.Cases {
		switch {
		case len(v.Problems) > 0:
			failed++
			fmt.Fprintf(p.stdout, "FAILED  %s\n", v.Case)
			for _, problem := range v.Problems {
				fmt.Fprintf(p.stdout, "        %s\n", strings.ReplaceAll(problem, "\n", "\n        "))
			}
		case v.Skipped != "":
			skipped++
			fmt.Fprintf(p.stdout, "skipped %s: %s\n", v.Case, v.Skipped)
		default:
			passed++
			fmt.Fprintf(p.stdout, "ok      %s\n", v.Case)
		}
	}
	fmt.Fprintf(p.stdout, "\n%s %s: %d passed, %d failed, %d skipped\n", b.Plugin, b.Version, passed, failed, skipped)
}
