package decisionlog_test

import (
	"path/filepath"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// TestALogThatCannotBeWritten says so until it can again, whoever asks first.
func TestALogThatCannotBeWritten(t *testing.T) {
	uri := sqliteURI(t)
	l := open(t, decisionlog.Config{URI: uri})
	fill(t, l, 3, model.Now())
	if err := l.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := pair{t: t, uri: uri}
	months, err := filepath.Glob(filepath.Join(p.folder(), "*.db"))
	if err != nil || len(months) != 1 {
		t.Fatal(months, err)
	}
	refuse := "CREATE TRIGGER full BEFORE INSERT ON segment BEGIN SELECT raise(ABORT, 'the disk is full'); END"
	forge(t, months[0], refuse)
	if err := l.Append(t.Context(), asked(1, model.Now())); err == nil {
		t.Error("it was logged")
	}
	for name, err := range map[string]error{"Trouble": l.Trouble(), "Probe": l.Probe(t.Context()), "Note": l.Note(t.Context(), asked(2, model.Now()))} {
		if e, ours := err.(*model.Error); !ours || e.Code != model.CodeReadsOnly || e.Kind != model.KindUnavailable { //nolint:errorlint // not wrapped
			t.Errorf("%s: got %v, want READS_ONLY", name, err)
		}
	}
	forge(t, months[0], "DROP TRIGGER full")
	if err := l.Probe(t.Context()); err != nil {
		t.Errorf("it can be written again: %v", err)
	}
	if err := l.Note(t.Context(), asked(3, model.Now())); err != nil {
		t.Error(err)
	}
}
