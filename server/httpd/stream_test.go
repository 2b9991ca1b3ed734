package httpd_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/server/httpd"
)

// TestStreamEndsWithItsRight has two ways to lose what a stream was opened by.
// Both end it before another answer is sent, at the latest with the next sign
// of life.
func TestStreamEndsWithItsRight(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(*holder)
		code string
	}{
		"a revoked token":          {func(h *holder) { h.revoked.Store(true) }, "UNAUTHENTICATED"},
		"a principal that changed": {func(h *holder) { h.changed.Store(true) }, "FORBIDDEN"},
	} {
		t.Run(name, func(t *testing.T) {
			now := &holder{}
			d := newDoor(t, httpd.Config{Heartbeat: 20 * time.Millisecond}, tokens{now: now})
			server := httptest.NewServer(d.handler)
			t.Cleanup(server.Close)
			lines := bufio.NewReader(subscribe(t, server.URL, 0))
			for range 4 { // an opening comment, then a heartbeat
				if _, err := lines.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			c.lose(now)
			rest, err := io.ReadAll(lines)
			if err != nil || !strings.Contains(string(rest), `"code":"`+c.code+`"`) || !strings.HasSuffix(string(rest), "event: complete\ndata:\n\n") {
				t.Errorf("the stream went on with %q, %v", rest, err)
			}
			waitFor(t, d.toy.ended)
		})
	}
}

func TestStreamsOfOnePrincipal(t *testing.T) {
	d := newDoor(t, httpd.Config{MaxStreamsEach: 2}, tokens{})
	server := httptest.NewServer(d.handler)
	t.Cleanup(server.Close)
	open := func(who string) (int, io.ReadCloser) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/graphql", strings.NewReader(`{"query":"subscription{waits}"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Authorization": {"Bearer " + who}}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		return response.StatusCode, response.Body
	}
	_, first := open("ana")
	open("ana")
	if status, body := open("ana"); status != http.StatusTooManyRequests {
		text, _ := io.ReadAll(body)
		t.Errorf("a third stream: %d %s", status, text)
	}
	if status, _ := open("cy"); status != http.StatusOK {
		t.Errorf("another principal: %d", status)
	}
	_ = first.Close()
	for range 100 { // until the server has seen it
		if status, _ := open("ana"); status == http.StatusOK {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a closed stream gave no seat back")
}

// TestAQueryAsAStream has the time of a query, not that of a stream.
func TestAQueryAsAStream(t *testing.T) {
	d := newDoor(t, httpd.Config{QueryTimeout: 20 * time.Millisecond}, tokens{})
	begun := time.Now()
	w := d.do(call{body: `{"query":"{slow}"}`, header: map[string]string{"Accept": "text/event-stream"}})
	if !strings.HasSuffix(w.Body.String(), "event: complete\ndata:\n\n") || time.Since(begun) > soon {
		t.Errorf("after %s: %q", time.Since(begun), w.Body)
	}
	w = d.do(call{body: `{"query":"{hello}"}`, header: map[string]string{"Accept": "text/event-stream"}})
	if want := "event: next\ndata: {\"data\":{\"hello\""; strings.Count(w.Body.String(), want) == 0 {
		t.Errorf("got %q", w.Body)
	}
}
