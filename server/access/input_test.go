package access_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
)

func TestBadInput(t *testing.T) {
	w := newWorld(t)
	orders := w.publish("orders", model.Confidential)
	huge := strings.Repeat("x", 1<<20)
	r := w.request("bo", orders)
	ask := func(n access.NewRequest) error {
		_, err := w.access.Request(w.as("dan"), n)
		return err
	}
	comment := func(act func(context.Context, model.ID, string) (model.AccessRequest, error), id model.ID, text string) error {
		_, err := act(w.as("ana"), id, text)
		return err
	}
	_, read := w.access.MayRead(w.as("dan"), orders.ID, huge)
	_, revoke := w.access.Revoke(w.as("dan"), "grt_1", huge)
	draft := w.draft("plans", model.Internal).ID
	before := w.last()
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
		"huge comment":       {comment(w.access.Approve, r.ID, huge), model.KindInvalid, "comment"},
		"huge rejection":     {comment(w.access.Reject, r.ID, huge), model.KindInvalid, "comment"},
		"huge cancel reason": {comment(w.access.Cancel, r.ID, huge), model.KindInvalid, "reason"},
		"huge read purpose":  {read, model.KindInvalid, "purpose"},
		"huge revoke reason": {revoke, model.KindInvalid, "reason"},
		"unknown request":    {comment(w.access.Approve, "acr_1", ""), model.KindNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			wantField(t, c.err, c.kind, c.field)
			if len(c.err.Error()) > 300 {
				t.Errorf("the error is %d bytes long", len(c.err.Error()))
			}
		})
	}
	if after := w.last(); after.Seq != before.Seq {
		t.Errorf("bad input left the event %s behind", after.Action)
	}
	_, err := w.access.Request(t.Context(), access.NewRequest{ProductID: orders.ID, Purpose: "attribution", Duration: day})
	wantKind(t, err, model.KindUnauthenticated)
}

func TestWhoSeesWhat(t *testing.T) {
	w := newWorld(t)
	orders := w.publish("orders", model.Confidential)
	r := w.request("dan", orders)
	for _, c := range []struct {
		person string
		want   int
	}{{"dan", 1}, {"ana", 1}, {"cy", 1}, {"bo", 0}, {"eve", 0}} {
		page, err := w.access.AccessRequests(w.as(c.person), access.RequestFilter{ProductID: orders.ID}, model.Paging{First: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Nodes) != c.want {
			t.Errorf("%s sees %d requests, want %d", c.person, len(page.Nodes), c.want)
		}
		_, err = w.access.AccessRequest(w.as(c.person), r.ID)
		if (err == nil) != (c.want == 1) {
			t.Errorf("%s reads the request: %v", c.person, err)
		}
	}
	can, err := w.access.Can(w.as("ana"), r.ID, model.ActRequestApprove, model.ActRequestCancel)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[model.Action]model.Outcome{model.ActRequestApprove: model.Allow, model.ActRequestCancel: model.Deny}, can); diff != "" {
		t.Errorf("what ana can do (-want +got):\n%s", diff)
	}
	r = w.approve("ana", r)
	seen, err := w.access.GrantsByID(w.as("eve"), r.GrantID)
	if err != nil || len(seen) != 0 {
		t.Errorf("eve sees the grants %v, %v, want none", seen, err)
	}
}

func TestFilters(t *testing.T) {
	w := newWorld(t)
	orders, refunds := w.publish("orders", model.Confidential), w.publish("refunds", model.Confidential)
	w.approve("ana", w.request("dan", orders))
	w.request("bo", orders)
	w.request("dan", refunds)
	dan, sales := w.people["dan"].ID, w.domains["sales"].ID
	for name, c := range map[string]struct {
		f    access.RequestFilter
		want int
	}{
		"all":                 {access.RequestFilter{}, 3},
		"requester":           {access.RequestFilter{RequesterID: dan}, 2},
		"product":             {access.RequestFilter{ProductID: orders.ID}, 2},
		"domain":              {access.RequestFilter{DomainID: sales}, 3},
		"other domain":        {access.RequestFilter{DomainID: w.domains["legal"].ID}, 0},
		"status":              {access.RequestFilter{Status: model.RequestPending}, 2},
		"domain and status":   {access.RequestFilter{DomainID: sales, Status: model.RequestApproved}, 1},
		"all four":            {access.RequestFilter{RequesterID: dan, ProductID: refunds.ID, DomainID: sales, Status: model.RequestPending}, 1},
		"requester, approved": {access.RequestFilter{RequesterID: dan, Status: model.RequestApproved}, 1},
	} {
		t.Run("requests by "+name, func(t *testing.T) {
			page, err := w.access.AccessRequests(w.as("cy"), c.f, model.Paging{First: 10})
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
			page, err := w.access.Grants(w.as("cy"), c.f, model.Paging{First: 10})
			if err != nil || len(page.Nodes) != c.want {
				t.Errorf("got %d, %v, want %d", len(page.Nodes), err, c.want)
			}
		})
	}
	_, err := w.access.Grants(w.as("cy"), access.GrantFilter{}, model.Paging{First: 0})
	wantField(t, err, model.KindInvalid, "first")
	_, err = w.access.AccessRequests(w.as("cy"), access.RequestFilter{}, model.Paging{First: 10, After: "nonsense"})
	wantKind(t, err, model.KindBadCursor)
}
