package catalog_test

import (
	"fmt"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestShownReadsTogether: a source that says of a thousand assets that they are
// gone costs a handful of reads; names that lead nowhere are left out.
func TestShownReadsTogether(t *testing.T) {
	counted := &enginetest.Counted{Store: enginetest.SQLite(t)}
	w := newWorldOn(t, counted)
	db := source("db", sales)
	var (
		seen []catalog.Seen
		refs []catalog.Ref
	)
	for i := range 1000 {
		s := table(server, fmt.Sprintf("shop.public.t%04d", i))
		seen, refs = append(seen, s), append(refs, s.Ref)
	}
	w.shows(db, seen...)
	refs = append(refs, catalog.Ref{Namespace: server, Name: "shop.public.never"}, catalog.Ref{Namespace: "file", Name: ""})
	c := catalog.New(counted, gate.New(counted, servertest.Shipped(t), model.Now, nil), index.New(counted, "", nil), model.Now)
	counted.Reads.Store(0)
	shown, err := c.Shown(t.Context(), db, table(server, "x").Sighting.Scope, refs)
	if err != nil || len(shown) != 1000 {
		t.Fatalf("got %d assets, %v", len(shown), err)
	}
	if n := counted.Reads.Load(); n > 12 {
		t.Errorf("it took %d reads", n)
	}
}
