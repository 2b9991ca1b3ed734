package catalog

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-mesh/souk/graph/model"
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

// query is a search as the index understands it.
type query struct {
	text        string // all of it, in lower case
	words       []string
	filter      SearchFilter
	fingerprint uint64
}

// Search finds assets, products and domains that have all the words, best
// first: an exact name before the beginning of a name, before a word of a name,
// before tags, descriptions and fields. The last word may be the beginning of
// one. Nothing that the viewer may not see is counted or takes a place.
func (s *Service) Search(ctx context.Context, text string, f SearchFilter, p model.Paging) (model.Page[Hit], error) {
	var page model.Page[Hit]
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
	if err := s.feed.fresh(ctx); err != nil {
		return page, err
	}
	found := s.feed.index.find(q)
	places := make([]place, len(found))
	for i, m := range found {
		places[i] = m.place
	}
	from, err := after(p.After, q.fingerprint, places)
	if err != nil {
		return page, err
	}
	in := s.gate.Session()
	if page, err = s.visibleHits(ctx, in, found[from:], p.First); err != nil {
		return page, err
	}
	return page, in.Listed(ctx, model.ActMetadataView, "search", q.fingerprint, len(found)-from, len(page.Nodes))
}

func newQuery(text string, f SearchFilter) (query, error) {
	if utf8.RuneCountInString(text) > maxQuery {
		return query{}, model.Invalid("text", "is longer than 256 characters", "search for a few words")
	}
	text = strings.TrimSpace(norm.NFC.String(text))
	if text == "" {
		return query{}, model.Invalid("text", "is empty", "search for a word, or list assets instead")
	}
	for _, kind := range f.Kinds {
		if !slices.Contains([]SearchKind{HitAsset, HitProduct, HitDomain}, kind) {
			return query{}, model.Invalid("kinds", "there is nothing of the kind "+string(kind)+" to search for", "use ASSET, DATA_PRODUCT or DOMAIN")
		}
	}
	f.Kinds = slices.Compact(slices.Sorted(slices.Values(f.Kinds)))
	q := query{text: strings.ToLower(text), words: asked(text), filter: f}
	q.words = q.words[:min(len(q.words), maxQueryWords)]
	q.fingerprint = fingerprint("search", struct {
		words  []string
		filter SearchFilter
	}{q.words, f})
	return q, nil
}

func (q query) wants(d *document) bool {
	return (len(q.filter.Kinds) == 0 || slices.Contains(q.filter.Kinds, d.kind)) && (q.filter.DomainID == "" || q.filter.DomainID == d.domain)
}

// visibleHits fills a page with the matches that the viewer may see. It asks
// the policies about a handful at a time, and looks one further than the page
// so that the answer whether there is more tells nothing of hidden things.
func (s *Service) visibleHits(ctx context.Context, in *gate.Session, found []match, limit int) (model.Page[Hit], error) {
	var page model.Page[Hit]
	l, err := s.newHitFilter(ctx, in)
	if err != nil {
		return page, err
	}
	look := limit + 1
	for len(found) > 0 {
		var part []match
		if part, found, err = l.next(ctx, found, look); err != nil {
			return page, err
		}
		visible, err := s.visibleMatches(ctx, l.viewer, part)
		if err != nil {
			return page, err
		}
		for _, m := range part {
			if !visible[m.ID] {
				continue
			}
			if len(page.Nodes) == limit {
				page.More = true
				return page, nil
			}
			page.Nodes = append(page.Nodes, m.hit())
			page.Cursors = append(page.Cursors, m.cursor())
		}
		look = min(2*look, maxLook)
	}
	return page, nil
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

// next takes the first matches, up to the limit, that may be visible.
func (l *hitFilter) next(ctx context.Context, found []match, limit int) (part, rest []match, err error) {
	for i, m := range found {
		if len(part) == limit {
			return part, found[i:], nil
		}
		ok, err := l.may(ctx, m.doc)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			part = append(part, m)
		}
	}
	return part, nil, nil
}

func (l *hitFilter) may(ctx context.Context, d *document) (bool, error) {
	if d.kind != HitAsset {
		return true, nil
	}
	domain, ok := l.domains[d.domain]
	if !ok {
		var err error
		if domain, err = l.gate.DomainName(ctx, d.domain); err != nil {
			return false, err
		}
		l.domains[d.domain] = domain
	}
	if l.exposed == nil {
		var err error
		if l.exposed, err = l.gate.Exposed(ctx); err != nil {
			return false, err
		}
	}
	row := d.row
	row.Domain, row.Exposed = domain, l.exposed[d.id]
	return l.viewer.May(ctx, row), nil
}

func (m match) hit() Hit {
	h := Hit{Kind: m.kind, ID: m.ID, Score: m.Score}
	for _, p := range textParts {
		if m.parts&p.part != 0 {
			h.Matched = append(h.Matched, p.name)
		}
	}
	return h
}

// visibleMatches asks the policies about all the matches at once. What has
// been deleted since the index heard of it is not there to be seen.
func (s *Service) visibleMatches(ctx context.Context, v *gate.Viewer, found []match) (map[model.ID]bool, error) {
	ids := map[SearchKind][]model.ID{}
	for _, m := range found {
		ids[m.kind] = append(ids[m.kind], m.ID)
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
