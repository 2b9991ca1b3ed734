package governance

import (
	"context"
	"log/slog"
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

// The history of scorecards.
const (
	MaxTrend    = 90 // days that one look back may ask for
	keptDays    = 400
	recordEvery = time.Hour
	recordBatch = 100
)

// ProductScorecards tells how those of the products do that the actor may know of.
func (s *Service) ProductScorecards(ctx context.Context, ids ...model.ID) (map[model.ID]model.Scorecard, error) {
	products, err := gate.SeeMany(ctx, s.gate, store.Products, gate.Each(s.gate.Product), ids...)
	if err != nil {
		return nil, err
	}
	return s.productCards(ctx, products)
}

func (s *Service) productCards(ctx context.Context, products []model.DataProduct) (map[model.ID]model.Scorecard, error) {
	found, err := s.gate.ProductFindings(ctx, products)
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
// offer, whether or not the actor may know of each.
func (s *Service) DomainScorecards(ctx context.Context, ids ...model.ID) (map[model.ID]model.Scorecard, error) {
	domains, err := gate.SeeMany(ctx, s.gate, store.Domains, gate.Each(s.gate.Domain), ids...)
	if err != nil {
		return nil, err
	}
	var values []store.Value
	for _, d := range domains {
		values = append(values, string(d.ID))
	}
	var products []model.DataProduct
	for part := range slices.Chunk(values, store.MaxIn) {
		q := store.Query{Index: "by_domain", Where: store.In("domain", part...), Limit: store.MaxPage}
		for p, err := range store.Products.All(ctx, s.store, q) {
			if err != nil {
				return nil, err
			}
			if onOffer(p) {
				products = append(products, p)
			}
		}
	}
	cards, err := s.productCards(ctx, products)
	if err != nil {
		return nil, err
	}
	return s.domainCards(ctx, domains, products, cards)
}

func onOffer(p model.DataProduct) bool {
	return p.Status == model.Published || p.Status == model.Deprecated
}

func (s *Service) domainCards(ctx context.Context, domains []model.Domain, products []model.DataProduct, of map[model.ID]model.Scorecard) (map[model.ID]model.Scorecard, error) {
	found, err := s.gate.DomainFindings(ctx, domains)
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
	ps, err := gate.SeeMany(ctx, s.gate, store.Products, gate.Each(s.gate.Product), products...)
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		seen = append(seen, p.ID)
	}
	ds, err := gate.SeeMany(ctx, s.gate, store.Domains, gate.Each(s.gate.Domain), domains...)
	for _, d := range ds {
		seen = append(seen, d.ID)
	}
	return seen, err
}

// RunScorecards records the scorecards of the day, and keeps them up to date,
// until the context ends.
func (s *Service) RunScorecards(ctx context.Context) {
	tick := time.NewTicker(recordEvery)
	defer tick.Stop()
	for {
		if err := s.RecordScorecards(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "the scorecards of the day could not be recorded; it is tried again in an hour", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// RecordScorecards writes down how every domain and every product does today,
// where that has changed since it was last written, and forgets what is older
// than a look back can reach.
func (s *Service) RecordScorecards(ctx context.Context) error {
	ctx = model.WithPrincipal(ctx, model.System())
	for d, err := range store.Domains.All(ctx, s.store, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		if err := s.recordDomain(ctx, d); err != nil {
			return err
		}
	}
	return s.forgetScorecards(ctx)
}

func (s *Service) recordDomain(ctx context.Context, d model.Domain) error {
	var products []model.DataProduct
	q := store.Query{Index: "by_domain", Where: store.Eq("domain", string(d.ID)), Limit: store.MaxPage}
	for p, err := range store.Products.All(ctx, s.store, q) {
		if err != nil {
			return err
		}
		if p.Status != model.Retired {
			products = append(products, p)
		}
	}
	cards, err := s.productCards(ctx, products)
	if err != nil {
		return err
	}
	own, err := s.domainCards(ctx, []model.Domain{d}, products, cards)
	if err != nil {
		return err
	}
	all := []model.Scorecard{own[d.ID]}
	for _, p := range products {
		all = append(all, cards[p.ID])
	}
	for batch := range slices.Chunk(all, recordBatch) {
		if err := s.recordCards(ctx, d.ID, batch); err != nil {
			return err
		}
	}
	return nil
}

// recordCards writes the cards that are new or have changed. The findings stay out:
// they can be had anew, and would be most of what a year of scores takes up.
func (s *Service) recordCards(ctx context.Context, domain model.ID, cards []model.Scorecard) error {
	ids := make([]model.ID, len(cards))
	for i, c := range cards {
		ids[i] = c.ID
	}
	found, err := store.Scorecards.GetMany(ctx, s.store, ids...)
	if err != nil {
		return err
	}
	was := map[model.ID]model.Scorecard{}
	for _, c := range found {
		was[c.ID] = c
	}
	var writes []store.Write
	for _, c := range cards {
		old, known := was[c.ID]
		if known && old.Score == c.Score && old.Checked == c.Checked {
			continue
		}
		c.Meta, c.Findings = model.Meta{ID: c.ID, Revision: old.Revision, CreatedAt: old.CreatedAt}, nil
		writes = append(writes, store.Scorecards.Put(c))
	}
	return s.applyCards(ctx, "scorecard.record", domain, writes)
}

// forgetScorecards takes away what is older than anybody may look back.
func (s *Service) forgetScorecards(ctx context.Context) error {
	old := store.Query{Index: "by_day", Where: store.Between("day", nil, s.today().AddDate(0, 0, -keptDays)), Limit: recordBatch}
	for {
		page, err := store.Scorecards.Find(ctx, s.store, old)
		if err != nil || len(page.Nodes) == 0 {
			return err
		}
		var writes []store.Write
		for _, c := range page.Nodes {
			writes = append(writes, store.Scorecards.Delete(c))
		}
		if err := s.applyCards(ctx, "scorecard.forget", "", writes); err != nil || !page.More {
			return err
		}
	}
}

// applyCards makes the change. Another replica that was quicker has written the same.
func (s *Service) applyCards(ctx context.Context, action string, subject model.ID, writes []store.Write) error {
	if len(writes) == 0 {
		return nil
	}
	_, err := s.store.Apply(ctx, s.gate.Change(ctx, action, subject, "", gate.Answer{}, writes...))
	if model.Is(err, model.KindConflict) {
		return nil
	}
	return err
}
