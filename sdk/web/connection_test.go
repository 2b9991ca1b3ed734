package web_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

func TestCertificates(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer server.Close()
	own := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	ask := func(c web.Config, address string) error {
		client, err := web.New(sdk.Env{}, c, web.Options{Address: address})
		if err != nil {
			return err
		}
		defer client.Close()
		_, _, err = client.Read(t.Context(), web.Request{Path: "/"})
		return err
	}
	if e := wants(t, ask(web.Config{}, server.URL), sdk.ClassConfig, "http.tls"); e.Field != "http.authorities" {
		t.Error(e.Field)
	}
	for _, c := range []web.Config{{Authorities: own}, {Transport: "encrypted"}} {
		if err := ask(c, server.URL); err != nil {
			t.Error(err)
		}
	}
	misnamed := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	if e := wants(t, ask(web.Config{Authorities: own}, misnamed), sdk.ClassConfig, "http.tls"); e.Field != "url" {
		t.Error(e.Field)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	wants(t, ask(web.Config{}, strings.Replace(plain.URL, "http:", "https:", 1)), sdk.ClassConfig, "http.tls")
}

// TestNoSecretIsTold looks for one in errors and in the log.
func TestNoSecretIsTold(t *testing.T) {
	s := serve(t, web.Options{Attach: func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer canary-token")
		r.Header.Set("X-Api-Key", "canary-key")
		return nil
	}}, func(n int, w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/abort":
			breakOff(w)
		case n%2 == 1:
			w.WriteHeader(503)
		default:
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error": {"message": "what is %s, %s and %s,\\n and password=canary-Pa55word!"}}`, r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), r.URL.RawQuery)
		}
	})
	for _, path := range []string{"/x?key=canary-query", "/abort?key=canary-query"} {
		_, _, err := s.Read(t.Context(), web.Request{Path: path, Query: url.Values{"sig": {"canary-sig"}}})
		e, _ := errors.AsType[*sdk.Error](err)
		if text := fmt.Sprint(err, e.Fix, e.Err, s.log.String()); strings.Contains(text, "canary") {
			t.Error(text)
		}
		if path == "/x?key=canary-query" && (!strings.Contains(err.Error(), "what is Bearer [secret]") || !strings.Contains(s.log.String(), "path=/api/x")) {
			t.Error(err, s.log.String())
		}
	}
}

func TestProxy(t *testing.T) {
	var seen, allowed string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, allowed = r.URL.String(), r.Header.Get("Proxy-Authorization")
		if allowed == "" {
			w.WriteHeader(407)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	defer proxy.Close()
	c := web.Config{Transport: "clear", Proxy: proxy.URL}
	ask := func() error {
		client, err := web.New(sdk.Env{}, c, web.Options{Address: "http://source.invalid"})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, _, err = client.Read(t.Context(), web.Request{Path: "/x"})
		return err
	}
	if e := wants(t, ask(), sdk.ClassConfig, "http.407"); e.Field != "http.proxy" {
		t.Error(e.Field)
	}
	c.ProxyUser, c.ProxyPassword = "ana", "canary"
	if err := ask(); err != nil || seen != "http://source.invalid/x" || !strings.HasPrefix(allowed, "Basic ") {
		t.Error(err, seen, allowed)
	}
}

func TestSilence(t *testing.T) {
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" { // but never silent for long
			for range 6 {
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
				time.Sleep(60 * time.Millisecond)
			}
			return
		}
		if r.URL.Path == "/body" {
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush()
		}
		<-over
	}))
	defer server.Close()
	defer close(over)
	c, err := web.New(sdk.Env{}, web.Config{Transport: "clear", Timeout: "200ms"}, web.Options{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, path := range []string{"/head", "/body"} {
		_, _, err := c.Read(t.Context(), web.Request{Path: path, Method: "POST"})
		if e := wants(t, err, sdk.ClassUnavailable, "http.connection"); !strings.Contains(e.Message, "silent") {
			t.Error(e.Message)
		}
	}
	if _, _, err := c.Read(t.Context(), web.Request{Path: "/slow"}); err != nil {
		t.Error(err)
	}
}

func TestConfigurations(t *testing.T) {
	for field, c := range map[string]web.Config{
		"http.requestsPerSecond": {PerSecond: -1}, "http.timeout": {Timeout: "3h"}, "http.authorities": {Authorities: "no PEM"},
		"http.proxy": {Proxy: "http://ana:canary@proxy"},
	} {
		if e, ok := errors.AsType[*sdk.Error](c.Judge()); !ok || e.Field != field || strings.Contains(e.Error(), "canary") {
			t.Errorf("%s: got %v", field, e)
		}
	}
	for address, words := range map[string]string{
		"": "missing", "ftp://h": "no address", "https://": "no address", "https://ana:canary@h": "password", "http://h": "listened", "https://h/?key=canary": "behind", "https://h/#x": "behind",
	} {
		_, err := web.New(sdk.Env{}, web.Config{}, web.Options{Address: address, Field: "server"})
		e := wants(t, err, sdk.ClassConfig, "config")
		if e.Field != "server" || !strings.Contains(e.Message, words) || strings.Contains(e.Error(), "canary") {
			t.Errorf("%s: got %v", address, e)
		}
	}
	c, err := web.New(sdk.Env{}, web.Config{}, web.Options{Address: "https://Shop.Example/api/"})
	if err != nil || c.Host() != "shop.example:443" {
		t.Error(err, c.Host())
	}
}

func TestTransportOfALibrary(t *testing.T) {
	transport, err := web.Transport(web.Config{Proxy: "http://proxy.example:3128"})
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := transport.Proxy(httptest.NewRequestWithContext(t.Context(), "GET", "https://x.example", nil))
	if err != nil || proxy.Host != "proxy.example:3128" {
		t.Error(proxy, err)
	}
}
