package trino_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	user     = "souk"
	password = "canary-of-trino"
	token    = "canary-of-a-token"
)

type object = map[string]any

// statement is what a real Trino told of one, in all.
type statement struct {
	Columns []object `json:"columns,omitempty"`
	Data    [][]any  `json:"data,omitempty"`
	Error   object   `json:"error,omitempty"`
}

// recorded is what testdata/record has kept.
type recorded struct {
	Statements map[string]statement
	Twins      map[string]statement `json:"statements of a catalog with two tables whose names differ in capitals"`
	Stats      object
	Answers    map[string]struct {
		Status int
		Body   any
	}
}

// fake tells what was recorded in the form that Trino tells it: a statement is
// queued, then it runs, and its rows come in pages, each with an address of its own.
type fake struct {
	recorded
	mu       sync.Mutex
	size     int // rows of a page
	running  map[string]statement
	number   int
	asked    int
	dropped  int                             // statements that were abandoned
	unknown  []string                        // statements that were not recorded
	headers  []http.Header                   // of statements
	instead  func(int, *http.Request) string // by the number of a request: what stands in the way of it, as "503"
	stuck    bool                            // the same page comes again and again
	openly   bool                            // nobody signs in
	nameItAs string                          // the address that stands in nextUri
}

func load(t *testing.T) *fake {
	t.Helper()
	text, err := os.ReadFile("testdata/trino-476.json")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{size: 4, running: map[string]statement{}}
	if err := json.Unmarshal(text, &f.recorded); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.instead != nil && hinder(w, f.instead(f.asked, r)) {
		return
	}
	name, pass, _ := r.BasicAuth()
	switch {
	case f.openly:
	case r.Header.Get("Authorization") == "":
		f.give(w, "no password")
		return
	case r.Header.Get("Authorization") != "Bearer "+token && (name != user || pass != password):
		f.give(w, "wrong password")
		return
	}
	path, ours := strings.CutPrefix(r.URL.Path, "/v1/statement")
	switch {
	case !ours:
		f.give(w, "unknown path")
	case path == "" && r.Method == http.MethodPost && r.Header.Get("X-Trino-User") == user:
		f.begin(w, r)
	case r.Method == http.MethodDelete:
		f.dropped++
		w.WriteHeader(http.StatusNoContent)
	default:
		f.goOn(w, r, path)
	}
}

// hinder answers as something that stands in the way does, if there is such.
func hinder(w http.ResponseWriter, how string) bool {
	switch how {
	case "":
		return false
	case "half":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"id": "x", "data": [["a"], `)
	case "429 at once":
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		status, _ := strconv.Atoi(how)
		w.WriteHeader(status)
	}
	return true
}

func (f *fake) give(w http.ResponseWriter, known string) {
	a := f.Answers[known]
	w.Header().Set("Content-Type", "text/plain;charset=utf-8")
	w.WriteHeader(a.Status)
	fmt.Fprint(w, a.Body)
}

func (f *fake) begin(w http.ResponseWriter, r *http.Request) {
	text := make([]byte, r.ContentLength)
	_, _ = r.Body.Read(text)
	s, known := f.Statements[string(text)]
	if !known {
		f.unknown = append(f.unknown, string(text))
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.number++
	id := fmt.Sprintf("20261130_000000_%05d_souk", f.number)
	f.running[id], f.headers = s, append(f.headers, r.Header.Clone())
	f.tell(w, r, id, "QUEUED", "queued", 1, nil)
}

// goOn answers a statement that runs: /queued/ID/SLUG/TOKEN or /executing/ID/SLUG/TOKEN.
func (f *fake) goOn(w http.ResponseWriter, r *http.Request, path string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	s, known := f.running[parts[min(1, len(parts)-1)]]
	if r.Method != http.MethodGet || len(parts) != 4 || !known || parts[2] != slug(parts[1], parts[0], parts[3]) {
		f.give(w, "unknown statement")
		return
	}
	at, _ := strconv.Atoi(parts[3])
	if parts[0] == "queued" {
		f.tell(w, r, parts[1], "QUEUED", "executing", 0, nil)
		return
	}
	more := object{}
	if s.Error != nil {
		more["error"] = s.Error
		f.tell(w, r, parts[1], "FAILED", "", 0, more)
		return
	}
	more["columns"] = s.Columns
	from, to := at*f.size, min((at+1)*f.size, len(s.Data))
	if from >= to {
		f.tell(w, r, parts[1], "FINISHED", "", 0, more)
		return
	}
	if more["data"] = s.Data[from:to]; f.stuck {
		more["data"] = s.Data[:1]
	}
	f.tell(w, r, parts[1], "RUNNING", "executing", at+1, more)
}

// slug is the secret part of an address, which is another for each.
func slug(id, phase, at string) string { return fmt.Sprintf("y%x", id+phase+at) }

func (f *fake) tell(w http.ResponseWriter, r *http.Request, id, state, phase string, at int, more object) {
	root := "http://" + r.Host
	if f.nameItAs != "" {
		root = f.nameItAs
	}
	stats := maps.Clone(f.Stats)
	stats["state"] = state
	body := object{"id": id, "infoUri": root + "/ui/query.html?" + id, "stats": stats, "warnings": []any{}}
	maps.Copy(body, more)
	if phase != "" {
		body["nextUri"] = fmt.Sprintf("%s/v1/statement/%s/%s/%s/%d", root, phase, id, slug(id, phase, strconv.Itoa(at)), at)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func start(t *testing.T, f *fake) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, sql := range f.unknown {
			t.Error("this statement was not recorded: " + sql)
		}
	})
	return server.URL
}
