package settings_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/settings"
)

var update = flag.Bool("update", false, "write the table into the manual")

const (
	manual = "../../../../README.md"
	begin  = "<!-- settings: written by go generate -->\n"
	end    = "<!-- end of the settings -->"
)

// TestManual holds the operators' page to the table.
func TestManual(t *testing.T) {
	page, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	got, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the settings, between %q and %q", manual, begin, end)
	}
	want := settings.Manual()
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s tells other settings than the code: go generate ./server/cmd/souk/...\ngot:\n%s\nwant:\n%s", manual, got, want)
	}
	if err := os.WriteFile(manual, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEverySettingIsOne: what the server can be told and what an operator can
// set are the same.
func TestEverySettingIsOne(t *testing.T) {
	var keys []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[server.Config]()) {
		if key := field.Tag.Get("yaml"); key != "-" && key != ",inline" {
			keys = append(keys, key)
		}
	}
	names := settings.Names()
	slices.Sort(keys)
	slices.Sort(names)
	if !slices.Equal(keys, names) {
		t.Errorf("the server has %v\nand an operator %v", keys, names)
	}
}

func load(t *testing.T, file string, environ []string, args ...string) (server.Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags.String(settings.ConfigFlag, "", "")
	for _, s := range settings.All() {
		s.AddFlag(flags)
	}
	if file != "" {
		path := filepath.Join(t.TempDir(), "souk.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return settings.Load(flags, environ)
}

// TestWhoWins: a flag over the environment, and that over the file; a list that
// is given takes the place of the default one, also where it is empty.
func TestWhoWins(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		environ []string
		args    []string
		level   string
		secrets []string
	}{
		"nothing":                {"", nil, nil, "info", []string{"SOUK_SECRET_*"}},
		"an empty file":          {"# nothing\n", nil, nil, "info", []string{"SOUK_SECRET_*"}},
		"the file":               {"log-level: warn\nsecret-env: [A, B]\n", nil, nil, "warn", []string{"A", "B"}},
		"a key without a value":  {"log-level:\nsecret-env:\n", nil, nil, "info", nil},
		"an empty list":          {"secret-env: []\n", nil, nil, "info", nil},
		"the environment":        {"log-level: warn\n", []string{"SOUK_LOG_LEVEL=error", "SOUK_SECRET_ENV=C D,E"}, nil, "error", []string{"C", "D", "E"}},
		"the flag":               {"log-level: warn\nsecret-env: [A, B]\n", []string{"SOUK_LOG_LEVEL=error"}, []string{"--log-level", "debug", "--secret-env", "F"}, "debug", []string{"F"}},
		"a flag that says none":  {"secret-env: [A, B]\n", nil, []string{"--secret-env", ""}, "info", nil},
		"a flag and the default": {"", nil, []string{"--secret-env="}, "info", nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := load(t, c.file, c.environ, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.LogLevel != c.level || !slices.Equal(cfg.SecretEnv, c.secrets) {
				t.Errorf("got %q and %q", cfg.LogLevel, cfg.SecretEnv)
			}
			if cfg.Store != "sqlite:souk.db" {
				t.Errorf("the store is %q", cfg.Store)
			}
		})
	}
}

// TestPathsMayHoldSpaces, for a space is not what parts a list of folders.
func TestPathsMayHoldSpaces(t *testing.T) {
	shop := filepath.Join(t.TempDir(), "the shop")
	if err := os.Mkdir(shop, 0o700); err != nil {
		t.Fatal(err)
	}
	want := []string{"sales=" + shop, "marketing=" + shop}
	cfg, err := load(t, "", []string{"SOUK_SOURCE_FOLDERS=" + strings.Join(want, ", ")})
	if err != nil || !slices.Equal(cfg.Folders, want) {
		t.Errorf("got %q, %v", cfg.Folders, err)
	}
}

// TestLimits are read from each source in the notation of people.
func TestLimits(t *testing.T) {
	file := "query-body: 1MiB\nquery-depth: 5\nquery-time: 90s\nharvest-pauses: [30s, 1d]\nplugin-cpu: 36h\n"
	cfg, err := load(t, file, []string{"SOUK_QUERY_DEPTH=6", "SOUK_PLUGIN_MEMORY=2GiB"}, "--query-time", "PT2M", "--streams", "7")
	if err != nil {
		t.Fatal(err)
	}
	want := server.Defaults().Limits
	want.Body, want.Depth, want.QueryTime, want.PluginMemory, want.Streams = 1<<20, 6, server.Span(2*time.Minute), 2<<30, 7
	want.HarvestPause, want.PluginCPU = []server.Span{server.Span(30 * time.Second), server.Span(24 * time.Hour)}, server.Span(36*time.Hour)
	if diff := cmp.Diff(want, cfg.Limits); diff != "" {
		t.Error(diff)
	}
	if cfg, err = load(t, "", nil, "--harvest-pauses="); err != nil || cfg.HarvestPause == nil || len(cfg.HarvestPause) != 0 {
		t.Errorf("no pauses: %v, %v", cfg.HarvestPause, err)
	}
}

// TestCollector: a setting wins over the variables that OpenTelemetry has for
// every program, and of those the one for traces.
func TestCollector(t *testing.T) {
	every, traces := "OTEL_EXPORTER_OTLP_ENDPOINT=http://every:4318/", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://traces/here"
	for name, c := range map[string]struct {
		file    string
		environ []string
		want    string
	}{
		"none":          {"", nil, ""},
		"every program": {"", []string{every}, "http://every:4318/v1/traces"},
		"traces":        {"", []string{every, traces}, "http://traces/here"},
		"the file":      {"trace-endpoint: http://file\n", []string{traces}, "http://file"},
		"switched off":  {"trace-endpoint: \"\"\n", []string{traces}, ""},
		"our variable":  {"trace-endpoint: http://file\n", []string{traces, "SOUK_TRACE_ENDPOINT=http://ours", "SOUK_TRACE_RATIO=0.25"}, "http://ours"},
	} {
		cfg, err := load(t, c.file, c.environ)
		if err != nil || cfg.TraceEndpoint != c.want {
			t.Errorf("%s: got %q, %v", name, cfg.TraceEndpoint, err)
		}
		if want := server.Ratio(1); name != "our variable" && cfg.TraceRatio != want {
			t.Errorf("%s: the ratio is %v", name, cfg.TraceRatio)
		}
	}
	if cfg, err := load(t, "trace-ratio: 0.01\n", nil); err != nil || cfg.TraceRatio != 0.01 {
		t.Errorf("got %v, %v", cfg.TraceRatio, err)
	}
}

// TestLimitsThatCannotWork name the setting and the remedy, whoever said them.
func TestLimitsThatCannotWork(t *testing.T) {
	for given, want := range map[string]string{
		"--query-depth=many":                    "query-depth: is no whole number",
		"--query-depth=-1":                      "query-depth: must not be negative",
		"--query-body=1MB":                      "query-body: is no size (write it as 128KiB",
		"--query-time=10":                       "query-time: is a number without a unit",
		"--harvest-pauses=1m,soon":              "harvest-pauses: is no duration",
		"--plugin-cpu=10ms":                     "plugin-cpu: is shorter than a second",
		"--trace-ratio=2":                       "trace-ratio: is no number from 0 to 1",
		"--trace-ratio=NaN":                     "trace-ratio: is no number from 0 to 1",
		"--trace-endpoint=collector":            "trace-endpoint: is no address of a collector",
		"--trace-endpoint=http://a:b@collector": "trace-endpoint: is no address of a collector",
		"--introspection=of":                    "introspection: is neither on nor off (did you mean off?",
		"--pprof-listen=0.0.0.0:6060":           "pprof-listen: is no address of this machine alone",
		"--pprof-listen=:6060":                  "pprof-listen: is no address of this machine alone",
		"--pprof-listen=souk.acme:6060":         "pprof-listen: is no address of this machine alone",
	} {
		if _, err := load(t, "", nil, given); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", given, err, want)
		}
	}
	if _, err := load(t, "", []string{"SOUK_STREAMS=x"}); err == nil || !strings.Contains(err.Error(), "streams: is no whole number") {
		t.Errorf("a variable: got %v", err)
	}
	if _, err := load(t, "listen: 127.0.0.1:0\nquery-time: soon\n", nil); err == nil || !strings.Contains(err.Error(), "query-time") && !strings.Contains(err.Error(), "duration") {
		t.Errorf("a key of the file: got %v", err)
	}
}
