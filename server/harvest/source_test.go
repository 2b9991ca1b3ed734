package harvest_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
)

func TestBadSourcesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.source(func(n *harvest.NewSource) { n.Name = "taken" })
	config := func(text string) func(*harvest.NewSource) {
		return func(n *harvest.NewSource) { n.Config = json.RawMessage(text) }
	}
	secret := func(field, ref string) func(*harvest.NewSource) {
		return func(n *harvest.NewSource) { n.Secrets = map[string]model.SecretRef{field: model.SecretRef(ref)} }
	}
	schedule := func(text string) func(*harvest.NewSource) {
		return func(n *harvest.NewSource) { n.Schedule = text }
	}
	for _, c := range []struct {
		name   string
		change func(*harvest.NewSource)
		field  string
		hint   string
	}{
		{"name", func(n *harvest.NewSource) { n.Name = "Not A Slug" }, "name", "use a name"},
		{"name taken", func(n *harvest.NewSource) { n.Name = "taken" }, "name", "choose another"},
		{"no domain", func(n *harvest.NewSource) { n.DomainID = "" }, "domainId", "name the domain"},
		{"unknown domain", func(n *harvest.NewSource) { n.DomainID = "dom_none" }, "domainId", "name the domain"},
		{"unknown plugin", func(n *harvest.NewSource) { n.Plugin = "oracle" }, "plugin", "locked, reader, script"},
		{"no JSON", config(`{`), "config", "JSON object"},
		{"two values", config(`{"file":"a"} {}`), "config", "JSON object"},
		{"an array", config(`[]`), "config", "JSON object"},
		{"huge", config(`{"file":"` + strings.Repeat("x", 300<<10) + `"}`), "config", "files"},
		{"missing", config(`{}`), "config.file", "the script to run"},
		{"empty", config(`{"file":""}`), "config.file", "the script to run"},
		{"wrong type", config(`{"file":"a","port":"five"}`), "config.port", "a number"},
		{"unknown", config(`{"file":"a","prot":5}`), "config.prot", "every, file, mode, port, url"},
		{"no such choice", config(`{"file":"a","mode":"warp"}`), "config.mode", "fast, slow"},
		{"wrong form", config(`{"file":"a","every":"often"}`), "config.every", "30s"},
		{"secret inline", config(`{"file":"a","password":"hunter2hunter2"}`), "config.password", "env:NAME"},
		{"secret of another field", secret("file", "env:SOUK_TEST_SECRET_A"), "secrets.file", "password"},
		{"secret itself", secret("password", "hunter2hunter2"), "secrets.password", "env:NAME"},
		{"variable not open", secret("password", "env:PATH"), "secrets.password", "SOUK_TEST_SECRET_*"},
		{"file without a folder", secret("password", "file:db"), "secrets.password", "secret-dir"},
		{"secret missing", func(n *harvest.NewSource) { n.Plugin = "locked" }, "secrets.password", "env:NAME"},
		{"schedule", schedule("often"), "schedule", "@hourly"},
		{"schedule too fast", schedule("@every 1s"), "schedule", "@hourly"},
		{"schedule with zone", schedule("TZ=Europe/Oslo"), "schedule", "@hourly"},
		{"schedule never", schedule("0 0 31 2 *"), "schedule", "@hourly"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := harvest.NewSource{Name: "fresh", DomainID: w.domain.ID, Plugin: "script", Config: w.scripted()}
			c.change(&n)
			_, err := w.CreateSource(w.ctx, n)
			e, ok := errors.AsType[*model.Error](err)
			if !ok || e.Field != c.field || e.Message == "" || !strings.Contains(e.Hint, c.hint) {
				t.Fatalf("got %v", err)
			}
			if want := model.KindInvalid; e.Kind != want && c.name != "name taken" {
				t.Errorf("kind %s", e.Kind)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats a secret: %v", err)
			}
			if _, err := w.SourceByName(w.ctx, "fresh"); !model.Is(err, model.KindNotFound) {
				t.Errorf("the source was made: %v", err)
			}
		})
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	refused := func(what string, err error, kinds ...model.ErrorKind) {
		t.Helper()
		for _, kind := range kinds {
			if model.Is(err, kind) {
				return
			}
		}
		t.Errorf("%s: %v", what, err)
	}
	_, err := w.CreateSource(w.outside, harvest.NewSource{Name: "theirs", DomainID: w.domain.ID, Plugin: "script", Config: w.scripted()})
	refused("create", err, model.KindDenied)
	_, err = w.UpdateSource(w.outside, harvest.SourceEdit{ID: s.ID})
	refused("update", err, model.KindNotFound, model.KindDenied)
	_, err = w.Start(w.outside, s.ID, "manual")
	refused("start", err, model.KindNotFound, model.KindDenied)
	_, _, err = w.Check(w.outside, s.ID)
	refused("check", err, model.KindNotFound, model.KindDenied)
	_, _, err = w.CheckConfig(w.outside, harvest.NewSource{Plugin: "script", Config: w.scripted(), Secrets: nil})
	refused("check a configuration", err, model.KindDenied)
	_, err = w.Start(t.Context(), s.ID, "manual")
	refused("start by nobody", err, model.KindUnauthenticated)
	_, err = w.Start(w.ctx, "src_none", "manual")
	refused("start nothing", err, model.KindNotFound)
	_, err = w.Start(w.ctx, s.ID, "whim")
	refused("start on a whim", err, model.KindInvalid)
	_, err = w.Source(w.outside, s.ID)
	refused("read", err, model.KindNotFound)
	_, err = w.SourceByName(w.outside, s.Name)
	refused("read by name", err, model.KindNotFound)
	if got, err := w.SourcesByID(w.outside, s.ID); err != nil || len(got) > 0 {
		t.Errorf("a stranger reads %d sources by id, %v", len(got), err)
	}
	for _, domain := range []model.ID{"", w.domain.ID} {
		page, err := w.Sources(w.ctx, domain, model.Paging{First: 5})
		if err != nil || len(page.Nodes) != 1 {
			t.Errorf("the steward lists %d sources, %v", len(page.Nodes), err)
		}
		page, err = w.Sources(w.outside, domain, model.Paging{First: 5})
		if err != nil || len(page.Nodes) > 0 {
			t.Errorf("a stranger lists %d sources, %v", len(page.Nodes), err)
		}
	}
	can, err := w.Can(w.ctx, s.ID, model.ActSourceAdmin)
	if err != nil || can[model.ActSourceAdmin] != model.Allow {
		t.Errorf("the steward can %v, %v", can, err)
	}
}

func TestUpdateSource(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	hourly, yes := "@hourly", true
	s = w.edit(s, harvest.SourceEdit{Schedule: &hourly, Paused: &yes, ExpectedRevision: &s.Revision})
	if s.Schedule != hourly || !s.Paused {
		t.Errorf("got %+v", s)
	}
	old := s.Revision - 1
	_, err := w.UpdateSource(w.ctx, harvest.SourceEdit{ID: s.ID, ExpectedRevision: &old})
	if e, _ := errors.AsType[*model.Error](err); e == nil || e.Kind != model.KindConflict || e.Field != "expectedVersion" {
		t.Errorf("an edit of an old version: %v", err)
	}
	bad := json.RawMessage(`{"file":5}`)
	if _, err := w.UpdateSource(w.ctx, harvest.SourceEdit{ID: s.ID, Config: &bad}); !model.Is(err, model.KindInvalid) {
		t.Errorf("a bad configuration: %v", err)
	}
	if d := cmp.Diff(s, w.reload(s)); d != "" {
		t.Errorf("a refused edit has changed something (-want +got):\n%s", d)
	}
}

func TestCheck(t *testing.T) {
	t.Setenv("SOUK_TEST_SECRET_A", canary)
	w := newWorld(t)
	s := w.source(func(n *harvest.NewSource) {
		n.Secrets = map[string]model.SecretRef{"password": "env:SOUK_TEST_SECRET_A"}
	})
	want := []model.Capability{{Name: "connect", OK: true}, {Name: "read", Reason: "the password [secret] opens nothing", Fix: "GRANT SELECT"}}
	got, failure, err := w.Check(w.ctx, s.ID)
	if err != nil || failure != nil {
		t.Fatal(failure, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("capabilities (-want +got):\n%s", d)
	}
	if _, failure, err = w.CheckConfig(w.ctx, harvest.NewSource{Plugin: "script", Config: w.scripted(), Secrets: s.Secrets}); failure != nil || err != nil {
		t.Errorf("check of a configuration: %+v %v", failure, err)
	}
	if _, failure, err = w.CheckConfig(w.ctx, harvest.NewSource{Plugin: "script", Config: w.scripted(), Secrets: map[string]model.SecretRef{"password": "env:SOUK_TEST_SECRET_NONE"}}); err != nil || failure == nil || failure.Code != "secret_missing" {
		t.Errorf("check without the secret: %+v %v", failure, err)
	}
	if _, _, err = w.CheckConfig(w.ctx, harvest.NewSource{Plugin: "script", Config: json.RawMessage(`{}`), Secrets: nil}); !model.Is(err, model.KindInvalid) {
		t.Errorf("check of a bad configuration: %v", err)
	}
}

// canary is a secret that must turn up nowhere.
const canary = "canary-7f3a-wings/of+gold"

func TestASecretStaysNowhere(t *testing.T) {
	t.Setenv("SOUK_TEST_SECRET_A", canary)
	w := newWorld(t)
	s := w.source(func(n *harvest.NewSource) {
		n.Secrets = map[string]model.SecretRef{"password": "env:SOUK_TEST_SECRET_A"}
	})
	var seen strings.Builder
	note := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		seen.Write(text)
	}
	told := w.run(s, "table public orders id", "done public", "tell-secret")
	if told.Failure == nil || told.Failure.Code != "auth" {
		t.Errorf("the run that tells: %+v", told.Failure)
	}
	emitted := w.run(s, "emit-secret", "done main")
	if !emitted.Status.Through() {
		t.Errorf("the run that emits it in a text, which is redacted: %s %+v", emitted.Status, emitted.Failure)
	}
	named := w.run(s, "name-secret", "done main")
	if named.Status != model.RunFailed || named.Failure.Fault != model.FaultPlugin {
		t.Errorf("the run that emits it as a name: %s %+v", named.Status, named.Failure)
	}
	capabilities, failure, err := w.Check(w.ctx, s.ID)
	note([]any{told, emitted, named, capabilities, failure, err, w.reload(s)})
	for _, schema := range store.Schemas() {
		for page := (store.Page{More: true}); page.More; {
			q := store.Query{Kind: schema.Kind, Index: schema.Indexes[0].Name, Limit: store.MaxPage}
			if n := len(page.Cursors); n > 0 {
				q.After = page.Cursors[n-1]
			}
			if page, err = w.store.Find(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				seen.Write(r.Doc)
			}
		}
	}
	if !strings.Contains(seen.String(), "env:SOUK_TEST_SECRET_A") {
		t.Fatal("the search looks in the wrong place")
	}
	if log := w.log.String(); !strings.Contains(log, "connecting with [secret]") {
		t.Error("the plugin's log does not reach the server's")
	} else {
		seen.WriteString(log)
	}
	for _, part := range []string{canary, "canary-7f3a"} {
		if strings.Contains(seen.String(), part) {
			t.Errorf("%s has been kept or told", part)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "secrets")
	if err := os.MkdirAll(filepath.Join(dir, "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		"secrets/good": "swordfish99\n", "secrets/inner/deep": "swordfish99", "secrets/empty": "\n",
		"secrets/big": strings.Repeat("x", 70<<10), "outside": "swordfish99",
	} {
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"link": "good", "escape": "../outside"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t, func(c *harvest.Config) { c.SecretDir = dir })
	check := func(ref string) (*model.Failure, error) {
		_, failure, err := w.CheckConfig(w.ctx, harvest.NewSource{Plugin: "script", Config: w.scripted(), Secrets: map[string]model.SecretRef{"password": model.SecretRef(ref)}})
		return failure, err
	}
	for _, ref := range []string{"file:good", "file:inner/deep", "file:link", "file:" + filepath.Join(dir, "good")} {
		if failure, err := check(ref); failure != nil || err != nil {
			t.Errorf("%s: %+v %v", ref, failure, err)
		}
	}
	for _, ref := range []string{"file:none", "file:empty", "file:big", "file:inner", "file:escape"} {
		failure, err := check(ref)
		if err != nil || failure == nil || failure.Fault != model.FaultConfig || failure.Code != "secret_missing" || failure.Fix == "" || !strings.HasPrefix(failure.Message, "secrets.password: ") {
			t.Errorf("%s: %+v %v", ref, failure, err)
		}
	}
	for _, ref := range []string{"file:../outside", "file:" + filepath.Join(root, "outside"), "file:", "file:/etc/passwd"} {
		if failure, err := check(ref); !model.Is(err, model.KindInvalid) {
			t.Errorf("%s: %+v %v", ref, failure, err)
		}
	}
}

func TestAMissingSecretFailsTheRun(t *testing.T) {
	w := newWorld(t)
	s := w.source(func(n *harvest.NewSource) {
		n.Secrets = map[string]model.SecretRef{"password": "env:SOUK_TEST_SECRET_UNSET"}
	})
	run := w.run(s, shop...)
	if f := run.Failure; run.Status != model.RunFailed || f == nil || f.Fault != model.FaultConfig || !strings.Contains(f.Message, "secrets.password") || !strings.Contains(f.Fix, "SOUK_TEST_SECRET_UNSET") {
		t.Errorf("the run ended as %s: %+v", run.Status, f)
	}
}

// A name tells nobody that another domain has given it: names of sources are
// those of their domain.
func TestNamesOfSourcesAreThoseOfTheirDomain(t *testing.T) {
	w := newWorld(t)
	hr := model.Domain{Meta: model.Meta{ID: "dom_hr"}, Name: "hr", StewardIDs: []model.ID{"prn_bo"}}
	w.apply(store.Domains.Put(hr))
	create := func(ctx context.Context, name model.Slug, domain model.ID) (model.Source, error) {
		return w.CreateSource(ctx, harvest.NewSource{Name: name, DomainID: domain, Plugin: "script", Config: w.scripted()})
	}
	made := map[string]model.Source{}
	for who, domain := range map[string]model.ID{"ana": w.domain.ID, "bo": hr.ID} {
		ctx := map[string]context.Context{"ana": w.ctx, "bo": w.outside}[who]
		var err error
		if made[who], err = create(ctx, "shop", domain); err != nil {
			t.Fatalf("%s: %v", who, err)
		}
		if _, err := create(ctx, "shop", domain); !model.Is(err, model.KindConflict) {
			t.Errorf("%s, the second of the name: %v", who, err)
		}
		if got, err := w.SourceByName(ctx, "shop"); err != nil || got.ID != made[who].ID {
			t.Errorf("%s reads %s, %v", who, got.ID, err)
		}
	}
	if _, err := w.SourceByName(w.admin, "shop"); !model.Is(err, model.KindInvalid) {
		t.Errorf("one of two that an administrator sees: %v", err)
	}
	other, err := create(w.outside, "other", hr.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []model.Source{made["bo"], other} { // whether the name is taken there or not
		if _, err := w.UpdateSource(w.outside, harvest.SourceEdit{ID: s.ID, DomainID: &w.domain.ID}); !model.Is(err, model.KindDenied) {
			t.Errorf("%s moved to a foreign domain: %v", s.Name, err)
		}
	}
	if _, err := w.UpdateSource(w.admin, harvest.SourceEdit{ID: made["bo"].ID, DomainID: &w.domain.ID}); !model.Is(err, model.KindConflict) {
		t.Errorf("moved onto one of its name: %v", err)
	}
}
