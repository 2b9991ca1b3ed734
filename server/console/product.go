package console

import (
	"net/http"
	"strings"

	"github.com/souk-mesh/souk/server/console/query"
)

// productPage is a data product, what the person has of it already, and the form
// for asking as it was filled in.
type productPage struct {
	*query.ProductDataProduct
	Mine   *query.ProductMineResponse
	Asking asking
}

// asking is the form for a request.
type asking struct{ Purpose, Duration string }

// durations are what the form offers.
func (asking) Durations() []string { return []string{"P7D", "P30D", "P90D", "P180D", "P365D"} }

func (c *Console) product(v *visit) error {
	return c.showProduct(v, http.StatusOK, asking{Duration: "P90D"}, nil)
}

func (c *Console) showProduct(v *visit, status int, form asking, wrong problems) error {
	found, err := query.Product(v.Context(), c.ask, v.PathValue("domain"), v.PathValue("name"))
	if err != nil {
		return err
	}
	p := found.DataProduct
	if p == nil {
		return errMissing
	}
	mine, err := query.ProductMine(v.Context(), c.ask, p.Id, string(v.who.ID))
	if err != nil {
		return err
	}
	return c.render(v, status, "product", view{Title: p.DisplayName, Problems: wrong, Page: productPage{p, mine, form}})
}

// requestAccess takes the form, and leads to the new request.
func (c *Console) requestAccess(v *visit) error {
	form := asking{Purpose: strings.TrimSpace(v.PostFormValue("purpose")), Duration: v.PostFormValue("duration")}
	found, err := query.Product(v.Context(), c.ask, v.PathValue("domain"), v.PathValue("name"))
	if err != nil {
		return err
	}
	if found.DataProduct == nil {
		return errMissing
	}
	asked, err := query.RequestAccess(v.Context(), c.ask, found.DataProduct.Id, form.Purpose, form.Duration)
	if err != nil {
		return err
	}
	if answer := asked.RequestAccess; answer.AccessRequest != nil {
		return v.goTo("/requests/" + answer.AccessRequest.Id)
	}
	return c.showProduct(v, http.StatusUnprocessableEntity, form, beside(asked.RequestAccess.UserErrors, "purpose", "duration"))
}
