package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/bundletest"
)

// othersDecideAlike has a real OPA live by the signed bundle. It is asked what
// the server was asked over AuthZEN, must say the same, and what it decided
// comes back into the log.
func (f *federation) othersDecideAlike() {
	opa, stop := f.sidecar()
	defer stop()
	decided := f.evaluations()
	f.t.Logf("%d questions", len(decided))
	var logged map[string]event
	eventually(f.t, time.Minute, "every decision is in the log", func() bool {
		logged = f.export()
		for id := range decided {
			if logged[id].Input == nil {
				return false
			}
		}
		return true
	})
	outcomes := map[model.Outcome]int{}
	for id, want := range decided {
		var answer struct{ Result json.RawMessage }
		body := map[string]json.RawMessage{"input": logged[id].Input}
		status := f.send(opa+"/v1/data/souk/main/decision?strict-builtin-errors", "", body, &answer)
		got, err := bundletest.Read(answer.Result)
		got.TTL = 0 // AuthZEN has no place for it
		if diff := cmp.Diff(want, got); diff != "" || err != nil || status != http.StatusOK {
			f.t.Fatalf("%d, %v (-souk +opa):\n%s\n%s", status, err, diff, logged[id].Input)
		}
		outcomes[got.Outcome]++
	}
	if len(outcomes) != 3 {
		f.t.Errorf("the questions are one-sided: %v", outcomes)
	}
	eventually(f.t, time.Minute, "what OPA decided comes back", func() bool {
		back := 0
		for id, e := range f.export() {
			if _, ours := decided[id]; !ours && f.people["sidecar"].id == e.asker() {
				back++
			}
		}
		return back >= len(decided)
	})
}

// evaluations asks the server a few hundred questions, and gives what it
// decided by the ids of the decisions.
func (f *federation) evaluations() map[string]bundletest.Foreign {
	f.t.Helper()
	decided := map[string]bundletest.Foreign{}
	for who := range f.people {
		kind := "person"
		if who == "sidecar" {
			kind = "service"
		}
		for _, action := range []string{"metadata.view", "data.read", "access.request", "product.update", "policy.activate", "app.ship"} {
			for _, resource := range [][2]string{{"data_product", "sales/customers"}, {"data_product", "sales/orders"}, {"domain", "marketing"}} {
				for _, purpose := range []string{"", campaign} {
					var got struct{ Context model.Decision }
					var id struct {
						Context struct {
							ID string `json:"decision_id"`
						}
					}
					raw := f.post("/access/v1/evaluation", map[string]any{
						"subject": map[string]any{"type": kind, "id": who}, "action": map[string]any{"name": action},
						"resource": map[string]any{"type": resource[0], "id": resource[1]}, "context": map[string]any{"purpose": purpose},
					}, &got)
					if err := json.Unmarshal(raw, &id); err != nil || id.Context.ID == "" {
						f.t.Fatalf("evaluation: %s, %v", raw, err)
					}
					decided[id.Context.ID] = bundletest.Normal(got.Context)
				}
			}
		}
	}
	return decided
}

// post asks the server as the sidecar does.
func (f *federation) post(path string, body any, into any) []byte {
	f.t.Helper()
	var raw json.RawMessage
	if status := f.send(f.server.url+path, f.people["sidecar"].token, body, &raw); status != http.StatusOK {
		f.t.Fatalf("%s: %d %s", path, status, raw)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			f.t.Fatalf("%s: %v", path, err)
		}
	}
	return raw
}

func (f *federation) send(url, token string, body, into any) int {
	f.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Souk-Obligations", "understood")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		f.t.Fatalf("%s: %v", url, err)
	}
	return response.StatusCode
}

// event is what the export says of a decision.
type event struct {
	ID    string          `json:"decision_id"`
	Input json.RawMessage `json:"input"`
	Souk  struct {
		Principal string `json:"principal_id"`
		AskedBy   string `json:"asked_by"`
	} `json:"souk"`
}

// asker is who asked, for themselves or for others.
func (e event) asker() string {
	if e.Souk.AskedBy != "" {
		return e.Souk.AskedBy
	}
	return e.Souk.Principal
}

func (f *federation) export() map[string]event {
	f.t.Helper()
	got := f.souk("", "decisions", "export")
	got.must(f.t, 0)
	events := map[string]event{}
	lines := bufio.NewScanner(strings.NewReader(got.stdout))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			f.t.Fatalf("export: %v: %s", err, lines.Text())
		}
		events[e.ID] = e
	}
	return events
}

// sidecar starts OPA with nothing but a token and the key of the bundles, and
// waits until it has the rules.
func (f *federation) sidecar() (url string, stop func()) {
	f.t.Helper()
	program := os.Getenv("SOUK_TEST_OPA")
	if program == "" {
		missing(f.t, "SOUK_TEST_OPA", "build one with: go install github.com/open-policy-agent/opa@VERSION")
	}
	config := filepath.Join(f.t.TempDir(), "opa.json")
	if err := os.WriteFile(config, f.sidecarConfig(), 0o600); err != nil {
		f.t.Fatal(err)
	}
	free, err := (&net.ListenConfig{}).Listen(f.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
	cmd := exec.CommandContext(ctx, program, "run", "--server", "--addr", address, "--config-file", config, "--log-level", "error", "--skip-version-check")
	cmd.Stdout, cmd.Stderr = f.t.Output(), f.t.Output()
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(os.Interrupt) }, 10*time.Second
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { cancel(); _ = cmd.Wait() })
	f.t.Cleanup(stop)
	eventually(f.t, time.Minute, "OPA has the rules", func() bool {
		status, _, _ := f.get("http://"+address+"/health?bundles", "")
		return status == http.StatusOK
	})
	return "http://" + address, stop
}

// sidecarConfig is what an operator writes who has fetched the key once.
func (f *federation) sidecarConfig() []byte {
	f.t.Helper()
	token := f.people["sidecar"].token
	status, header, key := f.get(f.server.url+"/bundles/key.pem", token)
	if status != http.StatusOK {
		f.t.Fatalf("the key of the bundles: %d %s", status, key)
	}
	id := header.Get("X-Souk-Key-ID")
	text, err := json.Marshal(map[string]any{
		"services": map[string]any{"souk": map[string]any{"url": f.server.url, "credentials": map[string]any{"bearer": map[string]any{"token": token}}}},
		"keys":     map[string]any{id: map[string]any{"algorithm": "ES256", "key": string(key)}},
		"bundles": map[string]any{"souk": map[string]any{
			"service": "souk", "resource": "bundles/platform.tar.gz", "signing": map[string]any{"keyid": id},
			"polling": map[string]any{"min_delay_seconds": 1, "max_delay_seconds": 1},
		}},
		"decision_logs": map[string]any{"service": "souk", "reporting": map[string]any{"min_delay_seconds": 1, "max_delay_seconds": 1}},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

// get gives the status 0 while nobody answers.
func (f *federation) get(url, token string) (status int, h http.Header, body []byte) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		f.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, nil
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		f.t.Fatal(err)
	}
	return response.StatusCode, response.Header, body
}
