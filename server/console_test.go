package server

import (
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/console"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
)

// browser is somebody before a browser without scripts.
type browser struct {
	t      *testing.T
	url    string
	client *http.Client
}

// open gives a browser in which nobody is signed in.
func (m *matrix) open(site string) *browser {
	m.t.Helper()
	jar, err := cookiejar.New(nil)
	must(m.t, err)
	return &browser{m.t, site, &http.Client{Jar: jar}}
}

// seat gives a browser in which somebody has signed in by their token.
func (m *matrix) seat(site, who string) *browser {
	m.t.Helper()
	b := m.open(site)
	if status, page := b.send("/sign-in", url.Values{"token": {m.tokens[who]}}); status != http.StatusOK {
		m.t.Fatalf("%s cannot sign in: %d %s", who, status, page)
	}
	return b
}

// get asks for a page, and gives its status and text.
func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", nil)
}

// send sends a form, and follows where it leads.
func (b *browser) send(path string, form url.Values) (int, string) {
	b.t.Helper()
	return b.do(http.MethodPost, path, form.Encode(), nil)
}

func (b *browser) do(method, path, body string, header http.Header) (int, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	must(b.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(r.Header, header)
	answer, err := b.client.Do(r)
	must(b.t, err)
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	must(b.t, err)
	return answer.StatusCode, string(page)
}

// holds fails where a page lacks one of the texts.
func (b *browser) holds(path string, texts ...string) string {
	b.t.Helper()
	status, page := b.get(path)
	if status != http.StatusOK {
		b.t.Errorf("%s: %d %s", path, status, page)
	}
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(page), text) {
			b.t.Errorf("%s lacks %q:\n%s", path, text, page)
		}
	}
	return page
}

// onBothEngines tells a story of the console over HTTP, on both engines.
func onBothEngines(t *testing.T, story func(m *matrix, site string)) {
	t.Helper()
	for engine, fresh := range map[string]func() string{
		"sqlite":  func() string { return "sqlite:" + filepath.Join(t.TempDir(), "souk.db") },
		"mongodb": func() string { uri, _ := mongodbtest.Database(t); return uri },
	} {
		t.Run(engine, func(t *testing.T) {
			m := newMatrix(t, fresh())
			site := httptest.NewServer(m.door)
			t.Cleanup(site.Close)
			story(m, site.URL)
		})
	}
}

var requestPath = regexp.MustCompile(`/requests/acr_[0-9a-z]+`)

// TestConsoleStory has somebody find a product and ask for it, a steward decide,
// and the holder give the grant back, by pages and forms alone.
func TestConsoleStory(t *testing.T) {
	onBothEngines(t, func(m *matrix, site string) {
		p := m.published()
		path := "/products/sales/" + string(p.Name)
		b := m.open(site)
		if status, page := b.get(path); status != http.StatusOK || !strings.Contains(page, "<h1>Sign in</h1>") || !strings.Contains(page, `name="next" value="`+path+`"`) {
			m.t.Fatalf("nobody is led to the sign-in and back: %d %s", status, page)
		}
		other, steward := m.seat(site, "other"), m.seat(site, "steward")
		other.holds("/", "Good to see you, other", p.DisplayName, "marketing")
		other.holds("/search?q=order", p.DisplayName, path, "Ask for access")
		other.holds("/domains/sales", p.DisplayName, "steward")
		other.holds(path, p.DisplayName, "Every order.", "Ask for access", "spare")

		if status, page := other.send(path, url.Values{"purpose": {" "}, "duration": {"P90D"}}); status != http.StatusUnprocessableEntity || !strings.Contains(page, `role="alert"`) {
			m.t.Errorf("no purpose: %d %s", status, page)
		}
		status, page := other.send(path, url.Values{"purpose": {"to plan the campaign"}, "duration": {"P30D"}})
		if status != http.StatusOK || !strings.Contains(page, "to plan the campaign") || !strings.Contains(page, "30 days") {
			m.t.Fatalf("asking: %d %s", status, page)
		}
		home := steward.holds("/", "other", "to plan the campaign")
		request := requestPath.FindString(home[strings.Index(home, "to plan")-300:])
		steward.holds("/requests", "to plan the campaign", "decide")
		steward.holds(request, "to plan the campaign", "Approve", "Reject")
		if page := other.holds(request, "Who decides", "Withdraw it"); strings.Contains(page, `value="approve"`) {
			m.t.Error("who asks may approve, says the page")
		}
		if status, page := other.send(request, url.Values{"act": {"approve"}}); status == http.StatusOK {
			m.t.Errorf("who asks approves: %s", page)
		}
		if status, page := steward.send(request, url.Values{"act": {"approve"}, "comment": {"Good luck."}}); status != http.StatusOK || !strings.Contains(page, "Good luck.") {
			m.t.Fatalf("approving: %d %s", status, page)
		}
		if status, _ := steward.send(request, url.Values{"act": {"reject"}}); status != http.StatusUnprocessableEntity {
			m.t.Errorf("what is decided is decided again from a page that was left open: %d", status)
		}
		grants := other.holds("/grants", p.DisplayName, "give it back")
		grant := regexp.MustCompile(`/grants/grt_[0-9a-z]+`).FindString(grants)
		if status, page := other.send(grant, nil); status != http.StatusOK || !strings.Contains(page, "revoked") {
			m.t.Errorf("giving back: %d %s", status, page)
		}
	})
}

// TestConsoleHides knocks at every page as everybody and holds them to what the
// API shows the same person: what is hidden there is in no page, list or title.
func TestConsoleHides(t *testing.T) {
	m := newMatrix(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	site := httptest.NewServer(m.door)
	t.Cleanup(site.Close)
	name := "a hidden name"
	_, err := m.Mesh.UpdateProduct(m.as("steward"), mesh.ProductEdit{ID: model.ID(m.ids["draft"]), DisplayName: &name})
	must(t, err)
	draft, err := m.Mesh.Product(m.as("steward"), model.ID(m.ids["draft"]))
	must(t, err)
	pages := m.pages(string(draft.Name))
	for _, c := range callers {
		if c.kind != model.Person || c.name == "suspended" {
			continue
		}
		shown := m.hear(c.name, `{ dataProduct(id: "`+m.ids["draft"]+`") { id } }`)
		seesDraft := strings.Contains(textsOf(shown), m.ids["draft"])
		seesRequest := strings.Contains(textsOf(m.hear(c.name, `{ accessRequest(id: "`+m.ids["request"]+`") { id } }`)), m.ids["request"])
		b := m.seat(site.URL, c.name)
		for _, path := range pages {
			_, page := b.get(path)
			if strings.Contains(page, name) && !seesDraft {
				t.Errorf("%s reads of a draft of sales on %s", c.name, path)
			}
			if strings.Contains(page, m.ids["request"]) && !seesRequest && !strings.HasSuffix(path, m.ids["request"]) {
				t.Errorf("%s reads of a request on %s", c.name, path)
			}
		}
		status, page := b.get("/products/sales/" + string(draft.Name))
		if want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[seesDraft]; status != want {
			t.Errorf("%s gets %d for a draft, and the API shows it: %v\n%s", c.name, status, seesDraft, page)
		}
		status, _ = b.get("/requests/" + m.ids["request"])
		if want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[seesRequest]; status != want {
			t.Errorf("%s gets %d for a request, and the API shows it: %v", c.name, status, seesRequest)
		}
	}
}

// pages are addresses of each page there is, those about the draft and the request
// of the company among them.
func (m *matrix) pages(draft string) (pages []string) {
	m.t.Helper()
	at := map[string][]string{
		"GET /{$}": {"/"}, "GET /search": {"/search?q=hidden", "/search?q=made"}, "GET /domains/{domain}": {"/domains/sales"},
		"GET /products/{domain}/{name}": {"/products/sales/" + draft}, "GET /requests": {"/requests", "/requests?status=PENDING"},
		"GET /requests/{id}": {"/requests/" + m.ids["request"]}, "GET /grants": {"/grants"}, "GET /sessions": {"/sessions"}, "GET /explorer/": {"/explorer/"},
	}
	for _, pattern := range console.New(console.Config{Now: model.Now}).Patterns() {
		if strings.HasPrefix(pattern, "GET ") && at[pattern] == nil {
			m.t.Errorf("nobody looks at the page %s: give it an address here", pattern)
		}
		pages = append(pages, at[pattern]...)
	}
	return pages
}

// textsOf gives all texts of an answer.
func textsOf(answer any) string {
	var text strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			for _, each := range x {
				walk(each)
			}
		case []any:
			for _, each := range x {
				walk(each)
			}
		case string:
			text.WriteString(x + "\n")
		}
	}
	walk(answer)
	return text.String()
}

// TestConsoleRefusesOtherSites sends forms, and requests of the API, as another
// site would have a browser send them.
func TestConsoleRefusesOtherSites(t *testing.T) {
	m := newMatrix(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	site := httptest.NewServer(m.door)
	t.Cleanup(site.Close)
	p := m.published()
	b := m.seat(site.URL, "other")
	form := url.Values{"purpose": {"by another site"}, "duration": {"P30D"}}.Encode()
	for name, header := range map[string]http.Header{
		"by its address": {"Origin": {"https://evil.example"}}, "by its word": {"Sec-Fetch-Site": {"cross-site"}}, "a neighbour": {"Sec-Fetch-Site": {"same-site"}},
	} {
		if status, _ := b.do(http.MethodPost, "/products/sales/"+string(p.Name), form, header); status != http.StatusForbidden {
			t.Errorf("a form of another site, %s: %d", name, status)
		}
		if status, _ := b.do(http.MethodPost, "/sign-out", "x=1", header); status != http.StatusForbidden {
			t.Errorf("a sign-out by another site, %s: %d", name, status)
		}
	}
	if page := b.holds("/requests"); strings.Contains(page, "by another site") {
		t.Error("a form of another site has asked")
	}
	query := func(header http.Header) int {
		header.Set("Content-Type", "application/json")
		status, _ := b.do(http.MethodPost, "/graphql", `{"query": "{ viewer { principal { name } } }"}`, header)
		return status
	}
	if status := query(http.Header{"Sec-Fetch-Site": {"same-origin"}}); status != http.StatusOK {
		t.Errorf("the API refuses the pages of its own server: %d", status)
	}
	for name, header := range map[string]http.Header{
		"by its address": {"Origin": {"https://evil.example"}}, "by its word": {"Sec-Fetch-Site": {"cross-site"}}, "a neighbour": {"Sec-Fetch-Site": {"same-site"}},
	} {
		if status := query(header); status != http.StatusUnauthorized {
			t.Errorf("the API answers another site, %s: %d", name, status)
		}
	}
	link := "/graphql?query=" + url.QueryEscape("{ viewer { principal { name } } }")
	if status, _ := b.do(http.MethodGet, link, "", nil); status != http.StatusUnauthorized {
		t.Errorf("a link queries by the session of who follows it: %d", status)
	}
	if status, _ := b.do(http.MethodPost, "/access/v1/evaluation", `{}`, http.Header{"Content-Type": {"application/json"}}); status != http.StatusUnauthorized {
		t.Errorf("a door for programs takes a cookie: %d", status)
	}
}

// TestConsoleShowsTextsAsTexts puts a script where people and sources may write.
func TestConsoleShowsTextsAsTexts(t *testing.T) {
	m := newMatrix(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	site := httptest.NewServer(m.door)
	t.Cleanup(site.Close)
	script := `<script>alert("x")</script><img src=x onerror=alert(1)>'"`
	p := m.published()
	_, err := m.Mesh.UpdateProduct(m.as("steward"), mesh.ProductEdit{ID: p.ID, DisplayName: &script, Description: &script, BusinessContext: &script, Tags: &[]string{script[:40]}})
	must(t, err)
	_, err = m.Mesh.UpdateDomain(m.system(), mesh.DomainEdit{ID: m.domains["sales"].ID, DisplayName: &script, Description: &script})
	must(t, err)
	_, err = m.Identity.UpdatePrincipal(m.system(), identity.PrincipalEdit{ID: m.people["other"].ID, DisplayName: &script})
	must(t, err)
	b := m.seat(site.URL, "other")
	path := "/products/sales/" + string(p.Name)
	_, page := b.send(path, url.Values{"purpose": {script}, "duration": {"P30D"}})
	request := requestPath.FindString(page)
	if request == "" {
		request = requestPath.FindString(b.holds("/requests"))
	}
	steward := m.seat(site.URL, "steward")
	if status, _ := steward.send(request, url.Values{"act": {"approve"}, "comment": {script}}); status != http.StatusOK {
		t.Fatal("not approved", status)
	}
	for _, at := range []string{"/", path, "/requests", request, "/grants", "/domains/sales", "/search?q=" + url.QueryEscape(script), "/search?q=alert", "/sessions"} {
		_, page := b.get(at)
		if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") {
			t.Errorf("%s runs what somebody wrote:\n%s", at, page)
		}
		if at == path && !strings.Contains(html.UnescapeString(page), script) {
			t.Errorf("%s does not show it either", at)
		}
	}
}

// TestSessionEnds ends sessions in every way that there is: the next request meets
// a closed door, also of a second server on the same store.
func TestSessionEnds(t *testing.T) {
	onBothEngines(t, func(m *matrix, site string) {
		closed := func(b *browser, why string) {
			m.t.Helper()
			if _, page := b.get("/"); !strings.Contains(page, "<h1>Sign in</h1>") {
				m.t.Errorf("%s, and the session goes on: %s", why, page)
			}
		}
		left := m.seat(site, "other")
		cookies := left.cookies()
		left.send("/sign-out", nil)
		closed(left, "signed out")
		left.take(cookies)
		closed(left, "signed out, and the cookie was kept")

		two, one := m.seat(site, "member"), m.seat(site, "member")
		_, own, _ := strings.Cut(one.holds("/sessions"), "this one")
		two.send(regexp.MustCompile(`/sessions/tok_[0-9a-z]+`).FindString(own), nil)
		closed(one, "ended in another browser")

		suspended, yes := m.seat(site, "holder"), true
		_, err := m.Identity.UpdatePrincipal(m.system(), identity.PrincipalEdit{ID: m.people["holder"].ID, Suspended: &yes})
		must(m.t, err)
		closed(suspended, "suspended")

		again := m.seat(site, "owner")
		old := again.cookies()
		again.send("/sign-in", url.Values{"token": {m.tokens["owner"]}})
		again.take(old)
		closed(again, "signed in anew")
	})
}

func (b *browser) cookies() []*http.Cookie {
	at, err := url.Parse(b.url)
	must(b.t, err)
	return b.client.Jar.Cookies(at)
}

func (b *browser) take(cookies []*http.Cookie) {
	at, err := url.Parse(b.url)
	must(b.t, err)
	b.client.Jar.SetCookies(at, cookies)
}

// TestSignIn tries what opens the console and what does not.
func TestSignIn(t *testing.T) {
	m := newMatrix(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	site := httptest.NewServer(m.door)
	t.Cleanup(site.Close)
	b := m.open(site.URL)
	for name, token := range map[string]string{"nonsense": "souk_nonsense", "nothing": "", "a suspended person's": m.tokens["suspended"], "a service's": m.tokens["service"]} {
		if status, page := b.send("/sign-in", url.Values{"token": {token}}); status != http.StatusUnauthorized || !strings.Contains(page, `role="alert"`) || token != "" && strings.Contains(page, token) {
			t.Errorf("%s token: %d %s", name, status, page)
		}
	}
	b = m.open(site.URL)
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != strings.TrimPrefix(site.URL, "http://") {
			t.Errorf("signing in leads to %s", r.URL)
		}
		return nil
	}
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example"} {
		b.send("/sign-in", url.Values{"token": {m.tokens["other"]}, "next": {next}})
	}
	for range 40 {
		if status, _ := m.open(site.URL).send("/sign-in", url.Values{"token": {m.tokens["other"]}}); status != http.StatusOK {
			t.Fatalf("a company behind one address is kept out: %d", status)
		}
	}
	tired := false
	for range 40 {
		status, _ := b.send("/sign-in", url.Values{"token": {"souk_guess"}})
		tired = tired || status == http.StatusTooManyRequests
	}
	if !tired {
		t.Error("one address may try as often as it likes")
	}
}

// TestInvitation invites somebody who has no token.
func TestInvitation(t *testing.T) {
	onBothEngines(t, func(m *matrix, site string) {
		invited := m.hear("admin", `mutation { inviteToSignIn(input: {principalId: "`+m.ids["other"]+`"}) { path token { kind } userErrors { code } } }`)
		path := invited.(map[string]any)["inviteToSignIn"].(map[string]any)["path"].(string)
		secret := strings.TrimPrefix(path, identity.InvitationPath)
		for range 2 { // a mail scanner opens the link, too
			if status, page := m.open(site).get(path); status != http.StatusOK || !strings.Contains(page, "You are invited") {
				m.t.Fatalf("the link: %d %s", status, page)
			}
		}
		b := m.open(site)
		if status, _ := b.do(http.MethodPost, "/graphql", `{"query": "{ viewer { principal { name } } }"}`, http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + secret}}); status != http.StatusUnauthorized {
			m.t.Errorf("an invitation opens the API: %d", status)
		}
		b.send("/sign-in", url.Values{"invitation": {secret}})
		b.holds("/", "Good to see you, other")
		session := b.cookies()[0].Value
		if status, _ := m.open(site).do(http.MethodPost, "/graphql", `{"query": "{ viewer { principal { name } } }"}`, http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + session}}); status != http.StatusUnauthorized {
			m.t.Errorf("the secret of a session is a token: %d", status)
		}
		late := m.open(site)
		if status, page := late.send("/sign-in", url.Values{"invitation": {secret}}); status != http.StatusUnauthorized || !strings.Contains(page, "works once") {
			m.t.Errorf("an invitation opens twice: %d %s", status, page)
		}
		for _, cookie := range []string{m.tokens["other"], secret} {
			forged := m.open(site)
			forged.take([]*http.Cookie{{Name: "souk_session", Value: cookie, Path: "/"}})
			if _, page := forged.get("/"); !strings.Contains(page, "<h1>Sign in</h1>") {
				m.t.Errorf("a cookie that holds no session opens the console: %s", page)
			}
		}
	})
}

// TestSessionClock reads the settings of how long a session lasts.
func TestSessionClock(t *testing.T) {
	life := Defaults().sessions()
	if life.Life != 12*time.Hour || life.Idle != 2*time.Hour {
		t.Errorf("%+v", life)
	}
	for _, wrong := range []Span{Span(time.Second), Span(90 * 24 * time.Hour)} {
		cfg := Defaults()
		cfg.SessionIdle = wrong
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "session-idle") {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

// TestConsoleBadInput sends addresses and forms that somebody would really send.
// Each is answered in words, and none counts as a fault of the server.
func TestConsoleBadInput(t *testing.T) {
	m := newMatrix(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	site := httptest.NewServer(m.door)
	t.Cleanup(site.Close)
	product := "/products/sales/" + string(m.published().Name)
	b, steward := m.seat(site.URL, "other"), m.seat(site.URL, "steward")
	for _, path := range []string{
		"/requests?status=NONSENSE", "/requests?status=pending", "/requests?after=nonsense", "/grants?after=%00", "/search?q=orders&after=nonsense", "/search?q=+",
		"/search?q=" + strings.Repeat("word+", 40), "/search?q=" + strings.Repeat("x", 3000), "/search?q=%ff%fe", "/search?q=a&q=b", "/search?q=%00", "/search?q=%22%27%3C",
		"/requests/nonsense", "/requests/acr_%00", "/requests/%ff", "/requests/" + m.ids["orders"], "/products/sales/no.such", "/products/SALES/x", "/products/%ff/x", "/domains/" + strings.Repeat("a", 500), "/domains/a%2Fb",
	} {
		if status, page := b.get(path); status >= http.StatusInternalServerError || !strings.Contains(page, "</html>") {
			t.Errorf("%.60s: %d\n%.700s", path, status, page)
		}
	}
	for name, form := range map[string]url.Values{
		"nothing": {}, "no length of time": {"purpose": {"x"}, "duration": {"soon"}}, "a negative one": {"purpose": {"x"}, "duration": {"-P1D"}}, "one without end": {"purpose": {"x"}, "duration": {"P9000D"}},
		"a novel": {"purpose": {strings.Repeat("x", 50_000)}, "duration": {"P1D"}}, "too much": {"purpose": {strings.Repeat("x", 300_000)}, "duration": {"P1D"}},
		"no text": {"purpose": {"\xff\xfe"}, "duration": {"P1D"}}, "no letters": {"purpose": {"\x00"}, "duration": {"P1D"}}, "a password": {"purpose": {"password=hunter2secret!"}, "duration": {"P1D"}},
	} {
		status, page := b.send(product, form)
		if status < http.StatusBadRequest || status >= http.StatusInternalServerError || !strings.Contains(page, "</html>") {
			t.Errorf("a form with %s: %d\n%.900s", name, status, page)
		}
	}
	if page := b.holds("/requests"); strings.Contains(page, product) {
		t.Error("a bad form has asked for something")
	}
	for _, form := range []url.Values{{}, {"act": {"burn"}}, {"act": {"approve"}, "comment": {strings.Repeat("x", 60_000)}}} {
		if status, page := steward.send("/requests/"+m.ids["request"], form); status < http.StatusBadRequest || status >= http.StatusInternalServerError {
			t.Errorf("%.40v: %d\n%.700s", form, status, page)
		}
	}
	steward.holds("/requests/"+m.ids["request"], "Approve")
}
