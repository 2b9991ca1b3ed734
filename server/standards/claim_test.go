package standards_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestClaimsAreFindingsOfBothDomains has a source of sales show a table of
// marketing's as its own: both stewards are told, and nobody else.
func TestClaimsAreFindingsOfBothDomains(t *testing.T) {
	inTurn(t)
	onStalls(t, claims)
}

func claims(t *testing.T, s *stall) {
	t.Helper()
	claimed := model.Asset{
		Meta: model.Meta{ID: "ast_claimed"}, Namespace: "sqlite://hr", Name: "people", ShortName: "people", DomainID: "dom_marketing", Status: model.AssetUnresolved,
		Sightings: []model.Sighting{{SourceID: "src_thief", Scope: "s", Rank: model.RankHolder, DomainID: "dom_sales"}},
	}
	s.put(store.Domains.Put(model.Domain{Meta: model.Meta{ID: "dom_marketing"}, Name: "marketing", StewardIDs: []model.ID{"prn_bo"}}), store.Assets.Put(claimed))
	found := func(who string, domain model.ID) string {
		page, err := s.Findings(s.as(who), domain, model.Paging{First: 50})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Nodes {
			if strings.HasPrefix(f.Code, "namespace.") {
				return f.Code + ": " + f.Message
			}
		}
		return ""
	}
	for _, c := range []struct {
		who    string
		domain model.ID
		want   string
	}{
		{"ana", "dom_sales", "namespace.claims: 1 asset that sources of the domain claim belong to marketing: sqlite://hr people"},
		{"bo", "dom_marketing", "namespace.claimed: 1 asset of the domain are claimed by sources of sales: sqlite://hr people"},
		{"ana", "dom_marketing", ""},
		{"bo", "dom_sales", ""},
	} {
		if got := found(c.who, c.domain); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.who, c.domain, got, c.want)
		}
	}
}
