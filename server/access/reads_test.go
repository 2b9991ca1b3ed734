package access_test

import (
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOneOperationReadsOnce counts what an operation reads of the store: who
// asks, what they hold and what the request is about once, however many
// questions the operation puts.
func TestOneOperationReadsOnce(t *testing.T) {
	w := newWorld(t, nil)
	orders := w.As("ana").Publish("orders", model.Confidential)
	ana, dan := w.As("ana"), w.As("dan")
	all := []model.Action{model.ActRequestApprove, model.ActRequestReject, model.ActRequestCancel}
	var r model.AccessRequest
	var can map[model.Action]model.Outcome
	w.Store.Hold(t, []enginetest.Operation{
		{Name: "request", Reads: 6, Do: func() (err error) {
			r, err = w.Access.Request(dan, access.NewRequest{ProductID: orders.ID, Purpose: "attribute revenue", Duration: 30 * 24 * time.Hour})
			return
		}},
		{Name: "what its approver can do", Reads: 6, Do: func() (err error) {
			can, err = w.Access.Can(ana, r.ID, all...)
			return
		}},
	}...)
	if can[model.ActRequestApprove] != model.Allow {
		t.Errorf("got %v", can)
	}
	w.Store.Hold(t, []enginetest.Operation{
		{Name: "what its requester can do", Reads: 7, Do: func() (err error) {
			can, err = w.Access.Can(dan, r.ID, all...)
			return
		}},
		{Name: "approve", Reads: 9, Do: func() (err error) {
			r, err = w.Access.Approve(ana, r.ID, "fine")
			return
		}},
		{Name: "ask whether one may read", Reads: 3, Do: func() (err error) {
			_, err = w.Access.MayRead(dan, orders.ID, r.Purpose)
			return
		}},
	}...)
	if can[model.ActRequestCancel] != model.Allow || r.Status != model.RequestApproved {
		t.Errorf("got %v and %s", can, r.Status)
	}
}
