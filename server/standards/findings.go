package standards

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// AssetFindings gives what the shared standards find about those of the assets
// that the actor may know of.
func (s *Service) AssetFindings(ctx context.Context, ids ...model.ID) (map[model.ID][]model.Finding, error) {
	in := s.gate.Session()
	assets, err := gate.SeeMany(ctx, in, store.Assets, s.gate.Assets, ids...)
	if err != nil {
		return nil, err
	}
	return in.AssetFindings(ctx, assets)
}

// Findings lists what the shared standards find about the domain and about
// those of its products that are not retired and that the actor may know of: the domain's own first,
// then product by product. A domain that the actor may not know of is an error
// of kind NotFound.
func (s *Service) Findings(ctx context.Context, domainID model.ID, p model.Paging) (model.Page[model.Finding], error) {
	var page model.Page[model.Finding]
	if err := p.Validate(); err != nil {
		return page, err
	}
	at, err := parseMark(p.After)
	if err != nil {
		return page, err
	}
	in := s.gate.Session()
	d, _, err := gate.See(ctx, in, store.Domains, domainID, s.gate.Domain)
	if err != nil {
		return page, err
	}
	w := findingWalk{Page: &page, limit: p.First, at: at}
	if !at.products {
		found, err := in.DomainFindings(ctx, []model.Domain{d})
		if err != nil || w.add(found[d.ID]) {
			return page, err
		}
		w.at = mark{products: true}
	}
	return page, s.walkProducts(ctx, in, d, &w)
}

// findingStep is how many products are looked at together.
const findingStep = 50

// walkProducts goes through the products of the domain until the page is full.
func (s *Service) walkProducts(ctx context.Context, in *gate.Session, d model.Domain, w *findingWalk) error {
	q := store.Query{Index: "by_domain", Where: store.Eq("domain", string(d.ID))}
	for {
		products, err := gate.List(ctx, in, store.Products, q, model.Paging{First: findingStep, After: w.at.after}, gate.Each(s.gate.Product))
		if err != nil {
			return err
		}
		found, err := in.ProductFindings(ctx, notRetired(products.Nodes))
		if err != nil {
			return err
		}
		for i, product := range products.Nodes {
			if w.add(found[product.ID]) {
				return nil
			}
			w.at = mark{products: true, after: products.Cursors[i]}
		}
		if !products.More {
			return nil
		}
	}
}

// notRetired leaves out the retired products, which nobody will mend.
func notRetired(products []model.DataProduct) []model.DataProduct {
	return slices.DeleteFunc(slices.Clone(products), func(p model.DataProduct) bool { return p.Status == model.Retired })
}

// findingWalk fills one page, noun by noun.
type findingWalk struct {
	*model.Page[model.Finding]
	limit int
	at    mark
}

// add takes the findings about one noun over, from the mark on, and reports
// whether the page is full and more of them follow.
func (w *findingWalk) add(found []model.Finding) bool {
	for i := min(w.at.index, len(found)); i < len(found); i++ {
		if len(w.Nodes) == w.limit {
			w.More = true
			return true
		}
		w.at.index = i + 1
		w.Nodes, w.Cursors = append(w.Nodes, found[i]), append(w.Cursors, w.at.String())
	}
	return false
}

// mark is a place in a list of findings: how many of one noun's are passed, and
// after which product that noun comes.
type mark struct {
	products bool // false while the domain's own are listed
	after    string
	index    int
}

// String writes the mark as a cursor.
func (m mark) String() string {
	text := strings.Join([]string{strconv.FormatBool(m.products), strconv.Itoa(m.index), m.after}, " ")
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// parseMark reads a cursor back; the store checks the part that is its own.
func parseMark(cursor string) (mark, error) {
	if cursor == "" {
		return mark{}, nil
	}
	foreign := &model.Error{Kind: model.KindBadCursor, Field: "after", Message: "the cursor belongs to another list", Hint: "begin again without a cursor"}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return mark{}, foreign
	}
	words := strings.SplitN(string(text), " ", 3)
	if len(words) != 3 {
		return mark{}, foreign
	}
	m := mark{products: words[0] == "true", after: words[2]}
	if m.index, err = strconv.Atoi(words[1]); err != nil || m.index < 0 || (!m.products && m.after != "") {
		return mark{}, foreign
	}
	return m, nil
}
