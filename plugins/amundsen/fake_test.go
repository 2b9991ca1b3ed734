package amundsen_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	user     = "souk"
	password = "canary-of-amundsen"
)

type object = map[string]any

// recorded is what a real metadata service answered; testdata/record made it.
type recorded struct {
	Keys, Dashboards []string
	Answers          map[string]struct {
		Status int
		Body   any
		Text   string
	}
	Probe map[string]struct {
		Status int
		Body   any
	}
}

// fake serves what was recorded of the metadata service, behind a proxy that asks
// for a password; and a search service, written on 2026-11-30 from
// search/search_service/api/search.py, proxy/es_proxy_v2_1.py and proxy/es_proxy_utils.py of
// https://github.com/amundsen-io/amundsen at commit 2a6ba5803e4849e570bf8106b45495cb02c28483.
type fake struct {
	mu        sync.Mutex
	recorded  recorded
	known     map[string]string // the recorded paths, by the question
	tired     int               // requests that are answered 429 from now on
	asked     []string
	instead   map[string]func(http.ResponseWriter, *http.Request) bool // by path
	hits      []object                                                 // of the search
	boards    []object
	filters   []string // that a search was narrowed by
	noBoards  bool     // there is no index of dashboards
	window    int      // hits that a search counts and shows, as Elasticsearch does
	uncounted bool     // as the search of Atlas is
	count     int      // what the search tells to have; -1 for the true number
}

const odd = "🐪" // in the name of the table that the real service cannot give

func load(t *testing.T) *fake {
	t.Helper()
	text, err := os.ReadFile("testdata/amundsen-3.13.json")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{instead: map[string]func(http.ResponseWriter, *http.Request) bool{}, window: 10_000, count: -1}
	if err := json.Unmarshal(text, &f.recorded); err != nil {
		t.Fatal(err)
	}
	f.known = map[string]string{}
	for path := range f.recorded.Answers {
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		f.known[question(u)] = path
	}
	for _, key := range f.recorded.Keys {
		if !strings.Contains(key, odd) {
			f.list(key)
		}
	}
	for _, uri := range f.recorded.Dashboards {
		f.boards = append(f.boards, object{"uri": uri, "name": "x", "search_score": 1.0, "highlight": object{}})
	}
	return f
}

// list puts a table into the index.
func (f *fake) list(key string) {
	database, rest, _ := strings.Cut(key, "://")
	holder, name, _ := strings.Cut(rest, "/")
	cluster, schema, _ := strings.Cut(holder, ".")
	f.hits = append(f.hits, object{
		"key": key, "database": database, "cluster": cluster, "schema": schema, "table": name, "description": "From the index.", "badges": []string{"gold"}, "tag": []string{"indexed"},
		"column": []string{}, "resource_type": "table", "search_score": 1.0, "highlight": object{},
	})
}

func (f *fake) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name, pass, _ := r.BasicAuth()
	switch {
	case name != user || pass != password:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case f.tired > 0:
		f.tired--
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	f.asked = append(f.asked, r.URL.Path)
	if other := f.instead[r.URL.Path]; other != nil && other(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/v2/search" && r.Method == http.MethodPost:
		f.search(w, r)
	default:
		f.give(w, r)
	}
}

// give answers as the real service did.
func (f *fake) give(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if strings.HasSuffix(path, "/lineage") {
		for kind, probe := range map[string]string{"": "lineage without a type", "application/json": "lineage with a type and no body"} {
			if r.Header.Get("Content-Type") == kind && r.ContentLength <= 0 {
				answer(w, f.recorded.Probe[probe].Status, f.recorded.Probe[probe].Body)
				return
			}
		}
	}
	if known, has := f.known[question(r.URL)]; has && f.recorded.Answers[known].Text == "" {
		answer(w, f.recorded.Answers[known].Status, f.recorded.Answers[known].Body)
		return
	}
	unknown := f.recorded.Answers["/none"]
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(unknown.Status)
	fmt.Fprint(w, unknown.Text)
}

// question is what chooses an answer: a limit does not.
func question(u *url.URL) string {
	q := u.Query()
	return strings.Join([]string{u.Path, q.Get("direction"), q.Get("depth"), q.Get("types")}, "\n")
}

func answer(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (f *fake) search(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Term    *string  `json:"query_term"`
		Types   []string `json:"resource_types"`
		Page    int      `json:"page_index"`
		Size    int      `json:"results_per_page"`
		Filters []struct {
			Name, Operation string
			Values          []string
		} `json:"filters"`
	}
	if json.NewDecoder(r.Body).Decode(&q) != nil || q.Term == nil || len(q.Types) != 1 {
		answer(w, http.StatusInternalServerError, object{"message": "Internal Server Error"})
		return
	}
	list := map[string][]object{"table": f.hits, "dashboard": f.boards}[q.Types[0]]
	for _, filter := range q.Filters {
		value := strings.ReplaceAll(filter.Values[0], `\`, "")
		f.filters = append(f.filters, filter.Values[0])
		list = slices.DeleteFunc(slices.Clone(list), func(h object) bool { return h[filter.Name] != value })
	}
	results := object{}
	if missing := f.noBoards && q.Types[0] == "dashboard"; !missing && q.Size*(q.Page+1) <= f.window { // otherwise Elasticsearch fails, and the service hides it
		var total any = min(len(list), f.window)
		if f.count >= 0 {
			total = f.count
		}
		if f.uncounted {
			total = nil
		}
		from := min(q.Page*q.Size, len(list))
		results[q.Types[0]] = object{"results": list[from:min(from+q.Size, len(list))], "total_results": total}
	}
	answer(w, http.StatusOK, object{"msg": "Success", "page_index": q.Page, "results_per_page": q.Size, "results": results, "status_code": 200})
}

// sized is a service with n tables in a hundred schemas, of which each is as one
// that was recorded.
func sized(t *testing.T, n int) string {
	t.Helper()
	f := load(t)
	f.hits = nil
	for i := range n {
		f.list(fmt.Sprintf("hive://gold.many%d/t%d", i%100, i))
	}
	const recorded = "/table/hive%3A%2F%2Fgold.sales%2Fno_columns"
	one, _ := f.recorded.Answers[recorded].Body.(object)
	many := regexp.MustCompile(`^/table/hive://gold\.(many\d+)/(t\d+)(.*)`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch part := many.FindStringSubmatch(r.URL.Path); {
		case part == nil:
		case part[3] != "":
			r.URL.Path, r.URL.RawPath = "/table/hive://gold.sales/no_columns"+part[3], ""
		default:
			body := maps.Clone(one)
			body["schema"], body["name"] = part[1], part[2]
			answer(w, http.StatusOK, body)
			return
		}
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
