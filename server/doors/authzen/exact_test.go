package authzen_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestMembersAreExact has bodies that two readers would read in two ways. The
// answer is a refusal that names the member, and never a decision about one of
// the two.
func TestMembersAreExact(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]string{
		strings.Replace(anaReads, `"action"`, `"Subject":{"id":"eve"},"action"`, 1):                               "Subject: differs from subject",
		strings.Replace(anaReads, `"action"`, `"subject":{"type":"user","id":"eve"},"action"`, 1):                 "subject: is given twice",
		strings.Replace(anaReads, `"id":"ana"`, `"id":"ana","ID":"eve"`, 1):                                       "subject.ID: differs from id",
		strings.Replace(anaReads, `"billing"`, `"billing","purpose":"fraud"`, 1):                                  "context.purpose: is given twice",
		strings.Replace(anaReads, `"id":"ana"`, `"id":"ana","properties":{"n":1e400}`, 1):                         "subject.properties.n: is a number out of range",
		strings.Replace(anaReads, `{"subject"`, `{"Evaluations":[],"subject"`, 1):                                 "Evaluations: differs from evaluations",
		strings.Replace(anaReads, `"id":"ana"`, `"id":7`, 1):                                                      "subject.id: has the wrong type (it must be a string)",
		strings.Replace(anaReads, `{"subject"`, `{"options":{"Evaluations_semantic":"execute_all"},"subject"`, 1): "options.Evaluations_semantic: differs",
	} {
		for _, path := range []string{"evaluation", "evaluations", "search/resource"} {
			got := w.post("gateway", "/access/v1/"+path, body)
			if got.status != http.StatusBadRequest || !strings.Contains(got.text, want) {
				t.Errorf("%s %s: got %d %s, want %q", path, body, got.status, got.text, want)
			}
		}
	}
	if got := w.post("gateway", "/access/v1/evaluation", strings.Replace(anaReads, `{"subject"`, `{"later":{"x":1},"subject"`, 1)); got.status != http.StatusOK {
		t.Errorf("a member of a later version: got %d %s", got.status, got.text)
	}
	inItem := strings.Replace(anaReads, `{"subject"`, `{"evaluations":[{"Subject":{"id":"eve"}},{},{"context":{"purpose":"billing","purpose":"x"}}],"subject"`, 1)
	if got := w.post("gateway", "/access/v1/evaluations", inItem, "X-Souk-Obligations", "understood"); len(got.body.Evaluations) != 3 || *got.body.Evaluations[0].Decision || !*got.body.Evaluations[1].Decision || *got.body.Evaluations[2].Decision {
		t.Errorf("flawed items of a batch: got %s", got.text)
	}
}

// TestTheLogKeepsNumbersAsTheyCame looks for a number that no float holds.
func TestTheLogKeepsNumbersAsTheyCame(t *testing.T) {
	w := newWorld(t)
	for _, number := range []string{"9007199254740993", "9007199254740992", "0.10000000000000000001"} {
		got := w.post("gateway", "/access/v1/evaluation", strings.Replace(anaReads, `"id":"ana"`, `"id":"ana","properties":{"account":`+number+`}`, 1))
		row, err := store.Decisions.Get(t.Context(), w.Store, model.ID(fmt.Sprint(got.body.Context["decision_id"])))
		must(t, err)
		if !strings.Contains(string(row.Input), `"account":`+number+`}`) {
			t.Errorf("%s: the log keeps %s", number, row.Input)
		}
	}
}

// TestAKindIsOneThingAtEveryDoor asks for the record of an application by its
// own word, by the one that GraphQL shows it with, and as an asset.
func TestAKindIsOneThingAtEveryDoor(t *testing.T) {
	w := newWorld(t)
	for typ, want := range map[string]bool{"record": true, "RECORD": true, "other": true, "asset": true, "table": false, "records": false} {
		body := `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"` + typ + `","id":"record-1"}}`
		if got := w.post("gateway", "/access/v1/evaluation", body); *got.body.Decision != want {
			t.Errorf("%s: got %s, want %v", typ, got.text, want)
		}
	}
}
