package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestConsole signs in as a person would, runs a query that stands ready,
// reads the schema, watches a harvest and signs out. What drives the browser is
// a module of its own, with versions of its own.
func TestConsole(t *testing.T) {
	if os.Getenv("SOUK_TEST_BROWSER") == "" {
		missing(t, "SOUK_TEST_BROWSER", "set it to the path of chromium")
	}
	r, tokens := startDemo(t)
	driver := filepath.Join(t.TempDir(), "browser")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "testdata/browser", "-o", driver, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build what drives the browser: %v: %s", err, out)
	}
	drive := exec.CommandContext(t.Context(), driver)
	drive.Env = append(os.Environ(), "SOUK_TEST_URL="+r.url, "SOUK_TEST_TOKEN="+tokens["cy"])
	if out, err := drive.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
