package audit_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOneOperationReadsOnce counts what an operation reads of the store: the
// decisions, what they are about, and who asks and what they hold once.
func TestOneOperationReadsOnce(t *testing.T) {
	w := newWorld(t)
	w.explaining()
	id := w.refused("dan")
	counted := &enginetest.Counted{Store: w.Store}
	s := audit.New(counted, gate.New(counted, servertest.Shipped(t), model.Now, nil), nil, w.rules)
	explain := func() error {
		_, err := s.Explain(w.As("dan"), id)
		return err
	}
	inputs := func() error {
		d, err := s.Decision(w.As("dan"), id)
		if err != nil {
			return err
		}
		_, err = s.Inputs(w.As("dan"), d)
		return err
	}
	counted.Hold(t,
		enginetest.Operation{Name: "the first explanation, which learns the names of domains", Reads: 6, Do: explain},
		enginetest.Operation{Name: "an explanation", Reads: 4, Do: explain},
		enginetest.Operation{Name: "the question of a decision", Reads: 6, Do: inputs},
	)
}
