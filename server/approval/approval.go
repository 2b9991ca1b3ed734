// Package approval owns the counting of votes: which are wanted, which of those
// cast count at this moment, which are missing, and who could give them. It
// serves access, products and rules alike. It decides nothing that the policies
// decide: they say which votes they want.
//
// Only persons vote. A vote counts while its voter holds the role, is not
// suspended and did not ask for the matter themselves. Where two votes are
// wanted they are two people's.
package approval

import (
	"context"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Room counts votes on what the store says of people at that moment.
type Room struct{ store store.Store }

// New makes the room.
func New(s store.Store) *Room { return &Room{store: s} }

// Matter is what is voted on.
type Matter struct {
	Approvals []model.Approval
	Votes     []model.Vote
	Domain    model.Slug // meant by an approval that names none
	Owner     model.ID   // of the product, who votes as product_owner
	Excluded  []model.ID // those who asked for it or wrote it: they never vote
}

// Tally is how a matter stands.
type Tally struct {
	Counting []model.Vote     // the votes that count at this moment
	Missing  []model.Approval // the approvals that lack votes
	Wanted   []model.WantedVote

	matter Matter
	known  *directory
}

// Tally counts the votes of one matter. Domains that the operation has read
// already are not read again.
func (r *Room) Tally(ctx context.Context, m Matter, read ...model.Domain) (Tally, error) {
	known, err := r.readDirectory(ctx, []Matter{m}, read)
	if err != nil {
		return Tally{}, err
	}
	return count(known, m), nil
}

// Recount counts a matter that has changed within one operation, by what the
// count before has read. It reads again where the matter names others.
func (r *Room) Recount(ctx context.Context, before Tally, m Matter) (Tally, error) {
	if before.known == nil || !before.known.covers(m) {
		return r.Tally(ctx, m)
	}
	return count(before.known, m), nil
}

// With counts again with votes that people cast who have a say already.
func (t Tally) With(votes ...model.Vote) Tally {
	m := t.matter
	m.Votes = slices.Concat(m.Votes, votes)
	return count(t.known, m)
}

// Tallies counts the votes of many matters and reads the people and domains
// that they concern together.
func (r *Room) Tallies(ctx context.Context, matters []Matter) ([]Tally, error) {
	known, err := r.readDirectory(ctx, matters, nil)
	if err != nil {
		return nil, err
	}
	tallies := make([]Tally, len(matters))
	for i, m := range matters {
		tallies[i] = count(known, m)
	}
	return tallies, nil
}

func count(known *directory, m Matter) Tally {
	t := Tally{matter: m, known: known}
	for _, v := range m.Votes {
		if v.Approve && t.holds(v.ApproverID, model.Approval{Role: v.Role, Domain: v.Domain}) {
			t.Counting = append(t.Counting, v)
		}
	}
	ballot := t.ballot()
	for i, lacking := range ballot.Lacking() {
		if lacking == 0 {
			continue
		}
		a := m.Approvals[i]
		t.Missing = append(t.Missing, a)
		w := model.WantedVote{Approval: a, Lacking: lacking, VoterIDs: t.voters(ballot, a)}
		w.Hint = hint(t.domainOf(a), w)
		t.Wanted = append(t.Wanted, w)
	}
	return t
}

func (t Tally) ballot() model.Ballot {
	return model.Ballot{Approvals: t.matter.Approvals, Votes: t.Counting}
}

// voters lists the persons whose vote would fill the approval further.
func (t Tally) voters(b model.Ballot, a model.Approval) []model.ID {
	var can []model.ID
	for _, id := range t.known.order {
		if t.holds(id, a) && b.Helps(t.votes(id, a)...) {
			can = append(can, id)
		}
	}
	return can
}

// votes are those that the person would cast for the approvals.
func (t Tally) votes(id model.ID, approvals ...model.Approval) []model.Vote {
	votes := make([]model.Vote, len(approvals))
	for i, a := range approvals {
		votes[i] = model.Vote{ApproverID: id, Role: a.Role, Domain: a.Domain, Approve: true}
	}
	return votes
}

// Seats lists the approvals that the person's word counts towards.
func (t Tally) Seats(id model.ID) []model.Approval {
	var seats []model.Approval
	for _, a := range t.matter.Approvals {
		if t.holds(id, a) {
			seats = append(seats, a)
		}
	}
	return seats
}

// Open lists the approvals that the person can still vote for. It is the right
// to vote: a mutation and what a viewer is told of it both ask here.
func (t Tally) Open(id model.ID) []model.Approval {
	return slices.DeleteFunc(t.Seats(id), func(a model.Approval) bool {
		return slices.ContainsFunc(t.matter.Votes, func(v model.Vote) bool { return v.ApproverID == id && v.For(a) })
	})
}

// Cast gives the votes of the person for what is open to them.
func (t Tally) Cast(id model.ID, comment string, at time.Time) []model.Vote {
	votes := t.votes(id, t.Open(id)...)
	for i := range votes {
		votes[i].Comment, votes[i].At = comment, at
	}
	return votes
}

// Allow lets the person vote, or says why their vote is none here.
func (t Tally) Allow(id model.ID) ([]model.Approval, error) {
	open := t.Open(id)
	switch {
	case len(open) > 0:
		return open, nil
	case len(t.Seats(id)) > 0:
		return nil, model.Conflict("id", "you have approved this already", "others have to approve it too: "+t.Say())
	}
	return nil, &model.Error{Kind: model.KindDenied, Message: "other approvers than you are wanted here", Hint: t.Say()}
}

// holds reports whether the person may speak in the role now.
func (t Tally) holds(id model.ID, a model.Approval) bool {
	p, ok := t.eligible(id)
	if !ok {
		return false
	}
	switch a.Role {
	case model.ApproverProductOwner:
		return id == t.matter.Owner
	case model.ApproverPlatformSteward:
		return p.Has(model.RoleSteward)
	case model.ApproverDomainSteward:
		d, exists := t.known.domains[t.domainOf(a)]
		return exists && (d.HasSteward(id) || p.Has(model.RoleSteward) && t.standIn(d, a))
	}
	return false
}

// standIn reports whether the platform's stewards speak for the domain too:
// when too few of its own can, for otherwise nothing of it could ever go on.
func (t Tally) standIn(d model.Domain, a model.Approval) bool {
	own := 0
	for _, id := range d.StewardIDs {
		if _, ok := t.eligible(id); ok {
			own++
		}
	}
	return own < max(a.Min, t.wants(a))
}

// wants is how many votes the matter wants in the approval's role: a recorded
// vote does not say it.
func (t Tally) wants(a model.Approval) int {
	n := 1
	for _, o := range t.matter.Approvals {
		if o.Role == a.Role && o.Domain == a.Domain {
			n = max(n, o.Min)
		}
	}
	return n
}

// eligible gives the person, if they vote in this matter at all.
func (t Tally) eligible(id model.ID) (model.Principal, bool) {
	p, ok := t.known.people[id]
	return p, ok && p.Kind == model.Person && !p.Suspended && !slices.Contains(t.matter.Excluded, id)
}

func (t Tally) domainOf(a model.Approval) model.Slug {
	if a.Domain == "" {
		return t.matter.Domain
	}
	return a.Domain
}
