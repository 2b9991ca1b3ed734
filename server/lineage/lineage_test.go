package lineage_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// world is a lineage graph on a real engine with the policies that Souk ships.
// An asset is named by one word; those that begin with x belong to marketing
// and the others to sales. Ana belongs to sales.
type world struct {
	testing.TB
	store   store.Store
	lineage *lineage.Service
	known   map[string]bool
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	db := enginetest.SQLite(tb)
	engine := servertest.Shipped(tb)
	w := &world{TB: tb, store: db, lineage: lineage.New(db, gate.New(db, engine, model.Now, nil)), known: map[string]bool{}}
	w.apply(
		store.Domains.Put(model.Domain{Meta: model.Meta{ID: "dom_sales"}, Name: "sales"}),
		store.Domains.Put(model.Domain{Meta: model.Meta{ID: "dom_marketing"}, Name: "marketing"}),
	)
	return w
}

func (w *world) apply(writes ...store.Write) {
	w.Helper()
	if len(writes) == 0 {
		return
	}
	if _, err := w.store.Apply(w.Context(), store.Change{Action: "test", Writes: writes}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) ana() context.Context {
	return model.WithPrincipal(w.Context(), model.Principal{Meta: model.Meta{ID: "prn_ana"}, Kind: model.Person, Name: "ana", DomainID: "dom_sales", Roles: []model.Role{model.RoleEmployee}})
}

func id(name string) model.ID { return model.ID("ast_" + name) }

// flows makes edges from text such as "a>b b>c" and their assets.
func (w *world) flows(text string) []lineage.Seen {
	w.Helper()
	var edges []lineage.Seen
	var writes []store.Write
	for pair := range strings.FieldsSeq(text) {
		from, to, _ := strings.Cut(pair, ">")
		for _, name := range []string{from, to} {
			if w.known[name] {
				continue
			}
			w.known[name] = true
			a := model.Asset{Meta: model.Meta{ID: id(name)}, Namespace: "test", Name: name, Kind: model.KindTable, Status: model.AssetActive, DomainID: "dom_sales"}
			if name[0] == 'x' {
				a.DomainID = "dom_marketing"
			}
			writes = append(writes, store.Assets.Put(a))
		}
		edges = append(edges, lineage.Seen{FromID: id(from), ToID: id(to), Scope: "s", Method: "test", Confidence: 1})
	}
	w.apply(writes...)
	return edges
}

func (w *world) observe(source model.ID, edges []lineage.Seen) lineage.Result {
	w.Helper()
	r, err := w.lineage.Observe(w.Context(), lineage.Observation{Source: model.Source{Meta: model.Meta{ID: source}}, Edges: edges})
	if err != nil {
		w.Fatal(err)
	}
	w.apply(r.Writes...)
	return r
}

// show writes a graph as text: its nodes by depth, restricted ones as "?", and its edges.
func show(g model.LineageGraph) string {
	var nodes, edges []string
	for _, n := range g.Nodes {
		name := n.Name
		if n.Restricted {
			name = "?" + strings.TrimPrefix(string(n.ID), "ast_")
		}
		nodes = append(nodes, fmt.Sprintf("%s%d", name, n.Depth))
	}
	slices.Sort(nodes)
	for _, e := range g.Edges {
		edges = append(edges, strings.TrimPrefix(string(e.FromID), "ast_")+">"+strings.TrimPrefix(string(e.ToID), "ast_"))
	}
	text := strings.Join(nodes, " ") + " | " + strings.Join(edges, " ")
	if g.Truncated {
		text += " | " + g.Reason
	}
	return text
}

func TestWalk(t *testing.T) {
	for _, tc := range []struct {
		name, edges, root string
		direction         model.Direction
		depth, max        int
		want              string
	}{
		{"downstream", "a>b b>c z>b", "a", model.Downstream, 5, 100, "a0 b1 c2 | a>b b>c"},
		{"upstream", "a>b b>c z>b", "c", model.Upstream, 5, 100, "a2 b1 c0 z2 | a>b b>c z>b"},
		{"both ways", "a>b b>c z>b", "b", model.BothWays, 1, 100, "a1 b0 c1 z1 | a>b b>c z>b"},
		{"no further than the depth", "a>b b>c c>d", "a", model.Downstream, 2, 100, "a0 b1 c2 | a>b b>c | MAX_DEPTH"},
		{"just as far as there is", "a>b b>c", "a", model.Downstream, 2, 100, "a0 b1 c2 | a>b b>c"},
		{"no more nodes than asked for", "a>b a>c a>d", "a", model.Downstream, 2, 3, "a0 b1 c1 | a>b a>c | MAX_NODES"},
		{"just as many as there are", "a>b a>c", "a", model.Downstream, 2, 3, "a0 b1 c1 | a>b a>c"},
		{"a cycle", "a>b b>c c>a", "a", model.Downstream, 10, 100, "a0 b1 c2 | a>b b>c c>a"},
		{"a cycle closed at the border", "a>b b>a", "a", model.Downstream, 1, 100, "a0 b1 | a>b b>a"},
		{"a diamond", "a>b a>c b>d c>d", "a", model.Downstream, 10, 100, "a0 b1 c1 d2 | a>b a>c b>d c>d"},
		{"not through hidden assets", "a>x1 x1>b a>c c>b", "a", model.Downstream, 10, 100, "?x11 a0 b2 c1 | a>c a>x1 c>b"},
		{"what is behind a hidden asset is hidden", "a>x1 x1>b b>c", "a", model.Downstream, 10, 100, "?x11 a0 | a>x1"},
		{"no edge between hidden assets", "a>x1 a>x2 x1>x2", "a", model.Downstream, 10, 100, "?x11 ?x21 a0 | a>x1 a>x2"},
		{"alone", "a>b", "b", model.Downstream, 10, 100, "b0 | "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.observe("src_1", w.flows(tc.edges))
			g, err := w.lineage.Walk(w.ana(), lineage.WalkQuery{RootID: id(tc.root), Direction: tc.direction, Depth: tc.depth, MaxNodes: tc.max})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, show(g)); diff != "" {
				t.Error(diff)
			}
			for _, n := range g.Nodes {
				if want := (model.LineageNode{ID: n.ID, Depth: n.Depth, Restricted: true}); n.Restricted && n != want {
					t.Errorf("a restricted node tells %+v", n)
				}
			}
		})
	}
}

func TestWalkRefuses(t *testing.T) {
	w := newWorld(t)
	w.observe("src_1", w.flows("a>x1"))
	for _, tc := range []struct {
		name string
		q    lineage.WalkQuery
		want model.ErrorKind
		at   string
	}{
		{"depth 0", lineage.WalkQuery{RootID: id("a"), Direction: model.Upstream, Depth: 0, MaxNodes: 1}, model.KindInvalid, "depth"},
		{"depth 11", lineage.WalkQuery{RootID: id("a"), Direction: model.Upstream, Depth: 11, MaxNodes: 1}, model.KindInvalid, "depth"},
		{"no nodes", lineage.WalkQuery{RootID: id("a"), Direction: model.Upstream, Depth: 1, MaxNodes: 0}, model.KindInvalid, "maxNodes"},
		{"too many nodes", lineage.WalkQuery{RootID: id("a"), Direction: model.Upstream, Depth: 1, MaxNodes: 2001}, model.KindInvalid, "maxNodes"},
		{"sideways", lineage.WalkQuery{RootID: id("a"), Direction: "SIDEWAYS", Depth: 1, MaxNodes: 1}, model.KindInvalid, "direction"},
		{"absent root", lineage.WalkQuery{RootID: id("absent"), Direction: model.Upstream, Depth: 1, MaxNodes: 1}, model.KindNotFound, ""},
		{"hidden root", lineage.WalkQuery{RootID: id("x1"), Direction: model.Upstream, Depth: 1, MaxNodes: 1}, model.KindNotFound, ""},
	} {
		_, err := w.lineage.Walk(w.ana(), tc.q)
		if !model.Is(err, tc.want) || tc.at != "" && !strings.HasPrefix(err.Error(), tc.at) {
			t.Errorf("%s: got %v, want %s at %q", tc.name, err, tc.want, tc.at)
		}
	}
	if _, err := w.lineage.Walk(t.Context(), lineage.WalkQuery{RootID: id("a"), Direction: model.Upstream, Depth: 1, MaxNodes: 1}); !model.Is(err, model.KindUnauthenticated) {
		t.Errorf("nobody: got %v", err)
	}
}

func TestObserve(t *testing.T) {
	w := newWorld(t)
	edges := w.flows("a>b b>c a>a")
	first := w.observe("src_1", edges)
	if first.Created != 2 || first.IDs[2] != "" || first.IDs[0] == first.IDs[1] {
		t.Errorf("first: got %+v, want two created and none for a>a", first)
	}
	second := w.observe("src_1", edges)
	if len(second.Writes) != 0 || second.Unchanged != 2 {
		t.Errorf("second: got %+v, want nothing to write", second)
	}
	other := edges[0]
	other.Method, other.Confidence = "guess", 0.5
	if r := w.observe("src_2", []lineage.Seen{other, other}); r.Updated != 1 || len(r.Writes) != 1 {
		t.Errorf("other source: got %+v, want one update", r)
	}
	g, err := w.lineage.Walk(w.ana(), lineage.WalkQuery{RootID: id("a"), Direction: model.Downstream, Depth: 1, MaxNodes: 10})
	if err != nil || len(g.Edges) != 1 {
		t.Fatal(g, err)
	}
	want := model.LineageEdge{FromID: id("a"), ToID: id("b"), Kind: model.EdgeDerives, Confidence: 1, Methods: []string{"guess", "test"}}
	if diff := cmp.Diff(want, g.Edges[0]); diff != "" {
		t.Error(diff)
	}
}

func TestWithdraw(t *testing.T) {
	w := newWorld(t)
	edges := w.flows("a>b b>c c>d")
	first := w.observe("src_1", edges)
	w.observe("src_2", edges[:1])
	elsewhere := w.flows("d>e")
	elsewhere[0].Scope = "other"
	w.observe("src_1", elsewhere)
	r, err := w.lineage.Withdraw(t.Context(), "src_1", "s", map[model.ID]bool{first.IDs[2]: true})
	if err != nil || r.Known != 3 || r.Withdrawn != 2 || r.Deleted != 1 {
		t.Fatalf("got %+v, %v; want known 3, withdrawn 2, deleted 1", r, err)
	}
	for writes, err := range w.lineage.TakeBack(t.Context(), "src_1", "s", r.EdgeIDs) {
		if err != nil {
			t.Fatal(err)
		}
		w.apply(writes...)
	}
	g, err := w.lineage.Walk(w.ana(), lineage.WalkQuery{RootID: id("c"), Direction: model.BothWays, Depth: 10, MaxNodes: 10})
	if err != nil || show(g) != "c0 d1 e2 | c>d d>e" {
		t.Errorf("got %s, %v", show(g), err)
	}
	g, err = w.lineage.Walk(w.ana(), lineage.WalkQuery{RootID: id("a"), Direction: model.BothWays, Depth: 10, MaxNodes: 10})
	if err != nil || show(g) != "a0 b1 | a>b" {
		t.Errorf("what another source shows as well is gone: got %s, %v", show(g), err)
	}
	if r, err = w.lineage.Withdraw(t.Context(), "src_1", "s", map[model.ID]bool{first.IDs[2]: true}); err != nil || len(r.EdgeIDs) != 0 || r.Known != 1 {
		t.Errorf("again: got %+v, %v", r, err)
	}
}

// TestFieldsOfEdges: who sees both ends sees which field is made of which, as
// all sources say it; of a hidden end not even the name of a field is told.
func TestFieldsOfEdges(t *testing.T) {
	w := newWorld(t)
	edges := w.flows("a>b a>x1")
	for i := range edges {
		edges[i].Fields = []model.FieldFlow{{From: "id", To: "id"}, {From: "net", To: "gross", Transform: "net * 1.19"}}
	}
	w.observe("src_1", edges)
	if r := w.observe("src_1", edges); len(r.Writes) != 0 || r.Unchanged != 2 {
		t.Errorf("the same fields again: got %+v", r)
	}
	other := edges[:1]
	other[0].Method, other[0].Fields = "guess", []model.FieldFlow{{From: "net", To: "gross", Transform: "?"}, {From: "tax", To: "gross"}}
	if r := w.observe("src_2", other); r.Updated != 1 {
		t.Errorf("other fields: got %+v", r)
	}
	g, err := w.lineage.Walk(w.ana(), lineage.WalkQuery{RootID: id("a"), Direction: model.Downstream, Depth: 1, MaxNodes: 10})
	if err != nil || len(g.Edges) != 2 {
		t.Fatal(g, err)
	}
	want := []model.FieldFlow{{From: "id", To: "id"}, {From: "net", To: "gross", Transform: "net * 1.19"}, {From: "tax", To: "gross"}}
	if diff := cmp.Diff(want, g.Edges[0].Fields); diff != "" || g.Edges[0].FieldsTruncated {
		t.Error(diff)
	}
	if hidden := g.Edges[1]; hidden.Fields != nil || hidden.FieldsTruncated {
		t.Errorf("a hidden asset tells of its fields: %+v", hidden)
	}
}

func TestFieldsOfAWalkAreBounded(t *testing.T) {
	w := newWorld(t)
	edges := w.flows("a>b a>c a>d")
	for i := range edges {
		for j := range 9_000 {
			edges[i].Fields = append(edges[i].Fields, model.FieldFlow{From: "x", To: strconv.Itoa(j)})
		}
	}
	w.observe("src_1", edges)
	g, err := w.lineage.Walk(w.ana(), lineage.WalkQuery{RootID: id("a"), Direction: model.Downstream, Depth: 1, MaxNodes: 10})
	total, cut := 0, 0
	for _, e := range g.Edges {
		if total += len(e.Fields); e.FieldsTruncated {
			cut++
		}
	}
	if err != nil || total != lineage.MaxFieldFlows || cut != 1 {
		t.Errorf("got %d fields, %d edges cut, %v", total, cut, err)
	}
}

// BenchmarkWalk reaches 500 nodes in three steps.
func BenchmarkWalk(b *testing.B) {
	w := newWorld(b)
	var text strings.Builder
	for i := range 8 {
		fmt.Fprintf(&text, "r>m%d ", i)
		for j := range 8 {
			fmt.Fprintf(&text, "m%d>n%d_%d ", i, i, j)
			for k := range 7 {
				fmt.Fprintf(&text, "n%d_%d>o%d_%d_%d ", i, j, i, j, k)
			}
		}
	}
	w.observe("src_1", w.flows(text.String()))
	for b.Loop() {
		g, err := w.lineage.Walk(w.ana(), lineage.WalkQuery{RootID: id("r"), Direction: model.Downstream, Depth: 3, MaxNodes: 2000})
		if err != nil || len(g.Nodes) != 521 {
			b.Fatal(len(g.Nodes), err)
		}
	}
}
