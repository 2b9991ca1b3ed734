package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/server/console/query"
)

// requestsPage is a page of requests, of one state or of all.
type requestsPage struct {
	Status query.AccessRequestStatus
	Nodes  []*query.RequestsAccessRequestsAccessRequestConnectionNodesAccessRequest
	Next   string
}

// States are those that the list can be narrowed to.
func (requestsPage) States() []query.AccessRequestStatus { return query.AllAccessRequestStatus }

func (c *Console) requests(v *visit) error {
	q := v.URL.Query()
	var status *query.AccessRequestStatus
	if word := query.AccessRequestStatus(q.Get("status")); word != "" {
		status = &word
	}
	found, err := query.Requests(v.Context(), c.ask, status, given(q.Get("after")))
	if err != nil {
		return err
	}
	shown := requestsPage{Nodes: found.AccessRequests.Nodes, Status: query.AccessRequestStatus(q.Get("status"))}
	shown.Next = nextPage(found.AccessRequests.PageInfo, "/requests", url.Values{"status": {q.Get("status")}})
	return c.render(v, http.StatusOK, "requests", view{Title: "Requests", Page: shown})
}

// requestPage is one request, with what the person wrote in a form that came back.
type requestPage struct {
	*query.RequestAccessRequest
	Comment string
}

// Decides tells whether the person may decide it.
func (p requestPage) Decides() bool {
	return p.ViewerCan.Approve == query.OutcomeAllow || p.ViewerCan.Reject == query.OutcomeAllow
}

func (c *Console) request(v *visit) error { return c.showRequest(v, http.StatusOK, "", nil) }

func (c *Console) showRequest(v *visit, status int, comment string, wrong problems) error {
	found, err := query.Request(v.Context(), c.ask, v.PathValue("id"))
	if err != nil {
		return err
	}
	if found.AccessRequest == nil {
		return errMissing
	}
	return c.render(v, status, "request", view{Title: "Request", Problems: wrong, Page: requestPage{found.AccessRequest, comment}})
}

// decide takes a vote, a refusal or a withdrawal, by the button that was pressed.
func (c *Console) decide(v *visit) error {
	id, comment := v.PathValue("id"), strings.TrimSpace(v.PostFormValue("comment"))
	wrong, err := c.decided(v, id, v.PostFormValue("act"), comment)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return c.showRequest(v, http.StatusUnprocessableEntity, comment, beside(wrong, "comment"))
	}
	return v.goTo("/requests/" + url.PathEscape(id))
}

func (c *Console) decided(v *visit, id, act, comment string) ([]*query.Problem, error) {
	switch act {
	case "approve":
		answer, err := query.Approve(v.Context(), c.ask, id, given(comment))
		if err != nil {
			return nil, err
		}
		return answer.ApproveAccessRequest.UserErrors, nil
	case "reject":
		answer, err := query.Reject(v.Context(), c.ask, id, given(comment))
		if err != nil {
			return nil, err
		}
		return answer.RejectAccessRequest.UserErrors, nil
	case "cancel":
		answer, err := query.Cancel(v.Context(), c.ask, id, given(comment))
		if err != nil {
			return nil, err
		}
		return answer.CancelAccessRequest.UserErrors, nil
	}
	return nil, errMissing
}
