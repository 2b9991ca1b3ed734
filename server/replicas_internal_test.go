package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/servertest"
)

// company is one set of records with the servers that share it: on MongoDB two,
// on SQLite the only one, twice.
type company struct {
	*testing.T

	doors [2]http.Handler
}

func eachCompany(t *testing.T, test func(c company)) {
	t.Helper()
	open := func(t *testing.T, address string) *Server {
		t.Helper()
		cfg := Defaults()
		cfg.Store = address
		s, err := New(t.Context(), cfg, nil, slog.New(slog.DiscardHandler))
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		return s
	}
	few := servertest.Scale{Domains: 1, People: 2}
	t.Run("sqlite", func(t *testing.T) {
		s := open(t, sqliteScheme+filepath.Join(t.TempDir(), "souk.db"))
		few.Fill(t, s.store)
		door := s.web().Handler()
		test(company{t, [2]http.Handler{door, door}})
	})
	t.Run("mongodb", func(t *testing.T) {
		address, _ := mongodbtest.Database(t)
		here, there := open(t, address), open(t, address)
		few.Fill(t, here.store)
		test(company{t, [2]http.Handler{here.web().Handler(), there.web().Handler()}})
	})
}

// ask puts GraphQL to one of the servers.
func (c company) ask(server int, token, query string) (status int, answer string) {
	c.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	must(c.T, err)
	r := httptest.NewRequestWithContext(c.Context(), http.MethodPost, "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	c.doors[server].ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// change makes a change as the administrator, by the server.
func (c company) change(server int, mutation string) {
	c.Helper()
	if status, answer := c.ask(server, servertest.RootToken, "mutation{"+mutation+"{userErrors{message}}}"); status != http.StatusOK || !strings.Contains(answer, `"userErrors":[]`) {
		c.Fatalf("%s: %d %s", mutation, status, answer)
	}
}

// TestTheNextRequestIsRefusedEverywhere takes from somebody what let them in: the
// next request is refused, by the server that made the change and by the other,
// which both had let them in a moment ago. It is given back as quickly.
func TestTheNextRequestIsRefusedEverywhere(t *testing.T) {
	const standing = `{viewer{viewerCan{administerDomains}}}`
	const update = `updatePrincipal(input:{id:"prn_0001",`
	eachCompany(t, func(c company) {
		c.Helper()
		wants := func(when string, status int, contains string) {
			c.Helper()
			for server := range c.doors {
				for range 2 { // the second one is answered from memory
					if got, answer := c.ask(server, servertest.SomebodyToken, standing); got != status || !strings.Contains(answer, contains) {
						c.Fatalf("%s: server %d gives %d %s, want %d and %s", when, server, got, answer, status, contains)
					}
				}
			}
		}
		for by := range c.doors {
			wants("at first", http.StatusOK, "DENY")
			c.change(by, update+`roles:[EMPLOYEE,ADMIN]})`)
			wants("as an administrator", http.StatusOK, "ALLOW")
			c.change(by, update+`roles:[EMPLOYEE]})`)
			wants("without the role", http.StatusOK, "DENY")
			c.change(by, update+`isSuspended:true})`)
			wants("suspended", http.StatusUnauthorized, "the token opens nothing")
			c.change(by, update+`isSuspended:false})`)
		}
		wants("when nobody is suspended", http.StatusOK, "DENY")
		c.change(1, `revokeToken(input:{id:"tok_0001"})`)
		wants("with a revoked token", http.StatusUnauthorized, "the token opens nothing")
	})
}
