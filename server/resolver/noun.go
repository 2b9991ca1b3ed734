package resolver

import (
	"context"
	"reflect"

	"github.com/souk-mesh/souk/graph/model"
)

// noun says once what the graph does with one kind of record: how the schema
// calls it, how its ids begin, how it is found by one, which other records it
// links to, and how it is renamed, removed and restored. A new noun is a row of
// nouns; node(id:), the look-ups of an operation and the mutations that take any
// record follow from it.
type noun struct {
	schema string       // the type
	prefix model.Prefix // of its ids; empty where nobody asks for it by one
	typ    reflect.Type // as the services give it, such as *model.Domain

	lookup  func(*links) lookup                                         // of one operation; nil where others do not link to it
	find    func(context.Context, *links, model.ID) (model.Noun, error) // by node(id:); nil where it is no Node
	keep    func(*links, any)                                           // has one at hand for others that link to it; nil as lookup
	note    func(*links, any)                                           // takes down what one links to
	removal *removal                                                    // nil where it stays
}

// nouns lists them, those that others consist of first.
func nouns(s Services) []noun {
	q := query{s}
	return []noun{
		linkable("Domain", model.PrefixDomain, s.Mesh.DomainsByID, noteDomain).
			removable(s.inMesh("domain", renames(s.Mesh.RenameDomain, func(d *model.Domain) model.Slug { return d.Name }))),
		linkable("Team", model.PrefixTeam, s.Mesh.TeamsByID, func(l *links, t *model.Team) { l.expect(t.DomainID) }).
			removable(s.inMesh("team", renames(s.Mesh.RenameTeam, func(t *model.Team) model.Slug { return t.Name }))),
		linkable("Principal", model.PrefixPrincipal, s.Identity.PrincipalsByID, notePrincipal).
			removable(s.inIdentity("principal", renames(s.renamePrincipal, func(p *model.Principal) string { return p.Name }))),
		linkable("DataProduct", model.PrefixProduct, s.Mesh.ProductsByID, noteProduct).
			removable(s.inMesh("data product", renames(s.Mesh.RenameProduct, func(p *model.DataProduct) model.Slug { return p.Name }))),
		told("Token", model.PrefixToken, func(l *links, t *model.Token) { l.expect(t.PrincipalID) }).
			removable(s.inIdentity("token", renames(s.renameToken, func(t *model.Token) string { return t.Name }))),
		linkable("Asset", model.PrefixAsset, s.Catalog.AssetsByID, noteAsset),
		linkable("Grant", model.PrefixGrant, s.Access.GrantsByID, func(l *links, g *model.Grant) { l.expect(g.ProductID, g.DomainID, g.PrincipalID, g.RevokedBy) }),
		linkable("Source", model.PrefixSource, s.Harvest.SourcesByID, func(l *links, n *model.Source) { l.expect(n.DomainID, n.LastRunID) }),
		linkable("HarvestRun", model.PrefixRun, s.Harvest.RunsByID, func(l *links, r *model.Run) { l.expect(r.SourceID, r.StartedBy) }),
		single("Namespace", model.PrefixNamespace, q.namespace, func(l *links, n *model.Namespace) { l.expect(n.DomainID) }),
		single("AccessRequest", model.PrefixRequest, q.AccessRequest, noteRequest),
		single("ProposedChange", model.PrefixChange, q.ProposedChange, noteChange),
		single("DecisionRecord", model.PrefixDecision, q.Decision, noteDecision),
		single("PolicyProposal", model.PrefixProposal, q.PolicyProposal, noteProposal),
		single("PolicyRevision", model.PrefixRevision, q.PolicyRevision, func(l *links, r *model.PolicyRevision) { l.expect(r.AuthorID) }),
		told("AuditEvent", model.PrefixEvent, func(l *links, e *model.Event) { l.expect(e.ActorID) }),
		told("SourceRole", model.PrefixRole, func(l *links, r *model.SourceRole) { l.expect(r.SourceID, r.PrincipalID, r.TeamID) }),
		told("SourceGrant", model.PrefixInSource, func(l *links, g *model.SourceGrant) {
			l.expect(g.GrantID, g.ProductID, g.SourceID, g.AssetID, g.PrincipalID, g.TeamID)
		}),
		told("PolicyState", "", func(l *links, p *model.PolicyStanding) { l.expect(p.ActivatedBy) }),
		told("RemovedRecord", "", func(l *links, r *model.Removed) { l.expect(r.DomainID, r.ActorID) }),
		told("Finding", "", func(l *links, f *model.Finding) { l.expect(f.SubjectID) }),
	}
}

// linkable is a noun that others link to: what a page links to of it is found by
// one call.
func linkable[T any, P model.PointerTo[T]](schema string, prefix model.Prefix, byID func(context.Context, ...model.ID) ([]T, error), note func(*links, *T)) noun {
	n := told(schema, prefix, note)
	n.lookup = func(l *links) lookup { return newLookup[T, P](byID, func(p *T) { note(l, p) }) }
	n.keep = func(l *links, record any) {
		p := record.(*T)
		lookupOf[T, P](l).put(P(p).Head().ID, p)
	}
	n.find = func(ctx context.Context, l *links, id model.ID) (model.Noun, error) {
		return orNil[T, P](follow(ctx, lookupOf[T, P](l), id))
	}
	return n
}

// single is a noun that is found by itself.
func single[T any, P model.PointerTo[T]](schema string, prefix model.Prefix, byID func(context.Context, model.ID) (*T, error), note func(*links, *T)) noun {
	n := told(schema, prefix, note)
	n.find = func(ctx context.Context, _ *links, id model.ID) (model.Noun, error) {
		return orNil[T, P](byID(ctx, id))
	}
	return n
}

// told is what is shown among others, and not found by an id.
func told[T any](schema string, prefix model.Prefix, note func(*links, *T)) noun {
	return noun{schema: schema, prefix: prefix, typ: reflect.TypeFor[*T](), note: func(l *links, n any) { note(l, n.(*T)) }}
}

func (n noun) removable(r removal) noun { n.removal = &r; return n }

// orNil keeps a null from becoming a noun without a record.
func orNil[T any, P model.PointerTo[T]](p *T, err error) (model.Noun, error) {
	if p == nil {
		return nil, err
	}
	return P(p), err
}

// catalogue finds the rows of the nouns.
type catalogue struct {
	rows     []noun
	byPrefix map[model.Prefix]int
	byType   map[reflect.Type]int
}

func newCatalogue(rows []noun) *catalogue {
	c := &catalogue{rows: rows, byPrefix: map[model.Prefix]int{}, byType: map[reflect.Type]int{}}
	for i, n := range rows {
		c.byType[n.typ] = i
		if n.prefix != "" {
			c.byPrefix[n.prefix] = i
		}
	}
	return c
}

// of finds the noun of an id; nil is none.
func (c *catalogue) of(id model.ID) *noun {
	if i, ok := c.byPrefix[id.Prefix()]; ok {
		return &c.rows[i]
	}
	return nil
}

func noteDomain(l *links, d *model.Domain) {
	l.expect(d.ParentID)
	l.expect(d.StewardIDs...)
	l.domainCards.expect(d.ID)
	l.pending.expect(d.ID)
}

func notePrincipal(l *links, p *model.Principal) {
	l.expect(p.DomainID)
	l.expect(p.TeamIDs...)
}

func noteProduct(l *links, p *model.DataProduct) {
	l.expect(p.DomainID, p.OwnerID, p.OwnerTeamID, p.SuccessorID)
	l.productCards.expect(p.ID)
	l.pending.expect(p.ID)
	l.alsoOffered.expect(p.ID)
	l.rights.expect(p.ID)
	for _, of := range p.Ports {
		l.expect(of.AssetIDs...)
	}
	for _, c := range p.Consents {
		l.expect(c.AssetID, c.DomainID)
	}
}

func noteAsset(l *links, a *model.Asset) {
	l.expect(a.DomainID, a.ParentID)
	l.aliases.expect(a.ID)
	l.rules.expect(a.ID)
	l.assetFindings.expect(a.ID)
	for _, s := range a.Sightings {
		l.expect(s.SourceID)
	}
}

func noteRequest(l *links, r *model.AccessRequest) {
	l.expect(r.ProductID, r.DomainID, r.RequesterID, r.GrantID)
	l.requestVotes.expect(r.ID)
	for _, v := range r.Votes {
		l.expect(v.ApproverID)
	}
}

func noteChange(l *links, c *model.ProposedChange) {
	l.expect(c.DomainID, c.ProposerID, c.SubjectID)
	l.expect(c.StewardIDs...)
	l.changeVotes.expect(c.ID)
	for _, v := range c.Votes {
		l.expect(v.ApproverID)
	}
}

func noteDecision(l *links, d *model.DecisionRecord) {
	l.expect(d.PrincipalID, d.AskedBy)
	l.asked.put(*d)
	l.inputs.expect(d.ID)
}

func noteProposal(l *links, p *model.PolicyProposal) {
	l.expect(p.AuthorID)
	for _, v := range p.Votes {
		l.expect(v.ApproverID)
	}
	for _, c := range p.Comments {
		l.expect(c.AuthorID)
	}
}
