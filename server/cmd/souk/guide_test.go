package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sqlitedb "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const guide = "../../GUIDE.md"

var updateGuide = flag.Bool("update-guide", false, "write what came into server/GUIDE.md instead of comparing it")

// block is a command of the page and the answer that stands below it.
type block struct {
	command, answer string
	answered        bool
}

var fenced = regexp.MustCompile("(?s)```sh\n(.*?)```\n(```\n(.*?)```\n)?")

func blocks(text string) (all []block) {
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		all = append(all, block{command: m[1], answer: m[3], answered: m[2] != ""})
	}
	return all
}

// hidden are what differs from run to run, and is shown as three dots.
var hidden = []struct{ shape, shown string }{
	{`souk_[a-z2-7]{20,}`, `souk_…`},
	{`\b([a-z]{3})_[0-9a-z]{20,}`, `${1}_…`},
	{`sha256:[0-9a-f]+`, `sha256:…`},
	{`\d{4}-\d\d-\d\dT[0-9:.]+Z`, `…`},
	{` in \d[\d.]*m?s\b`, ` in …`},
	{`\b\d+ rows in`, `… rows in`},
	{`127\.0\.0\.1:\d+`, `127.0.0.1:8080`},
}

func shown(text string) string {
	for _, h := range hidden {
		text = regexp.MustCompile(h.shape).ReplaceAllString(text, h.shown)
	}
	return strings.TrimRight(text, "\n") + "\n"
}

// TestGuide types the commands of the first hour's page and compares what comes.
func TestGuide(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, tool, "install it")
		}
	}
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	all := blocks(string(text))
	came := strings.Split(typed(t, all), "@@@\n")
	if len(came) != len(all)+1 || len(all) < 10 {
		t.Fatalf("of %d commands %d were answered:\n%s", len(all), len(came)-1, strings.Join(came, ""))
	}
	for i, b := range all {
		if *updateGuide && b.answered {
			text = bytes.Replace(text, []byte("```sh\n"+b.command+"```\n```\n"+b.answer+"```\n"), []byte("```sh\n"+b.command+"```\n```\n"+shown(came[i])+"```\n"), 1)
			continue
		}
		if got := shown(came[i]); b.answered && got != shown(b.answer) || !b.answered && strings.TrimSpace(got) != "" {
			t.Errorf("%s(-page +came)\n%s", b.command, cmp.Diff(shown(b.answer), got))
		}
	}
	if *updateGuide {
		if err := os.WriteFile(guide, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// typed runs all commands in one shell, in an empty folder and on a free port,
// and ends each answer with a line of its own.
func typed(t *testing.T, all []block) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"souk": path, "sqlite3": self} {
		if err := os.Symlink(target, filepath.Join(tools, name)); err != nil {
			t.Fatal(err)
		}
	}
	l := occupied(t)
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("trap 'kill $! 2>/dev/null; wait' EXIT\n")
	for _, b := range all {
		script.WriteString(strings.ReplaceAll(b.command, "127.0.0.1:8080", address) + "\necho @@@\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir, cmd.Env = t.TempDir(), []string{"PATH=" + tools + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "SOUK_LISTEN=" + address}
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("the shell: %v", err)
	}
	return string(out)
}

// asSQLite lets the test stand in for the sqlite3 of the page.
func asSQLite(args []string) int {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "wants FILE and SQL")
		return 2
	}
	conn, err := sqlitedb.OpenConn(args[0], sqlitedb.OpenReadWrite|sqlitedb.OpenCreate)
	if err == nil {
		err = sqlitex.ExecuteScript(conn, args[1], nil)
	}
	if err == nil {
		err = conn.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestSettingsOfTheGuide loads the page's settings file.
func TestSettingsOfTheGuide(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	if sample == nil {
		t.Fatal("the page has no settings file")
	}
	file := filepath.Join(t.TempDir(), "souk.yaml")
	if err := os.WriteFile(file, sample[1], 0o600); err != nil {
		t.Fatal(err)
	}
	f := (&program{environment: func() []string { return nil }}).command("serve", "").withSettings()
	if err := f.Parse([]string{"--config", file}); err != nil {
		t.Fatal(err)
	}
	cfg, err := f.config()
	if err != nil || cfg.PublicURL != "https://souk.acme.example" || cfg.LogFormat != "json" || len(cfg.TrinoCatalogs) != 1 {
		t.Errorf("got %+v, %v", cfg, err)
	}
}
