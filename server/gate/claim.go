package gate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// What a finding about claims reads and names.
const (
	claimsRead  = store.MaxPage
	claimsNamed = 5
)

// claimFindings tells a domain of assets that two domains claim: those of its
// own that sources of others show as theirs, and those of others that its own
// sources do. Whoever may not see the domain's namespaces is told nothing.
func (g *Gate) claimFindings(ctx context.Context, d model.Domain) ([]model.Finding, error) {
	if _, err := model.PrincipalFrom(ctx); err != nil {
		return nil, nil //nolint:nilerr // whoever is nobody sees nothing
	}
	seen, err := g.Filter(ctx, model.ActMetadataView, []policy.Resource{{Type: "namespace", Domain: d.Name}})
	if err != nil || !seen[0] {
		return nil, err
	}
	var found []model.Finding
	for _, side := range []struct {
		index  string
		path   store.Path
		code   string
		others func(model.Asset) []model.ID
		words  string
	}{
		{"by_contested", "contested", "namespace.claimed", func(a model.Asset) []model.ID { return a.Claimants() }, "of the domain are claimed by sources of"},
		{"by_claimant", "claimant", "namespace.claims", func(a model.Asset) []model.ID { return []model.ID{a.DomainID} }, "that sources of the domain claim belong to"},
	} {
		page, err := store.Assets.Find(ctx, g.store, store.Query{Index: side.index, Where: store.Eq(side.path, string(d.ID)), Limit: claimsRead})
		if err != nil {
			return nil, err
		}
		byOther := map[model.ID][]model.Asset{}
		for _, a := range page.Nodes {
			for _, other := range side.others(a) {
				byOther[other] = append(byOther[other], a)
			}
		}
		for _, other := range slices.Sorted(maps.Keys(byOther)) {
			name, err := g.DomainName(ctx, other)
			if err != nil {
				return nil, err
			}
			found = append(found, claimFinding(d.ID, side.code, side.words, string(name), byOther[other], page.More))
		}
	}
	return found, nil
}

func claimFinding(domain model.ID, code, words, other string, assets []model.Asset, more bool) model.Finding {
	count, names := fmt.Sprint(len(assets)), make([]string, 0, claimsNamed)
	if more {
		count += " or more"
	}
	noun := "assets"
	if len(assets) == 1 && !more {
		noun = "asset"
	}
	for _, a := range assets[:min(len(assets), claimsNamed)] {
		names = append(names, a.Namespace+" "+a.Name)
	}
	return model.Finding{
		Code: code, Severity: model.SeverityWarning, Standard: "souk.ownership", SubjectID: domain,
		Message: fmt.Sprintf("%s %s %s %s: %s", count, noun, words, other, strings.Join(names, ", ")),
		Remedy:  "The owner keeps them, and the claim changes nothing. If that is right, take them out of the source's configuration; if not, ask an administrator to assign the namespace.",
	}
}
