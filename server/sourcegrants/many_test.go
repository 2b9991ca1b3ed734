package sourcegrants_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// crowd is a company in which everybody was granted every product, whose one table
// lies in one source, and reads there by a role of their own.
type crowd struct {
	*servertest.World

	grants   *sourcegrants.Service
	source   model.Source
	people   []model.ID
	products []model.ID
	given    []model.ID // the grants
}

func newCrowd(tb testing.TB, on enginetest.Open, people, products int) *crowd {
	tb.Helper()
	c := &crowd{World: servertest.New(tb, servertest.Company{Domains: []string{"sales"}, Open: on})}
	c.grants = sourcegrants.New(sourcegrants.Config{Store: c.Store, Gate: c.Gate, Now: c.Now, Log: slog.New(slog.DiscardHandler)})
	sales := c.Domains["sales"].ID
	c.source = model.Source{Meta: model.Meta{ID: model.NewID(model.PrefixSource)}, Name: "shop", DomainID: sales, Plugin: "postgres"}
	held := model.SourceGranting{Meta: model.Meta{ID: c.source.GrantingID()}, SourceID: c.source.ID, DomainID: sales}
	held.HeldBy, held.HeldUntil = "another server", c.Now().Add(1000*time.Hour) // so that no work is done there
	writes := []store.Write{store.Sources.Put(c.source), store.SourceGrantings.Put(held)}
	for i := range people {
		p := model.Principal{Meta: model.Meta{ID: model.NewID(model.PrefixPrincipal)}, Kind: model.Person, Name: fmt.Sprintf("p%d", i), DomainID: sales, Clearance: model.Confidential}
		c.people = append(c.people, p.ID)
		role := model.SourceRole{Meta: model.Meta{ID: model.NewID(model.PrefixRole)}, SourceID: c.source.ID, DomainID: sales, PrincipalID: p.ID, Role: p.Name}
		writes = append(writes, store.Principals.Put(p), store.SourceRoles.Put(role))
	}
	for i := range products {
		writes = append(writes, c.offer(i)...)
	}
	now := c.Now()
	for _, person := range c.people {
		for _, product := range c.products {
			g := model.Grant{
				Meta: model.Meta{ID: model.NewID(model.PrefixGrant)}, ProductID: product, DomainID: sales, PrincipalID: person, Purpose: "counting",
				Status: model.GrantActive, StartsAt: now.Add(-time.Hour), EndsAt: now.Add(1000 * time.Hour),
			}
			c.given = append(c.given, g.ID)
			writes = append(writes, store.Grants.Put(g))
		}
	}
	for len(writes) > 0 {
		n := min(len(writes), 1000)
		c.Put(writes[:n]...)
		writes = writes[n:]
	}
	return c
}

// offer is a product over one table.
func (c *crowd) offer(i int) []store.Write {
	a := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://shop", Name: fmt.Sprintf("shop.app.t%d", i), Kind: model.KindTable, Status: model.AssetActive,
		DomainID: c.source.DomainID, Sightings: []model.Sighting{{SourceID: c.source.ID, Rank: 10, DomainID: c.source.DomainID, Kind: model.KindTable}},
	}
	for f := range 10 {
		a.Fields = append(a.Fields, model.AssetField{Name: fmt.Sprintf("f%d", f), Position: f + 1})
	}
	p := model.DataProduct{
		Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: model.Slug(fmt.Sprintf("t%d", i)), DomainID: c.source.DomainID, Status: model.Published, Classification: model.Internal,
		Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{a.ID}}},
	}
	c.products = append(c.products, p.ID)
	return []store.Write{store.Assets.Put(a), store.Products.Put(p)}
}

// round is one round of the server, or as many as a survey takes, and how often
// they read the store.
func (c *crowd) round() int64 {
	c.Helper()
	before := c.Store.Reads.Load()
	c.Must(c.grants.Tend(c.System()))
	for c.grants.Surveying() {
		c.Must(c.grants.Tend(c.System()))
	}
	return c.Store.Reads.Load() - before
}

// TestALookReadsWhatItCanTouch, however many grants there are beside.
func TestALookReadsWhatItCanTouch(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, s store.Store) {
		t.Helper()
		c := newCrowd(t, func(testing.TB) store.Store { return s }, 12, 10)
		c.round()
		page, err := store.SourceGrants.Find(t.Context(), c.Store, store.Query{Index: "by_created", Limit: 200})
		c.Must(err)
		if len(page.Nodes) != 120 || page.Nodes[0].Wanted == nil {
			t.Fatalf("got %d rows, the first %+v", len(page.Nodes), page.Nodes)
		}
		idle, later := c.round(), time.Duration(0)
		for _, tt := range []struct {
			what string
			kind store.Kind
			id   model.ID
			most int64 // reads beyond those of a round without news
		}{
			{"a grant", store.Grants.Kind(), c.given[3], 12},
			{"somebody", store.Principals.Kind(), c.people[3], 8 + 5*10},
			{"a product", store.Products.Kind(), c.products[3], 8 + 4*12},
			{"an asset that nobody offers", store.Assets.Kind(), model.NewID(model.PrefixAsset), 2},
			{"a role that is as before", store.SourceRoles.Kind(), model.NewID(model.PrefixRole), 6},
		} {
			later += 40 * time.Second // so that assets are looked at, too
			c.Turn(later)
			c.grants.Hear(tt.kind, tt.id)
			if got := c.round() - idle; got > tt.most || got < 1 {
				t.Errorf("news of %s: %d reads, want at most %d", tt.what, got, tt.most)
			}
		}
	})
}

// BenchmarkRounds looks at 10,000 and 20,000 grants of 200 people who read in one
// source: at all of them for the first time and again, and at what news touches.
func BenchmarkRounds(b *testing.B) {
	for name, on := range map[string]enginetest.Open{"sqlite": enginetest.SQLite, "mongodb": enginetest.MongoDB} {
		for _, products := range []int{50, 100} {
			b.Run(fmt.Sprintf("%s/%d", name, 200*products), func(b *testing.B) { benchmarkRounds(b, on, products) })
		}
	}
}

func benchmarkRounds(b *testing.B, on enginetest.Open, products int) {
	b.Helper()
	c := newCrowd(b, on, 200, products)
	begun := time.Now()
	c.round()
	b.Logf("the first survey, which writes all: %v", time.Since(begun).Round(time.Millisecond))
	for _, bb := range []struct {
		name string
		news func()
	}{
		{"nothing", func() {}},
		{"survey", c.grants.Anew},
		{"grant", func() { c.grants.Hear(store.Grants.Kind(), c.given[17]) }},
		{"person", func() { c.grants.Hear(store.Principals.Kind(), c.people[17]) }},
		{"product", func() { c.grants.Hear(store.Products.Kind(), c.products[17]) }},
		{"role", func() { c.grants.Hear(store.SourceRoles.Kind(), c.people[17]) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			reads := c.Store.Reads.Load()
			for b.Loop() {
				bb.news()
				c.round()
			}
			b.ReportMetric(float64(c.Store.Reads.Load()-reads)/float64(b.N), "reads/op")
		})
	}
}
