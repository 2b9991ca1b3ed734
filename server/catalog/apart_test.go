package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
)

// built is how dbt shows a model of the project shop.
func built(namespace, name string) catalog.Seen {
	s := dbtSource(namespace, name)
	s.Aliases[0].Name = "model.shop." + s.Sighting.ShortName
	s.Sighting.Rank, s.Sighting.Reference = model.RankBuilder, false
	return s
}

// TestOneProjectOnTwoServers: the name in the project is no name of a table.
func TestOneProjectOnTwoServers(t *testing.T) {
	for name, names := range map[string][2]catalog.Ref{
		"two servers":   {{Namespace: "postgres://dev:5432", Name: "shop.legacy.tickets"}, {Namespace: "postgres://prod:5432", Name: "shop.legacy.tickets"}},
		"two databases": {{Namespace: server, Name: "dev.legacy.tickets"}, {Namespace: server, Name: "prod.legacy.tickets"}},
		"two schemas":   {{Namespace: server, Name: "shop.dev.tickets"}, {Namespace: server, Name: "shop.prod.tickets"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			dev, prod := source("dev", sales), source("prod", sales)
			w.shows(dev, built(names[0].Namespace, names[0].Name))
			r := w.shows(prod, built(names[1].Namespace, names[1].Name))
			if len(r.Notes) != 1 || r.Notes[0].Code != "catalog.same_name_elsewhere" {
				t.Errorf("got notes %+v, want one that tells of the other", r.Notes)
			}
			w.shows(dev, built(names[0].Namespace, names[0].Name))
			assets := w.assets()
			if len(assets) != 2 {
				t.Fatalf("got %d assets, want 2", len(assets))
			}
			for _, a := range assets {
				if len(a.Sightings) != 1 {
					t.Errorf("%s %s has %d sightings, want its own", a.Namespace, a.Name, len(a.Sightings))
				}
			}
		})
	}
}

// exposure is how dbt shows an exposure of the project shop, whose warehouse is
// the server; "" is the name that an older program gave it.
func exposure(server string) catalog.Seen {
	name := "exposure.shop.weekly"
	if server != "" {
		name = server + "/" + name
	}
	s := built("dbt://shop", name)
	s.Aliases[0].Name, s.Sighting.Kind = "exposure.shop.weekly", "DASHBOARD"
	return s
}

// TestNamesThatOnlyTheProjectGives: an exposure on one server is not the one
// of another, neither from the start nor in a store where they had been one.
func TestNamesThatOnlyTheProjectGives(t *testing.T) {
	dev, prod := source("dev", sales), source("prod", sales)
	servers := map[model.ID]string{dev.ID: "postgres://dev:5432", prod.ID: "postgres://prod:5432"}
	for name, runs := range map[string]struct {
		before, after []model.Source
		keeps         model.Source // the one whose exposure is the asset of before
	}{
		"from the start":                  {nil, []model.Source{dev, prod, dev, prod}, model.Source{}},
		"one before, first again first":   {[]model.Source{dev, prod}, []model.Source{dev, prod, dev}, dev},
		"one before, first again last":    {[]model.Source{dev, prod}, []model.Source{prod, dev, prod}, dev},
		"one before, the later was first": {[]model.Source{prod, dev}, []model.Source{dev, prod, dev}, prod},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, s := range runs.before {
				w.shows(s, exposure(""))
			}
			old := w.assets()
			for _, s := range runs.after {
				shown := w.shows(s, exposure(servers[s.ID]))
				gone, err := w.catalog.Retire(t.Context(), s, "project:shop", map[model.ID]bool{shown.IDs[exposure(servers[s.ID]).Ref]: true})
				if err != nil {
					t.Fatal(err)
				}
				w.takeBack(s.ID, "project:shop", gone)
			}
			got := w.assets()
			if len(got) != 2 {
				t.Fatalf("got %d assets, want one for each server", len(got))
			}
			for _, a := range got {
				if len(a.Sightings) != 1 || a.Name != servers[a.Sightings[0].SourceID]+"/exposure.shop.weekly" || a.Status != model.AssetActive {
					t.Errorf("%s %s is shown by %+v", a.Status, a.Name, a.Sightings)
				}
				if len(old) > 0 && (a.ID == old[0].ID) != (a.Sightings[0].SourceID == runs.keeps.ID) {
					t.Errorf("the asset of before is not that of %s", runs.keeps.Name)
				}
			}
		})
	}
}

// TestNameOfWhatIsGone: a project that another source shows from now on takes its names along.
func TestNameOfWhatIsGone(t *testing.T) {
	w := newWorld(t)
	w.shows(source("old", sales), built("postgres://old:5432", "shop.public.orders"))
	r, err := w.catalog.Retire(t.Context(), source("old", sales), "project:shop", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.takeBack(source("old", sales).ID, "project:shop", r)
	if r := w.shows(source("new", sales), built(server, "shop.public.orders")); len(r.Notes) > 0 {
		t.Errorf("got notes %+v, want none", r.Notes)
	}
	a, err := w.catalog.AssetByName(w.as("ana"), "shop", "model.shop.orders")
	if err != nil || a.Namespace != server {
		t.Errorf("the project's name leads to %s, %v", a.Namespace, err)
	}
}

// TestQuotedDots: a dot inside quotes is a letter.
func TestQuotedDots(t *testing.T) {
	w := newWorld(t)
	w.shows(source("db", sales), table(server, `shop."app.x".t`), table(server, `shop.app."x.t"`), table(server, `shop.app.x`))
	w.shows(source("tool", sales), built(server, `"app.x".t`), built(server, `APP."x.t"`))
	got := map[string]int{}
	for _, a := range w.assets() {
		got[a.Name] = len(a.Sightings)
	}
	if diff := cmp.Diff(map[string]int{`shop."app.x".t`: 2, `shop.app."x.t"`: 2, `shop.app.x`: 1}, got); diff != "" {
		t.Error(diff)
	}
	w.observe(catalog.Observation{Source: source("log", sales), Refs: []catalog.Ref{{Namespace: server, Name: `hr."a.b"`}}})
	a, err := w.catalog.AssetByName(w.as("ana"), server, `hr."a.b"`)
	if err != nil || a.ShortName != "a.b" {
		t.Errorf("got short name %q, %v", a.ShortName, err)
	}
}

// TestNamesBeforeQuotes: an asset that was known before names kept their quotes is found again.
func TestNamesBeforeQuotes(t *testing.T) {
	named := func(name, short string) catalog.Seen {
		s := table(server, name)
		s.Sighting.ShortName = short
		return s
	}
	w := newWorld(t)
	db := source("db", sales)
	w.shows(db, named("shop.app.x.t", "t"))
	before := w.assets()[0]
	w.shows(db, named(`shop.app."x.t"`, "x.t"), named(`shop."app.x".t`, "t"))
	after, err := w.catalog.AssetByName(w.as("ana"), server, `shop."app.x".t`)
	if err != nil || after.ID != before.ID || after.Name != `shop."app.x".t` || len(w.assets()) != 2 {
		t.Errorf("got %s %s and %d assets, want %s under its new name and one more: %v", after.ID, after.Name, len(w.assets()), before.ID, err)
	}
}

// TestFoldingByPlatform: which letters are alike is for the platform to say.
func TestFoldingByPlatform(t *testing.T) {
	for namespace, want := range map[string]int{
		"sqlite://shop": 2, "duckdb://shop": 2, server: 2, "redshift://c.eu-west-1": 2,
		"mysql://h": 1, "mssql://h": 1, "snowflake://org-acct": 1, "bigquery": 2,
	} {
		w := newWorld(t)
		w.shows(source("db", sales), table(namespace, "a.b.É"))
		w.shows(source("tool", sales), built(namespace, "a.b.é"))
		if got := len(w.assets()); got != want {
			t.Errorf("%s: %d assets, want %d", namespace, got, want)
		}
		_, err := w.catalog.AssetByName(w.as("ana"), namespace, "a.B.É")
		if found := err == nil; found != (namespace != "bigquery") {
			t.Errorf("%s: found by another case of ASCII letters: %t", namespace, found)
		}
	}
}

// TestFoldedByAnOlderProgram: a name that was folded otherwise is read, and put right.
func TestFoldedByAnOlderProgram(t *testing.T) {
	w := newWorld(t)
	w.shows(source("db", sales), table("sqlite://shop", "ÉTAT"))
	for a, err := range store.Aliases.All(t.Context(), w.store, store.Query{Index: "by_asset"}) {
		if err != nil {
			t.Fatal(err)
		}
		a.Folded = strings.ToLower(a.Name)
		w.apply(store.Aliases.Put(a))
	}
	w.shows(source("tool", sales), built("sqlite://shop", "État"))
	var folded []string
	for a, err := range store.Aliases.All(t.Context(), w.store, store.Query{Index: "by_asset"}) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Scheme == model.SchemeOpenLineage {
			folded = append(folded, a.Folded)
		}
	}
	if len(w.assets()) != 1 || !slices.Equal(folded, []string{"État", "État"}) {
		t.Errorf("got %d assets, names %q", len(w.assets()), folded)
	}
}

// TestFactsOfAnOlderProgram are settled anew when the asset is seen again.
func TestFactsOfAnOlderProgram(t *testing.T) {
	w := newWorld(t)
	tool := source("tool", sales)
	w.shows(tool, dbtSource(server, "s.p.named"), dbtSource(server, "s.p.held"))
	w.shows(source("db", sales), table(server, "s.p.held"))
	for _, a := range w.assets() {
		a.Status, a.DescribedBy = model.AssetActive, ""
		w.apply(store.Assets.Put(a))
	}
	w.shows(tool, dbtSource(server, "s.p.named"), dbtSource(server, "s.p.held"))
	held, named := w.assets()[0], w.assets()[1]
	if held.Status != model.AssetActive || held.DescribedBy != tool.ID || named.Status != model.AssetUnresolved {
		t.Errorf("got %s by %q and %s", held.Status, held.DescribedBy, named.Status)
	}
	if r := w.shows(tool, dbtSource(server, "s.p.named"), dbtSource(server, "s.p.held")); len(r.Writes) != 0 {
		t.Errorf("and again: %d writes", len(r.Writes))
	}
}

// TestFieldOfARuleIsTheAssets: the tool that tests a column may write it in
// another case than the database that holds it.
func TestFieldOfARuleIsTheAssets(t *testing.T) {
	w := newWorld(t)
	held := table("snowflake://org-acct", "SHOP.PUBLIC.ORDERS")
	held.Sighting.Fields = []model.AssetField{{Name: "ID"}, {Name: "Sum"}, {Name: "SUM"}}
	w.shows(source("db", sales), held)
	ref := catalog.Ref{Namespace: "snowflake://org-acct", Name: "shop.public.orders"}
	var rules []catalog.SeenQuality
	for _, field := range []string{"id", "sum", "SUM", "gone", ""} {
		rules = append(rules, catalog.SeenQuality{Asset: ref, Rule: model.QualityRule{Scope: "project:shop", Key: "unique." + field, Name: field, Field: field}})
	}
	for range 2 {
		w.observe(catalog.Observation{Source: source("tool", sales), Quality: rules})
	}
	got := map[string]string{}
	found, err := w.catalog.QualityRules(w.as("ana"), w.assets()[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range found {
		got[r.Name] = r.Field
	}
	if diff := cmp.Diff(map[string]string{"id": "ID", "sum": "sum", "SUM": "SUM", "gone": "gone", "": ""}, got); diff != "" {
		t.Error(diff)
	}
}
