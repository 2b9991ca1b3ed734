package gate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
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

// claimFindings tells each of the domains that the viewer may see the ownership
// of which of its assets others claim, and which of others' it claims itself.
// All of them cost two queries, however many they are.
func (s *Session) claimFindings(ctx context.Context, domains []model.Domain) (map[model.ID][]model.Finding, error) {
	visible, err := s.maySeeClaims(ctx, domains)
	if err != nil || len(visible) == 0 {
		return nil, err
	}
	found := map[model.ID][]model.Finding{}
	for _, by := range sides() {
		if err := s.gate.claimsOf(ctx, by, visible, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// maySeeClaims keeps the domains whose ownership the viewer may see.
func (s *Session) maySeeClaims(ctx context.Context, domains []model.Domain) ([]store.Value, error) {
	if _, err := model.PrincipalFrom(ctx); err != nil {
		return nil, nil //nolint:nilerr // whoever is nobody sees nothing
	}
	resources := make([]policy.Resource, len(domains))
	for i, d := range domains {
		resources[i] = policy.Resource{Type: "namespace", Domain: d.Name}
	}
	seen, err := s.Filter(ctx, model.ActMetadataView, resources)
	if err != nil {
		return nil, err
	}
	var visible []store.Value
	for i, d := range domains {
		if seen[i] {
			visible = append(visible, string(d.ID))
		}
	}
	return visible, nil
}

// side is one of the two who have to do with a claim. Claimants are looked for
// among all that is contested: their index has a row for each, and cannot be
// asked about many at once.
type side struct {
	code, words string
	where       func(visible []store.Value) store.Filter
	who, others func(model.Asset) []model.ID
}

func sides() []side {
	owner := func(a model.Asset) []model.ID { return []model.ID{a.DomainID} }
	claimants := func(a model.Asset) []model.ID { return a.Claimants() }
	return []side{
		{
			"namespace.claimed", "of the domain are claimed by sources of",
			func(visible []store.Value) store.Filter { return store.In("contested", visible...) }, owner, claimants,
		},
		{
			"namespace.claims", "that sources of the domain claim belong to",
			func([]store.Value) store.Filter { return store.HasPrefix("contested", string(model.PrefixDomain)) }, claimants, owner,
		},
	}
}

// claimsOf adds what one side of the claims is told.
func (g *Gate) claimsOf(ctx context.Context, by side, visible []store.Value, found map[model.ID][]model.Finding) error {
	assets := map[[2]model.ID][]model.Asset{} // by who is told and of whom
	more := false
	for part := range slices.Chunk(visible, store.MaxIn) {
		page, err := store.Assets.Find(ctx, g.store, store.Query{Index: "by_contested", Where: by.where(part), Limit: claimsRead})
		if err != nil {
			return err
		}
		more = more || page.More
		for _, a := range page.Nodes {
			for _, who := range by.who(a) {
				for _, other := range by.others(a) {
					if pair := [2]model.ID{who, other}; slices.Contains(part, store.Value(string(who))) {
						assets[pair] = append(assets[pair], a)
					}
				}
			}
		}
	}
	pairs := slices.SortedFunc(maps.Keys(assets), func(a, b [2]model.ID) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, pair := range pairs {
		name, err := g.DomainName(ctx, pair[1])
		if err != nil {
			return err
		}
		found[pair[0]] = append(found[pair[0]], claimFinding(pair[0], by.code, by.words, string(name), assets[pair], more))
	}
	return nil
}

func claimFinding(domain model.ID, code, words, other string, assets []model.Asset, more bool) model.Finding {
	count, names := strconv.Itoa(len(assets)), make([]string, 0, claimsNamed)
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
