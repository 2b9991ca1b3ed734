package standards

import (
	"context"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// How the history of scorecards is kept.
const (
	keptDays    = 400
	recordEvery = time.Hour
	recordBatch = 100
)

// Run records the scorecards of the day, and keeps them up to date,
// until the context ends.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(recordEvery)
	defer tick.Stop()
	for {
		if err := s.Record(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "the scorecards of the day could not be recorded; it is tried again in an hour", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Record writes down how every domain and every product does today,
// where that has changed since it was last written, and forgets what is older
// than a look back can reach.
func (s *Service) Record(ctx context.Context) error {
	ctx = model.WithPrincipal(ctx, model.System())
	for d, err := range store.Domains.All(ctx, s.store, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		if err := s.recordDomain(ctx, d); err != nil {
			return err
		}
	}
	return s.forget(ctx)
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
	in := s.gate.Session()
	cards, err := s.productCards(ctx, in, products)
	if err != nil {
		return err
	}
	own, err := s.domainCards(ctx, in, []model.Domain{d}, products, cards)
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

// forget takes away what is older than anybody may look back.
func (s *Service) forget(ctx context.Context) error {
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
	_, err := s.store.Apply(ctx, s.gate.Change(ctx, action, subject, "", writes...))
	if model.LostRace(err) {
		return nil
	}
	return err
}
