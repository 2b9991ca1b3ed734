package harvest_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
)

// TestWhatThePluginAloneRefusesIsNotKept: a configuration that fits the schema,
// and that only the plugin knows to be wrong, by every way in.
func TestWhatThePluginAloneRefusesIsNotKept(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	bad, err := json.Marshal(map[string]any{"file": w.script, "port": 13})
	if err != nil {
		t.Fatal(err)
	}
	raw := json.RawMessage(bad)
	n := harvest.NewSource{Name: "fresh", DomainID: w.domain.ID, Plugin: "script", Config: raw}
	for way, try := range map[string]func() error{
		"create": func() error { _, err := w.CreateSource(w.ctx, n); return err },
		"admin":  func() error { _, err := w.CreateSource(w.admin, n); return err },
		"command": func() error {
			_, err := w.CreateSource(model.WithPrincipal(t.Context(), model.System()), n)
			return err
		},
		"update": func() error {
			_, err := w.UpdateSource(w.ctx, harvest.SourceEdit{ID: s.ID, Config: &raw})
			return err
		},
		"check": func() error { _, _, err := w.CheckConfig(w.ctx, n); return err },
	} {
		e, ok := errors.AsType[*model.Error](try())
		if !ok || e.Kind != model.KindInvalid || e.Field != "config.port" || e.Message != "brings bad luck" || e.Hint != "write another port" {
			t.Errorf("%s: %v", way, e)
		}
	}
	if _, err := w.SourceByName(w.ctx, "fresh"); !model.Is(err, model.KindNotFound) {
		t.Errorf("a source was made: %v", err)
	}
	if got := w.reload(s); string(got.Config) != string(s.Config) || got.Revision != s.Revision {
		t.Errorf("the source was changed: %s", got.Config)
	}
}
