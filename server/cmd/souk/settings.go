package main

import (
	"fmt"
	"log/slog"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/settings"
)

// The settings of commands that open the store, and of those that run plugins.
var (
	storeSettings  = []string{"store", "policies", "log-level", "log-format"}
	pluginSettings = []string{
		"plugin-dir", "plugin-user", "secret-env", "secret-dir", "secret-bindings", "source-folders",
		"plugin-start", "plugin-check", "plugin-idle", "plugin-time", "plugin-memory", "plugin-cpu", "plugin-records", "plugin-log-lines",
	}
)

// config joins the defaults, the file, the environment and the flags.
func (f *flags) config() (server.Config, error) {
	return settings.Load(f.FlagSet, f.program.environment())
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
