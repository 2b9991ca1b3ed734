package resolver_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// subscribe follows a stream of server-sent events to its end and gives each answer.
func (w *world) subscribe(who, query string, variables vars) []reply {
	w.Helper()
	var answers []reply
	if !w.listen(who, query, variables, func(r reply) { answers = append(answers, r) }) {
		w.Errorf("the stream ended without a complete event after %d answers", len(answers))
	}
	return answers
}

// listen opens a stream of server-sent events, tells of each answer as it
// comes, and reports whether the stream said that it is complete.
func (w *world) listen(who, query string, variables vars, tell func(reply)) (complete bool) {
	w.Helper()
	server := httptest.NewServer(w.door)
	defer server.Close()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	w.Must(err)
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, server.URL+"/graphql", strings.NewReader(string(body)))
	w.Must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+w.tokens[who])
	response, err := http.DefaultClient.Do(r)
	w.Must(err)
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			got := reply{t: w, status: response.StatusCode, text: data}
			w.Must(json.Unmarshal([]byte(data), &got))
			tell(got)
		}
		complete = complete || lines.Text() == "event: complete"
	}
	return complete
}

// watch follows a run to its end and gives the last answer.
func (w *world) watch(who, run string) reply {
	w.Helper()
	answers := w.subscribe(who, "subscription($id: ID!) { harvestRun(id: $id) { id status counts { assets fields edges created } source { name } failure { message } endedAt } }", vars{"id": run})
	if len(answers) == 0 {
		w.Fatal("no event")
	}
	return answers[len(answers)-1]
}

func TestSubscriptionRefuses(t *testing.T) {
	w := newWorld(t)
	answers := w.subscribe("bo", `subscription { harvestRun(id: "run_nothing") { id } }`, nil)
	if len(answers) != 1 || answers[0].code() != "NOT_FOUND" {
		t.Errorf("got %+v", answers)
	}
}
