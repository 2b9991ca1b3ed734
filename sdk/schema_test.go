package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
)

const canary = "canary-Pa55word!"

type login struct {
	User     string `json:"user" doc:"Name of the role."`
	Password string `json:"password" doc:"Its password." format:"secret"`
}

type common struct {
	Timeout string `json:"timeout" doc:"How long to wait." format:"duration" default:"10s"`
}

type everything struct {
	common

	URL      string            `json:"url" doc:"Where it is." format:"url"`
	Mode     string            `json:"mode" doc:"What to read." enum:"all,some" default:"all"`
	Schemas  []string          `json:"schemas" doc:"Which schemas." default:"public,sales"`
	Depth    *int              `json:"depth,omitempty" doc:"How deep."`
	Ratio    float64           `json:"ratio,omitempty" doc:"How much."`
	Pages    uint              `json:"pages" doc:"How many at once." default:"50"`
	Follow   bool              `json:"follow,omitempty" doc:"Whether to follow links."`
	Headers  map[string]string `json:"headers,omitempty" doc:"What to send along."`
	Login    login             `json:"login" doc:"Who to be."`
	Token    string            `json:"token,omitempty" doc:"In place of a login." format:"secret"`
	Internal string            `json:"-"`
	File     string            `json:"file,omitempty" doc:"A file." format:"file"`
	Careless bool              `json:"careless,omitempty" doc:"Whether to be careless." admin:"true"`
	Hosts    []string          `json:"hosts,omitempty" doc:"Where else it is." host:"true"`
}

// opened is what Open was given.
var opened everything

func everythingPlugin() sdk.Registration {
	return sdk.Register(sdk.Plugin[everything]{
		Info: sdk.Info{Name: "everything", Version: "1.0.0", Summary: "All tags.", Doc: "# Everything", Emits: []string{"asset"}},
		Open: func(_ context.Context, c everything, env sdk.Env) (sdk.Source, error) {
			opened = c
			env.Log.Info("opened", "password", c.Login.Password, "config", c)
			return nothing{}, nil
		},
	})
}

type nothing struct{}

func (nothing) Check(context.Context, *sdk.Report) error             { return nil }
func (nothing) Harvest(context.Context, sdk.Request, sdk.Sink) error { return nil }
func (nothing) Close() error                                         { return nil }

func TestSchemaFromTags(t *testing.T) {
	const want = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "everything", "type": "object",
  "properties": {
    "timeout": {"type": "string", "description": "How long to wait.", "x-format": "duration", "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$", "default": "10s", "x-order": 1},
    "url": {"type": "string", "description": "Where it is.", "format": "uri", "minLength": 1, "x-order": 2},
    "mode": {"type": "string", "description": "What to read.", "enum": ["all", "some"], "default": "all", "x-order": 3},
    "schemas": {"type": "array", "description": "Which schemas.", "items": {"type": "string"}, "default": ["public", "sales"], "x-order": 4},
    "depth": {"type": "integer", "description": "How deep.", "x-order": 5},
    "ratio": {"type": "number", "description": "How much.", "x-order": 6},
    "pages": {"type": "integer", "description": "How many at once.", "minimum": 0, "default": 50, "x-order": 7},
    "follow": {"type": "boolean", "description": "Whether to follow links.", "x-order": 8},
    "headers": {"type": "object", "description": "What to send along.", "additionalProperties": {"type": "string"}, "x-order": 9},
    "login": {"type": "object", "description": "Who to be.", "x-order": 10, "additionalProperties": false, "required": ["user"], "properties": {
      "user": {"type": "string", "description": "Name of the role.", "minLength": 1, "x-order": 1},
      "password": {"type": "string", "description": "Its password.", "writeOnly": true, "x-secret": true, "x-required": true, "x-order": 2}}},
    "token": {"type": "string", "description": "In place of a login.", "writeOnly": true, "x-secret": true, "x-order": 11},
    "file": {"type": "string", "description": "A file.", "x-path": true, "x-order": 12},
    "careless": {"type": "boolean", "description": "Whether to be careless.", "x-admin": true, "x-order": 13},
    "hosts": {"type": "array", "description": "Where else it is.", "items": {"type": "string"}, "x-host": true, "x-order": 14}
  },
  "required": ["url", "login"], "additionalProperties": false
}`
	r := everythingPlugin()
	var got, wanted any
	if err := errors.Join(json.Unmarshal(r.Schema(), &got), json.Unmarshal([]byte(want), &wanted)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"login.password", "token"}, r.SecretFields()); diff != "" {
		t.Error(diff)
	}
}

func TestTypesThatHaveNoSchema(t *testing.T) {
	refused := func(name, message string, register func()) {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if cause := fmt.Sprint(recover()); !strings.Contains(cause, message) {
					t.Errorf("got %s, want %q in it", cause, message)
				}
			}()
			register()
		})
	}
	refused("needed by an administrator", "needs a default", register[struct {
		Careless bool `json:"careless" doc:"Whether." admin:"true"`
	}])
	refused("a mark of another value", `admin:"true"`, register[struct {
		Careless bool `json:"careless,omitempty" doc:"Whether." admin:"yes"`
	}])
	refused("duration", "format:\"duration\"", register[struct{ Wait time.Duration }])
	refused("channel", "cannot be a chan", register[struct{ C chan int }])
	refused("unknown format", "there is no format", register[struct {
		A string `format:"colour"`
	}])
	refused("format of a number", "is for a string", register[struct {
		A int `format:"secret"`
	}])
	refused("wrong default", "is no integer", register[struct {
		A int `default:"many"`
	}])
	refused("secret in a list", "cannot stand in a list", register[struct{ Logins []login }])
	refused("secret in a map", "cannot stand in a list or a map", register[struct{ Logins map[string]login }])
}

func register[C any]() { sdk.Register(sdk.Plugin[C]{}) }

const minimal = `{"url": "https://a.example", "login": {"user": "ana"}}`

func TestDefaultsAndSecretsReachThePlugin(t *testing.T) {
	var log strings.Builder
	_, err := everythingPlugin().Open(t.Context(), json.RawMessage(minimal), map[string]string{"login.password": canary},
		sdk.Env{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	want := everything{common: common{Timeout: "10s"}, URL: "https://a.example", Mode: "all", Schemas: []string{"public", "sales"}, Pages: 50, Login: login{"ana", canary}}
	if !reflect.DeepEqual(want, opened) {
		t.Errorf("got %+v, want %+v", opened, want)
	}
	if !strings.Contains(log.String(), "opened") || strings.Contains(log.String(), canary) {
		t.Errorf("the log: %s", log.String())
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	password := map[string]string{"login.password": "long-enough-1"}
	for name, tt := range map[string]struct {
		config  string
		secrets map[string]string
		field   string
		text    string // of the message and the fix
	}{
		"no JSON":          {`{"url"`, password, "", "no JSON"},
		"a list":           {`[]`, password, "", "one JSON object"},
		"nothing":          {``, password, "url", "is missing"},
		"missing inside":   {`{"url": "https://a", "login": {}}`, password, "login.user", "Name of the role"},
		"empty text":       {`{"url": "https://a", "login": {"user": ""}}`, password, "login.user", "is empty"},
		"wrong type":       {`{"url": 7, "login": {"user": "ana"}}`, password, "url", "type number and must be of the type string"},
		"unknown":          {`{"urll": "` + canary + `", "url": "https://a", "login": {"user": "ana"}}`, password, "urll", "is not known"},
		"unknown inside":   {`{"url": "https://a", "login": {"user": "ana", "usr": ""}}`, password, "login.usr", "write one of user"},
		"no URL":           {`{"url": "` + canary + ` x", "login": {"user": "ana"}}`, password, "url", "no valid uri"},
		"not in the list":  {strings.Replace(minimal, `{`, `{"mode": "`+canary+`", `, 1), password, "mode", "write one of all, some"},
		"no duration":      {strings.Replace(minimal, `{`, `{"timeout": "`+canary+`", `, 1), password, "timeout", "such as 30s"},
		"negative":         {strings.Replace(minimal, `{`, `{"pages": -1, `, 1), password, "pages", "does not fit"},
		"item of a list":   {strings.Replace(minimal, `{`, `{"schemas": ["a", 2], `, 1), password, "schemas.1", "must be of the type string"},
		"value of a map":   {strings.Replace(minimal, `{`, `{"headers": {"a": 2}, `, 1), password, "headers.a", "must be of the type string"},
		"secret in config": {`{"url": "https://a", "login": {"user": "ana", "password": "` + canary + `"}}`, nil, "login.password", "is a secret"},
		"null secret":      {strings.Replace(minimal, `{`, `{"token": null, `, 1), password, "token", "is a secret"},
		"missing secret":   {minimal, nil, "login.password", "give the secret"},
		"empty secret":     {minimal, map[string]string{"login.password": ""}, "login.password", "is missing"},
		"unknown secret":   {minimal, map[string]string{"login.pass": canary}, "login.pass", "login.password, token"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := everythingPlugin().Open(t.Context(), json.RawMessage(tt.config), tt.secrets, sdk.Env{})
			e, ok := errors.AsType[*sdk.Error](err)
			if !ok || e.Class != sdk.ClassConfig || e.Field != tt.field || e.Fix == "" {
				t.Fatalf("got %#v", err)
			}
			if text := e.Error() + " " + e.Fix; !strings.Contains(text, tt.text) || strings.Contains(text, "canary") {
				t.Errorf("got %s", text)
			}
		})
	}
}

func TestNoPlugin(t *testing.T) {
	var none sdk.Registration
	_, err := none.Open(t.Context(), nil, nil, sdk.Env{})
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Code != "no_plugin" {
		t.Errorf("got %v", err)
	}
}

func TestPanicOfOpenIsAnError(t *testing.T) {
	var log strings.Builder
	r := sdk.Register(sdk.Plugin[struct{}]{Open: func(context.Context, struct{}, sdk.Env) (sdk.Source, error) { panic("no luck") }})
	_, err := r.Open(t.Context(), nil, nil, sdk.Env{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Code != "panic" || e.Class != sdk.ClassInternal {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "no luck") || !strings.Contains(log.String(), "schema_test.go") {
		t.Errorf("the log does not name the culprit: %s", log.String())
	}
}

func TestErrorsSayWhoseFaultTheyAre(t *testing.T) {
	cause := io.ErrUnexpectedEOF
	for _, tt := range []struct {
		err   *sdk.Error
		class sdk.Class
		text  string
	}{
		{sdk.Config("url", "is odd", "mend it"), sdk.ClassConfig, "url: is odd"},
		{sdk.Auth("refused", "log in"), sdk.ClassAuth, "refused"},
		{sdk.Denied("lacks a right", "GRANT it"), sdk.ClassDenied, "lacks a right"},
		{sdk.Unavailable("is down", "wait", cause), sdk.ClassUnavailable, "is down"},
	} {
		if tt.err.Class != tt.class || tt.err.Error() != tt.text || tt.err.Code == "" || tt.err.Fix == "" {
			t.Errorf("got %+v", tt.err)
		}
	}
	if !errors.Is(sdk.Unavailable("is down", "wait", cause), cause) {
		t.Error("the cause is lost")
	}
}

func TestLogStrikesSecretsEverywhere(t *testing.T) {
	var log strings.Builder
	r := sdk.Register(sdk.Plugin[login]{Open: func(_ context.Context, c login, env sdk.Env) (sdk.Source, error) {
		l := env.Log.With("base", c.Password).WithGroup("g").With(slog.Group("in", "deep", c.Password))
		l.Info("the password is "+c.Password, "err", errors.New("dial "+c.Password), "list", []string{c.Password}, "n", 7)
		return nothing{}, nil
	}})
	_, err := r.Open(t.Context(), json.RawMessage(`{"user": "ana"}`), map[string]string{"password": canary},
		sdk.Env{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(log.String(), "[secret]"); got != 5 || strings.Contains(log.String(), canary) || !strings.Contains(log.String(), `"n":7`) {
		t.Errorf("%d struck in %s", got, log.String())
	}
}
