package harvest

import (
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
)

// foresee notes what a run would write of the batch, and gives how many assets
// it would create. What a preview has found in an earlier batch is not stored,
// so that an edge which leads to it finds it new again.
func (c *collector) foresee(found *catalog.Result) (created int) {
	fresh := slices.DeleteFunc(slices.Clone(found.New), func(r catalog.Ref) bool { return c.foreseen[r] })
	for _, ref := range fresh {
		c.foreseen[ref] = true
	}
	c.foreknow("would_create", "A run would create these assets.", fresh)
	c.foreknow("would_change", "A run would change these assets: the source says something else of them, or of their tests, than before.", found.Changed)
	return len(fresh)
}

func (c *collector) foreknow(code, title string, refs []catalog.Ref) {
	if len(refs) == 0 {
		return
	}
	note := model.RunNote{Level: "info", Code: code, Title: title, Count: len(refs)}
	for _, ref := range refs[:min(len(refs), maxSamples)] {
		note.Samples = append(note.Samples, ref.Name)
	}
	c.remark(note)
}

// wouldRetire names what a run would take back.
func wouldRetire(gone catalog.RetireResult) []model.RunNote {
	names := slices.Concat(gone.Gone, gone.Named)
	if len(names) == 0 {
		return nil
	}
	return []model.RunNote{{
		Level: "info", Code: "would_retire", Count: len(names), Samples: names,
		Title: "A run would take these assets for gone: the source shows them no longer. One that another source still shows or names stays.",
	}}
}
