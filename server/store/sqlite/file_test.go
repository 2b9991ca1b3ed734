package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	zombie "zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

func shut(t *testing.T, db *sqlite.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// put writes one asset and gives the number of its event.
func put(t *testing.T, db *sqlite.DB, a model.Asset) int64 {
	t.Helper()
	e, err := db.Apply(t.Context(), store.Change{Action: "test.put", Writes: []store.Write{store.Assets.Put(a)}})
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	return e.Seq
}

func asset(n int) model.Asset {
	id := model.ID(fmt.Sprintf("ast_%06d", n))
	return model.Asset{Meta: model.Meta{ID: id}, Name: fmt.Sprintf("name_%06d", n), Kind: model.KindTable, Sightings: []model.Sighting{{SourceID: "src_1", Scope: "shop"}}}
}

// script runs statements on a file that no souk has open.
func script(t *testing.T, path string, statements ...string) {
	t.Helper()
	conn, err := zombie.OpenConn(path, zombie.OpenReadWrite|zombie.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, sql := range statements {
		stmt, _, err := conn.PrepareTransient(sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if _, err := stmt.Step(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		_ = stmt.Finalize()
	}
}

func wantRefused(t *testing.T, path string, words ...string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err == nil {
		_ = db.Close()
	}
	if !model.Is(err, model.KindUnavailable) {
		t.Fatalf("open %s: got %v, want kind Unavailable", path, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not name %q", err, w)
		}
	}
}

func TestReopen(t *testing.T) {
	path := file(t)
	db := open(t, path)
	put(t, db, asset(1))
	shut(t, db)
	db = open(t, path)
	if got, err := store.Assets.Get(t.Context(), db, "ast_000001"); err != nil || got.Name != "name_000001" {
		t.Errorf("got %q, %v", got.Name, err)
	}
	if seq := put(t, db, asset(2)); seq != 2 {
		t.Errorf("the next event is number %d, want 2", seq)
	}
}

// TestRefusedFiles are not this store's to open; the driver has the finer cases.
func TestRefusedFiles(t *testing.T) {
	newer, foreign, taken := file(t), file(t), file(t)
	shut(t, open(t, newer))
	script(t, newer, "PRAGMA user_version = 99")
	wantRefused(t, newer, "newer souk", "99", "run the newer souk")
	script(t, foreign, "CREATE TABLE song (title)")
	wantRefused(t, foreign, "another program", "name another file for the store")
	put(t, open(t, taken), asset(1))
	wantRefused(t, taken, "the store", "souk.db", "in use by another souk")
}

func TestMissingIndexesAreMade(t *testing.T) {
	path := file(t)
	db := open(t, path)
	for i := range 20 {
		put(t, db, asset(i))
	}
	shut(t, db)
	script(t, path,
		"DROP INDEX asset_by_kind", "DROP INDEX asset_by_status", "ALTER TABLE asset DROP COLUMN k_kind", // a path that is new
		"DROP INDEX asset_by_domain", "CREATE INDEX asset_by_domain ON asset (k_name)", // an index that was another
		"DROP TABLE asset_by_scope") // a Multi index that is new
	db = open(t, path)
	for index, where := range map[string]store.Filter{
		"by_kind": store.Eq("kind", "TABLE"), "by_status": store.Eq("status", nil), "by_domain": store.Eq("domain", nil), "by_scope": store.Eq("scope", store.ScopeKey("src_1", "shop")),
	} {
		n := 0
		for a, err := range store.Assets.All(t.Context(), db, store.Query{Index: index, Where: where, Limit: 3}) {
			if err != nil {
				t.Fatalf("%s: %v", index, err)
			}
			if want := asset(n).Name; a.Name != want {
				t.Errorf("%s: got %s, want %s", index, a.Name, want)
			}
			n++
		}
		if n != 20 {
			t.Errorf("%s gives %d of 20", index, n)
		}
	}
}

func TestTheLogIsCheckpointed(t *testing.T) {
	path := file(t)
	db := open(t, path)
	a := asset(1)
	a.Description = strings.Repeat("x", 4<<20)
	for range 8 {
		put(t, db, a)
		got, err := store.Assets.Get(t.Context(), db, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		a.Revision = got.Revision
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if info, err := os.Stat(path + "-wal"); err == nil && info.Size() < 16<<20 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the write-ahead log stays long")
		}
		put(t, db, asset(2+int(time.Now().UnixNano()%1e6)))
	}
}

// TestModes makes a store only where that is asked for, and looks on beside
// the process that writes.
func TestModes(t *testing.T) {
	path := file(t)
	for _, mode := range []store.Mode{store.Existing, store.Reading} {
		if _, err := sqlite.OpenAs(t.Context(), path, mode); !model.Is(err, model.KindNotFound) || !strings.Contains(err.Error(), "there is no store at") {
			t.Errorf("mode %d: got %v, want that there is none", mode, err)
		}
	}
	if made, err := os.ReadDir(filepath.Dir(path)); err != nil || len(made) > 0 {
		t.Errorf("opening made %v (%v)", made, err)
	}
	shut(t, open(t, path))
	db, err := sqlite.OpenAs(t.Context(), path, store.Existing)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, db)
	put(t, db, asset(1))
	looking, err := sqlite.OpenAs(t.Context(), path, store.Reading)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, looking)
	if got, err := store.Assets.Get(t.Context(), looking, "ast_000001"); err != nil || got.Name != "name_000001" {
		t.Errorf("got %q, %v", got.Name, err)
	}
	if _, err := looking.Apply(t.Context(), store.Change{Action: "test.put", Writes: []store.Write{store.Assets.Put(asset(2))}}); !model.Is(err, model.KindUnavailable) {
		t.Errorf("the one that looks on wrote: %v", err)
	}
}

// TestVacuumForgets looks in the file for what was overwritten.
func TestVacuumForgets(t *testing.T) {
	path := file(t)
	db := open(t, path)
	a := asset(1)
	a.Description = "canary-overwritten-7f3a"
	put(t, db, a)
	a.Description, a.Revision = "", 1
	put(t, db, a)
	if err := db.Vacuum(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte("canary-overwritten")) {
			t.Errorf("%s still holds it", filepath.Base(name))
		}
	}
}
