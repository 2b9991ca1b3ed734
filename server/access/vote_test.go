package access_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
)

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
