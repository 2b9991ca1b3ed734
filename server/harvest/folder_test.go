package harvest_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
)

func TestFoldersThatCannotBeReadAreRefused(t *testing.T) {
	dir := t.TempDir()
	for _, line := range []string{"", "sales", "sales=", "=" + dir, "Sales=" + dir, "sales=" + filepath.Join(dir, "none")} {
		_, err := harvest.ParseFolders([]string{"sales=" + dir, line})
		if e, ok := errors.AsType[*model.Error](err); !ok || e.Field != "source-folders" || e.Hint == "" {
			t.Errorf("%q: %v", line, err)
		}
	}
	if got, err := harvest.ParseFolders([]string{"sales=" + dir, "hr=" + dir, "sales=/"}); err != nil || len(got["sales"]) != 2 || got["hr"][0] != dir {
		t.Errorf("%v %v", got, err)
	}
}

// filed is a world whose sales may read one folder, beside which lies what is
// nobody's business, and in which the server's own store lies by mistake.
func filed(t *testing.T) (w *world, root string) {
	t.Helper()
	root = t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "sales"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"sales/mine", "sales/souk.db", "secret", "sales/souk.db-wal"} {
		if err := os.WriteFile(filepath.Join(root, path), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"escape": "../secret", "way": "..", "own": "souk.db"} {
		if err := os.Symlink(to, filepath.Join(root, "sales", from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(root, "sales/souk.db"), filepath.Join(root, "sales/hard")); err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, func(c *harvest.Config) {
		c.Folders = map[model.Slug][]string{"sales": {filepath.Join(root, "sales")}, "hr": {root}}
		c.Own = []string{filepath.Join(root, "sales/souk.db*")}
	})
	return w, root
}

func (w *world) reads(path string) harvest.NewSource {
	w.t.Helper()
	config, err := json.Marshal(map[string]any{"path": path})
	if err != nil {
		w.t.Fatal(err)
	}
	return harvest.NewSource{Name: "reads", DomainID: w.domain.ID, Plugin: "reader", Config: config}
}

// TestFilesOutsideOfTheFoldersAreRefusedAlike gives one message for all that
// is not the domain's to read: what is there, what is not, what is Souk's own.
func TestFilesOutsideOfTheFoldersAreRefusedAlike(t *testing.T) {
	w, root := filed(t)
	said := map[string]bool{}
	for _, path := range []string{
		filepath.Join(root, "secret"), filepath.Join(root, "none"), "/etc/passwd", "/none/at/all", "../secret", filepath.Join(root, "sales/../secret"),
		filepath.Join(root, "sales/escape"), "escape", "way/secret", "souk.db", "own", "hard", "souk.db-wal", filepath.Join(root, "sales/souk.db"),
	} {
		for name, try := range map[string]func(harvest.NewSource) error{
			"create": func(n harvest.NewSource) error { _, err := w.CreateSource(w.ctx, n); return err },
			"check":  func(n harvest.NewSource) error { _, _, err := w.CheckConfig(w.ctx, n); return err },
			"admin":  func(n harvest.NewSource) error { _, err := w.CreateSource(w.admin, n); return err },
		} {
			err := try(w.reads(path))
			e, ok := errors.AsType[*model.Error](err)
			if !ok || e.Kind != model.KindInvalid || e.Field != "config.path" || e.Code != "files.outside" {
				t.Errorf("%s %s: %v", name, path, err)
				continue
			}
			said[err.Error()] = true
		}
	}
	if len(said) != 1 {
		t.Errorf("%d different messages: %v", len(said), said)
	}
	s, err := w.CreateSource(w.ctx, w.reads("mine"))
	if err != nil {
		t.Fatal(err)
	}
	w.succeed(s)
}

// TestFoldersAreAskedAgain closes the folder under a source that could read it.
func TestFoldersAreAskedAgain(t *testing.T) {
	w, _ := filed(t)
	s, err := w.CreateSource(w.ctx, w.reads("mine"))
	if err != nil {
		t.Fatal(err)
	}
	w.config.Folders = nil
	later := harvest.New(w.config)
	t.Cleanup(later.Close)
	run, err := later.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	if run, err = later.Wait(w.ctx, run.ID); err != nil || run.Failure == nil || run.Failure.Code != "files.outside" || run.Failure.Fault != model.FaultConfig {
		t.Errorf("%+v %v", run.Failure, err)
	}
}

// TestWhatTheOperatorSetsUpAtTheShellMayBeRead has a path of the command, which
// is written so that it means the same elsewhere.
func TestWhatTheOperatorSetsUpAtTheShellMayBeRead(t *testing.T) {
	w, root := filed(t)
	operator := model.WithPrincipal(t.Context(), model.System())
	t.Chdir(root)
	s, err := w.CreateSource(operator, w.reads("sales/mine"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(s.Config), filepath.Join(root, "sales/mine")) {
		t.Errorf("kept as %s", s.Config)
	}
	t.Chdir("/")
	w.succeed(s)
	if _, err := w.CreateSource(operator, w.reads(filepath.Join(root, "sales/souk.db"))); !model.Is(err, model.KindInvalid) {
		t.Errorf("Souk's own store: %v", err)
	}
}

// TestSettingsThatKeepAStoppedSource gives lines that work as they are.
func TestSettingsThatKeepAStoppedSource(t *testing.T) {
	t.Setenv("SOUK_TEST_SECRET_SHOP", canary)
	root := t.TempDir()
	path := filepath.Join(root, "x")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(c *harvest.Config) { c.Folders = map[model.Slug][]string{"sales": {root}} }
	w := newWorld(t, open)
	n := w.reads(path)
	n.Name = "stays"
	if _, err := w.CreateSource(w.ctx, n); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateSource(w.ctx, w.shown("shop", "env:SOUK_TEST_SECRET_SHOP", ours)); err != nil {
		t.Fatal(err)
	}
	w.config.Folders, w.config.Bindings = nil, nil
	after := harvest.New(w.config)
	t.Cleanup(after.Close)
	stopped, err := after.Stopped(t.Context())
	if err != nil || len(stopped) != 2 {
		t.Fatalf("%+v %v", stopped, err)
	}
	var bindings, folders []string
	for _, one := range stopped {
		for _, line := range one.Lines {
			if value, ok := strings.CutPrefix(line, "secret-bindings: ["); ok {
				bindings = append(bindings, strings.TrimSuffix(value, "]"))
			}
			if value, ok := strings.CutPrefix(line, "source-folders: ["); ok {
				folders = append(folders, strings.TrimSuffix(value, "]"))
			}
		}
	}
	if w.config.Bindings, err = harvest.ParseBindings(bindings); err != nil {
		t.Fatal(err)
	}
	if w.config.Folders, err = harvest.ParseFolders(folders); err != nil {
		t.Fatal(err)
	}
	mended := harvest.New(w.config)
	t.Cleanup(mended.Close)
	if stopped, err := mended.Stopped(t.Context()); err != nil || len(stopped) != 0 || len(bindings)+len(folders) != 2 {
		t.Errorf("with %v and %v: %+v %v", bindings, folders, stopped, err)
	}
}
