package settings

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
)

// ConfigFlag is the flag that names the settings file.
const ConfigFlag = "config"

// Load joins the defaults, the file, the environment and the flags, each
// winning over those before it. Among the flags only settings count.
func Load(flags *pflag.FlagSet, environ []string) (server.Config, error) {
	cfg := server.Defaults()
	cfg.TraceEndpoint = collector(environ)
	k := koanf.New("\x00") // no name holds one: settings are not nested
	if err := loadFile(k, fileOf(flags, environ)); err != nil {
		return cfg, err
	}
	if k.Exists("secret-env") {
		cfg.SecretEnv = k.Strings("secret-env")
	}
	if err := misspelt(environ, cfg.SecretEnv); err != nil {
		return cfg, err
	}
	if err := k.Load(env.Provider(k.Delim(), env.Opt{Prefix: prefix, EnvironFunc: func() []string { return environ }, TransformFunc: fromVariable}), nil); err != nil {
		return cfg, err
	}
	if err := k.Load(posflag.ProviderWithFlag(flags, k.Delim(), nil, fromFlag), nil); err != nil {
		return cfg, err
	}
	decoding := &mapstructure.DecoderConfig{
		TagName: "yaml", ZeroFields: true, ErrorUnused: true, WeaklyTypedInput: true, Squash: true,
		DecodeHook: mapstructure.TextUnmarshallerHookFunc(),
	}
	if err := k.UnmarshalWithConf("", &cfg, koanf.UnmarshalConf{DecoderConfig: decoding}); err != nil {
		return cfg, misread(err)
	}
	return cfg, cfg.Validate()
}

// collector is the one that OpenTelemetry's own variables name. A setting wins
// over them, as what is said of Souk alone.
func collector(environ []string) string {
	if exact, ok := Lookup(environ, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); ok && exact != "" {
		return exact
	}
	base, _ := Lookup(environ, "OTEL_EXPORTER_OTLP_ENDPOINT")
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/v1/traces"
}

// misread says which value of a flag or a variable cannot be read, and why.
func misread(err error) error {
	value, ok := errors.AsType[*mapstructure.DecodeError](err)
	if !ok {
		return model.Invalid(ConfigFlag, err.Error(), "see souk serve --help")
	}
	name, _, _ := strings.Cut(value.Name(), "[")
	if reason, ok := errors.AsType[*model.Error](err); ok {
		return model.Invalid(name, reason.Message, reason.Hint)
	}
	return model.Invalid(name, "is no whole number", "write it in figures")
}

func fromVariable(variable, value string) (string, any) {
	for _, s := range All() {
		if Variable(s.Name) == variable {
			return s.Name, s.parse(value)
		}
	}
	return "", nil
}

// fromFlag takes a flag over that is a setting and was given.
func fromFlag(f *pflag.Flag) (string, any) {
	all := All()
	i := slices.IndexFunc(all, func(s Setting) bool { return s.Name == f.Name })
	if i < 0 || !f.Changed {
		return "", nil
	}
	return f.Name, all[i].parse(f.Value.String())
}

func fileOf(flags *pflag.FlagSet, environ []string) string {
	if f := flags.Lookup(ConfigFlag); f != nil && f.Value.String() != "" {
		return f.Value.String()
	}
	path, _ := Lookup(environ, Variable(ConfigFlag))
	return path
}

// Lookup finds a variable in an environment.
func Lookup(environ []string, variable string) (string, bool) {
	for _, pair := range slices.Backward(environ) { // the last of a name counts
		if name, value, _ := strings.Cut(pair, "="); name == variable {
			return value, true
		}
	}
	return "", false
}

// misspelt reports a variable of the environment that is no setting but looks
// like one: SOUK_STROE would otherwise be a server on another store. Others
// that begin alike, such as those that Kubernetes makes of a service's name,
// are nobody's mistake.
func misspelt(environ, secrets []string) error {
	known := []string{"CONFIG", "TOKEN"}
	for _, name := range Names() {
		known = append(known, strings.TrimPrefix(Variable(name), prefix))
	}
	for _, pair := range environ {
		variable, _, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(variable, prefix)
		if !ours || slices.Contains(known, name) || isSecret(secrets, variable) {
			continue
		}
		if near := model.Nearest(name, known); near != "" {
			return model.Invalid(variable, "is no setting", "did you mean "+prefix+near+"? unset it otherwise")
		}
	}
	return nil
}

func isSecret(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		beginning, open := strings.CutSuffix(p, "*")
		return p == name || open && strings.HasPrefix(name, beginning)
	})
}
