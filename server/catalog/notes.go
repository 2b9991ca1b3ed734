package catalog

import (
	"maps"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// maxSamples is how many particulars a note keeps.
const maxSamples = 5

// notes counts remarks by their code.
type notes map[string]*model.RunNote

func (n notes) add(note model.RunNote, sample string) {
	have, exists := n[note.Code]
	if !exists {
		have = &note
		n[note.Code] = have
	}
	have.Count++
	if sample != "" && len(have.Samples) < maxSamples && !slices.Contains(have.Samples, sample) {
		have.Samples = append(have.Samples, sample)
	}
}

// flaw notes what is wrong with a name. A name that holds a secret is no sample of itself.
func (n notes) flaw(f flaw, ref Ref) {
	note := model.RunNote{Level: "warn", Code: string(f)}
	switch f {
	case redacted:
		note.Title = "A namespace held a password, which was taken out; take it out of the source's configuration too."
		n.add(note, ref.Namespace)
	case hostUnknown:
		note.Title = "A namespace does not say which host it means, so its assets meet those of no other source."
		n.add(note, ref.Name)
	case holdsSecret:
		note.Title = "A name held a password or a whole document and was refused."
		n.add(note, "")
	case badName:
		note.Title = "A name is empty, too long or not text, and was refused."
		n.add(note, "")
	default:
	}
}

func (n notes) list() []model.RunNote {
	var list []model.RunNote
	for _, code := range slices.Sorted(maps.Keys(n)) {
		list = append(list, *n[code])
	}
	return list
}
