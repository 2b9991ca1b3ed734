package audit

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// subject is what a decision was about, as the policies see it now.
type subject struct {
	policy.Resource

	live bool // it is there; else it is described as the policies saw it then
}

// about finds what a decision was about.
func (s *Service) about(ctx context.Context, d model.DecisionRecord) (subject, error) {
	all, err := s.abouts(ctx, d)
	if err != nil {
		return subject{}, err
	}
	return all[0], nil
}

// abouts finds what decisions were about, with one read for each kind of noun.
// What is not stored, or is gone, is taken from the log.
func (s *Service) abouts(ctx context.Context, rows ...model.DecisionRecord) ([]subject, error) {
	ids := map[model.Prefix][]model.ID{}
	for _, d := range rows {
		p := d.ResourceID.Prefix()
		ids[p] = append(ids[p], d.ResourceID)
	}
	there := map[model.ID]policy.Resource{}
	for p, list := range ids {
		if describe := s.describer(p); describe != nil {
			if err := describe(ctx, list, there); err != nil {
				return nil, err
			}
		}
	}
	found := make([]subject, len(rows))
	for i, d := range rows {
		if res, ok := there[d.ResourceID]; ok {
			found[i] = subject{Resource: res, live: true}
		} else {
			found[i] = subject{Resource: asLogged(d)}
		}
	}
	return found, nil
}

// describing adds the descriptions of the nouns that exist among the ids.
type describing func(ctx context.Context, ids []model.ID, into map[model.ID]policy.Resource) error

func (s *Service) describer(p model.Prefix) describing {
	switch p {
	case model.PrefixProduct:
		return described(s, store.Products, s.gate.Product)
	case model.PrefixAsset:
		return described(s, store.Assets, s.gate.Asset)
	case model.PrefixRequest:
		return described(s, store.Requests, s.gate.Request)
	case model.PrefixGrant:
		return described(s, store.Grants, s.gate.Grant)
	case model.PrefixSource:
		return described(s, store.Sources, s.gate.Source)
	case model.PrefixDomain:
		return described(s, store.Domains, s.gate.Domain)
	case model.PrefixTeam:
		return described(s, store.Teams, s.gate.Team)
	case model.PrefixPrincipal:
		return described(s, store.Principals, s.gate.Principal)
	case model.PrefixToken:
		return described(s, store.Tokens, s.gate.Token)
	case model.PrefixProposal:
		return described(s, store.PolicyProposals, s.gate.Proposal)
	case model.PrefixRevision:
		return described(s, store.PolicyRevisions, s.gate.PolicyRevision)
	default:
		return nil
	}
}

func described[T any, P interface {
	*T
	model.Noun
}](s *Service, table store.Table[T, P], one gate.One[T]) describing {
	return func(ctx context.Context, ids []model.ID, into map[model.ID]policy.Resource) error {
		slices.Sort(ids)
		for part := range slices.Chunk(slices.Compact(ids), store.MaxIn) {
			nouns, err := table.GetMany(ctx, s.store, part...)
			if err != nil {
				return err
			}
			for _, n := range nouns {
				res, err := one(ctx, n)
				if err != nil {
					return err
				}
				into[P(&n).Head().ID] = res
			}
		}
		return nil
	}
}

// asLogged describes what a decision was about as its input does.
func asLogged(d model.DecisionRecord) policy.Resource {
	var input struct {
		Resource struct {
			Type, Name, Status, Product, Requester, Owner string

			OwnerTeam      string `json:"owner_team"`
			Classification model.Classification
			Visibility     model.Visibility
			Tags           []string
			Exposed        bool
		}
	}
	_ = json.Unmarshal(d.Input, &input) // without an input there is nothing to show either
	r := input.Resource
	return policy.Resource{
		Type: r.Type, ID: d.ResourceID, Name: r.Name, Domain: d.Domain, Status: r.Status, Product: model.ID(r.Product), Requester: model.ID(r.Requester),
		Owner: model.ID(r.Owner), OwnerTeam: r.OwnerTeam, Classification: r.Classification, Visibility: r.Visibility, Tags: r.Tags, Exposed: r.Exposed,
	}
}
