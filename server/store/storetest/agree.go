package storetest

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// agreeSteps is how many operations Agree does.
const agreeSteps = 3000

// Agree drives both stores, which begin empty, through the same random
// sequence of operations and demands the same answers of both: the same
// records, cursors, conflicts and events. What a page must hold is also worked
// out by hand, from everything that was written.
func Agree(t *testing.T, a, b store.Store, seed uint64) {
	t.Helper()
	p := pair{t: t, a: a, b: b, random: rand.New(rand.NewPCG(seed, seed)), world: map[store.Kind]map[model.ID]store.Record{}}
	t.Logf("seed %d", seed)
	for i := 0; i < agreeSteps && !t.Failed(); i++ {
		p.step = i
		switch p.random.IntN(10) {
		case 0, 1, 2, 3:
			p.change()
		case 4:
			p.get()
		default:
			p.find()
		}
	}
	p.events()
}

// pair is two stores and what is known of their records.
type pair struct {
	t      *testing.T
	a, b   store.Store
	random *rand.Rand
	step   int
	world  map[store.Kind]map[model.ID]store.Record
}

// agreeKinds are kinds with every sort of index.
var agreeKinds = []store.Kind{asset, principal, product, run, "edge", "domain"}

// agreeTexts are values of which several are equal, and several sort oddly.
var agreeTexts = []store.Value{nil, "", "a", "ab", "b", "Ab", "z", "\u00e9", "e\u0301", "\U0001F600", "\uFFFD", "ab\U0010FFFF", "a b"}

func pick[T any](p *pair, list []T) T { return list[p.random.IntN(len(list))] }

func (p *pair) schema() store.Schema {
	s, _ := store.SchemaOf(pick(p, agreeKinds))
	return s
}

func (p *pair) id(kind store.Kind) model.ID {
	return model.ID(fmt.Sprintf("%s_%02d", kind, p.random.IntN(40)))
}

// value gives a value of the path's type.
func (p *pair) value(path store.Path) store.Value {
	if path == "started" {
		return pick(p, []store.Value{nil, int64(-5), int64(0), 3, int64(1) << 53, int64(1)<<53 + 1, int64(1<<63 - 1)})
	}
	return pick(p, agreeTexts)
}

func (p *pair) keys(s store.Schema) store.Keys {
	k := store.Keys{}
	for _, path := range s.Paths {
		n := p.random.IntN(2) + p.random.IntN(2)
		if !s.Multi(path) {
			n = min(n, 1)
		}
		for range n {
			k[path] = append(k[path], p.value(path))
		}
	}
	return k
}

// write makes a write that is mostly at the current revision.
func (p *pair) write() store.Write {
	s := p.schema()
	id := p.id(s.Kind)
	revision := p.world[s.Kind][id].Revision
	if p.random.IntN(12) == 0 {
		revision += model.Revision(p.random.IntN(3))
	}
	if revision > 0 && p.random.IntN(4) == 0 {
		return remove(s.Kind, string(id), revision)
	}
	w := update(s.Kind, string(id), revision, p.keys(s))
	w.Record.Doc = fmt.Appendf(nil, `{"id":%q,"step":%d}`, id, p.step)
	return w
}

func (p *pair) change() {
	c := store.Change{Actor: "prn_1", Action: fmt.Sprint("step.", p.step), Subject: pick(p, []model.ID{"", "ast_1"})}
	for range 1 + p.random.IntN(4) {
		c.Writes = append(c.Writes, p.write())
	}
	ea, erra := p.a.Apply(p.t.Context(), c)
	eb, errb := p.b.Apply(p.t.Context(), c)
	p.same("apply", sameEvent(ea), sameEvent(eb), erra, errb)
	if erra != nil {
		return
	}
	writes, err := c.Prepare()
	if err != nil {
		p.t.Fatalf("step %d: %v", p.step, err)
	}
	for _, w := range writes {
		p.keep(w)
	}
}

func (p *pair) keep(w store.Write) {
	records := p.world[w.Record.Kind]
	if records == nil {
		records = map[model.ID]store.Record{}
		p.world[w.Record.Kind] = records
	}
	w.Record.Revision++
	records[w.Record.ID] = w.Record
	if w.Delete {
		delete(records, w.Record.ID)
	}
}

func (p *pair) get() {
	kind := p.schema().Kind
	var list []model.ID
	for range p.random.IntN(5) {
		list = append(list, p.id(kind))
	}
	ra, erra := p.a.Get(p.t.Context(), kind, list...)
	rb, errb := p.b.Get(p.t.Context(), kind, list...)
	p.same("get", p.plain(ra), p.plain(rb), erra, errb)
	var want []store.Record
	for _, id := range list {
		if r, ok := p.world[kind][id]; ok {
			want = append(want, r)
		}
	}
	p.want("get", p.plain(want), p.plain(ra))
}

// find asks a random query and follows its cursors.
func (p *pair) find() {
	s := p.schema()
	x := pick(p, s.Indexes)
	q := store.Query{Kind: s.Kind, Index: x.Name, Where: p.where(s, x), Desc: p.random.IntN(2) == 0, Limit: p.random.IntN(12)}
	if p.random.IntN(15) == 0 {
		q.Budget = 1 + p.random.IntN(10)
	}
	var all []store.Record
	for range longestWalk { // a wrong page may lead back
		pa, erra := p.a.Find(p.t.Context(), q)
		pb, errb := p.b.Find(p.t.Context(), q)
		what := fmt.Sprintf("find %+v", q)
		p.same(what, p.plain(pa.Records), p.plain(pb.Records), erra, errb)
		p.want(what, pa.Cursors, pb.Cursors)
		p.want(what, pa.More, pb.More)
		if erra != nil || p.t.Failed() {
			return
		}
		if all = append(all, pa.Records...); !pa.More {
			break
		}
		q.After = pick(p, pa.Cursors)
		all = all[:len(all)-len(pa.Records)+slices.Index(pa.Cursors, q.After)+1]
	}
	p.want(fmt.Sprintf("walk %+v", q), p.plain(p.expect(q, x)), p.plain(all))
}

// where makes a filter that mostly begins with equalities on the index.
func (p *pair) where(s store.Schema, x store.Index) store.Filter {
	var parts []store.Filter
	for i, path := range x.Paths[:p.random.IntN(len(x.Paths)+1)] {
		if i > 0 && p.random.IntN(3) == 0 {
			parts = append(parts, p.comparison(path))
			break
		}
		parts = append(parts, store.Eq(path, p.value(path)))
	}
	if x.Multi && len(parts) == 0 && p.random.IntN(10) > 0 {
		parts = append(parts, store.Eq(x.Paths[0], "a"))
	}
	for range p.random.IntN(3) {
		parts = append(parts, p.filter(s, 2))
	}
	return store.And(parts...)
}

func (p *pair) filter(s store.Schema, depth int) store.Filter {
	if depth > 0 {
		switch p.random.IntN(6) {
		case 0:
			return store.Not(p.filter(s, depth-1))
		case 1:
			return store.Or(p.filter(s, depth-1), p.filter(s, depth-1))
		case 2:
			return store.And(p.filter(s, depth-1), p.filter(s, depth-1))
		}
	}
	return p.comparison(pick(p, s.Paths))
}

func (p *pair) comparison(path store.Path) store.Filter {
	switch p.random.IntN(6) {
	case 0:
		return store.In(path, p.value(path), p.value(path), p.value(path))
	case 1, 2:
		return store.Between(path, p.value(path), p.value(path))
	case 3:
		return store.Exists(path)
	case 4:
		if text, ok := p.value(path).(string); ok {
			return store.HasPrefix(path, text)
		}
	}
	return store.Eq(path, p.value(path))
}

// expect works a walk out by hand.
func (p *pair) expect(q store.Query, x store.Index) []store.Record {
	where := canonicalFilter(p.t, q.Where)
	var list []store.Record
	for _, r := range p.world[q.Kind] {
		if store.Match(where, r.Keys.Values) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(r, s store.Record) int {
		order := 0
		for i, path := range x.Paths {
			if i > 0 || !x.Multi { // the first path of a Multi index has one value in every query
				order = cmp.Or(order, store.Compare(single(r, path), single(s, path)))
			}
		}
		return cmp.Or(order, cmp.Compare(r.ID, s.ID))
	})
	if q.Desc {
		slices.Reverse(list)
	}
	return list
}

func single(r store.Record, path store.Path) store.Value {
	if len(r.Keys[path]) == 0 {
		return nil
	}
	return r.Keys[path][0]
}

func canonicalFilter(t *testing.T, f store.Filter) store.Filter {
	t.Helper()
	canonical := func(v store.Value) store.Value {
		c, err := store.Canonical(v)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	f.Value, f.From, f.To = canonical(f.Value), canonical(f.From), canonical(f.To)
	f.Values, f.Filters = slices.Clone(f.Values), slices.Clone(f.Filters)
	for i, v := range f.Values {
		f.Values[i] = canonical(v)
	}
	for i, g := range f.Filters {
		f.Filters[i] = canonicalFilter(t, g)
	}
	return f
}

// events compares the whole feed.
func (p *pair) events() {
	n := int(lastSeq(p.t, p.a))
	p.want("number of events", n, int(lastSeq(p.t, p.b)))
	if p.t.Failed() {
		return
	}
	p.want("feed", feed(p.t, p.a, 0, n), feed(p.t, p.b, 0, n))
	p.want("kinds", slices.Sorted(maps.Keys(p.world)), slices.Sorted(slices.Values(agreeKinds)))
}

// sameEvent leaves out what each store makes for itself.
func sameEvent(e model.Event) model.Event {
	e.Meta, e.At = model.Meta{}, time.Time{}
	return e
}

// row is a record as it is compared.
type row struct {
	ID       model.ID
	Revision model.Revision
	Doc      any
}

func (p *pair) plain(records []store.Record) []row {
	rows := make([]row, len(records))
	for i, r := range records {
		rows[i] = row{r.ID, r.Revision, plain(p.t, r.Doc)}
	}
	return rows
}

func (p *pair) same(what string, a, b any, erra, errb error) {
	p.t.Helper()
	if fmt.Sprint(erra) != fmt.Sprint(errb) || model.KindOf(erra) != model.KindOf(errb) {
		p.t.Fatalf("step %d, %s:\none says   %v\nother says %v", p.step, what, erra, errb)
	}
	p.want(what, a, b)
}

func (p *pair) want(what string, want, got any) {
	p.t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		p.t.Fatalf("step %d, %s (-want +got):\n%s", p.step, what, diff)
	}
}
