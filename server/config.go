package server

import (
	"io/fs"
	"os"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
)

// Config is what an operator can set. Flags, environment and file use the
// same names.
type Config struct {
	Listen    string   `yaml:"listen"`     // host:port; port 0 takes a free one
	Store     string   `yaml:"store"`      // sqlite:PATH or mongodb://...
	Policies  string   `yaml:"policies"`   // folder of Rego files; "" uses those built in
	PluginDir string   `yaml:"plugin-dir"` // folder of foreign plugins and their plugins.lock; "" has none
	SecretEnv []string `yaml:"secret-env"` // environment variables that sources may name, * at the end allowed
	SecretDir string   `yaml:"secret-dir"` // folder whose files sources may name; "" has none
	LogLevel  string   `yaml:"log-level"`  // debug, info, warn or error
	LogFormat string   `yaml:"log-format"` // text or json
}

// Defaults is the configuration of a server started with nothing at hand.
func Defaults() Config {
	return Config{Listen: "127.0.0.1:8080", Store: "sqlite:souk.db", SecretEnv: []string{"SOUK_SECRET_*"}, LogLevel: "info", LogFormat: "text"}
}

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if !strings.HasPrefix(c.Store, sqliteScheme) && !isMongo(c.Store) {
		return model.Invalid("store", "must begin with sqlite:, mongodb:// or mongodb+srv://", "use sqlite:souk.db for an embedded file")
	}
	for field, dir := range map[string]string{"policies": c.Policies, "plugin-dir": c.PluginDir, "secret-dir": c.SecretDir} {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return model.Invalid(field, "is no folder: "+dir, "create it or leave the setting out")
		}
	}
	return nil
}

const sqliteScheme = "sqlite:"

func isMongo(uri string) bool {
	return strings.HasPrefix(uri, "mongodb://") || strings.HasPrefix(uri, "mongodb+srv://")
}

// rego is the tree of policies to load.
func (c Config) rego() fs.FS {
	if c.Policies == "" {
		return policies.Files
	}
	return os.DirFS(c.Policies)
}
