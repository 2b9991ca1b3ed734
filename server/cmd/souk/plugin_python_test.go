package main

import (
	"os"
	"os/exec"
	"path/filepath"
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
	if got := invoke(t, nil, "plugin", "new", dir, "--python"); got.status != 0 || !strings.Contains(got.stdout, "pip install") {
		t.Fatalf("got %+v", got)
	}
	py := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), python, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("python %v: %v: %s", args, err, out)
		}
		return string(out)
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
	if got.status != 0 || !strings.Contains(got.stdout, "price-list 0.1.0: 16 passed, 0 failed") {
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
