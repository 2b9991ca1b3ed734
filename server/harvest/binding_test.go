package harvest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
)

func TestBindingsThatCannotBeReadAreRefused(t *testing.T) {
	for _, line := range []string{
		"", "env:A", "env:A=sales", "env:A=sales@", "env:A=sales@db", "A=sales@db:1", "env:=sales@db:1", "env:*=sales@db:1",
		"file:=sales@db:1", "env:A=Sales@db:1", "env:A=@db:1", "env:A=sales@:1", "env:A=*@db:1",
	} {
		_, err := harvest.ParseBindings([]string{"env:A=sales@db:1", line})
		if e, ok := errors.AsType[*model.Error](err); !ok || e.Field != "secret-bindings" || e.Hint == "" {
			t.Errorf("%q: %v", line, err)
		}
	}
	if got, err := harvest.ParseBindings([]string{"env:A_*=sales@DB.example:*", "file:a=b/c=hr@[::1]:5432", "file:k=hr@*"}); err != nil || len(got) != 3 ||
		got[0].Host != "db.example:*" || got[1].Ref != "file:a=b/c" || got[1].Domain != "hr" {
		t.Errorf("%+v %v", got, err)
	}
}

// bound is a world in which sales may show one secret to one host.
func bound(t *testing.T) *world {
	t.Helper()
	t.Setenv("SOUK_TEST_SECRET_SHOP", canary)
	t.Setenv("SOUK_TEST_SECRET_OTHER", canary)
	bindings, err := harvest.ParseBindings([]string{"env:SOUK_TEST_SECRET_SHOP=sales@db.acme.example:5432", "env:SOUK_TEST_SECRET_OTHER=hr@hr.acme.example:5432"})
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, func(c *harvest.Config) { c.Bindings = bindings })
}

// shown is a source that shows the secret to the address.
func (w *world) shown(name, ref, url string) harvest.NewSource {
	w.t.Helper()
	config, err := json.Marshal(map[string]any{"file": w.script, "url": url})
	if err != nil {
		w.t.Fatal(err)
	}
	return harvest.NewSource{
		Name: model.Slug(name), DomainID: w.domain.ID, Plugin: "script", Config: config,
		Secrets: map[string]model.SecretRef{"password": model.SecretRef(ref)},
	}
}

const (
	ours   = "postgres://souk@db.acme.example/shop"
	theirs = "postgres://souk@evil.example:5432/shop"
)

func TestASecretGoesOnlyWhereTheOperatorBoundIt(t *testing.T) {
	w := bound(t)
	for i, c := range []struct{ ref, url string }{
		{"env:SOUK_TEST_SECRET_SHOP", theirs},
		{"env:SOUK_TEST_SECRET_SHOP", "postgres://souk@db.acme.example:5433/shop"},
		{"env:SOUK_TEST_SECRET_SHOP", "postgres://souk@db.acme.example:5432,evil.example:5432/shop"},
		{"env:SOUK_TEST_SECRET_SHOP", "postgres://souk@db.acme.example.evil.example/shop"},
		{"env:SOUK_TEST_SECRET_SHOP", "postgres://db.acme.example:5432@evil.example/shop"},
		{"env:SOUK_TEST_SECRET_SHOP", ours + "?host=evil.example"},
		{"env:SOUK_TEST_SECRET_SHOP", ours + "?hostaddr=10.0.0.1"},
		{"env:SOUK_TEST_SECRET_SHOP", ours + "?Port=1"},
		{"env:SOUK_TEST_SECRET_SHOP", "postgres://souk@a@evil.example/shop"},
		{"env:SOUK_TEST_SECRET_SHOP", ""},
		{"env:SOUK_TEST_SECRET_OTHER", ours},
		{"env:SOUK_TEST_SECRET_OTHER", "postgres://souk@hr.acme.example:5432/hr"},
		{"env:SOUK_TEST_SECRET_NONE", ours},
	} {
		n := w.shown(fmt.Sprint("source_", i), c.ref, c.url)
		_, err := w.CreateSource(w.ctx, n)
		if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != model.KindInvalid || !strings.HasPrefix(e.Field, "secrets.") && e.Field != "config.url" || e.Hint == "" {
			t.Errorf("a source with %s and %s: %v", c.ref, c.url, err)
		}
		if _, failure, err := w.CheckConfig(w.ctx, n); !model.Is(err, model.KindInvalid) {
			t.Errorf("a check with %s and %s: %+v %v", c.ref, c.url, failure, err)
		}
	}
	s, err := w.CreateSource(w.ctx, w.shown("shop", "env:SOUK_TEST_SECRET_SHOP", ours))
	if err != nil {
		t.Fatal(err)
	}
	away := w.shown("shop", "", theirs).Config
	if _, err := w.UpdateSource(w.ctx, harvest.SourceEdit{ID: s.ID, Config: &away}); !model.Is(err, model.KindInvalid) {
		t.Errorf("a source that is sent elsewhere: %v", err)
	}
	for _, url := range []string{ours, "POSTGRES://souk@DB.Acme.Example.:5432/shop"} {
		if _, failure, err := w.CheckConfig(w.ctx, w.shown("shop", "env:SOUK_TEST_SECRET_SHOP", url)); failure != nil || err != nil {
			t.Errorf("%s: %+v %v", url, failure, err)
		}
	}
	w.succeed(s, shop...)
}

// TestTheRefusalOfASecretTellsNothing gives the same words for a secret of
// another domain, for one that is bound to nobody and for one that is not set.
func TestTheRefusalOfASecretTellsNothing(t *testing.T) {
	w := bound(t)
	t.Setenv("SOUK_TEST_SECRET_FREE", canary)
	said := map[string]bool{}
	for _, name := range []string{"OTHER", "FREE", "NONE"} {
		_, err := w.CreateSource(w.ctx, w.shown("shop", "env:SOUK_TEST_SECRET_"+name, ours))
		if err == nil {
			t.Fatalf("%s was taken", name)
		}
		said[strings.ReplaceAll(err.Error(), name, "X")] = true
	}
	if len(said) != 1 {
		t.Errorf("%v", said)
	}
}

func TestAdministratorsUseWhatIsBoundToNobody(t *testing.T) {
	w := bound(t)
	n := w.shown("shop", "env:SOUK_TEST_SECRET_OTHER", theirs)
	s, err := w.CreateSource(w.admin, n)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.reload(s).SetUpBy; got != "prn_root" {
		t.Errorf("set up by %q", got)
	}
	w.succeed(s, shop...) // started by the steward, as the administrator has set it up
	hourly := "@hourly"
	w.edit(s, harvest.SourceEdit{Schedule: &hourly})
	w.succeed(s, shop...)
	root, err := store.Principals.Get(t.Context(), w.store, "prn_root")
	if err != nil {
		t.Fatal(err)
	}
	root.Roles = []model.Role{model.RoleEmployee}
	w.apply(store.Principals.Put(root))
	run := w.run(s, shop...)
	if f := run.Failure; run.Status != model.RunFailed || f.Code != "secret_not_bound" || f.Fault != model.FaultConfig || !strings.Contains(f.Fix, "secret-bindings") {
		t.Errorf("the run after the administrator left: %s %+v", run.Status, f)
	}
}

// TestBindingsAreAskedAgain takes a binding away under a source that had it.
func TestBindingsAreAskedAgain(t *testing.T) {
	w := bound(t)
	s, err := w.CreateSource(w.ctx, w.shown("shop", "env:SOUK_TEST_SECRET_SHOP", ours))
	if err != nil {
		t.Fatal(err)
	}
	w.config.Bindings = nil
	later := harvest.New(w.config)
	t.Cleanup(later.Close)
	run, err := later.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	if run, err = later.Wait(w.ctx, run.ID); err != nil || run.Failure == nil || run.Failure.Code != "secret_not_bound" {
		t.Errorf("the run: %s %+v %v", run.Status, run.Failure, err)
	}
	if _, failure, err := later.Check(w.ctx, s.ID); err != nil || failure == nil || failure.Code != "secret_not_bound" {
		t.Errorf("the check: %+v %v", failure, err)
	}
}

func TestTheAuditSaysWhoShowedWhichSecretToWhom(t *testing.T) {
	w := bound(t)
	n := w.shown("shop", "env:SOUK_TEST_SECRET_SHOP", ours)
	if _, _, err := w.CheckConfig(w.ctx, n); err != nil {
		t.Fatal(err)
	}
	s, err := w.CreateSource(w.ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	w.edit(s, harvest.SourceEdit{Config: &n.Config})
	if _, _, err := w.Check(w.ctx, s.ID); err != nil {
		t.Fatal(err)
	}
	w.succeed(s, shop...)
	told := map[string]bool{}
	for e, err := range store.Events.All(t.Context(), w.store, store.Query{Index: "by_seq"}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(e.Reason, "uses password by env:SOUK_TEST_SECRET_SHOP against db.acme.example:5432") && e.ActorID == "prn_ana" {
			told[e.Action] = true
		}
	}
	for _, action := range []string{"source.check_config", "source.create", "source.update", "source.check", "run.start"} {
		if !told[action] {
			t.Errorf("%s does not tell", action)
		}
	}
}
