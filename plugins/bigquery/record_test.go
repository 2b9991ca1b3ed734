//go:build record

package bigquery_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/plugins/bigquery"
	"github.com/souk-mesh/souk/plugins/internal/google/googletest"
	"github.com/souk-mesh/souk/sdk"
)

// TestRecord harvests an emulator, which testdata/record starts, and keeps what it
// found. The emulator gives no tokens and knows no rights: the fake does that.
func TestRecord(t *testing.T) {
	emulator := os.Getenv("SOUK_RECORD_BIGQUERY")
	for _, d := range shopDatasets() {
		post(t, emulator+"/bigquery/v2/projects/acme/datasets", d)
	}
	for _, table := range shopTables() {
		if emulated(table) {
			post(t, emulator+"/bigquery/v2/projects/acme/datasets/"+table["tableReference"].(object)["datasetId"].(string)+"/tables", table)
		}
	}
	private, key := googletest.Key(t)
	door := start(t, newFake(&private.PublicKey))
	s, err := sdk.Register(bigquery.Plugin()).Open(t.Context(), config(t, emulator, object{"oauthUrl": door + "/token", "rightsUrl": door}), map[string]string{"key": key}, sdk.Env{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	m := memory.New()
	if err := s.Harvest(t.Context(), sdk.Request{}, m); err != nil {
		t.Fatal(err)
	}
	lines := append([]string{"# bqemulator " + os.Getenv("SOUK_RECORD_VERSION") + ", harvested on " + time.Now().UTC().Format("2006-01-02")}, linesOf(t, m)...)
	if err := os.WriteFile("testdata/emulator.jsonl", []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func post(t *testing.T, address string, body object) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if said, _ := io.ReadAll(answer.Body); answer.StatusCode >= 300 {
		t.Fatalf("%s: %d %s", text, answer.StatusCode, said)
	}
}
