package mesh

import "github.com/souk-mesh/souk/graph/model"

// NewDomain is a domain to make. Without a DisplayName one is made from its Name.
type NewDomain struct {
	Name        model.Slug
	DisplayName string
	Description string
	ParentID    model.ID
	StewardIDs  []model.ID
}

// DomainEdit changes a domain; what is nil stays as it is.
type DomainEdit struct {
	ID               model.ID
	DisplayName      *string
	Description      *string
	ParentID         *model.ID
	StewardIDs       *[]model.ID
	ExpectedRevision *model.Revision
}

// DomainFilter narrows a list of domains.
type DomainFilter struct {
	ParentID *model.ID // only those directly below it; "" means those at the top
}

// NewTeam is a team to make. Without a DisplayName one is made from its Name.
type NewTeam struct {
	Name        model.Slug
	DisplayName string
	DomainID    model.ID
}

// NewProduct is a data product to make, as a draft. Left out, the DisplayName
// is made from the Name, the owner is the actor, the classification INTERNAL
// and the visibility COMPANY.
type NewProduct struct {
	Name            model.Slug
	DomainID        model.ID
	DisplayName     string
	Description     string
	BusinessContext string
	OwnerID         model.ID
	OwnerTeamID     model.ID
	Classification  model.Classification
	Visibility      model.Visibility
	Tags            []string
	Ports           []model.Port
}

// ProductEdit changes a data product; what is nil stays as it is.
type ProductEdit struct {
	ID               model.ID
	DisplayName      *string
	Description      *string
	BusinessContext  *string
	OwnerID          *model.ID
	OwnerTeamID      *model.ID
	Classification   *model.Classification
	Visibility       *model.Visibility
	Tags             *[]string
	Ports            *[]model.Port
	ExpectedRevision *model.Revision
}

// ProductFilter narrows a list of data products; empty fields do not.
type ProductFilter struct {
	DomainID model.ID
	Status   model.ProductStatus
	AssetID  model.ID // only those with a port over it
}
