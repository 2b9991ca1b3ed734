package opa_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/policy/bundletest"
	"github.com/souk-mesh/souk/server/store"
)

// TestBundleIsFetchedOnce follows a client that polls.
func TestBundleIsFetchedOnce(t *testing.T) {
	w := newWorld(t)
	first, data := w.send(w.web, "sidecar", http.MethodGet, "/bundles/sales.tar.gz", nil)
	tag := first.Header.Get("ETag")
	if first.StatusCode != http.StatusOK || tag == "" || len(data) == 0 || first.Header.Get("Content-Type") != "application/gzip" {
		t.Fatalf("got %d %v", first.StatusCode, first.Header)
	}
	for _, known := range []string{tag, "W/" + tag, `"old", ` + tag} {
		if again, body := w.send(w.web, "sidecar", http.MethodGet, "/bundles/sales.tar.gz", nil, "If-None-Match", known); again.StatusCode != http.StatusNotModified || len(body) != 0 {
			t.Errorf("%s: got %d", known, again.StatusCode)
		}
	}
	if other, _ := w.send(w.web, "sidecar", http.MethodGet, "/bundles/finance.tar.gz", nil, "If-None-Match", tag); other.StatusCode != http.StatusOK {
		t.Errorf("the bundle of another domain: got %d", other.StatusCode)
	}
	draft := bundletest.Drafts()[0]
	draft.Modules[0].Text += "\n# A remark.\n"
	_, err := w.Engine.Activate(t.Context(), draft)
	must(t, err)
	if changed, _ := w.send(w.web, "sidecar", http.MethodGet, "/bundles/sales.tar.gz", nil, "If-None-Match", tag); changed.StatusCode != http.StatusOK || changed.Header.Get("ETag") == tag {
		t.Errorf("after an activation: got %d %s", changed.StatusCode, changed.Header.Get("ETag"))
	}
	key, text := w.send(w.web, "sidecar", http.MethodGet, "/bundles/key.pem", nil)
	if key.Header.Get("X-Souk-Key-ID") != w.key.ID || string(text) != w.key.Public {
		t.Errorf("got the key %s %s", key.Header.Get("X-Souk-Key-ID"), text)
	}
}

// TestBundleRefusals names what cannot be fetched.
func TestBundleRefusals(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		who, path string
		want      int
		word      string
	}{
		{"", "/bundles/sales.tar.gz", http.StatusUnauthorized, "signed in"},
		{"plain", "/bundles/sales.tar.gz", http.StatusForbidden, ""},
		{"sidecar", "/bundles/sales.zip", http.StatusNotFound, "platform.tar.gz"},
		{"sidecar", "/bundles/nowhere.tar.gz", http.StatusNotFound, "no such domain"},
		{"sidecar", "/bundles/Sales.tar.gz", http.StatusBadRequest, "scope"},
		{"sidecar", "/bundles/..%2fsales.tar.gz", http.StatusBadRequest, "scope"},
	} {
		if got, text := w.send(w.web, c.who, http.MethodGet, c.path, nil); got.StatusCode != c.want || !strings.Contains(string(text), c.word) {
			t.Errorf("%q %s: got %d %s, want %d", c.who, c.path, got.StatusCode, text, c.want)
		}
	}
	for _, path := range []string{"/bundles/sales.tar.gz", "/bundles/key.pem"} {
		if got, text := w.send(w.bare, "sidecar", http.MethodGet, path, nil); got.StatusCode != http.StatusNotFound || !strings.Contains(string(text), "bundle-key") {
			t.Errorf("without a key, %s: got %d %s", path, got.StatusCode, text)
		}
	}
}

const input = `{"v":1,"action":{"name":"data.read"},"subject":{"id":"prn_bo","name":"#"},"resource":{"id":"dpr_orders","domain":"sales"},"facts":{},"context":{"now":"2026-05-04T12:00:00.000Z"}}`

func logged(id, path, input, result string, at time.Time) string {
	return fmt.Sprintf(`{"labels":{"id":"x"},"decision_id":%q,"path":%q,"input":%s,"result":%s,"masked":["/input/subject/name"],"timestamp":%q,"metrics":{}}`,
		id, path, input, result, at.Format(time.RFC3339Nano))
}

const allowed = `{"outcome":"ALLOW","allow":true,"reasons":[{"code":"sales.open","message":"Sales is open.","origin":"sales"}],"ttl_max_s":0,"revisions":{"platform":"sha256:1","domain":"sha256:2"}}`

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	must(t, err)
	must(t, z.Close())
	return b.Bytes()
}

// TestLogsComeBack keeps what a sidecar has decided, once.
func TestLogsComeBack(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	chunk := "[" + logged("one", "souk/main/decision", input, allowed, now) + "," + logged("two", "/souk/main/decision", input, allowed, now) + "," +
		logged("other", "system/log/mask", `{}`, `{}`, now) + "]"
	for _, want := range []string{`{"kept":2,"known":0,"ignored":1,"refused":0}`, `{"kept":0,"known":2,"ignored":1,"refused":0}`} {
		if got, text := w.send(w.web, "sidecar", http.MethodPost, "/logs", packed(t, chunk), "Content-Type", "application/json", "Content-Encoding", "gzip"); got.StatusCode != http.StatusOK || string(text) != want {
			t.Fatalf("got %d %s, want %s", got.StatusCode, text, want)
		}
	}
	page, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["sidecar"].ID))})
	must(t, err)
	if len(page.Nodes) != 2 {
		t.Fatalf("the log holds %d rows of the sidecar, want 2", len(page.Nodes))
	}
	row := page.Nodes[0]
	if row.Action != model.ActDataRead || row.Domain != "sales" || row.ResourceID != "dpr_orders" || row.Outcome != model.Allow || row.Decision.Revisions.Domain != "sha256:2" ||
		row.Decision.Reasons[0].Code != "sales.open" || fmt.Sprint(row.Masked) != "[subject.name]" || !json.Valid(row.Input) || row.At.Sub(now).Abs() > time.Millisecond {
		t.Errorf("got %+v", row)
	}
}

// TestReportsAreAboutTheirSubject, if that is somebody known here, and say who
// reported them; others stay with the service.
func TestReportsAreAboutTheirSubject(t *testing.T) {
	w := newWorld(t)
	about := func(name string, id model.ID) string {
		return logged(name, "souk/main/decision", strings.Replace(input, "prn_bo", string(id), 1), allowed, time.Now())
	}
	chunk := "[" + about("one", w.People["plain"].ID) + "," + about("two", "prn_nobody") + "," + about("three", w.People["sidecar"].ID) + "]"
	if got, text := w.send(w.web, "sidecar", http.MethodPost, "/logs", []byte(chunk), "Content-Type", "application/json"); !strings.HasPrefix(string(text), `{"kept":3,`) {
		t.Fatalf("got %d %s", got.StatusCode, text)
	}
	for who, want := range map[string]struct {
		rows    int
		askedBy model.ID
	}{"plain": {1, w.People["sidecar"].ID}, "sidecar": {2, ""}} {
		page, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People[who].ID))})
		must(t, err)
		if len(page.Nodes) != want.rows || page.Nodes[0].AskedBy != want.askedBy {
			t.Errorf("%s: got %+v, want %d rows, asked by %q", who, page.Nodes, want.rows, want.askedBy)
		}
	}
}

// TestReportsOnHiddenThings stay out of their subject's own decisions, as those
// on things that are not there do: the two look alike.
func TestReportsOnHiddenThings(t *testing.T) {
	w := newWorld(t)
	w.offers(&model.DataProduct{Visibility: model.VisibleToAll})
	about := func(name, product string) string {
		of := strings.NewReplacer("prn_bo", string(w.People["plain"].ID), `"id":"dpr_orders"`, `"type":"data_product","id":"`+product+`"`).Replace(input)
		return logged(name, "souk/main/decision", of, allowed, time.Now())
	}
	hidden := func(name, product string) bool {
		t.Helper()
		if got, text := w.send(w.web, "sidecar", http.MethodPost, "/logs", []byte("["+about(name, product)+"]"), "Content-Type", "application/json"); !strings.HasPrefix(string(text), `{"kept":1,`) {
			t.Fatalf("got %d %s", got.StatusCode, text)
		}
		page, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["plain"].ID))})
		must(t, err)
		for _, row := range page.Nodes {
			if row.ResourceID == model.ID(product) {
				return row.Hidden
			}
		}
		t.Fatalf("no row about %s", product)
		return false
	}
	if hidden("one", "dpr_orders") {
		t.Error("what everybody sees is hidden")
	}
	if !hidden("two", "dpr_none") {
		t.Error("what is not there is shown")
	}
	secret := model.DataProduct{Meta: model.Meta{ID: "dpr_secret"}, Name: "secret", DomainID: w.finance, Status: model.Draft, Visibility: model.VisibleToDomain}
	_, err := w.Store.Apply(t.Context(), store.Change{Action: "test.secret", Subject: secret.ID, Writes: []store.Write{store.Products.Put(secret)}})
	must(t, err)
	if !hidden("three", "dpr_secret") {
		t.Error("what the subject may not see is shown")
	}
}

// TestReportsSentAgainLater change nothing, though the store has let go of the
// rows that the log has copied.
func TestReportsSentAgainLater(t *testing.T) {
	w := newWorld(t)
	log, err := decisionlog.Open(t.Context(), decisionlog.Config{URI: "sqlite::memory:", Store: w.Store})
	must(t, err)
	defer func() { must(t, log.Close()) }()
	web := w.logging(log)
	now := time.Now()
	chunk := []byte("[" + logged("one", "souk/main/decision", input, allowed, now) + "," + logged("two", "souk/main/decision", input, allowed, now) + "]")
	send := func(want string) {
		t.Helper()
		if got, text := w.send(web, "sidecar", http.MethodPost, "/logs", chunk, "Content-Type", "application/json"); string(text) != want {
			t.Fatalf("got %d %s, want %s", got.StatusCode, text, want)
		}
	}
	rows := func() []model.DecisionRecord {
		t.Helper()
		page, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["sidecar"].ID))})
		must(t, err)
		return page.Nodes
	}
	send(`{"kept":2,"known":0,"ignored":0,"refused":0}`)
	must(t, log.CatchUp(t.Context()))
	var writes []store.Write
	for _, row := range rows() {
		writes = append(writes, store.Decisions.Delete(row))
	}
	_, err = w.Store.Apply(t.Context(), store.Change{Action: "test.prune", Writes: writes})
	must(t, err)
	send(`{"kept":0,"known":2,"ignored":0,"refused":0}`)
	if left := rows(); len(left) != 0 {
		t.Errorf("the store has %d rows again", len(left))
	}
}

// TestLogsAreChecked refuses bad events, and whole chunks that are none.
func TestLogsAreChecked(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	ours := func(id, input, result string, at time.Time) string {
		return logged(id, "souk/main/decision", input, result, at)
	}
	good := ours("good", input, allowed, now)
	for name, event := range map[string]string{
		"no id":         ours("", input, allowed, now),
		"long id":       ours(strings.Repeat("x", 200), input, allowed, now),
		"future":        ours("x", input, allowed, now.Add(time.Hour)),
		"past":          ours("x", input, allowed, now.Add(-100*24*time.Hour)),
		"no input":      ours("x", "null", allowed, now),
		"text as input": ours("x", `"x"`, allowed, now),
		"other version": ours("x", strings.Replace(input, `"v":1`, `"v":2`, 1), allowed, now),
		"no action":     ours("x", strings.Replace(input, "data.read", "steal", 1), allowed, now),
		"bad domain":    ours("x", strings.Replace(input, `"sales"`, `"../sales"`, 1), allowed, now),
		"large input":   ours("x", strings.Replace(input, `"#"`, `"`+strings.Repeat("x", 70_000)+`"`, 1), allowed, now),
		"no result":     ours("x", input, "null", now),
		"true":          ours("x", input, "true", now),
		"no outcome":    ours("x", input, `{"reasons":[{"code":"x"}]}`, now),
		"two subjects":  ours("x", strings.Replace(input, `"resource"`, `"Subject":{"id":"prn_ana"},"resource"`, 1), allowed, now),
		"a key twice":   ours("x", strings.Replace(input, `"name":"#"`, `"name":"#","id":"prn_ana"`, 1), allowed, now),
		"two outcomes":  ours("x", input, strings.Replace(allowed, `"allow"`, `"Outcome":"DENY","allow"`, 1), now),
		"no reasons":    ours("x", input, `{"outcome":"DENY"}`, now),
	} {
		got, text := w.send(w.web, "sidecar", http.MethodPost, "/logs", []byte("["+event+"]"), "Content-Type", "application/json")
		if got.StatusCode != http.StatusOK || !strings.Contains(string(text), `"kept":0,"known":0,"ignored":0,"refused":1,"why":"`) {
			t.Errorf("%s: got %d %s, want it refused", name, got.StatusCode, text)
		}
	}
	whole := []byte("[" + good + "]")
	bomb := packed(t, "["+strings.Repeat(" ", 33<<20)+"]")
	for name, c := range map[string]struct {
		body    []byte
		headers []string
		who     string
		want    int
	}{
		"no event":      {[]byte("[" + good + ",7]"), []string{"Content-Type", "application/json"}, "sidecar", 400},
		"two ids":       {bytes.Replace(whole, []byte(`"path"`), []byte(`"decision_id":"other","path"`), 1), []string{"Content-Type", "application/json"}, "sidecar", 400},
		"another Path":  {bytes.Replace(whole, []byte(`"path"`), []byte(`"Path":"x","path"`), 1), []string{"Content-Type", "application/json"}, "sidecar", 400},
		"no JSON":       {[]byte("x"), []string{"Content-Type", "application/json"}, "sidecar", 400},
		"form":          {whole, []string{"Content-Type", "text/plain"}, "sidecar", 400},
		"not packed":    {whole, []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, "sidecar", 400},
		"other packing": {whole, []string{"Content-Type", "application/json", "Content-Encoding", "br"}, "sidecar", 400},
		"bomb":          {bomb, []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, "sidecar", 400},
		"cut short":     {packed(t, string(whole))[:40], []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, "sidecar", 400},
		"no right":      {whole, []string{"Content-Type", "application/json"}, "plain", 403},
		"nobody":        {whole, []string{"Content-Type", "application/json"}, "", 401},
	} {
		if got, text := w.send(w.web, c.who, http.MethodPost, "/logs", c.body, c.headers...); got.StatusCode != c.want {
			t.Errorf("%s: got %d %s, want %d", name, got.StatusCode, text, c.want)
		}
	}
	page, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["sidecar"].ID))})
	must(t, err)
	if len(page.Nodes) != 0 {
		t.Errorf("refused chunks left %d rows", len(page.Nodes))
	}
}
