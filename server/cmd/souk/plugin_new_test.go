package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPluginNew begins a plugin outside of the repository, and wants it to build
// and to pass the suite as it is.
func TestPluginNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "price-list")
	begun := time.Now()
	if got := invoke(t, nil, "plugin", "new", dir); got.status != 0 || !strings.Contains(got.stdout, "go test .") {
		t.Fatalf("got %+v", got)
	}
	text, err := os.ReadFile(filepath.Join(dir, "main.go"))
	if lines := strings.Count(string(text), "\n"); err != nil || lines > 80 {
		t.Errorf("the plugin has %d lines, and 80 is the limit: %v", lines, err)
	}
	for _, command := range []string{"gofmt -l main.go main_test.go", "go build .", "go vet .", "go test ."} {
		words := strings.Fields(command)
		cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || words[0] == "gofmt" && len(out) > 0 {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	t.Logf("begun, built and judged in Go within %s", time.Since(begun).Round(time.Second))
	got := invoke(t, []string{"PATH=" + os.Getenv("PATH")}, "plugin", "test", filepath.Join(dir, "price-list"), "--kills", "3", "--badge")
	if got.status != 0 || !strings.Contains(got.stdout, "price-list 0.1.0: 16 passed, 0 failed") {
		t.Errorf("got %+v", got)
	}
	built, err := os.ReadFile(filepath.Join(dir, "price-list"))
	if err != nil || bytes.Contains(built, []byte("OwnSource is the source of")) {
		t.Errorf("the plugin carries the source of the SDK: %v", err)
	}
}

func TestPluginNewRefuses(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"small letters":    {filepath.Join(dir, "Price List")},
		"is there already": {dir + "/" + "twice"},
		"wants one name":   {},
	} {
		if err := os.MkdirAll(dir+"/twice", 0o755); err != nil {
			t.Fatal(err)
		}
		if got := invoke(t, nil, append([]string{"plugin", "new"}, args...)...); got.status == 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("%v: %+v, want %q", args, got, want)
		}
	}
}
