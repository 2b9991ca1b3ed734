package host_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk/host"
)

// copyOfSelf puts this test's binary into a folder of plugins.
func copyOfSelf(t *testing.T, dir, name string) (sum string) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), self, 0o755); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(self)
	return hex.EncodeToString(digest[:])
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	sum := copyOfSelf(t, dir, "souk-good")
	copyOfSelf(t, dir, "stranger")
	copyOfSelf(t, dir, "changed")
	write(t, dir, "README.md", "no plugin")
	write(t, dir, host.LockFile, `{"plugins": [
		{"name": "good", "file": "souk-good", "sha256": "`+strings.ToUpper(sum)+`", "env": ["SOUK_TEST_ALLOWED"]},
		{"name": "changed", "sha256": "`+strings.Repeat("0", 64)+`"},
		{"name": "lost", "sha256": "`+sum+`"}]}`)
	found, err := host.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		got = append(got, fmt.Sprintf("%s %s %v %.30s", f.Name, filepath.Base(f.Path), f.Trusted, f.Problem))
	}
	want := []string{
		"changed changed false the file is not the one that w", "good souk-good true ",
		"lost lost false the file is pinned and not the", "stranger stranger false the file is not pinned: add it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	b := newBench(t)
	p, failure := b.launch(found[1].Spec(), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	if d, err := p.Describe(t.Context()); err != nil || d.Info.Name != "good" {
		t.Errorf("got %+v %v", d, err)
	}
	for _, i := range []int{0, 2, 3} {
		if _, err := host.Launch(t.Context(), found[i].Spec(), host.Limits{}, b.logger()); b.failure(err).Code != "not_pinned" {
			t.Errorf("%s: %v", found[i].Name, err)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBadLocks(t *testing.T) {
	sum := strings.Repeat("a", 64)
	for name, lock := range map[string]string{
		"no JSON":     "plugins:",
		"unknown key": `{"plugins": [{"name": "a", "sha256": "` + sum + `", "trust": true}]}`,
		"no name":     `{"plugins": [{"sha256": "` + sum + `"}]}`,
		"twice":       `{"plugins": [{"name": "a", "sha256": "` + sum + `"}, {"name": "a", "sha256": "` + sum + `"}]}`,
		"short sum":   `{"plugins": [{"name": "a", "sha256": "abc"}]}`,
		"other place": `{"plugins": [{"name": "a", "file": "../a", "sha256": "` + sum + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			dir := t.TempDir()
			write(t, dir, host.LockFile, lock)
			_, err := host.ReadFolder(dir)
			if f := b.failure(err); f.Code != "bad_lock" || f.Field != host.LockFile {
				t.Errorf("got %+v", f)
			}
		})
	}
	t.Run("open to all", func(t *testing.T) {
		b := newBench(t)
		dir := t.TempDir()
		write(t, dir, host.LockFile, `{}`)
		if err := os.Chmod(filepath.Join(dir, host.LockFile), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := host.ReadFolder(dir); b.failure(err).Code != "bad_lock" {
			t.Error(err)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		b := newBench(t)
		if _, err := host.ReadFolder(filepath.Join(t.TempDir(), "none")); b.failure(err).Code != "no_folder" {
			t.Error(err)
		}
	})
}

func TestExecutablesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	sum := copyOfSelf(t, dir, "plugin")
	path := filepath.Join(dir, "plugin")
	text := []byte("#!/nonexistent/interpreter\n")
	write(t, dir, "script", string(text))
	digest := sha256.Sum256(text)
	for name, tt := range map[string]struct {
		spec host.Spec
		mode os.FileMode
		code string
	}{
		"no command":     {host.Spec{Name: "x"}, 0o755, "no_command"},
		"relative":       {host.Spec{Command: []string{"plugin"}, SHA256: sum}, 0o755, "no_command"},
		"not pinned":     {host.Spec{Command: []string{path}}, 0o755, "not_pinned"},
		"absent":         {host.Spec{Command: []string{path + "x"}, SHA256: sum}, 0o755, "no_executable"},
		"other bytes":    {host.Spec{Command: []string{path}, SHA256: strings.Repeat("0", 64)}, 0o755, "hash_mismatch"},
		"group writes":   {host.Spec{Command: []string{path}, SHA256: sum}, 0o775, "unsafe_file"},
		"others write":   {host.Spec{Command: []string{path}, SHA256: sum}, 0o757, "unsafe_file"},
		"not executable": {host.Spec{Command: []string{path}, SHA256: sum}, 0o644, "unsafe_file"},
		"a folder":       {host.Spec{Command: []string{dir}, SHA256: sum}, 0o755, "unsafe_file"},
		"cannot be run":  {host.Spec{Command: []string{filepath.Join(dir, "script")}, SHA256: hex.EncodeToString(digest[:])}, 0o755, "no_executable"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			for _, file := range []string{"plugin", "script"} {
				if err := os.Chmod(filepath.Join(dir, file), tt.mode); err != nil {
					t.Fatal(err)
				}
			}
			_, err := host.Launch(t.Context(), tt.spec, host.Limits{}, b.logger())
			if f := b.failure(err); f.Code != tt.code || f.Fault != host.FaultConfig {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestScriptIsAPluginToo(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	copyOfSelf(t, dir, "plugin")
	text := "#!/bin/sh\nexec " + filepath.Join(dir, "plugin") + " \"$@\"\n"
	write(t, dir, "script", text)
	if err := os.Chmod(filepath.Join(dir, "script"), 0o755); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(text))
	p, failure := b.launch(host.Spec{
		Name: "good", Command: []string{filepath.Join(dir, "script"), host.ServeArgument, "good"}, SHA256: hex.EncodeToString(digest[:]),
	}, host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	if _, err := p.Describe(t.Context()); err != nil {
		t.Error(err)
	}
}
