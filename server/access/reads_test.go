package access_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// TestOneOperationReadsOnce counts what an operation reads of the store: who
// asks, what they hold and what the request is about once, however many
// questions the operation puts.
func TestOneOperationReadsOnce(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	reads := func(what string, most int64, do func()) {
		t.Helper()
		most++ // the story signs its actor in
		before := w.Store.Reads.Load()
		do()
		if got := w.Store.Reads.Load() - before; got > most {
			t.Errorf("%s: got %d reads, want at most %d", what, got, most)
		}
	}
	var r model.AccessRequest
	reads("request", 6, func() { r = w.request("dan", orders) })
	all := []model.Action{model.ActRequestApprove, model.ActRequestReject, model.ActRequestCancel}
	reads("viewerCan of its approver", 6, func() {
		can, err := w.Access.Can(w.As("ana"), r.ID, all...)
		w.Must(err)
		if can[model.ActRequestApprove] != model.Allow {
			t.Errorf("got %v", can)
		}
	})
	reads("viewerCan of its requester", 7, func() {
		can, err := w.Access.Can(w.As("dan"), r.ID, all...)
		w.Must(err)
		if can[model.ActRequestCancel] != model.Allow {
			t.Errorf("got %v", can)
		}
	})
	reads("approve", 9, func() {
		if r = w.approve("ana", r); r.Status != model.RequestApproved {
			t.Errorf("got %s", r.Status)
		}
	})
	reads("a reading", 3, func() {
		d, err := w.Access.MayRead(w.As("dan"), orders.ID, r.Purpose)
		w.Must(err)
		if !d.Allowed() {
			t.Errorf("got %v", d)
		}
	})
}
