package catalog

import (
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// document is what the index knows of one thing.
type document struct {
	kind   SearchKind
	id     model.ID
	domain model.ID
	short  string // lower-case, for exact and prefix matches
	name   string // for the order of equal scores
	boost  float64
	row    policy.Resource     // of an asset: what policies may know, but for its domain's name and its products
	words  map[string]textPart // until the index has them
	terms  []*term             // from then on
}

func (d *document) add(where textPart, texts ...string) {
	for _, text := range texts {
		for _, w := range wordsIn(text) {
			if len(d.words) < maxWords {
				d.words[w] |= where
			}
		}
	}
}

func newDocument(kind SearchKind, id, domain model.ID, short, name string) *document {
	d := &document{kind: kind, id: id, domain: domain, short: strings.ToLower(short), name: name, boost: 1, words: map[string]textPart{}}
	d.add(inName, short, name)
	return d
}

func assetDocument(a model.Asset) *document {
	d := newDocument(HitAsset, a.ID, a.DomainID, a.ShortName, a.Name)
	d.add(inTags, a.Tags...)
	d.add(inTags, a.Owners...)
	d.add(inTags, a.OwnerRoles...)
	d.add(inDescription, a.Description)
	for _, f := range a.Fields {
		d.add(inFields, f.Name, f.Description)
		d.add(inTags, f.Tags...)
	}
	d.row = policy.Resource{Type: "asset", ID: a.ID, Name: a.Name, Status: string(a.Status), Tags: a.Tags, Described: a.Description != ""}
	switch a.Status {
	case model.AssetRetired:
		d.boost = 0.25
	case model.AssetUnresolved:
		d.boost = 0.5
	case model.AssetActive:
	}
	return d
}

func productDocument(p model.DataProduct) *document {
	d := newDocument(HitProduct, p.ID, p.DomainID, string(p.Name), string(p.Name))
	d.add(inName, p.DisplayName)
	d.add(inTags, p.Tags...)
	d.add(inDescription, p.Description, p.BusinessContext)
	if d.boost = 1.1; p.Status == model.Retired { // what a domain offers goes before what it is made of
		d.boost = 0.25
	}
	return d
}

func domainDocument(n model.Domain) *document {
	d := newDocument(HitDomain, n.ID, n.ID, string(n.Name), string(n.Name))
	d.add(inName, n.DisplayName)
	d.add(inDescription, n.Description)
	return d
}
