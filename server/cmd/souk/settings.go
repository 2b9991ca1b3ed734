package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
)

// flags is a set of flags that knows the settings of the server.
type flags struct {
	*flag.FlagSet
	program   *program
	arguments string // what stands beside the flags, in capitals, and in brackets what may be left out
	file      string
	values    map[string]*string // of the settings that the command uses
}

// settings tells the name and meaning of each setting, in the order of --help.
var settings = []struct{ name, usage string }{
	{"listen", "`address` to listen on; port 0 takes a free one (default 127.0.0.1:8080)"},
	{"store", "where the records are: sqlite:PATH or a mongodb:// `URI` (default sqlite:souk.db)"},
	{"policies", "`folder` of Rego policies (default: those built in)"},
	{"plugin-dir", "`folder` of further plugins, each pinned in its plugins.lock"},
	{"plugin-user", "`user` of this machine that plugins run as, or UID:GID; the server must be root (default: the server's own user)"},
	{"secret-env", "comma-separated environment `variables` that sources may name as env:NAME (default SOUK_SECRET_*)"},
	{"secret-dir", "`folder` whose files sources may name as file:PATH (default: none)"},
	{"secret-bindings", "comma-separated `bindings` of secrets to domains and hosts, as env:SOUK_SECRET_SHOP=sales@db.acme.example:5432 (default: administrators alone use secrets)"},
	{"source-folders", "comma-separated `folders` below which the sources of a domain may read files, as sales=/srv/sales (default: none)"},
	{"decision-retention", "how `long` the decision log keeps what policies saw, as 90d, P90D or 2160h (default 90d)"},
	{"public-url", "`address` that clients know the server by (default: the one they ask)"},
	{"bundle-key", "PEM `file` of the EC key that signs bundles for OPA; made when it is missing (default: no bundles)"},
	{"trino-catalogs", "comma-separated `databases` behind Trino's catalogs, as shop=postgres://db.acme.example:5432/shop"},
	{"trino-unknown-tables", "what Trino may do with tables that no product offers: deny, allow (reading) or passthrough (default deny)"},
	{"log-level", "debug, info, warn or error (default info)"},
	{"log-format", "text or json (default text)"},
}

// The settings of commands that open the store, and of those that run plugins.
var (
	storeSettings  = []string{"store", "policies", "log-level", "log-format"}
	pluginSettings = []string{"plugin-dir", "plugin-user", "secret-env", "secret-dir", "secret-bindings", "source-folders"}
)

// newFlags begins the flags of a command, which may add its own.
func (p *program) newFlags(name, arguments string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), program: p, arguments: arguments, values: map[string]*string{}}
	f.SetOutput(io.Discard) // what it would say, parse says
	f.Usage = func() {}
	return f
}

// withSettings adds flags for the settings that the command uses: those named,
// or all. The file and the environment are read for all of them.
func (f *flags) withSettings(names ...string) *flags {
	f.StringVar(&f.file, "config", "", "YAML `file` with the same names as the flags")
	for _, s := range settings {
		if len(names) == 0 || slices.Contains(names, s.name) {
			f.values[s.name] = f.String(s.name, "", s.usage)
		}
	}
	return f
}

// parse reads the arguments, flags and others in any order. What names nothing
// is an error that says what was meant.
func (f *flags) parse(args []string) error {
	var others []string
	for {
		switch err := f.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			f.help(f.program.stdout)
			return errHelped
		case err != nil:
			return f.misread(err)
		}
		if f.NArg() == 0 {
			break
		}
		others, args = append(others, f.Arg(0)), f.Args()[1:]
	}
	if err := f.count(others); err != nil {
		return err
	}
	return f.Parse(append([]string{"--"}, others...))
}

// misread says in plain words what the flag package could not read.
func (f *flags) misread(err error) error {
	text := err.Error()
	seeHelp := "see souk " + f.Name() + " --help"
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		f.VisitAll(func(g *flag.Flag) { names = append(names, g.Name) })
		near := model.Nearest(name, names)
		if near != "" {
			near = "did you mean --" + near + "?"
		}
		return misused("--"+name, "there is no such flag", hints(near, seeHelp))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return misused("--"+name, "wants a value", seeHelp)
	}
	if _, rest, ok := strings.Cut(text, " for flag -"); ok {
		name, cause, _ := strings.Cut(rest, ": ")
		return misused("--"+name, cause, seeHelp)
	}
	return misused("", text, seeHelp)
}

// count reports arguments that are missing, and those that are too many.
func (f *flags) count(others []string) error {
	words := strings.Fields(f.arguments)
	for i, word := range words {
		if i >= len(others) && !strings.HasPrefix(word, "[") {
			return misused("", "wants one "+strings.ToLower(strings.ReplaceAll(word, "-", " ")), "see souk "+f.Name()+" --help")
		}
	}
	if len(others) <= len(words) {
		return nil
	}
	takes := "takes no arguments"
	if len(words) > 0 {
		takes = "takes " + f.arguments + " and nothing more"
	}
	return misused("", fmt.Sprintf("%q is one too many: souk %s %s", others[len(words)], f.Name(), takes), "see souk "+f.Name()+" --help")
}

// config joins the defaults, the file, the environment and the flags.
func (f *flags) config() (server.Config, error) {
	cfg := server.Defaults()
	if err := f.readFile(&cfg); err != nil {
		return cfg, err
	}
	if err := f.program.misspelt(cfg.SecretEnv); err != nil {
		return cfg, err
	}
	given := map[string]bool{}
	f.Visit(func(g *flag.Flag) { given[g.Name] = true })
	for _, s := range settings {
		value, set := f.program.environ(variable(s.name))
		if flag := f.values[s.name]; flag != nil && given[s.name] {
			value, set = *flag, true
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
	text, err := os.ReadFile(path) //nolint:gosec // the file that the person at the command line names
	if err != nil {
		return model.Invalid("config", "the file cannot be read", err.Error())
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(cfg); err != nil && !errors.Is(err, io.EOF) {
		return unreadable(path, err)
	}
	return nil
}

// unreadable says what is wrong with the settings file, in its own words.
func unreadable(path string, err error) error {
	text := strings.NewReplacer("yaml: unmarshal errors:\n  ", "", "yaml: ", "", "\n  ", "; ").Replace(err.Error())
	hint := "its keys are the names of the flags, such as store: sqlite:souk.db"
	if found := unknownKey.FindStringSubmatch(text); found != nil {
		text = strings.Replace(text, found[0], fmt.Sprintf("there is no setting %q", found[1]), 1)
		if near := model.Nearest(found[1], settingNames()); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
	}
	return model.Invalid("config", path+": "+text, hint)
}

var unknownKey = regexp.MustCompile(`field (\S+) not found in type \S+`)

func settingNames() []string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.name
	}
	return names
}

// variable is the environment variable of a setting.
func variable(name string) string {
	return "SOUK_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// misspelt reports a variable of the environment that is no setting but looks
// like one: SOUK_STROE would otherwise be a server on another store. Others
// that begin alike, such as those that Kubernetes makes of a service's name,
// are nobody's mistake.
func (p *program) misspelt(secrets []string) error {
	known := []string{"CONFIG", "TOKEN"}
	for _, s := range settings {
		known = append(known, strings.TrimPrefix(variable(s.name), "SOUK_"))
	}
	for _, pair := range p.environment() {
		variable, _, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(variable, "SOUK_")
		if !ours || slices.Contains(known, name) || isSecret(secrets, variable) {
			continue
		}
		if near := model.Nearest(name, known); near != "" {
			return model.Invalid(variable, "is no setting", "did you mean SOUK_"+near+"? unset it otherwise")
		}
	}
	return nil
}

func isSecret(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, open := strings.CutSuffix(p, "*")
		return p == name || open && strings.HasPrefix(name, prefix)
	})
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
	case "plugin-user":
		cfg.PluginUser = value
	case "secret-env":
		cfg.SecretEnv = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	case "secret-dir":
		cfg.SecretDir = value
	case "secret-bindings":
		cfg.Bindings = list(value)
	case "source-folders":
		cfg.Folders = list(value)
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

// list takes a list apart at its commas; a space may be part of a path.
func list(value string) []string {
	var parts []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// logger writes to the program's error output in the configured form.
func (p *program) logger(cfg server.Config) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return nil, model.Invalid("log-level", fmt.Sprintf("no level %q", cfg.LogLevel), model.DidYouMean(cfg.LogLevel, []string{"debug", "info", "warn", "error"}))
	}
	options := &slog.HandlerOptions{Level: level}
	switch cfg.LogFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(p.stderr, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(p.stderr, options)), nil
	}
	return nil, model.Invalid("log-format", fmt.Sprintf("no format %q", cfg.LogFormat), model.DidYouMean(cfg.LogFormat, []string{"text", "json"}))
}
