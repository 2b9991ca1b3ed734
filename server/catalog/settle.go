package catalog

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// What is done of the work on a namespace at a time.
const (
	settleChunk = 200 // assets that one change looks at
	stepsAtOnce = 5   // changes before the answer to whoever moved the namespace
)

// SettleNamespaces goes on with the namespaces whose assets have not all been
// given to their owner. Each step is one bounded change that notes how far the
// work has come, so whoever takes it up again goes on from there.
func (s *Service) SettleNamespaces(ctx context.Context) error {
	q := store.Query{Index: "by_pending", Where: store.Eq("pending", "yes"), Limit: 20}
	for {
		page, err := store.Namespaces.Find(ctx, s.store, q)
		if err != nil || len(page.Nodes) == 0 {
			return err
		}
		for _, n := range page.Nodes {
			for n.Pending {
				next, err := s.settleStep(ctx, n)
				if model.LostRace(err) {
					return nil // somebody else is at it, or has moved it again: the next round looks
				}
				if err != nil {
					return err
				}
				n = next
			}
		}
	}
}

// settleStep looks at the next assets of the namespace and gives those that
// are another's to their owner. When there are none left the work is done, and
// a released namespace goes.
func (s *Service) settleStep(ctx context.Context, n model.Namespace) (model.Namespace, error) {
	page, err := store.Assets.Find(ctx, s.store, store.Query{
		Index: "by_namespace", Where: store.Eq("namespace", n.Namespace), Limit: settleChunk, After: store.Cursor(n.Settled),
	})
	if err != nil {
		return n, err
	}
	o := ownership{}
	if err := o.load(ctx, s.store, n.Namespace); err != nil {
		return n, err
	}
	var writes []store.Write
	for _, a := range page.Nodes {
		if owner := o.of(Ref{a.Namespace, a.Name}); owner != a.DomainID {
			a.DomainID = owner
			a.Settle(s.now())
			writes = append(writes, store.Assets.Put(a))
		}
	}
	moved := len(writes)
	if n.Pending = page.More; page.More {
		n.Settled = string(page.Cursors[len(page.Cursors)-1])
	} else {
		n.Settled = ""
	}
	gone := n.Released && !n.Pending
	if put := store.Namespaces.Put(n); gone {
		writes = append(writes, store.Namespaces.Delete(n))
	} else {
		writes = append(writes, put)
	}
	_, err = s.store.Apply(ctx, store.Change{
		Actor: model.System().ID, Action: "namespace.settle", Subject: n.ID, Reason: n.Label() + ": " + model.Counted(moved, "asset"),
		Request: model.RequestIDFrom(ctx), Writes: writes,
	})
	if err == nil && !gone {
		n.Revision++
	}
	return n, err
}
