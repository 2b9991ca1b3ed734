package console

import (
	"net/http"
	"net/url"

	"github.com/souk-mesh/souk/server/console/query"
)

// domainPage is a domain and a page of its products.
type domainPage struct {
	*query.DomainDomain
	Products []*query.DomainProductsDataProductsDataProductConnectionNodesDataProduct
	Next     string
}

func (c *Console) domain(v *visit) error {
	found, err := query.Domain(v.Context(), c.ask, v.PathValue("domain"))
	if err != nil {
		return err
	}
	if found.Domain == nil {
		return errMissing
	}
	products, err := query.DomainProducts(v.Context(), c.ask, found.Domain.Id, given(v.URL.Query().Get("after")))
	if err != nil {
		return err
	}
	shown := domainPage{DomainDomain: found.Domain, Products: products.DataProducts.Nodes}
	shown.Next = nextPage(products.DataProducts.PageInfo, "/domains/"+url.PathEscape(found.Domain.Name), url.Values{})
	return c.render(v, http.StatusOK, "domain", view{Title: found.Domain.DisplayName, Page: shown})
}
