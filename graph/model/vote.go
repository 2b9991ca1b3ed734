package model

import (
	"slices"
	"time"
)

// ApproverRole is what somebody votes as: a right over what is voted on, which
// the server finds the holders of. A standing right of a person is a Role.
type ApproverRole string

// The roles of approvers, in the words that rules write.
const (
	ApproverDomainSteward   ApproverRole = "domain_steward"
	ApproverProductOwner    ApproverRole = "product_owner"
	ApproverPlatformSteward ApproverRole = "platform_steward"
)

// ApproverRoles lists every role of an approver, in order.
func ApproverRoles() []ApproverRole {
	return []ApproverRole{ApproverDomainSteward, ApproverPlatformSteward, ApproverProductOwner}
}

// Vote is one approver's word on what is decided by votes.
type Vote struct {
	ApproverID ID           `json:"approverId"`
	Role       ApproverRole `json:"role"`             // the role the policy named and the approver holds
	Domain     Slug         `json:"domain,omitempty"` // the domain the policy named, when it named one
	Approve    bool         `json:"approve"`
	Comment    string       `json:"comment,omitempty"`
	At         time.Time    `json:"at"`
}

// For reports whether the vote was cast for the approval.
func (v Vote) For(a Approval) bool { return v.Approve && v.Role == a.Role && v.Domain == a.Domain }

// WantedVote is an approval that still lacks votes, and what can be done about it.
type WantedVote struct {
	Approval

	Lacking  int    // votes
	VoterIDs []ID   // persons whose vote would bring it further, as things stand
	Hint     string // what to do, and what if nobody can vote
}

// Ballot is which votes are wanted and which were cast. A person counts once,
// whatever roles they hold and voted in: two wanted votes are two people's.
type Ballot struct {
	Approvals []Approval
	Votes     []Vote
}

// Lacking counts for each approval the votes that it lacks, when the persons
// are assigned to the approvals so that as few as can be are missing.
func (b Ballot) Lacking() []int {
	m := matching{approvals: b.Approvals, votes: map[ID][]Vote{}, seated: make([][]ID, len(b.Approvals))}
	var voters []ID
	for _, v := range b.Votes {
		if m.votes[v.ApproverID] == nil {
			voters = append(voters, v.ApproverID)
		}
		m.votes[v.ApproverID] = append(m.votes[v.ApproverID], v)
	}
	for _, voter := range voters {
		m.seat(voter, make([]bool, len(b.Approvals)))
	}
	lacking := make([]int, len(b.Approvals))
	for i, a := range b.Approvals {
		lacking[i] = max(0, a.Min-len(m.seated[i]))
	}
	return lacking
}

// Missing lists the approvals that still lack votes.
func (b Ballot) Missing() []Approval {
	var missing []Approval
	for i, n := range b.Lacking() {
		if n > 0 {
			missing = append(missing, b.Approvals[i])
		}
	}
	return missing
}

// Helps reports whether the votes would bring the ballot further.
func (b Ballot) Helps(votes ...Vote) bool {
	with := Ballot{Approvals: b.Approvals, Votes: slices.Concat(b.Votes, votes)}
	return total(with.Lacking()) < total(b.Lacking())
}

func total(list []int) int {
	n := 0
	for _, i := range list {
		n += i
	}
	return n
}

// matching assigns persons to approvals along augmenting paths: whoever sits
// on the only place that somebody else can take moves on to another of theirs.
type matching struct {
	approvals []Approval
	votes     map[ID][]Vote
	seated    [][]ID // by approval
}

func (m *matching) seat(voter ID, tried []bool) bool {
	for i, a := range m.approvals {
		if tried[i] || !slices.ContainsFunc(m.votes[voter], func(v Vote) bool { return v.For(a) }) {
			continue
		}
		tried[i] = true
		if len(m.seated[i]) < a.Min {
			m.seated[i] = append(m.seated[i], voter)
			return true
		}
		for j, other := range m.seated[i] {
			if m.seat(other, tried) {
				m.seated[i][j] = voter
				return true
			}
		}
	}
	return false
}
