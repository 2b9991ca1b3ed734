package catalog_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// objects are tables that their source gives ids of its own: each "NAME#ID".
func objects(namespace string, list ...string) []catalog.Seen {
	var seen []catalog.Seen
	for _, text := range list {
		name, id, _ := strings.Cut(text, "#")
		one := table(namespace, "shop.public."+name)
		one.Sighting.StableID = id
		seen = append(seen, one)
	}
	return seen
}

// harvests shows the objects as a run does, in batches, and takes for gone what
// is not among them.
func (w *world) harvests(s model.Source, batches ...[]catalog.Seen) []model.RunNote {
	w.Helper()
	var held []catalog.Seen
	var notes []model.RunNote
	seen := map[model.ID]bool{}
	show := func(batch []catalog.Seen, last bool) {
		r := w.observe(catalog.Observation{Source: s, Assets: batch, Last: last, Shown: func(id model.ID) bool { return seen[id] }})
		notes = append(notes, r.Notes...)
		for _, one := range batch {
			if r.Held[one.Ref] {
				held = append(held, one)
			} else {
				seen[r.IDs[one.Ref]] = true
			}
		}
	}
	for _, batch := range batches {
		show(batch, false)
	}
	rest := held
	held = nil
	show(rest, true)
	if len(held) > 0 {
		w.Errorf("%d are still held at the end", len(held))
	}
	gone, err := w.catalog.Retire(w.Context(), s, "schema:public", seen)
	if err != nil {
		w.Fatal(err)
	}
	w.takeBack(s.ID, "schema:public", gone)
	return notes
}

// who tells which of the assets each name leads to, and which of them are gone.
func (w *world) who(namespace string, were map[model.ID]string) []string {
	w.Helper()
	list := []string{}
	for _, a := range w.assets() {
		if a.Namespace != namespace {
			continue
		}
		is := cmp.Or(were[a.ID], "new")
		for alias, err := range store.Aliases.All(w.Context(), w.store, store.Query{Index: "by_asset", Where: store.Eq("asset", string(a.ID))}) {
			if err != nil {
				w.Fatal(err)
			}
			if alias.Scheme == model.SchemeSource {
				continue
			}
			list = append(list, strings.TrimPrefix(alias.Name, "shop.public.")+" is "+is)
		}
		if a.Status == model.AssetRetired {
			list = append(list, is+" is gone")
		}
	}
	slices.Sort(list)
	return list
}

// TestRenamed has what may happen to objects between two harvests, in one batch
// and with each object in a batch of its own, in both orders.
func TestRenamed(t *testing.T) {
	for _, tc := range []struct {
		name          string
		before, after []string
		want          []string
		note          string
	}{
		{"one is renamed", []string{"a#1"}, []string{"b#1"}, []string{"a is a", "b is a"}, "catalog.renamed"},
		{"two exchange their names", []string{"a#1", "b#2"}, []string{"a#2", "b#1"}, []string{"a is b", "b is a"}, "catalog.renamed"},
		{"three go round", []string{"a#1", "b#2", "c#3"}, []string{"b#1", "c#2", "a#3"}, []string{"a is c", "b is a", "c is b"}, "catalog.renamed"},
		{"one moves up to another's name, which has moved on", []string{"a#1", "b#2"}, []string{"b#1", "c#2"}, []string{"a is a", "b is a", "c is b"}, "catalog.renamed"},
		{"one is renamed and made again", []string{"a#1"}, []string{"a#2", "b#1"}, []string{"a is new", "b is a"}, "catalog.renamed"},
		{"one is made anew under its name", []string{"a#1"}, []string{"a#2"}, []string{"a is a"}, ""},
		{"one takes the name of one that is gone", []string{"a#1", "b#2"}, []string{"b#1"}, []string{"a is a", "a is gone", "b is b"}, "catalog.replaced"},
		{"one comes in the place of one that is kept aside", []string{"a#1"}, []string{"a_old#1", "a#7"}, []string{"a is new", "a_old is a"}, "catalog.renamed"},
		{"one id for two, and both are new", []string{"a#1"}, []string{"p#1", "q#1"}, []string{"a is a", "a is gone", "p is new", "q is new"}, "catalog.stable_id_twice"},
		{"one id for an old and a new one", []string{"a#1"}, []string{"a#1", "b#1"}, []string{"a is a", "b is new"}, "catalog.stable_id_twice"},
		{"an id comes back for something else, long after", []string{"a#1"}, []string{"b#2"}, []string{"a is a", "a is gone", "b is new"}, ""},
		{"ids go away", []string{"a#1"}, []string{"a#", "b#"}, []string{"a is a", "b is new"}, ""},
		{"ids come", []string{"a#"}, []string{"a#1", "b#2"}, []string{"a is a", "b is new"}, ""},
		{"nothing changes", []string{"a#1", "b#2"}, []string{"a#1", "b#2"}, []string{"a is a", "b is b"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			enginetest.Each(t, func(t *testing.T, db store.Store) {
				t.Helper()
				w := newWorldOn(t, db)
				for i, order := range []string{"in one batch", "one by one", "one by one from the end"} {
					r := rename{name: order, namespace: fmt.Sprintf("postgres://db%d:5432", i), source: source(fmt.Sprint("db", i), sales)}
					batches := [][]catalog.Seen{objects(r.namespace, tc.after...)}
					if i > 0 {
						batches = slices.Collect(slices.Chunk(batches[0], 1))
					}
					if i > 1 {
						slices.Reverse(batches)
					}
					r.try(t, w, objects(r.namespace, tc.before...), batches, tc.want, tc.note)
				}
			})
		})
	}
}

// rename is one way in which a case may come about.
type rename struct {
	name      string
	namespace string
	source    model.Source
}

func (r rename) try(t *testing.T, w *world, before []catalog.Seen, after [][]catalog.Seen, want []string, note string) {
	t.Helper()
	w.harvests(r.source, before)
	were := map[model.ID]string{}
	for _, a := range w.assets() {
		if a.Namespace == r.namespace {
			were[a.ID] = a.ShortName
		}
	}
	notes := w.harvests(r.source, after...)
	if diff := gocmp.Diff(want, w.who(r.namespace, were)); diff != "" {
		t.Errorf("%s: %s", r.name, diff)
	}
	told := slices.ContainsFunc(notes, func(n model.RunNote) bool { return n.Code == note })
	if note != "" && !told || note == "" && len(notes) > 0 {
		t.Errorf("%s: got notes %+v, want %q", r.name, notes, note)
	}
	if notes := w.harvests(r.source, after...); len(notes) > 0 {
		t.Errorf("%s, and again: got notes %+v", r.name, notes)
	}
	if diff := gocmp.Diff(want, w.who(r.namespace, were)); diff != "" {
		t.Errorf("%s, and again: %s", r.name, diff)
	}
}

// TestRenamedForTwoSources has two sources that show one table, each with ids of
// its own, and rename it one after the other, in both orders.
func TestRenamedForTwoSources(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		w := newWorldOn(t, db)
		for i, order := range [][]int{{0, 1}, {1, 0}} {
			namespace := fmt.Sprintf("postgres://twice%d:5432", i)
			sources := []model.Source{source(fmt.Sprint("x", i), sales), source(fmt.Sprint("y", i), sales)}
			for n, s := range sources {
				w.harvests(s, objects(namespace, fmt.Sprint("a#", n)))
			}
			var a model.Asset
			for _, a = range w.assets() {
				if a.Namespace == namespace {
					break
				}
			}
			for range 2 {
				for _, n := range order {
					w.harvests(sources[n], objects(namespace, fmt.Sprint("b#", n)))
				}
			}
			if got, want := w.who(namespace, map[model.ID]string{a.ID: "it"}), []string{"a is it", "b is it"}; !slices.Equal(got, want) {
				t.Errorf("order %v: got %v, want %v", order, got, want)
			}
		}
	})
}

// TestRenamedOntoWhatOthersSay gives a table a name that a flow or another tool
// has named before, or that another domain owns.
func TestRenamedOntoWhatOthersSay(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		w := newWorldOn(t, db)
		db1, dbt := source("db", sales), source("dbt", sales)
		w.harvests(db1, objects(server, "a#1"))
		a := w.assets()[0]
		w.observe(catalog.Observation{Source: dbt, Refs: []catalog.Ref{{Namespace: server, Name: "shop.public.mentioned"}}})
		w.harvests(db1, objects(server, "mentioned#1"))
		w.shows(dbt, dbtSource(server, "shop.public.used"))
		notes := w.harvests(db1, objects(server, "used#1"))
		w.shows(dbt, dbtSource(server, "shop.public.used"))
		want := []string{"a is it", "mentioned is it", "new is gone", "source.shop.raw.used is it", "used is it"}
		if got := w.who(server, map[model.ID]string{a.ID: "it"}); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v; notes %+v", got, want, notes)
		}
		if names, err := w.catalog.Aliases(w.as("root"), a.ID); err != nil || slices.ContainsFunc(names, func(n model.Alias) bool { return n.Scheme == model.SchemeSource }) {
			t.Errorf("got names %+v, %v, want none that is the source's own id", names, err)
		}
		w.assign(server, "shop.theirs", marketing)
		theirs := objects(server, "t#1")
		theirs[0].Name = "shop.theirs.t"
		w.given[server+" shop.theirs.t"] = true
		w.shows(db1, theirs...)
		if got, err := w.catalog.AssetByName(w.as("root"), server, "shop.theirs.t"); err != nil || got.ID == a.ID || got.DomainID != marketing {
			t.Errorf("got %+v, %v, want an asset of the name's owner", got, err)
		}
	})
}

// TestRenamedContainers renames a schema with all that it holds.
func TestRenamedContainers(t *testing.T) {
	w := newWorld(t)
	s := source("db", sales)
	show := func(schema string) catalog.Result {
		holder := catalog.Seen{Ref: catalog.Ref{Namespace: server, Name: "shop." + schema}, Sighting: model.Sighting{
			Scope: "schema:public", Rank: model.RankHolder, Kind: model.KindSchema, ShortName: schema, StableID: "s1",
		}}
		held := objects(server, "a#1")
		held[0].Name, held[0].Parent = "shop."+schema+".a", holder.Ref
		return w.observe(catalog.Observation{Source: s, Assets: []catalog.Seen{holder, held[0]}, Last: true})
	}
	before, r := show("old"), show("new")
	if len(w.assets()) != 2 || r.IDs[catalog.Ref{Namespace: server, Name: "shop.new"}] != before.IDs[catalog.Ref{Namespace: server, Name: "shop.old"}] {
		t.Errorf("got %+v, want the same two assets", w.assets())
	}
	if a := w.assets()[1]; a.Name != "shop.new.a" || a.ParentID != r.IDs[catalog.Ref{Namespace: server, Name: "shop.new"}] {
		t.Errorf("got %s in %s, want it in the schema", a.Name, a.ParentID)
	}
}
