package gate

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Noun says once what the rules' side has to know of a noun: how its ids begin,
// what policies call it, how it is described to them, in which domain it lies,
// and which columns of its table a list can be narrowed by. A new noun is a row
// in nouns; the audit feed, the log of decisions and the lists follow from it.
type Noun struct {
	Prefix model.Prefix
	Type   string // as policies and other systems call it
	Kind   store.Kind

	layout   layout
	describe func(ctx context.Context, ids []model.ID, into map[model.ID]policy.Resource) error
	place    placing // nil for what lies in no domain
}

// placing notes the domains in which records of one kind lie.
type placing func(ctx context.Context, ids []model.ID, domains map[model.ID]model.ID) error

func nouns(g *Gate) []Noun {
	return []Noun{
		nounOf(g, model.PrefixDomain, "domain", store.Domains, Each(g.Domain), func(d model.Domain) model.ID { return d.ID },
			columnsOf(nil, fields{policy.FieldDomain: as("name")}, ownerless, unlabelled)),
		nounOf(g, model.PrefixTeam, "team", store.Teams, Each(g.Team), func(t model.Team) model.ID { return t.DomainID },
			columnsOf(inDomain, nil, ownerless, unlabelled)),
		nounOf(g, model.PrefixProduct, "data_product", store.Products, Each(g.Product), func(p model.DataProduct) model.ID { return p.DomainID },
			columnsOf(inDomain, fields{
				policy.FieldProduct: asID, policy.FieldStatus: as("status"), policy.FieldOwner: as("owner"), policy.FieldOwnerTeam: {"team", teamID},
				policy.FieldVisibility: as("visibility"), policy.FieldClassification: as("classification"),
			}, ownerless[2:])),
		nounOf(g, model.PrefixAsset, "asset", store.Assets, Each(g.Asset), func(a model.Asset) model.ID { return a.DomainID },
			columnsOf(inDomain, fields{policy.FieldStatus: as("status")}, ownerless, unlabelled)),
		nounOf(g, model.PrefixRequest, "access_request", store.Requests, g.Requests, func(r model.AccessRequest) model.ID { return r.DomainID },
			columnsOf(inDomain, fields{policy.FieldStatus: as("status"), policy.FieldProduct: as("product"), policy.FieldRequester: as("requester")}, unlabelled[1:2])),
		nounOf(g, model.PrefixGrant, "grant", store.Grants, g.Grants, func(r model.Grant) model.ID { return r.DomainID },
			columnsOf(inDomain, fields{policy.FieldStatus: as("status"), policy.FieldProduct: as("product"), policy.FieldRequester: as("principal")}, unlabelled[1:2])),
		nounOf(g, model.PrefixSource, "source", store.Sources, Each(g.Source), func(s model.Source) model.ID { return s.DomainID },
			columnsOf(inDomain, nil, ownerless, unlabelled)),
		nounOf(g, model.PrefixChange, "change", store.Changes, g.Changes, func(c model.ProposedChange) model.ID { return c.DomainID }, oneByOne),
		nounOf(g, model.PrefixNamespace, "namespace", store.Namespaces, Each(g.Namespace), func(n model.Namespace) model.ID { return n.DomainID }, oneByOne),
		nounOf(g, model.PrefixPrincipal, "principal", store.Principals, Each(g.Principal), nil, oneByOne),
		nounOf(g, model.PrefixToken, "token", store.Tokens, Each(g.Token), nil, oneByOne),
		nounOf(g, model.PrefixProposal, "policy", store.PolicyProposals, Each(g.Proposal), nil, oneByOne).
			placed(byDomainName(g, store.PolicyProposals, func(p model.PolicyProposal) model.Slug { return p.Domain })),
		nounOf(g, model.PrefixRevision, "policy", store.PolicyRevisions, Each(g.PolicyRevision), nil, oneByOne),
		nounOf(g, model.PrefixDecision, "decision", store.Decisions, Each(g.Decision), nil,
			columnsOf(nil, fields{policy.FieldDomain: as("domain"), policy.FieldRequester: as("principal")}, ownerless[:2], unlabelled)),
		nounOf(g, model.PrefixEvent, "event", store.Events, g.Events, nil,
			columnsOf(nil, fields{policy.FieldRequester: as("actor")}, ownerless[:2], unlabelled)),
	}
}

// unasked are kinds of record that nobody asks about by themselves, and that the
// audit feed tells of.
func unasked(g *Gate) []Noun {
	return []Noun{
		Noun{Prefix: model.PrefixRun, Kind: store.Runs.Kind()}.placed(throughSources(g)),
		Noun{Prefix: model.PrefixRole, Kind: store.SourceRoles.Kind()}.placed(inOwn(g, store.SourceRoles, func(r model.SourceRole) model.ID { return r.DomainID })),
		Noun{Prefix: model.PrefixInSource, Kind: store.SourceGrants.Kind()}.placed(inOwn(g, store.SourceGrants, func(s model.SourceGrant) model.ID { return s.DomainID })),
		Noun{Prefix: model.PrefixGranting, Kind: store.SourceGrantings.Kind()}.placed(inOwn(g, store.SourceGrantings, func(s model.SourceGranting) model.ID { return s.DomainID })),
		Noun{Prefix: model.PrefixState, Kind: store.PolicyStates.Kind()}.
			placed(byDomainName(g, store.PolicyStates, func(s model.PolicyState) model.Slug { return s.Domain })),
	}
}

func (n Noun) placed(by placing) Noun { n.place = by; return n }

func nounOf[T any, P model.PointerTo[T]](g *Gate, prefix model.Prefix, typ string, table store.Table[T, P], describe Describe[T], lies func(T) model.ID, l layout) Noun {
	n := Noun{Prefix: prefix, Type: typ, Kind: table.Kind(), layout: l}
	n.describe = func(ctx context.Context, ids []model.ID, into map[model.ID]policy.Resource) error {
		for part := range slices.Chunk(ids, store.MaxIn) {
			found, err := table.GetMany(ctx, g.store, part...)
			if err != nil {
				return err
			}
			resources, err := describe(ctx, found)
			if err != nil {
				return err
			}
			for i := range found {
				into[P(&found[i]).Head().ID] = resources[i]
			}
		}
		return nil
	}
	if lies != nil {
		n.place = inOwn(g, table, lies)
	}
	return n
}

// inOwn places records that know their domain by its id.
func inOwn[T any, P model.PointerTo[T]](g *Gate, table store.Table[T, P], lies func(T) model.ID) placing {
	return func(ctx context.Context, ids []model.ID, domains map[model.ID]model.ID) error {
		return place(ctx, g, table, ids, domains, lies)
	}
}

// Nouns lists what the policies are asked about, for other rooms that have a row
// for each.
func (g *Gate) Nouns() []Noun { return g.nouns }

// DescribeAll adds the descriptions of what exists among the ids, with one read
// for each kind of noun.
func (g *Gate) DescribeAll(ctx context.Context, ids []model.ID, into map[model.ID]policy.Resource) error {
	by := byPrefix(ids)
	for _, n := range g.nouns {
		if list := by[n.Prefix]; len(list) > 0 {
			if err := n.describe(ctx, list, into); err != nil {
				return err
			}
		}
	}
	return nil
}

// byPrefix sorts ids by their nouns, each once.
func byPrefix(ids []model.ID) map[model.Prefix][]model.ID {
	sorted := slices.Sorted(slices.Values(ids))
	by := map[model.Prefix][]model.ID{}
	for _, id := range slices.Compact(sorted) {
		by[id.Prefix()] = append(by[id.Prefix()], id)
	}
	return by
}
