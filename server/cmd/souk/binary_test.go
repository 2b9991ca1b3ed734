package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary builds the program once for all the tests that run it, without what only
// debuggers read, which takes nearly as long to link as all the rest.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "souk-binary-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "souk")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-ldflags=-w", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

// TestMain removes the binary that the tests may have built.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "sqlite3" {
		os.Exit(asSQLite(os.Args[1:]))
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// missing skips a test for want of a service, except in CI, where every
// service is there.
func missing(tb testing.TB, variable, remedy string) {
	tb.Helper()
	if os.Getenv("SOUK_TEST_SKIP") == "never" {
		tb.Fatalf("%s is not set; %s", variable, remedy)
	}
	tb.Skipf("%s is not set; %s", variable, remedy)
}

// program is a running souk.
type running struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines *bufio.Scanner
	errs  *bytes.Buffer
	url   string
}

// start runs the program until the test ends. Its environment is empty but
// for env, so that nothing of this machine leaks in.
func start(tb testing.TB, env []string, args ...string) *running {
	tb.Helper()
	path, err := binary()
	if err != nil {
		tb.Fatal(err)
	}
	r := &running{t: tb, cmd: exec.CommandContext(tb.Context(), path, args...), errs: &bytes.Buffer{}}
	r.cmd.Dir, r.cmd.Env, r.cmd.Stderr = tb.TempDir(), append([]string{"TMPDIR=" + tb.TempDir(), "SOUK_LOG_LEVEL=warn"}, env...), r.errs
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	r.lines = bufio.NewScanner(out)
	tb.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait()
		}
		if tb.Failed() {
			tb.Logf("souk %s said:\n%s", strings.Join(args, " "), r.errs)
		}
	})
	return r
}

// await reads lines until one matches, and gives its first group.
func (r *running) await(pattern string) string {
	r.t.Helper()
	shape := regexp.MustCompile(pattern)
	for r.lines.Scan() {
		if found := shape.FindStringSubmatch(r.lines.Text()); found != nil {
			return found[len(found)-1]
		}
	}
	r.t.Fatalf("the program ended before it said %s: %s", pattern, r.errs)
	return ""
}

// serving starts a server on a free port and waits for it. The token is that of
// a first start, and empty on a later one.
func serving(tb testing.TB, store string, env ...string) (r *running, token string) {
	tb.Helper()
	r = start(tb, env, "serve", "--listen", "127.0.0.1:0", "--store", store)
	for r.url == "" {
		said := r.await(`^ +(souk_\S+)$|(http://\S+)$`)
		if strings.HasPrefix(said, "http") {
			r.url = said
			break
		}
		token = strings.TrimSpace(r.lines.Text())
	}
	return r, token
}

// stop ends the program as an operator would, and wants it to end well.
func (r *running) stop() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, readerOf(r.lines))
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("shutdown: %v: %s", err, r.errs)
	}
}

// readerOf drains a scanner.
func readerOf(lines *bufio.Scanner) io.Reader {
	for lines.Scan() {
	}
	return strings.NewReader("")
}

// person is somebody with a token, who asks over HTTP as any frontend does.
type person struct {
	r     *running
	token string
	id    string
}

// answer is what the graph gave.
type answer struct {
	Data   json.RawMessage `json:"data"`
	Errors []struct {
		Message    string `json:"message"`
		Extensions struct {
			Code    string `json:"code"`
			Reasons []struct {
				Code string `json:"code"`
			} `json:"reasons"`
		} `json:"extensions"`
	} `json:"errors"`
}

// try asks and gives whatever comes.
func (p person) try(query string, variables map[string]any) answer {
	p.r.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		p.r.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(p.r.t.Context(), http.MethodPost, p.r.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		p.r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+p.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.r.t.Fatal(err)
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		p.r.t.Fatalf("decode the answer to %.60s: %v", query, err)
	}
	return a
}

// ask asks for something that must be given, and decodes it.
func (p person) ask(query string, variables map[string]any, into any) {
	p.r.t.Helper()
	a := p.try(query, variables)
	if len(a.Errors) > 0 {
		p.r.t.Fatalf("%.80s: %+v", query, a.Errors)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(a.Data, into); err != nil {
		p.r.t.Fatalf("%.80s: %v", query, err)
	}
}

// do runs a mutation of one field and decodes its payload. A user error fails the test.
func (p person) do(name, input string, variables map[string]any, selection string, into any) {
	p.r.t.Helper()
	payload := p.mutate(name, input, variables, selection)
	if len(payload.UserErrors) > 0 {
		p.r.t.Fatalf("%s: %+v", name, payload.UserErrors)
	}
	if err := json.Unmarshal(payload.all, into); err != nil {
		p.r.t.Fatalf("%s: %v", name, err)
	}
}

type payload struct {
	UserErrors []struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Path    []string `json:"path"`
	} `json:"userErrors"`
	all json.RawMessage
}

func (p person) mutate(name, input string, variables map[string]any, selection string) payload {
	p.r.t.Helper()
	query := fmt.Sprintf("mutation M($input: %s!) { %s(input: $input) { %s userErrors { code message path } } }", input, name, selection)
	var data map[string]json.RawMessage
	p.ask(query, map[string]any{"input": variables}, &data)
	result := payload{all: data[name]}
	if err := json.Unmarshal(result.all, &result); err != nil {
		p.r.t.Fatalf("%s: %v", name, err)
	}
	return result
}

// eventually waits for something that happens in the background.
func eventually(tb testing.TB, within time.Duration, what string, happened func() bool) {
	tb.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if happened() {
			return
		}
	}
	tb.Fatalf("within %s it did not happen: %s", within, what)
}
