package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
)

// TestWorlds tells the stories in testdata/worlds over HTTP, on both engines. A
// story is a text that somebody who does not program can review: who asks what,
// and what they hear. Its README says how one is written.
func TestWorlds(t *testing.T) {
	stories, err := filepath.Glob("testdata/worlds/*.txtar")
	must(t, err)
	if len(stories) == 0 {
		t.Fatal("there are no stories")
	}
	for engine, store := range map[string]func() string{
		"sqlite":  func() string { return "sqlite:" + filepath.Join(t.TempDir(), "souk.db") },
		"mongodb": func() string { uri, _ := mongodbtest.Database(t); return uri },
	} {
		for _, path := range stories {
			t.Run(engine+"/"+strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
				story, err := txtar.ParseFile(path)
				must(t, err)
				newCompany(t, store()).tell(story)
			})
		}
	}
}

// tell asks each question of the story and compares what comes with what follows it.
func (m *matrix) tell(story *txtar.Archive) {
	m.t.Helper()
	for i := 0; i+1 < len(story.Files); i += 2 {
		question, want := story.Files[i], story.Files[i+1]
		if want.Name != "hears" {
			m.t.Fatalf("%s: a section named hears has to follow, not %s", question.Name, want.Name)
		}
		who, _, _ := strings.Cut(question.Name, ":")
		got := m.hear(who, m.fill(string(question.Data)))
		if diff := m.differs(m.fill(string(want.Data)), got); diff != "" {
			m.t.Fatalf("%s (-want +got):\n%s", question.Name, diff)
		}
	}
	if len(story.Files)%2 != 0 {
		m.t.Errorf("nobody says what %s hears", story.Files[len(story.Files)-1].Name)
	}
}

// hear asks the graph and gives the data, or the code of each error.
func (m *matrix) hear(who, query string) any {
	m.t.Helper()
	if m.tokens[who] == "" {
		m.t.Fatalf("there is no %s in this company", who)
	}
	body, err := json.Marshal(map[string]string{"query": query})
	must(m.t, err)
	r := httptest.NewRequestWithContext(m.t.Context(), http.MethodPost, "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	w := m.knock(caller{name: who}, r)
	var answer struct {
		Data   any
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		m.t.Fatalf("%s asks %s: status %d: %s", who, query, w.Code, w.Body)
	}
	if len(answer.Errors) == 0 {
		return answer.Data
	}
	var codes []any
	for _, e := range answer.Errors {
		m.t.Logf("%s hears: %s", who, e.Message)
		codes = append(codes, e.Extensions.Code)
	}
	return map[string]any{"errors": codes}
}

var nameOfText = regexp.MustCompile(`^<([a-z_.]+)>$`)

// differs compares an answer with what a story expects. A text such as <order>
// there fits any text, which {order} stands for from then on.
func (m *matrix) differs(expected string, got any) string {
	m.t.Helper()
	var want any
	if err := json.Unmarshal([]byte(expected), &want); err != nil {
		return fmt.Sprintf("the story's answer is no JSON: %v", err)
	}
	return cmp.Diff(m.named(want, got), got)
}

// named puts what came in the place of the names that stand for it.
func (m *matrix) named(want, got any) any {
	switch w := want.(type) {
	case string:
		text, ok := got.(string)
		if found := nameOfText.FindStringSubmatch(w); found != nil && ok && text != "" {
			m.ids[found[1]] = text
			return got
		}
	case map[string]any:
		of, _ := got.(map[string]any)
		for key, value := range w {
			w[key] = m.named(value, of[key])
		}
	case []any:
		of, _ := got.([]any)
		for i, value := range w {
			if i < len(of) {
				w[i] = m.named(value, of[i])
			}
		}
	}
	return want
}
