package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// occupied is an address that another program listens on.
func occupied(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestBusyPort: a start on an address that is taken makes nothing, least of
// all a token that nobody sees.
func TestBusyPort(t *testing.T) {
	dir, l := t.TempDir(), occupied(t)
	store := "sqlite:" + filepath.Join(dir, "souk.db")
	for _, command := range []string{"serve", "demo"} {
		got := invoke(t, []string{"TMPDIR=" + dir}, command, "--listen", l.Addr().String(), "--store", store)
		if got.status != 1 || got.stdout != "" {
			t.Errorf("%s: %+v", command, got)
		}
		for _, want := range []string{"listen:", l.Addr().String(), "in use by another program", "--listen"} {
			if !strings.Contains(got.stderr, want) {
				t.Errorf("%s: nothing of %q in: %s", command, want, got.stderr)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s leaves %v, %v", command, left, err)
		}
	}
	server, token := serving(t, store)
	if token == "" {
		t.Fatal("the first start that succeeds shows no token")
	}
	if a := (person{r: server, token: token}).try(`{ viewer { principal { name } } }`, nil); len(a.Errors) > 0 {
		t.Errorf("the token opens nothing: %+v", a.Errors)
	}
}

// TestAddressesThatCannotBeHad says for each what to do.
func TestAddressesThatCannotBeHad(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:8080": "no address of this machine",
		"no host:8080":   `no host "no host"`,
		"8080":           "is not host:port",
	} {
		dir := t.TempDir()
		got := invoke(t, nil, "serve", "--listen", address, "--store", "sqlite:"+filepath.Join(dir, "souk.db"))
		if got.status != 1 || !strings.Contains(got.stderr, want) || !strings.Contains(got.stderr, "127.0.0.1:8080") {
			t.Errorf("%s: %+v", address, got)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s leaves %v, %v", address, left, err)
		}
	}
}

// broken is an output that takes nothing.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestUnseenToken: a token that was made and not shown is an error with the way out.
func TestUnseenToken(t *testing.T) {
	var errs bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: broken{}, stderr: &errs, environment: func() []string { return nil }}
	if status := p.main(t.Context(), []string{"serve", "--listen", "127.0.0.1:0", "--store", "sqlite::memory:", "--log-level", "error"}); status != 1 {
		t.Errorf("status %d", status)
	}
	if !strings.Contains(errs.String(), "souk token issue admin") {
		t.Errorf("it says %s", errs.String())
	}
}

// TestDemoOnAStore says what it keeps, and moves in with nobody.
func TestDemoOnAStore(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "demo.db")
	r := start(t, nil, "demo", "--listen", "127.0.0.1:0", "--store", store)
	if said := r.await(`^(Ctrl-C ends the demo.*)$`); !strings.Contains(said, "stay in the store that you named") {
		t.Errorf("it says %q", said)
	}
	r.stop()
	got := invoke(t, nil, "demo", "--listen", "127.0.0.1:0", "--store", store)
	if got.status != 1 || !strings.Contains(got.stderr, "store: it holds records already") {
		t.Errorf("on a store in use: %+v", got)
	}
}

// TestALimitThatWasSet holds, and so does what hides the schema.
func TestALimitThatWasSet(t *testing.T) {
	r, token := serving(t, "sqlite::memory:", "SOUK_QUERY_DEPTH=2", "SOUK_INTROSPECTION=off")
	admin := person{r: r, token: token}
	for query, refused := range map[string]bool{
		`{ viewer { principal { name } } }`:   true, // three levels
		`{ plugins { name } }`:                false,
		`{ __schema { queryType { name } } }`: true,
	} {
		if errs := admin.try(query, nil).Errors; (len(errs) > 0) != refused {
			t.Errorf("%s: got %+v", query, errs)
		}
	}
}

// TestMetrics: what has happened is on the page.
func TestMetrics(t *testing.T) {
	r, token := serving(t, "sqlite::memory:")
	admin := person{r: r, token: token}
	admin.do("createDomain", "CreateDomainInput", map[string]any{"name": "sales"}, "domain { id }", &struct{}{})
	want := []string{
		`souk_decisions_total{outcome="ALLOW"}`, `souk_decision_seconds_count`, `souk_store_seconds_count{operation="apply"}`,
		`souk_store_waiting_changes 0`, `souk_feed_lag_seconds{reader="catalog"}`, `souk_index_age_seconds`, `souk_search_indexed_percent`, `souk_plugins_running 0`, `souk_streams 0`,
	}
	eventually(t, 10*time.Second, "the page has all of the metrics", func() bool { // the reader of the feed first reads what there is
		page := r.metrics()
		missing := slices.DeleteFunc(slices.Clone(want), func(name string) bool { return strings.Contains(page, "\n"+name) })
		if len(missing) > 0 {
			t.Log("it has no ", missing)
		}
		return len(missing) == 0
	})
}

func (r *running) metrics() string {
	r.t.Helper()
	response, err := http.Get(r.url + "/metrics") //nolint:noctx // of this test's own server
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(page)
}

// TestSearchIsKept beside an SQLite store, for its owner alone: the next start
// searches by it, with what has happened in between.
func TestSearchIsKept(t *testing.T) {
	dir := t.TempDir()
	store := "sqlite:" + filepath.Join(dir, "souk.db")
	r, token := serving(t, store)
	person{r: r, token: token}.do("createDomain", "CreateDomainInput", map[string]any{"name": "sales"}, "domain { id }", &struct{}{})
	r.stop()
	file := filepath.Join(dir, "souk-search")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("got %v, %v", info, err)
	}
	r, _ = serving(t, store)
	var found struct {
		Search struct {
			IndexedPercent int
			Nodes          []struct{ Matched []string }
		}
	}
	person{r: r, token: token}.ask(`{ search(query: "sales", first: 1) { indexedPercent nodes { matched } } }`, nil, &found)
	if found.Search.IndexedPercent != 100 || len(found.Search.Nodes) != 1 {
		t.Errorf("got %+v", found)
	}
	r.stop()
	if left, err := filepath.Glob(file + "*"); err != nil || len(left) != 1 {
		t.Errorf("got %v, %v, want the file alone", left, err)
	}
}

// TestProfiles are on a listener of their own, and nowhere else.
func TestProfiles(t *testing.T) {
	l := occupied(t)
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := start(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "sqlite::memory:", "--pprof-listen", address, "--query-depth", "3")
	url := r.await(`^Souk listens on (\S+)$`)
	status := func(url string) int {
		t.Helper()
		response, err := http.Get(url) //nolint:noctx // of this test's own server
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	if got := status("http://" + address + "/debug/pprof/goroutine?debug=1"); got != http.StatusOK {
		t.Errorf("a profile: status %d", got)
	}
	if got := status("http://" + address + "/metrics"); got != http.StatusNotFound {
		t.Errorf("another door on the profiles' listener: status %d", got)
	}
	if got := status(url + "/debug/pprof/goroutine"); got == http.StatusOK {
		t.Error("profiles are served on the server's own listener")
	}
}
