package gcs_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/souk-mesh/souk/plugins/gcs"
	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
	"github.com/souk-mesh/souk/sdk/web"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(gcs.Plugin())) }

// google is the emulator behind a door that asks for tokens as Google does:
// https://developers.google.com/identity/protocols/oauth2/service-account,
// read in November 2026. The emulator itself lets everybody in.
type google struct {
	t       *testing.T
	url     string
	key     *rsa.PrivateKey
	expire  atomic.Int64 // requests after which the token is no longer good; 0: never
	asked   atomic.Int64
	granted atomic.Int64
	slow    atomic.Int64 // requests that are told to wait
}

const bearer = "ya29.canary-of-the-token"

func newGoogle(t *testing.T) *google {
	t.Helper()
	emulator, err := url.Parse(emulatorURL(t))
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	g := &google{t: t, key: key}
	proxy := httputil.NewSingleHostReverseProxy(emulator)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", g.token)
	mux.HandleFunc("GET /storage/v1/b/", func(w http.ResponseWriter, r *http.Request) { g.door(w, r, proxy) })
	mux.HandleFunc("GET /storage/v1/b", func(w http.ResponseWriter, r *http.Request) { g.door(w, r, proxy) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *google) token(w http.ResponseWriter, r *http.Request) {
	assertion, err := jwt.ParseString(r.FormValue("assertion"), jwt.WithKey(jwa.RS256(), g.key.Public()), jwt.WithAudience(g.url+"/token"))
	scope := ""
	if err == nil {
		err = assertion.Get("scope", &scope)
	}
	if err != nil || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || scope != "https://www.googleapis.com/auth/devstorage.read_only" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": "invalid_grant", "error_description": "canary-of-the-server"}`)
		return
	}
	g.granted.Add(1)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token": %q, "expires_in": 3600, "token_type": "Bearer"}`, fmt.Sprintf("%s-%d", bearer, g.granted.Load()))
}

func (g *google) door(w http.ResponseWriter, r *http.Request, next http.Handler) {
	n := g.asked.Add(1)
	bucket := strings.Split(r.URL.Path+"////", "/")[4]
	switch limit := g.expire.Load(); {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "+bearer), limit > 0 && n > limit:
		refuse(w, http.StatusUnauthorized)
	case bucket == "denied":
		refuse(w, http.StatusForbidden)
	case bucket == "html":
		fmt.Fprint(w, "<html>Sign in to the network</html>")
	case bucket == "half":
		fmt.Fprint(w, `{"kind": "storage#objects", "items": [{"na`)
	case bucket == "other":
		fmt.Fprint(w, `{"status": "ok"}`)
	case strings.HasPrefix(bucket, "many-"):
		many, _ := strconv.Atoi(strings.TrimPrefix(bucket, "many-"))
		listing(w, r, many)
	case bucket == "late":
		if r.URL.Query().Get("pageToken") != "" {
			refuse(w, http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"kind": "storage#objects", "nextPageToken": "x", "items": [{"name": "a.orc", "size": "1", "updated": "2026-11-01T00:00:00Z"}]}`)
	case g.slow.Load() > 0:
		g.slow.Add(-1)
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests)
	default:
		next.ServeHTTP(w, r)
	}
}

// listing answers of a bucket with many objects, each of which is a dataset.
func listing(w http.ResponseWriter, r *http.Request, many int) {
	if strings.HasSuffix(r.URL.Path, ".csv") {
		const text = "id,name\n1,a name\n"
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(text)-1, len(text)))
		w.WriteHeader(http.StatusPartialContent)
		fmt.Fprint(w, text)
		return
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
	to := min(from+1000, many)
	body := map[string]any{"kind": "storage#objects"}
	var items []map[string]string
	for i := from; i < to; i++ {
		items = append(items, map[string]string{"name": fmt.Sprintf("tenants/t%06d/orders.csv", i), "size": "17", "updated": "2026-11-01T00:00:00Z"})
	}
	if body["items"] = items; to < many {
		body["nextPageToken"] = strconv.Itoa(to)
	}
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error": {"code": %d, "message": "refused"}}`, status)
}

// account is a key file of the service account.
func (g *google) account(key *rsa.PrivateKey) string {
	g.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		g.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "souk@shop.iam.gserviceaccount.com", "private_key_id": "1", "project_id": "shop",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "http://127.0.0.1:1/elsewhere",
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return string(text)
}

// bucket fills a bucket of the emulator.
func (g *google) bucket(name string, objects map[string]string) {
	g.t.Helper()
	base := emulatorURL(g.t)
	g.post(base+"/storage/v1/b?project=shop", "application/json", `{"name": "`+name+`"}`)
	for key, content := range objects {
		g.post(base+"/upload/storage/v1/b/"+name+"/o?uploadType=media&name="+url.QueryEscape(key), "application/octet-stream", content)
	}
}

// remove takes an object away.
func remove(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		err = errors.New(answer.Status)
	}
	return errors.Join(err, answer.Body.Close())
}

func (g *google) post(address, kind, body string) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= 300 && answer.StatusCode != http.StatusConflict {
		text, _ := io.ReadAll(answer.Body)
		g.t.Fatalf("%s: %d %s", address, answer.StatusCode, text)
	}
}

var shop = map[string]string{
	"in/countries.csv": "code,name\nDE,canary-value\n", "in/orders-2024-01-01.csv": "id;day\n1;2024-01-01\n", "in/orders-2024-01-02.csv": "id;day\n2;2024-01-02\n",
	"events/day=2024-01-31/app.jsonl": `{"id": 1, "who": {"name": "canary-value"}}` + "\n", "lake/broken/part-0.parquet": "this is no parquet",
	"odd/it's \"quoted\" & <angled>?#.csv": "a,b\n1,2\n", "odd/line\nbreak.csv": "a,b\n1,2\n", "odd/😀+%20 ü.csv": "a,b\n1,2\n", "odd/case.csv": "a,b\n1,2\n", "odd/Case.csv": "a,b\n1,2\n",
	"double//x.csv": "a,b\n1,2\n", "photos/cat.jpg": "x", "odd/" + strings.Repeat("é", 500) + ".csv": "a,b\n1,2\n",
}

func (g *google) config(key *rsa.PrivateKey, buckets ...string) gcs.Config {
	return gcs.Config{
		Endpoint: g.url, SignIn: g.url + "/token", ServiceAccount: g.account(key), Identity: "key", Buckets: buckets,
		Choice: lake.Choice{Grouping: "auto", Heads: "read", Header: "sniff"}, HTTP: web.Config{Transport: "clear", PerSecond: 1000},
	}
}

func TestPlugin(t *testing.T) {
	g := newGoogle(t)
	g.bucket("souk-shop", shop)
	g.bucket("souk-empty", nil)
	config := func(change map[string]any) json.RawMessage {
		c := map[string]any{
			"endpoint": g.url, "signInEndpoint": g.url + "/token", "buckets": []string{"souk-shop", "souk-e*"},
			"http": map[string]any{"transport": "clear", "requestsPerSecond": 1000},
		}
		for name, value := range change {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"serviceAccountKey": g.account(g.key)}
	plugintest.Run(t, sdk.Register(gcs.Plugin()), plugintest.Fixture{
		Config: config(nil), Secrets: secrets, Golden: "testdata/shop.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return config(map[string]any{"buckets": []string{fmt.Sprint("many-", n)}, "http": map[string]any{"transport": "clear", "requestsPerSecond": 10_000}})
		}),
		Mutations: []plugintest.Mutation{{
			Name: "a new file", Added: []string{"asset gs://souk-shop in/new.csv"}, Changed: []string{"asset gs://souk-shop /"},
			Do: func(context.Context) error {
				g.bucket("souk-shop", map[string]string{"in/new.csv": "a,b\n1,2\n"})
				return nil
			},
			Undo: func(ctx context.Context) error {
				return remove(ctx, emulatorURL(t)+"/storage/v1/b/souk-shop/o/in%2Fnew.csv")
			},
		}},
		BadConfigs: []plugintest.BadConfig{
			{Name: "not encrypted", Config: config(map[string]any{"http": nil}), Secrets: secrets, Class: sdk.ClassConfig, Field: "endpoint"},
			{Name: "no key", Config: config(nil), Class: sdk.ClassConfig, Field: "serviceAccountKey"},
			{Name: "a key that is none", Config: config(nil), Secrets: map[string]string{"serviceAccountKey": "canary-of-no-json"}, Class: sdk.ClassConfig, Field: "serviceAccountKey"},
			{Name: "another's key", Config: config(nil), Secrets: map[string]string{"serviceAccountKey": g.account(other)}, Class: sdk.ClassAuth},
			{Name: "no such bucket", Config: config(map[string]any{"buckets": []string{"souk-absent"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "buckets"},
			{Name: "no bucket fits", Config: config(map[string]any{"buckets": []string{"souk-none-*"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "buckets"},
			{Name: "no server", Config: config(map[string]any{"endpoint": "http://127.0.0.1:1"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(map[string]any{"endpoint": "http://none.invalid"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "no server of tokens", Config: config(map[string]any{"signInEndpoint": "http://127.0.0.1:1"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "denied", Config: config(map[string]any{"buckets": []string{"denied"}}), Secrets: secrets, Class: sdk.ClassDenied},
		},
	})
}

// memory is a sink that keeps everything.
type memory struct {
	mu    sync.Mutex
	names []string
	done  []string
	notes []sdk.Note
}

func (m *memory) Emit(r sdk.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := r.(*sdk.Asset); a.Kind != "BUCKET" {
		m.names = append(m.names, a.ID.Name)
	}
	return sdk.Validate(r)
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error               { m.notes = append(m.notes, n); return nil }

func harvest(t *testing.T, c gcs.Config) (*memory, error) {
	t.Helper()
	s, err := gcs.Plugin().Open(t.Context(), c, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	m := &memory{}
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	slices.Sort(m.names)
	return m, err
}

// Whatever is not a whole listing of the bucket is an error, and never an
// empty bucket.
func TestAnswersThatAreNoListing(t *testing.T) {
	g := newGoogle(t)
	for bucket, class := range map[string]sdk.Class{
		"html": sdk.ClassUnavailable, "half": sdk.ClassUnavailable, "other": sdk.ClassUnavailable, "late": sdk.ClassDenied,
	} {
		m, err := harvest(t, g.config(g.key, bucket))
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok || e.Class != class || len(m.done) > 0 || e.Fix == "" {
			t.Errorf("%s: %v, done %q", bucket, err, m.done)
		}
	}
}

func TestDeniedBucketIsANote(t *testing.T) {
	g := newGoogle(t)
	g.bucket("souk-good", map[string]string{"a/x.csv": "a,b\n1,2\n"})
	m, err := harvest(t, g.config(g.key, "denied", "souk-good"))
	if err != nil || !slices.Equal(m.done, []string{"bucket:souk-good"}) || !slices.Equal(m.names, []string{"a/x.csv"}) {
		t.Fatalf("err %v, done %q, %q", err, m.done, m.names)
	}
	want := "gcloud storage buckets add-iam-policy-binding gs://denied --member=serviceAccount:souk@shop.iam.gserviceaccount.com --role=roles/storage.objectViewer"
	if len(m.notes) != 1 || m.notes[0].Scope != "bucket:denied" || !strings.Contains(m.notes[0].Sample, want) {
		t.Errorf("notes: %+v", m.notes)
	}
}

func TestTokensAndPaces(t *testing.T) {
	g := newGoogle(t)
	g.bucket("souk-many", map[string]string{})
	for i := range 1100 {
		g.post(emulatorURL(t)+"/upload/storage/v1/b/souk-many/o?uploadType=media&name="+fmt.Sprintf("in/%c%c%c/x.csv", 'a'+i/100, 'a'+i/10%10, 'a'+i%10), "text/csv", "a,b\n1,2\n")
	}
	g.slow.Store(2)
	m, err := harvest(t, g.config(g.key, "souk-many"))
	if err != nil || len(m.names) != 1100 || len(m.done) != 1 || g.slow.Load() != 0 {
		t.Errorf("err %v, %d assets, done %q", err, len(m.names), m.done)
	}
	g.expire.Store(g.asked.Load() + 50) // amid the reads, and no other token is good
	m, err = harvest(t, g.config(g.key, "souk-many"))
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassAuth || len(m.done) > 0 || g.granted.Load() < 2 {
		t.Errorf("an expired token: %v, done %q, %d tokens asked for", err, m.done, g.granted.Load())
	}
	g.expire.Store(0)
	c := g.config(g.key)
	c.Buckets, c.Prefixes = nil, []string{"souk-many/in/aaa", "souk-many/in/aab"}
	m, err = harvest(t, c)
	if diff := cmp.Diff([]string{"bucket:souk-many/in/aaa", "bucket:souk-many/in/aab"}, m.done); err != nil || diff != "" || len(m.names) != 2 {
		t.Errorf("err %v, %q\n%s", err, m.names, diff)
	}
}

func TestNoCredentialsOfTheMachine(t *testing.T) {
	g := newGoogle(t)
	path := t.TempDir() + "/key.json"
	if err := os.WriteFile(path, []byte(g.account(g.key)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
	c := g.config(g.key, "souk-good")
	c.ServiceAccount = ""
	if _, err := gcs.Plugin().Open(t.Context(), c, sdk.Env{}); err == nil {
		t.Error("a source without a key is opened")
	}
	c.Identity = "anonymous"
	if _, err := harvest(t, c); err == nil {
		t.Error("the anonymous request carries a token")
	}
}

// emulatorURL is that of fake-gcs-server, which CI always has.
func emulatorURL(t *testing.T) string {
	t.Helper()
	address := os.Getenv("SOUK_TEST_GCS_URL")
	switch {
	case address != "":
	case os.Getenv("SOUK_TEST_SKIP") == "never":
		t.Fatal("SOUK_TEST_GCS_URL is not set, and SOUK_TEST_SKIP forbids to skip")
	default:
		t.Skip("SOUK_TEST_GCS_URL is not set; .ci/gcs starts the emulator and prints it")
	}
	return address
}
