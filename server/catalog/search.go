package catalog

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// The bounds of a search.
const (
	maxQuery      = 256 // characters
	maxQueryWords = 16
	maxLook       = 200 // matches that one question to the policies covers
)

// Search finds assets, products and domains that have all the words, best
// first: an exact name before the beginning of a name, before a word of a name,
// before tags, descriptions and fields. The last word may be the beginning of
// one. Nothing that the viewer may not see is counted or takes a place.
func (s *Service) Search(ctx context.Context, text string, f SearchFilter, p model.Paging) (Hits, error) {
	var page Hits
	q, err := newQuery(text, f)
	if err != nil {
		return page, err
	}
	if err := p.Validate(); err != nil {
		return page, err
	}
	if _, err := model.PrincipalFrom(ctx); err != nil {
		return page, err
	}
	list := fingerprint("search", struct {
		words  []string
		filter SearchFilter
	}{q.Words, SearchFilter{q.Kinds, q.Domain}})
	if q.After, err = placeOf(p.After, list); err != nil {
		return page, err
	}
	if err := s.index.Fresh(ctx); err != nil {
		return page, err
	}
	in := s.gate.Session()
	page.Indexed = s.index.Percent() // before it is asked, so that it never says too much
	asked := 0
	if page.Page, asked, err = s.visibleHits(ctx, in, q, list, p.First); err != nil {
		return page, err
	}
	return page, in.Listed(ctx, model.ActMetadataView, "search", list, asked, len(page.Nodes))
}

func newQuery(text string, f SearchFilter) (index.Query, error) {
	if utf8.RuneCountInString(text) > maxQuery {
		return index.Query{}, model.Invalid("text", "is longer than 256 characters", "search for a few words")
	}
	text = strings.TrimSpace(norm.NFC.String(text))
	if text == "" {
		return index.Query{}, model.Invalid("text", "is empty", "search for a word, or list assets instead")
	}
	for _, kind := range f.Kinds {
		if !slices.Contains([]SearchKind{HitAsset, HitProduct, HitDomain}, kind) {
			return index.Query{}, model.Invalid("kinds", "there is nothing of the kind "+string(kind)+" to search for", "use ASSET, DATA_PRODUCT or DOMAIN")
		}
	}
	words := index.Asked(text)
	return index.Query{
		Text: strings.ToLower(text), Words: words[:min(len(words), maxQueryWords)],
		Kinds: slices.Compact(slices.Sorted(slices.Values(f.Kinds))), Domain: f.DomainID,
	}, nil
}

// visibleHits fills a page with the matches that the viewer may see, and tells
// how many there are. It takes a handful at a time, and looks one further than
// the page so that the answer whether there is more tells nothing of hidden things.
func (s *Service) visibleHits(ctx context.Context, in *gate.Session, q index.Query, list uint64, limit int) (page model.Page[Hit], asked int, err error) {
	l, err := s.newHitFilter(ctx, in)
	if err != nil {
		return page, 0, err
	}
	found, asked := s.index.Find(q, limit+1)
	for left, look := asked, limit+1; ; {
		if err := s.fill(ctx, l, found, &page, list, limit); err != nil || page.More || len(found) == left {
			return page, asked, err
		}
		at := found[len(found)-1].Place()
		q.After, look = &at, look*8 // many are hidden: each look costs the same, however few it takes
		found, left = s.index.Find(q, look)
	}
}

// fill adds those of the matches to the page that the viewer may see, until
// there is one too many.
func (s *Service) fill(ctx context.Context, l *hitFilter, found []index.Match, page *model.Page[Hit], list uint64, limit int) error {
	likely, err := l.likely(ctx, found)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(likely, maxLook) {
		visible, err := s.visibleMatches(ctx, l.viewer, part)
		if err != nil {
			return err
		}
		for _, m := range part {
			if !visible[m.ID] {
				continue
			}
			if len(page.Nodes) == limit {
				page.More = true
				return nil
			}
			page.Nodes = append(page.Nodes, Hit{Kind: m.Kind, ID: m.ID, Score: m.Score, Matched: m.Parts()})
			page.Cursors = append(page.Cursors, place{list, m.Place()}.cursor())
		}
	}
	return nil
}

// hitFilter passes over assets that the viewer may not see by what the index
// knows of them, without reading them. Whatever it lets through is read and
// judged as it is now.
type hitFilter struct {
	gate    *gate.Gate
	viewer  *gate.Viewer
	exposed map[model.ID]bool
	domains map[model.ID]model.Slug
}

func (s *Service) newHitFilter(ctx context.Context, in *gate.Session) (*hitFilter, error) {
	v, err := in.Viewer(ctx, model.ActMetadataView)
	return &hitFilter{gate: s.gate, viewer: v, domains: map[model.ID]model.Slug{}}, err
}

// likely are the matches that may be visible.
func (l *hitFilter) likely(ctx context.Context, found []index.Match) ([]index.Match, error) {
	var part []index.Match
	for _, m := range found {
		ok, err := l.may(ctx, m.Entry)
		if err != nil {
			return nil, err
		}
		if ok {
			part = append(part, m)
		}
	}
	return part, nil
}

func (l *hitFilter) may(ctx context.Context, e *index.Entry) (bool, error) {
	if e.Kind != HitAsset {
		return true, nil
	}
	domain, ok := l.domains[e.Domain]
	if !ok {
		var err error
		if domain, err = l.gate.DomainName(ctx, e.Domain); err != nil {
			return false, err
		}
		l.domains[e.Domain] = domain
	}
	if l.exposed == nil {
		var err error
		if l.exposed, err = l.gate.Exposed(ctx); err != nil {
			return false, err
		}
	}
	return l.viewer.May(ctx, policy.Resource{
		Type: "asset", ID: e.ID, Name: e.Name, Domain: domain, Status: string(e.Status), Tags: e.Tags, Described: e.Described, Exposed: l.exposed[e.ID],
	}), nil
}

// visibleMatches asks the policies about all the matches at once. What has
// been deleted since the index heard of it is not there to be seen.
func (s *Service) visibleMatches(ctx context.Context, v *gate.Viewer, found []index.Match) (map[model.ID]bool, error) {
	ids := map[SearchKind][]model.ID{}
	for _, m := range found {
		ids[m.Kind] = append(ids[m.Kind], m.ID)
	}
	assets, err := store.Assets.GetMany(ctx, s.store, ids[HitAsset]...)
	if err != nil {
		return nil, err
	}
	resources, err := s.gate.Assets(ctx, assets)
	if err != nil {
		return nil, err
	}
	products, err := described(ctx, s, store.Products.GetMany, ids[HitProduct], s.gate.Product)
	if err != nil {
		return nil, err
	}
	domains, err := described(ctx, s, store.Domains.GetMany, ids[HitDomain], s.gate.Domain)
	if err != nil {
		return nil, err
	}
	resources = slices.Concat(resources, products, domains)
	visible := make(map[model.ID]bool, len(resources))
	for _, res := range resources {
		visible[res.ID] = v.May(ctx, res)
	}
	return visible, nil
}

func described[T any](ctx context.Context, s *Service, get func(context.Context, store.Store, ...model.ID) ([]T, error), ids []model.ID, describe func(context.Context, T) (policy.Resource, error)) ([]policy.Resource, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	nouns, err := get(ctx, s.store, ids...)
	if err != nil {
		return nil, err
	}
	resources := make([]policy.Resource, len(nouns))
	for i, n := range nouns {
		if resources[i], err = describe(ctx, n); err != nil {
			return nil, err
		}
	}
	return resources, nil
}
