package catalog_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
)

// unowned is a world in which names belong to nobody until the test gives them.
func unowned(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.keepOwners = true
	return w
}

// owner tells whose the asset of the name is.
func (w *world) owner(namespace, name string) model.ID {
	w.Helper()
	for _, a := range w.assets() {
		if a.Namespace == namespace && a.Name == name {
			return a.DomainID
		}
	}
	w.Fatalf("no asset %s %s", namespace, name)
	return ""
}

func codesOf(r catalog.Result) []string {
	var codes []string
	for _, n := range r.Notes {
		codes = append(codes, n.Code)
	}
	return codes
}

// TestTheFirstToComeOwnsNothing has sales show a table of marketing's before
// marketing does: the table is marketing's, and sales' word changes nothing.
func TestTheFirstToComeOwnsNothing(t *testing.T) {
	w := unowned(t)
	w.assign("sqlite://hr", "", marketing)
	mine := table("sqlite://hr", "hr_secret")
	mine.Sighting.Description, mine.Sighting.Tags, mine.Sighting.Fields = "free for all", []string{"public"}, nil
	r := w.shows(source("a_thief", sales), mine)
	if d := cmp.Diff([]string{"catalog.claimed"}, codesOf(r)); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
	a := w.assets()[0]
	if a.DomainID != marketing || a.Status != model.AssetUnresolved || a.Description != "" || len(a.Tags) > 0 || a.Contested() != marketing {
		t.Errorf("after the claim: %+v", a)
	}
	if _, err := w.catalog.Asset(w.as("ana"), a.ID); !model.Is(err, model.KindNotFound) {
		t.Errorf("sales sees marketing's table: %v", err)
	}
	w.shows(source("hr", marketing), table("sqlite://hr", "hr_secret"))
	a = w.assets()[0]
	if len(w.assets()) != 1 || a.DomainID != marketing || a.Status != model.AssetActive || a.Description != "" || len(a.Fields) != 1 || len(a.Sightings) != 2 {
		t.Errorf("after its owner came: %+v", a)
	}
}

// TestNobodyOwnsWhatWasNotGiven leaves a table without an owner, and says what to do.
func TestNobodyOwnsWhatWasNotGiven(t *testing.T) {
	w := unowned(t)
	r := w.shows(source("db", sales), table(server, "shop.public.orders"))
	if d := cmp.Diff([]string{"catalog.no_owner"}, codesOf(r)); d != "" || w.assets()[0].DomainID != "" {
		t.Errorf("notes (-want +got):\n%s\n%+v", d, w.assets()[0])
	}
	w.assign(server, "shop", sales)
	if got := w.owner(server, "shop.public.orders"); got != sales {
		t.Errorf("after it was given: %q", got)
	}
}

func TestNoRankMakesAnOwner(t *testing.T) {
	w := unowned(t)
	w.assign("sqlite://hr", "", marketing)
	for i, rank := range []int{-7, 0, 1, 9, 10, 20} {
		seen := table("sqlite://hr", "hr_secret")
		seen.Sighting.Rank = rank
		w.shows(source(fmt.Sprint("s", i), sales), seen)
		if a := w.assets()[0]; a.DomainID != marketing || len(a.Fields) > 0 {
			t.Errorf("rank %d: %+v", rank, a)
		}
	}
}

func TestTheLongestNamespaceWins(t *testing.T) {
	w := unowned(t)
	const ops = model.ID("dom_ops")
	w.apply(store.Domains.Put(model.Domain{Meta: model.Meta{ID: ops}, Name: "ops", DisplayName: "Ops"}))
	w.assign("postgres://DB.acme.example", "", sales) // another spelling of the host
	w.assign(server, "shop.hr", marketing)
	w.assign(server, "shop.public.tmp*", ops)
	w.assign(server, "shop.public.orders", marketing)
	w.assign(server, `shop.CASE`, ops)
	w.assign(server, `shop.case`, marketing)
	w.assign("s3://lake", "sales/2024", sales)
	for name, want := range map[string]model.ID{
		"shop.public.items": sales, "other.x.y": sales, "shop.hr.people": marketing, "shop.HR.people": marketing, "shop.hrx.people": sales,
		"shop.public.tmp_1": ops, "shop.public.tmp": ops, "shop.public.orders": marketing, "shop.public.orders_old": sales,
		"shop.CASE.t": ops, "shop.case.t": marketing,
	} {
		w.shows(source("db", sales), table(server, name))
		if got := w.owner(server, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]model.ID{"sales/2024/x.parquet": sales, "sales/20245/x.parquet": "", "SALES/2024/x": ""} {
		w.shows(source("lake", sales), table("s3://lake", name))
		if got := w.owner("s3://lake", name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestNoOtherNameCarriesAnAssetOff tries every way in which a source of sales
// could make marketing's table its own by names.
func TestNoOtherNameCarriesAnAssetOff(t *testing.T) {
	for _, rank := range []int{model.RankHolder, model.RankBuilder, model.RankReference} {
		w := unowned(t)
		w.assign("sqlite://hr", "", marketing)
		w.assign("sqlite://mine", "", sales)
		theirs := table("sqlite://hr", "hr_secret")
		theirs.Aliases = []catalog.Name{{Scheme: model.SchemeDBT, Namespace: "hr", Name: "model.hr.secret"}}
		w.shows(source("z_hr", marketing), theirs)
		id := w.assets()[0].ID
		for _, seen := range []catalog.Seen{
			{Ref: catalog.Ref{Namespace: "sqlite://mine", Name: "x"}, Aliases: []catalog.Name{{Scheme: model.SchemeOpenLineage, Namespace: "sqlite://hr", Name: "hr_secret"}}},
			{Ref: catalog.Ref{Namespace: "sqlite://mine", Name: "y"}, Aliases: []catalog.Name{{Scheme: model.SchemeDBT, Namespace: "hr", Name: "model.hr.secret"}}},
			{Ref: catalog.Ref{Namespace: "sqlite://hr", Name: "HR_SECRET"}},
			{Ref: catalog.Ref{Namespace: "sqlite://hr", Name: "hr_secret"}, Aliases: []catalog.Name{{Scheme: model.SchemeOpenLineage, Namespace: "sqlite://mine", Name: "z"}}},
		} {
			seen.Sighting = model.Sighting{Scope: "s", Rank: rank, Kind: model.KindView, ShortName: "mine", Reference: rank == model.RankReference}
			w.shows(source("a_thief", sales), seen)
			a, err := store.Assets.Get(t.Context(), w.store, id)
			if err != nil || a.DomainID != marketing || a.Namespace != "sqlite://hr" || a.Name != "hr_secret" || a.ShortName != "hr_secret" || a.Kind != model.KindTable {
				t.Errorf("rank %d, after %+v: %+v %v", rank, seen.Ref, a, err)
			}
		}
		if got := w.names()["openlineage sqlite://hr hr_secret"]; got != "hr_secret" {
			t.Errorf("rank %d: the name leads to %q", rank, got)
		}
	}
}

// TestMovingANamespaceMovesItsAssets moves many, in more steps than are made at
// once, and takes the work up again.
func TestMovingANamespaceMovesItsAssets(t *testing.T) {
	w := unowned(t)
	var seen []catalog.Seen
	for i := range 1500 {
		seen = append(seen, table(server, fmt.Sprintf("shop.s%d.t%04d", i%3, i)))
	}
	w.shows(source("db", sales), seen...)
	w.assign(server, "shop.s1", marketing)
	n := w.assign(server, "shop", sales)
	if !n.Pending {
		t.Errorf("1,500 assets were moved at once: %+v", n)
	}
	count := func() map[model.ID]int {
		counts := map[model.ID]int{}
		for _, a := range w.assets() {
			counts[a.DomainID]++
		}
		return counts
	}
	if err := w.catalog.SettleNamespaces(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[model.ID]int{sales: 1000, marketing: 500}, count()); d != "" {
		t.Errorf("after the gift (-want +got):\n%s", d)
	}
	n, err := w.catalog.Namespace(w.as("root"), n.ID)
	if err != nil || n.Pending {
		t.Errorf("%+v %v", n, err)
	}
	if _, err := w.catalog.ReleaseNamespace(w.as("root"), n.ID, &n.Revision); err != nil {
		t.Fatal(err)
	}
	if err := w.catalog.SettleNamespaces(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[model.ID]int{"": 1000, marketing: 500}, count()); d != "" {
		t.Errorf("after the release (-want +got):\n%s", d)
	}
	if _, err := w.catalog.Namespace(w.as("root"), n.ID); !model.Is(err, model.KindNotFound) {
		t.Errorf("the released namespace: %v", err)
	}
}

func TestWhoMayGiveNamespaces(t *testing.T) {
	w := unowned(t)
	n := w.assign(server, "shop", sales)
	gift := catalog.NamespaceGift{Namespace: server, Prefix: "shop", DomainID: marketing}
	if _, err := w.catalog.AssignNamespace(w.as("ana"), gift); !model.Is(err, model.KindDenied) {
		t.Errorf("a member gives: %v", err)
	}
	if _, err := w.catalog.ReleaseNamespace(w.as("bo"), n.ID, nil); !model.Is(err, model.KindNotFound) {
		t.Errorf("a stranger releases: %v", err)
	}
	old := n.Revision - 1
	gift.ExpectedRevision = &old
	if _, err := w.catalog.AssignNamespace(w.as("root"), gift); !model.Is(err, model.KindConflict) {
		t.Errorf("over an old version: %v", err)
	}
	for field, bad := range map[string]catalog.NamespaceGift{
		"namespace": {Namespace: "postgres://ana:geheim99@h", DomainID: sales},
		"prefix":    {Namespace: server, Prefix: "{}", DomainID: sales},
		"domainId":  {Namespace: server, DomainID: "dom_none"},
	} {
		_, err := w.catalog.AssignNamespace(w.as("root"), bad)
		if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != model.KindInvalid || e.Field != field || e.Hint == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	page, err := w.catalog.Namespaces(w.as("bo"), "", model.Paging{First: 10})
	if err != nil || len(page.Nodes) > 0 {
		t.Errorf("a stranger lists %d namespaces, %v", len(page.Nodes), err)
	}
}
