package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

type thing struct {
	ID int `json:"id"`
}

// read collects a listing up to its end or its error.
func read(t *testing.T, s *source, l web.List) ([]int, error) {
	t.Helper()
	var ids []int
	for item, err := range web.Items[thing](t.Context(), s.Client, l) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, item.ID)
	}
	return ids, nil
}

func TestWaysToPage(t *testing.T) {
	page := func(w http.ResponseWriter, at int, rest string) {
		items := []string{}
		for i := at; i < min(at+2, 5); i++ {
			items = append(items, fmt.Sprintf(`{"id": %d}`, i))
		}
		fmt.Fprintf(w, `{"data": {"more": %d, "items": [%s]}%s}`, at, strings.Join(items, ","), rest)
	}
	for name, tt := range map[string]struct {
		first web.Request
		next  web.Next
		serve func(w http.ResponseWriter, r *http.Request, at int)
	}{
		"offset":              {web.Request{Path: "/x", Query: url.Values{"limit": {"9"}}}, web.NextOffset("at"), func(w http.ResponseWriter, _ *http.Request, at int) { page(w, at, "") }},
		"offset with a total": {web.Request{Path: "/x?of=5"}, web.NextOffset("at", "total"), func(w http.ResponseWriter, _ *http.Request, at int) { page(w, at, `, "total": 5`) }},
		"number": {web.Request{Path: "/x"}, web.NextNumber("page"), func(w http.ResponseWriter, r *http.Request, _ int) {
			n, err := strconv.Atoi(r.URL.Query().Get("page"))
			if err != nil {
				n = 1
			}
			page(w, 2*(n-1), "")
		}},
		"cursor": {web.Request{Path: "/x"}, web.NextCursor("at", "paging", "after"), func(w http.ResponseWriter, _ *http.Request, at int) {
			rest := ""
			if at < 4 {
				rest = fmt.Sprintf(`, "paging": {"after": "%d"}`, at+2)
			}
			page(w, at, rest)
		}},
		"link": {web.Request{Path: "/x?a=%2F"}, web.NextLink("next"), func(w http.ResponseWriter, r *http.Request, at int) {
			rest := `, "next": null`
			if at < 4 {
				rest = fmt.Sprintf(`, "next": "http://%s/api/x?a=%%2F&at=%d"`, r.Host, at+2)
			}
			page(w, at, rest)
		}},
		"header": {web.Request{Path: "/x"}, web.NextHeader(), func(w http.ResponseWriter, _ *http.Request, at int) {
			if at < 4 {
				w.Header().Set("Link", fmt.Sprintf(`</api/x?at=0>; rel="first", </api/x?at=%d>; title="y"; rel="next"`, at+2))
			}
			page(w, at, "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, r *http.Request) {
				at, _ := strconv.Atoi(r.URL.Query().Get("at"))
				tt.serve(w, r, at)
			})
			ids, err := read(t, s, web.List{First: tt.first, Items: []string{"data", "items"}, Next: tt.next})
			if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, ids); err != nil || diff != "" {
				t.Error(err, diff)
			}
			if want := int64(3); name != "offset" && name != "number" && s.asked.Load() != want {
				t.Errorf("it was asked %d times", s.asked.Load())
			}
		})
	}
}

func TestAListingThatIsNotWhole(t *testing.T) {
	endless := func(text string) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	for name, tt := range map[string]struct {
		answer func(int, http.ResponseWriter, *http.Request)
		next   web.Next
		class  sdk.Class
		code   string
		asked  int64
	}{
		"the same page": {endless(`{"items": [{"id": 1}]}`), web.NextNumber("page"), sdk.ClassUnavailable, "http.endless", 2},
		"the same link": {endless(`{"items": [], "next": "/api/x"}`), web.NextLink("next"), sdk.ClassUnavailable, "http.endless", 2},
		"two pages in turn": {func(n int, w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"n": %d, "items": [{"id": %d}]}`, n, n%2)
		}, web.NextNumber("page"), sdk.ClassUnavailable, "http.endless", 3},
		"always another":      {func(n int, w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"items": [{"id": %d}]}`, n) }, web.NextNumber("page"), sdk.ClassUnavailable, "http.too_many_pages", 50},
		"no list":             {endless(`{"data": []}`), nil, sdk.ClassUnavailable, "http.json", 1},
		"an object":           {endless(`{"items": {}}`), nil, sdk.ClassUnavailable, "http.json", 1},
		"a list alone":        {endless(`[]`), nil, sdk.ClassUnavailable, "http.json", 1},
		"half":                {endless(`{"items": [{"id": 1}, {"id"`), nil, sdk.ClassUnavailable, "http.json", 1},
		"half, after a list":  {endless(`{"items": [{"id": 1}]`), nil, sdk.ClassUnavailable, "http.json", 1},
		"more than one":       {endless(`{"items": []} {}`), nil, sdk.ClassUnavailable, "http.json", 1},
		"nothing":             {endless(``), nil, sdk.ClassUnavailable, "http.json", 1},
		"an item of a kind":   {endless(`{"items": [{"id": "x"}]}`), nil, sdk.ClassUnavailable, "http.json", 1},
		"broken off":          {func(_ int, w http.ResponseWriter, _ *http.Request) { breakOff(w) }, nil, sdk.ClassUnavailable, "http.json", 1},
		"a link to elsewhere": {endless(`{"items": [], "next": "https://other.example/x"}`), web.NextLink("next"), sdk.ClassConfig, "http.elsewhere", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, web.Options{}, tt.answer)
			_, err := read(t, s, web.List{First: web.Request{Path: "/x"}, Items: []string{"items"}, Next: tt.next, MaxPages: 50})
			wants(t, err, tt.class, tt.code)
			if s.asked.Load() != tt.asked {
				t.Errorf("it was asked %d times", s.asked.Load())
			}
		})
	}
}

func TestEmptyLists(t *testing.T) {
	for text, lack := range map[string]bool{`{"items": []}`: false, `{"items": null}`: false, `{}`: true, `{"jobs": 1}`: true} {
		s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
		if ids, err := read(t, s, web.List{First: web.Request{Path: "/x"}, Items: []string{"items"}, MayLack: lack}); err != nil || len(ids) > 0 {
			t.Error(text, ids, err)
		}
	}
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[{"id": 1}, {"id": 2}]`) })
	if ids, err := read(t, s, web.List{First: web.Request{Path: "/x"}}); err != nil || len(ids) != 2 {
		t.Error(ids, err)
	}
}

// TestItemsComeBeforeTheirPageEnds: a page is never held whole, and who stops
// reading ends the request.
func TestItemsComeBeforeTheirPageEnds(t *testing.T) {
	taken, ended := make(chan struct{}), make(chan struct{})
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"items": [{"id": 1},`)
		_ = http.NewResponseController(w).Flush()
		<-taken
		<-r.Context().Done()
		close(ended)
	})
	for item, err := range web.Items[thing](t.Context(), s.Client, web.List{First: web.Request{Path: "/x"}, Items: []string{"items"}}) {
		if err != nil || item.ID != 1 {
			t.Fatal(item, err)
		}
		close(taken)
		break
	}
	<-ended
}

// TestAPageHeldWhole hands on nothing of a page that turns out to be half.
func TestAPageHeldWhole(t *testing.T) {
	s := serve(t, web.Options{}, func(n int, w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, map[int]string{1: `{"items": [{"id": 1}, {"id": 2}]}`, 2: `{"items": [{"id": 3}, {"id"`}[n])
	})
	ids, err := read(t, s, web.List{First: web.Request{Path: "/x"}, Items: []string{"items"}, Next: web.NextNumber("page"), Whole: true})
	wants(t, err, sdk.ClassUnavailable, "http.json")
	if diff := cmp.Diff([]int{1, 2}, ids); diff != "" {
		t.Error(diff)
	}
}

// TestASlowReaderIsNoSilence: what is done between two items is not the source's time.
func TestASlowReaderIsNoSilence(t *testing.T) {
	taken := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"id": 1},`)
		_ = http.NewResponseController(w).Flush()
		<-taken
		fmt.Fprint(w, `{"id": 2}]`)
	}))
	defer server.Close()
	c, err := web.New(sdk.Env{}, web.Config{Transport: "clear", Timeout: "150ms"}, web.Options{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var ids []int
	for item, err := range web.Items[thing](t.Context(), c, web.List{}) {
		if err != nil {
			t.Fatal(err)
		}
		if ids = append(ids, item.ID); item.ID == 1 {
			time.Sleep(400 * time.Millisecond)
			close(taken)
		}
	}
	if len(ids) != 2 {
		t.Error(ids)
	}
}

func TestAPageThatIsRefusedMidway(t *testing.T) {
	s := serve(t, web.Options{}, func(n int, w http.ResponseWriter, _ *http.Request) {
		switch n {
		case 2, 3:
			w.WriteHeader(429)
		case 5:
			w.WriteHeader(403)
		default:
			fmt.Fprintf(w, `{"items": [{"id": %d}]}`, n)
		}
	})
	ids, err := read(t, s, web.List{First: web.Request{Path: "/x"}, Items: []string{"items"}, Next: web.NextNumber("page")})
	if diff := cmp.Diff([]int{1, 4}, ids); diff != "" {
		t.Error(diff)
	}
	wants(t, err, sdk.ClassDenied, "http.403")
}

func TestRequestsInJSON(t *testing.T) {
	s := serve(t, web.Options{Agent: "souk-test/1"}, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			w.WriteHeader(503)
			return
		}
		body := make([]byte, 100)
		k, _ := r.Body.Read(body)
		fmt.Fprintf(w, `{"is": %q}`, r.Method+string(body[:k])+r.Header.Get("Content-Type")+r.Header.Get("User-Agent"))
	})
	r, err := web.Request{Method: "POST", Path: "/search", Asks: true}.JSON(map[string]int{"limit": 3})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Is string }
	if err := s.Into(t.Context(), r, &got); err != nil || got.Is != `POST{"limit":3}application/jsonsouk-test/1` {
		t.Error(got, err)
	}
}
