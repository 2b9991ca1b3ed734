package question

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// Metadata is everything that standards get to know about one noun. Exactly
// one of Product, Asset and Domain is there, as Type says. Ages are whole
// hours, and -1 where there is nothing to be old.
type Metadata struct {
	V       int              `json:"v"`
	Type    string           `json:"type"` // data_product, asset, domain
	Product *ProductMetadata `json:"product,omitempty"`
	Asset   *AssetMetadata   `json:"asset,omitempty"`
	Domain  *DomainMetadata  `json:"domain,omitempty"`
}

// The types of noun that standards look at.
const (
	TypeProduct = "data_product"
	TypeAsset   = "asset"
	TypeDomain  = "domain"
)

// ProductMetadata is a data product as standards see it.
type ProductMetadata struct {
	ID              model.ID             `json:"id"`
	Name            model.Slug           `json:"name"`
	Domain          model.Slug           `json:"domain"`
	DisplayName     string               `json:"display_name"`
	Description     string               `json:"description"`
	BusinessContext string               `json:"business_context"`
	Owner           string               `json:"owner"` // the sign-in name; "" when there is none
	OwnerSuspended  bool                 `json:"owner_suspended"`
	OwnerTeam       string               `json:"owner_team"`
	Classification  model.Classification `json:"classification"`
	Visibility      model.Visibility     `json:"visibility"`
	Status          model.ProductStatus  `json:"status"`
	Tags            []string             `json:"tags"`
	Ports           []PortMetadata       `json:"ports"`
}

// PortMetadata is a port with what it carries.
type PortMetadata struct {
	Name        model.Slug          `json:"name"`
	Direction   model.PortDirection `json:"direction"`
	Description string              `json:"description"`
	Assets      []AssetSummary      `json:"assets"`
}

// AssetSummary is an asset as its product shows it. Its fields are counted and
// not listed: a product may carry a hundred thousand.
type AssetSummary struct {
	ID              model.ID          `json:"id"`
	Name            string            `json:"name"`
	Kind            model.AssetKind   `json:"kind"`
	Status          model.AssetStatus `json:"status"`
	Platform        string            `json:"platform"`
	Domain          model.Slug        `json:"domain"`
	Description     string            `json:"description"`
	Owners          []string          `json:"owners"`
	Tags            []string          `json:"tags"`
	FieldCount      int               `json:"field_count"`
	FieldsDescribed int               `json:"fields_described"`
	HarvestAge      int               `json:"harvest_age_h"` // since a source that shows it was last harvested well
	Unlisted        bool              `json:"unlisted"`      // no source that held or built it lists its place any more
	Quality         QualityMetadata   `json:"quality"`
}

// QualityMetadata sums up the quality rules of an asset.
type QualityMetadata struct {
	Rules   int `json:"rules"`
	Failing int `json:"failing"`
	Age     int `json:"age_h"` // since the latest result
}

// AssetMetadata is an asset with its fields.
type AssetMetadata struct {
	AssetSummary
	Fields []FieldMetadata `json:"fields"`
}

// FieldMetadata is one column.
type FieldMetadata struct {
	Name        string            `json:"name"`
	Type        string            `json:"type"`
	Description string            `json:"description"`
	Tags        []string          `json:"tags"`
	Meta        map[string]string `json:"meta"` // such as the classification that a dbt project gives it
}

// DomainMetadata is a domain as standards see it.
type DomainMetadata struct {
	ID          model.ID   `json:"id"`
	Name        model.Slug `json:"name"`
	DisplayName string     `json:"display_name"`
	Description string     `json:"description"`
	Parent      model.Slug `json:"parent"`
	Stewards    int        `json:"stewards"`
}

// ID names the noun.
func (m Metadata) ID() model.ID {
	switch {
	case m.Product != nil:
		return m.Product.ID
	case m.Asset != nil:
		return m.Asset.ID
	case m.Domain != nil:
		return m.Domain.ID
	}
	return ""
}

// MetadataSchema describes the input of standards, so that a misspelt field is
// an error of the compiler.
func MetadataSchema() *ast.SchemaSet {
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, strict(metadataFields()))
	return set
}

func metadataFields() map[string]any {
	return map[string]any{
		"v": kind("integer"), "type": kind("string"),
		"product": strict(merge(
			fieldsOf("string", "id", "name", "domain", "display_name", "description", "business_context", "owner", "owner_team", "classification", "visibility", "status"),
			fieldsOf("boolean", "owner_suspended"), textsOf("tags"),
			lists("ports", merge(fieldsOf("string", "name", "direction", "description"), lists("assets", summaryFields()))))),
		"asset":  strict(merge(summaryFields(), lists("fields", merge(fieldsOf("string", "name", "type", "description"), textsOf("tags"), map[string]any{"meta": anything})))),
		"domain": strict(merge(fieldsOf("string", "id", "name", "display_name", "description", "parent"), fieldsOf("integer", "stewards"))),
	}
}

func summaryFields() map[string]any {
	return merge(
		fieldsOf("string", "id", "name", "kind", "status", "platform", "domain", "description"), textsOf("owners", "tags"),
		fieldsOf("integer", "field_count", "fields_described", "harvest_age_h"), fieldsOf("boolean", "unlisted"),
		map[string]any{"quality": strict(fieldsOf("integer", "rules", "failing", "age_h"))})
}

func lists(name string, of map[string]any) map[string]any {
	return map[string]any{name: map[string]any{"type": "array", "items": strict(of)}}
}

// Value builds the input of the standards.
func (m Metadata) Value() (ast.Value, error) {
	m.V = InputVersion
	written, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the input of the standards: %w", err)
	}
	v, err := ast.ValueFromReader(strings.NewReader(string(written)))
	if err != nil {
		return nil, fmt.Errorf("read the input of the standards: %w", err)
	}
	return v, nil
}
