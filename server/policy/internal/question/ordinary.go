package question

import (
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// AnyDomain is asked about when the draft is the platform's own: a domain that
// lives by the template.
const AnyDomain = "contract"

// Ordinary is the question that the cases of the contract are changes of.
func Ordinary(domain model.Slug) Question {
	return Question{
		Action:  model.ActDataRead,
		Subject: Subject{Type: "person", ID: "prn_contract", Name: "outsider", Domain: "contract-elsewhere", Roles: []model.Role{model.RoleEmployee}, Clearance: model.Confidential},
		Resource: Resource{
			Type: "data_product", ID: "dpr_contract", Name: "product", Domain: domain, Owner: "prn_contract_other", Classification: model.Internal,
			Visibility: model.VisibleToAll, Status: string(model.Published), Product: "dpr_contract", Described: true, HasOwner: true, Ports: 1,
		},
		Context: Context{Now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), Purpose: "contract", Duration: 24 * time.Hour, Channel: "graphql"},
	}
}
