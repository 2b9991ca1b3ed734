package harvest_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/servertest"
)

// byDay lets nothing be done to sources by the server's own schedule.
const byDay = `package souk.platform

import rego.v2

deny contains {"code": "night", "message": "Not by the schedule."} if {
	input.action.name == "source.admin"
	input.context.channel == "schedule"
}
`

// TestRunsAskByTheDoorOfTheirStart runs a source whose secret is bound to nobody,
// so that whoever set it up is asked for when the run begins to work.
func TestRunsAskByTheDoorOfTheirStart(t *testing.T) {
	t.Setenv("SOUK_TEST_SECRET_SHOP", canary)
	engine := servertest.Under(t, map[string]string{"platform/by_day.rego": byDay})
	w := newWorld(t, func(c *harvest.Config) {
		c.Bindings, c.Gate = nil, gate.New(c.Store, engine, model.Now, nil)
	})
	n := w.shown("shop", "env:SOUK_TEST_SECRET_SHOP", ours)
	source, err := w.CreateSource(w.admin, n)
	if err != nil {
		t.Fatal(err)
	}
	writeScript(t, w.script, "table public orders id", "done public")
	for _, c := range []struct {
		channel model.Channel
		started bool
	}{{model.ChannelGraphQL, true}, {model.ChannelCommand, true}, {model.ChannelSchedule, false}} {
		run, err := w.Start(model.WithChannel(w.admin, c.channel), source.ID, "manual")
		if c.started != (err == nil) {
			t.Fatalf("%s: got %v", c.channel, err)
		}
		if !c.started {
			continue
		}
		if run = w.wait(run); run.Status != model.RunSucceeded {
			t.Errorf("%s: the run ended as %s: %+v", c.channel, run.Status, run.Failure)
		}
	}
}
