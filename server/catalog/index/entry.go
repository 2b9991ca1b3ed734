package index

import (
	"strings"
	"unique"

	"github.com/souk-mesh/souk/graph/model"
)

// Kind is a kind of thing that is found.
type Kind string

// The kinds of thing that are found.
const (
	Asset   Kind = "ASSET"
	Product Kind = "DATA_PRODUCT"
	Domain  Kind = "DOMAIN"
)

// Part is where in a thing words stand, as bits.
type Part uint8

// The parts.
const (
	InName Part = 1 << iota
	InTags
	InDescription
	InFields
	allParts = 1<<iota - 1
)

// Entry is what the index knows of one thing: enough to filter hits by what
// the rules say of their kind, without reading them.
type Entry struct {
	Kind      Kind
	ID        model.ID
	Domain    model.ID
	Name      string // for the order of equal scores
	Status    model.AssetStatus
	Tags      []string
	Described bool // it has a description
}

// entry is an Entry with what ranks it.
type entry struct {
	Entry
	folded string // the name in lower case
	short  string // the short name in lower case, for exact and prefix matches
	boost  float64
	words  []uint32 // the numbers of its words
}

// draft is an entry with its words, before the index has them.
type draft struct {
	entry
	parts map[string]Part
}

// newDraft begins an entry. Its texts are copied, since those of a noun keep
// the whole document alive that they were read from.
func newDraft(kind Kind, id, domain model.ID, short, name string) draft {
	e := entry{boost: 1, Entry: Entry{Kind: kind, ID: model.ID(strings.Clone(string(id))), Domain: model.ID(own(string(domain))), Name: strings.Clone(name)}}
	e.folded, e.short = strings.ToLower(e.Name), strings.ToLower(short)
	if tail, ok := strings.CutSuffix(e.folded, e.short); ok {
		e.short = e.folded[len(tail):]
	} else {
		e.short = strings.Clone(e.short)
	}
	d := draft{entry: e, parts: map[string]Part{}}
	d.add(InName, short, name)
	return d
}

// own copies a text that many entries have, and gives them all the same one.
func own(text string) string { return unique.Make(text).Value() }

func (d *draft) add(where Part, texts ...string) {
	for _, text := range texts {
		wordsIn(text, func(w string) {
			if _, there := d.parts[w]; there || len(d.parts) < maxWords {
				d.parts[w] |= where
			}
		})
	}
}

func ofAsset(a model.Asset) draft {
	d := newDraft(Asset, a.ID, a.DomainID, a.ShortName, a.Name)
	d.add(InTags, a.Tags...)
	d.add(InTags, a.Owners...)
	d.add(InTags, a.OwnerRoles...)
	d.add(InDescription, a.Description)
	for _, f := range a.Fields {
		d.add(InFields, f.Name, f.Description)
		d.add(InTags, f.Tags...)
	}
	d.Status, d.Described = model.AssetStatus(own(string(a.Status))), a.Description != ""
	for _, tag := range a.Tags {
		d.Tags = append(d.Tags, own(tag))
	}
	switch a.Status {
	case model.AssetRetired:
		d.boost = 0.25
	case model.AssetUnresolved:
		d.boost = 0.5
	case model.AssetActive:
	}
	return d
}

func ofProduct(p model.DataProduct) draft {
	d := newDraft(Product, p.ID, p.DomainID, string(p.Name), string(p.Name))
	d.add(InName, p.DisplayName)
	d.add(InTags, p.Tags...)
	d.add(InDescription, p.Description, p.BusinessContext)
	if d.boost = 1.1; p.Status == model.Retired { // what a domain offers goes before what it is made of
		d.boost = 0.25
	}
	return d
}

func ofDomain(n model.Domain) draft {
	d := newDraft(Domain, n.ID, n.ID, string(n.Name), string(n.Name))
	d.add(InName, n.DisplayName)
	d.add(InDescription, n.Description)
	return d
}
