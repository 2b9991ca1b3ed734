package storetest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var eventCases = []testCase{
	{"event/content", eventContent},
	{"event/dense numbers", eventNumbers},
	{"event/queries", eventQueries},
	{"event/none of a quiet change", eventQuiet},
	{"version/changes with its tables", versionChanges},
	{"feed/resumes behind any event", feedResumes},
	{"feed/wakes", feedWakes},
	{"feed/ends with its context", feedEnds},
	{"feed/long backlog", feedBacklog},
}

// versionChanges asks how tables stand: what is written into one is seen by whoever
// asks next, what is written elsewhere is not, however much it is.
func versionChanges(t *testing.T, s store.Store) {
	t.Helper()
	stands := func(kinds ...store.Kind) int64 {
		t.Helper()
		v, known, err := s.Version(t.Context(), kinds...)
		if err != nil || !known {
			t.Fatalf("%v of %v: %t, %v", v, kinds, known, err)
		}
		return v
	}
	people, domains, both := stands(principal), stands(store.Domains.Kind()), stands(principal, store.Domains.Kind())
	apply(t, s, create(principal, "prn_1", nil))
	if stands(principal) == people || stands(principal, store.Domains.Kind()) == both {
		t.Error("a principal more, and the table stands as before")
	}
	if stands(store.Domains.Kind()) != domains {
		t.Error("no domain more, and the table stands otherwise")
	}
	people = stands(principal)
	var work sync.WaitGroup
	for i := range 520 { // more events than are looked at one by one
		work.Go(func() {
			if _, err := s.Apply(t.Context(), store.Change{Action: "test.write", Writes: []store.Write{create(asset, "ast_"+strconv.Itoa(i), nil)}}); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	apply(t, s, update(principal, "prn_1", 1, nil))
	if stands(principal) == people {
		t.Error("a principal changed behind many events, and the table stands as before")
	}
}

func eventContent(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", nil), create(asset, "ast_2", nil))
	start := model.Now()
	c := store.Change{
		Actor: "prn_ada", Action: "asset.change", Subject: "ast_1", Reason: "because", Decision: "dec_1", Request: "req-1",
		Writes: []store.Write{update(asset, "ast_1", 1, nil), create(principal, "prn_1", nil), remove(asset, "ast_2", 1)},
	}
	got, err := s.Apply(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	want := model.Event{
		Meta: got.Meta, Seq: 2, At: got.At, ActorID: "prn_ada", Action: "asset.change", SubjectID: "ast_1", Reason: "because", DecisionID: "dec_1", RequestID: "req-1",
		Touched: []model.Touch{{Kind: "asset", ID: "ast_1", Revision: 2}, {Kind: "principal", ID: "prn_1", Revision: 1}, {Kind: "asset", ID: "ast_2", Revision: 2, Deleted: true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if got.At.Before(start) || got.At.After(model.Now()) || got.ID.Prefix() != model.PrefixEvent || got.Revision != 1 {
		t.Errorf("the event's head is %+v at %v", got.Meta, got.At)
	}
	read, err := store.Events.Get(t.Context(), s, got.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, read); diff != "" {
		t.Errorf("stored event (-applied +read):\n%s", diff)
	}
}

func eventNumbers(t *testing.T, s store.Store) {
	t.Helper()
	for i := range 10 {
		if e := apply(t, s, create(principal, fmt.Sprintf("prn_%d", i), keys("name", strconv.Itoa(i)))); e.Seq != int64(i+1) {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
		_ = refused(t, s, model.KindConflict, create(principal, "prn_x", keys("name", "0")))
	}
}

// eventQuiet writes as other changes do, among them, and leaves no event.
func eventQuiet(t *testing.T, s store.Store) {
	t.Helper()
	note := func(h model.DecisionHead) store.Change {
		return store.Change{Action: "test.note", Quiet: true, Writes: []store.Write{store.DecisionHeads.Put(h)}}
	}
	apply(t, s, create(asset, "ast_1", nil))
	together(writers, func(w int) {
		h := model.DecisionHead{Meta: model.Meta{ID: model.ID(fmt.Sprintf("dhd_%d", w))}, Seq: int64(w)}
		if e, err := s.Apply(t.Context(), note(h)); err != nil || e.Seq != 0 || e.ID != "" {
			t.Errorf("got %+v, %v", e, err)
		}
		apply(t, s, create(asset, fmt.Sprintf("ast_of_%d", w), nil))
	})
	if got := lastSeq(t, s); got != writers+1 {
		t.Errorf("the last event has the number %d, want %d", got, writers+1)
	}
	h, err := store.DecisionHeads.Get(t.Context(), s, "dhd_3")
	if err != nil || h.Seq != 3 || h.Revision != 1 {
		t.Errorf("got %+v, %v", h, err)
	}
	held := model.SourceGranting{Meta: model.Meta{ID: "sgg_1"}, SourceID: "src_1", HeldBy: "a server"}
	if _, err := s.Apply(t.Context(), store.Change{Action: "test.hold", Quiet: true, Writes: []store.Write{store.SourceGrantings.Put(held)}}); err != nil {
		t.Errorf("a source that a server holds: %v", err)
	}
	if _, err := s.Apply(t.Context(), note(model.DecisionHead{Meta: model.Meta{ID: "dhd_3"}})); !model.Is(err, model.KindConflict) {
		t.Errorf("a note over another: %v", err)
	}
	if e := apply(t, s, create(asset, "ast_2", nil)); e.Seq != writers+2 {
		t.Errorf("the event after it has the number %d", e.Seq)
	}
}

func eventQueries(t *testing.T, s store.Store) {
	t.Helper()
	for i := range 6 {
		c := store.Change{Actor: model.ID(fmt.Sprintf("prn_%d", i%2)), Action: "test", Subject: model.ID(fmt.Sprintf("ast_%d", i%3))}
		if _, err := s.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		index string
		where store.Filter
		want  string
	}{
		{"by_seq", store.Filter{}, "[6 5 4 3 2 1]"},
		{"by_actor", store.Eq("actor", "prn_1"), "[6 4 2]"},
		{"by_subject", store.Eq("subject", "ast_0"), "[4 1]"},
	} {
		var got []int64
		for e, err := range store.Events.All(t.Context(), s, store.Query{Index: c.index, Where: c.where, Desc: true, Limit: 2}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Seq)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %v, want %s", c.index, got, c.want)
		}
	}
}

// feed reads n events behind after.
func feed(t *testing.T, s store.Store, after int64, n int) []int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var seqs []int64
	if n == 0 {
		return seqs
	}
	for e, err := range s.Events(ctx, after) {
		if err != nil {
			t.Fatalf("feed: %v", err)
		}
		if seqs = append(seqs, e.Seq); len(seqs) == n {
			return seqs
		}
	}
	t.Fatalf("the feed ended after %v", seqs)
	return nil
}

func feedResumes(t *testing.T, s store.Store) {
	t.Helper()
	for i := range 5 {
		apply(t, s, create(asset, fmt.Sprintf("ast_%d", i), nil))
	}
	for after := range int64(5) {
		for i, seq := range feed(t, s, after, int(5-after)) {
			if want := after + int64(i) + 1; seq != want {
				t.Errorf("behind %d: got %d, want %d", after, seq, want)
			}
		}
	}
}

func feedWakes(t *testing.T, s store.Store) {
	t.Helper()
	got := make(chan int64)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		defer close(got)
		for e, err := range s.Events(ctx, 0) {
			if err != nil {
				t.Errorf("feed: %v", err)
				return
			}
			if revision := e.Touched[0].Revision; revision != 1 {
				t.Errorf("the event touched revision %d", revision)
			}
			select {
			case got <- e.Seq:
			case <-ctx.Done():
				return
			}
		}
	}()
	for i := range int64(5) {
		apply(t, s, create(asset, fmt.Sprintf("ast_%d", i), nil))
		if seq := <-got; seq != i+1 {
			t.Fatalf("woke for %d, want %d", seq, i+1)
		}
	}
	cancel()
	for seq := range got {
		t.Errorf("an event %d that nobody made", seq)
	}
}

func feedEnds(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", nil))
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	for _, err := range s.Events(ctx, 0) {
		if err != nil {
			t.Errorf("the end of the context is no error, got %v", err)
		}
		n++
		cancel()
	}
	for _, err := range s.Events(ctx, 0) {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	cancel()
	if n != 1 {
		t.Errorf("got %d events, want the 1", n)
	}
}

func feedBacklog(t *testing.T, s store.Store) {
	t.Helper()
	const n = 1100
	done := make(chan error, 8)
	for w := range cap(done) {
		go func() {
			for i := w; i < n; i += cap(done) {
				if _, err := s.Apply(t.Context(), change(create(asset, fmt.Sprintf("ast_%d", i), nil))); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for i, seq := range feed(t, s, 0, n) {
		if seq != int64(i+1) {
			t.Fatalf("event %d has number %d", i+1, seq)
		}
	}
}
