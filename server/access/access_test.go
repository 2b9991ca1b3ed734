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
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/store"
)

func TestStory(t *testing.T) {
	w := newWorld(t)
	orders := w.publish("orders", model.Confidential)

	w.reads("dan", orders, model.Deny)
	r := w.request("dan", orders)
	if r.Status != model.RequestPending || len(r.Missing()) != 1 || r.Missing()[0].Role != "domain_steward" {
		t.Fatalf("got %s missing %v, want PENDING without a domain_steward", r.Status, r.Missing())
	}
	w.reads("dan", orders, model.Deny)
	r = w.approve("ana", r)
	if r.Status != model.RequestApproved || r.GrantID == "" || r.ClosedAt == nil {
		t.Fatalf("got %+v, want an APPROVED request with its grant", r)
	}
	w.reads("dan", orders, model.Allow)
	g, err := w.access.Revoke(w.as("ana"), r.GrantID, "the campaign is over")
	if err != nil {
		t.Fatal(err)
	}
	if g.Status != model.GrantRevoked || g.RevokedBy != w.people["ana"].ID || g.RevokeReason != "the campaign is over" {
		t.Errorf("got %+v, want a grant that ana revoked", g)
	}
	w.reads("dan", orders, model.Deny)

	want := []string{"data.read.refused", "access.request", "data.read.refused", "request.approve", "data.read", "grant.revoke", "data.read.refused"}
	if diff := cmp.Diff(want, w.actions(len(want))); diff != "" {
		t.Errorf("audit feed (-want +got):\n%s", diff)
	}
	type line struct {
		Action  model.Action
		Outcome model.Outcome
	}
	log, err := w.audit.Decisions(w.as("cy"), audit.DecisionFilter{Domain: "sales"}, model.Paging{First: 50})
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

func TestNobodyApprovesTheirOwnRequest(t *testing.T) {
	w := newWorld(t)
	w.steward("sales", "ana", "eve")
	orders := w.publish("orders", model.Confidential)
	r := w.request("ana", orders) // steward of sales, and owner of the product
	_, err := w.access.Approve(w.as("ana"), r.ID, "")
	wantDenied(t, err, "request.own")
	if n := len(w.grants()); n != 0 {
		t.Errorf("got %d grants, want none", n)
	}
	if r = w.approve("eve", r); r.Status != model.RequestApproved {
		t.Errorf("got %s after another steward approved, want APPROVED", r.Status)
	}
}

func TestOthersDoNotApprove(t *testing.T) {
	w := newWorld(t)
	r := w.request("dan", w.publish("orders", model.Confidential))
	for _, person := range []string{"bo", "eve"} { // to whom the request is hidden
		_, err := w.access.Approve(w.as(person), r.ID, "")
		wantKind(t, err, model.KindNotFound)
	}
	_, err := w.access.Approve(w.as("dan"), r.ID, "")
	wantDenied(t, err, "request.own")
	_, err = w.access.Approve(w.as("cy"), r.ID, "") // a platform steward, and sales has a steward of its own
	wantKind(t, err, model.KindDenied)
	if n := len(w.grants()); n != 0 {
		t.Errorf("got %d grants, want none", n)
	}
}

func TestRestrictedDataWantTwoWords(t *testing.T) {
	w := newWorld(t)
	r := w.request("bo", w.publish("salaries", model.Restricted))
	if r = w.approve("cy", r); r.Status != model.RequestPending || len(r.Missing()) != 1 {
		t.Fatalf("got %s missing %v after the platform's word, want PENDING", r.Status, r.Missing())
	}
	_, err := w.access.Approve(w.as("cy"), r.ID, "again")
	wantField(t, err, model.KindConflict, "id")
	if r = w.approve("ana", r); r.Status != model.RequestApproved {
		t.Fatalf("got %s after both words, want APPROVED", r.Status)
	}
	g, err := w.access.Grant(w.as("bo"), r.GrantID)
	if err != nil {
		t.Fatal(err)
	}
	if got := g.EndsAt.Sub(g.StartsAt); got != 30*day {
		t.Errorf("the grant lasts %s, want what was asked for", got)
	}
}

func TestPoliciesShortenGrants(t *testing.T) {
	w := newWorld(t)
	r, err := w.access.Request(w.as("bo"), access.NewRequest{ProductID: w.publish("orders", model.Confidential).ID, Purpose: "attribution", Duration: access.MaxDuration})
	if err != nil {
		t.Fatal(err)
	}
	w.approve("ana", r)
	if g := w.grants()[0]; g.EndsAt.Sub(g.StartsAt) != 183*day {
		t.Errorf("the grant lasts %s, want the 183 days that the platform allows", g.EndsAt.Sub(g.StartsAt))
	}
}

func TestPublicDataAreGrantedAtOnce(t *testing.T) {
	w := newWorld(t)
	stores := w.publish("stores", model.Public)
	w.reads("bo", stores, model.Allow) // and nobody needs the grant
	r := w.request("dan", stores)
	if r.Status != model.RequestApproved || len(w.grants()) != 1 || w.grants()[0].ID != r.GrantID {
		t.Errorf("got %s with grant %q, want APPROVED with its grant", r.Status, r.GrantID)
	}
}

func TestPlatformStewardSpeaksForDomainWithoutSteward(t *testing.T) {
	w := newWorld(t)
	r := w.request("dan", w.publish("orders", model.Confidential))
	w.steward("sales")
	if r = w.approve("cy", r); r.Status != model.RequestApproved {
		t.Errorf("got %s, want APPROVED", r.Status)
	}
}

// One steward's word must not count for the steward of another domain.
func TestApprovalsOfTwoDomains(t *testing.T) {
	w := newWorldWith(t, map[string]string{"domains/sales/access.rego": `package souk.domains.sales

import rego.v2

allow contains {"code": "sales.any", "message": "Sales is open."}

approvals contains {"role": "domain_steward", "domain": "sales", "min": 1, "exclude_requester": true} if input.action.name == "access.request"

approvals contains {"role": "domain_steward", "domain": "legal", "min": 1, "exclude_requester": true} if input.action.name == "access.request"
`})
	w.person("lu", "legal", model.Confidential)
	w.steward("legal", "lu")
	r := w.request("dan", w.publish("orders", model.Internal))
	if r = w.approve("ana", r); r.Status != model.RequestPending {
		t.Fatalf("got %s with the word of sales alone, want PENDING", r.Status)
	}
	can, err := w.access.Can(w.as("lu"), r.ID, model.ActRequestApprove)
	if err != nil || can[model.ActRequestApprove] != model.Allow {
		t.Errorf("lu can %v, %v, want to approve", can, err)
	}
	if r = w.approve("lu", r); r.Status != model.RequestApproved {
		t.Errorf("got %s with both words, want APPROVED", r.Status)
	}
}

// Whose word a request wants can see it, even where the policies hide it.
func TestWantedApproversSeeTheRequest(t *testing.T) {
	w := newWorldWith(t, map[string]string{"domains/sales/access.rego": `package souk.domains.sales

import rego.v2

allow contains {"code": "sales.work", "message": "Sales works."} if input.action.name != "metadata.view"

allow contains {"code": "sales.look", "message": "Members look."} if input.subject.domain == "sales"

approvals contains {"role": "domain_steward", "domain": "legal", "min": 1} if input.action.name == "access.request"
`})
	w.person("lu", "legal", model.Confidential)
	w.person("mo", "legal", model.Confidential)
	w.steward("legal", "lu")
	r := w.request("dan", w.publish("orders", model.Internal))
	if _, err := w.access.AccessRequest(w.as("lu"), r.ID); err != nil {
		t.Errorf("the steward of legal does not see the request: %v", err)
	}
	_, err := w.access.AccessRequest(w.as("mo"), r.ID)
	wantKind(t, err, model.KindNotFound)
	if r = w.approve("lu", r); r.Status != model.RequestApproved {
		t.Errorf("got %s, want APPROVED", r.Status)
	}
}

func TestPoliciesAreAskedAgainBeforeTheGrant(t *testing.T) {
	suspended, internal := true, model.Internal
	for name, change := range map[string]func(w *world, p model.DataProduct) error{
		"suspended": func(w *world, _ model.DataProduct) error {
			_, err := w.identity.UpdatePrincipal(w.system(), identity.PrincipalEdit{ID: w.people["dan"].ID, Suspended: &suspended})
			return err
		},
		"lost clearance": func(w *world, _ model.DataProduct) error {
			_, err := w.identity.UpdatePrincipal(w.system(), identity.PrincipalEdit{ID: w.people["dan"].ID, Clearance: &internal})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			orders := w.publish("orders", model.Confidential)
			r := w.request("dan", orders)
			if err := change(w, orders); err != nil {
				t.Fatal(err)
			}
			if r = w.approve("ana", r); r.Status != model.RequestDenied || len(r.Reasons) == 0 || len(w.grants()) != 0 {
				t.Errorf("got %s for %v and %d grants, want DENIED and none", r.Status, r.Reasons, len(w.grants()))
			}
		})
	}
}

func TestPoliciesMayComeToWantMore(t *testing.T) {
	w := newWorld(t)
	orders := w.publish("orders", model.Confidential)
	r := w.request("bo", orders)
	restricted := model.Restricted
	if _, err := w.mesh.UpdateProduct(w.as("ana"), mesh.ProductEdit{ID: orders.ID, Classification: &restricted}); err != nil {
		t.Fatal(err)
	}
	if r = w.approve("ana", r); r.Status != model.RequestPending || len(r.Missing()) != 1 || r.Missing()[0].Role != "platform_steward" {
		t.Fatalf("got %s missing %v, want PENDING without a platform_steward", r.Status, r.Missing())
	}
	if r = w.approve("cy", r); r.Status != model.RequestApproved {
		t.Errorf("got %s, want APPROVED", r.Status)
	}
}

func TestRejectAndCancel(t *testing.T) {
	w := newWorld(t)
	orders := w.publish("orders", model.Confidential)
	r := w.request("dan", orders)
	_, err := w.access.Cancel(w.as("ana"), r.ID, "")
	wantKind(t, err, model.KindDenied)
	r, err = w.access.Reject(w.as("ana"), r.ID, "too broad")
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != model.RequestDenied || r.Reasons[0].Code != "request.rejected" || len(r.Votes) != 1 || r.Votes[0].Approve {
		t.Errorf("got %+v, want DENIED by one vote", r)
	}
	for name, again := range map[string]func(context.Context, model.ID, string) (model.AccessRequest, error){
		"approve": w.access.Approve, "reject": w.access.Reject,
	} {
		if _, err := again(w.as("ana"), r.ID, ""); !model.Is(err, model.KindConflict) {
			t.Errorf("%s a closed request: got %v, want a conflict", name, err)
		}
	}
	second := w.request("dan", orders)
	if second, err = w.access.Cancel(w.as("dan"), second.ID, "no longer needed"); err != nil || second.Status != model.RequestCancelled {
		t.Errorf("got %s, %v, want CANCELLED", second.Status, err)
	}
	if diff := cmp.Diff([]string{"request.reject", "access.request", "request.cancel"}, w.actions(3)); diff != "" {
		t.Errorf("audit feed (-want +got):\n%s", diff)
	}
}

func TestHoldersGiveBackAndOthersDoNotRevoke(t *testing.T) {
	w := newWorld(t)
	orders := w.publish("orders", model.Confidential)
	r := w.approve("ana", w.request("dan", orders))
	_, err := w.access.Revoke(w.as("bo"), r.GrantID, "")
	wantKind(t, err, model.KindNotFound)
	if _, err := w.access.Revoke(w.as("dan"), r.GrantID, ""); err != nil {
		t.Fatal(err)
	}
	_, err = w.access.Revoke(w.as("ana"), r.GrantID, "")
	wantField(t, err, model.KindConflict, "id")
	w.reads("dan", orders, model.Deny)
}

func TestRefusedRequestsLeaveATrace(t *testing.T) {
	w := newWorld(t)
	_, err := w.access.Request(w.as("ana"), access.NewRequest{ProductID: w.publish("salaries", model.Restricted).ID, Purpose: "curiosity", Duration: day})
	wantDenied(t, err, "subject.clearance")
	if got := w.actions(1); got[0] != "access.request.refused" {
		t.Errorf("got event %s, want access.request.refused", got[0])
	}
	page, err := w.access.AccessRequests(w.as("cy"), access.RequestFilter{}, model.Paging{First: 10})
	if err != nil || len(page.Nodes) != 0 {
		t.Errorf("got %d requests, %v, want none", len(page.Nodes), err)
	}
}

func TestNoSecondRequest(t *testing.T) {
	w := newWorld(t)
	orders := w.publish("orders", model.Confidential)
	again := access.NewRequest{ProductID: orders.ID, Purpose: "once more", Duration: day}
	r := w.request("dan", orders)
	_, err := w.access.Request(w.as("dan"), again)
	wantField(t, err, model.KindConflict, "productId")
	r = w.approve("ana", r)
	_, err = w.access.Request(w.as("dan"), again)
	wantField(t, err, model.KindConflict, "productId")
	if _, err := w.access.Revoke(w.as("dan"), r.GrantID, ""); err != nil {
		t.Fatal(err)
	}
	w.request("dan", orders)
	w.request("bo", orders) // others are free to ask
}

func TestAtOnce(t *testing.T) {
	const many = 8
	w := newWorld(t)
	w.steward("sales", "ana", "eve")
	orders := w.publish("orders", model.Confidential)

	dan := w.as("dan")
	errs := w.together(many, func(int) error {
		_, err := w.access.Request(dan, access.NewRequest{ProductID: orders.ID, Purpose: "all at once", Duration: day})
		return err
	})
	wantOneWinner(t, "request", errs)
	page, err := store.Requests.Find(t.Context(), w.store, store.Query{Index: "by_created"})
	if err != nil || len(page.Nodes) != 1 {
		t.Fatalf("got %d requests, %v, want one", len(page.Nodes), err)
	}

	stewards := []context.Context{w.as("ana"), w.as("eve")}
	errs = w.together(many, func(i int) error {
		_, err := w.access.Approve(stewards[i%2], page.Nodes[0].ID, "")
		return err
	})
	wantOneWinner(t, "approve", errs)
	if n := len(w.grants()); n != 1 {
		t.Errorf("got %d grants, want one", n)
	}

	grant := w.grants()[0]
	errs = w.together(many, func(i int) error {
		_, err := w.access.Revoke(stewards[i%2], grant.ID, "")
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

// The vote of somebody who has lost the role is no vote any more.
func TestVotesCountWhileTheirRoleIsHeld(t *testing.T) {
	suspended := true
	for name, change := range map[string]func(w *world){
		"replaced": func(w *world) { w.steward("sales", "eve") },
		"suspended": func(w *world) {
			w.steward("sales", "ana", "eve")
			if _, err := w.identity.UpdatePrincipal(w.system(), identity.PrincipalEdit{ID: w.people["ana"].ID, Suspended: &suspended}); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.approve("ana", w.request("bo", w.publish("salaries", model.Restricted)))
			change(w)
			r = w.approve("cy", r)
			if r.Status != model.RequestPending || len(w.grants()) != 0 {
				t.Fatalf("got %s and %d grants, want PENDING and none", r.Status, len(w.grants()))
			}
			if got := r.Reasons[len(r.Reasons)-1]; got.Code != "approval.missing" || got.Message != "A steward of sales is missing." {
				t.Errorf("got reason %+v, want it to say that a steward is missing", got)
			}
			wanted, err := w.access.Wanted(w.as("bo"), r.ID)
			if err != nil || len(wanted[r.ID]) != 1 || !slices.Equal(wanted[r.ID][0].VoterIDs, []model.ID{w.people["eve"].ID}) {
				t.Errorf("got %+v, %v wanted, want the vote of eve", wanted, err)
			}
			if r = w.approve("eve", r); r.Status != model.RequestApproved || slices.ContainsFunc(r.Reasons, func(o model.Reason) bool { return o.Code == "approval.missing" }) {
				t.Errorf("got %s for %v after the new steward's word, want APPROVED", r.Status, r.Reasons)
			}
		})
	}
}

// One person who holds both roles is still one.
func TestFourEyesAreTwoPeople(t *testing.T) {
	w := newWorld(t)
	w.person("di", "", model.Restricted, model.RoleSteward)
	w.steward("sales", "ana", "cy")
	r := w.approve("cy", w.request("bo", w.publish("salaries", model.Restricted)))
	if r.Status != model.RequestPending || len(w.grants()) != 0 {
		t.Fatalf("got %s after one person's word in two roles, want PENDING", r.Status)
	}
	if r = w.approve("di", r); r.Status != model.RequestApproved {
		t.Errorf("got %s after two people's words, want APPROVED", r.Status)
	}
}

// A service has no word, not even as the steward that somebody made it.
func TestServicesDoNotVote(t *testing.T) {
	w := newWorld(t)
	bot, err := w.identity.CreatePrincipal(w.system(), identity.NewPrincipal{Kind: model.Service, Name: "bot", DomainID: w.domains["sales"].ID})
	if err != nil {
		t.Fatal(err)
	}
	w.people["bot"] = bot
	w.steward("sales", "ana", "bot")
	r := w.request("dan", w.publish("orders", model.Confidential))
	can, err := w.access.Can(w.as("bot"), r.ID, model.ActRequestApprove)
	if err != nil || can[model.ActRequestApprove] != model.Deny {
		t.Errorf("the service can %v, %v, want nothing", can, err)
	}
	_, err = w.access.Approve(w.as("bot"), r.ID, "")
	wantKind(t, err, model.KindDenied)
}

// The firm of one steward goes on: the platform's stewards answer for what
// that one asks for.
func TestTheOnlyStewardIsNotTrapped(t *testing.T) {
	w := newWorld(t)
	r := w.request("ana", w.publish("orders", model.Confidential))
	if r = w.approve("cy", r); r.Status != model.RequestApproved {
		t.Errorf("got %s, want APPROVED by the platform's steward", r.Status)
	}
}

// What a viewer is told that they can do is what the mutation lets them do.
func TestRightAndMutationAgree(t *testing.T) {
	w := newWorld(t)
	r := w.request("bo", w.publish("salaries", model.Restricted))
	agree := func(person string, want model.Outcome) {
		t.Helper()
		can, err := w.access.Can(w.as(person), r.ID, model.ActRequestApprove)
		if err != nil || can[model.ActRequestApprove] != want {
			t.Errorf("%s can %v, %v, want %s", person, can, err, want)
		}
		_, err = w.access.Approve(w.as(person), r.ID, "")
		if (err == nil) != (want == model.Allow) {
			t.Errorf("%s approves: got %v, want %s", person, err, want)
		}
	}
	agree("bo", model.Deny)
	agree("cy", model.Allow)
	agree("cy", model.Deny)
	agree("ana", model.Allow)
	agree("ana", model.Deny) // it is closed
}

// Retiring a product ends what there is on it and says so, and approving a
// request on it is an error that says why.
func TestRetiredProduct(t *testing.T) {
	w := newWorld(t)
	orders, next := w.publish("orders", model.Confidential), w.publish("sales_orders", model.Confidential)
	held := w.approve("ana", w.request("bo", orders))
	asked := w.request("dan", orders)
	_, err := w.mesh.Retire(w.as("ana"), mesh.Ending{ID: orders.ID})
	wantDenied(t, err, "retire.notice")
	can, err := w.mesh.Can(w.as("ana"), orders.ID, model.ActProductRetire)
	if err != nil || can[model.ActProductRetire] != model.Deny {
		t.Errorf("ana can %v, %v, want no retiring without notice", can, err)
	}
	if _, err := w.mesh.Deprecate(w.as("ana"), mesh.Ending{ID: orders.ID, SuccessorID: next.ID}); err != nil {
		t.Fatal(err)
	}
	w.skew = 14 * day
	retired, err := w.mesh.Retire(w.as("ana"), mesh.Ending{ID: orders.ID, Reason: "Nobody keeps it up."})
	if err != nil || retired.SuccessorID != next.ID {
		t.Fatalf("got %+v, %v, want it retired with its successor", retired, err)
	}
	const words = "The product is retired. Nobody keeps it up. Its successor is sales/sales_orders."
	g, err := store.Grants.Get(t.Context(), w.store, held.GrantID)
	if err != nil || g.Status != model.GrantRevoked || g.RevokeReason != words {
		t.Errorf("got grant %+v, %v, want it ended with a reason", g, err)
	}
	r, err := w.access.AccessRequest(w.as("dan"), asked.ID)
	if err != nil || r.Status != model.RequestDenied || r.Reasons[0].Message != words {
		t.Errorf("got request %+v, %v, want it closed with a reason", r, err)
	}
	_, err = w.access.Approve(w.as("ana"), asked.ID, "")
	wantField(t, err, model.KindConflict, "id")
	if diff := cmp.Diff([]string{"product.retire", "grant.revoke", "request.close"}, w.actions(3)); diff != "" {
		t.Errorf("audit feed (-want +got):\n%s", diff)
	}
}

// A request that an earlier server left pending on a retired product.
func TestApprovingOnARetiredProduct(t *testing.T) {
	w := newWorld(t)
	orders := w.publish("orders", model.Confidential)
	r := w.request("dan", orders)
	orders, err := w.mesh.Product(w.as("ana"), orders.ID)
	if err != nil {
		t.Fatal(err)
	}
	orders.Status = model.Retired
	if _, err := w.store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Products.Put(orders)}}); err != nil {
		t.Fatal(err)
	}
	can, err := w.access.Can(w.as("ana"), r.ID, model.ActRequestApprove)
	if err != nil || can[model.ActRequestApprove] != model.Deny {
		t.Errorf("ana can %v, %v, want nothing", can, err)
	}
	_, err = w.access.Approve(w.as("ana"), r.ID, "")
	wantField(t, err, model.KindConflict, "id")
}

// A refusal says what happened to the asker's grant and what they can do.
func TestRefusalsSayWhatToDo(t *testing.T) {
	w := newWorld(t)
	orders := w.publish("orders", model.Confidential)
	says := func(code, words string) {
		t.Helper()
		d, err := w.access.MayRead(w.as("dan"), orders.ID, "attribution")
		if err != nil || !slices.ContainsFunc(d.Reasons, func(r model.Reason) bool { return r.Code == code && strings.Contains(r.Message, words) }) {
			t.Errorf("got %+v, %v, want %s: %s", d.Reasons, err, code, words)
		}
	}
	says("no.rule", "ccess")
	r := w.approve("ana", w.request("dan", orders))
	if _, err := w.access.Revoke(w.as("ana"), r.GrantID, "the campaign is over"); err != nil {
		t.Fatal(err)
	}
	says("grant.revoked", "the campaign is over")
	_, err := w.mesh.RetireProduct(w.as("eve"), orders.ID)
	if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != model.KindDenied || e.Hint == "" {
		t.Errorf("got %v, want a refusal with a hint", err)
	}
}
