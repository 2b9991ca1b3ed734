package resolver

import (
	"context"
	"sync"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/standards"
)

// standardLinks are the look-ups of one operation about findings and scores.
type standardLinks struct {
	productCards  loader[*model.Scorecard]
	domainCards   loader[*model.Scorecard]
	assetFindings loader[[]model.Finding]

	mu     sync.Mutex
	trend  func(days int) *loader[[]model.Scorecard]
	trends map[int]*loader[[]model.Scorecard] // by the days that are asked for
	cards  []model.ID                         // whose trends may be asked for
}

func (t *standardLinks) prepareStandards(s Services, l *links) {
	card := func(c *model.Scorecard) { l.noteCard(c) }
	prepare(l, &t.productCards, each(s.Standards.ProductScorecards), card)
	prepare(l, &t.domainCards, each(s.Standards.DomainScorecards), card)
	prepare(l, &t.assetFindings, s.Standards.AssetFindings, nil)
	t.trends = map[int]*loader[[]model.Scorecard]{}
	t.trend = func(days int) *loader[[]model.Scorecard] {
		return &loader[[]model.Scorecard]{fetch: func(ctx context.Context, ids ...model.ID) (map[model.ID][]model.Scorecard, error) {
			return s.Standards.Trends(ctx, days, ids...)
		}}
	}
}

// each makes pointers of what a service call finds.
func each[V any](byID func(context.Context, ...model.ID) (map[model.ID]V, error)) func(context.Context, ...model.ID) (map[model.ID]*V, error) {
	return func(ctx context.Context, ids ...model.ID) (map[model.ID]*V, error) {
		rows, err := byID(ctx, ids...)
		if err != nil {
			return nil, err
		}
		found := make(map[model.ID]*V, len(rows))
		for id, v := range rows {
			found[id] = &v
		}
		return found, nil
	}
}

// noteCard says that the trend of a scorecard may be asked for.
func (t *standardLinks) noteCard(c *model.Scorecard) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cards = append(t.cards, c.SubjectID)
	for _, l := range t.trends {
		l.expect(c.SubjectID)
	}
}

// back gives the look-up of so many days.
func (t *standardLinks) back(days int) *loader[[]model.Scorecard] {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.trends[days]
	if !ok {
		l = t.trend(days)
		l.expect(t.cards...)
		t.trends[days] = l
	}
	return l
}

func (t *standardLinks) forgetTrends() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trends, t.cards = map[int]*loader[[]model.Scorecard]{}, nil
}

// Findings resolves the field findings.
func (q query) Findings(ctx context.Context, domainID model.ID, first int, after *string) (*graph.FindingConnection, error) {
	page, err := q.s.Standards.Findings(ctx, domainID, paging(first, after))
	return (*graph.FindingConnection)(connect[model.Finding, graph.FindingEdge](ctx, page)), err
}

// Findings resolves what the standards find about a product.
func (product) Findings(ctx context.Context, p *model.DataProduct) ([]*model.Finding, error) {
	card, ok, err := linksFrom(ctx).productCards.one(ctx, p.ID)
	if !ok {
		return nil, err
	}
	return noted(ctx, card.Findings), err
}

// Scorecard resolves how a product does by the standards.
func (product) Scorecard(ctx context.Context, p *model.DataProduct) (*model.Scorecard, error) {
	return follow(ctx, &linksFrom(ctx).productCards, p.ID)
}

// Scorecard resolves how a domain does by the standards.
func (domain) Scorecard(ctx context.Context, d *model.Domain) (*model.Scorecard, error) {
	return follow(ctx, &linksFrom(ctx).domainCards, d.ID)
}

// Findings resolves what the standards find about an asset.
func (asset) Findings(ctx context.Context, a *model.Asset) ([]*model.Finding, error) {
	found, _, err := linksFrom(ctx).assetFindings.one(ctx, a.ID)
	return noted(ctx, found), err
}

// Findings resolves what the standards find now.
func (scorecard) Findings(ctx context.Context, c *model.Scorecard) ([]*model.Finding, error) {
	return noted(ctx, c.Findings), nil
}

// Trend resolves the scores of the last days.
func (scorecard) Trend(ctx context.Context, c *model.Scorecard, days int) ([]*model.Scorecard, error) {
	points, _, err := linksFrom(ctx).back(days).one(ctx, c.SubjectID)
	return pointers(points), err
}

// Subject resolves what a finding is about.
func (finding) Subject(ctx context.Context, f *model.Finding) (model.Noun, error) {
	return linksFrom(ctx).find(ctx, f.SubjectID)
}

// noted says that the subjects of the findings may be asked for.
func noted(ctx context.Context, found []model.Finding) []*model.Finding {
	shown := pointers(found)
	for _, f := range shown {
		linksFrom(ctx).note(f)
	}
	return shown
}

const (
	cardCost   = 20  // a product's standards are asked for it
	domainCost = 500 // and those of all its products for a domain's
)

func costsOfStandards(c *graph.ComplexityRoot) {
	c.Query.Findings = func(child int, _ model.ID, first int, _ *string) int { return times(child+cardCost, first) }
	c.DataProduct.Findings = func(child int) int { return child + cardCost }
	c.DataProduct.Scorecard = func(child int) int { return child + cardCost }
	c.Asset.Findings = func(child int) int { return child + cardCost }
	c.Domain.Scorecard = func(child int) int { return child + domainCost }
	c.Scorecard.Trend = func(child, days int) int { return 1 + child*min(max(days, 1), standards.MaxTrend)/walkShare }
}
