package model

import (
	"slices"
	"time"
)

// ChangeKind is what a proposed change does.
type ChangeKind string

// The kinds of proposed change.
const (
	ChangePublish  ChangeKind = "PUBLISH"  // puts a product on offer
	ChangeUpdate   ChangeKind = "UPDATE"   // changes what publishing a product was asked about
	ChangeConsent  ChangeKind = "CONSENT"  // lets a product go on offering what another domain owns
	ChangeStewards ChangeKind = "STEWARDS" // names stewards of a domain
)

// ChangeStatus is where a proposed change stands.
type ChangeStatus string

// The life of a proposed change.
const (
	ChangePending   ChangeStatus = "PENDING"   // votes are missing; what is in force stays
	ChangeApplied   ChangeStatus = "APPLIED"   // it is in force
	ChangeRejected  ChangeStatus = "REJECTED"  // an approver, or the policies, refused it
	ChangeWithdrawn ChangeStatus = "WITHDRAWN" // its proposer took it back
	ChangeOvertaken ChangeStatus = "OVERTAKEN" // what it would change has ended
)

// ProposedChange is a change that waits for votes. What it would change stays
// as it is until they are there.
type ProposedChange struct {
	Meta
	SubjectID  ID           `json:"subjectId"` // the product or the domain
	DomainID   ID           `json:"domainId"`
	Kind       ChangeKind   `json:"kind"`
	ProposerID ID           `json:"proposerId"`
	Fields     []string     `json:"fields,omitempty"`     // of the product that differ
	Product    *DataProduct `json:"product,omitempty"`    // as it shall be
	StewardIDs []ID         `json:"stewardIds,omitempty"` // the new ones
	Status     ChangeStatus `json:"status"`
	DecisionID ID           `json:"decisionId,omitempty"`
	Approvals  []Approval   `json:"approvals,omitempty"` // what the policies want
	Votes      []Vote       `json:"votes,omitempty"`
	Reasons    []Reason     `json:"reasons,omitempty"`
	ClosedAt   *time.Time   `json:"closedAt,omitempty"`
}

// Close ends the change; only a pending one can end.
func (c *ProposedChange) Close(to ChangeStatus, at time.Time) error {
	if c.Status != ChangePending {
		return Conflict("id", "the change is already "+string(c.Status), "")
	}
	c.Status, c.ClosedAt = to, &at
	return nil
}

// UniteApprovals joins what is wanted: for one role over one domain the most votes.
func UniteApprovals(lists ...[]Approval) []Approval {
	var all []Approval
	for _, a := range slices.Concat(lists...) {
		i := slices.IndexFunc(all, func(o Approval) bool { return o.Role == a.Role && o.Domain == a.Domain })
		if i < 0 {
			all = append(all, a)
			continue
		}
		all[i].Min = max(all[i].Min, a.Min)
		all[i].ExcludeRequester = all[i].ExcludeRequester || a.ExcludeRequester
	}
	return all
}

var classRank = map[Classification]int{Public: 0, Internal: 1, Confidential: 2, Restricted: 3}

// Loosens reports whether more people could find or read the product after the change.
func (p DataProduct) Loosens(to DataProduct) bool {
	return classRank[to.Classification] < classRank[p.Classification] || p.Visibility == VisibleToDomain && to.Visibility != VisibleToDomain
}

// Differs lists the fields of the product in which the other one differs.
func (p DataProduct) Differs(o DataProduct) []string {
	var fields []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"displayName", p.DisplayName == o.DisplayName},
		{"description", p.Description == o.Description},
		{"businessContext", p.BusinessContext == o.BusinessContext},
		{"ownerId", p.OwnerID == o.OwnerID},
		{"ownerTeamId", p.OwnerTeamID == o.OwnerTeamID},
		{"classification", p.Classification == o.Classification},
		{"visibility", p.Visibility == o.Visibility},
		{"tags", slices.Equal(p.Tags, o.Tags)},
		{"ports", slices.EqualFunc(p.Ports, o.Ports, samePort)},
		{"domainId", p.DomainID == o.DomainID},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

func samePort(a, b Port) bool {
	return a.Name == b.Name && a.Direction == b.Direction && a.Description == b.Description && slices.Equal(a.AssetIDs, b.AssetIDs)
}

// Asked reports whether publishing was asked about one of the fields.
func Asked(fields []string) bool {
	return slices.ContainsFunc(fields, func(f string) bool {
		return !slices.Contains([]string{"displayName", "businessContext", "tags"}, f)
	})
}

// Take copies the fields from the other product.
func (p *DataProduct) Take(o DataProduct, fields []string) {
	for _, f := range fields {
		switch f {
		case "displayName":
			p.DisplayName = o.DisplayName
		case "description":
			p.Description = o.Description
		case "businessContext":
			p.BusinessContext = o.BusinessContext
		case "ownerId":
			p.OwnerID = o.OwnerID
		case "ownerTeamId":
			p.OwnerTeamID = o.OwnerTeamID
		case "classification":
			p.Classification = o.Classification
		case "visibility":
			p.Visibility = o.Visibility
		case "tags":
			p.Tags = o.Tags
		case "ports":
			p.Ports = o.Ports
		case "domainId":
			p.DomainID = o.DomainID
		}
	}
}
