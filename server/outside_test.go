package server_test

import (
	"log/slog"
	"os"
	"path/filepath"
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

// TestSettingsOfTheDoors refuses what cannot work.
func TestSettingsOfTheDoors(t *testing.T) {
	for name, change := range map[string]func(*server.Config){
		"trino-unknown-tables": func(c *server.Config) { c.TrinoUnknown = "perhaps" },
		"public-url":           func(c *server.Config) { c.PublicURL = "souk" },
		"trino-catalogs":       func(c *server.Config) { c.TrinoCatalogs = []string{"pg"} },
		"bundle-key":           func(c *server.Config) { c.BundleKey = "architecture_test.go" },
	} {
		cfg := server.Defaults()
		cfg.Store = "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
		change(&cfg)
		if _, err := server.New(t.Context(), cfg, nil, slog.New(slog.DiscardHandler)); !model.Is(err, model.KindInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
