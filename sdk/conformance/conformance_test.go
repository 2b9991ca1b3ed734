package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/conformance"
	"github.com/souk-mesh/souk/sdk/host"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// libraryConfig is of a plugin that reads pages of books over HTTP, or makes
// them up where there is no address.
type libraryConfig struct {
	URL    string `json:"url,omitempty" doc:"Address of the library." format:"url"`
	Folder string `json:"folder,omitempty" doc:"A folder with a file a book." format:"file"`
	Books  int    `json:"books,omitempty" doc:"How many books are made up."`
	Fields int    `json:"fields,omitempty" doc:"How many fields a book has."`
}

type library struct {
	libraryConfig

	log  *slog.Logger
	flaw string
}

func plugin(flaw string) sdk.Registration {
	info := sdk.Info{Name: "library" + flaw, Version: "1.1.0", Summary: "Books.", Doc: "# Library", Emits: []string{"asset"}}
	lends := strings.HasPrefix(flaw, "-lends")
	if lends {
		info.Offers = []string{sdk.OffersGrants}
	}
	follows := strings.HasPrefix(flaw, "-follows")
	if follows {
		info.Offers = []string{sdk.OffersChanges}
	}
	return sdk.Register(sdk.Plugin[libraryConfig]{
		Info: info,
		Open: func(_ context.Context, c libraryConfig, env sdk.Env) (sdk.Source, error) {
			if c.Books < 0 {
				return nil, sdk.Config("books", "is less than none", "give none or more")
			}
			l := library{c, env.Log, flaw}
			switch {
			case lends:
				return lender{l}, nil
			case follows:
				return follower{l}, nil
			}
			return l, nil
		},
	})
}

func (l library) Check(_ context.Context, r *sdk.Report) error { r.OK("list"); return nil }
func (l library) Close() error                                 { return nil }

func (l library) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	switch l.flaw {
	case "-prints":
		fmt.Println("beginning")
		time.Sleep(time.Second) // it travels beside the records, and would be lost at their end
	case "-raw":
		_, _ = syscall.Write(1, []byte("beginning\n"))
	case "-chatty":
		for range 1000 {
			l.log.Info("beginning")
		}
	case "-hoards":
		return l.hoard(out)
	}
	names, err := l.books(ctx)
	if err != nil {
		return err
	}
	for i, name := range names {
		l.dawdle(i)
		if err := out.Emit(l.book(name, out)); err != nil {
			return err
		}
	}
	return out.ScopeDone("books")
}

// dawdle costs more for each book than for the one before.
func (l library) dawdle(i int) {
	if l.flaw != "-square" {
		return
	}
	sum := 0
	for j := range i * 400 {
		sum += j
	}
	if sum < 0 {
		l.log.Info("impossible")
	}
}

func (l library) hoard(out sdk.Sink) error {
	for i := range l.Books {
		if err := out.Emit(l.book(strconv.Itoa(i), out)); err != nil {
			return err
		}
	}
	time.Sleep(20 * time.Second) // without a sign of life
	return out.ScopeDone("books")
}

func (l library) book(name string, out sdk.Sink) *sdk.Asset {
	a := &sdk.Asset{ID: sdk.NativeID{Namespace: "library://home", Name: name}, Scope: "books", Kind: "FILE", Rank: sdk.Holder, ShortName: name}
	for i := range l.Fields {
		if i == harvestv1.MaxFields && l.flaw == "" {
			_ = out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "library.wide", Title: "Fields were left out."})
			break
		}
		a.Fields = append(a.Fields, sdk.Field{Name: strconv.Itoa(i), Position: i + 1})
	}
	return a
}

func (l library) books(ctx context.Context) (names []string, err error) {
	switch {
	case l.Folder != "":
		files, err := os.ReadDir(l.Folder)
		for _, f := range files {
			names = append(names, f.Name())
		}
		return names, err
	case l.URL == "":
		for i := range l.Books {
			names = append(names, strconv.Itoa(i))
		}
		return names, nil
	}
	for page := 1; ; page++ {
		more, err := l.page(ctx, page)
		if err != nil && l.flaw == "-swallows" {
			return names, nil
		}
		if err != nil || len(more) == 0 {
			return names, err
		}
		names = append(names, more...)
	}
}

func (l library) page(ctx context.Context, n int) (names []string, err error) {
	for range 3 {
		if names, err = l.get(ctx, n); err == nil || l.flaw == "-swallows" {
			return names, err
		}
		if e, _ := errors.AsType[*sdk.Error](err); e.Class != sdk.ClassThrottled {
			return nil, err
		}
	}
	return nil, err
}

func (l library) get(ctx context.Context, n int) (names []string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL+"/books?page="+strconv.Itoa(n), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, sdk.Unavailable("the library does not answer", "look whether it runs", err)
	}
	defer func() { _ = answer.Body.Close() }()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusTooManyRequests:
		return nil, &sdk.Error{Class: sdk.ClassThrottled, Code: "library.busy", Message: "the library is busy", Fix: "wait"}
	case http.StatusUnauthorized:
		return nil, sdk.Auth("the card is not valid any more", "renew it")
	default:
		return nil, sdk.Unavailable("the library answers "+answer.Status, "look whether it runs", nil)
	}
	if err := json.NewDecoder(answer.Body).Decode(&names); err != nil {
		return nil, sdk.Unavailable("the library does not answer", "look whether it runs", err)
	}
	return names, nil
}

var flaws = []string{
	"", "-prints", "-raw", "-chatty", "-hoards", "-square", "-swallows", "-wide", "-dials", "-writes",
	"-lends", "-lends-early", "-lends-blindly", "-lends-twice", "-lends-forever", "-lends-alone", "-lends-unlisted", "-lends-unnamed",
	"-follows", "-follows-loudly", "-follows-forgetfully", "-follows-anything",
}

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == host.ServeArgument {
		if address := os.Getenv("SOUK_TEST_DIAL"); strings.HasSuffix(os.Args[2], "-dials") {
			conn, _ := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
			defer func() { _ = conn.Close() }() // not before the end
		}
		if strings.HasSuffix(os.Args[2], "-writes") {
			_ = os.WriteFile("cache", nil, 0o600)
		}
	}
	if os.Getenv(harvestv1.CookieKey) != "" || len(os.Args) > 1 && os.Args[1] == host.ServeArgument {
		var all []sdk.Registration
		for _, flaw := range flaws {
			all = append(all, plugin(flaw))
		}
		sdk.Main(all...)
	}
	os.Exit(m.Run())
}

// problems are those that the case finds, with why it was skipped.
func problems(t *testing.T, flaw, one string, f conformance.Fixture) ([]string, string) {
	t.Helper()
	f.Only = []string{one}
	if f.Config == nil {
		f.Config = json.RawMessage(`{"books": 20}`)
	}
	spec := host.Self(plugin(flaw).Info().Name)
	spec.Env = []string{"SOUK_TEST_DIAL"}
	for _, v := range conformance.Report(t.Context(), spec, f).Cases {
		if v.Case == one {
			return v.Problems, v.Skipped
		}
	}
	t.Fatalf("there is no case %s", one)
	return nil, ""
}

// holds wants the good plugin to pass and the flawed one not to.
func holds(t *testing.T, one, flaw, want string, f conformance.Fixture) {
	t.Helper()
	if got, skipped := problems(t, "", one, f); len(got) > 0 || skipped != "" {
		t.Errorf("the good plugin: %v %s", got, skipped)
	}
	got, _ := problems(t, flaw, one, f)
	if !slices.ContainsFunc(got, func(p string) bool { return strings.Contains(p, want) }) {
		t.Errorf("of %s it finds %v, want %q", flaw, got, want)
	}
}

func TestAPluginIsQuiet(t *testing.T) {
	holds(t, "logs", "-prints", "past its logger", conformance.Fixture{})
	holds(t, "logs", "-raw", "standard output", conformance.Fixture{})
	holds(t, "logs", "-chatty", "lines", conformance.Fixture{})
}

func TestAPluginDescribesItselfWithoutTheWorld(t *testing.T) {
	var l net.ListenConfig
	listener, err := l.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	t.Setenv("SOUK_TEST_DIAL", listener.Addr().String())
	holds(t, "describe", "-dials", "opens a connection", conformance.Fixture{})
	holds(t, "describe", "-writes", "writes the file cache", conformance.Fixture{})
}

func sized(_ context.Context, n int) (json.RawMessage, map[string]string, error) {
	return json.RawMessage(fmt.Sprintf(`{"books": %d}`, n)), nil, nil
}

func TestScaleIsJudged(t *testing.T) {
	t.Parallel() // it waits more than it works
	if testing.Short() {
		t.Skip("it measures processor time, which the race detector falsifies: run without -short")
	}
	holds(t, "scale", "-square", "more than 2 times as much", conformance.Fixture{Scale: &conformance.Scale{Config: sized, Many: 5_000}})
	holds(t, "scale", "-hoards", "sent nothing for 15s", conformance.Fixture{Scale: &conformance.Scale{Config: sized, Few: 10, Many: 20}})
}

func TestWideObjectsAreNoEnd(t *testing.T) {
	holds(t, "limits", "-wide", "ends the harvest", conformance.Fixture{Wide: json.RawMessage(`{"books": 1, "fields": 6000}`)})
}

func TestASlowHostIsWaitedFor(t *testing.T) {
	t.Parallel() // it waits more than it works
	if got, _ := problems(t, "", "slow_sink", conformance.Fixture{Scale: &conformance.Scale{Config: sized}}); len(got) > 0 {
		t.Error(got)
	}
}

// TestFaultsOfAnHTTPSourceAreTold runs a library of three pages behind the
// suite's proxy.
func TestFaultsOfAnHTTPSourceAreTold(t *testing.T) {
	t.Parallel() // it waits more than it works
	var asked atomic.Int64
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		names := []string{}
		if page, _ := strconv.Atoi(r.URL.Query().Get("page")); page <= 3 {
			names = []string{fmt.Sprintf("book %d a", page), fmt.Sprintf("book %d b", page)}
		}
		_ = json.NewEncoder(w).Encode(names)
	}))
	defer source.Close()
	f := conformance.Fixture{Config: json.RawMessage(fmt.Sprintf(`{"url": %q}`, source.URL))}
	holds(t, "http_faults", "-swallows", "calls its scope done and lacks", f)
	if asked.Load() == 0 {
		t.Error("nobody asked the source")
	}
}

func TestChangesOfTheSourceComeOut(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) func(context.Context) error {
		return func(context.Context) error { return os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)) }
	}
	m := conformance.Mutation{Name: "rename", Do: move("b", "c"), Undo: move("c", "b"), Added: []string{"asset library://home c"}, Removed: []string{"asset library://home b"}}
	f := conformance.Fixture{Config: json.RawMessage(fmt.Sprintf(`{"folder": %q}`, dir)), Mutations: []conformance.Mutation{m}}
	if got, skipped := problems(t, "", "mutate", f); len(got) > 0 || skipped != "" {
		t.Error(got, skipped)
	}
	f.Mutations[0].Added = nil
	if got, _ := problems(t, "", "mutate", f); len(got) != 1 || !strings.Contains(got[0], "+ added asset library://home c") {
		t.Error(got)
	}
}

func TestReleasesAreCompared(t *testing.T) {
	old := host.Description{
		Info:   sdk.Info{Name: "library", Emits: []string{"asset", "edge"}},
		Schema: json.RawMessage(`{"properties": {"books": {"type": "string"}, "shelf": {"type": "string"}}}`),
	}
	got, _ := problems(t, "", "compatible", conformance.Fixture{Previous: &old})
	text := strings.Join(got, "\n")
	for _, want := range []string{"no longer emits any edge", "the field shelf is gone", `the field books was of type "string" and is of "integer"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not found: %s", want, text)
		}
	}
	same := host.Description{Info: plugin("").Info(), Schema: plugin("").Schema()}
	if got, _ := problems(t, "", "compatible", conformance.Fixture{Previous: &same}); len(got) > 0 {
		t.Error(got)
	}
}

// TestHandshakes judges programs that are no plugins.
func TestHandshakes(t *testing.T) {
	t.Parallel() // it waits more than it works
	if got, _ := problems(t, "", "handshake", conformance.Fixture{}); len(got) > 0 {
		t.Error(got)
	}
	for script, want := range map[string]string{
		"sleep 30":               "does not shake hands within 10s",
		"echo '1|2|unix|x|grpc'": "no handshake of version 1",
		"[ \"$SOUK_PLUGIN\" ] && echo '1|1|unix|x|grpc'": "does not say on its standard error",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			spec, err := host.ProgramAt(path)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, v := range conformance.Report(t.Context(), spec, conformance.Fixture{Only: []string{"handshake"}}).Cases {
				all = append(all, v.Problems...)
			}
			if !strings.Contains(strings.Join(all, "\n"), want) {
				t.Errorf("%s: %v, want %q", script, all, want)
			}
		})
	}
}

// TestFixturesComeFromFiles of which each word means something.
func TestFixturesComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(dir, conformance.FixtureFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f, done, err := conformance.ReadFixture(write(`{"config": {"folder": "${DIR}/books"}, "golden": "golden.jsonl", "secrets": {"password": "value:canary-Pa55word!"},
		"badConfigs": [{"name": "none", "config": {}, "class": "config", "field": "folder"}],
		"mutations": [{"name": "new", "do": ["touch", "new"], "undo": ["rm", "new"]}],
		"scale": {"prepare": ["mkdir", "${TMP}/of${N}"], "config": {"folder": "${TMP}/of${N}", "books": "${N}"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if string(f.Config) != fmt.Sprintf(`{"folder": %q}`, dir+"/books") || f.Golden != filepath.Join(dir, "golden.jsonl") || f.Secrets["password"] != "canary-Pa55word!" ||
		f.BadConfigs[0].Class != sdk.ClassConfig {
		t.Errorf("got %+v", f)
	}
	if err := f.Mutations[0].Do(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err != nil {
		t.Error(err)
	}
	config, _, err := f.Scale.Config(t.Context(), 7)
	var made struct {
		Folder string
		Books  int
	}
	if err := errors.Join(err, json.Unmarshal(config, &made)); err != nil || made.Books != 7 || !strings.HasSuffix(made.Folder, "of7") {
		t.Errorf("got %s, %v", config, err)
	}
	done()
	if _, err := os.Stat(made.Folder); !os.IsNotExist(err) {
		t.Errorf("the folder stays: %v", err)
	}
	for _, bad := range []string{`{"confg": {}}`, `{"secrets": {"password": "hunter2"}}`, `{"secrets": {"password": "env:SOUK_TEST_ABSENT"}}`, `{"previous": "none.json"}`} {
		if _, _, err := conformance.ReadFixture(write(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
