package server

import (
	"cmp"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/doors/trino"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
)

// Config is what an operator can set. Flags, environment and file use the
// same names.
type Config struct {
	Listen     string   `yaml:"listen"`             // host:port; port 0 takes a free one
	Store      string   `yaml:"store"`              // sqlite:PATH or mongodb://...
	Policies   string   `yaml:"policies"`           // folder of Rego files; "" uses those built in
	PluginDir  string   `yaml:"plugin-dir"`         // folder of foreign plugins and their plugins.lock; "" has none
	PluginUser string   `yaml:"plugin-user"`        // user that plugins run as, or UID:GID; "" is the server's own
	SecretEnv  []string `yaml:"secret-env"`         // environment variables that sources may name, * at the end allowed
	SecretDir  string   `yaml:"secret-dir"`         // folder whose files sources may name; "" has none
	Bindings   []string `yaml:"secret-bindings"`    // which secrets a domain may show to which hosts: REFERENCE=DOMAIN@HOST:PORT
	Folders    []string `yaml:"source-folders"`     // below which the sources of a domain may read files: DOMAIN=FOLDER
	Retention  string   `yaml:"decision-retention"` // how long the decision log keeps inputs: 90d, P90D or 2160h
	LogLevel   string   `yaml:"log-level"`          // debug, info, warn or error
	LogFormat  string   `yaml:"log-format"`         // text or json

	Introspection string `yaml:"introspection"` // on, or off to hide the schema even from those who are signed in
	PprofListen   string `yaml:"pprof-listen"`  // loopback host:port of Go's profiles; "" serves none

	TraceEndpoint string `yaml:"trace-endpoint"` // address of a collector that takes OTLP over HTTP; "" traces nothing
	TraceRatio    Ratio  `yaml:"trace-ratio"`    // of the traces that begin here

	Limits `yaml:",inline"`

	Mode store.Mode `yaml:"-"` // what opening the store may do; only a server that serves makes one

	PolicyChild []string `yaml:"-"` // the command that tries rules of strangers in a process of its own; without one they are tried in this one

	SearchFile string `yaml:"search-file"` // where the search index is kept; "" is beside the SQLite store, and none with MongoDB

	PublicURL     string   `yaml:"public-url"`           // the address that clients use; "" is the one of their request
	BundleKey     string   `yaml:"bundle-key"`           // PEM file of the EC key that signs bundles, made when missing; "" serves none
	TrinoCatalogs []string `yaml:"trino-catalogs"`       // which database is behind a catalog: NAME=NAMESPACE/DATABASE
	TrinoUnknown  string   `yaml:"trino-unknown-tables"` // deny, allow or passthrough
}

// Defaults is the configuration of a server started with nothing at hand.
func Defaults() Config {
	return Config{
		Listen: "127.0.0.1:8080", Store: "sqlite:souk.db", SecretEnv: []string{"SOUK_SECRET_*"}, Retention: "90d", LogLevel: "info", LogFormat: "text",
		Introspection: "on", TraceRatio: 1, Limits: defaultLimits(),
	}
}

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if !strings.HasPrefix(c.Store, sqliteScheme) && !isMongo(c.Store) {
		return model.Invalid("store", "must begin with sqlite:, mongodb:// or mongodb+srv://", "use sqlite:souk.db for an embedded file")
	}
	if _, err := c.retention(); err != nil {
		return err
	}
	if err := c.validate(); err != nil {
		return err
	}
	if c.Introspection != "" && c.Introspection != "on" && c.Introspection != "off" {
		return model.Invalid("introspection", "is neither on nor off", model.DidYouMean(c.Introspection, []string{"on", "off"}))
	}
	if err := c.loopback(); err != nil {
		return err
	}
	if err := c.traces(); err != nil {
		return err
	}
	if _, err := harvest.ParseBindings(c.Bindings); err != nil {
		return err
	}
	if _, err := harvest.ParseFolders(c.Folders); err != nil {
		return err
	}
	if err := c.unknownTables().Validate(); err != nil {
		return err
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "https" && u.Scheme != "http")) {
		return model.Invalid("public-url", "is no address of a server", "use one such as https://souk.acme.example")
	}
	if info, err := os.Stat(filepath.Dir(c.SearchFile)); c.SearchFile != "" && (err != nil || !info.IsDir()) {
		return model.Invalid("search-file", "is in no folder: "+c.SearchFile, "create the folder, or leave the setting out")
	}
	for _, folder := range []struct{ field, path string }{{"policies", c.Policies}, {"plugin-dir", c.PluginDir}, {"secret-dir", c.SecretDir}} {
		if folder.path == "" {
			continue
		}
		if info, err := os.Stat(folder.path); err != nil || !info.IsDir() {
			return model.Invalid(folder.field, "is no folder: "+folder.path, "create it or leave the setting out")
		}
	}
	return nil
}

// own lists patterns of the files that the server itself keeps.
func (c Config) own() []string {
	files := []string{literal(c.BundleKey)}
	if path, ok := strings.CutPrefix(c.Store, sqliteScheme); ok {
		for _, name := range []string{path, beside(path, "-decisions")} {
			files = append(files, literal(name)+"*", literal(name)+"*/*")
		}
	}
	if file := c.searchFile(); file != "" {
		files = append(files, literal(file)+"*")
	}
	return files
}

// searchFile is where the search index is kept; "" is nowhere.
func (c Config) searchFile() string {
	path, ok := strings.CutPrefix(c.Store, sqliteScheme)
	switch {
	case c.SearchFile == "none", c.SearchFile == "" && path == ":memory:":
		return ""
	case c.SearchFile == "" && ok:
		return beside(path, "-search")
	}
	return c.SearchFile
}

// beside names what belongs to the file of a store.
func beside(path, end string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + end }

// literal keeps what would be a sign of a pattern.
func literal(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

const sqliteScheme = "sqlite:"

func isMongo(uri string) bool {
	return strings.HasPrefix(uri, "mongodb://") || strings.HasPrefix(uri, "mongodb+srv://")
}

// unknownTables is what becomes of Trino's tables that no product offers.
func (c Config) unknownTables() trino.Unknown {
	return trino.Unknown(cmp.Or(c.TrinoUnknown, string(trino.Deny)))
}

// rego is the tree of policies to load.
func (c Config) rego() fs.FS {
	if c.Policies == "" {
		return policies.Files
	}
	return os.DirFS(c.Policies)
}
