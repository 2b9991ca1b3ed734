package authzen_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The entities of the certification scenario as requests write them.
const (
	alice   = `{"type":"user","id":"alice"}`
	bob     = `{"type":"user","id":"bob"}`
	boss    = `{"type":"user","id":"bob","properties":{"role":"admin"}}`
	one     = `{"type":"record","id":"record-1"}`
	oneLive = `{"type":"record","id":"record-1","properties":{"status":"active"}}`
	twoOld  = `{"type":"record","id":"record-2","properties":{"status":"archived"}}`
	read    = `{"name":"read"}`
	write   = `{"name":"write"}`
)

func ask(subject, action, resource string) string {
	return fmt.Sprintf(`{"subject":%s,"action":%s,"resource":%s}`, subject, action, resource)
}

// TestCertification runs the seven sub-levels of the scenario by which the
// OpenID Foundation certifies decision points of the AuthZEN API 1.0.
func TestCertification(t *testing.T) {
	w := newWorld(t)
	t.Run("Basic Core", w.basicCore)
	t.Run("Basic Properties", w.basicProperties)
	t.Run("Batch Core", w.batchCore)
	t.Run("Batch Properties", w.batchProperties)
	t.Run("Search Core", w.searchCore)
	t.Run("Search Properties", w.searchProperties)
	t.Run("Discovery", w.discovery)
}

func (w *world) decides(t *testing.T, path, body string, want bool) {
	t.Helper()
	got := w.post("gateway", path, body)
	if got.status != http.StatusOK || got.body.Decision == nil || *got.body.Decision != want {
		t.Errorf("%s %s: got %d %s, want %v", path, body, got.status, got.text, want)
	}
	if got.header.Get("Content-Type") != "application/json" {
		t.Errorf("content type %q", got.header.Get("Content-Type"))
	}
}

func (w *world) basicCore(t *testing.T) {
	const path = "/access/v1/evaluation"
	w.decides(t, path, ask(alice, read, one), true)
	w.decides(t, path, ask(alice, write, one), true)
	w.decides(t, path, ask(bob, read, one), true)
	w.decides(t, path, ask(bob, write, one), false)
	w.decides(t, path, `{"subject":`+alice+`,"action":`+read+`,"resource":`+one+`,"context":{"time":"2025-06-27T18:03-07:00","ip":"192.168.1.1"}}`, true)
	w.decides(t, path, `{"subject":{"type":"user","id":"alice","properties":{"department":"Sales","role":"manager"}},
		"action":{"name":"read","properties":{"method":"GET"}},
		"resource":{"type":"record","id":"record-1","properties":{"status":"active","owner":"bob"}}}`, true)
	w.decides(t, path, `{"subject":`+alice+`,"action":`+read+`,"resource":`+one+`,"foo":"bar","futureField":{"nested":true}}`, true)
	for range 5 {
		w.decides(t, path, ask(bob, write, one), false)
	}
	for _, body := range flawed {
		if got := w.post("gateway", path, body); got.status != http.StatusBadRequest || got.body.Error.Message == "" {
			t.Errorf("%s: got %d %s, want 400", body, got.status, got.text)
		}
	}
	if got := w.post("gateway", path, ask(alice, read, one), "Content-Type", "text/plain"); got.status != http.StatusBadRequest {
		t.Errorf("text/plain: got %d", got.status)
	}
	w.echoes(t)
}

// flawed are bodies that no decision can be made of.
var flawed = []string{
	``, `{`, `[]`, `"alice"`, `null`, `{}`,
	`{"action":` + read + `,"resource":` + one + `}`,
	`{"subject":` + alice + `,"resource":` + one + `}`,
	`{"subject":` + alice + `,"action":` + read + `}`,
	ask(`{"id":"alice"}`, read, one), ask(`{"type":"user"}`, read, one), ask(alice, `{}`, one),
	ask(alice, read, `{"id":"record-1"}`), ask(alice, read, `{"type":"record"}`),
	ask(`"alice"`, read, one), ask(alice, `{"name":123}`, one), ask(alice, read, `{"type":"record","id":"record-1","properties":[]}`),
	ask(`{"type":"","id":"alice"}`, read, one), ask(alice, `{"name":""}`, one),
	ask(alice, read, one) + "x",
}

// echoes proves that a request id comes back as it was, whatever the answer.
func (w *world) echoes(t *testing.T) {
	t.Helper()
	for _, id := range []string{"bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "7", `a "b" ü`} {
		for who, body := range map[string]string{"gateway": ask(alice, read, one), "plain": "{}", "": "{}"} {
			if got := w.post(who, "/access/v1/evaluation", body, "X-Request-ID", id); got.header.Get("X-Request-ID") != id {
				t.Errorf("sent the request id %q as %q, got %q", id, who, got.header.Get("X-Request-ID"))
			}
		}
	}
}

func (w *world) basicProperties(t *testing.T) {
	const path = "/access/v1/evaluation"
	w.decides(t, path, ask(alice, write, twoOld), false)
	w.decides(t, path, ask(boss, write, twoOld), true)
	w.decides(t, path, ask(alice, `{"name":"delete","properties":{"soft":true}}`, one), true)
	w.decides(t, path, ask(alice, `{"name":"delete","properties":{"soft":false}}`, one), false)
}

func (w *world) decideAll(t *testing.T, body string, want ...bool) reply {
	t.Helper()
	got := w.post("gateway", "/access/v1/evaluations", body)
	var decisions []bool
	for _, e := range got.body.Evaluations {
		if e.Decision == nil {
			t.Errorf("an evaluation has no decision: %s", got.text)
			return got
		}
		decisions = append(decisions, *e.Decision)
	}
	if got.status != http.StatusOK || got.body.Decision != nil || !slices.Equal(decisions, want) {
		t.Errorf("%s: got %d %s, want %v", body, got.status, got.text, want)
	}
	return got
}

func (w *world) batchCore(t *testing.T) {
	two := `{"type":"record","id":"record-2"}`
	w.decideAll(t, `{"subject":`+alice+`,"action":`+read+`,"evaluations":[{"resource":`+one+`},{"resource":`+two+`}]}`, true, true)
	w.decideAll(t, `{"subject":`+bob+`,"resource":`+one+`,"evaluations":[{"action":`+read+`},{"action":`+write+`}]}`, true, false)
	w.decideAll(t, `{"evaluations":[`+ask(alice, read, one)+`,`+ask(bob, write, one)+`]}`, true, false)
	w.decideAll(t, `{"subject":`+alice+`,"action":`+read+`,"context":{"time":"2025-06-27T18:03-07:00"},
		"evaluations":[{"resource":`+one+`},{"resource":`+two+`,"context":{"time":"2025-06-27T19:00-07:00","source":"batch-override"}}]}`, true, true)
	got := w.decideAll(t, `{"subject":`+alice+`,"action":`+read+`,"options":{"evaluations_semantic":"execute_all"},"evaluations":[{"resource":`+one+`},{}]}`, true, false)
	if reasons := fmt.Sprint(got.body.Evaluations[1].Context["reasons"]); !strings.Contains(reasons, "evaluation.invalid") {
		t.Errorf("the flawed item says %s", reasons)
	}
	w.decideAll(t, `{"subject":`+alice+`,"action":`+read+`,"evaluations":[{"resource":`+one+`},{"resource":"x"},7,{"subject":{"type":"user"},"resource":`+one+`}]}`, true, false, false, false)
	w.decides(t, "/access/v1/evaluations", ask(alice, read, one), true)
	w.decides(t, "/access/v1/evaluations", `{"subject":`+alice+`,"action":`+read+`,"resource":`+one+`,"evaluations":[]}`, true)
	for _, body := range append([]string{`{"evaluations":{}}`, `{"evaluations":[{}],"options":{"evaluations_semantic":"some"}}`}, flawed...) {
		if got := w.post("gateway", "/access/v1/evaluations", body); got.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s, want 400", body, got.status, got.text)
		}
	}
}

func (w *world) batchProperties(t *testing.T) {
	w.decideAll(t, `{"subject":`+alice+`,"action":`+write+`,"evaluations":[{"resource":`+oneLive+`},{"resource":`+twoOld+`}]}`, true, false)
	w.decideAll(t, `{"action":`+write+`,"resource":`+twoOld+`,"evaluations":[{"subject":`+alice+`},{"subject":`+boss+`}]}`, false, true)
	w.decideAll(t, `{"subject":`+alice+`,"action":`+write+`,"resource":`+oneLive+`,"evaluations":[{},{"resource":`+twoOld+`}]}`, true, false)
}

// finds checks a search and gives the names in it.
func (w *world) finds(t *testing.T, kind, body string, want ...string) reply {
	t.Helper()
	got := w.post("gateway", "/access/v1/search/"+kind, body)
	if got.status != http.StatusOK || !strings.Contains(got.text, `"results":[`) {
		t.Errorf("%s %s: got %d %s", kind, body, got.status, got.text)
	}
	if diff := cmp.Diff(want, names(got)); diff != "" {
		t.Errorf("%s %s: %s", kind, body, diff)
	}
	return got
}

func names(got reply) []string {
	var list []string
	for _, e := range got.body.Results {
		list = append(list, strings.TrimSpace(e.Type+" "+e.ID+e.Name))
	}
	return list
}

func (w *world) searchCore(t *testing.T) {
	const context = `,"context":{"time":"2025-06-27T18:03-07:00","ip":"192.168.1.1"}`
	for _, subject := range []string{`{"type":"user"}`, alice} {
		w.finds(t, "subject", ask(subject, read, one), "user alice", "user bob")
		w.finds(t, "subject", strings.TrimSuffix(ask(subject, read, one), "}")+context+"}", "user alice", "user bob")
	}
	for _, resource := range []string{`{"type":"record"}`, one} {
		w.finds(t, "resource", ask(alice, read, resource), "record record-1", "record record-2")
		w.finds(t, "resource", strings.TrimSuffix(ask(alice, read, resource), "}")+context+"}", "record record-1", "record record-2")
	}
	w.finds(t, "action", `{"subject":`+alice+`,"resource":`+one+`}`, "read", "write")
	w.finds(t, "action", `{"subject":`+alice+`,"resource":`+one+context+`}`, "read", "write")
	w.pages(t)
	nobody, nothing, ship := `{"type":"user","id":"nonexistent-user"}`, `{"type":"record","id":"none"}`, `{"type":"spaceship","id":"x"}`
	for _, subject := range []string{nobody, ship} {
		w.finds(t, "action", `{"subject":`+subject+`,"resource":`+one+`}`)
		w.finds(t, "resource", ask(subject, read, one))
	}
	for _, resource := range []string{nothing, ship} {
		w.finds(t, "action", `{"subject":`+alice+`,"resource":`+resource+`}`)
		w.finds(t, "subject", ask(alice, read, resource))
	}
	w.finds(t, "subject", ask(ship, read, one))
	w.finds(t, "resource", ask(alice, read, ship))
	for _, bad := range [][2]string{
		{"subject", `{"subject":{"type":"user"},"resource":` + one + `}`},
		{"resource", `{"action":` + read + `,"resource":{"type":"record"}}`},
		{"action", `{"subject":` + alice + `}`},
		{"subject", ask(`{"type":"user"}`, read, `{"type":"record"}`)},
		{"resource", ask(`{"type":"user"}`, read, `{"type":"record"}`)},
		{"action", `{"subject":{"type":"user"},"resource":` + one + `}`},
		{"subject", `{"page":{"limit":-1},` + ask(alice, read, one)[1:]},
		{"subject", `{"page":{"limit":"1"},` + ask(alice, read, one)[1:]},
		{"subject", `{"page":{"token":"zz.zz"},` + ask(alice, read, one)[1:]},
	} {
		if got := w.post("gateway", "/access/v1/search/"+bad[0], bad[1]); got.status != http.StatusBadRequest {
			t.Errorf("%s %s: got %d %s, want 400", bad[0], bad[1], got.status, got.text)
		}
	}
}

// pages walks a search in steps of one.
func (w *world) pages(t *testing.T) {
	t.Helper()
	body := ask(`{"type":"user"}`, read, one)
	first := w.finds(t, "subject", `{"page":{"limit":1},`+body[1:], "user alice")
	if first.body.Page == nil || *first.body.Page.NextToken == "" || first.body.Page.Count != 1 {
		t.Fatalf("the first page ends the search: %s", first.text)
	}
	token := `{"page":{"token":"` + *first.body.Page.NextToken + `"},`
	second := w.finds(t, "subject", token+body[1:], "user bob")
	if second.body.Page == nil || *second.body.Page.NextToken != "" {
		t.Errorf("the second page does not end the search: %s", second.text)
	}
	if got := w.post("gateway", "/access/v1/search/subject", token+ask(`{"type":"user"}`, write, one)[1:]); got.status != http.StatusBadRequest {
		t.Errorf("the token of another search: got %d %s", got.status, got.text)
	}
}

func (w *world) searchProperties(t *testing.T) {
	w.finds(t, "subject", ask(`{"type":"user"}`, write, twoOld), "user bob")
	w.finds(t, "resource", ask(boss, write, `{"type":"record"}`), "record record-2")
	w.finds(t, "action", `{"subject":`+boss+`,"resource":`+twoOld+`}`, "read", "write")
}

func (w *world) discovery(t *testing.T) {
	got := w.get("/.well-known/authzen-configuration")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %q", got.status, got.header.Get("Content-Type"))
	}
	var meta map[string]string
	must(t, json.Unmarshal([]byte(got.text), &meta))
	if meta["policy_decision_point"] != w.web.URL {
		t.Errorf("the decision point is %q, want %q", meta["policy_decision_point"], w.web.URL)
	}
	for _, name := range []string{"access_evaluation", "access_evaluations", "search_subject", "search_resource", "search_action"} {
		u, err := url.Parse(meta[name+"_endpoint"])
		if err != nil || u.Scheme != "https" {
			t.Errorf("%s_endpoint is %q", name, meta[name+"_endpoint"])
			continue
		}
		if got := w.post("gateway", u.Path, "{}"); got.status != http.StatusBadRequest {
			t.Errorf("%s: got %d", u, got.status)
		}
	}
}
