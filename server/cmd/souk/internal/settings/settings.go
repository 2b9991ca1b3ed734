// Package settings owns what an operator can set: one table with the name,
// meaning and default of each setting, from which the flags, the environment
// variables, the keys of the settings file and the page of the manual follow.
// It joins those sources, and refuses a name that is none. What a setting
// means to the server, the server's own Config knows.
package settings

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/spf13/pflag"

	"github.com/souk-mesh/souk/server"
)

// Setting is one thing that an operator can set.
type Setting struct {
	Name    string
	Value   string   // what stands for the value in the help
	Meaning string   // for the help and the manual, with `code` in backquotes
	Default string   // said where the built-in default does not say it: none, built in
	Words   []string // all values, where they are few
	split   func(rune) bool
	builtIn string // the server's own default, where there is one
}

// All lists the settings in the order of the help and of the manual.
func All() []Setting {
	all := table()
	builtIn := defaults()
	for i, s := range all {
		all[i].builtIn = builtIn[s.Name]
	}
	return all
}

// table is what is written by hand of each setting.
func table() []Setting {
	return []Setting{
		{Name: "listen", Value: "ADDRESS", Meaning: "host:port; port 0 takes a free one"},
		{Name: "store", Value: "URI", Meaning: "where the records are: `sqlite:PATH`, or a `mongodb://` URI of a replica set, MongoDB 5.0 or newer"},
		{Name: "policies", Value: "FOLDER", Default: "built in", Meaning: "folder of Rego files"},
		{Name: "plugin-dir", Value: "FOLDER", Meaning: "folder of further plugins and their `plugins.lock`"},
		{Name: "plugin-user", Value: "USER", Default: "the server's own", Meaning: "user that plugins run as, or `UID:GID`; the server must be root"},
		{Name: "secret-env", Value: "VARIABLES", split: commaOrSpace, Meaning: "environment variables that sources may name as `env:NAME`, where a `*` at the end stands for the rest; commas between them"},
		{Name: "secret-dir", Value: "FOLDER", Meaning: "folder whose files sources may name as `file:PATH`"},
		{
			Name: "secret-bindings", Value: "BINDINGS", split: comma, Default: "none: administrators alone",
			Meaning: "which secrets the sources of a domain may show to which host: `env:SOUK_SECRET_SHOP=sales@db.acme.example:5432`, commas between them; " +
				"the port may be `*`, and `*` alone is any host; a `*` at the end of the reference stands for the rest",
		},
		{Name: "source-folders", Value: "FOLDERS", split: comma, Meaning: "folders below which the sources of a domain may read files: `sales=/srv/sales`, commas between them"},
		{Name: "decision-retention", Value: "TIME", Meaning: "how long the decision log keeps what policies saw: days (`90d`, `P90D`) or hours (`2160h`), 24 h at least"},
		{
			Name: "search-file", Value: "FILE", Default: "beside an SQLite store: `souk-search`",
			Meaning: "where the search index is kept, so that search is complete at once after a start; `none` keeps none. With MongoDB it is kept if it is named, one file for each server",
		},
		{Name: "public-url", Value: "ADDRESS", Default: "the address asked", Meaning: "address that clients know the server by, for AuthZEN's metadata"},
		{Name: "bundle-key", Value: "FILE", Default: "none: no bundles", Meaning: "PEM file of the EC key that signs bundles for OPA; made when it is missing, refused when others than its owner may use it"},
		{Name: "trino-catalogs", Value: "DATABASES", split: commaOrSpace, Meaning: "databases behind Trino's catalogs: `shop=postgres://db:5432/shop`, commas between them"},
		{
			Name: "trino-unknown-tables", Value: "WORD", Default: "`deny`", Words: []string{"deny", "allow", "passthrough"},
			Meaning: "tables that no product offers: `deny`, `allow` (reading) or `passthrough`",
		},
		{Name: "introspection", Value: "WORD", Words: []string{"on", "off"}, Meaning: "`on`, or `off` to hide the schema even from those who are signed in"},
		{Name: "pprof-listen", Value: "ADDRESS", Meaning: "loopback `host:port` of Go's profiles, such as `127.0.0.1:6060`, for `go tool pprof`"},
		{
			Name: "trace-endpoint", Value: "ADDRESS", Default: "none, or what `OTEL_EXPORTER_OTLP_ENDPOINT` names",
			Meaning: "collector of OpenTelemetry that takes traces as OTLP over HTTP: `http://127.0.0.1:4318`",
		},
		{Name: "trace-ratio", Value: "NUMBER", Meaning: "of the traces that begin here, from `0` to `1`; a request that says it is traced is"},
		{Name: "query-body", Value: "SIZE", Meaning: "the largest request"},
		{Name: "query-tokens", Value: "COUNT", Meaning: "words and signs in one GraphQL document"},
		{Name: "query-depth", Value: "COUNT", Meaning: "levels of fields"},
		{Name: "query-aliases", Value: "COUNT", Meaning: "aliased fields, fragments written out"},
		{Name: "query-root-fields", Value: "COUNT", Meaning: "fields of Query, Mutation or Subscription"},
		{Name: "query-definitions", Value: "COUNT", Meaning: "operations and fragments in one document"},
		{Name: "query-repeats", Value: "COUNT", Meaning: "the same response key in one place"},
		{Name: "query-complexity", Value: "COUNT", Meaning: "objects and values of one answer"},
		{Name: "query-time", Value: "TIME", Meaning: "the longest query"},
		{Name: "mutation-time", Value: "TIME", Meaning: "the longest mutation"},
		{Name: "streams", Value: "COUNT", Meaning: "subscriptions open at once"},
		{Name: "streams-each", Value: "COUNT", Meaning: "of them by one principal"},
		{Name: "stream-time", Value: "TIME", Meaning: "after which a subscription ends and its client comes back, proving again who it is"},
		{Name: "stream-silence", Value: "TIME", Meaning: "between signs of life on a quiet subscription"},
		{Name: "drain-time", Value: "TIME", Meaning: "for the requests in flight when the server stops"},
		{Name: "session-time", Value: "TIME", Meaning: "how long a person stays signed in to the console, however much it is used; a minute to 31 days"},
		{Name: "session-idle", Value: "TIME", Meaning: "how long a session of the console lasts without a request; it may end up to an eighth before"},
		{Name: "harvests", Value: "COUNT", Meaning: "plugins at work at once; other runs wait"},
		{Name: "harvest-pauses", Value: "TIMES", split: commaOrSpace, Meaning: "pauses before each new try of a scheduled run that failed, commas between them; as many tries as pauses"},
		{Name: "plugin-start", Value: "TIME", Meaning: "until a plugin answers"},
		{Name: "plugin-check", Value: "TIME", Meaning: "the longest check of a source"},
		{Name: "plugin-idle", Value: "TIME", Meaning: "the longest silence of a harvest"},
		{Name: "plugin-time", Value: "TIME", Meaning: "the longest harvest"},
		{Name: "plugin-memory", Value: "SIZE", Default: "`512MiB`", Meaning: "memory of a plugin's process, on Linux"},
		{Name: "plugin-cpu", Value: "TIME", Meaning: "processor time of a plugin's process, on Linux"},
		{Name: "plugin-records", Value: "COUNT", Meaning: "records of one harvest"},
		{Name: "plugin-log-lines", Value: "COUNT", Meaning: "lines of a plugin's own log that are passed on in a second"},
		{Name: "log-level", Value: "LEVEL", Words: []string{"debug", "info", "warn", "error"}, Meaning: "`debug`, `info`, `warn` or `error`"},
		{Name: "log-format", Value: "FORMAT", Words: []string{"text", "json"}, Meaning: "`text` or `json`"},
	}
}

func comma(r rune) bool        { return r == ',' }
func commaOrSpace(r rune) bool { return r == ',' || r == ' ' }

// byDefault is the setting's default as the manual shows it.
func (s Setting) byDefault() string {
	if s.Default != "" {
		return s.Default
	}
	if s.builtIn != "" {
		return "`" + s.builtIn + "`"
	}
	return "none"
}

// defaults are the built-in defaults by the names of the settings, as flags are
// written. They are read once for all settings: every command has flags of them,
// and a start of the program waits for it.
func defaults() map[string]string {
	config := reflect.ValueOf(server.Defaults())
	all := map[string]string{}
	for _, field := range reflect.VisibleFields(config.Type()) {
		name, value := field.Tag.Get("yaml"), config.FieldByIndex(field.Index)
		if name == "" || value.IsZero() {
			continue
		}
		all[name] = strings.ReplaceAll(strings.Trim(fmt.Sprint(value.Interface()), "[]"), " ", ",")
	}
	return all
}

// parse gives the value of a flag or variable, a list as its parts.
func (s Setting) parse(text string) any {
	if s.split == nil {
		return text
	}
	parts := []string{}
	for _, part := range strings.FieldsFunc(text, s.split) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// Variable is the environment variable of a setting.
func Variable(name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

const prefix = "SOUK_"

// Names lists the names of all settings.
func Names() []string {
	all := All()
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	return names
}

// flagText is the value of a flag: what was given, and the word that stands for it
// in the help.
type flagText struct{ given, word string }

func (t *flagText) String() string { return t.given }
func (t *flagText) Type() string   { return t.word }

func (t *flagText) Set(value string) error {
	t.given = value
	return nil
}

// AddFlag gives a command a flag for the setting.
func (s Setting) AddFlag(flags *pflag.FlagSet) {
	flags.Var(&flagText{word: s.Value}, s.Name, strings.ReplaceAll(s.Meaning, "`", "")+" (default: "+strings.ReplaceAll(s.byDefault(), "`", "")+")")
}
