package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPolicyFmt writes a file as the formatter would, keeps who may read it,
// names it once, and leaves alone what is no file of rules.
func TestPolicyFmt(t *testing.T) {
	dir := t.TempDir()
	writeRules(t, dir, "sales", "input.v == 1")
	ugly, note := filepath.Join(dir, "domains/sales/rules.rego"), filepath.Join(dir, "notes.txt")
	text, err := os.ReadFile(ugly)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{ugly: strings.Replace(string(text), " if ", "   if   ", 1), note: "a  text   of   ours\n"} {
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(ugly, 0o640); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, nil, "policy", "fmt", dir); got.status != 0 || got.stdout != ugly+"\n" {
		t.Errorf("fmt: %+v", got)
	}
	neat, err := os.ReadFile(ugly)
	if err != nil || !strings.Contains(string(neat), " if input.v == 1") || strings.Contains(string(neat), "   if") {
		t.Errorf("written: %s, %v", neat, err)
	}
	if info, err := os.Stat(ugly); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode: %v, %v", info.Mode(), err)
	}
	if text, err := os.ReadFile(note); err != nil || string(text) != "a  text   of   ours\n" {
		t.Errorf("the note: %q, %v", text, err)
	}
	if got := invoke(t, nil, "policy", "fmt", dir); got.status != 0 || got.stdout != "" {
		t.Errorf("again: %+v", got)
	}
	if err := os.WriteFile(ugly, []byte("package souk.domains.sales\n\nallow if {"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, nil, "policy", "fmt", dir); got.status != 1 || !strings.Contains(got.stderr, "rules.rego:3") {
		t.Errorf("no Rego: %+v", got)
	}
}
