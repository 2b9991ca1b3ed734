package airflow_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// recorded is what a real Airflow answered; testdata/record made it.
type recorded struct {
	Origin  string
	Date    string
	Answers map[string]struct {
		Status int
		Body   any
	}
}

const (
	user     = "admin"
	password = "canary-of-airflow"
)

// fake serves what was recorded, cut into pages as Airflow does, to whoever
// signs in as that version wants it.
type fake struct {
	mu        sync.Mutex
	major     string
	recorded  recorded
	token     int                                         // the number of the one that is valid
	lasts     int                                         // requests that a token is good for; 0 for all
	left      int                                         // of them
	tired     int                                         // requests that are answered 429 from now on
	instead   map[string]func(w http.ResponseWriter) bool // by path: another answer, if it gives one
	change    map[string]func(body map[string]any)        // by path: what the body is made into
	otherwise func(w http.ResponseWriter) bool            // to what was not recorded, in place of a 404
	asked     map[string]int                              // by path
}

func load(t *testing.T, major string) *fake {
	t.Helper()
	text, err := os.ReadFile("testdata/airflow-" + major + ".json")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{major: major, token: 1, instead: map[string]func(http.ResponseWriter) bool{}, change: map[string]func(map[string]any){}, asked: map[string]int{}}
	if err := json.Unmarshal(text, &f.recorded); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fake) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func (f *fake) api() string { return map[string]string{"2": "/api/v1", "3": "/api/v2"}[f.major] }

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := r.URL.EscapedPath()
	f.asked[path]++
	w.Header().Set("Content-Type", "application/json")
	switch {
	case f.tired > 0:
		f.tired--
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case path == "/auth/token" && f.major == "3":
		f.signIn(w, r)
		return
	case !strings.HasPrefix(path, f.api()+"/"):
		w.WriteHeader(http.StatusNotFound)
		return
	case path != f.api()+"/version" && !f.allowed(r):
		f.give(w, "wrong")
		return
	}
	if other := f.instead[path]; other != nil && other(w) {
		return
	}
	for _, known := range slices.Sorted(func(yield func(string) bool) {
		for k := range f.recorded.Answers {
			if !yield(k) {
				return
			}
		}
	}) {
		bare, _, _ := strings.Cut(known, "?")
		if plain, err := url.PathUnescape(bare); err == nil && plain == r.URL.Path {
			f.page(w, r, known)
			return
		}
	}
	if f.otherwise == nil || !f.otherwise(w) {
		f.give(w, f.api()+"/dags/none/details")
	}
}

func (f *fake) signIn(w http.ResponseWriter, r *http.Request) {
	var who struct{ Username, Password string }
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&who) != nil || who.Username != user || who.Password != password {
		f.give(w, "POST /auth/token wrong")
		return
	}
	f.token++
	f.left = f.lasts
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"access_token": "token-%d"}`, f.token)
}

func (f *fake) allowed(r *http.Request) bool {
	if f.major == "2" {
		name, pass, _ := r.BasicAuth()
		return name == user && pass == password
	}
	if f.lasts > 0 {
		if f.left == 0 {
			return false
		}
		f.left--
	}
	return r.Header.Get("Authorization") == fmt.Sprint("Bearer token-", f.token)
}

func (f *fake) give(w http.ResponseWriter, known string) {
	a := f.recorded.Answers[known]
	w.WriteHeader(a.Status)
	_ = json.NewEncoder(w).Encode(a.Body)
}

// page answers with the part of a listing that limit and offset name.
func (f *fake) page(w http.ResponseWriter, r *http.Request, known string) {
	text, _ := json.Marshal(f.recorded.Answers[known].Body)
	var body map[string]any
	_ = json.Unmarshal(text, &body)
	bare, _, _ := strings.Cut(known, "?")
	if change := f.change[bare]; change != nil {
		change(body)
	}
	query := r.URL.Query()
	for key, value := range body {
		list, isList := value.([]any)
		if !isList || body["total_entries"] == nil {
			continue
		}
		if query.Get("exclude_stale") != "false" && query.Get("only_active") != "false" && key == "dags" {
			list = slices.DeleteFunc(list, func(d any) bool {
				dag, _ := d.(map[string]any)
				return dag["is_stale"] == true || dag["is_active"] == false
			})
		}
		body["total_entries"] = len(list)
		if query.Has("limit") {
			limit, _ := strconv.Atoi(query.Get("limit"))
			offset, _ := strconv.Atoi(query.Get("offset"))
			list = list[min(offset, len(list)):min(offset+min(limit, 100), len(list))]
		}
		body[key] = list
	}
	_ = json.NewEncoder(w).Encode(body)
}

// sized is an Airflow 3 with n DAGs and tasks, nine of these in each DAG, that
// have never run.
func sized(t *testing.T, n int) string {
	t.Helper()
	const tasks = 9
	f := load(t, "3")
	var dags, list []any
	for i := range n / (tasks + 1) {
		dags = append(dags, map[string]any{"dag_id": fmt.Sprint("d", i), "description": "One of many.", "tags": []any{map[string]any{"name": "gold"}}})
	}
	for i := range tasks {
		list = append(list, map[string]any{"task_id": fmt.Sprint("t", i), "owner": "ana", "downstream_task_ids": []string{fmt.Sprint("t", (i+1)%tasks)}})
	}
	f.change["/api/v2/dags"] = func(body map[string]any) { body["dags"] = dags }
	text, err := json.Marshal(map[string]any{"tasks": list, "total_entries": tasks})
	if err != nil {
		t.Fatal(err)
	}
	f.otherwise = func(w http.ResponseWriter) bool {
		_, err := w.Write(text)
		return err == nil
	}
	return f.start(t)
}
