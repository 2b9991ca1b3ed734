package resolver

import (
	"context"
	"encoding/json"

	"github.com/souk-mesh/souk/graph/model"
)

// links holds the look-ups of one operation.
type links struct {
	principals loader[*model.Principal]
	teams      loader[*model.Team]
	domains    loader[*model.Domain]
	products   loader[*model.DataProduct]
	assets     loader[*model.Asset]
	grants     loader[*model.Grant]
	sources    loader[*model.Source]
	runs       loader[*model.Run]
	aliases    loader[[]model.Alias]
	rules      loader[[]model.QualityRule]
	inputs     loader[json.RawMessage] // of the decisions asked
	asked      asked
	leftOut    leftOut

	requestVotes loader[[]model.WantedVote] // of access requests
	changeVotes  loader[[]model.WantedVote] // of proposed changes
	pending      loader[*model.ProposedChange]
	alsoOffered  loader[[]model.DataProduct]
	standardLinks
}

func newLinks(s Services) *links {
	l := &links{}
	prepare(l, &l.principals, s.Identity.PrincipalsByID)
	prepare(l, &l.teams, s.Mesh.TeamsByID)
	prepare(l, &l.domains, s.Mesh.DomainsByID)
	prepare(l, &l.products, s.Mesh.ProductsByID)
	prepare(l, &l.assets, s.Catalog.AssetsByID)
	prepare(l, &l.grants, s.Access.GrantsByID)
	prepare(l, &l.sources, s.Harvest.SourcesByID)
	prepare(l, &l.runs, s.Harvest.RunsByID)
	l.aliases = loader[[]model.Alias]{fetch: s.Catalog.AliasesByAsset, note: func([]model.Alias) {}}
	l.rules = loader[[]model.QualityRule]{fetch: s.Catalog.QualityRulesByAsset, note: func(rules []model.QualityRule) {
		for _, r := range rules {
			l.sources.expect(r.SourceID)
		}
	}}
	l.inputs = loader[json.RawMessage]{note: func(json.RawMessage) {}, fetch: func(ctx context.Context, ids ...model.ID) (map[model.ID]json.RawMessage, error) {
		return s.Audit.Inputs(ctx, l.asked.of(ids)...)
	}}
	l.prepareVotes(s)
	l.prepareStandards(s, l)
	return l
}

func (l *links) prepareVotes(s Services) {
	noteVoters := func(wanted []model.WantedVote) {
		for _, w := range wanted {
			l.principals.expect(w.VoterIDs...)
		}
	}
	l.requestVotes = loader[[]model.WantedVote]{fetch: s.Access.Wanted, note: noteVoters}
	l.changeVotes = loader[[]model.WantedVote]{fetch: s.Mesh.WantedVotes, note: noteVoters}
	l.pending = loader[*model.ProposedChange]{fetch: s.Mesh.PendingOn, note: func(c *model.ProposedChange) { l.note(c) }}
	l.alsoOffered = loader[[]model.DataProduct]{fetch: s.Mesh.AlsoOffered, note: func(products []model.DataProduct) {
		for _, p := range products {
			l.domains.expect(p.DomainID)
		}
	}}
}

// prepare makes a loader of a service call that returns the nouns it finds.
func prepare[T any, P model.PointerTo[T]](l *links, into *loader[P], byID func(context.Context, ...model.ID) ([]T, error)) {
	into.note = func(p P) { l.note(p) }
	into.fetch = func(ctx context.Context, ids ...model.ID) (map[model.ID]P, error) {
		rows, err := byID(ctx, ids...)
		if err != nil {
			return nil, err
		}
		found := make(map[model.ID]P, len(rows))
		for i := range rows {
			p := P(&rows[i])
			found[p.Head().ID] = p
		}
		return found, nil
	}
}

type linksKey struct{}

func withLinks(ctx context.Context, l *links) context.Context {
	return context.WithValue(ctx, linksKey{}, l)
}

// linksFrom gives the operation's look-ups. Outside of an operation that
// Schema has begun there are none, and whatever is noted goes nowhere.
func linksFrom(ctx context.Context) *links {
	if l, ok := ctx.Value(linksKey{}).(*links); ok {
		return l
	}
	return &links{}
}

// follow gives what the id points at, or null.
func follow[V any](ctx context.Context, l *loader[*V], id model.ID) (*V, error) {
	v, _, err := l.one(ctx, id)
	return v, err
}

// followAll gives what the ids point at, without those that the viewer may not
// know of.
func followAll[V any](ctx context.Context, l *loader[*V], ids []model.ID) ([]*V, error) {
	l.expect(ids...)
	found := make([]*V, 0, len(ids))
	for _, id := range ids {
		v, ok, err := l.one(ctx, id)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, v)
		}
	}
	return found, nil
}

// note takes down what a noun that the viewer sees links to, and the noun
// itself for others that link to it.
func (l *links) note(noun any) {
	switch n := noun.(type) {
	case *model.Principal:
		l.principals.put(n.ID, n)
		l.domains.expect(n.DomainID)
		l.teams.expect(n.TeamIDs...)
	case *model.Token:
		l.principals.expect(n.PrincipalID)
	case *model.Domain:
		l.domains.put(n.ID, n)
		l.domains.expect(n.ParentID)
		l.domainCards.expect(n.ID)
		l.pending.expect(n.ID)
		l.principals.expect(n.StewardIDs...)
	case *model.Team:
		l.teams.put(n.ID, n)
		l.domains.expect(n.DomainID)
	case *model.DataProduct:
		l.noteProduct(n)
	case *model.Asset:
		l.noteAsset(n)
	default:
		l.noteEvent(noun)
	}
}

func (l *links) noteProduct(p *model.DataProduct) {
	l.products.put(p.ID, p)
	l.productCards.expect(p.ID)
	l.pending.expect(p.ID)
	l.alsoOffered.expect(p.ID)
	l.products.expect(p.SuccessorID)
	l.domains.expect(p.DomainID)
	l.principals.expect(p.OwnerID)
	l.teams.expect(p.OwnerTeamID)
	for _, port := range p.Ports {
		l.assets.expect(port.AssetIDs...)
	}
}

func (l *links) noteAsset(a *model.Asset) {
	l.assets.put(a.ID, a)
	l.domains.expect(a.DomainID)
	l.aliases.expect(a.ID)
	l.rules.expect(a.ID)
	l.assetFindings.expect(a.ID)
	for _, s := range a.Sightings {
		l.sources.expect(s.SourceID)
	}
}

// noteEvent is note for the nouns that tell of what people and programs do.
func (l *links) noteEvent(noun any) {
	switch n := noun.(type) {
	case *model.ProposedChange:
		l.noteChange(n)
	case *model.AccessRequest:
		l.requestVotes.expect(n.ID)
		l.products.expect(n.ProductID)
		l.domains.expect(n.DomainID)
		l.principals.expect(n.RequesterID)
		l.grants.expect(n.GrantID)
		for _, v := range n.Votes {
			l.principals.expect(v.ApproverID)
		}
	case *model.Grant:
		l.grants.put(n.ID, n)
		l.products.expect(n.ProductID)
		l.domains.expect(n.DomainID)
		l.principals.expect(n.PrincipalID, n.RevokedBy)
	case *model.Source:
		l.sources.put(n.ID, n)
		l.domains.expect(n.DomainID)
		l.runs.expect(n.LastRunID)
	case *model.Run:
		l.runs.put(n.ID, n)
		l.sources.expect(n.SourceID)
		l.principals.expect(n.StartedBy)
	case *model.Event:
		l.principals.expect(n.ActorID)
	case *model.DecisionRecord:
		l.principals.expect(n.PrincipalID, n.AskedBy)
		l.asked.put(*n)
		l.inputs.expect(n.ID)
	case *model.PolicyProposal:
		l.notePolicy(n)
	case *model.PolicyRevision:
		l.principals.expect(n.AuthorID)
	case *model.PolicyStanding:
		l.principals.expect(n.ActivatedBy)
	case *model.Removed:
		l.domains.expect(n.DomainID)
		l.principals.expect(n.ActorID)
	case *model.Finding:
		l.expect([]model.ID{n.SubjectID})
	}
}

func (l *links) noteChange(c *model.ProposedChange) {
	l.changeVotes.expect(c.ID)
	l.domains.expect(c.DomainID)
	l.principals.expect(c.ProposerID)
	l.principals.expect(c.StewardIDs...)
	l.expect([]model.ID{c.SubjectID})
	for _, v := range c.Votes {
		l.principals.expect(v.ApproverID)
	}
}

func (l *links) notePolicy(p *model.PolicyProposal) {
	l.principals.expect(p.AuthorID)
	for _, v := range p.Votes {
		l.principals.expect(v.ApproverID)
	}
	for _, c := range p.Comments {
		l.principals.expect(c.AuthorID)
	}
}

// forget drops everything looked up so far.
func (l *links) forget() {
	l.principals.forget()
	l.teams.forget()
	l.domains.forget()
	l.products.forget()
	l.assets.forget()
	l.grants.forget()
	l.sources.forget()
	l.runs.forget()
	l.aliases.forget()
	l.rules.forget()
	l.inputs.forget()
	l.requestVotes.forget()
	l.changeVotes.forget()
	l.pending.forget()
	l.alsoOffered.forget()
	l.standardLinks.forget()
}
