package gate_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/policytest"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// crowd is a mesh full of made-up rows: sales and marketing write their own
// rules, operations lives by the template.
type crowd struct {
	*gate.Gate
	tb     testing.TB
	store  store.Store
	engine *policy.Engine
	random *rand.Rand
}

var crowdDomains = []model.ID{"dom_sales", "dom_marketing", "dom_operations"}

func newCrowd(tb testing.TB, db store.Store) *crowd {
	tb.Helper()
	engine := servertest.Own(tb)
	c := &crowd{tb: tb, store: db, engine: engine, random: rand.New(rand.NewPCG(7, 7)), Gate: gate.New(db, engine, func() time.Time { return policytest.Noon }, nil)}
	var writes []store.Write
	for i, name := range []model.Slug{"sales", "marketing", "operations"} {
		writes = append(writes, store.Domains.Put(model.Domain{Meta: model.Meta{ID: crowdDomains[i]}, Name: name, StewardIDs: []model.ID{"prn_cy"}[:i%2]}))
	}
	for _, t := range [][2]string{{"sales", "orders"}, {"sales", "web"}, {"marketing", "ads"}} {
		writes = append(writes, store.Teams.Put(model.Team{Meta: model.Meta{ID: model.ID("team_" + t[1])}, DomainID: model.ID("dom_" + t[0]), Name: model.Slug(t[1])}))
	}
	for _, name := range []string{"ana", "bo", "cy"} {
		writes = append(writes, store.Principals.Put(c.principal(model.ID("prn_"+name))))
	}
	c.apply(writes)
	return c
}

// principal makes an asker up under an id.
func (c *crowd) principal(id model.ID) model.Principal {
	s := policytest.Subject(c.random)
	p := model.Principal{Meta: model.Meta{ID: id}, Kind: model.Person, Name: string(id), Roles: s.Roles, Clearance: s.Clearance, Suspended: s.Suspended, Region: s.Region}
	if s.Domain != "" {
		p.DomainID = model.ID("dom_" + s.Domain)
	}
	for _, team := range s.Teams {
		_, name, _ := strings.Cut(team, "/")
		p.TeamIDs = append(p.TeamIDs, model.ID("team_"+name))
	}
	return p
}

func (c *crowd) apply(writes []store.Write) {
	c.tb.Helper()
	for part := range slices.Chunk(writes, 500) {
		if _, err := c.store.Apply(c.tb.Context(), store.Change{Action: "test", Actor: "prn_ana", Subject: part[0].Record.ID, Writes: part}); err != nil {
			c.tb.Fatal(err)
		}
	}
}

// fill makes rows up: half of them assets, the others products, requests and grants.
func (c *crowd) fill(n int) {
	c.tb.Helper()
	var writes []store.Write
	products := n / 5
	homes := make([]model.ID, n) // of the assets, "" where nobody owns them
	for i := range homes {
		if d := c.random.IntN(4); d < 3 {
			homes[i] = crowdDomains[d]
		}
	}
	for i := range products {
		r := policytest.Resource(c.random, "data_product", "sales")
		p := model.DataProduct{
			Meta: model.Meta{ID: model.ID(fmt.Sprintf("dpr_%d", i))}, DomainID: crowdDomains[c.random.IntN(3)], Name: model.Slug(fmt.Sprintf("%s_%d", r.Name, i)),
			OwnerID: r.Owner, Classification: r.Classification, Visibility: r.Visibility, Status: model.ProductStatus(r.Status), Tags: r.Tags,
		}
		if _, name, ok := strings.Cut(r.OwnerTeam, "/"); ok {
			p.OwnerTeamID = model.ID("team_" + name)
		}
		for range r.Ports {
			offered := c.random.IntN(n)
			id := model.ID(fmt.Sprintf("ast_%d", offered))
			p.Ports = append(p.Ports, model.Port{Direction: model.OutputPort, AssetIDs: []model.ID{id}})
			switch {
			case homes[offered] == p.DomainID:
			case c.random.IntN(2) == 0:
				p.Consents = append(p.Consents, model.Consent{AssetID: id, DomainID: homes[offered]})
			case !p.MayOffer(model.Asset{Meta: model.Meta{ID: id}, DomainID: homes[offered]}):
				p.Unconsented = append(p.Unconsented, id)
			}
		}
		writes = append(writes, store.Products.Put(p))
	}
	for i := range n / 2 {
		r := policytest.Resource(c.random, "asset", "sales")
		a := model.Asset{Meta: model.Meta{ID: model.ID(fmt.Sprintf("ast_%d", i))}, Namespace: "x", Name: fmt.Sprintf("%s.table_%d", r.Name, i), ShortName: fmt.Sprintf("table_%d", i), Status: model.AssetStatus(r.Status), Tags: r.Tags, DomainID: homes[i]}
		writes = append(writes, store.Assets.Put(a))
	}
	for i := range n / 5 {
		r := policytest.Resource(c.random, "grant", "sales")
		product := model.ID(fmt.Sprintf("dpr_%d", c.random.IntN(products)))
		writes = append(writes, store.Requests.Put(model.AccessRequest{Meta: model.Meta{ID: model.ID(fmt.Sprintf("acr_%d", i))}, RequesterID: r.Requester, ProductID: product, DomainID: c.domainOf(writes, product), Status: model.RequestStatus(r.Status)}))
		if i%4 == 0 {
			writes = append(writes, store.Grants.Put(model.Grant{
				Meta: model.Meta{ID: model.ID(fmt.Sprintf("grt_%d", i))}, PrincipalID: r.Requester, ProductID: product, DomainID: c.domainOf(writes, product), Purpose: []string{"billing", "research"}[i%2],
				Status: model.GrantActive, StartsAt: policytest.Noon.Add(-time.Hour), EndsAt: policytest.Noon.Add(time.Duration(c.random.IntN(6)-2) * time.Hour),
			}))
		}
	}
	c.apply(append(writes, c.asides(n/20)...))
}

// asides makes up what few lists are long of: sources and decisions.
func (c *crowd) asides(n int) []store.Write {
	var writes []store.Write
	for i := range n {
		r := policytest.Resource(c.random, "grant", "")
		s := model.Source{Meta: model.Meta{ID: model.ID(fmt.Sprintf("src_%d", i))}, Name: model.Slug(fmt.Sprintf("source_%d", i))}
		if d := c.random.IntN(4); d < 3 {
			s.DomainID = crowdDomains[d]
		}
		d := model.DecisionRecord{Meta: model.Meta{ID: model.ID(fmt.Sprintf("dec_%d", i))}, At: policytest.Noon, Domain: r.Domain, PrincipalID: r.Requester}
		writes = append(writes, store.Sources.Put(s), store.Decisions.Put(d))
	}
	return writes
}

// domainOf looks a product's domain up among the writes.
func (c *crowd) domainOf(writes []store.Write, id model.ID) model.ID {
	for _, w := range writes {
		if w.Record.ID == id {
			domain, _ := w.Record.Keys["domain"][0].(string)
			return model.ID(domain)
		}
	}
	return ""
}

// rules puts made-up rules in force, and asks as somebody made up.
func (c *crowd) rules(hard bool) (model.Principal, string) {
	c.tb.Helper()
	var text strings.Builder
	for _, domain := range []model.Slug{"sales", "marketing"} {
		modules := policytest.Domain(c.random, domain, hard)
		if _, err := c.engine.Activate(c.tb.Context(), policy.Draft{Domain: domain, Modules: modules}); err != nil {
			c.tb.Fatal(err)
		}
		text.WriteString(modules[0].Text)
	}
	return c.principal([]model.ID{"prn_ana", "prn_bo", "prn_cy"}[c.random.IntN(3)]), text.String()
}

// table is what the comparison needs of a typed table.
type table[T any] interface {
	gate.Finder[T]
	Kind() store.Kind
}

// agree lists a table page by page and compares it with the decision about every row.
func agree[T any](c *crowd, who model.Principal, action model.Action, t table[T], index string, describe gate.Describe[T], id func(T) model.ID) (shown, all int) {
	c.tb.Helper()
	ctx := model.WithPrincipal(c.tb.Context(), who)
	var got, want []model.ID
	paging := model.Paging{First: 100}
	for {
		page, err := gate.ListFor(ctx, c.Gate, action, t, store.Query{Index: index}, paging, describe)
		if err != nil {
			c.tb.Fatal(err)
		}
		for _, n := range page.Nodes {
			got = append(got, id(n))
		}
		if !page.More {
			break
		}
		paging.After = page.Cursors[len(page.Cursors)-1]
	}
	session := c.Session()
	for q := (store.Query{Index: index, Limit: store.MaxPage}); ; {
		rows, err := t.Find(ctx, c.store, q)
		if err != nil {
			c.tb.Fatal(err)
		}
		resources, err := describe(ctx, rows.Nodes)
		if err != nil {
			c.tb.Fatal(err)
		}
		for i, n := range rows.Nodes {
			if all++; c.decided(ctx, session, who, action, resources[i]) {
				want = append(want, id(n))
			}
		}
		if !rows.More {
			break
		}
		q.After = rows.Cursors[len(rows.Cursors)-1]
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		c.tb.Errorf("%s %s as %+v:\n%.2000s", action, t.Kind(), who, diff)
	}
	return len(got), all
}

func (c *crowd) decided(ctx context.Context, s *gate.Session, who model.Principal, action model.Action, res policy.Resource) bool {
	c.tb.Helper()
	answer, err := s.AskFor(ctx, who, action, res, gate.Extra{})
	if err != nil {
		c.tb.Fatal(err)
	}
	return answer.Allowed()
}

// TestListsAgreeWithDecisions holds lists over ten thousand made-up rows
// against the decision about each row, under made-up rules. The decisions are
// the same whatever keeps the rows, so that fewer of them do on MongoDB.
func TestListsAgreeWithDecisions(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { listsAgree(t, enginetest.SQLite(t), 10_000, 5) })
	t.Run("mongodb", func(t *testing.T) { listsAgree(t, enginetest.MongoDB(t), 2000, 3) })
}

func listsAgree(t *testing.T, db store.Store, rows, rounds int) {
	t.Helper()
	if testing.Short() {
		rows, rounds = 1000, 3
	}
	c := newCrowd(t, db)
	c.fill(rows)
	shown, all := 0, 0
	for round := range rounds {
		who, text := c.rules(round%3 == 2)
		add := func(s, a int) { shown, all = shown+s, all+a }
		add(agree(c, who, model.ActMetadataView, store.Products, "by_name", gate.Each(c.Product), func(p model.DataProduct) model.ID { return p.ID }))
		add(agree(c, who, model.ActMetadataView, store.Assets, "by_name", c.Assets, func(a model.Asset) model.ID { return a.ID }))
		add(agree(c, who, model.ActMetadataView, store.Requests, "by_created", c.Requests, func(r model.AccessRequest) model.ID { return r.ID }))
		add(agree(c, who, model.ActMetadataView, store.Grants, "by_status", c.Grants, func(g model.Grant) model.ID { return g.ID }))
		add(agree(c, who, model.ActMetadataView, store.Teams, "by_name", gate.Each(c.Team), func(x model.Team) model.ID { return x.ID }))
		add(agree(c, who, model.ActMetadataView, store.Domains, "by_name", gate.Each(c.Domain), func(d model.Domain) model.ID { return d.ID }))
		add(agree(c, who, model.ActMetadataView, store.Sources, "named", gate.Each(c.Source), func(x model.Source) model.ID { return x.ID }))
		add(agree(c, who, model.ActAuditRead, store.Decisions, "by_time", gate.Each(c.Decision), func(d model.DecisionRecord) model.ID { return d.ID }))
		add(agree(c, who, model.ActAuditRead, store.Events, "by_seq", c.Events, func(e model.Event) model.ID { return e.ID }))
		if t.Failed() {
			t.Fatalf("round %d: %s", round, text)
		}
	}
	t.Logf("%d of %d rows shown", shown, all)
	if shown == 0 || shown == all {
		t.Error("the test hardly tests anything")
	}
}

// TestSearchAndLineageAgreeWithDecisions finds and walks no more and no less
// than the decisions about the single assets allow.
func TestSearchAndLineageAgreeWithDecisions(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		c := newCrowd(t, db)
		c.fill(600)
		edges := c.edges(300)
		for round := range 6 {
			who, text := c.rules(round%3 == 2)
			ctx := model.WithPrincipal(t.Context(), who)
			may := c.visibleAssets(ctx, who)
			if diff := gocmp.Diff(keysOf(may, true), c.search(ctx)); diff != "" {
				t.Errorf("search: %.2000s", diff)
			}
			for _, root := range keysOf(may, true)[:min(5, len(keysOf(may, true)))] {
				c.walk(ctx, root, edges, may)
			}
			for _, root := range keysOf(may, false)[:min(3, len(keysOf(may, false)))] {
				_, err := lineage.New(db, c.Gate).Walk(ctx, lineage.WalkQuery{RootID: root, Direction: model.Downstream, Depth: 3, MaxNodes: 100})
				if !model.Is(err, model.KindNotFound) {
					t.Errorf("a hidden root: %v", err)
				}
			}
			if t.Failed() {
				t.Fatal(text)
			}
		}
	})
}

func keysOf(may map[model.ID]bool, want bool) []model.ID {
	var ids []model.ID
	for id, ok := range may {
		if ok == want {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// edges draws made-up edges between the assets.
func (c *crowd) edges(n int) map[model.ID][]model.ID {
	c.tb.Helper()
	next := map[model.ID][]model.ID{}
	var writes []store.Write
	for i := range n {
		from, to := model.ID(fmt.Sprintf("ast_%d", c.random.IntN(n))), model.ID(fmt.Sprintf("ast_%d", c.random.IntN(n)))
		if from == to || slices.Contains(next[from], to) {
			continue
		}
		next[from] = append(next[from], to)
		writes = append(writes, store.Edges.Put(model.Edge{Meta: model.Meta{ID: model.ID(fmt.Sprintf("edg_%d", i))}, FromID: from, ToID: to, Kind: model.EdgeDerives}))
	}
	c.apply(writes)
	return next
}

// visibleAssets decides about every asset.
func (c *crowd) visibleAssets(ctx context.Context, who model.Principal) map[model.ID]bool {
	c.tb.Helper()
	may, session := map[model.ID]bool{}, c.Session()
	for a, err := range store.Assets.All(ctx, c.store, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		if err != nil {
			c.tb.Fatal(err)
		}
		res, err := c.Asset(ctx, a)
		if err != nil {
			c.tb.Fatal(err)
		}
		may[a.ID] = c.decided(ctx, session, who, model.ActMetadataView, res)
	}
	return may
}

// search finds every asset that the viewer may see.
func (c *crowd) search(ctx context.Context) []model.ID {
	c.tb.Helper()
	var ids []model.ID
	s := catalog.New(c.store, c.Gate, index.New(c.store, "", nil), model.Now)
	for p := (model.Paging{First: 40}); ; {
		page, err := s.Search(ctx, "table", catalog.SearchFilter{Kinds: []catalog.SearchKind{catalog.HitAsset}}, p)
		if err != nil {
			c.tb.Fatal(err)
		}
		for _, h := range page.Nodes {
			ids = append(ids, h.ID)
		}
		if !page.More {
			slices.Sort(ids)
			return ids
		}
		p.After = page.Cursors[len(page.Cursors)-1]
	}
}

// walk compares a walk with one that asks about every asset on its way.
func (c *crowd) walk(ctx context.Context, root model.ID, next map[model.ID][]model.ID, may map[model.ID]bool) {
	c.tb.Helper()
	graph, err := lineage.New(c.store, c.Gate).Walk(ctx, lineage.WalkQuery{RootID: root, Direction: model.Downstream, Depth: 3, MaxNodes: lineage.MaxNodes})
	if err != nil {
		c.tb.Fatal(err)
	}
	want := map[model.ID]bool{root: false} // restricted?
	for frontier, depth := []model.ID{root}, 0; depth < 3; depth++ {
		var further []model.ID
		for _, from := range frontier {
			for _, to := range next[from] {
				if _, met := want[to]; !met {
					if want[to] = !may[to]; may[to] {
						further = append(further, to)
					}
				}
			}
		}
		frontier = further
	}
	got := map[model.ID]bool{}
	for _, n := range graph.Nodes {
		got[n.ID] = n.Restricted
		if n.Restricted && (n.Name != "" || n.Namespace != "" || n.DomainID != "" || cmp.Compare(n.Kind, "") != 0) {
			c.tb.Errorf("a hidden asset shows more than that it is there: %+v", n)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		c.tb.Errorf("walk from %s: %.2000s", root, diff)
	}
}

// TestListsReadNoHiddenRows counts the rows that a stranger's list reads, and
// makes sure that its end tells nothing of the hidden ones behind it.
func TestListsReadNoHiddenRows(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		c := newCrowd(t, db)
		var writes []store.Write
		for i := range 3000 {
			writes = append(writes, store.Products.Put(model.DataProduct{
				Meta: model.Meta{ID: model.ID(fmt.Sprintf("dpr_%04d", i))}, DomainID: "dom_operations", Name: model.Slug(fmt.Sprintf("p%04d", i)),
				Status: model.Published, Visibility: []model.Visibility{model.VisibleToDomain, model.VisibleToAll}[min(1, i%1000)^1],
			}))
		}
		c.apply(writes)
		for _, who := range []struct {
			name      string
			suspended bool
			want      int
		}{{"a stranger", false, 3}, {"the suspended", true, 0}} {
			ctx := model.WithPrincipal(t.Context(), model.Principal{Meta: model.Meta{ID: "prn_x"}, Kind: model.Person, Name: "x", Suspended: who.suspended})
			read := 0
			counted := func(ctx context.Context, rows []model.DataProduct) ([]policy.Resource, error) {
				read += len(rows)
				return gate.Each(c.Product)(ctx, rows)
			}
			page, err := gate.List(ctx, c.Gate, store.Products, store.Query{Index: "by_name"}, model.Paging{First: 3}, counted)
			if err != nil || len(page.Nodes) != who.want || page.More || read != who.want {
				t.Errorf("%s: %d rows shown, %d read, more: %t, %v", who.name, len(page.Nodes), read, page.More, err)
			}
		}
	})
}
