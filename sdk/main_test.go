package sdk_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

type talker struct{ login }

func (s talker) Check(_ context.Context, r *sdk.Report) error {
	r.OK("connect")
	if s.Password != canary {
		r.Failed("list", "a right is missing", "GRANT it")
	}
	return nil
}
func (s talker) Close() error { return nil }
func (s talker) Harvest(_ context.Context, _ sdk.Request, out sdk.Sink) error {
	a := book(1)
	if s.User == "tells" {
		a.Description = s.Password
	}
	for _, err := range []error{
		out.Emit(a), out.Emit(&sdk.Edge{From: a.ID, To: a.ID, Kind: "USES"}), out.Emit(&sdk.Quality{Asset: a.ID, Key: "k"}),
		out.Checkpoint([]byte("state")), out.Note(sdk.Note{Level: sdk.InfoLevel, Code: "c", Sample: "with " + s.Password}), out.ScopeDone("shelf"),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func talkerPlugin(name string) sdk.Registration {
	return sdk.Register(sdk.Plugin[login]{
		Info: sdk.Info{Name: name, Version: "1.0.0", Summary: "Talks.", Doc: "# Talker"},
		Open: func(_ context.Context, c login, _ sdk.Env) (sdk.Source, error) { return talker{c}, nil },
	})
}

// tool runs the binary of one plugin.
func tool(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = sdk.RunTool(t.Context(), &out, &errs, false, nil, args, talkerPlugin("talker"))
	return status, out.String(), errs.String()
}

func TestToolOfAPlugin(t *testing.T) {
	t.Setenv("SOUK_TEST_CANARY", canary)
	t.Setenv("SOUK_TEST_OTHER", "another-secret")
	folder := t.TempDir()
	config, password := filepath.Join(folder, "config.json"), filepath.Join(folder, "password")
	for path, text := range map[string]string{config: `{"user": "ana"}`, password: canary + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const dumped = `{"asset":{"id":{"namespace":"shelf://home","name":"book 1"},"scope":"shelf","kind":"FILE","rank":0,"shortName":""}}
{"edge":{"from":{"namespace":"shelf://home","name":"book 1"},"to":{"namespace":"shelf://home","name":"book 1"},"scope":"","kind":"USES","method":"","confidence":0}}
{"quality":{"asset":{"namespace":"shelf://home","name":"book 1"},"scope":"","key":"k","name":"","rule":""}}
{"checkpoint":"c3RhdGU="}
{"note":{"level":"info","code":"c","title":"","sample":"with [secret]"}}
{"scopeDone":"shelf"}
`
	for name, tt := range map[string]struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		"schema":         {[]string{"schema"}, 0, `"x-secret": true`, ""},
		"doc":            {[]string{"doc"}, 0, "# Talker\n", ""},
		"check":          {[]string{"check", "--config", "@" + config, "--secret", "password=file:" + password}, 0, "ok      connect\n", ""},
		"missing right":  {[]string{"check", "--config", `{"user": "ana"}`, "--secret", "password=env:SOUK_TEST_OTHER"}, 1, "FAILED  list: a right is missing\n        GRANT it", "1 of 2"},
		"dump":           {[]string{"dump", "--config", `{"user": "ana"}`, "--secret", "password=env:SOUK_TEST_CANARY"}, 0, dumped, ""},
		"dump a secret":  {[]string{"dump", "--config", `{"user": "tells"}`, "--secret", "password=env:SOUK_TEST_CANARY"}, 0, `"description":"[secret]"`, ""},
		"wrong config":   {[]string{"dump", "--config", `{"user": "ana", "usr": "ana"}`}, 1, "", "write one of user"},
		"by name":        {[]string{"doc", "--plugin", "talker"}, 0, "# Talker", ""},
		"no such plugin": {[]string{"doc", "--plugin", "writer"}, 2, "", "name one of talker"},
		"no variable":    {[]string{"dump", "--secret", "password=env:SOUK_TEST_NONE"}, 2, "", "there is no variable SOUK_TEST_NONE"},
		"bare secret":    {[]string{"dump", "--secret", "password=" + "hunter2"}, 2, "", "want FIELD=env:NAME"},
		"argument":       {[]string{"dump", "now"}, 2, "", `takes no argument "now"`},
		"nothing":        {nil, 2, "", "plugins.lock"},
		"unknown":        {[]string{"run"}, 2, "", "talker 1.0.0: Talks."},
		"help":           {[]string{"dump", "-h"}, 0, "", "-secret"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := tool(t, tt.args...)
			if status != tt.status || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("status %d\nstdout %s\nstderr %s", status, stdout, stderr)
			}
			if strings.Contains(stdout+stderr, canary) {
				t.Error("the secret is printed")
			}
		})
	}
}

func TestLaunchedBinaryServes(t *testing.T) {
	plugins := []sdk.Registration{talkerPlugin("one"), talkerPlugin("two")}
	for name, tt := range map[string]struct {
		args    []string
		plugins []sdk.Registration
		status  int
		served  string
	}{
		"by name":     {[]string{harvestv1.ServeArgument, "two"}, plugins, 0, "two"},
		"the only":    {nil, plugins[:1], 0, "one"},
		"which":       {nil, plugins, 2, ""},
		"no such":     {[]string{harvestv1.ServeArgument, "three"}, plugins, 2, ""},
		"another way": {[]string{"doc", "--plugin", "one"}, plugins, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			served := ""
			var out bytes.Buffer
			status := sdk.RunTool(t.Context(), &out, &out, true, func(r sdk.Registration) { served = r.Info().Name }, tt.args, tt.plugins...)
			if status != tt.status || served != tt.served {
				t.Errorf("status %d, served %q: %s", status, served, out.String())
			}
		})
	}
}
