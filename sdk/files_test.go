package sdk_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// yard is a folder that a source may read, beside one that it may not.
func yard(t *testing.T) (open, closed string) {
	t.Helper()
	top := t.TempDir()
	open, closed = filepath.Join(top, "open"), filepath.Join(top, "closed")
	for path, text := range map[string]string{"open/a.db": "open", "open/in/b.db": "below", "closed/c.db": "closed"} {
		path = filepath.Join(top, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{
		"inner": "in/b.db", "absolute": filepath.Join(open, "a.db"), "dangling": "in/none",
		"out": "../closed/c.db", "far": filepath.Join(closed, "c.db"), "nowhere": "../closed/none", "folder": "../closed",
	} {
		if err := os.Symlink(to, filepath.Join(open, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink(open, filepath.Join(top, "alias")), syscall.Mkfifo(filepath.Join(open, "pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return open, closed
}

func TestFilesBelowAFolder(t *testing.T) {
	open, _ := yard(t)
	alias := filepath.Join(filepath.Dir(open), "alias")
	for name, tt := range map[string]struct{ folder, path, text string }{
		"by its path":          {open, filepath.Join(open, "a.db"), "open"},
		"further down":         {open, filepath.Join(open, "in", "b.db"), "below"},
		"not the shortest way": {open, open + "/in/../a.db", "open"},
		"relative":             {open, "in/b.db", "below"},
		"a link":               {open, filepath.Join(open, "inner"), "below"},
		"an absolute link":     {open, filepath.Join(open, "absolute"), "open"},
		"the folder is a link": {alias, filepath.Join(open, "a.db"), "open"},
		"both are links":       {alias, filepath.Join(alias, "a.db"), "open"},
		"the way is a link":    {open, filepath.Join(alias, "a.db"), "open"},
		"everything is open":   {"/", filepath.Join(open, "a.db"), "open"},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := sdk.NewFiles("/nowhere", tt.folder).Open("path", tt.path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if text, err := io.ReadAll(file); err != nil || string(text) != tt.text {
				t.Errorf("got %q, %v", text, err)
			}
			if again, err := os.ReadFile(file.Name()); err != nil || string(again) != tt.text {
				t.Errorf("its name is %s: %v", file.Name(), err)
			}
		})
	}
}

// TestFilesOutsideLookAlike wants one answer for what is there and what is not.
func TestFilesOutsideLookAlike(t *testing.T) {
	open, closed := yard(t)
	files := sdk.NewFiles(open)
	_, err := files.Open("path", filepath.Join(closed, "c.db"))
	want, ok := errors.AsType[*sdk.Error](err)
	if !ok || want.Class != sdk.ClassConfig || want.Code != "files.outside" || want.Field != "path" || !strings.Contains(want.Fix, open) {
		t.Fatalf("got %#v", err)
	}
	for name, path := range map[string]string{
		"not there": filepath.Join(closed, "none"), "a folder": closed, "up": "../closed/c.db", "up and not there": "../closed/none",
		"its folder's name goes on": open + "ed", "a device": "/dev/null", "below a file": "/etc/passwd/x", "no right": "/root/x/y",
		"a link out": filepath.Join(open, "out"), "an absolute link out": filepath.Join(open, "far"),
		"a link to nothing": filepath.Join(open, "nowhere"), "through a link": filepath.Join(open, "folder", "c.db"),
		"through a link to nothing": filepath.Join(open, "folder", "none"),
	} {
		for _, try := range []func() error{
			func() error { _, err := files.Open("path", path); return err },
			func() error { _, err := files.IsFolder("path", path); return err },
		} {
			got, ok := errors.AsType[*sdk.Error](try())
			if !ok || got.Message != want.Message || got.Fix != want.Fix || got.Code != want.Code || got.Err != nil {
				t.Errorf("%s: got %#v", name, got)
			}
		}
	}
	if _, err := (sdk.Files{}).Open("path", filepath.Join(open, "a.db")); err == nil {
		t.Error("the zero value opens a file")
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	open, _ := yard(t)
	files := sdk.NewFiles(open)
	for name, tt := range map[string]struct {
		path, message string
		absent        bool
	}{
		"absent":       {"none.db", "does not exist", true},
		"a dead link":  {"dangling", "does not exist", true},
		"a folder":     {"in", "is no file", false},
		"a named pipe": {"pipe", "is no file", false},
		"no name":      {"\x00", "cannot be opened", false},
		"below a file": {"a.db/x", "cannot be opened", false},
		"no path":      {"", "is missing", false},
	} {
		_, err := files.Open("path", tt.path)
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok || !strings.Contains(e.Message, tt.message) || errors.Is(err, fs.ErrNotExist) != tt.absent || e.Fix == "" {
			t.Errorf("%s: got %#v", name, err)
		}
	}
	if is, err := files.IsFolder("path", open); !is || err != nil {
		t.Errorf("the folder itself: %v, %v", is, err)
	}
}

func TestOpenFolder(t *testing.T) {
	folder, outside := t.TempDir(), t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(folder, "a.csv"), nil, 0o600), os.Symlink(outside, filepath.Join(folder, "out"))); err != nil {
		t.Fatal(err)
	}
	files := sdk.NewFiles(folder)
	f, err := files.OpenFolder("path", folder)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if entries, err := f.ReadDir(-1); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
	for _, path := range []string{outside, filepath.Join(folder, "out"), filepath.Join(folder, "a.csv"), filepath.Join(folder, "none")} {
		if _, err := files.OpenFolder("path", path); err == nil {
			t.Errorf("%s is opened", path)
		}
	}
}
