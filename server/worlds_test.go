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
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/store"
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
	for engine, fresh := range map[string]func() string{
		"sqlite":  func() string { return "sqlite:" + filepath.Join(t.TempDir(), "souk.db") },
		"mongodb": func() string { uri, _ := mongodbtest.Database(t); return uri },
	} {
		for _, path := range stories {
			t.Run(engine+"/"+strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
				story, err := txtar.ParseFile(path)
				must(t, err)
				m := newCompany(t, fresh())
				m.derived()
				m.tell(story)
			})
		}
	}
}

// derived gives Marketing a table that is made from one of Sales, which is made
// from another, and of which everything is known that can be.
func (m *matrix) derived() {
	leads := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://db.acme.example:5432", Name: "crm.public.leads", ShortName: "leads",
		Kind: model.KindTable, Status: model.AssetActive, Platform: "postgres", DomainID: m.domains["marketing"].ID,
	}
	m.ids["table.leads"] = string(leads.ID)
	crm := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: leads.Namespace, Name: "crm.public", ShortName: "public",
		Kind: model.KindSchema, Status: model.AssetActive, Platform: "postgres", DomainID: leads.DomainID,
	}
	m.ids["schema.crm"] = string(crm.ID)
	leads.AssetDetails = detailed(crm.ID)
	leads.Fields = []model.AssetField{{Name: "state", Values: []string{"new", "won"}}}
	leads.Sightings = []model.Sighting{{SourceID: "src_gone", Kind: model.KindTable, StableID: "oid:1"}}
	writes := []store.Write{store.Assets.Put(crm), store.Assets.Put(leads), store.QualityRules.Put(model.QualityRule{
		Meta: model.Meta{ID: model.NewID(model.PrefixQuality)}, AssetID: leads.ID, SourceID: "src_gone", Key: "k", Name: "accepted", Rule: "accepted_values",
		Arguments: map[string]string{"values": "new, won"},
	})}
	for from, to := range map[string]string{"table.hidden": "table.orders", "table.orders": "table.leads"} {
		writes = append(writes, store.Edges.Put(model.Edge{
			Meta: model.Meta{ID: model.NewID(model.PrefixEdge)}, FromID: model.ID(m.ids[from]), ToID: model.ID(m.ids[to]), Kind: model.EdgeDerives,
			Evidence: []model.Evidence{{SourceID: "src_gone", Method: "test", Confidence: 1, Fields: []model.FieldFlow{{From: "id", To: "state", Transform: "coalesce(id)"}}}},
		}))
	}
	_, err := m.store.Apply(m.system(), store.Change{Actor: "prn_system", Action: "test.derive", Writes: writes})
	must(m.t, err)
}

// detailed has something in every place.
func detailed(parent model.ID) model.AssetDetails {
	size, at := int64(8192), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return model.AssetDetails{
		ParentID:    parent,
		Constraints: []model.AssetConstraint{{Name: "known", Kind: model.ConstraintCheck, Fields: []string{"state"}, Expression: "state <> ''"}},
		Indexes:     []model.AssetIndex{{Name: "by_state", Fields: []string{"state"}, Unique: true, Expression: "lower(state)", Method: "btree"}},
		Definition:  "SELECT state FROM orders", DefinitionLanguage: "sql", Bytes: &size, ChangedAt: &at,
		Freshness: &model.Freshness{WarnAfter: 12 * time.Hour, ErrorAfter: 24 * time.Hour, Field: "at"},
		Usage:     &model.Usage{Reads: 7, Users: 2, From: &at},
		Runs:      []model.JobRun{{ID: "1", State: model.JobFailed, Started: &at, Message: "no space left"}},
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
		asked := m.fill(string(question.Data))
		got := m.hear(who, asked)
		if diff := m.differs(m.fill(string(want.Data)), got); diff != "" {
			m.t.Fatalf("%s (-want +got):\n%s", question.Name, diff)
		}
		m.rest(who, asked)
	}
	if len(story.Files)%2 != 0 {
		m.t.Errorf("nobody says what %s hears", story.Files[len(story.Files)-1].Name)
	}
}

// rest waits for what a question has begun and the server goes on with by itself,
// so that the next question meets its end.
func (m *matrix) rest(who, asked string) {
	m.t.Helper()
	switch {
	case strings.Contains(asked, "assessPolicy("):
		states, err := m.Governance.WatchAssessment(m.as(who), model.ID(m.ids["proposal"]))
		must(m.t, err)
		for range states {
		}
	case strings.Contains(asked, "startHarvest(") && m.ids["run"] != "":
		_, err := m.Harvest.Wait(m.system(), model.ID(m.ids["run"]))
		must(m.t, err)
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
