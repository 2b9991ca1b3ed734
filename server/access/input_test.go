package access_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/servertest"
)

func TestBadInput(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	huge := strings.Repeat("x", 1<<20)
	r := w.request("bo", orders)
	ask := func(n access.NewRequest) error {
		_, err := w.Access.Request(w.As("dan"), n)
		return err
	}
	comment := func(act func(context.Context, model.ID, string) (model.AccessRequest, error), id model.ID, text string) error {
		_, err := act(w.As("ana"), id, text)
		return err
	}
	_, read := w.Access.MayRead(w.As("dan"), orders.ID, huge)
	_, revoke := w.Access.Revoke(w.As("dan"), "grt_1", huge)
	draft := w.As("ana").Draft("plans", model.Internal).ID
	before := w.Last()
	for name, c := range map[string]struct {
		err   error
		kind  model.ErrorKind
		field string
	}{
		"no purpose":         {ask(access.NewRequest{ProductID: orders.ID, Duration: day}), model.KindInvalid, "purpose"},
		"blank purpose":      {ask(access.NewRequest{ProductID: orders.ID, Purpose: " \n\t ", Duration: day}), model.KindInvalid, "purpose"},
		"short purpose":      {ask(access.NewRequest{ProductID: orders.ID, Purpose: "ab", Duration: day}), model.KindInvalid, "purpose"},
		"huge purpose":       {ask(access.NewRequest{ProductID: orders.ID, Purpose: huge, Duration: day}), model.KindInvalid, "purpose"},
		"control characters": {ask(access.NewRequest{ProductID: orders.ID, Purpose: "ring the \a bell", Duration: day}), model.KindInvalid, "purpose"},
		"broken text":        {ask(access.NewRequest{ProductID: orders.ID, Purpose: "abc\xff", Duration: day}), model.KindInvalid, "purpose"},
		"no duration":        {ask(access.NewRequest{ProductID: orders.ID, Purpose: "attribution"}), model.KindInvalid, "duration"},
		"negative duration":  {ask(access.NewRequest{ProductID: orders.ID, Purpose: "attribution", Duration: -day}), model.KindInvalid, "duration"},
		"endless duration":   {ask(access.NewRequest{ProductID: orders.ID, Purpose: "attribution", Duration: 367 * day}), model.KindInvalid, "duration"},
		"no product":         {ask(access.NewRequest{Purpose: "attribution", Duration: day}), model.KindNotFound, ""},
		"unknown product":    {ask(access.NewRequest{ProductID: "dpr_1", Purpose: "attribution", Duration: day}), model.KindNotFound, ""},
		"huge product":       {ask(access.NewRequest{ProductID: model.ID(huge), Purpose: "attribution", Duration: day}), model.KindNotFound, ""},
		"draft of others":    {ask(access.NewRequest{ProductID: draft, Purpose: "attribution", Duration: day}), model.KindNotFound, ""},
		"huge comment":       {comment(w.Access.Approve, r.ID, huge), model.KindInvalid, "comment"},
		"huge rejection":     {comment(w.Access.Reject, r.ID, huge), model.KindInvalid, "comment"},
		"huge cancel reason": {comment(w.Access.Cancel, r.ID, huge), model.KindInvalid, "reason"},
		"huge read purpose":  {read, model.KindInvalid, "purpose"},
		"huge revoke reason": {revoke, model.KindInvalid, "reason"},
		"unknown request":    {comment(w.Access.Approve, "acr_1", ""), model.KindNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			servertest.WantField(t, c.err, c.kind, c.field)
			if len(c.err.Error()) > 300 {
				t.Errorf("the error is %d bytes long", len(c.err.Error()))
			}
		})
	}
	if after := w.Last(); after.Seq != before.Seq {
		t.Errorf("bad input left the event %s behind", after.Action)
	}
	_, err := w.Access.Request(t.Context(), access.NewRequest{ProductID: orders.ID, Purpose: "attribution", Duration: day})
	servertest.WantKind(t, err, model.KindUnauthenticated)
}

func TestWhoSeesWhat(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	r := w.request("dan", orders)
	for _, c := range []struct {
		person string
		want   int
	}{{"dan", 1}, {"ana", 1}, {"cy", 1}, {"bo", 0}, {"eve", 0}} {
		page, err := w.Access.AccessRequests(w.As(c.person), access.RequestFilter{ProductID: orders.ID}, model.Paging{First: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Nodes) != c.want {
			t.Errorf("%s sees %d requests, want %d", c.person, len(page.Nodes), c.want)
		}
		_, err = w.Access.AccessRequest(w.As(c.person), r.ID)
		if (err == nil) != (c.want == 1) {
			t.Errorf("%s reads the request: %v", c.person, err)
		}
	}
	can, err := w.Access.Can(w.As("ana"), r.ID, model.ActRequestApprove, model.ActRequestCancel)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[model.Action]model.Outcome{model.ActRequestApprove: model.Allow, model.ActRequestCancel: model.Deny}, can); diff != "" {
		t.Errorf("what ana can do (-want +got):\n%s", diff)
	}
	r = w.approve("ana", r)
	seen, err := w.Access.GrantsByID(w.As("eve"), r.GrantID)
	if err != nil || len(seen) != 0 {
		t.Errorf("eve sees the grants %v, %v, want none", seen, err)
	}
}

func TestFilters(t *testing.T) {
	w := newWorld(t, nil)
	orders, refunds := w.As("ana").Publish("orders", model.Confidential), w.As("ana").Publish("refunds", model.Confidential)
	w.approve("ana", w.request("dan", orders))
	w.request("bo", orders)
	w.request("dan", refunds)
	dan, sales := w.People["dan"].ID, w.Domains["sales"].ID
	for name, c := range map[string]struct {
		f    access.RequestFilter
		want int
	}{
		"all":                 {access.RequestFilter{}, 3},
		"requester":           {access.RequestFilter{RequesterID: dan}, 2},
		"product":             {access.RequestFilter{ProductID: orders.ID}, 2},
		"domain":              {access.RequestFilter{DomainID: sales}, 3},
		"other domain":        {access.RequestFilter{DomainID: w.Domains["legal"].ID}, 0},
		"status":              {access.RequestFilter{Status: model.RequestPending}, 2},
		"domain and status":   {access.RequestFilter{DomainID: sales, Status: model.RequestApproved}, 1},
		"all four":            {access.RequestFilter{RequesterID: dan, ProductID: refunds.ID, DomainID: sales, Status: model.RequestPending}, 1},
		"requester, approved": {access.RequestFilter{RequesterID: dan, Status: model.RequestApproved}, 1},
	} {
		t.Run("requests by "+name, func(t *testing.T) {
			page, err := w.Access.AccessRequests(w.As("cy"), c.f, model.Paging{First: 10})
			if err != nil || len(page.Nodes) != c.want {
				t.Errorf("got %d, %v, want %d", len(page.Nodes), err, c.want)
			}
		})
	}
	for name, c := range map[string]struct {
		f    access.GrantFilter
		want int
	}{
		"all":       {access.GrantFilter{}, 1},
		"principal": {access.GrantFilter{PrincipalID: dan}, 1},
		"product":   {access.GrantFilter{ProductID: refunds.ID}, 0},
		"domain":    {access.GrantFilter{DomainID: sales, Status: model.GrantActive}, 1},
		"revoked":   {access.GrantFilter{Status: model.GrantRevoked}, 0},
		"all four":  {access.GrantFilter{PrincipalID: dan, ProductID: orders.ID, DomainID: sales, Status: model.GrantActive}, 1},
	} {
		t.Run("grants by "+name, func(t *testing.T) {
			page, err := w.Access.Grants(w.As("cy"), c.f, model.Paging{First: 10})
			if err != nil || len(page.Nodes) != c.want {
				t.Errorf("got %d, %v, want %d", len(page.Nodes), err, c.want)
			}
		})
	}
	_, err := w.Access.Grants(w.As("cy"), access.GrantFilter{}, model.Paging{First: 0})
	servertest.WantField(t, err, model.KindInvalid, "first")
	_, err = w.Access.AccessRequests(w.As("cy"), access.RequestFilter{}, model.Paging{First: 10, After: "nonsense"})
	servertest.WantKind(t, err, model.KindBadCursor)
}
