package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// hubspot is a fake of HubSpot's CRM, written on 2026-11-30 from
// https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/schemas/get-schema,
// https://developers.hubspot.com/docs/api-reference/crm-properties-v3/core/get-crm-v3-properties-objectType
// and https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
// (answers to requests that are too many). It pages as its collections do,
// with paging.next.after.
type hubspot struct {
	mu    sync.Mutex
	token string
	tired int // how many requests are answered 429 from now on
	asked int
}

func (h *hubspot) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

const custom = `{"id": "1", "createdAt": "2020-02-20T18:07:11.390Z", "fullyQualifiedName": "p7878787_%s", "labels": {"singular": "%s", "plural": "%ss"},
 "metaType": "PORTAL_SPECIFIC", "name": "%s", "objectTypeId": "2-%d", "primaryDisplayProperty": "title",
 "properties": [{"name": "title", "label": "Title", "type": "string", "fieldType": "text", "groupName": "information", "hasUniqueValue": false},
  {"name": "due", "label": "Due", "description": "When it ends.", "type": "date", "fieldType": "date", "groupName": "information"}],
 "associations": [{"id": "9", "fromObjectTypeId": "2-%d", "toObjectTypeId": "contacts", "name": "to_contact"}], "requiredProperties": ["title"]}`

func (h *hubspot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+h.token:
		w.WriteHeader(401)
		fmt.Fprint(w, `{"status": "error", "message": "Authentication credentials not found.", "category": "INVALID_AUTHENTICATION"}`)
		return
	case h.tired > 0:
		h.tired--
		w.WriteHeader(429) // without Retry-After, as HubSpot does
		fmt.Fprint(w, `{"status": "error", "message": "You have reached your ten_secondly_rolling limit.", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}`)
		return
	}
	switch path, after := r.URL.Path, r.URL.Query().Get("after"); {
	case path == "/crm-object-schemas/v3/schemas" && after == "":
		fmt.Fprintf(w, `{"results": [`+custom+`], "paging": {"next": {"after": "MQ==", "link": "?after=MQ%%3D%%3D"}}}`, "lease", "Lease", "Lease", "lease", 1, 1)
	case path == "/crm-object-schemas/v3/schemas" && after == "MQ==":
		fmt.Fprintf(w, `{"results": [`+custom+`]}`, "car", "Car", "Car", "car", 2, 2)
	case path == "/crm/v3/properties/contacts" || path == "/crm/v3/properties/companies":
		fmt.Fprint(w, `{"results": [{"name": "email", "label": "E-mail", "type": "string", "fieldType": "text", "description": "Where to write.", "groupName": "contactinformation", "options": []}]}`)
	default:
		w.WriteHeader(404)
		fmt.Fprint(w, `{"status": "error", "message": "resource not found"}`)
	}
}

// intuit is a fake of QuickBooks Online and of its server of tokens, written on
// 2026-11-30 from
// https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0,
// its FAQ (an access token lasts an hour, only the latest refresh token counts)
// and https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries.
// An access token here lasts for two requests.
type intuit struct {
	mu      sync.Mutex
	refresh int // the number of the refresh token that counts
	access  int
	left    int // requests that the access token is still good for
	tired   int
	counted []string
}

func (q *intuit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/oauth2/v1/tokens/bearer":
		q.grant(w, r)
	case "/v3/company/4620816365000000000/query":
		q.query(w, r)
	default:
		w.WriteHeader(404)
	}
}

func (q *intuit) grant(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	switch {
	case id != "souk" || secret != "canary-of-client":
		w.WriteHeader(401)
		fmt.Fprint(w, `{"error": "invalid_client"}`)
	case r.PostFormValue("grant_type") != "refresh_token" || r.PostFormValue("refresh_token") != fmt.Sprint("canary-refresh-", q.refresh):
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error": "invalid_grant", "error_description": "Incorrect or invalid refresh token"}`)
	default:
		q.refresh++
		q.access++
		q.left = 2
		fmt.Fprintf(w, `{"token_type": "bearer", "expires_in": 3600, "refresh_token": "canary-refresh-%d", "x_refresh_token_expires_in": 8726400, "access_token": "access-%d"}`, q.refresh, q.access)
	}
}

func (q *intuit) query(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Authorization") != fmt.Sprint("Bearer access-", q.access) || q.left == 0:
		w.WriteHeader(401)
		fmt.Fprint(w, `{"fault": {"error": [{"message": "message=AuthenticationFailed; errorCode=003200; statusCode=401"}], "type": "AUTHENTICATION"}}`)
		return
	case q.tired > 0:
		q.tired--
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(429)
		return
	}
	q.left--
	entity, ok := strings.CutPrefix(r.URL.Query().Get("query"), "select count(*) from ")
	if !ok || r.URL.Query().Get("minorversion") != "75" {
		w.WriteHeader(400)
		return
	}
	q.counted = append(q.counted, entity)
	fmt.Fprintf(w, `{"QueryResponse": {"totalCount": %d}, "time": "2026-11-30T08:00:00.000-08:00"}`, 10*len(q.counted))
}

// example is the nth mapping of the page: what the page shows has to work.
func example(t *testing.T, n int) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")
	if len(blocks) <= n+1 {
		t.Fatalf("the page has %d examples", len(blocks)-1)
	}
	block, _, _ := strings.Cut(blocks[n+1], "```")
	return block
}

func asJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
