package authzen_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// race is a real souk and a real opa that polls its bundle, each in a process
// of its own, with the requests for them.
type race struct {
	b       *testing.B
	address string // of souk
	admin   string // her token
	ana     string // hers
	gateway string // the token of who asks

	evaluation, evaluations, data question
}

// question is a request that can be sent again and again.
type question struct{ address, token, body string }

const soukReads = `{"subject":{"type":"user","id":"ana@sales"},"action":{"name":"data.read"},"resource":{"type":"data_product","id":"sales/orders"},"context":{"purpose":"billing"}}`

func newRace(b *testing.B) *race {
	b.Helper()
	opa := os.Getenv("SOUK_TEST_OPA")
	if opa == "" {
		b.Skip("SOUK_TEST_OPA names no opa binary to compare with; build one with: go install github.com/open-policy-agent/opa@VERSION")
	}
	r := &race{b: b}
	r.startSouk()
	r.evaluation = question{r.address + "/access/v1/evaluation", r.gateway, soukReads}
	r.evaluations = question{r.address + "/access/v1/evaluations", r.gateway, strings.Replace(soukReads, "{", `{"evaluations":[`+strings.Repeat("{},", 99)+`{}],`, 1)}
	r.data = question{r.startOPA(opa) + "/v1/data/souk/main/decision", "", `{"input":` + r.logged() + `}`}
	for range 300 { // warm up
		r.took(r.evaluation, "")
		r.took(r.data, "")
	}
	return r
}

// startSouk builds souk, opens the demo's company, and makes a gateway in it.
func (r *race) startSouk() {
	r.b.Helper()
	dir := r.b.TempDir()
	path := filepath.Join(dir, "souk")
	if out, err := exec.CommandContext(r.b.Context(), "go", "build", "-o", path, "../../cmd/souk").CombinedOutput(); err != nil {
		r.b.Fatalf("build souk: %v: %s", err, out)
	}
	cmd := r.command(path, "demo", "--json", "--listen", "127.0.0.1:0", "--bundle-key", filepath.Join(dir, "key.pem"), "--log-level", "info")
	line, err := cmd.StdoutPipe()
	must(r.b, err)
	must(r.b, cmd.Start())
	var ready struct {
		URL    string
		Tokens map[string]string
	}
	must(r.b, json.NewDecoder(line).Decode(&ready))
	r.address, r.admin, r.ana = ready.URL, ready.Tokens["cy"], ready.Tokens["ana"]
	var made struct {
		CreatePrincipal struct{ Principal struct{ ID string } }
	}
	r.ask(r.admin, `mutation { createPrincipal(input: {kind: SERVICE, name: "gateway", roles: [PEP]}) { principal { id } } }`, &made)
	var issued struct{ IssueToken struct{ Secret string } }
	r.ask(r.admin, `mutation { issueToken(input: {principalId: "`+made.CreatePrincipal.Principal.ID+`", name: "gateway", lifetime: "P1D"}) { secret } }`, &issued)
	r.gateway = issued.IssueToken.Secret
}

// startOPA starts the sidecar and waits until it has its bundle.
func (r *race) startOPA(path string) string {
	r.b.Helper()
	file := filepath.Join(r.b.TempDir(), "opa.json")
	config, err := json.Marshal(map[string]any{
		"services": map[string]any{"souk": map[string]any{"url": r.address, "credentials": map[string]any{"bearer": map[string]any{"token": r.gateway}}}},
		"keys":     map[string]any{"souk": map[string]any{"algorithm": "ES256", "key": r.key()}},
		"bundles":  map[string]any{"souk": map[string]any{"service": "souk", "resource": "bundles/platform.tar.gz", "signing": map[string]any{"keyid": "souk"}}},
	})
	must(r.b, err)
	must(r.b, os.WriteFile(file, config, 0o600))
	free, err := (&net.ListenConfig{}).Listen(r.b.Context(), "tcp", "127.0.0.1:0")
	must(r.b, err)
	addr := free.Addr().String()
	must(r.b, free.Close())
	must(r.b, r.command(path, "run", "--server", "--addr", addr, "--config-file", file, "--skip-version-check").Start())
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		req, err := http.NewRequestWithContext(r.b.Context(), http.MethodGet, "http://"+addr+"/health?bundles", nil)
		must(r.b, err)
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return "http://" + addr
			}
		}
	}
	r.b.Fatal("opa has not taken the bundle")
	return ""
}

// key is what verifies the bundle.
func (r *race) key() string {
	r.b.Helper()
	req, err := http.NewRequestWithContext(r.b.Context(), http.MethodGet, r.address+"/bundles/key.pem", nil)
	must(r.b, err)
	req.Header.Set("Authorization", "Bearer "+r.gateway)
	res, err := http.DefaultClient.Do(req)
	must(r.b, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(r.b, err)
	return string(text)
}

// command prepares a program that ends with the benchmark. What it logs goes to
// a file, as it would in production.
func (r *race) command(path string, args ...string) *exec.Cmd {
	r.b.Helper()
	log, err := os.Create(filepath.Join(r.b.TempDir(), "log"))
	must(r.b, err)
	cmd := exec.Command(path, args...) //nolint:noctx // it is interrupted below, after the context has ended
	cmd.Stderr = log
	r.b.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Signal(os.Interrupt)
			_ = cmd.Wait()
		}
		_ = log.Close()
	})
	return cmd
}

// logged is the whole input of one decision, as souk keeps it.
func (r *race) logged() string {
	r.b.Helper()
	var answer struct {
		Context struct {
			DecisionID string `json:"decision_id"`
		}
	}
	must(r.b, json.Unmarshal(r.send(r.evaluation), &answer))
	var found struct {
		Decision struct{ Input json.RawMessage }
	}
	for end := time.Now().Add(10 * time.Second); len(found.Decision.Input) < 10 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		r.ask(r.admin, `{ decision(id: "`+answer.Context.DecisionID+`") { input } }`, &found)
	}
	return string(found.Decision.Input)
}

// products makes so many products, and the question about all of them.
func (r *race) products(n int) question {
	r.b.Helper()
	var sales struct{ Domain struct{ ID string } }
	r.ask(r.ana, `{ domain(name: "sales") { id } }`, &sales)
	items := make([]string, n)
	for i := range items {
		name := "numbered_" + strconv.Itoa(i)
		var made struct {
			CreateDataProduct struct {
				DataProduct struct{ ID string }
				UserErrors  json.RawMessage
			}
		}
		r.ask(r.ana, `mutation { createDataProduct(input: {name: "`+name+`", domainId: "`+sales.Domain.ID+`", description: "One of many.", classification: INTERNAL}) { dataProduct { id } userErrors { message } } }`, &made)
		if made.CreateDataProduct.DataProduct.ID == "" {
			r.b.Fatalf("%s: %s", name, made.CreateDataProduct.UserErrors)
		}
		items[i] = `{"resource":{"type":"data_product","id":"` + made.CreateDataProduct.DataProduct.ID + `"}}`
	}
	return question{r.evaluations.address, r.gateway, strings.Replace(soukReads, "{", `{"evaluations":[`+strings.Join(items, ",")+`],`, 1)}
}

// ask puts GraphQL to souk.
func (r *race) ask(token, query string, into any) {
	r.b.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	must(r.b, err)
	text := r.send(question{r.address + "/graphql", token, string(body)})
	var answer struct{ Data, Errors json.RawMessage }
	must(r.b, json.Unmarshal(text, &answer))
	if answer.Errors != nil {
		r.b.Fatalf("%s: got %s", query, text)
	}
	must(r.b, json.Unmarshal(answer.Data, into))
}

func (r *race) send(q question) []byte {
	req, err := http.NewRequestWithContext(r.b.Context(), http.MethodPost, q.address, strings.NewReader(q.body))
	must(r.b, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Souk-Obligations", "understood")
	if q.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.token)
	}
	res, err := http.DefaultClient.Do(req)
	must(r.b, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(r.b, err)
	return text
}

// took asks once, by a connection that stays open, and tells how long it took.
func (r *race) took(q question, want string) time.Duration {
	start := time.Now()
	text := r.send(q)
	took := time.Since(start)
	if !strings.Contains(string(text), want) {
		r.b.Fatalf("got %.500s, want %s", text, want)
	}
	return took
}
