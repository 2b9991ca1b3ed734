package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sqlitedb "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/mesh"
)

// decided makes a store in which something was decided, and gives its address.
func decided(t *testing.T) string {
	t.Helper()
	cfg := server.Defaults()
	cfg.Store = "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	s, err := server.New(t.Context(), cfg, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := model.WithPrincipal(t.Context(), model.System())
	for _, name := range []model.Slug{"sales", "legal", "hr"} {
		if _, err := s.Mesh.CreateDomain(ctx, mesh.NewDomain{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Decisions.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg.Store
}

// call runs the program in this process.
func call(t *testing.T, args ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, environment: func() []string { return nil }}
	status := p.main(t.Context(), args)
	return said{out.String(), errs.String(), status}
}

func (s said) must(t *testing.T, status int, words ...string) {
	t.Helper()
	text := s.stdout + s.stderr
	if s.status != status {
		t.Errorf("status %d, want %d: %s", s.status, status, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in: %s", w, text)
		}
	}
}

func TestDecisionsCommand(t *testing.T) {
	store := decided(t)
	whole := call(t, "decisions", "verify", "--store", store)
	whole.must(t, 0, "3 rows in 1 segment,", "public key")
	_, key, _ := strings.Cut(whole.stdout, "public key  ")
	call(t, "decisions", "--public-key", strings.TrimSpace(key), "--store", store, "verify").must(t, 0)
	call(t, "decisions", "--public-key", "00", "--store", store, "verify").must(t, 1, "signed with another key")
	call(t, "decisions", "--store", store, "replay").must(t, 0, "3 the same, 0 different")

	lines := strings.Split(strings.TrimSpace(call(t, "decisions", "--store", store, "--action", "domain.admin", "--from", "2020-01-01", "export").stdout), "\n")
	var event struct {
		DecisionID string `json:"decision_id"`
		Input      any    `json:"input"`
	}
	if err := json.Unmarshal([]byte(lines[0]), &event); err != nil || len(lines) != 3 || event.Input == nil || !strings.HasPrefix(event.DecisionID, "dec_") {
		t.Errorf("got %d lines, the first of %+v, %v", len(lines), event, err)
	}
	if got := call(t, "decisions", "--store", store, "--to", "2020-01-01T00:00:00Z", "export"); got.status != 0 || got.stdout != "" {
		t.Errorf("of long ago: got %+v", got)
	}
	call(t, "decisions", "--store", store, "--from", "yesterday", "export").must(t, 1, "--from", "2026-11-25")
	call(t, "decisions", "--store", store).must(t, 2, "verify", "export", "replay")
	call(t, "serve", "--store", store, "--decision-retention", "0d").must(t, 1, "decision-retention", "90d")
}

func TestForgedDecisionsAreFound(t *testing.T) {
	store := decided(t)
	folder := strings.TrimSuffix(strings.TrimPrefix(store, "sqlite:"), ".db") + "-decisions"
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	conn, err := sqlitedb.OpenConn(filepath.Join(folder, files[0].Name()), sqlitedb.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	forgery := `UPDATE row SET body = CAST(replace(CAST(body AS TEXT), '"outcome":"ALLOW"', '"outcome":"DENY"') AS BLOB) WHERE seq = 2`
	if err := sqlitex.ExecuteTransient(conn, forgery, nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	call(t, "decisions", "--store", store, "verify").must(t, 1, "row 2 (dec_", "it was changed", "1 problem")
	call(t, "decisions", "--store", store, "replay").must(t, 1, "row 2 (dec_", "was DENY and is now ALLOW", "2 the same, 1 different")
}

// TestLogAndStoreThatLostSomething are not served, and the way back is a command.
func TestLogAndStoreThatLostSomething(t *testing.T) {
	store := decided(t)
	path := strings.TrimPrefix(store, "sqlite:")
	folder := strings.TrimSuffix(path, ".db") + "-decisions"
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	call(t, "decisions", "verify", "--store", store).must(t, 1, "the decision log ends with row 0", "1 problem")
	call(t, "token", "issue", "admin", "--store", store).must(t, 1, "souk decisions accept", "souk restore")
	call(t, "decisions", "accept", "--store", store).must(t, 1, "--reason")
	call(t, "decisions", "accept", "--reason", "the disk is gone", "--store", store).must(t, 0, "accepted: the decision log ends with row 0")
	call(t, "decisions", "export", "--action", "decision.accept", "--store", store).must(t, 0, "log.accepted", "the disk is gone", "ends with row 0")
	call(t, "decisions", "accept", "--reason", "once more", "--store", store).must(t, 0, "nothing to accept")
	call(t, "decisions", "verify", "--store", store).must(t, 0, "public key")
	if err := os.Chmod(folder+".key", 0o644); err != nil {
		t.Fatal(err)
	}
	call(t, "token", "issue", "admin", "--store", store).must(t, 1, "chmod 600")
}

// TestBackupCommands copy a store with its log, and bring it back over what is
// there, which is kept.
func TestBackupCommands(t *testing.T) {
	store := decided(t)
	to := filepath.Join(t.TempDir(), "souk.backup")
	call(t, "backup", to, "--store", store).must(t, 0, "verified", "public key", "keep it as safe")
	call(t, "backup", to, "--store", store).must(t, 1, "is there already")
	call(t, "backup", "--store", store).must(t, 2)
	call(t, "restore", to, "--store", store).must(t, 0, "restored the store", "before-restore")
	call(t, "decisions", "verify", "--store", store).must(t, 0, "public key")
	call(t, "restore", to+".none", "--store", store).must(t, 1, "cannot be read")
	call(t, "backup", to+"2", "--store", store+".none").must(t, 1, "there is no store")
}
