package harvest

import (
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/server/harvest/form"
)

// What a run keeps of its notes.
const (
	maxCodes   = 50
	maxSamples = 20
	maxText    = 2048 // of a message
	maxSample  = 300
)

// codeOther counts the notes that are beyond maxCodes.
const codeOther = "other_notes"

// notes counts the remarks of a run by their code, with a few samples of each.
type notes []model.RunNote

// note adds a remark of the plugin.
func (n notes) note(remark sdk.Note) notes {
	r := model.RunNote{Level: string(remark.Level), Code: remark.Code, Title: remark.Title, Count: 1}
	if remark.Sample != "" {
		r.Samples = []string{remark.Sample}
	}
	return n.add(r)
}

// add counts remarks of one code. The result shares nothing that a reader of
// an earlier state may hold.
func (n notes) add(r model.RunNote) notes {
	out := slices.Clone(n)
	i := slices.IndexFunc(out, func(o model.RunNote) bool { return o.Code == r.Code && o.Level == r.Level })
	if i < 0 && len(out) >= maxCodes-1 {
		r = model.RunNote{Level: "warn", Code: codeOther, Title: "Notes of more kinds than are kept.", Count: r.Count}
		i = slices.IndexFunc(out, func(o model.RunNote) bool { return o.Code == codeOther })
	}
	if i < 0 {
		out = append(out, model.RunNote{Level: r.Level, Code: clip(r.Code, maxSample), Title: clip(r.Title, maxText)})
		i = len(out) - 1
	}
	kept := &out[i]
	kept.Count += r.Count
	kept.Samples = slices.Clone(kept.Samples)
	for _, sample := range r.Samples {
		if sample = clip(sample, maxSample); len(kept.Samples) < maxSamples && !slices.Contains(kept.Samples, sample) {
			kept.Samples = append(kept.Samples, sample)
		}
	}
	return out
}

func clip(text string, limit int) string { return form.Clip(text, limit) }
