package process

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCell keeps house in a folder that stands for a cgroup.
func TestCell(t *testing.T) {
	parent := t.TempDir()
	c := newCell(parent, "souk-run-1")
	c.hold(4711)
	c.kill()
	for file, want := range map[string]string{"cgroup.procs": "4711", "cgroup.kill": "1"} {
		path := filepath.Join(parent, "souk-run-1", file)
		if got, err := os.ReadFile(path); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", file, got, err)
		}
		if err := os.Remove(path); err != nil { // the kernel's own go with the folder
			t.Error(err)
		}
	}
	c.remove()
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	for name, none := range map[string]*cell{"no cgroup": newCell("", "x"), "no name": newCell(parent, ""), "one that may not be divided": newCell(filepath.Join(parent, "absent"), "x")} {
		if none != nil {
			t.Errorf("%s: got %s", name, none.path)
		}
		none.hold(1)
		none.kill()
		none.remove()
	}
	EndCell(parent, "souk-run-2")
	EndCell("", "souk-run-2")
}

// TestOwnCgroup reads the forms in which systems tell of it.
func TestOwnCgroup(t *testing.T) {
	const hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	for name, tt := range map[string]struct{ member, mounts, want string }{
		"version 2":    {"0::/system.slice/souk.service\n", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/system.slice/souk.service"},
		"both":         {"1:cpu:/a\n0::/\n", hybrid, "/sys/fs/cgroup/unified"},
		"a container":  {"0::/\n", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "/sys/fs/cgroup"},
		"part of it":   {"0::/pod/a\n", "30 23 0:26 /pod /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "/sys/fs/cgroup/a"},
		"version 1":    {"1:cpu:/a\n", "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", ""},
		"not mounted":  {"0::/a\n", "31 23 0:28 / / rw - ext4 ext4 rw\n", ""},
		"another land": {"", "", ""},
	} {
		proc := t.TempDir()
		for file, text := range map[string]string{"cgroup": tt.member, "mountinfo": tt.mounts} {
			if err := os.WriteFile(filepath.Join(proc, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := cgroupOf(proc); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	if got := cgroupOf(filepath.Join(t.TempDir(), "absent")); got != "" {
		t.Errorf("without a proc: got %q", got)
	}
}
