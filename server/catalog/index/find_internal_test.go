package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
)

// plain finds by looking at every entry with all its words, which is what the
// index has to be equal to.
func plain(all map[model.ID]draft, q Query) []Place {
	var found []Match
	full, begun := worths(4), worths(3)
	for _, d := range all {
		var worth uint32
		has := q.wants(&d.entry)
		for i, asked := range q.Words {
			var best uint32
			for w, parts := range d.parts {
				switch {
				case w == asked:
					best = max(best, full[parts])
				case i == len(q.Words)-1 && strings.HasPrefix(w, asked):
					best = max(best, begun[parts])
				}
			}
			has = has && best > 0
			worth += best
		}
		if m := q.match(&d.entry, worth, 0); has && (q.After == nil || m.Place().Compare(*q.After) > 0) {
			found = append(found, m)
		}
	}
	places := []Place{}
	for _, m := range found {
		places = append(places, m.Place())
	}
	slices.SortFunc(places, Place.Compare)
	return places
}

// pages takes all matches, a few at a time, each time more.
func pages(t *testing.T, x *entries, q Query) []Place {
	t.Helper()
	places := []Place{}
	for limit := 7; ; limit *= 4 {
		found, left := x.Find(q, limit)
		if len(found) != min(limit, left) {
			t.Fatalf("got %d of %d matches, want %d", len(found), left, limit)
		}
		for _, m := range found {
			places = append(places, m.Place())
		}
		if len(found) == left {
			return places
		}
		q.After = &places[len(places)-1]
	}
}

var someWords = []string{"order", "orders", "ordersArchive", "customer", "day", "Tag", "ü", "o", "日", "x_1", "shop"}

func randomAsset(r *rand.Rand, id int) model.Asset {
	text := func() string {
		words := make([]string, r.IntN(4))
		for i := range words {
			words[i] = someWords[r.IntN(len(someWords))]
		}
		return strings.Join(words, " ")
	}
	a := model.Asset{
		Meta: model.Meta{ID: model.ID(fmt.Sprintf("ast_%05d", id))}, DomainID: model.ID(fmt.Sprintf("dom_%d", r.IntN(2))),
		ShortName: someWords[r.IntN(len(someWords))], Description: text(), Tags: strings.Fields(text()),
		Status: []model.AssetStatus{model.AssetActive, model.AssetRetired, model.AssetUnresolved}[r.IntN(3)],
	}
	a.Name = "shop." + a.ShortName
	for i := range r.IntN(3) {
		a.Fields = append(a.Fields, model.AssetField{Name: someWords[r.IntN(len(someWords))], Position: i + 1})
	}
	return a
}

// TestFindsWhatAPlainLookFinds: on random worlds that change, with more
// entries than are counted together and more hits than a page holds.
func TestFindsWhatAPlainLookFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	for _, size := range []int{30, 300, tallied + 500} {
		x, all := newEntries(), map[model.ID]draft{}
		for range size * 2 {
			d := ofAsset(randomAsset(r, r.IntN(size)))
			if r.IntN(10) == 0 {
				delete(all, d.ID)
				x.drop(d.ID)
				continue
			}
			all[d.ID] = d
			x.put(d)
		}
		for i := range 60 {
			if i == 30 {
				x.settle()
			}
			text := someWords[r.IntN(len(someWords))]
			if r.IntN(2) == 0 {
				text += " " + someWords[r.IntN(len(someWords))]
			}
			q := Query{Text: strings.ToLower(text), Words: Asked(text)}
			if r.IntN(3) == 0 {
				q.Domain = "dom_1"
			}
			want := plain(all, q)
			if diff := cmp.Diff(want, pages(t, x, q)); diff != "" {
				t.Fatalf("%d entries, %q: %s", size, text, diff)
			}
			if len(want) > 0 {
				q.After = &want[r.IntN(len(want))]
				if diff := cmp.Diff(plain(all, q), pages(t, x, q)); diff != "" {
					t.Fatalf("%d entries, %q after %v: %s", size, text, q.After, diff)
				}
			}
		}
	}
}

// TestForgottenWordsGo: words that nothing has any more leave no trace, and
// their numbers are used again.
func TestForgottenWordsGo(t *testing.T) {
	x := newEntries()
	for round := range 5 {
		for i := range 3000 {
			x.put(ofAsset(model.Asset{Meta: model.Meta{ID: model.ID(fmt.Sprintf("ast_%d", i))}, Name: fmt.Sprintf("t%dx%d", round, i)}))
		}
	}
	x.settle()
	if got := len(x.known.number); got != 3000 {
		t.Errorf("got %d words that something has, want 3000", got)
	}
	if got := len(x.known.words); got > 7500 {
		t.Errorf("got room for %d words, want that of the forgotten ones used again", got)
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"HTTPServerName":     {"http", "server", "name", "httpservername"},
		"order_items.2024":   {"order", "items", "2024"},
		"Straße":             {"straße"},
		"ÄrgerÜber":          {"ärger", "über", "ärgerüber"},
		"日本 語":               {"日本", "語"},
		"a\xffB":             {"a", "b"},
		"I\u0307stanbulCafe": {"istanbul", "cafe", "istanbulcafe"},
		"":                   nil,
	} {
		var got []string
		wordsIn(text, func(w string) { got = append(got, w) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
