package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
)

// flags is a set of flags that knows the settings of the server.
type flags struct {
	*flag.FlagSet
	program *program
	file    string
	values  map[string]*string
}

// settings tells the name and meaning of each setting, in the order of --help.
var settings = []struct{ name, usage string }{
	{"listen", "`address` to listen on; port 0 takes a free one (default 127.0.0.1:8080)"},
	{"store", "where the records are: sqlite:PATH or a mongodb:// `URI` (default sqlite:souk.db)"},
	{"policies", "`folder` of Rego policies (default: those built in)"},
	{"plugin-dir", "`folder` of further plugins, each pinned in its plugins.lock"},
	{"secret-env", "comma-separated environment `variables` that sources may name as env:NAME (default SOUK_SECRET_*)"},
	{"secret-dir", "`folder` whose files sources may name as file:PATH (default: none)"},
	{"decision-retention", "how `long` the decision log keeps what policies saw, as 90d, P90D or 2160h (default 90d)"},
	{"public-url", "`address` that clients know the server by (default: the one they ask)"},
	{"bundle-key", "PEM `file` of the EC key that signs bundles for OPA; made when it is missing (default: no bundles)"},
	{"trino-catalogs", "comma-separated `databases` behind Trino's catalogs, as shop=postgres://db.acme.example:5432/shop"},
	{"trino-unknown-tables", "what Trino may do with tables that no product offers: deny, allow (reading) or passthrough (default deny)"},
	{"log-level", "debug, info, warn or error (default info)"},
	{"log-format", "text or json (default text)"},
}

// newFlags begins the flags of a command, which may add its own.
func (p *program) newFlags(name, arguments string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), program: p, values: map[string]*string{}}
	f.SetOutput(p.stderr)
	f.Usage = func() {
		fmt.Fprintf(p.stderr, "Usage: souk %s [FLAGS] %s\n\n", name, arguments)
		f.PrintDefaults()
	}
	return f
}

// withSettings adds the flags of the server's configuration.
func (f *flags) withSettings() *flags {
	f.StringVar(&f.file, "config", "", "YAML `file` with the same names as the flags")
	for _, s := range settings {
		f.values[s.name] = f.String(s.name, "", s.usage)
	}
	return f
}

// span is a flag whose value is a length of time, in the one notation of Souk.
func (f *flags) span(name string, fallback time.Duration, usage string) *time.Duration {
	length := fallback
	f.Func(name, usage, func(text string) (err error) {
		length, err = model.ParseDuration("", text)
		return err
	})
	return &length
}

// parse reads the arguments, flags and others in any order; the flag package
// has already told of an error.
func (f *flags) parse(args []string) error {
	var others []string
	for {
		switch err := f.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return errHelped
		case err != nil:
			return errors.Join(errReported, errUsage)
		}
		if f.NArg() == 0 {
			break
		}
		others, args = append(others, f.Arg(0)), f.Args()[1:]
	}
	return f.Parse(append([]string{"--"}, others...))
}

// config joins the defaults, the file, the environment and the flags.
func (f *flags) config() (server.Config, error) {
	cfg := server.Defaults()
	if err := f.readFile(&cfg); err != nil {
		return cfg, err
	}
	given := map[string]bool{}
	f.Visit(func(g *flag.Flag) { given[g.Name] = true })
	for _, s := range settings {
		value, set := f.program.environ("SOUK_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_")))
		if given[s.name] {
			value, set = *f.values[s.name], true
		}
		if set {
			assign(&cfg, s.name, value)
		}
	}
	return cfg, cfg.Validate()
}

func (f *flags) readFile(cfg *server.Config) error {
	path := f.file
	if path == "" {
		path, _ = f.program.environ("SOUK_CONFIG")
	}
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return model.Invalid("config", "the file cannot be read", err.Error())
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(cfg); err != nil && !errors.Is(err, io.EOF) {
		return model.Invalid("config", path+": "+err.Error(), "its keys are the names of the flags, such as store: sqlite:souk.db")
	}
	return nil
}

func assign(cfg *server.Config, name, value string) {
	switch name {
	case "listen":
		cfg.Listen = value
	case "store":
		cfg.Store = value
	case "policies":
		cfg.Policies = value
	case "plugin-dir":
		cfg.PluginDir = value
	case "secret-env":
		cfg.SecretEnv = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	case "secret-dir":
		cfg.SecretDir = value
	case "decision-retention":
		cfg.Retention = value
	case "public-url":
		cfg.PublicURL = value
	case "bundle-key":
		cfg.BundleKey = value
	case "trino-catalogs":
		cfg.TrinoCatalogs = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	case "trino-unknown-tables":
		cfg.TrinoUnknown = value
	case "log-level":
		cfg.LogLevel = value
	case "log-format":
		cfg.LogFormat = value
	}
}

// logger writes to the program's error output in the configured form.
func (p *program) logger(cfg server.Config) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return nil, model.Invalid("log-level", fmt.Sprintf("no level %q", cfg.LogLevel), "use debug, info, warn or error")
	}
	options := &slog.HandlerOptions{Level: level}
	switch cfg.LogFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(p.stderr, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(p.stderr, options)), nil
	}
	return nil, model.Invalid("log-format", fmt.Sprintf("no format %q", cfg.LogFormat), "use text or json")
}
