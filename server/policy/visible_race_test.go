package policy_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/policytest"
)

// TestViewsAtOnce looks at rows for many askers at once, for the first time,
// while others are asked about: under -race it shows whatever they share.
func TestViewsAtOnce(t *testing.T) {
	e := engine(t)
	r := rand.New(rand.NewPCG(3, 3))
	if _, err := e.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: policytest.Domain(r, "sales", true)}); err != nil {
		t.Fatal(err)
	}
	s := e.Snapshot()
	var work sync.WaitGroup
	for range 8 {
		q := policy.Question{Action: model.ActMetadataView, Subject: policytest.Subject(r), Context: policy.Context{Now: policytest.Noon, Channel: "graphql"}}
		rows := make([]policy.Resource, 40)
		for i := range rows {
			rows[i] = policytest.Resource(r, "data_product", "")
		}
		work.Go(func() {
			q.Resource.Type = "data_product"
			view := s.View(t.Context(), q)
			for _, row := range rows {
				q.Resource = row
				if c := view.Of(row.Domain); c != nil && c.Holds(&q) != s.Decide(t.Context(), q).Allowed() {
					t.Errorf("the filter and the decision differ about %+v", q)
				}
			}
		})
	}
	work.Wait()
}
