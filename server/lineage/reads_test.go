package lineage_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOneOperationReadsOnce counts what a walk reads of the store: who asks and
// what they hold once, and for each level its edges, its assets and what offers
// them.
func TestOneOperationReadsOnce(t *testing.T) {
	w := newWorld(t)
	w.observe("src_1", w.flows("a>b a>c b>d c>d d>e"))
	counted := &enginetest.Counted{Store: w.store}
	l := lineage.New(counted, gate.New(counted, servertest.Shipped(t), model.Now, nil))
	walk := func(depth int) func() error {
		return func() (err error) {
			_, err = l.Walk(w.ana(), lineage.WalkQuery{RootID: id("a"), Direction: model.Downstream, Depth: depth, MaxNodes: 100})
			return
		}
	}
	counted.Hold(t,
		enginetest.Operation{Name: "the first walk, which learns the names of domains", Reads: 10, Do: walk(1)},
		enginetest.Operation{Name: "one level", Reads: 9, Do: walk(1)},
		enginetest.Operation{Name: "three levels", Reads: 15, Do: walk(3)},
	)
}
