package model

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// SourceRole says by which role of a source's system a principal reads there, or
// all members of a team do. An administrator of the source has named it; nothing
// guesses one.
type SourceRole struct {
	Meta
	SourceID    ID     `json:"sourceId"`
	DomainID    ID     `json:"domainId"`              // of the source
	PrincipalID ID     `json:"principalId,omitempty"` // either this
	TeamID      ID     `json:"teamId,omitempty"`      // or this
	Role        string `json:"role"`
}

// Holder is the principal or the team.
func (r SourceRole) Holder() ID { return cmp.Or(r.PrincipalID, r.TeamID) }

// SourceGrantState is where a grant stands in the source.
type SourceGrantState string

// The states of a grant in the source.
const (
	SourceGrantPending SourceGrantState = "PENDING" // it is to be given or taken away, and is not yet
	SourceGrantApplied SourceGrantState = "APPLIED" // the source has it
	SourceGrantFailed  SourceGrantState = "FAILED"  // somebody has to act; it is tried again from time to time
	SourceGrantRevoked SourceGrantState = "REVOKED" // the source has it no more
	SourceGrantUnknown SourceGrantState = "UNKNOWN" // the source has it from Souk, and no record says what for
)

// SourceGrant is what one grant means for one asset in one source: the right
// that the source shall have, the one that it may have, and how far it has come.
// What a team's role is given comes of the grants of all its members on a product,
// and what nobody knows of any more comes of nothing.
type SourceGrant struct {
	Meta
	GrantID     ID               `json:"grantId,omitempty"`
	TeamID      ID               `json:"teamId,omitempty"`
	ProductID   ID               `json:"productId,omitempty"` // not in rows of older programs
	SourceID    ID               `json:"sourceId"`
	DomainID    ID               `json:"domainId"` // of the source
	AssetID     ID               `json:"assetId"`
	PrincipalID ID               `json:"principalId,omitempty"`
	State       SourceGrantState `json:"state"`
	Wanted      *SourceRight     `json:"wanted,omitempty"` // nil: none
	Given       *SourceRight     `json:"given,omitempty"`  // may be in the source: it is noted before it is given, and forgotten after it is taken away
	DecisionID  ID               `json:"decisionId,omitempty"`
	Reads       string           `json:"reads,omitempty"`      // where the holder finds what they may read
	Statements  []string         `json:"statements,omitempty"` // that were done last
	Remarks     []string         `json:"remarks,omitempty"`    // what the source says of them
	Failure     *Failure         `json:"failure,omitempty"`    // of the last try
	Tries       int              `json:"tries,omitempty"`      // that failed, in a row
	Drift       []string         `json:"drift,omitempty"`      // that would have to be done for the source to have it again
	DueAt       time.Time        `json:"dueAt"`                // when it is worked on next; zero for never
	TakesOver   bool             `json:"takesOver,omitempty"`  // what the role has by another hand goes with it
}

// SourceGranting is that rights are given in a source: which server does so now,
// and what was found when the source was last looked at.
type SourceGranting struct {
	Meta
	SourceID  ID         `json:"sourceId"`
	DomainID  ID         `json:"domainId"` // of the source
	HeldBy    string     `json:"heldBy,omitempty"`
	HeldUntil time.Time  `json:"heldUntil"`
	CheckedAt *time.Time `json:"checkedAt,omitempty"`
	Misses    int        `json:"misses,omitempty"`   // how often in a row it was out of reach
	RestUntil time.Time  `json:"restUntil,omitzero"` // when it is tried again
}

// SourceRight is a right to read one asset of a source.
type SourceRight struct {
	ID        string            `json:"id,omitempty"` // what the source calls it, where that is another name than its row's
	Role      string            `json:"role"`
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	StableID  string            `json:"stableId,omitempty"`
	Fields    []string          `json:"fields,omitempty"`
	Masks     map[string]string `json:"masks,omitempty"` // field to null, hash or partial
	Filters   []SourceFilter    `json:"filters,omitempty"`
}

// SourceFilter is a condition on rows.
type SourceFilter struct {
	Field string `json:"field"`
	Op    string `json:"op"`
	Value string `json:"value"`
}

// GrantingID is the id of its SourceGranting.
func (s Source) GrantingID() ID {
	return ID(string(PrefixGranting) + strings.TrimPrefix(string(s.ID), string(PrefixSource)))
}

// Same reports whether both are the same right.
func (r *SourceRight) Same(o *SourceRight) bool {
	if r == nil || o == nil {
		return r == o
	}
	return r.ID == o.ID && r.Role == o.Role && r.Namespace == o.Namespace && r.Name == o.Name && r.StableID == o.StableID &&
		slices.Equal(r.Fields, o.Fields) && maps.Equal(r.Masks, o.Masks) && slices.Equal(r.Filters, o.Filters)
}

// Due is when the grant is worked on next, or nil where it is not.
func (g SourceGrant) Due() *time.Time {
	if g.DueAt.IsZero() {
		return nil
	}
	return &g.DueAt
}

// right is the one that there is or shall be.
func (g SourceGrant) right() SourceRight {
	for _, r := range []*SourceRight{g.Wanted, g.Given} {
		if r != nil {
			return *r
		}
	}
	return SourceRight{}
}

// Role is the one by which the asset is read; "" where nothing is given.
func (g SourceGrant) Role() string { return g.right().Role }

// Fields are those that are read as they are.
func (g SourceGrant) Fields() []string { return g.right().Fields }

// MaskedFields are those that show something else.
func (g SourceGrant) MaskedFields() []string { return slices.Sorted(maps.Keys(g.right().Masks)) }

// Stray reports whether nobody knows for which grant it is in the source.
func (g SourceGrant) Stray() bool { return g.GrantID == "" && g.ProductID == "" }

// Settled reports whether the source has what it shall have.
func (g SourceGrant) Settled() bool {
	return g.State == SourceGrantRevoked && g.Wanted == nil || g.State == SourceGrantApplied && g.Wanted.Same(g.Given)
}
