package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// faults are what a proxy before an HTTP source does to the request of that
// number, of as many as an undisturbed harvest makes.
var faults = []struct {
	name  string
	fault func(n, all int, w http.ResponseWriter, pass func(http.ResponseWriter)) bool // whether it took the request
}{
	{"429 with Retry-After once", only(answers(http.StatusTooManyRequests, "Retry-After", "1"))},
	{"429 without Retry-After once", only(answers(http.StatusTooManyRequests, "", ""))},
	{"500 from the middle on", from(answers(http.StatusInternalServerError, "", ""))},
	{"401 from the middle on, as for an expired token", from(answers(http.StatusUnauthorized, "", ""))},
	{"half of a body", only(half)},
	{"a body that is cut off", only(cutOff)},
	{"an answer that takes 5 s", only(stall)},
}

type fault = func(n, all int, w http.ResponseWriter, pass func(http.ResponseWriter)) bool

// only does it to the request in the middle.
func only(do func(http.ResponseWriter, func(http.ResponseWriter))) fault {
	return func(n, all int, w http.ResponseWriter, pass func(http.ResponseWriter)) bool {
		if n != (all+1)/2 {
			return false
		}
		do(w, pass)
		return true
	}
}

// from does it to the request in the middle and to all that follow.
func from(do func(http.ResponseWriter, func(http.ResponseWriter))) fault {
	return func(n, all int, w http.ResponseWriter, pass func(http.ResponseWriter)) bool {
		if n < (all+1)/2 {
			return false
		}
		do(w, pass)
		return true
	}
}

func answers(status int, header, value string) func(http.ResponseWriter, func(http.ResponseWriter)) {
	return func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
		if header != "" {
			w.Header().Set(header, value)
		}
		w.WriteHeader(status)
	}
}

// kept is an answer that is not sent yet.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(p []byte) (int, error) { return k.body.Write(p) }

// half sends an answer that is whole for HTTP, and half of what it was.
func half(w http.ResponseWriter, pass func(http.ResponseWriter)) {
	k := &kept{header: http.Header{}, status: http.StatusOK}
	pass(k)
	maps.Copy(w.Header(), k.header)
	w.Header().Set("Content-Length", strconv.Itoa(k.body.Len()/2))
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body.Bytes()[:k.body.Len()/2])
}

// cutOff promises the whole answer, and ends the connection in its middle.
func cutOff(w http.ResponseWriter, pass func(http.ResponseWriter)) {
	k := &kept{header: http.Header{}, status: http.StatusOK}
	pass(k)
	maps.Copy(w.Header(), k.header)
	w.Header().Set("Content-Length", strconv.Itoa(k.body.Len()))
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body.Bytes()[:k.body.Len()/2])
	panic(http.ErrAbortHandler)
}

func stall(w http.ResponseWriter, pass func(http.ResponseWriter)) {
	time.Sleep(5 * time.Second)
	pass(w)
}

// proxy stands between the plugin and its source.
type proxy struct {
	forward http.Handler
	server  *http.Server
	address string

	mu       sync.Mutex
	requests int
	all      int // of an undisturbed harvest
	fault    fault
}

func newProxy(ctx context.Context, target *url.URL) (*proxy, error) {
	var c net.ListenConfig
	listener, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	p := &proxy{address: listener.Addr().String()}
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host})
			r.Out.Header.Del("Accept-Encoding") // what is cut must be readable
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

// ServeHTTP passes a request on, or does what the fault says.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.requests++
	n, all, fault := p.requests, p.all, p.fault
	p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	pass := func(to http.ResponseWriter) {
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.forward.ServeHTTP(to, r)
	}
	if fault == nil || !fault(n, all, w, pass) {
		pass(w)
	}
}

func (p *proxy) begin(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests, p.fault = 0, f
}

// httpFaults wants an honest end of a harvest whose source misbehaves: the same
// records, or an error that says whose fault it is, and never a part of the
// records as if it were all.
func (s *suite) httpFaults() {
	path, target := httpField(s.fixture.Config, s.fixture.Address)
	if target == nil {
		s.skip("no field of the fixture's configuration is the address of an HTTP source")
		return
	}
	p, err := newProxy(s.ctx, target)
	if err != nil {
		s.problem("the proxy cannot be started: %v", err)
		return
	}
	defer func() { _ = p.server.Close() }()
	in := s.good()
	in.config = withField(in.config, path, (&url.URL{Scheme: "http", Host: p.address, Path: target.Path, RawQuery: target.RawQuery}).String())
	clean := newHarvest(s.ctx)
	if _, err := s.pipeline().harvest(clean, in); err != nil {
		s.problem("through a proxy the harvest ends badly: %s", describeError(err))
		return
	}
	if p.all = p.requests; p.all == 0 {
		s.skip("the harvest makes no request to the address in %s", strings.Join(path, "."))
		return
	}
	for _, f := range faults {
		p.begin(f.fault)
		h := newHarvest(s.ctx)
		_, err := s.pipeline().harvest(h, in)
		s.honest(f.name, clean, h, err)
	}
}

// honest compares a harvest under a fault with an undisturbed one.
func (s *suite) honest(name string, clean, h *harvest, err error) {
	if r, ok := refusalOf(err); ok {
		if r.class == sdk.ClassInternal || r.class == sdk.ClassConfig || r.fix == "" {
			s.problem("%s: the harvest ends with an error of %s, as if it were not the source's fault: %s; %s", name, r.class, r.message, r.fix)
		}
		return
	}
	noted := h.undescribed()
	for _, r := range clean.order {
		about, scope := aboutOf(r)
		if _, there := h.records[keyOf(r)]; !there && slices.Contains(h.scopes, scope) && !noted[about] {
			s.problem("%s: the harvest ends well, calls its scope done and lacks %s", name, lineOf(r))
			return
		}
	}
	for _, scope := range clean.scopes {
		incomplete := func(n sdk.Note) bool { return n.Level == sdk.ErrorLevel && (n.Scope == scope || n.Scope == "") }
		if !slices.Contains(h.scopes, scope) && !slices.ContainsFunc(h.notes, incomplete) {
			s.problem("%s: the harvest ends well without the scope %s, and no note says why", name, scope)
		}
	}
}

// undescribed gives the assets that a note of an error names one by one: what
// is known of them stays, and their scope may be done without them.
func (h *harvest) undescribed() map[sdk.NativeID]bool {
	noted := map[sdk.NativeID]bool{}
	for _, n := range h.notes {
		if n.Level == sdk.ErrorLevel && n.Asset != (sdk.NativeID{}) {
			noted[n.Asset] = true
		}
	}
	return noted
}

// aboutOf gives the asset that the record describes, and its scope.
func aboutOf(r sdk.Record) (about sdk.NativeID, scope string) {
	switch r := r.(type) {
	case *sdk.Asset:
		return r.ID, r.Scope
	case *sdk.Edge:
		return r.To, r.Scope
	case *sdk.Quality:
		return r.Asset, r.Scope
	}
	return sdk.NativeID{}, ""
}

// httpField finds the field of that path whose value is an address of the web, or
// the first one where none is named.
func httpField(config json.RawMessage, named string) ([]string, *url.URL) {
	var object map[string]any
	if json.Unmarshal(config, &object) != nil {
		return nil, nil
	}
	return httpIn(object, nil, named)
}

func httpIn(object map[string]any, path []string, named string) ([]string, *url.URL) {
	for _, name := range sortedKeys(object) {
		here := append(slices.Clone(path), name)
		switch v := object[name].(type) {
		case string:
			if named != "" && named != strings.Join(here, ".") {
				continue
			}
			if u, err := url.Parse(v); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
				return here, u
			}
		case map[string]any:
			if found, u := httpIn(v, here, named); u != nil {
				return found, u
			}
		}
	}
	return nil, nil
}

// withField is the configuration with another value in the field.
func withField(config json.RawMessage, path []string, value string) json.RawMessage {
	var object map[string]any
	if json.Unmarshal(config, &object) != nil {
		return config
	}
	at := object
	for _, name := range path[:len(path)-1] {
		at, _ = at[name].(map[string]any)
	}
	at[path[len(path)-1]] = value
	return json.RawMessage(encode(object))
}
