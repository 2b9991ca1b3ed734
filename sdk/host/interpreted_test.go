package host_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk/host"
)

func sumText(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func folder(t *testing.T, dir string) []host.Found {
	t.Helper()
	found, err := host.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// interpretedFolder is a plugin folder with one that /bin/sh runs.
func interpretedFolder(t *testing.T, b *bench) (dir, lock string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "shop", "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "shop/main.sh", "case $0 in "+b.dir+"/souk-run-*/program/main.sh) . ${0%/*}/lib/start.sh ;; esac\n")
	write(t, dir, "shop/lib/start.sh", "exec "+self+" \"$@\"\n")
	sum, err := host.SumFolder(filepath.Join(dir, "shop"))
	if err != nil {
		t.Fatal(err)
	}
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(shell)
	if err != nil {
		t.Fatal(err)
	}
	return dir, fmt.Sprintf(`{"plugins": [{"name": "good", "file": "shop", "sha256": %q, "entry": "main.sh",
		"interpreter": {"path": %q, "sha256": %q, "args": ["-e"]}, "limits": {"cpuSeconds": 77, "memoryMiB": 600}}]}`, sum, shell, sumText(content))
}

// TestInterpretedPlugin runs from a copy of the folder, and is trusted as long as
// nothing of the folder is another.
func TestInterpretedPlugin(t *testing.T) {
	b := newBench(t)
	dir, lock := interpretedFolder(t, b)
	write(t, dir, host.LockFile, lock)
	found := folder(t, dir)
	if len(found) != 1 || !found[0].Trusted {
		t.Fatalf("got %+v", found)
	}
	spec := found[0].Spec()
	if spec.Limits.CPUSeconds != 77 || spec.Limits.MemoryBytes != 600<<20 {
		t.Errorf("the limits: %+v", spec.Limits)
	}
	p, failure := b.launch(spec, host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	if d, err := p.Describe(t.Context()); err != nil || d.Info.Name != "good" {
		t.Errorf("got %+v, %v", d, err)
	}
	b.close(p) // which looks for what is left
	for name, change := range map[string]func(){
		"changed": func() { write(t, dir, "shop/lib/start.sh", "exit 0\n") },
		"added":   func() { write(t, dir, "shop/lib/more.sh", "") },
		"gone":    func() { _ = os.Remove(filepath.Join(dir, "shop/lib/start.sh")) },
		"a link":  func() { _ = os.Symlink("/etc/passwd", filepath.Join(dir, "shop/lib/link")) },
		"for all": func() { _ = os.Chmod(filepath.Join(dir, "shop/main.sh"), 0o666) },
	} {
		dir, lock = interpretedFolder(t, b)
		write(t, dir, host.LockFile, lock)
		spec := folder(t, dir)[0].Spec()
		change()
		if now := folder(t, dir)[0]; now.Trusted {
			t.Errorf("%s: got %+v", name, now)
		}
		if _, failure := b.launch(spec, host.Limits{}); failure == nil {
			t.Errorf("%s: it is run: %+v", name, failure)
		}
	}
}

// TestInterpretersArePinned too.
func TestInterpretersArePinned(t *testing.T) {
	b := newBench(t)
	dir, lock := interpretedFolder(t, b)
	for name, other := range map[string][2]string{
		"another program": {},
		"no entry":        {`"entry": "main.sh"`, `"entry": ""`},
		"entry outside":   {`"entry": "main.sh"`, `"entry": "../main.sh"`},
		"relative":        {`"path": "/`, `"path": "`},
	} {
		changed := strings.Replace(lock, other[0], other[1], 1)
		if name == "another program" {
			i := strings.Index(lock, `"path": "`) + len(`"path": "`)
			end := i + strings.Index(lock[i:], `"`)
			changed = lock[:i] + "/usr/bin/env" + lock[end:]
		}
		write(t, dir, host.LockFile, changed)
		found, err := host.ReadFolder(dir)
		if err == nil && found[0].Trusted {
			t.Errorf("%s: it is trusted", name)
		}
	}
}

// TestAPluginWithoutTLS is taken where it listens in its own directory.
func TestAPluginWithoutTLS(t *testing.T) {
	b := newBench(t)
	got, f := b.harvest("plain", host.Limits{}, &memory{})
	if f != nil || got.Assets != 1 {
		t.Errorf("got %+v, %+v", got, f)
	}
}
