package gate

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// ProductFindings asks the standards about data products. It asks about each
// as a whole, with what the asker may not see of it: whoever publishes answers
// for all of it, and the score is the same for everybody.
func (s *Session) ProductFindings(ctx context.Context, products []model.DataProduct) (map[model.ID][]model.Finding, error) {
	d, err := s.gate.describer(ctx, products)
	if err != nil {
		return nil, err
	}
	return findings(ctx, s, products, func(p model.DataProduct) (policy.Metadata, model.Slug, error) {
		product, err := d.product(ctx, p)
		return policy.Metadata{Type: policy.TypeProduct, Product: &product}, product.Domain, err
	})
}

// AssetFindings asks the standards about assets. Those of no domain meet the
// company's alone.
func (s *Session) AssetFindings(ctx context.Context, assets []model.Asset) (map[model.ID][]model.Finding, error) {
	d, err := s.gate.describerOf(ctx, assets)
	if err != nil {
		return nil, err
	}
	return findings(ctx, s, assets, func(a model.Asset) (policy.Metadata, model.Slug, error) {
		asset, err := d.asset(ctx, a)
		return policy.Metadata{Type: policy.TypeAsset, Asset: &asset}, asset.Domain, err
	})
}

// DomainFindings asks the standards about domains, and adds which assets two of
// them claim.
func (s *Session) DomainFindings(ctx context.Context, domains []model.Domain) (map[model.ID][]model.Finding, error) {
	found, err := findings(ctx, s, domains, func(d model.Domain) (policy.Metadata, model.Slug, error) {
		parent, err := s.gate.DomainName(ctx, d.ParentID)
		return policy.Metadata{Type: policy.TypeDomain, Domain: &policy.DomainMetadata{
			ID: d.ID, Name: d.Name, DisplayName: d.DisplayName, Description: d.Description, Parent: parent, Stewards: len(d.StewardIDs),
		}}, d.Name, err
	})
	if err != nil {
		return nil, err
	}
	claims, err := s.claimFindings(ctx, domains)
	for id, more := range claims {
		found[id] = append(found[id], more...)
	}
	return found, err
}

// findings asks about all the records on the session's snapshot of the standards.
// Every one has an entry, if only an empty one.
func findings[T any, P model.PointerTo[T]](ctx context.Context, in *Session, records []T, describe func(T) (policy.Metadata, model.Slug, error)) (map[model.ID][]model.Finding, error) {
	found := make(map[model.ID][]model.Finding, len(records))
	for _, n := range records {
		metadata, domain, err := describe(n)
		if err != nil {
			return nil, err
		}
		of, err := in.snapshot.Findings(ctx, domain, metadata)
		if err != nil {
			return nil, err
		}
		found[P(&n).Head().ID] = of
	}
	return found, nil
}

// inspect adds to the question whether a product may be published what the
// standards find about it.
func (s *Session) inspect(ctx context.Context, action model.Action, res policy.Resource, wanted *model.DataProduct) (policy.Resource, error) {
	if !looksAtFindings(action, res) || res.Findings != nil {
		return res, nil
	}
	if wanted != nil {
		found, err := s.ProductFindings(ctx, []model.DataProduct{*wanted})
		res.Findings = summary(found[res.ID])
		return res, err
	}
	products, err := store.Products.GetMany(ctx, s.gate.store, res.ID)
	if err != nil || len(products) == 0 {
		return res, err
	}
	found, err := s.ProductFindings(ctx, products)
	res.Findings = summary(found[res.ID])
	return res, err
}

// looksAtFindings reports a question that tells what the standards find.
func looksAtFindings(action model.Action, res policy.Resource) bool {
	return action == model.ActProductPublish && res.Type == policy.TypeProduct && res.ID != ""
}

func summary(found []model.Finding) *policy.FindingsFact {
	f := &policy.FindingsFact{}
	for _, one := range found {
		if one.Severity != model.SeverityError {
			f.Warnings++
			continue
		}
		f.Errors++
		if !slices.Contains(f.Codes, one.Code) {
			f.Codes = append(f.Codes, one.Code)
		}
	}
	return f
}
