package server

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheDoorTakesNoCredential asks the real server, whose wiring the walk over
// the schema does not see.
func TestTheDoorTakesNoCredential(t *testing.T) {
	m := newMatrix(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/graphql", strings.NewReader(
		`{"query": "mutation { updateDomain(input: {id: \"dom_x\", description: \"key AKIAIOSFODNN7EXAMPLZ\"}) { userErrors { code } } }"}`))
	r.Header.Set("Content-Type", "application/json")
	got := m.knock(caller{name: "admin"}, r).Body.String()
	if !strings.Contains(got, "input.description: holds what looks like a credential") || strings.Contains(got, "AKIA") {
		t.Error(got)
	}
}
