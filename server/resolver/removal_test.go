package resolver_test

import (
	"strings"
	"testing"
)

// TestRecordsComeAndGo corrects, renames, removes and restores over the graph.
func TestRecordsComeAndGo(t *testing.T) {
	w := newWorld(t)
	team := w.team()
	renamed := w.ask("ana", `mutation($id: ID!) { renameRecord(input: {id: $id, name: "corsairs"}) { id name record { ... on Team { name displayName } } userErrors { code message } } }`, vars{"id": team})
	if renamed.str("renameRecord.record.name") != "corsairs" || renamed.str("renameRecord.name") != "corsairs" {
		t.Errorf("renamed: %s", renamed.text)
	}
	asked := w.ask("ana", `query($id: ID!) { dependencies(id: $id) { kind } }`, vars{"id": team})
	if !strings.Contains(asked.text, `"dependencies":[]`) {
		t.Errorf("nothing depends on it: %s", asked.text)
	}
	removed := w.ask("ana", `mutation($id: ID!) { removeRecord(input: {id: $id, reason: "A mistake."}) { removed { id kind name reason removedAt domain { name } removedBy { name } } userErrors { code message } } }`, vars{"id": team})
	for path, want := range map[string]string{"id": string(team), "kind": "team", "name": "corsairs", "reason": "A mistake.", "domain.name": "sales"} {
		if got := removed.str("removeRecord.removed." + path); got != want {
			t.Errorf("%s is %q, want %q: %s", path, got, want, removed.text)
		}
	}
	list := w.ask("ana", `{ removedRecords(first: 10) { nodes { name } } }`, nil)
	if !strings.Contains(list.text, "corsairs") {
		t.Errorf("the list: %s", list.text)
	}
	if list := w.ask("bo", `{ removedRecords(first: 10) { nodes { name } } }`, nil); strings.Contains(list.text, "corsairs") {
		t.Errorf("another domain's steward sees: %s", list.text)
	}
	back := w.ask("ana", `mutation($id: ID!) { restoreRecord(input: {id: $id}) { id record { ... on Team { name } } userErrors { code message } } }`, vars{"id": team})
	if back.str("restoreRecord.record.name") != "corsairs" {
		t.Errorf("restored: %s", back.text)
	}
	used := w.ask("cy", `mutation($id: ID!) { removeRecord(input: {id: $id}) { removed { id } userErrors { code message hint path } } }`, vars{"id": w.Domains["marketing"].ID})
	if used.str("removeRecord.userErrors.0.code") != "CONFLICT" || !strings.Contains(used.text, "dependencies(id:)") {
		t.Errorf("in use: %s", used.text)
	}
	for _, document := range []string{
		`query($id: ID!) { dependencies(id: $id) { kind } }`,
		`mutation($id: ID!) { removeRecord(input: {id: $id}) { userErrors { code } } }`,
		`mutation($id: ID!) { renameRecord(input: {id: $id, name: "x"}) { userErrors { code } } }`,
		`mutation($id: ID!) { restoreRecord(input: {id: $id}) { userErrors { code } } }`,
	} {
		if got := w.ask("ana", document, vars{"id": "grt_none"}); !strings.Contains(got.text, "NOT_FOUND") {
			t.Errorf("%.30s of what is never removed: %s", document, got.text)
		}
	}
}
