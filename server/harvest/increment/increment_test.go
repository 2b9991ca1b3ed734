package increment_test

import (
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest/increment"
)

// TestGround has everything read again when what a watermark stands on is another.
func TestGround(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	plugin := model.PluginInfo{Name: "p", Version: "1.0.0", OffersChanges: true}
	at := now.Add(-time.Hour)
	source := model.Source{DomainID: "dom_a", Plugin: "p", Config: []byte(`{"a":1}`), Secrets: map[string]model.SecretRef{"x": "env:A", "y": "env:B"}, FullAt: &at}
	increment.Ended{Began: at, Watermark: []byte("w"), Ground: increment.Ground(plugin, source)}.Keep(&source)
	if !increment.Changes(plugin, source, now) {
		t.Fatal("nothing has changed, and everything is read")
	}
	for what, change := range map[string]func(*model.PluginInfo, *model.Source){
		"version":        func(p *model.PluginInfo, _ *model.Source) { p.Version = "1.0.1" },
		"binary":         func(p *model.PluginInfo, _ *model.Source) { p.SHA256 = "00" },
		"schema":         func(p *model.PluginInfo, _ *model.Source) { p.Schema = []byte("{}") },
		"offers nothing": func(p *model.PluginInfo, _ *model.Source) { p.OffersChanges = false },
		"configuration":  func(_ *model.PluginInfo, s *model.Source) { s.Config = []byte(`{"a":2}`) },
		"domain":         func(_ *model.PluginInfo, s *model.Source) { s.DomainID = "dom_b" },
		"secrets": func(_ *model.PluginInfo, s *model.Source) {
			s.Secrets = map[string]model.SecretRef{"x": "env:B", "y": "env:A"}
		},
		"watermark":     func(_ *model.PluginInfo, s *model.Source) { s.Watermark = nil },
		"never in full": func(_ *model.PluginInfo, s *model.Source) { s.FullAt = nil },
		"checkpoint":    func(_ *model.PluginInfo, s *model.Source) { s.Checkpoint = []byte("c") },
		"fail-safe":     func(_ *model.PluginInfo, s *model.Source) { s.AllowRetireAll = true },
	} {
		p, s := plugin, source
		change(&p, &s)
		if increment.Changes(p, s, now) {
			t.Errorf("%s: only what has changed is read", what)
		}
	}
	source.Checkpoint, source.CheckpointOfChanges = []byte("c"), true
	if !increment.Changes(plugin, source, now.Add(48*time.Hour)) {
		t.Error("a run that goes on from a checkpoint is of another kind than the one before")
	}
}

// TestEnded keeps a watermark only of what has seen all of its own.
func TestEnded(t *testing.T) {
	before, at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		ended increment.Ended
		mark  string
		full  time.Time
	}{
		"full":              {increment.Ended{Watermark: []byte("new")}, "new", at},
		"full and resumed":  {increment.Ended{Watermark: []byte("new"), Resumed: true}, "", before},
		"full and owes":     {increment.Ended{Watermark: []byte("new"), Owes: true}, "", before},
		"full without":      {increment.Ended{}, "", before},
		"changes":           {increment.Ended{Changes: true, Watermark: []byte("new")}, "new", before},
		"changes, resumed":  {increment.Ended{Changes: true, Watermark: []byte("new"), Resumed: true}, "old", before},
		"changes, and owes": {increment.Ended{Changes: true, Watermark: []byte("new"), Owes: true}, "old", before},
		"changes, without":  {increment.Ended{Changes: true}, "", before},
	} {
		s := model.Source{Watermark: []byte("old"), WatermarkAt: &before, FullAt: &before}
		c.ended.Began = at
		c.ended.Keep(&s)
		if string(s.Watermark) != c.mark || !s.FullAt.Equal(c.full) {
			t.Errorf("%s: got %q, full at %s", name, s.Watermark, s.FullAt)
		}
	}
}
