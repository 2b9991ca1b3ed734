package decisionlog_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// A row says who asked about somebody else, and nothing more than before when
// people asked for themselves: rows from before it could are rows like these.
func TestWhoAsked(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		t.Helper()
		c := newClock()
		l := open(t, decisionlog.Config{URI: uri, Now: c.now})
		own, other := asked(1, c.now()), asked(2, c.now())
		other.AskedBy = "prn_\"gateway\""
		for _, d := range []model.DecisionRecord{own, other} {
			if err := l.Append(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range []model.DecisionRecord{own, other} {
			got, err := l.Get(t.Context(), d.ID)
			if diff := cmp.Diff(d.AskedBy, got.AskedBy); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		}
		mustVerify(t, l, 2)
		lines := exported(t, l, decisionlog.Filter{})
		if strings.Contains(lines[0], "asked_by") {
			t.Errorf("got %s", lines[0])
		}
		for i, want := range []model.ID{own.PrincipalID, other.AskedBy} {
			var line theirEvent
			if err := json.Unmarshal([]byte(lines[i]), &line); err != nil || line.RequestedBy != string(want) {
				t.Errorf("row %d was requested by %q, %v, want %q", i, line.RequestedBy, err, want)
			}
		}
		var e decisionlog.Event
		if err := json.Unmarshal([]byte(lines[1]), &e); err != nil || e.Souk.AskedBy != other.AskedBy || e.Souk.Principal != other.PrincipalID {
			t.Errorf("got %+v, %v", e.Souk, err)
		}
	})
}
