package harvest_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOneOperationReadsOnce counts what an operation reads of the store: who
// asks and what they hold once, however many questions the operation puts.
func TestOneOperationReadsOnce(t *testing.T) {
	var counted *enginetest.Counted
	w := newWorld(t, func(c *harvest.Config) {
		counted = &enginetest.Counted{Store: c.Store}
		c.Store, c.Gate = counted, gate.New(counted, servertest.Shipped(t), model.Now, nil)
	})
	var source model.Source
	counted.Hold(t, []enginetest.Operation{
		{Name: "create a source", Reads: 3, Do: func() (err error) {
			source, err = w.CreateSource(w.ctx, harvest.NewSource{Name: "shop", DomainID: w.domain.ID, Plugin: "script", Config: w.scripted()})
			return
		}},
		{Name: "rename a source", Reads: 4, Do: func() (err error) {
			name := model.Slug("store")
			source, err = w.UpdateSource(w.ctx, harvest.SourceEdit{ID: source.ID, Name: &name})
			return
		}},
		{Name: "configure a source anew", Reads: 4, Do: func() (err error) {
			config := w.scripted()
			source, err = w.UpdateSource(w.ctx, harvest.SourceEdit{ID: source.ID, Config: &config})
			return
		}},
		{Name: "what somebody can do with a source", Reads: 3, Do: func() (err error) {
			_, err = w.Can(w.ctx, source.ID, model.ActSourceAdmin)
			return
		}},
		{Name: "remove a source", Reads: 6, Do: func() (err error) {
			_, err = w.RemoveSource(w.ctx, source.ID, nil)
			return
		}},
		{Name: "restore a source", Reads: 3, Do: func() (err error) {
			_, err = w.RestoreSource(w.ctx, source.ID, "")
			return
		}},
	}...)
}
