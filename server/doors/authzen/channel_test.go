package authzen_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestTheChannelIsThisDoor reads from the logged inputs by which door the rules
// saw the questions come: the one that was put, and the one whether its caller
// may ask.
func TestTheChannelIsThisDoor(t *testing.T) {
	w := newWorld(t)
	w.post("gateway", "/access/v1/evaluation", `{"subject":{"type":"user","id":"ana"},"action":{"name":"data.read"},"resource":{"type":"data_product","id":"sales/orders"}}`)
	w.post("plain", "/access/v1/evaluation", `{"subject":{"type":"user","id":"ana"},"action":{"name":"data.read"},"resource":{"type":"data_product","id":"sales/orders"}}`)
	seen := map[model.Action]bool{}
	for d, err := range store.Decisions.All(t.Context(), w.Store, store.Query{Index: "by_time"}) {
		must(t, err)
		channel := "command" // the world was made without a door
		if d.Action == model.ActDataRead || d.Action == model.ActDecisionAsk {
			channel, seen[d.Action] = "authzen", true
		}
		if !strings.Contains(string(d.Input), `"channel":"`+channel+`"`) {
			t.Errorf("%s: want the channel %s: %s", d.Action, channel, d.Input)
		}
	}
	if len(seen) != 2 {
		t.Errorf("got decisions of %v", seen)
	}
}
