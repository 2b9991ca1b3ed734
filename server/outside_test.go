package server_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
)

// TestBundleKeyStays makes the key at the first start and keeps it at the next.
func TestBundleKeyStays(t *testing.T) {
	dir := t.TempDir()
	cfg := server.Defaults()
	cfg.Store, cfg.BundleKey = "sqlite:"+filepath.Join(dir, "souk.db"), filepath.Join(dir, "bundle.pem")
	var first string
	for range 2 {
		s, err := server.New(t.Context(), cfg, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := s.Outside.VerificationKey()
		if err != nil || (first != "" && id != first) {
			t.Errorf("got the key %q, %v, want %q", id, err, first)
		}
		first = id
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(cfg.BundleKey)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key is readable as %v, %v", info.Mode(), err)
	}
}

// TestBundleKeyIsPrivate refuses a key that others than its owner may use.
func TestBundleKeyIsPrivate(t *testing.T) {
	dir := t.TempDir()
	cfg := server.Defaults()
	cfg.Store, cfg.BundleKey = "sqlite:"+filepath.Join(dir, "souk.db"), filepath.Join(dir, "bundle.pem")
	start := func() error {
		s, err := server.New(t.Context(), cfg, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		return s.Close()
	}
	if err := start(); err != nil { // it makes the key
		t.Fatal(err)
	}
	for mode, private := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o644: false} {
		if err := os.Chmod(cfg.BundleKey, mode); err != nil {
			t.Fatal(err)
		}
		err := start()
		if private != (err == nil) {
			t.Errorf("%#o: got %v", mode, err)
		}
		if !private && (!model.Is(err, model.KindInvalid) || !strings.Contains(err.Error(), "chmod 600")) {
			t.Errorf("%#o: got %v, want a sentence that tells of chmod 600", mode, err)
		}
	}
}

// TestSettingsOfTheDoors refuses what cannot work.
func TestSettingsOfTheDoors(t *testing.T) {
	noKey := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(noKey, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*server.Config){
		"trino-unknown-tables": func(c *server.Config) { c.TrinoUnknown = "perhaps" },
		"public-url":           func(c *server.Config) { c.PublicURL = "souk" },
		"trino-catalogs":       func(c *server.Config) { c.TrinoCatalogs = []string{"pg"} },
		"bundle-key":           func(c *server.Config) { c.BundleKey = noKey },
	} {
		cfg := server.Defaults()
		cfg.Store = "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
		change(&cfg)
		if _, err := server.New(t.Context(), cfg, nil, slog.New(slog.DiscardHandler)); !model.Is(err, model.KindInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
