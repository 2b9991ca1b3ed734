package main

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPluginNewInPython begins a plugin in Python outside of the repository, and
// wants its SDK to install, its types to fit and the suite to pass as it is.
func TestPluginNewInPython(t *testing.T) {
	python := os.Getenv("SOUK_TEST_PYTHON")
	if python == "" {
		missing(t, "SOUK_TEST_PYTHON", `run eval "$(.ci/python)"`)
	}
	dir := filepath.Join(t.TempDir(), "price-list")
	py := pythonIn(t, python, dir)
	if got := invoke(t, nil, "plugin", "new", dir, "--python"); got.status != 0 || !strings.Contains(got.stdout, "pip install") {
		t.Fatalf("got %+v", got)
	}
	text, err := os.ReadFile(filepath.Join(dir, "plugin/main.py"))
	if lines := strings.Count(string(text), "\n"); err != nil || lines > 80 {
		t.Errorf("the plugin has %d lines, and 80 is the limit: %v", lines, err)
	}
	py("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", "plugin/vendor", "./souk-sdk")
	py("-m", "mypy", "--strict", "souk-sdk/src/souk_plugin")
	if out := py("plugin/main.py", "dump", "--config", `{"file": "example/dictionary.csv"}`); !strings.Contains(out, `"customer_id"`) || !strings.Contains(out, `{"scopeDone": "file"}`) {
		t.Errorf("dump: %s", out)
	}
	got := invoke(t, []string{"PATH=" + os.Getenv("PATH")}, "plugin", "test", filepath.Join(dir, "plugin"), "--interpreter", python, "--kills", "3", "--badge")
	if got.status != 0 || !strings.Contains(got.stdout, "price-list 0.1.0: 17 passed, 0 failed") {
		t.Errorf("got %+v", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "plugin.badge.json")); err != nil {
		t.Error(err)
	}
	// A failure says whose turn it is, also over the wire of this language.
	bad := invoke(t, nil, "plugin", "test", filepath.Join(dir, "plugin"), "--interpreter", python, "--case", "bad_config", "--bad-config", `auth={"file": 7}`)
	if bad.status != 1 || !strings.Contains(bad.stdout, `the error is of config for the field "file"`) {
		t.Errorf("got %+v", bad)
	}
}

// pythonIn runs Python in the folder, and wants it to end well.
func pythonIn(t *testing.T, python, dir string) func(args ...string) string {
	t.Helper()
	return func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), python, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("python %v: %v: %s", args, err, out)
		}
		return string(out)
	}
}

// TestWhatHasChangedInPython holds a plugin in Python that names what has come and
// gone to the suite, and its SDK to the rules that the one in Go has.
func TestWhatHasChangedInPython(t *testing.T) {
	python := os.Getenv("SOUK_TEST_PYTHON")
	if python == "" {
		missing(t, "SOUK_TEST_PYTHON", `run eval "$(.ci/python)"`)
	}
	dir := filepath.Join(t.TempDir(), "follower")
	if got := invoke(t, nil, "plugin", "new", dir, "--python"); got.status != 0 {
		t.Fatalf("got %+v", got)
	}
	for _, name := range []string{"plugin/main.py", "plugintest.json", "names"} {
		text, err := os.ReadFile(filepath.Join("testdata/follower", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	pythonIn(t, python, dir)("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", "plugin/vendor", "./souk-sdk")
	suite := func(flaw string) said {
		return invoke(t, []string{"PATH=" + os.Getenv("PATH")}, "plugin", "test", filepath.Join(dir, "plugin"), "--interpreter", python, "--case", "changes",
			"--config", `{"file": "`+filepath.Join(dir, "names")+`", "flaw": "`+flaw+`"}`)
	}
	if got := suite(""); got.status != 0 || !strings.Contains(got.stdout, "ok      changes") {
		t.Errorf("got %+v", got)
	}
	for flaw, want := range map[string]string{"any": "not refused by sdk.Expired", "named": "stands in the name of an asset", "twice": "is called kept and done"} {
		if got := suite(flaw); got.status != 1 || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: got %+v, want %q", flaw, got, want)
		}
	}
	dump := func(flaw string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), python, slices.Concat([]string{"plugin/main.py", "dump", "--secret", "password=env:NAMES_PASSWORD", "--config", `{"file": "names", "flaw": "` + flaw + `"}`}, args)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "NAMES_PASSWORD=canary-Pa55word!")
		out, _ := cmd.CombinedOutput() // what it says is looked at
		return string(out)
	}
	if out := dump(""); !strings.HasSuffix(out, `{"watermark": "bmFtZXMgYSBiIGM="}`+"\n") {
		t.Errorf("got %s", out)
	}
	since := []string{"--since", base64.StdEncoding.EncodeToString([]byte("names a z"))}
	if out := dump("", since...); !strings.Contains(out, `{"gone": {"namespace": "names://here", "name": "z", "scope": "names"}}`) || !strings.Contains(out, `{"scopeKept": "names"}`) {
		t.Errorf("got %s", out)
	}
	if out := dump("", "--since", "?"); !strings.Contains(out, "since: is no watermark") {
		t.Errorf("got %s", out)
	}
	if out := dump("", "--since", "bm9ib2R5"); !strings.Contains(out, "the watermark is not valid any more: it is no list of names") {
		t.Errorf("got %s", out)
	}
	for flaw, want := range map[string]string{
		"big": "a watermark has at most 64 KiB", "text": "a watermark is of bytes, and not str", "noted": "cannot be called kept", "unnamed": "what is gone has no name",
		"nowhere": "the scope has no name", "many": "more is gone than one harvest may name", "told": "stands in a watermark",
	} {
		if out := dump(flaw, since...); !strings.Contains(out, want) || strings.Contains(out, `"watermark"`) {
			t.Errorf("%s: got %.2000s, want %q", flaw, out, want)
		}
	}
	if out := dump("early"); !strings.Contains(out, "in a harvest of everything") {
		t.Errorf("got %s", out)
	}
}
