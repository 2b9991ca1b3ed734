package sdk_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// TestAlive: who goes through a long listing shows that it lives, and who hangs
// in it does not.
func TestAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wire
		s := sdk.NewTestSink(t.Context(), nil, w.send)
		defer s.Close()
		ctx := s.Alive(t.Context())
		for range 10 {
			sdk.Alive(ctx)
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		if got := len(w.sent()); got < 3 {
			t.Errorf("%d signs of life in 20 s", got)
		}
		before := len(w.sent()) + 1 // one for what was said last
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := len(w.sent()); got > before {
			t.Errorf("%d signs of life of one that hangs", got-before)
		}
	})
}

// TestAnswersAreSignsOfLife, each of them.
func TestAnswersAreSignsOfLife(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	defer server.Close()
	c, err := web.New(sdk.Env{}, web.Config{Transport: "clear", PerSecond: 1000}, web.Options{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	signs := 0
	ctx := sdk.WithAlive(t.Context(), func() { signs++ })
	for range 3 {
		if err := c.Into(ctx, web.Request{Path: "/"}, &struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	if sdk.Alive(t.Context()); signs != 3 {
		t.Errorf("%d signs of 3 answers", signs)
	}
}
