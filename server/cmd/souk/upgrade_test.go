package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
)

// landed is what an earlier program wrote; its README tells of it.
const landed = "testdata/landed-2026-11"

// landedStores puts the records of the earlier program where the next one
// finds them, on each engine.
var landedStores = map[string]func(t *testing.T) (store string){
	"sqlite": func(t *testing.T) string {
		t.Helper()
		dir := t.TempDir()
		untar(t, filepath.Join(landed, "sqlite.tar.gz"), dir)
		return "sqlite:" + filepath.Join(dir, "souk.db")
	},
	"mongodb": func(t *testing.T) string {
		t.Helper()
		uri, database := mongodbtest.Database(t)
		mongodbtest.Restore(t, database, os.DirFS(filepath.Join(landed, "mongodb")))
		return uri
	},
}

// TestUpgrade opens what an earlier program wrote. Nothing of it is missing or
// changed, the decision log still verifies, and a second start finds it so too.
func TestUpgrade(t *testing.T) {
	for engine, place := range landedStores {
		t.Run(engine, func(t *testing.T) {
			store := place(t)
			token := issueToken(t, store, "cy@operations")
			for _, round := range []string{"first", "second"} {
				r, made := serving(t, store)
				if made != "" {
					t.Errorf("%s start: a token of a first start is printed: the store was taken for a new one", round)
				}
				wantLanded(t, person{r: r, token: token})
				r.stop()
				call(t, "decisions", "verify", "--store", store).must(t, 0, "rows in")
			}
		})
	}
}

// issueToken lets somebody in as an operator does whose people lost theirs.
func issueToken(t *testing.T, store, who string) string {
	t.Helper()
	said := call(t, "token", "issue", "--store", store, who)
	token := regexp.MustCompile(`souk_\w+`).FindString(said.stdout)
	if said.status != 0 || token == "" {
		t.Fatalf("token issue: status %d: %s%s", said.status, said.stdout, said.stderr)
	}
	return token
}

// wantLanded asks what the earlier program was asked, and wants its answer. Rows
// may come in another order, for ids are not the same on both engines.
func wantLanded(t *testing.T, admin person) {
	t.Helper()
	question, err := os.ReadFile(filepath.Join(landed, "question.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(landed, "answer.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	admin.ask(string(question), nil, &got)
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Errorf("the answer of the earlier program (-) and of this one (+):\n%s", diff)
	}
}

// sorted puts every list of a JSON value into the order of its texts.
func sorted(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = sorted(v[key])
		}
	case []any:
		for i := range v {
			v[i] = sorted(v[i])
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(text(a), text(b)) })
	}
	return value
}

func text(value any) string {
	b, _ := json.Marshal(value)
	return string(b)
}

// TestUpgradeSettings reads a settings file of the earlier program.
func TestUpgradeSettings(t *testing.T) {
	file, err := filepath.Abs(filepath.Join(landed, "souk.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, dir := range []string{"policies", "plugins", "secrets"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	f := (&program{environment: func() []string { return nil }}).command("serve", "").withSettings()
	if err := f.Parse([]string{"--config", file}); err != nil {
		t.Fatal(err)
	}
	cfg, err := f.config()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.TrinoUnknown != "passthrough" || cfg.Retention != "2160h" || !slices.Equal(cfg.SecretEnv, []string{"SOUK_SECRET_*", "SHOP_PASSWORD"}) {
		t.Errorf("got %+v", cfg)
	}
}

// TestUpgradePluginLock trusts what the earlier program's lock pinned.
func TestUpgradePluginLock(t *testing.T) {
	found, err := host.ReadFolder(filepath.Join(landed, "plugins"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0].Name != "shopify" || !found[0].Trusted || !slices.Equal(found[0].Env, []string{"HTTPS_PROXY"}) {
		t.Errorf("got %+v", found)
	}
}

func untar(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for files := tar.NewReader(text); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil && h.Typeflag == tar.TypeDir {
			err = root.MkdirAll(h.Name, 0o700)
		} else if err == nil {
			err = unpack(root, h.Name, files)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func unpack(root *os.Root, name string, from io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
