package host_test

import (
	"encoding/json"
	"testing"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// elephant is a memory that knows records again.
type elephant struct {
	memory
	seed     string
	prints   map[host.Print]bool
	recalled int
}

func (e *elephant) Seed() []byte { return []byte(e.seed) }

func (e *elephant) Recall(prints []host.Print) ([]bool, error) {
	known := make([]bool, len(prints))
	for i, p := range prints {
		if known[i] = e.prints[p]; known[i] {
			e.recalled++
		}
	}
	return known, nil
}

func (e *elephant) Printed(records []sdk.Record, prints []host.Print) error {
	for _, p := range prints {
		if p != (host.Print{}) {
			e.prints[p] = true
		}
	}
	return e.Records(records)
}

func (b *bench) recall(password string, e *elephant) host.Result {
	b.t.Helper()
	p, failure := b.launch(host.Self("good"), host.Limits{})
	if failure != nil {
		b.t.Fatal(failure)
	}
	defer b.close(p)
	e.memory, e.recalled = memory{}, 0
	result, err := p.Harvest(b.t.Context(), host.Request{
		RunID: "run_1", Config: json.RawMessage(`{"count": 250}`), Secrets: map[string]string{"password": password},
	}, e)
	if err != nil {
		b.t.Fatal(b.failure(err))
	}
	return result
}

// TestRecords that are known again are counted and not handed on, maps in
// whatever order included, and are new to another seed.
func TestRecall(t *testing.T) {
	b := newBench(t)
	e := &elephant{seed: "a", prints: map[host.Print]bool{}}
	first := b.recall(canary, e)
	if e.recalled != 0 || len(e.records) != 252 || len(e.prints) != 252 {
		t.Fatalf("first: %d recalled, %d handed on, %d prints", e.recalled, len(e.records), len(e.prints))
	}
	second := b.recall(canary, e)
	if e.recalled != 252 || len(e.records) != 0 || second.Assets != first.Assets || second.Edges != first.Edges || second.Quality != first.Quality {
		t.Errorf("second: %d recalled, %d handed on, %+v", e.recalled, len(e.records), second)
	}
	e.seed = "b"
	if b.recall(canary, e); e.recalled != 0 || len(e.records) != 252 {
		t.Errorf("another seed: %d recalled, %d handed on", e.recalled, len(e.records))
	}
}

// TestRecallSparesSecrets reads every record in which a secret of the run may
// stand, also a short one and an ordinary word.
func TestRecallSparesSecrets(t *testing.T) {
	b := newBench(t)
	e := &elephant{seed: "a", prints: map[host.Print]bool{}}
	b.recall(canary, e)
	for _, password := range []string{"t00007", "TABLE"} { // a name, and a word of every record
		b.recall(password, e)
		if len(e.records) == 0 || e.recalled == 252 {
			t.Errorf("with the password %s: %d recalled, %d handed on", password, e.recalled, len(e.records))
		}
	}
}
