package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

func TestGrantsExpireByTheClock(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	w.approve("ana", w.request("dan", orders))
	w.Turn(30*day - time.Minute)
	w.As("dan").Read(orders).Expect(model.Allow)
	w.Turn(30*day + time.Minute)
	w.As("dan").Read(orders).Expect(model.Deny) // before any sweep
	if err := w.Access.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g := w.grants()[0]; g.Status != model.GrantExpired || g.EndedAt == nil {
		t.Errorf("got %+v, want an EXPIRED grant", g)
	}
	if got := w.actions(1); got[0] != "grant.expire" {
		t.Errorf("got event %s, want grant.expire", got[0])
	}
	if err := w.Access.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.actions(2); got[0] == "grant.expire" {
		t.Error("a second sweep expired the grant again")
	}
	w.request("dan", orders) // and the way is free for another
}

func TestRequestsExpireByTheClock(t *testing.T) {
	w := newWorld(t, nil)
	r := w.request("dan", w.As("ana").Publish("orders", model.Confidential))
	for _, c := range []struct {
		skew time.Duration
		want model.RequestStatus
	}{{access.PendingFor - time.Hour, model.RequestPending}, {access.PendingFor + time.Hour, model.RequestExpired}} {
		w.Turn(c.skew)
		if err := w.Access.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := w.Access.AccessRequest(w.As("dan"), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status != c.want {
			t.Errorf("after %s got %s, want %s", c.skew, got.Status, c.want)
		}
	}
	if got := w.actions(1); got[0] != "request.expire" {
		t.Errorf("got event %s, want request.expire", got[0])
	}
	_, err := w.Access.Approve(w.As("ana"), r.ID, "")
	servertest.WantField(t, err, model.KindConflict, "id")
}

// A domain cannot keep a grant alive by refusing that it be ended.
func TestDomainCannotHoldUpExpiry(t *testing.T) {
	w := newWorld(t, map[string]string{"domains/sales/access.rego": `package souk.domains.sales

import rego.v2

allow contains {"code": "sales.any", "message": "Sales is open."}

deny contains {"code": "sales.forever", "message": "Grants are for ever."} if input.action.name == "grant.revoke"
`})
	w.request("dan", w.As("ana").Publish("stores", model.Public))
	w.Turn(31 * day)
	if err := w.Access.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g := w.grants()[0]; g.Status != model.GrantExpired {
		t.Errorf("got %s, want EXPIRED", g.Status)
	}
}

// One grant that cannot be closed must not keep the others open.
func TestTroubleHoldsUpNothingElse(t *testing.T) {
	w := newWorld(t, nil)
	w.request("dan", w.As("ana").Publish("stores", model.Public))
	lost := model.Grant{Meta: model.Meta{ID: "grt_lost"}, ProductID: "dpr_gone", Status: model.GrantActive, EndsAt: model.Now().Add(-day)}
	if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test.lost", Writes: []store.Write{store.Grants.Put(lost)}}); err != nil {
		t.Fatal(err)
	}
	w.Turn(31 * day)
	if err := w.Access.Sweep(t.Context()); err == nil {
		t.Error("the sweep does not tell of the grant without a product")
	}
	for _, g := range w.grants() {
		if g.ID != lost.ID && g.Status != model.GrantExpired {
			t.Errorf("got %s, want EXPIRED", g.Status)
		}
	}
}

func TestRunSweepsUntilItsContextEnds(t *testing.T) {
	w := newWorld(t, nil)
	w.request("dan", w.As("ana").Publish("stores", model.Public))
	w.Turn(31 * day)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Access.Run(ctx) }()
	feed, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	for e, err := range w.Store.Events(feed, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Action == "grant.expire" {
			break
		}
	}
	cancel()
	<-done
	if g := w.grants()[0]; g.Status != model.GrantExpired {
		t.Errorf("got %s, want EXPIRED", g.Status)
	}
}
