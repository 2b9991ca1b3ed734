package azureblob_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/plugins/azureblob"
	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
	"github.com/souk-mesh/souk/sdk/web"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(azureblob.Plugin())) }

// The account of azurite, which its documentation tells everybody.
const (
	account = "devstoreaccount1"
	key     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// sas makes an account SAS, as
// https://learn.microsoft.com/rest/api/storageservices/create-account-sas has it.
func sas(rights string, till time.Time) string {
	end := till.UTC().Format("2006-01-02T15:04:05Z")
	text := strings.Join([]string{account, rights, "b", "sco", "", end, "", "http", "2021-12-02", "", ""}, "\n")
	secret, _ := base64.StdEncoding.DecodeString(key)
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(text))
	return url.Values{
		"sv": {"2021-12-02"}, "ss": {"b"}, "srt": {"sco"}, "sp": {rights}, "se": {end}, "spr": {"http"}, "sig": {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}.Encode()
}

// fill makes a container anew.
func fill(t *testing.T, name string, content map[string]string) {
	t.Helper()
	writer := sas("rwdlac", time.Now().Add(time.Hour))
	put := func(path, query, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, emulatorURL(t)+"/"+path+"?"+query+writer, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Ms-Version", "2021-12-02")
		r.Header.Set("X-Ms-Blob-Type", "BlockBlob")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = answer.Body.Close(); answer.StatusCode >= 300 && answer.StatusCode != http.StatusConflict {
			t.Fatalf("%s: %s", path, answer.Status)
		}
	}
	put(name, "restype=container&", "")
	for key, text := range content {
		put(name+"/"+url.PathEscape(key), "", text)
	}
}

// remove takes a blob away.
func remove(ctx context.Context, path, at string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, at+"/"+path+"?"+sas("rwdlac", time.Now().Add(time.Hour)), nil)
	if err != nil {
		return err
	}
	r.Header.Set("X-Ms-Version", "2021-12-02")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		err = errors.New(answer.Status)
	}
	return errors.Join(err, answer.Body.Close())
}

var shop = map[string]string{
	"in/countries.csv": "code,name\nDE,canary-value\n", "in/orders-2024-01-01.csv": "id;day\n1;2024-01-01\n", "in/orders-2024-01-02.csv": "id;day\n2;2024-01-02\n",
	"events/day=2024-01-31/app.jsonl": `{"id": 1, "who": {"name": "canary-value"}}` + "\n", "lake/broken/part-0.parquet": "this is no parquet",
	"odd/it's \"quoted\" & more.csv": "a,b\n1,2\n", "odd/😀 ü.csv": "a,b\n1,2\n", "odd/case.csv": "a,b\n1,2\n", "odd/Case.csv": "a,b\n1,2\n", "photos/cat.jpg": "x",
}

func TestPlugin(t *testing.T) {
	fill(t, "souk-shop", shop)
	fill(t, "souk-empty", nil)
	config := func(change map[string]any) json.RawMessage {
		c := map[string]any{
			"endpoint": emulatorURL(t), "account": account, "containers": []string{"souk-shop", "souk-e*"},
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
	secrets := map[string]string{"sasToken": sas("rl", time.Now().Add(time.Hour))}
	plugintest.Run(t, sdk.Register(azureblob.Plugin()), plugintest.Fixture{
		Config: config(nil), Secrets: secrets, Golden: "testdata/shop.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return config(map[string]any{"endpoint": newListing(t, n), "containers": []string{"many"}, "http": map[string]any{"transport": "clear", "requestsPerSecond": 10_000}})
		}),
		Mutations: []plugintest.Mutation{{
			Name: "a new file", Added: []string{"asset wasbs://souk-shop@devstoreaccount1.blob.core.windows.net in/new.csv"}, Changed: []string{"asset wasbs://souk-shop@devstoreaccount1.blob.core.windows.net /"},
			Do: func(context.Context) error {
				fill(t, "souk-shop", map[string]string{"in/new.csv": "a,b\n1,2\n"})
				return nil
			},
			Undo: func(ctx context.Context) error { return remove(ctx, "souk-shop/in%2Fnew.csv", emulatorURL(t)) },
		}},
		BadConfigs: []plugintest.BadConfig{
			{Name: "no endpoint", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "endpoint"},
			{Name: "not encrypted", Config: config(map[string]any{"http": nil}), Secrets: secrets, Class: sdk.ClassConfig, Field: "endpoint"},
			{Name: "no secret", Config: config(nil), Class: sdk.ClassConfig, Field: "sasToken"},
			{Name: "no tenant", Config: config(map[string]any{"clientId": "x"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "tenant"},
			{Name: "no such container", Config: config(map[string]any{"containers": []string{"souk-absent"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "containers"},
			{Name: "no container fits", Config: config(map[string]any{"containers": []string{"souk-none-*"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "containers"},
			{Name: "no server", Config: config(map[string]any{"endpoint": "http://127.0.0.1:1"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(map[string]any{"endpoint": "http://none.invalid"}), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "no right", Config: config(nil), Secrets: map[string]string{"sasToken": sas("c", time.Now().Add(time.Hour))}, Class: sdk.ClassDenied},
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
	if a, is := r.(*sdk.Asset); is && a.Kind != "BUCKET" && a.Kind != "FOLDER" {
		m.names = append(m.names, a.ID.Namespace+" "+a.ID.Name)
	}
	return sdk.Validate(r)
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes = append(m.notes, n)
	return nil
}

func harvest(t *testing.T, c azureblob.Config) (*memory, error) {
	t.Helper()
	c.Choice = lake.Choice{Grouping: "auto", Heads: "read", Header: "sniff"}
	c.HTTP = web.Config{Transport: "clear", PerSecond: 1000}
	s, err := azureblob.Plugin().Open(t.Context(), c, sdk.Env{})
	if err != nil {
		return &memory{}, err
	}
	defer func() { _ = s.Close() }()
	m := &memory{}
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	slices.Sort(m.names)
	return m, err
}

func TestKeyOfTheAccount(t *testing.T) {
	fill(t, "souk-key", map[string]string{"a/ü b.csv": "a,b\n1,2\n"})
	c := azureblob.Config{Endpoint: emulatorURL(t), Account: account, AccountKey: key, SignIn: "http://127.0.0.1:1", Containers: []string{"souk-key"}}
	m, err := harvest(t, c)
	if err != nil || !slices.Equal(m.names, []string{"wasbs://souk-key@devstoreaccount1.blob.core.windows.net a/ü b.csv"}) || len(m.done) != 1 {
		t.Errorf("err %v, %q, done %q", err, m.names, m.done)
	}
	c.AccountKey = base64.StdEncoding.EncodeToString([]byte("another key"))
	if m, err := harvest(t, c); err == nil || len(m.done) > 0 {
		t.Errorf("another key: err %v, done %q", err, m.done)
	}
	c.AccountKey = ""
	t.Setenv("AZURE_STORAGE_KEY", key)
	if _, err := harvest(t, c); err == nil {
		t.Error("a key of the machine is used")
	}
}

// newFake speaks as much as the emulator does not: Entra, refusals, and answers
// that are cut. The container says what it does.
func newFake(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /acme/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != "canary-of-the-client" || r.FormValue("client_id") != "app" || r.FormValue("scope") != "https://storage.azure.com/.default" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token": "canary-of-the-token", "expires_in": 3600, "token_type": "Bearer"}`)
	})
	mux.HandleFunc("GET /{container}", func(w http.ResponseWriter, r *http.Request) {
		page := func(next, name string) {
			fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs><Blob>%s<Properties><Last-Modified>Mon, 02 Nov 2026 00:00:00 GMT</Last-Modified><Content-Length>0</Content-Length></Properties></Blob></Blobs>%s</EnumerationResults>`, name, next)
		}
		refuse := func(status int, code string) {
			w.Header().Set("X-Ms-Error-Code", code)
			w.WriteHeader(status)
		}
		second := r.URL.Query().Get("marker") != ""
		switch container := r.PathValue("container"); {
		case r.Header.Get("Authorization") != "Bearer canary-of-the-token" || r.Header.Get("X-Ms-Version") == "":
			refuse(http.StatusForbidden, "AuthenticationFailed")
		case container == "ended", container == "late-ended" && second:
			refuse(http.StatusForbidden, "AuthenticationFailed")
		case container == "denied", container == "late-denied" && second:
			refuse(http.StatusForbidden, "AuthorizationPermissionMismatch")
		case container == "html":
			fmt.Fprint(w, "<html>Sign in</html>")
		case container == "half":
			fmt.Fprint(w, "<EnumerationResults><Blobs><Blob><Na")
		case container == "cut":
			page("", "<Name>a.csv</Name>")
		case strings.HasPrefix(container, "late") && !second:
			page("<NextMarker>x</NextMarker>", "<Name>a.csv</Name>")
		default:
			page("<NextMarker />", `<Name Encoded="true">a%01%2Fb%0A.csv</Name>`)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// newListing is a service whose container has n blobs, each of which is a dataset.
func newListing(t *testing.T, n int) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /many/", func(w http.ResponseWriter, _ *http.Request) {
		const text = "id,name\n1,a name\n"
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(text)-1, len(text)))
		w.WriteHeader(http.StatusPartialContent)
		fmt.Fprint(w, text)
	})
	mux.HandleFunc("GET /many", func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("marker"))
		to, next := min(from+5000, n), ""
		fmt.Fprint(w, `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>`)
		for i := from; i < to; i++ {
			fmt.Fprintf(w, `<Blob><Name>tenants/t%06d/orders.csv</Name><Properties><Last-Modified>Mon, 02 Nov 2026 00:00:00 GMT</Last-Modified><Content-Length>17</Content-Length></Properties></Blob>`, i)
		}
		if to < n {
			next = strconv.Itoa(to)
		}
		fmt.Fprintf(w, `</Blobs><NextMarker>%s</NextMarker></EnumerationResults>`, next)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// TestEntraAndRefusals signs in as an application, and holds what is told of refusals.
//
// Bad input: a wrong password.
func TestEntraAndRefusals(t *testing.T) {
	fake := newFake(t)
	config := func(containers ...string) azureblob.Config {
		return azureblob.Config{Endpoint: fake.URL, Account: "acme", Tenant: "acme", ClientID: "app", ClientSecret: "canary-of-the-client", SignIn: fake.URL, Containers: containers}
	}
	for container, class := range map[string]sdk.Class{
		"ended": sdk.ClassAuth, "late-ended": sdk.ClassAuth, "denied": sdk.ClassDenied, "late-denied": sdk.ClassDenied,
		"html": sdk.ClassUnavailable, "half": sdk.ClassUnavailable, "cut": sdk.ClassUnavailable,
	} {
		m, err := harvest(t, config(container))
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok || e.Class != class || len(m.done) > 0 || e.Fix == "" || strings.Contains(e.Message+e.Fix, "canary") {
			t.Errorf("%s: %v, done %q", container, err, m.done)
		}
	}
	c := config("denied", "good")
	c.Names = "abfss"
	m, err := harvest(t, c)
	if err != nil || !slices.Equal(m.names, []string{"abfss://good@acme.dfs.core.windows.net a\x01/b\n.csv"}) || !slices.Equal(m.done, []string{"container:good"}) {
		t.Errorf("err %v, %q, done %q", err, m.names, m.done)
	}
	if len(m.notes) != 1 || m.notes[0].Scope != "container:denied" || !strings.Contains(m.notes[0].Sample, "Storage Blob Data Reader") {
		t.Errorf("notes: %+v", m.notes)
	}
	c.ClientSecret = "another"
	if _, err := harvest(t, c); err == nil {
		t.Error("another secret is let in")
	}
}

// emulatorURL is that of azurite, which CI always has.
func emulatorURL(t *testing.T) string {
	t.Helper()
	address := os.Getenv("SOUK_TEST_AZURITE_URL")
	switch {
	case address != "":
	case os.Getenv("SOUK_TEST_SKIP") == "never":
		t.Fatal("SOUK_TEST_AZURITE_URL is not set, and SOUK_TEST_SKIP forbids to skip")
	default:
		t.Skip("SOUK_TEST_AZURITE_URL is not set; .ci/azurite starts the emulator and prints it")
	}
	return address
}
