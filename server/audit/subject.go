package audit

import (
	"context"
	"encoding/json"

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

// about finds what a decision was about. What is not stored, or is gone, is
// taken from the log.
func (s *Service) about(ctx context.Context, d model.DecisionRecord) (subject, error) {
	if describe := s.describer(d.ResourceID.Prefix()); describe != nil {
		res, err := describe(ctx, d.ResourceID)
		if !model.Is(err, model.KindNotFound) {
			return subject{Resource: res, live: true}, err
		}
	}
	return subject{Resource: asLogged(d)}, nil
}

func (s *Service) describer(p model.Prefix) func(context.Context, model.ID) (policy.Resource, error) {
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
}](s *Service, table store.Table[T, P], one gate.One[T]) func(context.Context, model.ID) (policy.Resource, error) {
	return func(ctx context.Context, id model.ID) (policy.Resource, error) {
		n, err := table.Get(ctx, s.store, id)
		if err != nil {
			return policy.Resource{}, err
		}
		return one(ctx, n)
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
