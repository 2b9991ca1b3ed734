package access_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
)

func TestNobodyApprovesTheirOwnRequest(t *testing.T) {
	w := newWorld(t, nil)
	w.Stewards("sales", "ana", "eve")
	orders := w.As("ana").Publish("orders", model.Confidential)
	r := w.request("ana", orders) // steward of sales, and owner of the product
	_, err := w.Access.Approve(w.As("ana"), r.ID, "")
	servertest.WantDenied(t, err, "request.own")
	if n := len(w.grants()); n != 0 {
		t.Errorf("got %d grants, want none", n)
	}
	if r = w.approve("eve", r); r.Status != model.RequestApproved {
		t.Errorf("got %s after another steward approved, want APPROVED", r.Status)
	}
}

func TestOthersDoNotApprove(t *testing.T) {
	w := newWorld(t, nil)
	r := w.request("dan", w.As("ana").Publish("orders", model.Confidential))
	for _, person := range []string{"bo", "eve"} { // to whom the request is hidden
		_, err := w.Access.Approve(w.As(person), r.ID, "")
		servertest.WantKind(t, err, model.KindNotFound)
	}
	_, err := w.Access.Approve(w.As("dan"), r.ID, "")
	servertest.WantDenied(t, err, "request.own")
	_, err = w.Access.Approve(w.As("cy"), r.ID, "") // a platform steward, and sales has a steward of its own
	servertest.WantKind(t, err, model.KindDenied)
	if n := len(w.grants()); n != 0 {
		t.Errorf("got %d grants, want none", n)
	}
}

func TestRestrictedDataWantTwoWords(t *testing.T) {
	w := newWorld(t, nil)
	r := w.request("bo", w.As("ana").Publish("salaries", model.Restricted))
	if r = w.approve("cy", r); r.Status != model.RequestPending || len(r.Missing()) != 1 {
		t.Fatalf("got %s missing %v after the platform's word, want PENDING", r.Status, r.Missing())
	}
	_, err := w.Access.Approve(w.As("cy"), r.ID, "again")
	servertest.WantField(t, err, model.KindConflict, "id")
	if r = w.approve("ana", r); r.Status != model.RequestApproved {
		t.Fatalf("got %s after both words, want APPROVED", r.Status)
	}
	g, err := w.Access.Grant(w.As("bo"), r.GrantID)
	if err != nil {
		t.Fatal(err)
	}
	if got := g.EndsAt.Sub(g.StartsAt); got != 30*day {
		t.Errorf("the grant lasts %s, want what was asked for", got)
	}
}

func TestPlatformStewardSpeaksForDomainWithoutSteward(t *testing.T) {
	w := newWorld(t, nil)
	r := w.request("dan", w.As("ana").Publish("orders", model.Confidential))
	w.Stewards("sales")
	if r = w.approve("cy", r); r.Status != model.RequestApproved {
		t.Errorf("got %s, want APPROVED", r.Status)
	}
}

// One steward's word must not count for the steward of another domain.
func TestApprovalsOfTwoDomains(t *testing.T) {
	w := newWorld(t, map[string]string{"domains/sales/access.rego": `package souk.domains.sales

import rego.v2

allow contains {"code": "sales.any", "message": "Sales is open."}

approvals contains {"role": "domain_steward", "domain": "sales", "min": 1, "exclude_requester": true} if input.action.name == "access.request"

approvals contains {"role": "domain_steward", "domain": "legal", "min": 1, "exclude_requester": true} if input.action.name == "access.request"
`})
	w.Person(servertest.Person{Name: "lu", Domain: "legal", Clearance: model.Confidential})
	w.Stewards("legal", "lu")
	r := w.request("dan", w.As("ana").Publish("orders", model.Internal))
	if r = w.approve("ana", r); r.Status != model.RequestPending {
		t.Fatalf("got %s with the word of sales alone, want PENDING", r.Status)
	}
	can, err := w.Access.Can(w.As("lu"), r.ID, model.ActRequestApprove)
	if err != nil || can[model.ActRequestApprove] != model.Allow {
		t.Errorf("lu can %v, %v, want to approve", can, err)
	}
	if r = w.approve("lu", r); r.Status != model.RequestApproved {
		t.Errorf("got %s with both words, want APPROVED", r.Status)
	}
}

// Whose word a request wants can see it, even where the policies hide it.
func TestWantedApproversSeeTheRequest(t *testing.T) {
	w := newWorld(t, map[string]string{"domains/sales/access.rego": `package souk.domains.sales

import rego.v2

allow contains {"code": "sales.work", "message": "Sales works."} if input.action.name != "metadata.view"

allow contains {"code": "sales.look", "message": "Members look."} if input.subject.domain == "sales"

approvals contains {"role": "domain_steward", "domain": "legal", "min": 1} if input.action.name == "access.request"
`})
	w.Person(servertest.Person{Name: "lu", Domain: "legal", Clearance: model.Confidential})
	w.Person(servertest.Person{Name: "mo", Domain: "legal", Clearance: model.Confidential})
	w.Stewards("legal", "lu")
	r := w.request("dan", w.As("ana").Publish("orders", model.Internal))
	if _, err := w.Access.AccessRequest(w.As("lu"), r.ID); err != nil {
		t.Errorf("the steward of legal does not see the request: %v", err)
	}
	_, err := w.Access.AccessRequest(w.As("mo"), r.ID)
	servertest.WantKind(t, err, model.KindNotFound)
	if r = w.approve("lu", r); r.Status != model.RequestApproved {
		t.Errorf("got %s, want APPROVED", r.Status)
	}
}

func TestPoliciesAreAskedAgainBeforeTheGrant(t *testing.T) {
	suspended, internal := true, model.Internal
	for name, change := range map[string]func(w *world, p model.DataProduct) error{
		"suspended": func(w *world, _ model.DataProduct) error {
			_, err := w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.People["dan"].ID, Suspended: &suspended})
			return err
		},
		"lost clearance": func(w *world, _ model.DataProduct) error {
			_, err := w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.People["dan"].ID, Clearance: &internal})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			orders := w.As("ana").Publish("orders", model.Confidential)
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
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	r := w.request("bo", orders)
	restricted := model.Restricted
	if _, err := w.Mesh.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: orders.ID, Classification: &restricted}); err != nil {
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
		"replaced": func(w *world) { w.Stewards("sales", "eve") },
		"suspended": func(w *world) {
			w.Stewards("sales", "ana", "eve")
			if _, err := w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.People["ana"].ID, Suspended: &suspended}); err != nil {
				w.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			r := w.approve("ana", w.request("bo", w.As("ana").Publish("salaries", model.Restricted)))
			change(w)
			r = w.approve("cy", r)
			if r.Status != model.RequestPending || len(w.grants()) != 0 {
				t.Fatalf("got %s and %d grants, want PENDING and none", r.Status, len(w.grants()))
			}
			if got := r.Reasons[len(r.Reasons)-1]; got.Code != "approval.missing" || got.Message != "A steward of sales is missing." {
				t.Errorf("got reason %+v, want it to say that a steward is missing", got)
			}
			wanted, err := w.Access.Wanted(w.As("bo"), r.ID)
			if err != nil || len(wanted[r.ID]) != 1 || !slices.Equal(wanted[r.ID][0].VoterIDs, []model.ID{w.People["eve"].ID}) {
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
	w := newWorld(t, nil)
	w.Person(servertest.Person{Name: "di", Clearance: model.Restricted, Roles: []model.Role{model.RoleSteward}})
	w.Stewards("sales", "ana", "cy")
	r := w.approve("cy", w.request("bo", w.As("ana").Publish("salaries", model.Restricted)))
	if r.Status != model.RequestPending || len(w.grants()) != 0 {
		t.Fatalf("got %s after one person's word in two roles, want PENDING", r.Status)
	}
	if r = w.approve("di", r); r.Status != model.RequestApproved {
		t.Errorf("got %s after two people's words, want APPROVED", r.Status)
	}
}

// A service has no word, not even as the steward that somebody made it.
func TestServicesDoNotVote(t *testing.T) {
	w := newWorld(t, nil)
	w.Person(servertest.Person{Kind: model.Service, Name: "bot", Domain: "sales"})
	w.Stewards("sales", "ana", "bot")
	r := w.request("dan", w.As("ana").Publish("orders", model.Confidential))
	can, err := w.Access.Can(w.As("bot"), r.ID, model.ActRequestApprove)
	if err != nil || can[model.ActRequestApprove] != model.Deny {
		t.Errorf("the service can %v, %v, want nothing", can, err)
	}
	_, err = w.Access.Approve(w.As("bot"), r.ID, "")
	servertest.WantKind(t, err, model.KindDenied)
}

// The firm of one steward goes on: the platform's stewards answer for what
// that one asks for.
func TestTheOnlyStewardIsNotTrapped(t *testing.T) {
	w := newWorld(t, nil)
	r := w.request("ana", w.As("ana").Publish("orders", model.Confidential))
	if r = w.approve("cy", r); r.Status != model.RequestApproved {
		t.Errorf("got %s, want APPROVED by the platform's steward", r.Status)
	}
}

// What a viewer is told that they can do is what the mutation lets them do.
func TestRightAndMutationAgree(t *testing.T) {
	w := newWorld(t, nil)
	r := w.request("bo", w.As("ana").Publish("salaries", model.Restricted))
	agree := func(person string, want model.Outcome) {
		t.Helper()
		can, err := w.Access.Can(w.As(person), r.ID, model.ActRequestApprove)
		if err != nil || can[model.ActRequestApprove] != want {
			t.Errorf("%s can %v, %v, want %s", person, can, err, want)
		}
		_, err = w.Access.Approve(w.As(person), r.ID, "")
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
