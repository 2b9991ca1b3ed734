package superset_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

type object = map[string]any

const password = "canary-of-superset"

// fake is a fake of Superset's REST API, after its OpenAPI description (served by
// Superset 6.1 at /api/v1/_openapi) and the answers of a real one that
// testdata/record has kept: those of the user of the page's role. It wants a token
// for everything but signing in, ends tokens when it is told to, reads the
// parameter q as rison, gives 100 things a page at most, and refuses paths and
// orders that it does not know.
type fake struct {
	mu      sync.Mutex
	lists   map[string][]object
	details map[string]object
	places  map[string]string // what an administrator is told of a database
	size    int               // the most of a page
	lasts   int               // requests that a short token is good for; 0 for all
	left    int
	short   int // number of the token that is good
	long    int // how often the long one may be used
	signed  int
	tired   int               // requests that are answered by 429
	wait    string            // Retry-After of it
	instead map[string]string // by path: STATUS BODY
	asked   map[string]int
}

// recorded are the answers that were kept.
func recorded(t *testing.T) *fake {
	t.Helper()
	text, err := os.ReadFile("testdata/superset-6.1.json")
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		As map[string]struct {
			Database, Dataset, Chart, Dashboard []object
			Details                             map[string]struct{ Result object }
		}
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	souk := kept.As["souk"]
	f := empty()
	f.lists = map[string][]object{"database": souk.Database, "dataset": souk.Dataset, "chart": souk.Chart, "dashboard": souk.Dashboard}
	for id, d := range souk.Details {
		f.details[id] = d.Result
	}
	return f
}

func empty() *fake {
	return &fake{lists: map[string][]object{}, details: map[string]object{}, instead: map[string]string{}, asked: map[string]int{}, size: 100, long: 1000}
}

// withDatasets is one with so many datasets, each of so many columns.
func withDatasets(n, columns int) *fake {
	f := empty()
	f.lists["database"] = []object{{"id": 1, "database_name": "shop", "backend": "postgresql"}}
	for i := range n {
		name := fmt.Sprintf("t%06d", i)
		f.lists["dataset"] = append(f.lists["dataset"], object{"id": i + 1, "table_name": name})
		var all []object
		for j := range columns {
			all = append(all, object{"column_name": fmt.Sprint("c", j), "type": "INT", "extra": nil})
		}
		f.details[strconv.Itoa(i+1)] = object{"id": i + 1, "table_name": name, "sql": nil, "schema": "public", "database": object{"id": 1, "database_name": "shop"}, "columns": all}
	}
	return f
}

func (f *fake) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// change gives a change of what it answers.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

var (
	listPath   = regexp.MustCompile(`^/api/v1/(database|dataset|chart|dashboard)/$`)
	detailPath = regexp.MustCompile(`^/api/v1/dataset/(\d+)$`)
	placePath  = regexp.MustCompile(`^/api/v1/database/(\d+)/connection$`)
	query      = regexp.MustCompile(`^\(columns:!\(([a-z_.,]+)\)(?:,order_column:([a-z_]+),order_direction:asc,page:(\d+),page_size:(\d+))?\)$`)
	orders     = map[string]string{"database": "database_name", "dataset": "table_name", "chart": "slice_name", "dashboard": "dashboard_title"}
)

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[r.URL.Path]++
	if f.tired > 0 {
		f.tired--
		if f.wait != "" {
			w.Header().Set("Retry-After", f.wait)
		}
		answer(w, http.StatusTooManyRequests, object{"message": "10 per 1 second"})
		return
	}
	if status, body, is := strings.Cut(f.instead[r.URL.Path], " "); is {
		n, _ := strconv.Atoi(status)
		w.WriteHeader(n)
		fmt.Fprint(w, body)
		return
	}
	switch path := r.URL.Path; {
	case path == "/api/v1/security/login" && r.Method == http.MethodPost:
		f.signIn(w, r)
	case path == "/api/v1/security/refresh" && r.Method == http.MethodPost:
		f.refresh(w, r)
	case r.Method != http.MethodGet:
		answer(w, http.StatusNotFound, object{"message": "Not found"})
	case !f.admits(w, r):
	case listPath.MatchString(path):
		f.list(w, r, listPath.FindStringSubmatch(path)[1])
	case detailPath.MatchString(path):
		f.detail(w, r, detailPath.FindStringSubmatch(path)[1])
	case placePath.MatchString(path):
		f.place(w, placePath.FindStringSubmatch(path)[1])
	default:
		answer(w, http.StatusNotFound, object{"message": "Not found"})
	}
}

func (f *fake) signIn(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Username, Password, Provider string
		Refresh                      bool
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Provider != "db" || !body.Refresh {
		answer(w, http.StatusBadRequest, object{"message": "Missing required parameter"})
		return
	}
	if body.Username != "souk" || body.Password != password {
		answer(w, http.StatusUnauthorized, object{"message": "Not authorized"})
		return
	}
	f.signed++
	f.renewed()
	answer(w, http.StatusOK, object{"access_token": f.token("short"), "refresh_token": f.token("long")})
}

func (f *fake) token(kind string) string { return fmt.Sprint("canary.", kind, ".", f.short) }

func (f *fake) renewed() { f.short, f.left = f.short+1, f.lasts }

func (f *fake) refresh(w http.ResponseWriter, r *http.Request) {
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer canary.long."):
		answer(w, http.StatusUnprocessableEntity, object{"msg": "Only refresh tokens are allowed"})
	case f.long == 0:
		answer(w, http.StatusUnauthorized, object{"msg": "Token has expired"})
	default:
		f.long--
		f.renewed()
		answer(w, http.StatusOK, object{"access_token": f.token("short")})
	}
}

func (f *fake) admits(w http.ResponseWriter, r *http.Request) bool {
	switch given := r.Header.Get("Authorization"); {
	case given == "":
		answer(w, http.StatusUnauthorized, object{"msg": "Missing Authorization Header"})
	case given != "Bearer "+f.token("short"):
		answer(w, http.StatusUnprocessableEntity, object{"msg": "Signature verification failed"})
	case f.lasts > 0 && f.left == 0:
		answer(w, http.StatusUnauthorized, object{"msg": "Token has expired"})
	default:
		f.left--
		return true
	}
	return false
}

func (f *fake) list(w http.ResponseWriter, r *http.Request, kind string) {
	q := query.FindStringSubmatch(r.URL.Query().Get("q"))
	if q == nil || q[2] == "" {
		answer(w, http.StatusBadRequest, object{"message": "Not a valid rison/json argument"})
		return
	}
	if q[2] != orders[kind] {
		answer(w, http.StatusBadRequest, object{"message": "Invalid order by column: " + q[2]})
		return
	}
	page, _ := strconv.Atoi(q[3])
	size, _ := strconv.Atoi(q[4])
	size = min(size, f.size)
	all := f.lists[kind]
	from, to := min(page*size, len(all)), min((page+1)*size, len(all))
	result, ids := []object{}, []any{}
	for _, item := range all[from:to] {
		result, ids = append(result, pruned(item, q[1])), append(ids, item["id"])
	}
	answer(w, http.StatusOK, object{"count": len(all), "ids": ids, "result": result, "list_title": "List"})
}

// pruned is a thing with the columns that are asked for.
func pruned(item object, columns string) object {
	out := object{}
	for column := range strings.SplitSeq(columns, ",") {
		name, _, _ := strings.Cut(column, ".")
		if value, has := item[name]; has {
			out[name] = value
		}
	}
	return out
}

func (f *fake) detail(w http.ResponseWriter, r *http.Request, id string) {
	q := query.FindStringSubmatch(r.URL.Query().Get("q"))
	switch item, has := f.details[id]; {
	case q == nil || slices.Contains(strings.Split(q[1], ","), "select_star"):
		answer(w, http.StatusInternalServerError, object{"message": "Fatal error"}) // the database is out of reach
	case !has:
		answer(w, http.StatusNotFound, object{"message": "Not found"})
	default:
		answer(w, http.StatusOK, object{"id": item["id"], "result": pruned(item, q[1])})
	}
}

func (f *fake) place(w http.ResponseWriter, id string) {
	switch uri := f.places[id]; {
	case f.places == nil:
		answer(w, http.StatusForbidden, object{"message": "Forbidden"})
	case uri == "": // Superset lacks the driver
		answer(w, http.StatusInternalServerError, object{"message": "Fatal error"})
	default:
		n, _ := strconv.Atoi(id)
		answer(w, http.StatusOK, object{"id": n, "result": object{"sqlalchemy_uri": uri}})
	}
}
