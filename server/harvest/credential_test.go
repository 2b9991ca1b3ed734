package harvest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
)

const leaked = "TopSecret99"

func TestACredentialInAConfigurationIsRefused(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	for _, url := range []string{
		"postgres://souk:" + leaked + "@db.acme.example:5432/shop", "mysql://:" + leaked + "@db.acme.example/shop",
		"postgres://souk@db.acme.example/shop?password=" + leaked, "https://db.acme.example/x?Token=" + leaked,
	} {
		config, err := json.Marshal(map[string]any{"file": w.script, "url": url})
		if err != nil {
			t.Fatal(err)
		}
		raw := json.RawMessage(config)
		n := harvest.NewSource{Name: "fresh", DomainID: w.domain.ID, Plugin: "script", Config: raw}
		for way, try := range map[string]func() error{
			"create": func() error { _, err := w.CreateSource(w.ctx, n); return err },
			"admin":  func() error { _, err := w.CreateSource(w.admin, n); return err },
			"update": func() error {
				_, err := w.UpdateSource(w.ctx, harvest.SourceEdit{ID: s.ID, Config: &raw})
				return err
			},
			"check": func() error { _, _, err := w.CheckConfig(w.ctx, n); return err },
		} {
			err := try()
			e, ok := errors.AsType[*model.Error](err)
			if !ok || e.Kind != model.KindInvalid || e.Field != "config.url" || !strings.Contains(e.Hint, "env:NAME") || strings.Contains(err.Error(), leaked) {
				t.Errorf("%s of %s: %v", way, url, err)
			}
		}
	}
	if _, err := w.SourceByName(w.ctx, "fresh"); !model.Is(err, model.KindNotFound) {
		t.Errorf("a source was made: %v", err)
	}
}

func TestCredentialsOfOlderSourcesAreTakenOut(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	s.Config = json.RawMessage(`{"file":"x","url":"postgres://souk:` + leaked + `@db.acme.example:5432/shop"}`)
	w.apply(store.Sources.Put(s))
	if names, err := w.Cleanse(t.Context()); err != nil || len(names) != 1 || names[0] != s.Name {
		t.Fatalf("%v %v", names, err)
	}
	if got := string(w.reload(s).Config); strings.Contains(got, leaked) || !strings.Contains(got, "postgres://souk@db.acme.example:5432/shop") {
		t.Errorf("left with %s", got)
	}
	if names, err := w.Cleanse(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("the second time: %v %v", names, err)
	}
}
