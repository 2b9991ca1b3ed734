package opa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/bundletest"
	"github.com/souk-mesh/souk/server/store"
)

// binary is the real opa, built from the module that go.mod pins.
func binary(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv("SOUK_TEST_OPA")
	if path != "" {
		return path
	}
	const why = "SOUK_TEST_OPA names no opa binary; build one with: go install github.com/open-policy-agent/opa@VERSION"
	if os.Getenv("SOUK_TEST_SKIP") == "never" {
		tb.Fatal(why)
	}
	tb.Skip(why)
	return ""
}

// configuration is what an operator of a sidecar writes.
func (w *world) configuration(keyID, key string) []byte {
	w.Helper()
	text, err := json.Marshal(map[string]any{
		"services": map[string]any{"souk": map[string]any{
			"url":         w.web.URL,
			"credentials": map[string]any{"bearer": map[string]any{"token": w.tokens["sidecar"]}},
		}},
		"keys": map[string]any{keyID: map[string]any{"algorithm": "ES256", "key": key}},
		"bundles": map[string]any{"souk": map[string]any{
			"service": "souk", "resource": "bundles/platform.tar.gz", "signing": map[string]any{"keyid": keyID},
			"polling": map[string]any{"min_delay_seconds": 1, "max_delay_seconds": 1},
		}},
		"decision_logs": map[string]any{"service": "souk", "reporting": map[string]any{"min_delay_seconds": 1, "max_delay_seconds": 1}},
	})
	w.Must(err)
	return text
}

// sidecar starts opa and gives its address.
func (w *world) sidecar(keyID, key string) string {
	w.Helper()
	opa := binary(w)
	file := filepath.Join(w.TempDir(), "opa.json")
	w.Must(os.WriteFile(file, w.configuration(keyID, key), 0o600))
	free, err := (&net.ListenConfig{}).Listen(w.Context(), "tcp", "127.0.0.1:0")
	w.Must(err)
	addr := free.Addr().String()
	w.Must(free.Close())
	ctx, stop := context.WithCancel(context.WithoutCancel(w.Context()))
	cmd := exec.CommandContext(ctx, opa, "run", "--server", "--addr", addr, "--config-file", file, "--log-level", "error", "--skip-version-check")
	cmd.Stdout, cmd.Stderr = w.Output(), w.Output()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	w.Must(cmd.Start())
	w.Cleanup(func() { stop(); _ = cmd.Wait() })
	return "http://" + addr
}

// ready waits until the sidecar has its bundle, or for as long as it shall not have one.
func ready(t *testing.T, addr string, most time.Duration) bool {
	t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, addr+"/health?bundles", nil)
		must(t, err)
		if res, err := http.DefaultClient.Do(r); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return true
			}
		}
	}
	return false
}

// decide puts the input of a question to the sidecar.
func decide(ctx context.Context, addr string, input json.RawMessage) (bundletest.Foreign, error) {
	body, err := json.Marshal(map[string]json.RawMessage{"input": input})
	if err != nil {
		return bundletest.Foreign{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, addr+"/v1/data/souk/main/decision?strict-builtin-errors", bytes.NewReader(body))
	if err != nil {
		return bundletest.Foreign{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return bundletest.Foreign{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	var answer struct{ Result json.RawMessage }
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil || res.StatusCode != http.StatusOK || answer.Result == nil {
		return bundletest.Foreign{}, fmt.Errorf("got %d %s: %w", res.StatusCode, text, err)
	}
	return bundletest.Read(answer.Result)
}

// TestSidecarDecidesAlike lets a real opa poll the signed bundle, puts random
// questions to it and to Souk, and wants the same answers. Then new rules
// reach it, and its decisions come back into our log.
func TestSidecarDecidesAlike(t *testing.T) {
	binary(t)
	w := newWorld(t)
	r := rand.New(rand.NewPCG(w.seed, 1))
	held := bundletest.Holdings(r)
	for _, h := range held {
		w.give(h)
	}
	addr := w.sidecar(w.key.ID, w.key.Public)
	if !ready(t, addr, 30*time.Second) {
		t.Fatal("opa has not taken the bundle")
	}
	n := 5000
	if testing.Short() {
		n = 800
	}
	w.compare(addr, r, held, n)
	w.follows(addr)
	w.reports(n)
}

// compare asks n questions by a few askers at once: every second one without
// facts, so that the sidecar looks the grants up in its bundle.
func (w *world) compare(addr string, r *rand.Rand, held []policy.Holding, n int) {
	w.Helper()
	cases, wants := bundletest.Cases(r, n, held), make([]bundletest.Foreign, n)
	for i, c := range cases {
		var err error
		wants[i], err = c.Decide(w.Context(), w.Engine)
		w.Must(err)
	}
	var work sync.WaitGroup
	var mu sync.Mutex
	failures, outcomes := 0, map[model.Outcome]int{}
	for lane := range 4 {
		work.Go(func() {
			for i := lane; i < n; i += 4 {
				got, err := decide(w.Context(), addr, cases[i].Input)
				diff := cmp.Diff(wants[i], got)
				mu.Lock()
				outcomes[got.Outcome]++
				if bad := err != nil || diff != ""; bad && failures < 5 {
					failures++
					w.Errorf("seed %d, question %d (-souk +opa): %v\n%s\n%s", w.seed, i, err, diff, cases[i].Input)
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	w.Logf("%d questions: %v", n, outcomes)
	if outcomes[model.Allow] < n/20 || outcomes[model.Deny] < n/20 || outcomes[model.NeedsApproval] == 0 {
		w.Errorf("the questions are one-sided: %v", outcomes)
	}
}

// follows puts new rules in force and waits until the sidecar lives by them.
func (w *world) follows(addr string) {
	w.Helper()
	q := policy.Question{
		Action: model.ActDataRead, Subject: policy.Subject{Type: "person", ID: "prn_bo", Clearance: model.Restricted},
		Resource: policy.Resource{Type: "data_product", ID: "dpr_orders", Domain: "finance", Product: "dpr_orders", Status: string(model.Published)},
		Context:  policy.Context{Now: time.Now(), Purpose: "x"},
	}
	if got, err := decide(w.Context(), addr, q.Input()); err != nil || got.Outcome != model.Deny {
		w.Fatalf("got %+v, %v", got, err)
	}
	_, err := w.Engine.Activate(w.Context(), policy.Draft{Domain: "finance", Modules: []model.PolicyModule{{
		Path: "domains/finance/rules.rego",
		Text: "package souk.domains.finance\n\nimport rego.v2\n\nallow contains {\"code\": \"new\", \"message\": \"New.\"} if input.action.name == \"data.read\"\n",
	}}})
	w.Must(err)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		got, err := decide(w.Context(), addr, q.Input())
		w.Must(err)
		if got.Outcome == model.Allow {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("opa still decides %+v", got)
		}
	}
}

// reports waits until the sidecar's own log of its decisions has come back.
func (w *world) reports(n int) {
	w.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		got := 0
		q := store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["sidecar"].ID)), Limit: store.MaxPage}
		for _, err := range store.Decisions.All(w.Context(), w.Store, q) {
			w.Must(err)
			got++
		}
		if got > n/2 {
			w.Logf("%d decisions came back", got)
			return
		}
		if time.Now().After(end) {
			w.Fatalf("%d of %d decisions came back", got, n)
		}
	}
}

// TestSidecarKnowsGrants lets a sidecar decide without being told any facts: a
// grant that is given opens the data at its next poll, one that is revoked
// closes it, and its own end needs no poll.
func TestSidecarKnowsGrants(t *testing.T) {
	binary(t)
	w := newWorld(t)
	addr := w.sidecar(w.key.ID, w.key.Public)
	if !ready(t, addr, 30*time.Second) {
		t.Fatal("opa has not taken the bundle")
	}
	asks := func(context string) json.RawMessage {
		return json.RawMessage(`{"v":1,"action":{"name":"data.read"},"subject":{"type":"person","id":"prn_bo","clearance":"RESTRICTED"},` +
			`"resource":{"type":"data_product","id":"dpr_orders","product":"dpr_orders","domain":"finance","status":"PUBLISHED","classification":"INTERNAL"},` +
			`"context":{` + context + `}}`)
	}
	now := asks(`"purpose":"billing"`)
	comesTo := func(want model.Outcome, input json.RawMessage) bundletest.Foreign {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			got, err := decide(t.Context(), addr, input)
			must(t, err)
			if got.Outcome == want {
				return got
			}
			if time.Now().After(end) {
				t.Fatalf("opa still decides %+v, want %s", got, want)
			}
		}
	}
	comesTo(model.Deny, now)
	start := time.Now()
	g := w.give(policy.Holding{Holder: "prn_bo", From: start.Add(-time.Hour), GrantFact: policy.GrantFact{ID: "grt_1", Product: "dpr_orders", Purpose: "billing", Until: start.Add(time.Hour)}})
	if got := comesTo(model.Allow, now); got.Reasons[0].Code != "read.grant" {
		t.Errorf("allowed for %+v", got.Reasons)
	}
	later := asks(`"purpose":"billing","now":"` + start.Add(2*time.Hour).UTC().Format(time.RFC3339) + `"`)
	west := asks(`"purpose":"billing","now":"` + start.Add(61*time.Minute).In(time.FixedZone("", -8*3600)).Format(time.RFC3339) + `"`)
	for name, input := range map[string]json.RawMessage{"after its end": later, "after its end, elsewhere": west} {
		if got, err := decide(t.Context(), addr, input); err != nil || got.Outcome != model.Deny {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	if got, err := decide(t.Context(), addr, asks(`"now":"yesterday"`)); err == nil && got.Outcome != model.Deny {
		t.Errorf("at no time: got %+v", got)
	}
	w.offers(&model.DataProduct{Unconsented: []model.ID{"ast_1"}})
	if got := comesTo(model.Deny, now); got.Reasons[0].Code != "product.unconsented" {
		t.Errorf("without the consent of an owner: refused for %+v", got.Reasons)
	}
	w.offers(&model.DataProduct{})
	comesTo(model.Allow, now)
	must(t, g.End(model.GrantRevoked, time.Now()))
	revoked := time.Now()
	w.put(&g)
	comesTo(model.Deny, now)
	t.Logf("the sidecar, which polls every second, knew of the revocation after %v", time.Since(revoked).Round(time.Millisecond))
	w.keepsWhatWasHeard()
}

// offers puts dpr_orders on offer as it is given.
func (w *world) offers(p *model.DataProduct) {
	w.Helper()
	p.ID, p.Name, p.DomainID, p.Status = "dpr_orders", "orders", w.finance, model.Published
	if was, err := store.Products.Get(w.Context(), w.Store, p.ID); err == nil {
		p.Revision = was.Revision
	}
	_, err := w.Store.Apply(w.Context(), store.Change{Action: "test.offer", Subject: p.ID, Writes: []store.Write{store.Products.Put(*p)}})
	w.Must(err)
}

// keepsWhatWasHeard finds the grant in the input of a decision that came back:
// with it the decision can be made again.
func (w *world) keepsWhatWasHeard() {
	w.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		q := store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["sidecar"].ID)), Limit: store.MaxPage}
		for row, err := range store.Decisions.All(w.Context(), w.Store, q) {
			w.Must(err)
			if row.Outcome == model.Allow && bytes.Contains(row.Input, []byte(`"grt_1"`)) {
				return
			}
		}
	}
	w.Error("no decision came back with the grant that it was made by")
}

// TestSidecarRefusesForeignSignatures gives opa another key than ours.
func TestSidecarRefusesForeignSignatures(t *testing.T) {
	binary(t)
	w := newWorld(t)
	other, err := policy.ReadBundleKey(newKey(t))
	must(t, err)
	if ready(t, w.sidecar(w.key.ID, other.Public), 5*time.Second) {
		t.Error("opa took a bundle that another key has signed")
	}
}
