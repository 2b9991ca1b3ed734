package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

func TestGoodHarvest(t *testing.T) {
	b := newBench(t)
	var m memory
	got, failure := b.harvest("good", host.Limits{}, &m)
	if failure != nil {
		t.Fatal(failure)
	}
	got.Duration = 0
	want := host.Result{Assets: 250, Edges: 1, Quality: 1, Scopes: []string{"all"}, Checkpoints: 1, Notes: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"checkpoint half", "done all"}, m.order); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]sdk.Note{{Level: sdk.WarnLevel, Code: "test.note", Title: "A remark.", Sample: "s"}}, m.notes); diff != "" {
		t.Error(diff)
	}
	if a := m.records[7]; cmp.Diff(asset("t00007"), a) != "" {
		t.Errorf("an asset changed on its way: %+v", a)
	}
	q, _ := m.records[251].(*sdk.Quality)
	if q == nil || q.Result == nil || !q.Result.At.Equal(time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)) {
		t.Errorf("a test changed on its way: %+v", q)
	}
	if log := b.log.String(); !strings.Contains(log, "begun") || strings.Contains(log, canary) {
		t.Errorf("the plugin's log: %s", log)
	}
}

func TestDescribe(t *testing.T) {
	b := newBench(t)
	p, failure := b.launch(host.Self("good"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	d, err := p.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := sdk.Info{Name: "good", Version: "1.2.3", Summary: "Misbehaves.", Doc: "# Faulty", Emits: []string{"asset"}}
	if diff := cmp.Diff(want, d.Info); diff != "" {
		t.Error(diff)
	}
	if !json.Valid(d.Schema) || !slices.Equal(d.SecretFields, []string{"password"}) {
		t.Errorf("schema %s, secrets %v", d.Schema, d.SecretFields)
	}
}

func TestCheck(t *testing.T) {
	b := newBench(t)
	p, failure := b.launch(host.Self("good"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	var got []sdk.Capability
	if err := p.Check(t.Context(), nil, map[string]string{"password": canary}, func(c sdk.Capability) { got = append(got, c) }); err != nil {
		t.Fatal(err)
	}
	want := []sdk.Capability{{Name: "connect", OK: true}, {Name: "list", Reason: "the role lacks a right; its password is [secret]", Fix: "GRANT it"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	err := p.Check(t.Context(), json.RawMessage(`{"count": "many"}`), nil, func(sdk.Capability) {})
	if f := b.failure(err); f.Fault != host.FaultConfig || f.Field != "count" || f.Class != sdk.ClassConfig {
		t.Errorf("a wrong configuration: %+v", f)
	}
}

// TestFaults is the table of everything that a plugin can do to its host.
func TestFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		limits  host.Limits
		code    string
		fault   string
		message string
	}{
		"panic":               {host.Limits{}, "panic", host.FaultPlugin, "panicked"},
		"panic_in_goroutine":  {host.Limits{}, "panic", host.FaultPlugin, "goroutine gave up with [secret]"},
		"exit":                {host.Limits{}, "exit", host.FaultPlugin, "exit status 3"},
		"sigkill":             {host.Limits{}, "killed", host.FaultHost, "killed from outside"},
		"hang":                {host.Limits{Idle: 500 * time.Millisecond}, "hang", host.FaultPlugin, "sent nothing for 500ms"},
		"busy":                {host.Limits{CPUSeconds: 1}, "cpu_limit", host.FaultPlugin, "1 s of processor time"},
		"endless":             {host.Limits{Wall: time.Second}, "timeout", host.FaultPlugin, "longer than 1s"},
		"leak":                {host.Limits{MemoryBytes: 256 << 20}, "memory_limit", host.FaultPlugin, "256 MiB"},
		"throttled":           {host.Limits{}, "shop.too_fast", host.FaultSource, "too fast for [secret]"},
		"plain error":         {host.Limits{}, "internal", host.FaultPlugin, "dial with [secret]"},
		"tells":               {host.Limits{}, "secret_in_record", host.FaultPlugin, "a secret stands in a record"},
		"no scope":            {host.Limits{}, "bad_record", host.FaultPlugin, "namespace"},
		"text":                {host.Limits{}, "not_a_plugin", host.FaultConfig, "another program"},
		"text_then_plugin":    {host.Limits{}, "text_before_handshake", host.FaultPlugin, "loading configuration"},
		"silent":              {host.Limits{}, "not_a_plugin", host.FaultConfig, "exit status 0"},
		"complains":           {host.Limits{}, "not_a_plugin", host.FaultConfig, "exit status 7"},
		"sleeps":              {host.Limits{Start: 500 * time.Millisecond}, "start_timeout", host.FaultPlugin, "500ms"},
		"init panic":          {host.Limits{}, "panic", host.FaultPlugin, "bad build"},
		"zeros":               {host.Limits{}, "not_a_plugin", host.FaultConfig, "no plugin"},
		"elsewhere":           {host.Limits{}, "protocol", host.FaultPlugin, "handshake"},
		"netrpc":              {host.Limits{}, "protocol", host.FaultPlugin, "handshake"},
		"newer":               {host.Limits{}, "version", host.FaultConfig, "version 1"},
		"seq gap":             {host.Limits{}, "protocol", host.FaultPlugin, "batch 3 follows batch 1"},
		"wrong counts":        {host.Limits{}, "protocol", host.FaultPlugin, "sent 3 assets, and 2 came"},
		"no done":             {host.Limits{}, "protocol", host.FaultPlugin, "without saying that it is done"},
		"goes on":             {host.Limits{}, "protocol", host.FaultPlugin, "after it was done"},
		"big message":         {host.Limits{}, "message_too_large", host.FaultPlugin, "larger"},
		"big checkpoint":      {host.Limits{}, "protocol", host.FaultPlugin, "checkpoint"},
		"big batch":           {host.Limits{}, "protocol", host.FaultPlugin, "1001 records"},
		"wide asset":          {host.Limits{}, "protocol", host.FaultPlugin, "5001 fields"},
		"nest of nothing":     {host.Limits{}, "protocol", host.FaultPlugin, "more than 65536 parts"},
		"unknown state":       {host.Limits{}, "bad_record", host.FaultPlugin, "unknown state"},
		"bad record":          {host.Limits{}, "bad_record", host.FaultPlugin, "namespace"},
		"best of all":         {host.Limits{}, "bad_record", host.FaultPlugin, "unknown rank"},
		"early scope":         {host.Limits{}, "protocol", host.FaultPlugin, "called done although"},
		"secret by wire":      {host.Limits{}, "secret_in_record", host.FaultPlugin, "the value of a secret"},
		"many events":         {host.Limits{Records: 10_000}, "too_many_records", host.FaultPlugin, "10000 records"},
		"go-plugin's own log": {host.Limits{Records: 100}, "too_many_records", host.FaultPlugin, "100 records"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "leak" && raceEnabled {
				t.Skip("the race detector's shadow memory leaves no useful memory limit")
			}
			b := newBench(t)
			begun := time.Now()
			_, f := b.harvest(name, tt.limits, &memory{})
			if f == nil {
				t.Fatal("the harvest went well")
			}
			if f.Code != tt.code || f.Fault != tt.fault || !strings.Contains(f.Message, tt.message) {
				t.Errorf("got %s by %s: %s\nwant %s by %s: %s\n%s", f.Code, f.Fault, f.Message, tt.code, tt.fault, tt.message, strings.Join(f.Stderr, "\n"))
			}
			if strings.Contains(b.log.String(), canary) {
				t.Error("the log holds the secret")
			}
			t.Logf("%s after %s: %s", f.Code, time.Since(begun).Round(time.Millisecond), f.Message)
		})
	}
}

// TestHarvestedTextsAreRedactedAndNeverRefused, whatever wrote the plugin.
func TestHarvestedTextsAreRedactedAndNeverRefused(t *testing.T) {
	var m memory
	if got, f := newBench(t).harvest("texts by wire", host.Limits{}, &m); f != nil || got.Assets != 2 {
		t.Fatalf("got %+v, %v", got, f)
	}
	a, _ := m.records[0].(*sdk.Asset)
	if a.Description != "ask with [secret]" || a.Properties["dsn"] != "postgres://souk:[secret]@db/shop" {
		t.Errorf("got %+v", a)
	}
	if !slices.Equal(a.Owners, []string{"ana", "bo, token [secret]"}) || !slices.Equal(a.Tags, []string{"postgres://souk:[secret]@db/shop"}) {
		t.Errorf("owners %q, tags %q", a.Owners, a.Tags)
	}
	if q, _ := m.records[2].(*sdk.Quality); q.Name != "not_null" || q.Rule != "equals('[secret]')" {
		t.Errorf("got %+v", q)
	}
	if f := a.Fields[0]; f.Name != "password" || f.Default != "'password'" || f.Description != "The user's password, hashed." {
		t.Errorf("an ordinary text is changed: %+v", f)
	}
	if len(m.notes) != 3 || m.notes[0].Code != "host.credential_removed" || m.notes[0].Sample != a.ID.Name || m.notes[0].Level != sdk.WarnLevel || m.notes[2].Sample != a.Tags[0] {
		t.Errorf("notes: %+v", m.notes)
	}
}

func TestOneAssetThatCannotBeDescribedLeavesItsScopeDone(t *testing.T) {
	var m memory
	got, f := newBench(t).harvest("one unread", host.Limits{}, &m)
	if f != nil || len(got.Scopes) != 1 || len(m.notes) != 1 || m.notes[0].Asset.Name != "x" {
		t.Errorf("got %+v, %+v, %v", got, m.notes, f)
	}
}

func TestAnAssetWithoutARankIsOnlyNamed(t *testing.T) {
	var m memory
	if _, f := newBench(t).harvest("no rank", host.Limits{}, &m); f != nil {
		t.Fatal(f)
	}
	if a, ok := m.records[0].(*sdk.Asset); !ok || a.Rank != sdk.Reference {
		t.Errorf("got %+v", m.records[0])
	}
}

// TestFoldersReachThePlugin wants the folders of the launch, and no others, to
// be open to the plugin.
func TestFoldersReachThePlugin(t *testing.T) {
	open := t.TempDir()
	if err := os.WriteFile(filepath.Join(open, "note.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folders := range [][]string{{t.TempDir(), open}, {t.TempDir()}, nil} {
		b, spec := newBench(t), host.Self("files")
		spec.Folders = folders
		p, failure := b.launch(spec, host.Limits{})
		if failure != nil {
			t.Fatal(failure)
		}
		var m memory
		_, err := p.Harvest(t.Context(), host.Request{}, &m)
		if len(folders) == 2 {
			if err != nil || len(m.names) != 1 {
				t.Errorf("got %v, %v", m.names, err)
			}
			continue
		}
		if f := b.failure(err); f.Fault != host.FaultConfig || f.Field != "path" {
			t.Errorf("got %+v", f)
		}
	}
}

func TestThrottledSaysWhen(t *testing.T) {
	_, f := newBench(t).harvest("throttled", host.Limits{}, &memory{})
	if f.Class != sdk.ClassThrottled || f.RetryAfter != 90*time.Second || f.Fix != "wait" {
		t.Errorf("got %+v", f)
	}
}

func TestPanicLeavesItsLastLines(t *testing.T) {
	_, f := newBench(t).harvest("panic_in_goroutine", host.Limits{}, &memory{})
	if text := strings.Join(f.Stderr, "\n"); !strings.Contains(text, "goroutine ") || !strings.Contains(text, "panic: goroutine gave up with [secret]") {
		t.Errorf("got %s", text)
	}
}

func TestSecretInNoteIsStruck(t *testing.T) {
	var m memory
	if _, f := newBench(t).harvest("secret note", host.Limits{}, &m); f != nil {
		t.Fatal(f)
	}
	if diff := cmp.Diff([]sdk.Note{{Level: sdk.WarnLevel, Code: "c", Title: "t", Sample: "[secret]"}}, m.notes); diff != "" {
		t.Error(diff)
	}
}

func TestNewerPluginIsUnderstoodAsFarAsPossible(t *testing.T) {
	var m memory
	got, f := newBench(t).harvest("newer events", host.Limits{}, &m)
	if f != nil || got.Unknown != 2 || got.Assets != 1 {
		t.Errorf("got %+v %v", got, f)
	}
}

func TestFloodIsBounded(t *testing.T) {
	b := newBench(t)
	begun := time.Now()
	got, f := b.harvest("floods", host.Limits{StderrLinesPerSecond: 20}, &memory{})
	if f != nil || got.Assets != 250 {
		t.Fatalf("got %+v %v", got, f)
	}
	log := b.log.String()
	seconds := int(time.Since(begun).Seconds()) + 2
	if got := strings.Count(log, "plugin output"); got == 0 || got > 20*seconds {
		t.Errorf("lines in the log: %d in %d s", got, seconds)
	}
	if !strings.Contains(log, "dropped_lines") {
		t.Error("what was dropped is not counted")
	}
}

func TestChecksThatNeverEnd(t *testing.T) {
	for name, tt := range map[string]struct{ plugin, code string }{
		"hangs":  {"no such harvest", "timeout"},
		"floods": {"seq gap", "protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			p, failure := b.launch(host.Self(tt.plugin), host.Limits{Check: 500 * time.Millisecond})
			if failure != nil {
				t.Fatal(failure)
			}
			err := p.Check(t.Context(), nil, nil, func(sdk.Capability) {})
			if f := b.failure(err); f.Code != tt.code || f.Fault != host.FaultPlugin {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestUnimplementedCall(t *testing.T) {
	b := newBench(t)
	p, failure := b.launch(host.Self("seq gap"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	_, err := p.Describe(t.Context())
	if f := b.failure(err); f.Code != "protocol" || !strings.Contains(f.Message, "every plugin must answer") {
		t.Errorf("got %+v", f)
	}
}

func TestCancel(t *testing.T) {
	b := newBench(t)
	p, failure := b.launch(host.Self("hang"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	ctx, cancel := context.WithCancel(t.Context())
	m := &memory{onRecord: func() error { cancel(); return nil }}
	begun := time.Now()
	_, err := p.Harvest(ctx, host.Request{}, m)
	b.close(p)
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	if f := b.failure(err); f.Code != "cancelled" || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v", f)
	}
	if pid, _ := strconv.Atoi(m.names[0]); alive(pid) {
		t.Error("the plugin lives on")
	}
}

func TestCancelOfALaunch(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	begun := time.Now()
	_, err := host.Launch(ctx, host.Self("sleeps"), host.Limits{}, b.logger())
	if f := b.failure(err); f.Code != "cancelled" || time.Since(begun) > 3*time.Second {
		t.Errorf("got %+v after %s", f, time.Since(begun))
	}
}

func TestHandlersErrorIsTheCause(t *testing.T) {
	full := errors.New("disk full")
	_, f := newBench(t).harvest("good", host.Limits{}, &memory{onRecord: func() error { return full }})
	if f == nil || f.Fault != host.FaultHost || f.Code != "not_kept" || !errors.Is(f, full) {
		t.Errorf("got %+v", f)
	}
}

func TestSlowHandlerIsNotIdle(t *testing.T) {
	slow := func() error { time.Sleep(400 * time.Millisecond); return nil }
	if _, f := newBench(t).harvest("good", host.Limits{Idle: 300 * time.Millisecond}, &memory{onRecord: slow}); f != nil {
		t.Error(f)
	}
}

func TestOrphanIsKilled(t *testing.T) {
	var m memory
	_, f := newBench(t).harvest("orphan", host.Limits{}, &m)
	if f == nil || f.Code != "exit" || len(m.names) != 1 {
		t.Fatalf("got %+v, %v", f, m.names)
	}
	pid, _ := strconv.Atoi(m.names[0])
	if !gone(pid) {
		t.Errorf("process %d, which the plugin started, lives on", pid)
	}
}

func TestEnvironmentIsClean(t *testing.T) {
	t.Setenv("SOUK_TEST_SERVER_SECRET", canary)
	t.Setenv("SOUK_TEST_ALLOWED", "yes")
	b := newBench(t)
	spec := host.Self("environment")
	spec.Env = []string{"SOUK_TEST_ALLOWED", "SET=1", "SOUK_TEST_ABSENT"}
	p, failure := b.launch(spec, host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	var m memory
	if _, err := p.Harvest(t.Context(), host.Request{}, &m); err != nil {
		t.Fatal(err)
	}
	folder := m.names[len(m.names)-1]
	names := slices.Sorted(slices.Values(m.names[:len(m.names)-1]))
	want := []string{
		"GOMEMLIMIT", "HOME", "LANG", "PLUGIN_CLIENT_CERT", "PLUGIN_MAX_PORT", "PLUGIN_MIN_PORT",
		"PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR", "SET", "SOUK_PLUGIN", "SOUK_TEST_ALLOWED", "TMPDIR", "TZ",
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "PWD" }) // set by Go itself with the folder
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(folder, "cwd="+b.dir) {
		t.Errorf("it works in %s", folder)
	}
}

// hostToBeKilled is a host that launches a plugin, says its number and waits.
func hostToBeKilled() {
	p, err := host.Launch(context.Background(), host.Self("hang"), host.Limits{}, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	var m memory
	m.onRecord = func() error { fmt.Println(m.names[0]); return nil }
	_, _ = p.Harvest(context.Background(), host.Request{}, &m)
}

func TestPluginDiesWithItsHost(t *testing.T) {
	b := newBench(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "host-to-be-killed")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil || !alive(pid) {
		t.Fatalf("the plugin %d does not run: %v", pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
	if !gone(pid) {
		t.Error("the plugin survives its host")
	}
	host.RemoveLeftBehind(b.logger())
}

// alive tells whether the process runs; one that is dead and not yet reaped does not.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(status), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func gone(pid int) bool {
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if !alive(pid) {
			return true
		}
	}
	return false
}

func BenchmarkLaunch(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	for b.Loop() {
		p, err := host.Launch(b.Context(), host.Self("good"), host.Limits{}, log)
		if err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHarvest(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	const records = 50_000
	for b.Loop() {
		p, err := host.Launch(b.Context(), host.Self("good"), host.Limits{}, log)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Harvest(b.Context(), host.Request{Config: json.RawMessage(`{"count": 50000}`)}, &memory{}); err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(records*b.N)/b.Elapsed().Seconds(), "records/s")
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "souk-host-") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
