package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
)

const maxNodeIDs = 100

// Node resolves the field node.
func (q query) Node(ctx context.Context, id model.ID) (model.Noun, error) {
	l := linksFrom(ctx)
	switch id.Prefix() {
	case model.PrefixPrincipal:
		return linked(ctx, &l.principals, id)
	case model.PrefixTeam:
		return linked(ctx, &l.teams, id)
	case model.PrefixDomain:
		return linked(ctx, &l.domains, id)
	case model.PrefixProduct:
		return linked(ctx, &l.products, id)
	case model.PrefixAsset:
		return linked(ctx, &l.assets, id)
	case model.PrefixGrant:
		return linked(ctx, &l.grants, id)
	case model.PrefixSource:
		return linked(ctx, &l.sources, id)
	case model.PrefixRun:
		return linked(ctx, &l.runs, id)
	case model.PrefixNamespace:
		return noun(q.namespace(ctx, id))
	case model.PrefixRequest:
		return noun(q.AccessRequest(ctx, id))
	case model.PrefixChange:
		return noun(q.ProposedChange(ctx, id))
	case model.PrefixDecision:
		return noun(q.Decision(ctx, id))
	case model.PrefixProposal:
		return noun(q.PolicyProposal(ctx, id))
	case model.PrefixRevision:
		return noun(q.PolicyRevision(ctx, id))
	default:
		return nil, nil //nolint:nilnil // an id of nothing that can be fetched by it
	}
}

// Nodes resolves the field nodes.
func (q query) Nodes(ctx context.Context, ids []model.ID) ([]model.Noun, error) {
	if len(ids) > maxNodeIDs {
		return nil, model.Invalid("ids", "has more than 100 ids", "ask for at most 100 at a time")
	}
	linksFrom(ctx).expect(ids)
	nodes := make([]model.Noun, len(ids))
	for i, id := range ids {
		n, err := q.Node(ctx, id)
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return nodes, nil
}

// expect sorts the ids to the look-ups of their nouns.
func (l *links) expect(ids []model.ID) {
	for _, id := range ids {
		switch id.Prefix() {
		case model.PrefixPrincipal:
			l.principals.expect(id)
		case model.PrefixTeam:
			l.teams.expect(id)
		case model.PrefixDomain:
			l.domains.expect(id)
		case model.PrefixProduct:
			l.products.expect(id)
		case model.PrefixAsset:
			l.assets.expect(id)
		case model.PrefixGrant:
			l.grants.expect(id)
		case model.PrefixSource:
			l.sources.expect(id)
		case model.PrefixRun:
			l.runs.expect(id)
		default:
		}
	}
}

func linked[T any, P model.PointerTo[T]](ctx context.Context, l *loader[P], id model.ID) (model.Noun, error) {
	p, ok, err := l.one(ctx, id)
	if !ok {
		return nil, err
	}
	return p, err
}

// noun keeps a null from becoming a noun without a record.
func noun[T any, P model.PointerTo[T]](p P, err error) (model.Noun, error) {
	if p == nil {
		return nil, err
	}
	return p, err
}

// oneOf reports arguments of which not exactly one is given.
func oneOf(id, name bool) error {
	if id == name {
		return model.Invalid("id", "give either the id or the name", "leave the other argument out")
	}
	return nil
}
