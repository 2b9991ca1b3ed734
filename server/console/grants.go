package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/server/console/query"
)

// grantsPage is what a person may read and until when, and what has ended.
type grantsPage struct {
	Nodes []*query.GrantsGrantsGrantConnectionNodesGrant
	Next  string
}

func (c *Console) grants(v *visit) error {
	return c.showGrants(v, http.StatusOK, nil)
}

func (c *Console) showGrants(v *visit, status int, wrong problems) error {
	found, err := query.Grants(v.Context(), c.ask, string(v.who.ID), given(v.URL.Query().Get("after")))
	if err != nil {
		return err
	}
	shown := grantsPage{Nodes: found.Grants.Nodes}
	shown.Next = nextPage(found.Grants.PageInfo, "/grants", url.Values{})
	return c.render(v, status, "grants", view{Title: "What you may read", Problems: wrong, Page: shown})
}

// revoke gives a grant back.
func (c *Console) revoke(v *visit) error {
	answer, err := query.Revoke(v.Context(), c.ask, v.PathValue("id"), given(strings.TrimSpace(v.PostFormValue("reason"))))
	if err != nil {
		return err
	}
	if wrong := answer.RevokeGrant.UserErrors; len(wrong) > 0 {
		return c.showGrants(v, http.StatusUnprocessableEntity, beside(wrong))
	}
	return v.goTo("/grants")
}
