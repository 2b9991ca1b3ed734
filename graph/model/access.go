package model

import (
	"slices"
	"time"
)

// RequestStatus is where an access request stands; the words are those of the
// AuthZEN access request profile.
type RequestStatus string

// The life of an access request.
const (
	RequestPending   RequestStatus = "PENDING"
	RequestApproved  RequestStatus = "APPROVED"
	RequestDenied    RequestStatus = "DENIED"
	RequestCancelled RequestStatus = "CANCELLED"
	RequestExpired   RequestStatus = "EXPIRED"
)

// AccessRequest asks that a principal may read a product for a purpose and a time.
type AccessRequest struct {
	Meta
	ProductID   ID            `json:"productId"`
	DomainID    ID            `json:"domainId"` // the owning domain, kept for the stewards' list
	RequesterID ID            `json:"requesterId"`
	Purpose     string        `json:"purpose"`
	Duration    time.Duration `json:"duration"` // how long the grant shall last
	Status      RequestStatus `json:"status"`
	DecisionID  ID            `json:"decisionId,omitempty"`
	Approvals   []Approval    `json:"approvals,omitempty"` // what the policy wants
	Votes       []Vote        `json:"votes,omitempty"`
	Reasons     []Reason      `json:"reasons,omitempty"`
	GrantID     ID            `json:"grantId,omitempty"`
	ClosedAt    *time.Time    `json:"closedAt,omitempty"`
}

// Close ends the request; only a pending one can end.
func (r *AccessRequest) Close(to RequestStatus, at time.Time) error {
	if r.Status != RequestPending {
		return Conflict("id", "the request is already "+string(r.Status), "")
	}
	r.Status, r.ClosedAt = to, &at
	return nil
}

// Cast records a vote. A principal votes once for each role the policy named.
func (r *AccessRequest) Cast(v Vote) error {
	if r.Status != RequestPending {
		return Conflict("id", "the request is already "+string(r.Status), "")
	}
	if slices.ContainsFunc(r.Votes, func(o Vote) bool { return o.ApproverID == v.ApproverID && o.Role == v.Role && o.Domain == v.Domain }) {
		return Conflict("id", "this approver has voted already", "")
	}
	r.Votes = append(r.Votes, v)
	return nil
}

// Missing lists the approvals that lack votes, counting every vote as it was
// cast; whether its voter still holds the role is for the room approval.
func (r AccessRequest) Missing() []Approval {
	return Ballot{Approvals: r.Approvals, Votes: r.Votes}.Missing()
}

// GrantStatus is where a grant stands.
type GrantStatus string

// The life of a grant.
const (
	GrantActive  GrantStatus = "ACTIVE"
	GrantExpired GrantStatus = "EXPIRED"
	GrantRevoked GrantStatus = "REVOKED"
)

// Grant is permission to read a product until a date. It is a fact for the
// policy, never a way round it: a policy may still refuse its holder.
type Grant struct {
	Meta
	ProductID    ID          `json:"productId"`
	DomainID     ID          `json:"domainId"`
	PrincipalID  ID          `json:"principalId"`
	RequestID    ID          `json:"requestId,omitempty"`
	Purpose      string      `json:"purpose"`
	Status       GrantStatus `json:"status"`
	StartsAt     time.Time   `json:"startsAt"`
	EndsAt       time.Time   `json:"endsAt"`
	EndedAt      *time.Time  `json:"endedAt,omitempty"`
	RevokedBy    ID          `json:"revokedBy,omitempty"`
	RevokeReason string      `json:"revokeReason,omitempty"`
}

// Live reports whether the grant counts at the time.
func (g Grant) Live(at time.Time) bool {
	return g.Status == GrantActive && !at.Before(g.StartsAt) && at.Before(g.EndsAt)
}

// End closes an active grant.
func (g *Grant) End(to GrantStatus, at time.Time) error {
	if g.Status != GrantActive {
		return Conflict("id", "the grant is already "+string(g.Status), "")
	}
	g.Status, g.EndedAt = to, &at
	return nil
}
