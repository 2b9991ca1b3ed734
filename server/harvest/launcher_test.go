package harvest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/harvest"
)

func TestBundledPluginsAreDescribedWithoutAProcess(t *testing.T) {
	w := newWorld(t)
	got := w.Plugins(t.Context())
	if len(got) != 4 || got[0].Name != "locked" || got[1].Name != "reader" || got[2].Name != "script" || got[2].OffersChanges || got[3].Name != "teller" || !got[3].OffersChanges {
		t.Fatalf("plugins: %+v", got)
	}
	p := got[2]
	if !p.Bundled || !p.Trusted || p.Version != "1.2.3" || p.Doc != "# script" || !strings.Contains(string(p.Schema), `"every"`) {
		t.Errorf("got %+v", p)
	}
	if d := cmp.Diff([]string{"password"}, p.SecretFields); d != "" {
		t.Errorf("secret fields (-want +got):\n%s", d)
	}
	if w.log.String() != "" {
		t.Errorf("something was launched: %s", w.log)
	}
}

// folder holds a copy of the test binary as a foreign plugin.
func folder(t *testing.T) (dir, sum string) {
	t.Helper()
	dir = t.TempDir()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "script"), content, 0o700); err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(content)
	return dir, hex.EncodeToString(hash[:])
}

func pin(t *testing.T, dir, sum string) {
	t.Helper()
	lock := fmt.Sprintf(`{"plugins": [{"name": "script", "sha256": %q}]}`, sum)
	if err := os.WriteFile(filepath.Join(dir, host.LockFile), []byte(lock), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestForeignPlugins(t *testing.T) {
	dir, sum := folder(t)
	w := newWorld(t, func(c *harvest.Config) {
		var err error
		if c.Plugins, err = harvest.NewLauncher(nil, dir, "", c.Log); err != nil {
			t.Fatal(err)
		}
	})
	unpinned := w.Plugins(t.Context())
	if len(unpinned) != 1 || unpinned[0].Trusted || unpinned[0].SHA256 != sum || unpinned[0].Schema != nil {
		t.Errorf("what is not pinned: %+v", unpinned)
	}
	n := harvest.NewSource{Name: "foreign", DomainID: w.domain.ID, Plugin: "script", Config: w.scripted()}
	if _, err := w.CreateSource(w.ctx, n); !model.Is(err, model.KindInvalid) || !strings.Contains(err.Error(), host.LockFile) {
		t.Errorf("a source of what is not pinned: %v", err)
	}
	pin(t, dir, strings.Repeat("0", 64))
	if _, err := w.CreateSource(w.ctx, n); !model.Is(err, model.KindInvalid) {
		t.Errorf("a source of what is pinned as something else: %v", err)
	}
	pin(t, dir, sum)
	pinned := w.Plugins(t.Context())
	if len(pinned) != 1 || !pinned[0].Trusted || pinned[0].Bundled || pinned[0].Version != "1.2.3" || pinned[0].Schema == nil {
		t.Errorf("what is pinned: %+v", pinned)
	}
	s, err := w.CreateSource(w.ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	if run := w.succeed(s, shop...); run.Counts.Created != 3 {
		t.Errorf("counts: %+v", run.Counts)
	}
	if err := os.Remove(filepath.Join(dir, "script")); err != nil {
		t.Fatal(err)
	}
	run := w.run(s, shop...)
	if f := run.Failure; run.Status != model.RunFailed || f.Fault != model.FaultConfig || f.Fix == "" {
		t.Errorf("a run without its plugin: %s %+v", run.Status, f)
	}
}

func TestAFolderThatCannotBeReadIsAnError(t *testing.T) {
	if _, err := harvest.NewLauncher(nil, filepath.Join(t.TempDir(), "none"), "", nil); err == nil {
		t.Error("no error")
	}
}

func TestAUserForPluginsThatWillNotDo(t *testing.T) {
	for _, name := range []string{"root", "0:0", "nobody-of-that-name"} {
		_, err := harvest.NewLauncher(nil, "", name, nil)
		if e, ok := errors.AsType[*model.Error](err); !ok || e.Field != "plugin-user" || e.Hint == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestPluginsRunAsAnotherUser harvests as somebody who owns nothing.
func TestPluginsRunAsAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may start a process as another user")
	}
	w := newWorld(t, func(c *harvest.Config) {
		var err error
		if c.Plugins, err = harvest.NewLauncher(registrations(), "", "65534:65534", c.Log); err != nil {
			t.Fatal(err)
		}
	})
	s := w.source()
	run := w.run(s, shop...)
	if run.Status != model.RunFailed || run.Failure.Fault != model.FaultConfig || !strings.Contains(run.Failure.Message, "cannot be read") {
		t.Errorf("a file of the server's user is read: %s %+v", run.Status, run.Failure)
	}
}
