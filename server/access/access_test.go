package access_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

func TestStory(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)

	w.As("dan").Read(orders).Expect(model.Deny)
	r := w.As("dan").Request(orders).Expect(model.RequestPending)
	if len(r.Missing()) != 1 || r.Missing()[0].Role != "domain_steward" {
		t.Fatalf("missing %v, want a domain_steward", r.Missing())
	}
	w.As("dan").Read(orders).Expect(model.Deny)
	r.ApprovedBy("ana").Expect(model.RequestApproved)
	if r.GrantID == "" || r.ClosedAt == nil {
		t.Fatalf("got %+v, want an APPROVED request with its grant", r)
	}
	w.As("dan").Read(orders).Expect(model.Allow)
	g, err := w.Access.Revoke(w.As("ana"), r.GrantID, "the campaign is over")
	if err != nil {
		t.Fatal(err)
	}
	if g.Status != model.GrantRevoked || g.RevokedBy != w.People["ana"].ID || g.RevokeReason != "the campaign is over" {
		t.Errorf("got %+v, want a grant that ana revoked", g)
	}
	w.As("dan").Read(orders).Expect(model.Deny)

	want := []string{"data.read.refused", "access.request", "data.read.refused", "request.approve", "data.read", "grant.revoke", "data.read.refused"}
	if diff := cmp.Diff(want, w.actions(len(want))); diff != "" {
		t.Errorf("audit feed (-want +got):\n%s", diff)
	}
	type line struct {
		Action  model.Action
		Outcome model.Outcome
	}
	log, err := w.audit.Decisions(w.As("cy"), audit.DecisionFilter{Domain: "sales"}, model.Paging{First: 50})
	if err != nil {
		t.Fatal(err)
	}
	got := map[line]int{}
	for _, d := range log.Nodes {
		if strings.HasPrefix(string(d.Action), "product.") || d.Action == model.ActDomainAdmin {
			continue // from before the story
		}
		got[line{d.Action, d.Outcome}]++
		if len(d.Input) == 0 || d.Decision.Revisions.Platform == "" || len(d.Decision.Reasons) == 0 {
			t.Errorf("decision %s has input %s, revisions %v and reasons %v", d.Action, d.Input, d.Decision.Revisions, d.Decision.Reasons)
		}
	}
	wantLog := map[line]int{
		{"data.read", model.Deny}: 3, {"data.read", model.Allow}: 1, {"grant.revoke", model.Allow}: 1, {"request.approve", model.Allow}: 1,
		{"access.request", model.NeedsApproval}: 2, // once when it was made, once when it was granted
	}
	if diff := cmp.Diff(wantLog, got); diff != "" {
		t.Errorf("decision log (-want +got):\n%s", diff)
	}
}

func TestPoliciesShortenGrants(t *testing.T) {
	w := newWorld(t, nil)
	r, err := w.Access.Request(w.As("bo"), access.NewRequest{ProductID: w.As("ana").Publish("orders", model.Confidential).ID, Purpose: "attribution", Duration: access.MaxDuration})
	if err != nil {
		t.Fatal(err)
	}
	w.approve("ana", r)
	if g := w.grants()[0]; g.EndsAt.Sub(g.StartsAt) != 183*day {
		t.Errorf("the grant lasts %s, want the 183 days that the platform allows", g.EndsAt.Sub(g.StartsAt))
	}
}

func TestPublicDataAreGrantedAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	stores := w.As("ana").Publish("stores", model.Public)
	w.As("bo").Read(stores).Expect(model.Allow) // and nobody needs the grant
	r := w.request("dan", stores)
	if r.Status != model.RequestApproved || len(w.grants()) != 1 || w.grants()[0].ID != r.GrantID {
		t.Errorf("got %s with grant %q, want APPROVED with its grant", r.Status, r.GrantID)
	}
}

func TestRejectAndCancel(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	r := w.request("dan", orders)
	_, err := w.Access.Cancel(w.As("ana"), r.ID, "")
	servertest.WantKind(t, err, model.KindDenied)
	r, err = w.Access.Reject(w.As("ana"), r.ID, "too broad")
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != model.RequestDenied || r.Reasons[0].Code != "request.rejected" || len(r.Votes) != 1 || r.Votes[0].Approve {
		t.Errorf("got %+v, want DENIED by one vote", r)
	}
	for name, again := range map[string]func(context.Context, model.ID, string) (model.AccessRequest, error){
		"approve": w.Access.Approve, "reject": w.Access.Reject,
	} {
		if _, err := again(w.As("ana"), r.ID, ""); !model.Is(err, model.KindConflict) {
			t.Errorf("%s a closed request: got %v, want a conflict", name, err)
		}
	}
	second := w.request("dan", orders)
	if second, err = w.Access.Cancel(w.As("dan"), second.ID, "no longer needed"); err != nil || second.Status != model.RequestCancelled {
		t.Errorf("got %s, %v, want CANCELLED", second.Status, err)
	}
	if diff := cmp.Diff([]string{"request.reject", "access.request", "request.cancel"}, w.actions(3)); diff != "" {
		t.Errorf("audit feed (-want +got):\n%s", diff)
	}
}

func TestHoldersGiveBackAndOthersDoNotRevoke(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	r := w.approve("ana", w.request("dan", orders))
	_, err := w.Access.Revoke(w.As("bo"), r.GrantID, "")
	servertest.WantKind(t, err, model.KindNotFound)
	if _, err := w.Access.Revoke(w.As("dan"), r.GrantID, ""); err != nil {
		t.Fatal(err)
	}
	_, err = w.Access.Revoke(w.As("ana"), r.GrantID, "")
	servertest.WantField(t, err, model.KindConflict, "id")
	w.As("dan").Read(orders).Expect(model.Deny)
}

func TestRefusedRequestsLeaveATrace(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.Access.Request(w.As("ana"), access.NewRequest{ProductID: w.As("ana").Publish("salaries", model.Restricted).ID, Purpose: "curiosity", Duration: day})
	servertest.WantDenied(t, err, "subject.clearance")
	if got := w.actions(1); got[0] != "access.request.refused" {
		t.Errorf("got event %s, want access.request.refused", got[0])
	}
	page, err := w.Access.AccessRequests(w.As("cy"), access.RequestFilter{}, model.Paging{First: 10})
	if err != nil || len(page.Nodes) != 0 {
		t.Errorf("got %d requests, %v, want none", len(page.Nodes), err)
	}
}

func TestNoSecondRequest(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	again := access.NewRequest{ProductID: orders.ID, Purpose: "once more", Duration: day}
	r := w.request("dan", orders)
	_, err := w.Access.Request(w.As("dan"), again)
	servertest.WantField(t, err, model.KindConflict, "productId")
	r = w.approve("ana", r)
	_, err = w.Access.Request(w.As("dan"), again)
	servertest.WantField(t, err, model.KindConflict, "productId")
	if _, err := w.Access.Revoke(w.As("dan"), r.GrantID, ""); err != nil {
		t.Fatal(err)
	}
	w.request("dan", orders)
	w.request("bo", orders) // others are free to ask
}

func TestAtOnce(t *testing.T) {
	const many = 8
	w := newWorld(t, nil)
	w.Stewards("sales", "ana", "eve")
	orders := w.As("ana").Publish("orders", model.Confidential)

	dan := w.As("dan")
	errs := w.together(many, func(int) error {
		_, err := w.Access.Request(dan, access.NewRequest{ProductID: orders.ID, Purpose: "all at once", Duration: day})
		return err
	})
	wantOneWinner(t, "request", errs)
	page, err := store.Requests.Find(t.Context(), w.Store, store.Query{Index: "by_created"})
	if err != nil || len(page.Nodes) != 1 {
		t.Fatalf("got %d requests, %v, want one", len(page.Nodes), err)
	}

	stewards := []context.Context{w.As("ana"), w.As("eve")}
	errs = w.together(many, func(i int) error {
		_, err := w.Access.Approve(stewards[i%2], page.Nodes[0].ID, "")
		return err
	})
	wantOneWinner(t, "approve", errs)
	if n := len(w.grants()); n != 1 {
		t.Errorf("got %d grants, want one", n)
	}

	grant := w.grants()[0]
	errs = w.together(many, func(i int) error {
		_, err := w.Access.Revoke(stewards[i%2], grant.ID, "")
		return err
	})
	wantOneWinner(t, "revoke", errs)
}

// together acts n times at once: all read before the first of them writes.
func (w *world) together(n int, act func(int) error) []error {
	w.meeting.expect(n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = act(i) })
	}
	all.Wait()
	return errs
}

func wantOneWinner(t *testing.T, what string, errs []error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !model.Is(err, model.KindConflict) {
			t.Errorf("%s: got %v, want a conflict", what, err)
		}
	}
	if won != 1 {
		t.Errorf("%s: %d won, want one", what, won)
	}
}

// Retiring a product ends what there is on it and says so, and approving a
// request on it is an error that says why.
func TestRetiredProduct(t *testing.T) {
	w := newWorld(t, nil)
	orders, next := w.As("ana").Publish("orders", model.Confidential), w.As("ana").Publish("sales_orders", model.Confidential)
	held := w.approve("ana", w.request("bo", orders))
	asked := w.request("dan", orders)
	_, err := w.Mesh.Retire(w.As("ana"), mesh.Ending{ID: orders.ID})
	servertest.WantDenied(t, err, "retire.notice")
	can, err := w.Mesh.Can(w.As("ana"), orders.ID, model.ActProductRetire)
	if err != nil || can[model.ActProductRetire] != model.Deny {
		t.Errorf("ana can %v, %v, want no retiring without notice", can, err)
	}
	if _, err := w.Mesh.Deprecate(w.As("ana"), mesh.Ending{ID: orders.ID, SuccessorID: next.ID}); err != nil {
		t.Fatal(err)
	}
	w.Turn(14 * day)
	retired, err := w.Mesh.Retire(w.As("ana"), mesh.Ending{ID: orders.ID, Reason: "Nobody keeps it up."})
	if err != nil || retired.SuccessorID != next.ID {
		t.Fatalf("got %+v, %v, want it retired with its successor", retired, err)
	}
	const words = "The product is retired. Nobody keeps it up. Its successor is sales/sales_orders."
	g, err := store.Grants.Get(t.Context(), w.Store, held.GrantID)
	if err != nil || g.Status != model.GrantRevoked || g.RevokeReason != words {
		t.Errorf("got grant %+v, %v, want it ended with a reason", g, err)
	}
	r, err := w.Access.AccessRequest(w.As("dan"), asked.ID)
	if err != nil || r.Status != model.RequestDenied || r.Reasons[0].Message != words {
		t.Errorf("got request %+v, %v, want it closed with a reason", r, err)
	}
	_, err = w.Access.Approve(w.As("ana"), asked.ID, "")
	servertest.WantField(t, err, model.KindConflict, "id")
	if diff := cmp.Diff([]string{"product.retire", "grant.revoke", "request.close"}, w.actions(3)); diff != "" {
		t.Errorf("audit feed (-want +got):\n%s", diff)
	}
}

// A request that an earlier server left pending on a retired product.
func TestApprovingOnARetiredProduct(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	r := w.request("dan", orders)
	orders, err := w.Mesh.Product(w.As("ana"), orders.ID)
	if err != nil {
		t.Fatal(err)
	}
	orders.Status = model.Retired
	if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Products.Put(orders)}}); err != nil {
		t.Fatal(err)
	}
	can, err := w.Access.Can(w.As("ana"), r.ID, model.ActRequestApprove)
	if err != nil || can[model.ActRequestApprove] != model.Deny {
		t.Errorf("ana can %v, %v, want nothing", can, err)
	}
	_, err = w.Access.Approve(w.As("ana"), r.ID, "")
	servertest.WantField(t, err, model.KindConflict, "id")
}

// A refusal says what happened to the asker's grant and what they can do.
func TestRefusalsSayWhatToDo(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	says := func(code, words string) {
		t.Helper()
		d, err := w.Access.MayRead(w.As("dan"), orders.ID, "attribution")
		if err != nil || !slices.ContainsFunc(d.Reasons, func(r model.Reason) bool { return r.Code == code && strings.Contains(r.Message, words) }) {
			t.Errorf("got %+v, %v, want %s: %s", d.Reasons, err, code, words)
		}
	}
	says("no.rule", "ccess")
	r := w.approve("ana", w.request("dan", orders))
	if _, err := w.Access.Revoke(w.As("ana"), r.GrantID, "the campaign is over"); err != nil {
		t.Fatal(err)
	}
	says("grant.revoked", "the campaign is over")
	_, err := w.Mesh.RetireProduct(w.As("eve"), orders.ID)
	if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != model.KindDenied || e.Hint == "" {
		t.Errorf("got %v, want a refusal with a hint", err)
	}
}
