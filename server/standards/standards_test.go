package standards_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/standards"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// stall is a domain with products of every kind, judged by the standards that
// Souk ships.
type stall struct {
	*standards.Service
	t     *testing.T
	store store.Store
	now   time.Time
}

func newStall(t *testing.T) *stall {
	t.Helper()
	return openStall(t, enginetest.SQLite(t))
}

// onStalls tells a story on each engine.
func onStalls(t *testing.T, story func(*testing.T, *stall)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { story(t, newStall(t)) })
	t.Run("mongodb", func(t *testing.T) { story(t, openStall(t, enginetest.MongoDB(t))) })
}

func openStall(t *testing.T, db store.Store) *stall {
	t.Helper()
	engine := servertest.Shipped(t)
	s := &stall{t: t, store: db, now: time.Date(2026, 5, 10, 15, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return s.now }
	s.Service = standards.New(db, gate.New(db, engine, clock, nil), clock, slog.New(slog.NewTextHandler(t.Output(), nil)))
	s.put(
		store.Domains.Put(model.Domain{Meta: model.Meta{ID: "dom_sales"}, Name: "sales", Description: "Sells.", StewardIDs: []model.ID{"prn_ana"}}),
		store.Domains.Put(model.Domain{Meta: model.Meta{ID: "dom_old"}, Name: "old_things"}),
		store.Principals.Put(model.Principal{Meta: model.Meta{ID: "prn_ana"}, Name: "ana@sales", DomainID: "dom_sales"}),
		store.Teams.Put(model.Team{Meta: model.Meta{ID: "tea_shop"}, Name: "shop", DomainID: "dom_sales"}),
		store.Sources.Put(model.Source{Meta: model.Meta{ID: "src_1"}, Name: "shop", LastRunID: "run_1"}),
		store.Runs.Put(model.Run{Meta: model.Meta{ID: "run_1"}, SourceID: "src_1", Status: model.RunSucceeded, EndedAt: &s.now}),
		store.Assets.Put(model.Asset{
			Meta: model.Meta{ID: "ast_1"}, Name: "orders", Description: "Orders.", Status: model.AssetActive, DomainID: "dom_sales",
			Fields: []model.AssetField{{Name: "id", Description: "The key."}}, Sightings: []model.Sighting{{SourceID: "src_1", DomainID: "dom_sales"}},
		}),
		store.Products.Put(good("a_good", model.Published)),
		store.Products.Put(bad("b_draft", model.Draft)),
		store.Products.Put(bad("c_bad", model.Published)),
		store.Products.Put(bad("d_gone", model.Retired)),
	)
	return s
}

func good(name model.Slug, status model.ProductStatus) model.DataProduct {
	return model.DataProduct{
		Meta: model.Meta{ID: model.ID("dpr_" + name)}, Name: name, DomainID: "dom_sales", OwnerID: "prn_ana", OwnerTeamID: "tea_shop", Status: status,
		Description: "Every order of the shop, by the hour.", BusinessContext: "For billing.", Classification: model.Internal, Visibility: model.VisibleToAll,
		Ports: []model.Port{{Name: "rows", Direction: model.OutputPort, Description: "All.", AssetIDs: []model.ID{"ast_1"}}},
	}
}

// bad has two errors, contract.output and description.missing, and a warning, owner.team.
func bad(name model.Slug, status model.ProductStatus) model.DataProduct {
	p := good(name, status)
	p.Description, p.OwnerTeamID, p.Ports = "", "", nil
	return p
}

func (s *stall) put(writes ...store.Write) {
	s.t.Helper()
	if _, err := s.store.Apply(s.t.Context(), store.Change{Action: "test.put", Writes: writes}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stall) as(name string) context.Context {
	p := model.Principal{Meta: model.Meta{ID: model.ID("prn_" + name)}, Kind: model.Person, Name: name, Roles: []model.Role{model.RoleEmployee}}
	if name == "ana" {
		p.DomainID = "dom_sales"
	}
	return model.WithPrincipal(s.t.Context(), p)
}

// TestScores gives each product its points and a domain the mean of what it offers.
func TestScores(t *testing.T) {
	inTurn(t)
	onStalls(t, scores)
}

func scores(t *testing.T, s *stall) {
	t.Helper()
	cards, err := s.ProductScorecards(s.as("ana"), "dpr_a_good", "dpr_b_draft", "dpr_c_bad", "dpr_none")
	if err != nil {
		t.Fatal(err)
	}
	got := map[model.ID]int{}
	for id, c := range cards {
		got[id] = c.Score
	}
	if diff := cmp.Diff(map[model.ID]int{"dpr_a_good": 100, "dpr_b_draft": 55, "dpr_c_bad": 55}, got); diff != "" {
		t.Error(diff)
	}
	cards, err = s.DomainScorecards(s.as("bo"), "dom_sales", "dom_old", "dom_none")
	if err != nil {
		t.Fatal(err)
	}
	sales, old := cards["dom_sales"], cards["dom_old"]
	if len(cards) != 2 || sales.Score != 85 || sales.Checked != 3 || len(sales.Findings) != 0 { // (100 + 100 + 55) / 3
		t.Errorf("sales: %+v", sales)
	}
	if old.Score != 85 || old.Checked != 1 || len(old.Findings) != 3 { // three warnings
		t.Errorf("old things: %+v", old)
	}
}

// TestStandardsOfWhatYouMaySee hides a draft's findings from strangers.
func TestStandardsOfWhatYouMaySee(t *testing.T) {
	inTurn(t)
	onStalls(t, whatYouMaySee)
}

func whatYouMaySee(t *testing.T, s *stall) {
	t.Helper()
	cards, err := s.ProductScorecards(s.as("bo"), "dpr_b_draft", "dpr_c_bad")
	if err != nil || len(cards) != 1 || cards["dpr_c_bad"].Score != 55 {
		t.Errorf("got %+v, %v", cards, err)
	}
	inner := bad("e_inner", model.Published)
	inner.Visibility = model.VisibleToDomain
	s.put(store.Products.Put(inner))
	for _, person := range []string{"ana", "bo"} {
		domains, err := s.DomainScorecards(s.as(person), "dom_sales")
		if card := domains["dom_sales"]; err != nil || card.Checked != 3 || card.Score != 85 {
			t.Errorf("%s is told of a product that is not offered to all: %+v, %v", person, card, err)
		}
	}
	found, err := s.AssetFindings(s.as("bo"), "ast_1")
	if err != nil || len(found) != 1 {
		t.Errorf("an asset that is on offer: %v, %v", found, err)
	}
	trends, err := s.Trends(s.as("bo"), 7, "dpr_b_draft", "dpr_c_bad", "dom_sales")
	if err != nil || len(trends) != 2 {
		t.Errorf("got %v, %v", trends, err)
	}
	page, err := s.Findings(s.as("bo"), "dom_sales", model.Paging{First: 50})
	if err != nil || len(page.Nodes) != 3 || page.More {
		t.Errorf("got %+v, %v", page, err)
	}
	if _, err := s.Findings(s.as("bo"), "dom_none", model.Paging{First: 50}); !model.Is(err, model.KindNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestFindingsInPages gives the same list however it is cut.
func TestFindingsInPages(t *testing.T) {
	inTurn(t)
	onStalls(t, inPages)
}

func inPages(t *testing.T, s *stall) {
	t.Helper()
	s.put(store.Domains.Put(model.Domain{Meta: model.Meta{ID: "dom_new"}, Name: "new_things", ParentID: "dom_old"}))
	for i := range 60 { // more products than are looked at together
		p := good(model.Slug(fmt.Sprintf("p%02d", i)), model.Published)
		p.DomainID, p.BusinessContext = "dom_new", ""
		s.put(store.Products.Put(p))
	}
	list := func(first int) []string {
		var all []string
		for after := ""; ; {
			page, err := s.Findings(s.as("ana"), "dom_new", model.Paging{First: first, After: after})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page.Nodes {
				all = append(all, string(f.SubjectID)+" "+f.Code)
			}
			if !page.More {
				return all
			}
			if len(page.Nodes) != first {
				t.Fatalf("a page of %d says that there are more", len(page.Nodes))
			}
			after = page.Cursors[first-1]
		}
	}
	whole := list(200)
	if len(whole) != 63 || whole[0] != "dom_new description.missing" || whole[3] != "dpr_p00 description.business_context" {
		t.Errorf("got %d: %v", len(whole), whole)
	}
	for _, first := range []int{1, 2, 3, 50} {
		if diff := cmp.Diff(whole, list(first)); diff != "" {
			t.Errorf("pages of %d: %s", first, diff)
		}
	}
	for _, cursor := range []string{"nonsense", "!", "dHJ1ZSAxIG5vbnNlbnNl", "ZmFsc2UgLTEg"} {
		if _, err := s.Findings(s.as("ana"), "dom_new", model.Paging{First: 1, After: cursor}); !model.Is(err, model.KindBadCursor) {
			t.Errorf("%s: got %v", cursor, err)
		}
	}
}

// TestTrend records a card a day, once, and looks back over them.
func TestTrend(t *testing.T) {
	inTurn(t)
	onStalls(t, trend)
}

func trend(t *testing.T, s *stall) {
	t.Helper()
	record := func() int {
		t.Helper()
		before := s.events()
		if err := s.Record(s.t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.events() - before
	}
	if n := record(); n != 2 { // a change for each domain
		t.Errorf("%d changes", n)
	}
	if n := record(); n != 0 {
		t.Errorf("%d changes where nothing has changed", n)
	}
	s.now = s.now.Add(2 * time.Hour)
	p, err := store.Products.Get(t.Context(), s.store, "dpr_c_bad")
	if err != nil {
		t.Fatal(err)
	}
	p.Description = good("x", "").Description
	s.put(store.Products.Put(p))
	if n := record(); n != 1 { // the day's card is brought up to date
		t.Errorf("%d changes", n)
	}
	s.now = s.now.AddDate(0, 0, 2)
	s.freshen()
	p.Revision++
	p.OwnerTeamID = "tea_shop"
	s.put(store.Products.Put(p))
	record()
	s.now = s.now.AddDate(0, 0, 1)
	trends, err := s.Trends(s.as("bo"), 30, "dpr_c_bad", "dom_sales", "dpr_d_gone")
	if err != nil {
		t.Fatal(err)
	}
	want := map[model.ID][]string{"dpr_c_bad": {"05-10 75", "05-12 80"}, "dom_sales": {"05-10 92", "05-12 93"}, "dpr_d_gone": nil}
	got := map[model.ID][]string{}
	for id, cards := range trends {
		got[id] = nil
		for _, c := range cards {
			got[id] = append(got[id], fmt.Sprintf("%s %d", c.Day.Format("01-02"), c.Score))
			if c.Findings != nil {
				t.Errorf("%s keeps its findings", c.ID)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, days := range []int{0, 91} {
		if _, err := s.Trends(s.as("bo"), days, "dom_sales"); !model.Is(err, model.KindInvalid) {
			t.Errorf("%d days: %v", days, err)
		}
	}
	s.now = s.now.AddDate(2, 0, 0)
	record()
	left, err := store.Scorecards.Find(t.Context(), s.store, store.Query{Index: "by_day"})
	if err != nil || len(left.Nodes) != 5 { // two domains and three products, today
		t.Errorf("%d cards are left: %v", len(left.Nodes), err)
	}
}

// events counts the changes so far.
func (s *stall) events() int {
	s.t.Helper()
	n := 0
	for _, err := range store.Events.All(s.t.Context(), s.store, store.Query{Index: "by_seq", Limit: store.MaxPage}) {
		if err != nil {
			s.t.Fatal(err)
		}
		n++
	}
	return n
}

// freshen harvests again.
func (s *stall) freshen() {
	s.t.Helper()
	r, err := store.Runs.Get(s.t.Context(), s.store, "run_1")
	if err != nil {
		s.t.Fatal(err)
	}
	r.EndedAt = &s.now
	s.put(store.Runs.Put(r))
}

// TestRunScorecards records at once and stops with the context.
func TestRunScorecards(t *testing.T) {
	s := newStall(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.Run(ctx); close(ended) }()
	for {
		cards, err := store.Scorecards.Find(t.Context(), s.store, store.Query{Index: "by_day"})
		if err != nil {
			t.Fatal(err)
		}
		if len(cards.Nodes) == 5 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	<-ended
}

// inTurn skips a test in which one thing follows the other when only what
// happens at once is asked for: the race detector has nothing to find in it.
func inTurn(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("one thing after the other: nothing here can race")
	}
}
