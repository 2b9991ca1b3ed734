package trino_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/server/doors/trino"
)

// TestRecordedQuestions puts the questions that a real Trino 476 asked this very
// world again. Its people had looked around, selected, counted and tried to change
// and to drop a table of the memory connector; the answers recorded are those
// that gave them their rows, masks and refusals.
func TestRecordedQuestions(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	file, err := os.Open("testdata/trino-476.jsonl")
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	lines, asked := bufio.NewScanner(file), map[string]int{}
	for lines.Scan() {
		var recorded struct {
			Endpoint     string
			Body, Result json.RawMessage
		}
		must(t, json.Unmarshal(lines.Bytes(), &recorded))
		asked[recorded.Endpoint]++
		status, text := c.post(recorded.Endpoint+c.query, string(recorded.Body))
		var got struct{ Result any }
		var want any
		must(t, json.Unmarshal([]byte(text), &got))
		must(t, json.Unmarshal(recorded.Result, &want))
		if diff := cmp.Diff(want, got.Result); status != http.StatusOK || diff != "" {
			t.Errorf("%s %s: got %d (-recorded +got):\n%s", recorded.Endpoint, recorded.Body, status, diff)
		}
	}
	must(t, lines.Err())
	for _, endpoint := range []string{"allow", "batch", "rowFilters", "batchColumnMasks"} {
		if asked[endpoint] == 0 {
			t.Errorf("no question to %s was recorded", endpoint)
		}
	}
}
