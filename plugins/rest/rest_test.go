package rest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/rest"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// memory is a sink that keeps everything, and refuses what the host would.
type memory struct {
	assets map[string]*sdk.Asset
	order  []string
	edges  []string
	done   []string
	notes  map[string][]string
}

func (m *memory) Emit(r sdk.Record) error {
	switch r := r.(type) {
	case *sdk.Asset:
		m.assets[r.ID.Name] = r
		m.order = append(m.order, r.ID.Name)
	case *sdk.Edge:
		m.edges = append(m.edges, r.Kind+" "+r.From.Namespace+" "+r.From.Name+" -> "+r.To.Name)
	}
	return sdk.Validate(r)
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error {
	m.notes[n.Code] = append(m.notes[n.Code], n.Sample)
	return nil
}

func harvest(t *testing.T, c rest.Config) (*memory, error) {
	t.Helper()
	c.HTTP = web.Config{Transport: "clear", PerSecond: 10_000, Timeout: "30s"}
	m := &memory{assets: map[string]*sdk.Asset{}, notes: map[string][]string{}}
	config := asJSON(t, c)
	var object map[string]any
	if err := json.Unmarshal(config, &object); err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{}
	for _, field := range []string{"credential", "clientSecret", "refreshToken"} {
		if value, has := object[field].(string); has {
			secrets[field] = value
			delete(object, field)
		}
	}
	for field, value := range object { // a field without a value takes its default
		if value == "" {
			delete(object, field)
		}
	}
	s, err := sdk.Register(rest.Plugin()).Open(t.Context(), asJSON(t, object), secrets, sdk.Env{})
	if err != nil {
		return m, err
	}
	defer s.Close()
	return m, s.Harvest(t.Context(), sdk.Request{}, m)
}

// answering is a server that says the same thing to every request.
func answering(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(server.Close)
	return server.URL
}

func says(t *testing.T, text string) string {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}

const simple = "lists: [{name: things, request: {path: /things}, asset: {name: '{name}', kind: TABLE, fields: {in: fields, name: '{name}', type: '{type}'}}}]"

func classOf(err error) sdk.Class {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return ""
	}
	return e.Class
}

func TestTooOftenAndATokenThatExpires(t *testing.T) {
	fake := &hubspot{token: "canary-of-hubspot", tired: 2}
	m, err := harvest(t, rest.Config{URL: fake.start(t), Mapping: example(t, 0), Auth: "bearer", Credential: fake.token})
	if err != nil || len(m.assets) != 4 || len(m.done) != 2 {
		t.Errorf("%v: %v, %v", err, m.order, m.done)
	}
	fake.tired = 1000
	m, err = harvest(t, rest.Config{URL: fake.start(t), Mapping: "lists: [{name: c, request: {path: /crm-object-schemas/v3/schemas}, items: results, asset: {name: '{name}', kind: T}}]", Auth: "bearer", Credential: fake.token})
	if classOf(err) != sdk.ClassThrottled || len(m.done) > 0 {
		t.Errorf("got %v, %v", err, m.done)
	}
}

// TestARefreshTokenThatRotates: an access token lasts for two requests and each
// refresh token for one use, and a request amid them is one too many.
func TestARefreshTokenThatRotates(t *testing.T) {
	fake := &intuit{refresh: 1, tired: 1}
	server := httptest.NewServer(fake)
	defer server.Close()
	mapping := strings.Replace(example(t, 1), "    detail:", `      - name: Account
        fields: [{name: Id, type: Id}]
      - name: Bill
        fields: [{name: Id, type: Id}]
      - name: Item
        fields: [{name: Id, type: Id}]
    detail:`, 1)
	c := rest.Config{
		URL: server.URL, Mapping: mapping, Auth: "refresh", OAuthURL: server.URL + "/oauth2/v1/tokens/bearer",
		ClientID: "souk", ClientSecret: "canary-of-client", RefreshToken: "canary-refresh-1",
	}
	m, err := harvest(t, c)
	if err != nil || len(m.assets) != 5 || fake.refresh != 4 || len(m.notes["rest.refresh_token_rotated"]) != 1 {
		t.Fatalf("%v: %v, %d refresh tokens, %v", err, m.order, fake.refresh, m.notes)
	}
	if rows := m.assets["Invoice"].Rows; rows == nil || *rows != 20 {
		t.Error("the count is not taken")
	}
	if diff := cmp.Diff([]string{"Customer", "Invoice", "Account", "Bill", "Item"}, fake.counted); diff != "" {
		t.Error(diff)
	}
	// The one of the configuration is worth nothing now, which is for a person to mend.
	_, err = harvest(t, c)
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassAuth || !strings.Contains(e.Fix, "sign in at the source again") || strings.Contains(e.Message, "canary") {
		t.Errorf("got %v", err)
	}
	c.ClientSecret = "canary-wrong"
	if _, err = harvest(t, c); classOf(err) != sdk.ClassAuth {
		t.Errorf("got %v", err)
	}
}

func TestWaysToSignIn(t *testing.T) {
	for name, tt := range map[string]struct {
		config rest.Config
		want   string
	}{
		"none":   {rest.Config{}, ""},
		"basic":  {rest.Config{Auth: "basic", User: "ana", Credential: "canary-1"}, "Basic YW5hOmNhbmFyeS0x"},
		"bearer": {rest.Config{Auth: "bearer", Credential: "canary-1"}, "Bearer canary-1"},
		"header": {rest.Config{Auth: "header", Header: "X-Key", Credential: "canary-1"}, "canary-1"},
		"client": {rest.Config{Auth: "client", ClientID: "souk", ClientSecret: "canary-1", ClientIn: "body", Scopes: []string{"a", "b"}}, "Bearer t"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			tt.config.URL = answering(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/token" {
					if r.PostFormValue("scope") == "a b" && r.PostFormValue("client_secret") == "canary-1" {
						fmt.Fprint(w, `{"access_token": "t"}`)
					}
					return
				}
				got = r.Header.Get("Authorization") + r.Header.Get("X-Key")
				fmt.Fprint(w, "[]")
			})
			if tt.config.Auth == "client" {
				tt.config.OAuthURL = tt.config.URL + "/token"
			}
			tt.config.Mapping = simple
			m, err := harvest(t, tt.config)
			if err != nil || got != tt.want || len(m.done) != 1 {
				t.Errorf("it sends %q, %v", got, err)
			}
		})
	}
}

func TestConfigurationsThatLack(t *testing.T) {
	for field, c := range map[string]rest.Config{
		"user": {Auth: "basic"}, "header": {Auth: "header", Credential: "canary-1"}, "oauthUrl": {Auth: "client", ClientID: "a"}, "clientId": {Auth: "refresh", OAuthURL: "https://a.example"},
		"clientSecret": {Auth: "client", ClientID: "a", OAuthURL: "https://a.example"}, "refreshToken": {Auth: "refresh", ClientID: "a", OAuthURL: "https://a.example"},
		"credential": {Auth: "basic", User: "ana"}, "maxTime": {MaxTime: "0s"},
	} {
		c.URL, c.Mapping = "https://api.example", simple
		_, err := harvest(t, c)
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassConfig || e.Field != field || e.Fix == "" {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestMappingsThatAreWrong(t *testing.T) {
	list := func(rest string) string {
		return "lists: [{name: a, asset: {name: '{n}', kind: T}, " + rest + "}]"
	}
	for text, words := range map[string]string{
		"lists: []": "0 lists", "list: []": "field list not found", "lists: [": "cannot be read", "lists: [{name: a}]": "a request, or values", "lists: [{}]": "without a name",
		list("request: {path: /x}, values: [b]"):                                                                "not both",
		list("request: {path: 'https://evil.example/x'}"):                                                       "no other host",
		list("request: {path: '{host}/x'}"):                                                                     "no other host",
		list("request: {path: '/x?key=1'}"):                                                                     "under query",
		list("request: {path: /x, method: DELETE}"):                                                             "only asks",
		list("request: {path: /x, body: {a: 1}}"):                                                               "no body",
		list("request: {path: /x, headers: {authorization: x}}"):                                                "way to sign in",
		list("request: {path: /x, headers: {Api-Key: k9f8x7d6s5a4q3w2e1}}"):                                     "looks like a password",
		list("request: {path: /x}, page: {by: magic}"):                                                          "something unknown",
		list("request: {path: /x}, page: {by: cursor, at: a}"):                                                  "needs a parameter",
		list("request: {path: /x}, page: {by: link}"):                                                           "needs at",
		list("request: {path: '/{x'}"):                                                                          "begins with {",
		list("request: {path: '/x}'}"):                                                                          "begins with {",
		list("request: {path: [x]}"):                                                                            "a text is wanted",
		list("values: [b], items: a..b"):                                                                        "begins with {",
		"lists: [{name: a, values: [b], asset: {name: x}}]":                                                     "a name and a kind",
		"lists: [{name: a, values: [b], asset: {name: x, kind: T, fields: {name: x}}}]":                         "need a place",
		"lists: [{name: a, values: [b], asset: {name: x, kind: T, fields: {in: x}}}]":                           "need a name",
		"lists: [{name: a, values: [b], asset: {name: x, kind: T, lineage: [{kind: EATS, name: x}]}}]":          "DERIVES or USES",
		"lists: [{name: a, values: [b], asset: {name: x, kind: T}}, {name: a}]":                                 "list 2",
		"lists: [{name: a, values: [b], asset: {name: x, kind: T}}]\n---\nlists: []":                            "one document",
		"lists: [{name: a, values: [b], asset: {name: x, kind: T}}]\n#" + strings.Repeat("x", 256<<10):          "larger than",
		"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nlists: [{name: a, values: [*b,*b,*b]}]": "cannot be read",
	} {
		_, err := harvest(t, rest.Config{URL: "https://api.example", Mapping: text})
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok || e.Class != sdk.ClassConfig || e.Field != "mapping" || !strings.Contains(e.Message, words) || e.Fix == "" || strings.Contains(e.Message, "rest.") {
			t.Errorf("%.80s: got %v", text, err)
		}
		if err := rest.Plugin().Judge(rest.Config{Mapping: text}); err == nil {
			t.Errorf("%.80s: it would be kept", text)
		}
	}
}

// TestNames wants names as they are, whatever stands in them.
//
// Bad input: names, not UTF-8.
func TestNames(t *testing.T) {
	long := strings.Repeat("ñ", 1000)
	var items []map[string]any
	for _, name := range []string{"plain", `a "quoted" one`, "with.dot", "a/b", "🐪", long, "Case", "case", `back\slash`, "plain"} {
		items = append(items, map[string]any{"name": name, "fields": []any{map[string]any{"name": name, "type": "t"}}})
	}
	text := bytes.Replace(asJSON(t, items), []byte(`],"name":"plain"`), []byte("],\"name\":\"pl\xffain\""), 1) // not UTF-8
	m, err := harvest(t, rest.Config{URL: says(t, string(text)), Mapping: simple})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"pl\ufffdain", `a "quoted" one`, `"with.dot"`, "a/b", "🐪", long, "Case", "case", `back\slash`, "plain"}
	if diff := cmp.Diff(want, m.order); diff != "" {
		t.Error(diff)
	}
	if m.assets[`"with.dot"`].ShortName != "with.dot" || m.assets[`"with.dot"`].Fields[0].Name != "with.dot" {
		t.Errorf("got %+v", m.assets[`"with.dot"`])
	}
}

func TestItemsThatCannotBeTaken(t *testing.T) {
	m, err := harvest(t, rest.Config{URL: says(t, `[{"name": "a", "fields": []}, {"name": "a"}, {"name": "b", "fields": {}}, {"name": "c", "fields": [{}]}]`), Mapping: simple})
	if err != nil || len(m.assets) != 1 || len(m.notes["rest.twice"]) != 1 || len(m.notes["rest.undescribed"]) != 2 || len(m.done) != 1 {
		t.Errorf("%v, %v, %v, %v", err, m.order, m.notes, m.done)
	}
	m, err = harvest(t, rest.Config{URL: says(t, `[{"name": "a"}, {"nom": "b"}, 7, null]`), Mapping: simple})
	if err != nil || len(m.assets) != 1 || len(m.notes["rest.no_name"]) != 3 || len(m.done) != 0 {
		t.Errorf("%v, %v, %v, %v", err, m.order, m.notes, m.done)
	}
}

// TestAnAnswerThatIsNotWhole retires nothing.
func TestAnAnswerThatIsNotWhole(t *testing.T) {
	for text, class := range map[string]sdk.Class{
		`[{"name": "a"}, {"na`: sdk.ClassUnavailable, `{"error": "none"}`: sdk.ClassUnavailable, ``: sdk.ClassUnavailable,
	} {
		m, err := harvest(t, rest.Config{URL: says(t, text), Mapping: simple})
		if classOf(err) != class || len(m.done) > 0 {
			t.Errorf("%s: %v, %v", text, err, m.done)
		}
	}
	page := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html>")
	})
	if _, err := harvest(t, rest.Config{URL: page, Mapping: simple}); classOf(err) != sdk.ClassConfig {
		t.Errorf("got %v", err)
	}
}

func TestLinksThatLeadAway(t *testing.T) {
	asked := 0
	elsewhere := answering(t, func(http.ResponseWriter, *http.Request) { asked++ })
	mapping := strings.Replace(simple, "path: /things}", "path: /things}, items: items, page: {by: link, at: next}", 1)
	m, err := harvest(t, rest.Config{URL: says(t, fmt.Sprintf(`{"items": [{"name": "a"}], "next": %q}`, elsewhere)), Mapping: mapping, Auth: "bearer", Credential: "canary-1"})
	if classOf(err) != sdk.ClassConfig || asked > 0 || len(m.done) > 0 {
		t.Errorf("%v, %d, %v", err, asked, m.done)
	}
	m, err = harvest(t, rest.Config{URL: says(t, `{"items": [{"name": "a"}], "next": "?again"}`), Mapping: mapping})
	if classOf(err) != sdk.ClassUnavailable || !strings.Contains(err.Error(), "does not end") || len(m.done) > 0 {
		t.Errorf("%v, %v", err, m.done)
	}
}

// TestAListThatIsForbidden keeps its scope open, and the others go on.
func TestAListThatIsForbidden(t *testing.T) {
	address := answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			fmt.Fprint(w, `[{"name": "x"}, {"name": "gone"}]`)
		case "/a/x":
			fmt.Fprint(w, `{"rows": 7, "from": [{"t": "u"}, {"t": "v"}, {"t": "u"}], "id": 123456789012345678}`)
		case "/a/gone":
			w.WriteHeader(404)
		default:
			w.WriteHeader(403)
		}
	})
	m, err := harvest(t, rest.Config{URL: address, Mapping: `
lists:
  - {name: forbidden, request: {path: /b}, asset: {name: "{name}", kind: TABLE}}
  - name: open
    request: {path: /a}
    detail: {path: "/a/{name}"}
    asset:
      name: "things.{name}"
      kind: TABLE
      rows: "{detail.rows}"
      tags: ["{detail.from.*.t}", "{detail.from.0.t}{{}}"]
      properties: {id: "{detail.id}", none: "{detail.none}"}
      lineage: [{kind: DERIVES, namespace: "db://h", name: "{detail.from.*.t}"}]
`})
	if err != nil || len(m.notes["rest.unread"]) != 1 || len(m.notes["rest.undescribed"]) != 1 {
		t.Fatal(err, m.notes)
	}
	a := m.assets["things.x"]
	rows := int64(7)
	want := &sdk.Asset{
		ID: sdk.NativeID{Namespace: a.ID.Namespace, Name: "things.x"}, Scope: "open", Kind: "TABLE", Rank: sdk.Holder, ShortName: "x", Rows: &rows,
		Tags: []string{"u", "v", "u", "u{}"}, Properties: map[string]string{"id": "123456789012345678"},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"open"}, m.done); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"DERIVES db://h u -> things.x", "DERIVES db://h v -> things.x"}, m.edges); diff != "" {
		t.Error(diff)
	}
}

// TestAValueStaysOnePartOfAPath: it can neither end a path nor climb out of it.
func TestAValueStaysOnePartOfAPath(t *testing.T) {
	var paths []string
	address := answering(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.EscapedPath()+"?"+r.URL.RawQuery)
		fmt.Fprint(w, "{}")
	})
	m, err := harvest(t, rest.Config{URL: address, Mapping: `
lists:
  - name: a
    values: ["../x", "..", "a?b=c#d", "e&f=g", "ü"]
    detail: {path: "/a/{.}/b", query: {q: "{.}"}}
    asset: {name: "{.}", kind: TABLE}`})
	want := []string{"/a/..%2Fx/b?q=..%2Fx", "/a/a%3Fb=c%23d/b?q=a%3Fb%3Dc%23d", "/a/e&f=g/b?q=e%26f%3Dg", "/a/%C3%BC/b?q=%C3%BC"}
	if diff := cmp.Diff(want, paths); err != nil || diff != "" || len(m.notes["rest.undescribed"]) != 1 {
		t.Error(err, diff, m.notes)
	}
}

// Bad input: 5,000 columns.
func TestManyFields(t *testing.T) {
	var fields []string
	for i := range 5001 {
		fields = append(fields, fmt.Sprintf(`{"name": "f%d", "type": "t"}`, i))
	}
	m, err := harvest(t, rest.Config{URL: says(t, `[{"name": "wide", "fields": [`+strings.Join(fields, ",")+`]}]`), Mapping: simple})
	if err != nil || len(m.assets["wide"].Fields) != 5000 || len(m.notes["rest.many_fields"]) != 1 {
		t.Errorf("%v, %v", err, m.notes)
	}
}

// paged is the mapping of an API that counts what it has.
var paged = strings.Replace(simple, "path: /things}", "path: /things}, items: items, page: {by: offset, parameter: start, total: total}", 1)

// sized is an API with so many things.
func sized(t *testing.T, all int) string {
	t.Helper()
	const size = 500
	return answering(t, func(w http.ResponseWriter, r *http.Request) {
		at, _ := strconv.Atoi(r.URL.Query().Get("start"))
		var items []string
		for i := at; i < min(at+size, all); i++ {
			items = append(items, fmt.Sprintf(`{"name": "t%d", "fields": [{"name": "a", "type": "int"}]}`, i))
		}
		fmt.Fprintf(w, `{"total": %d, "items": [%s]}`, all, strings.Join(items, ","))
	})
}

func TestARunThatTakesTooLong(t *testing.T) {
	address := answering(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := harvest(t, rest.Config{URL: address, Mapping: simple, MaxTime: "50ms"})
	if classOf(err) != sdk.ClassUnavailable || !strings.Contains(err.Error(), "50ms") {
		t.Errorf("got %v", err)
	}
}

func TestAPostThatAsks(t *testing.T) {
	var got string
	address := answering(t, func(w http.ResponseWriter, r *http.Request) {
		var text bytes.Buffer
		_, _ = text.ReadFrom(r.Body)
		got = r.Method + text.String() + r.Header.Get("X-Version")
		fmt.Fprint(w, `{"data": {"tables": [{"name": "a", "key": true, "null": false}]}}`)
	})
	m, err := harvest(t, rest.Config{URL: address, Mapping: `
lists:
  - name: a
    request: {path: /graphql, method: POST, headers: {x-version: "2"}, body: {query: "{ tables { name } }"}}
    items: data.tables
    asset:
      name: "{name}"
      kind: TABLE
  - name: b
    values: [{n: t, columns: [{name: id, key: true}, {name: "x", "null": false}, {name: y, tags: [pii, 7], options: [{value: a}, {value: b}]}], sql: select 1, id: 7}]
    asset:
      name: "{n}"
      kind: TABLE
      owners: ["{n}"]
      stableId: "{id}"
      definition: "{sql}"
      definitionLanguage: sql
      fields: {in: columns, name: "{name}", primaryKey: "{key}", nullable: "{null}", tags: ["{tags}"], values: "{options.*.value}"}`})
	if err != nil || got != `POST{"query":"{ tables { name } }"}2` {
		t.Error(err, got)
	}
	want := []sdk.Field{{Name: "id", Position: 1, PrimaryKey: 1}, {Name: "x", Position: 2}, {Name: "y", Position: 3, Nullable: true, Tags: []string{"pii", "7"}, Values: []string{"a", "b"}}}
	if a := m.assets["t"]; a.StableID != "7" || a.Definition != "select 1" || a.DefinitionLanguage != "sql" {
		t.Errorf("got %+v", a)
	}
	if diff := cmp.Diff(want, m.assets["t"].Fields); diff != "" || !slices.Equal(m.assets["t"].Owners, []string{"t"}) {
		t.Error(diff)
	}
}

// FuzzMapping: whatever somebody writes is a mapping or a mistake that is told.
func FuzzMapping(f *testing.F) {
	for _, seed := range []string{simple, "lists: [{name: a, values: [{b: 1}], detail: {path: '/{b.*.0}{{}}'}, asset: {name: '{\"a.b\".c}', kind: T}}]", "{", "a: &a [*a]", "lists: null"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := rest.Plugin().Judge(rest.Config{Mapping: text})
		if e, ok := errors.AsType[*sdk.Error](err); err != nil && (!ok || e.Class != sdk.ClassConfig || e.Message == "" || e.Fix == "") {
			t.Errorf("got %#v", err)
		}
	})
}
