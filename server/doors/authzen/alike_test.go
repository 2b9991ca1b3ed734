package authzen_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
)

// about is a batch with alice or ana about resources.
func about(who, action string, names ...string) string {
	items := make([]string, len(names))
	for i, name := range names {
		items[i] = fmt.Sprintf(`{"resource":{"type":"data_product","id":%q}}`, name)
	}
	return fmt.Sprintf(`{"subject":{"type":"user","id":%q},"action":{"name":%q},"context":{"purpose":"x"},"evaluations":[%s]}`, who, action, strings.Join(items, ","))
}

// TestBatchOfManyAnswersAsOneByOne asks about products that differ in their names,
// their class, and in being there at all: each item has the answer that it has alone.
func TestBatchOfManyAnswersAsOneByOne(t *testing.T) {
	w := newWorld(t)
	names := []string{"sales/orders", "sales/nothing", "certification/nothing"}
	for i, class := range []model.Classification{model.Public, model.Internal, model.Internal, model.Restricted} {
		p, err := w.Mesh.CreateProduct(w.As("ana"), mesh.NewProduct{Name: model.Slug(fmt.Sprint("more_", i)), DomainID: w.Domains["sales"].ID, Description: "More.", Classification: class})
		must(t, err)
		names = append(names, "sales/"+string(p.Name))
	}
	for _, who := range []string{"ana", "alice", "bob", "nobody"} {
		for _, action := range []string{"metadata.view", "data.read", "access.request", "product.publish", "product.update", "open"} {
			together := w.post("gateway", "/access/v1/evaluations", about(who, action, names...))
			for i, name := range names {
				alone := w.post("gateway", "/access/v1/evaluations", about(who, action, name))
				got, want := together.body.Evaluations[i], alone.body.Evaluations[0]
				delete(got.Context, "decision_id")
				delete(want.Context, "decision_id")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s, %s: %s", who, action, name, diff)
				}
			}
		}
	}
}

// TestOnlyWhatIsSeenIsDecidedTogether counts how often the rules are asked: once
// for what the subject may know of, and each time for what is hidden and for what
// does not exist, which nobody can tell apart so.
func TestOnlyWhatIsSeenIsDecidedTogether(t *testing.T) {
	w := newWorld(t)
	var there, nothing []string
	for i := range 5 {
		p, err := w.Mesh.CreateProduct(w.As("ana"), mesh.NewProduct{Name: model.Slug(fmt.Sprint("more_", i)), DomainID: w.Domains["sales"].ID, Description: "More.", Classification: model.Internal})
		must(t, err)
		there, nothing = append(there, "sales/"+string(p.Name)), append(nothing, fmt.Sprint("sales/nothing_", i))
	}
	asked := func(who string, names []string) int64 {
		t.Helper()
		body := about(who, "data.read", names...)
		w.post("gateway", "/access/v1/evaluations", body) // what is remembered for good is read now
		before := w.Engine.Decided()
		got := w.post("gateway", "/access/v1/evaluations", body)
		if text, _ := json.Marshal(got.body.Evaluations); strings.Contains(string(text), `"decision_id"`) != (who == "ana") {
			t.Errorf("%s: %s", who, text)
		}
		return w.Engine.Decided() - before
	}
	if seen, hidden, absent := asked("ana", there), asked("alice", there), asked("alice", nothing); seen != 1 || hidden != 5 || absent != 5 {
		t.Errorf("the rules were asked %d times for what is seen, %d for what is hidden and %d for what is not there; want 1, 5 and 5", seen, hidden, absent)
	}
}
