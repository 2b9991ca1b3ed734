package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// source is a server with a client for it whose waits take no time.
type source struct {
	*web.Client
	address string
	asked   atomic.Int64
	waited  []time.Duration
	log     bytes.Buffer
}

func serve(t *testing.T, o web.Options, answer func(n int, w http.ResponseWriter, r *http.Request)) *source {
	t.Helper()
	s := &source{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(int(s.asked.Add(1)), w, r)
	}))
	t.Cleanup(server.Close)
	o.Address, s.address = server.URL+"/api", server.URL
	env := sdk.Env{Log: slog.New(slog.NewTextHandler(&s.log, nil)), Now: func() time.Time { return time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC) }}
	var err error
	if s.Client, err = web.New(env, web.Config{Transport: "clear", PerSecond: 10_000}, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Waits(func(ctx context.Context, d time.Duration) error {
		if d > time.Millisecond {
			s.waited = append(s.waited, d)
		}
		return ctx.Err()
	})
	return s
}

// wants holds an error to its class and code, and to be told in words.
func wants(t *testing.T, err error, class sdk.Class, code string) sdk.Error {
	t.Helper()
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok || e.Class != class || e.Code != code || e.Message == "" || e.Fix == "" {
		t.Fatalf("got %#v, want %s of the class %s", err, code, class)
	}
	return *e
}

// TestWhatIsTriedAgain holds which answers are asked for again, and how often.
//
// Bad input: 429 without.
func TestWhatIsTriedAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		method string
		asks   bool
		tries  int64
		class  sdk.Class
	}{
		"too often":             {429, "GET", false, 5, sdk.ClassThrottled},
		"too often, by a write": {429, "POST", false, 5, sdk.ClassThrottled}, // it was not done
		"overloaded":            {503, "GET", false, 5, sdk.ClassUnavailable},
		"a gateway":             {502, "GET", false, 5, sdk.ClassUnavailable},
		"a slow gateway":        {504, "HEAD", false, 5, sdk.ClassUnavailable},
		"a write":               {503, "POST", false, 1, sdk.ClassUnavailable},
		"a search":              {503, "POST", true, 5, sdk.ClassUnavailable},
		"broken":                {500, "GET", false, 1, sdk.ClassUnavailable},
		"refused":               {401, "GET", false, 1, sdk.ClassAuth},
		"denied":                {403, "GET", false, 1, sdk.ClassDenied},
		"absent":                {404, "GET", false, 1, sdk.ClassConfig},
		"not understood":        {400, "GET", false, 1, sdk.ClassInternal},
		"moved nowhere":         {304, "GET", false, 1, sdk.ClassConfig},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.status) })
			_, _, err := s.Read(t.Context(), web.Request{Method: tt.method, Path: "/x", Asks: tt.asks})
			wants(t, err, tt.class, fmt.Sprint("http.", tt.status))
			if s.asked.Load() != tt.tries || web.Status(err) != tt.status {
				t.Errorf("it was asked %d times, and not %d; status %d", s.asked.Load(), tt.tries, web.Status(err))
			}
			if len(s.waited) != int(tt.tries)-1 || !slices.IsSorted(s.waited) {
				t.Errorf("it waits %v", s.waited)
			}
		})
	}
}

func TestAHostThatIsDownIsWaitedForOnce(t *testing.T) {
	up := atomic.Bool{}
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(503)
		}
	})
	asks := func(want int64) {
		t.Helper()
		before := s.asked.Load()
		_, _, err := s.Read(t.Context(), web.Request{Path: "/x"})
		if (err == nil) != up.Load() || s.asked.Load()-before != want {
			t.Errorf("it was asked %d times, and not %d: %v", s.asked.Load()-before, want, err)
		}
	}
	asks(5)
	asks(1)
	asks(1)
	up.Store(true)
	asks(1)
	up.Store(false)
	asks(5)
}

// TestRetryAfter wants the host to be waited for as it asks.
//
// Bad input: 429 with Retry-After.
func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"3": 3 * time.Second, "1.5": 1500 * time.Millisecond,
		"Mon, 30 Nov 2026 08:00:07 GMT": 7 * time.Second,
		"Mon, 30 Nov 2026 07:00:00 GMT": 0, "NaN": 0, "-4": 0, "soon": 0, "": 0,
		"Mon, 30 Nov 2026 09:00:00 GMT": -time.Hour, "99999999999": -24 * time.Hour, // too long: told at once
	} {
		t.Run(header, func(t *testing.T) {
			s := serve(t, web.Options{}, func(n int, w http.ResponseWriter, _ *http.Request) {
				if n == 1 {
					w.Header().Set("Retry-After", header)
					w.WriteHeader(429)
					return
				}
				fmt.Fprint(w, `{"a": 1}`)
			})
			var got struct{ A int }
			err := s.Into(t.Context(), web.Request{Path: "/x"}, &got)
			if want < 0 {
				if e := wants(t, err, sdk.ClassThrottled, "http.429"); e.RetryAfter != -want || len(s.waited) > 0 {
					t.Errorf("it waits %v and says %v", s.waited, e.RetryAfter)
				}
				return
			}
			if err != nil || got.A != 1 || len(s.waited) != 1 || want > 0 && s.waited[0] != want || s.waited[0] > 10*time.Second {
				t.Errorf("got %v %v after %v", got, err, s.waited)
			}
		})
	}
}

// breakOff ends the connection in the middle of an answer.
func breakOff(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "100")
	fmt.Fprint(w, `{"a": `)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestAConnectionThatBreaks(t *testing.T) {
	s := serve(t, web.Options{}, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 2 {
			breakOff(w)
		}
		fmt.Fprint(w, `{"a": 1}`)
	})
	var got struct{ A int }
	for range 2 {
		if err := s.Into(t.Context(), web.Request{Path: "/x"}, &got); err != nil {
			t.Fatal(err)
		}
	}
	if s.asked.Load() != 3 {
		t.Errorf("it was asked %d times", s.asked.Load())
	}
	s = serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) { breakOff(w) })
	wants(t, s.Into(t.Context(), web.Request{Method: "POST", Path: "/x"}, &got), sdk.ClassUnavailable, "http.connection")
	if s.asked.Load() != 1 {
		t.Error("a write is sent again")
	}
}

func TestAHostThatNeverAnsweredIsNotWaitedFor(t *testing.T) {
	for address, code := range map[string]string{"http://127.0.0.1:1": "http.connection", "http://none.invalid": "http.unknown_host"} {
		c, err := web.New(sdk.Env{}, web.Config{Transport: "clear"}, web.Options{Address: address})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, _, err = c.Read(t.Context(), web.Request{Path: "/x"})
		wants(t, err, sdk.ClassUnavailable, code)
		if time.Since(began) > 5*time.Second {
			t.Errorf("it took %v", time.Since(began))
		}
	}
}

// TestHalfAndNoJSON holds what is told of answers that are not whole.
//
// Bad input: half an answer.
func TestHalfAndNoJSON(t *testing.T) {
	for text, code := range map[string]string{`{"a": `: "http.json", ``: "http.json", `{"a": "text"}`: "http.json", `<html>Sign in</html>`: "http.page"} {
		s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) {
			if strings.HasPrefix(text, "<") {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
			}
			fmt.Fprint(w, text)
		})
		var got struct{ A int }
		class := map[string]sdk.Class{"http.json": sdk.ClassUnavailable, "http.page": sdk.ClassConfig}[code]
		wants(t, s.Into(t.Context(), web.Request{Path: "/x"}, &got), class, code)
	}
}

// TestTextThatIsNotUTF8 reaches the plugin as text that is, wherever it stands in
// the answer: a record could not hold it.
//
// Bad input: not UTF-8.
func TestTextThatIsNotUTF8(t *testing.T) {
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "{\"a\": \"half \xff\", \"b\": {\"k\xfe\": [\"\xc3\"]}}")
	})
	var got struct {
		A string
		B map[string][]string
	}
	if err := s.Into(t.Context(), web.Request{Path: "/x"}, &got); err != nil || got.A != "half \uFFFD" || got.B["k\uFFFD"][0] != "\uFFFD" {
		t.Errorf("%v: %q", err, got)
	}
	for item, err := range web.Items[string](t.Context(), s.Client, web.List{First: web.Request{Path: "/x"}, Items: []string{"b", "k\uFFFD"}}) {
		if err != nil || item != "\uFFFD" {
			t.Errorf("%v: %q", err, item)
		}
	}
}

func TestCancelEndsAWait(t *testing.T) {
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(429)
	})
	ctx, cancel := context.WithCancel(t.Context())
	s.Waits(func(ctx context.Context, d time.Duration) error {
		if d < time.Second {
			return nil
		}
		cancel()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	})
	if _, _, err := s.Read(ctx, web.Request{Path: "/x"}); !errors.Is(err, context.Canceled) || s.asked.Load() != 1 {
		t.Errorf("got %v after %d", err, s.asked.Load())
	}
}

func TestCancelEndsARequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, web.Options{}, func(_ int, _ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, _, err := s.Read(ctx, web.Request{Path: "/x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestCredentialsStayWithTheirHost tries each way to send them elsewhere.
func TestCredentialsStayWithTheirHost(t *testing.T) {
	var stranger atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stranger.Add(1) }))
	defer elsewhere.Close()
	for name, request := range map[string]web.Request{
		"a redirect": {Path: "/redirect"},
		"a link":     {URL: elsewhere.URL + "/next"},
		"no scheme":  {URL: strings.TrimPrefix(elsewhere.URL, "http:") + "/next"},
		"a user":     {URL: "http://127.0.0.1@" + strings.TrimPrefix(elsewhere.URL, "http://") + "/next"},
	} {
		t.Run(name, func(t *testing.T) {
			attached := 0
			s := serve(t, web.Options{Attach: func(_ context.Context, r *http.Request) error {
				attached++
				r.Header.Set("X-Key", "canary")
				return nil
			}}, func(_ int, w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.URL+"/stolen", http.StatusFound)
			})
			_, _, err := s.Read(t.Context(), request)
			wants(t, err, sdk.ClassConfig, "http.elsewhere")
			if stranger.Load() > 0 || attached > 1 {
				t.Error("another host was asked")
			}
			if strings.Contains(err.Error(), elsewhere.URL) {
				t.Error("the error repeats the link")
			}
		})
	}
}

func TestRedirectsOfTheHostAreFollowed(t *testing.T) {
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/old":
			http.Redirect(w, r, "/api/new", http.StatusMovedPermanently)
		case "/api/loop":
			http.Redirect(w, r, "/api/loop", http.StatusFound)
		default:
			fmt.Fprint(w, "{}")
		}
	})
	if _, _, err := s.Read(t.Context(), web.Request{Path: "/old"}); err != nil {
		t.Error(err)
	}
	_, _, err := s.Read(t.Context(), web.Request{Path: "/loop"})
	wants(t, err, sdk.ClassConfig, "config")
}

// TestATokenThatExpiresIsRenewedOnce and the request is made again.
//
// Bad input: a token that expires.
func TestATokenThatExpiresIsRenewedOnce(t *testing.T) {
	valid, given := "t1", 0
	tokens := web.NewTokens(time.Now, func(context.Context) (web.Token, error) {
		given++
		return web.Token{Value: fmt.Sprint("t", given)}, nil
	})
	s := serve(t, web.Options{Attach: tokens.Attach, Renew: tokens.Renew}, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+valid {
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, "{}")
	})
	read := func() error {
		_, _, err := s.Read(t.Context(), web.Request{Path: "/x"})
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	valid = "t2"
	if err := read(); err != nil || given != 2 {
		t.Fatalf("%v, %d tokens", err, given)
	}
	valid = "none"
	wants(t, read(), sdk.ClassAuth, "http.401")
	if given != 3 {
		t.Errorf("%d tokens", given)
	}
}

// TestARefusalInOtherWords is what some sources answer in place of a 401.
func TestARefusalInOtherWords(t *testing.T) {
	renewed := 0
	s := serve(t, web.Options{
		Renew:   func(context.Context) error { renewed++; return nil },
		Expired: func(status int, words string) bool { return status == 403 && strings.Contains(words, "token") },
	}, func(n int, w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/denied":
			w.WriteHeader(403)
			fmt.Fprint(w, `{"detail": "no"}`)
		case n == 1 || r.URL.Path == "/api/refused":
			w.WriteHeader(403)
			fmt.Fprint(w, `{"detail": "Invalid token"}`)
		default:
			fmt.Fprint(w, "{}")
		}
	})
	if _, _, err := s.Read(t.Context(), web.Request{Path: "/x"}); err != nil || renewed != 1 {
		t.Error(err, renewed)
	}
	_, _, err := s.Read(t.Context(), web.Request{Path: "/denied"})
	wants(t, err, sdk.ClassDenied, "http.403")
	_, _, err = s.Read(t.Context(), web.Request{Path: "/refused"})
	wants(t, err, sdk.ClassAuth, "http.403")
}

func TestATokenEndsByTheClock(t *testing.T) {
	now, given := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0
	tokens := web.NewTokens(func() time.Time { return now }, func(context.Context) (web.Token, error) {
		given++
		return web.Token{Value: "t", Life: time.Hour}, nil
	})
	for _, step := range []struct {
		by   time.Duration
		want int
	}{{0, 1}, {58 * time.Minute, 1}, {2 * time.Minute, 2}, {-5 * time.Hour, 2}, {7 * time.Hour, 3}} { // it goes back, too
		now = now.Add(step.by)
		if err := tokens.Attach(t.Context(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)); err != nil || given != step.want {
			t.Errorf("at %v: %d tokens, %v", now, given, err)
		}
	}
}

func TestSizeOfAnAnswer(t *testing.T) {
	s := serve(t, web.Options{MaxBytes: 1 << 20}, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/bomb" { // 4 KiB on the wire
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			_, _ = zip.Write(bytes.Repeat([]byte(" "), 4<<20))
			_ = zip.Close()
			return
		}
		_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<20))
		if r.URL.Path == "/api/over" {
			_, _ = w.Write([]byte(" "))
		}
	})
	if text, _, err := s.Read(t.Context(), web.Request{Path: "/just"}); err != nil || len(text) != 1<<20 {
		t.Error(len(text), err)
	}
	for _, path := range []string{"/over", "/bomb"} {
		_, _, err := s.Read(t.Context(), web.Request{Path: path})
		wants(t, err, sdk.ClassConfig, "http.too_large")
	}
}

func TestPace(t *testing.T) {
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") })
	c, err := web.New(sdk.Env{}, web.Config{Transport: "clear", PerSecond: 50}, web.Options{Address: s.address})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	done := make(chan error)
	for range 6 {
		go func() {
			_, _, err := c.Read(t.Context(), web.Request{Path: "/x"})
			done <- err
		}()
	}
	for range 6 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); took < 95*time.Millisecond {
		t.Errorf("six requests at 50 a second took %v", took)
	}
}
