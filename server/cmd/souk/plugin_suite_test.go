package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk/conformance"
)

// TestPluginTest judges a program that is no part of this one, with nothing but
// what stands on the command line and in files beside it.
func TestPluginTest(t *testing.T) {
	souk, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program, books := filepath.Join(dir, "program"), filepath.Join(dir, "books.db")
	writeText(t, program, "#!/bin/sh\nexec "+souk+" plugin-serve sqlite\n")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	sqliteFile(t, books, "CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL)")
	config := fmt.Sprintf(`{"path": %q, "name": "till"}`, books)
	args := func(more ...string) []string {
		return append([]string{"plugin", "test", program, "--config", config, "--bad-config", "config:path={}", "--golden", filepath.Join(dir, "golden.jsonl")}, more...)
	}
	if got := invoke(t, nil, args("--update", "--case", "golden")...); got.status != 0 || !strings.Contains(got.stdout, "ok      golden") {
		t.Fatalf("got %+v", got)
	}
	got := invoke(t, nil, args("--kills", "2", "--badge")...)
	// A script says nothing of its own when a person starts it.
	for _, want := range []string{"ok      describe", "ok      bad_config", "ok      golden", "ok      kill", "skipped grants: it offers no grants", "skipped scale: ", "sqlite 1."} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%q is not there: %+v", want, got)
		}
	}
	badge, err := conformance.ReadBadge(program + ".badge.json")
	if err != nil || badge.Plugin != "sqlite" || len(badge.SHA256) != 64 || !badge.Passed || got.status != 0 {
		t.Errorf("the badge: %+v, %v, %s", badge, err, got.stdout)
	}
	if got := invoke(t, nil, args("--case", "compatible", "--previous", program+".badge.json")...); got.status != 0 || !strings.Contains(got.stdout, "ok      compatible") {
		t.Errorf("got %+v", got)
	}
	sqliteFile(t, books, "CREATE TABLE shelf (id INTEGER PRIMARY KEY)")
	if got := invoke(t, nil, args("--case", "golden")...); got.status != 1 || !strings.Contains(got.stdout, "FAILED  golden") || !strings.Contains(got.stdout, "shelf") {
		t.Errorf("got %+v", got)
	}
}

func TestPluginTestSaysWhatItNeeds(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	writeText(t, plain, "no program")
	for want, args := range map[string][]string{
		"cannot be opened":          {filepath.Join(dir, "none")},
		"is not executable":         {plain},
		"write CLASS[:FIELD]=JSON":  {"/bin/true", "--bad-config", "config"},
		"write env:NAME, file:PATH": {"/bin/true", "--secret", "password=hunter2"},
	} {
		if got := invoke(t, nil, append([]string{"plugin", "test"}, args...)...); got.status != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("%v: %+v, want %q", args, got, want)
		}
	}
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
