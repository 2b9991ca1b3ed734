package console

import (
	"net/http"

	"github.com/souk-mesh/souk/server/console/query"
	"github.com/souk-mesh/souk/server/identity"
)

// homePage is what waits for a person and what is there for them.
type homePage struct {
	*query.HomeResponse
	ToDecide []*query.HomeWaitingAccessRequestConnectionNodesAccessRequest
}

func (c *Console) home(v *visit) error {
	found, err := query.Home(v.Context(), c.ask, string(v.who.ID))
	if err != nil {
		return err
	}
	shown := homePage{HomeResponse: found}
	for _, r := range found.Waiting.Nodes {
		if r.ViewerCan.Approve == query.OutcomeAllow {
			shown.ToDecide = append(shown.ToDecide, r)
		}
	}
	return c.render(v, http.StatusOK, "home", view{Title: "Home", Page: shown})
}

// notFound answers for addresses that there are none of, whoever asks.
func (c *Console) notFound(w http.ResponseWriter, r *http.Request) {
	now, err := c.session(r)
	if err != nil {
		now = identity.Session{}
	}
	c.fail(w, r, now.Person, errMissing)
}
