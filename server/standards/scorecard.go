package standards

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// What a standard that is not met costs of the hundred points. Each counts
// once for a noun, however often it is broken there.
const (
	errorCosts   = 20
	warningCosts = 5
)

// MaxTrend is how many days one look back may ask for.
const MaxTrend = 90

// ProductScorecards tells how those of the products do that the actor may know of.
func (s *Service) ProductScorecards(ctx context.Context, ids ...model.ID) (map[model.ID]model.Scorecard, error) {
	in := s.gate.Session()
	products, err := gate.SeeMany(ctx, in, store.Products, gate.Each(s.gate.Product), ids...)
	if err != nil {
		return nil, err
	}
	return s.productCards(ctx, in, products)
}

func (s *Service) productCards(ctx context.Context, in *gate.Session, products []model.DataProduct) (map[model.ID]model.Scorecard, error) {
	found, err := in.ProductFindings(ctx, products)
	if err != nil {
		return nil, err
	}
	cards := make(map[model.ID]model.Scorecard, len(products))
	for _, p := range products {
		cards[p.ID] = s.card(p.ID, p.DomainID, found[p.ID])
	}
	return cards, nil
}

// DomainScorecards tells how those of the domains do that the actor may know
// of. A domain's score is the mean of its own and of those of its products on
// offer to the company. What the actor may not know of is neither counted nor
// weighed.
func (s *Service) DomainScorecards(ctx context.Context, ids ...model.ID) (map[model.ID]model.Scorecard, error) {
	in := s.gate.Session()
	domains, err := gate.SeeMany(ctx, in, store.Domains, gate.Each(s.gate.Domain), ids...)
	if err != nil {
		return nil, err
	}
	products, err := s.offered(ctx, in, domains)
	if err != nil {
		return nil, err
	}
	cards, err := s.productCards(ctx, in, products)
	if err != nil {
		return nil, err
	}
	return s.domainCards(ctx, in, domains, products, cards)
}

// offered lists the products that the domains offer and that the actor may know of.
func (s *Service) offered(ctx context.Context, in *gate.Session, domains []model.Domain) ([]model.DataProduct, error) {
	var values []store.Value
	for _, d := range domains {
		values = append(values, string(d.ID))
	}
	var offered []model.DataProduct
	for part := range slices.Chunk(values, store.MaxIn) {
		q := store.Query{Index: "by_domain", Where: store.In("domain", part...), Limit: store.MaxPage}
		for p, err := range store.Products.All(ctx, s.store, q) {
			if err != nil {
				return nil, err
			}
			if onOffer(p) {
				offered = append(offered, p)
			}
		}
	}
	return s.known(ctx, in, offered)
}

// known leaves out what the actor may not know of.
func (s *Service) known(ctx context.Context, in *gate.Session, products []model.DataProduct) ([]model.DataProduct, error) {
	resources, err := gate.Each(s.gate.Product)(ctx, products)
	if err != nil {
		return nil, err
	}
	visible, err := in.Filter(ctx, model.ActMetadataView, resources)
	if err != nil {
		return nil, err
	}
	var known []model.DataProduct
	for i, p := range products {
		if visible[i] {
			known = append(known, p)
		}
	}
	return known, nil
}

// onOffer reports a product that the whole company may find: a score that
// everybody sees must not tell of others.
func onOffer(p model.DataProduct) bool {
	return p.Visibility == model.VisibleToAll && (p.Status == model.Published || p.Status == model.Deprecated)
}

func (s *Service) domainCards(ctx context.Context, in *gate.Session, domains []model.Domain, products []model.DataProduct, of map[model.ID]model.Scorecard) (map[model.ID]model.Scorecard, error) {
	found, err := in.DomainFindings(ctx, domains)
	if err != nil {
		return nil, err
	}
	cards := make(map[model.ID]model.Scorecard, len(domains))
	for _, d := range domains {
		card := s.card(d.ID, d.ID, found[d.ID])
		sum := card.Score
		for _, p := range products {
			if p.DomainID == d.ID && onOffer(p) {
				sum, card.Checked = sum+of[p.ID].Score, card.Checked+1
			}
		}
		card.Score = (sum + card.Checked/2) / card.Checked
		cards[d.ID] = card
	}
	return cards, nil
}

// card makes today's scorecard of one noun.
func (s *Service) card(subject, domain model.ID, found []model.Finding) model.Scorecard {
	return model.Scorecard{
		Meta:      model.Meta{ID: cardID(subject, s.today())},
		SubjectID: subject, DomainID: domain, Day: s.today(), Score: score(found), Checked: 1, Findings: found,
	}
}

func (s *Service) today() time.Time { return s.now().UTC().Truncate(24 * time.Hour) }

// cardID is made of what the card is about and of its day, so that there is one
// a day, and days gone by are found without a search.
func cardID(subject model.ID, day time.Time) model.ID {
	return model.ID(string(model.PrefixScorecard) + "_" + strings.ReplaceAll(string(subject), "_", "") + "_" + day.Format("20060102"))
}

// score takes from a hundred what each standard that is not met costs, once.
func score(found []model.Finding) int {
	worst := map[string]int{}
	for _, f := range found {
		cost := warningCosts
		if f.Severity == model.SeverityError {
			cost = errorCosts
		}
		key := f.Standard + " " + f.Code
		worst[key] = max(worst[key], cost)
	}
	points := 100
	for _, cost := range worst {
		points -= cost
	}
	return max(0, points)
}

// Trends gives the scorecards of the last days, the oldest first and today's
// not among them, for those of the products and domains that the actor may
// know of. Days on which nobody looked are missing.
func (s *Service) Trends(ctx context.Context, days int, ids ...model.ID) (map[model.ID][]model.Scorecard, error) {
	if days < 1 || days > MaxTrend {
		return nil, model.Invalid("days", "must be between 1 and 90", "look back at most 90 days")
	}
	seen, err := s.scored(ctx, ids)
	if err != nil {
		return nil, err
	}
	var cards []model.ID
	trends := make(map[model.ID][]model.Scorecard, len(seen))
	for _, id := range seen {
		trends[id] = nil
		for back := days; back > 0; back-- {
			cards = append(cards, cardID(id, s.today().AddDate(0, 0, -back)))
		}
	}
	for part := range slices.Chunk(cards, store.MaxIn) {
		found, err := store.Scorecards.GetMany(ctx, s.store, part...)
		if err != nil {
			return nil, err
		}
		for _, card := range found {
			trends[card.SubjectID] = append(trends[card.SubjectID], card)
		}
	}
	return trends, nil
}

// scored keeps the products and domains among the ids that the actor may know of.
func (s *Service) scored(ctx context.Context, ids []model.ID) ([]model.ID, error) {
	var seen, products, domains []model.ID
	for _, id := range ids {
		switch id.Prefix() {
		case model.PrefixProduct:
			products = append(products, id)
		case model.PrefixDomain:
			domains = append(domains, id)
		default:
		}
	}
	in := s.gate.Session()
	ps, err := gate.SeeMany(ctx, in, store.Products, gate.Each(s.gate.Product), products...)
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		seen = append(seen, p.ID)
	}
	ds, err := gate.SeeMany(ctx, in, store.Domains, gate.Each(s.gate.Domain), domains...)
	for _, d := range ds {
		seen = append(seen, d.ID)
	}
	return seen, err
}
