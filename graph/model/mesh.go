package model

import (
	"slices"
	"time"
)

// Domain is a part of the business that owns its data.
type Domain struct {
	Meta
	Name        Slug   `json:"name"`
	DisplayName string `json:"displayName"`
	Description string `json:"description,omitempty"`
	ParentID    ID     `json:"parentId,omitempty"`
	StewardIDs  []ID   `json:"stewardIds,omitempty"`
}

// HasSteward reports whether the principal speaks for the domain.
func (d Domain) HasSteward(id ID) bool { return slices.Contains(d.StewardIDs, id) }

// Classification orders data by how much harm its disclosure does.
type Classification string

// The classifications, from harmless to harmful.
const (
	Public       Classification = "PUBLIC"
	Internal     Classification = "INTERNAL"
	Confidential Classification = "CONFIDENTIAL"
	Restricted   Classification = "RESTRICTED"
)

// Visibility tells who may discover a product, which is less than reading it.
type Visibility string

// The visibilities.
const (
	VisibleToAll    Visibility = "COMPANY" // every signed-in principal
	VisibleToDomain Visibility = "DOMAIN"  // members and stewards of the owning domain
)

// ProductStatus is where a data product stands in its life.
type ProductStatus string

// The life of a data product.
const (
	Draft      ProductStatus = "DRAFT"
	Published  ProductStatus = "PUBLISHED"
	Deprecated ProductStatus = "DEPRECATED"
	Retired    ProductStatus = "RETIRED"
)

var productMoves = map[ProductStatus][]ProductStatus{
	Draft:      {Published, Retired},
	Published:  {Deprecated, Retired},
	Deprecated: {Published, Retired},
}

// DataProduct is data that a domain offers to the others.
type DataProduct struct {
	Meta
	Name            Slug           `json:"name"` // unique within its domain
	DomainID        ID             `json:"domainId"`
	DisplayName     string         `json:"displayName"`
	Description     string         `json:"description,omitempty"`
	BusinessContext string         `json:"businessContext,omitempty"`
	OwnerID         ID             `json:"ownerId"` // a principal
	OwnerTeamID     ID             `json:"ownerTeamId,omitempty"`
	Classification  Classification `json:"classification"`
	Visibility      Visibility     `json:"visibility"`
	Tags            []string       `json:"tags,omitempty"`
	Status          ProductStatus  `json:"status"`
	Ports           []Port         `json:"ports,omitempty"`
	PublishedAt     *time.Time     `json:"publishedAt,omitempty"`
	DeprecatedAt    *time.Time     `json:"deprecatedAt,omitempty"` // since when, if it is
	SuccessorID     ID             `json:"successorId,omitempty"`  // what its consumers shall turn to
	Consents        []Consent      `json:"consents,omitempty"`     // what other domains let it offer
	Unconsented     []ID           `json:"unconsented,omitempty"`  // assets that it offers and whose owners have not consented
}

// Consent is the word of the domain that owns an asset: a product of another
// domain may offer it. It holds for that owner; a new owner is asked again.
type Consent struct {
	AssetID  ID        `json:"assetId"`
	DomainID ID        `json:"domainId,omitempty"` // "" is the platform, for what nobody owns
	ChangeID ID        `json:"changeId,omitempty"` // the proposed change that was agreed to
	At       time.Time `json:"at"`
}

// MayOffer reports whether the product may offer the asset: its own domain
// owns it, or the domain that does has consented.
func (p DataProduct) MayOffer(a Asset) bool {
	if a.DomainID != "" && a.DomainID == p.DomainID {
		return true
	}
	return slices.ContainsFunc(p.Consents, func(c Consent) bool { return c.AssetID == a.ID && c.DomainID == a.DomainID })
}

// OnOffer reports whether somebody can read the product.
func (p DataProduct) OnOffer() bool { return p.Status == Published || p.Status == Deprecated }

// PortDirection tells what a port does for its product.
type PortDirection string

// The directions of a port.
const (
	OutputPort PortDirection = "OUTPUT" // what consumers read
	InputPort  PortDirection = "INPUT"  // what the product is made of
)

// Port is one way into or out of a product: a named set of assets.
type Port struct {
	Name        Slug          `json:"name"`
	Direction   PortDirection `json:"direction"`
	Description string        `json:"description,omitempty"`
	AssetIDs    []ID          `json:"assetIds,omitempty"`
}

// Move puts the product into the status, or reports why it cannot go there.
func (p *DataProduct) Move(to ProductStatus, at time.Time) error {
	if !slices.Contains(productMoves[p.Status], to) {
		return Conflict("id", "a "+string(p.Status)+" product cannot become "+string(to), "")
	}
	p.Status, p.DeprecatedAt = to, nil
	switch {
	case to == Deprecated:
		p.DeprecatedAt = &at
	case to == Published && p.PublishedAt == nil:
		p.PublishedAt = &at
	}
	return nil
}

// Assets lists the assets of all ports of the direction, each once.
func (p DataProduct) Assets(direction PortDirection) []ID {
	var ids []ID
	for _, port := range p.Ports {
		if port.Direction != direction {
			continue
		}
		for _, id := range port.AssetIDs {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
