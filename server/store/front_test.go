package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// engine commits as the test says, and has nothing to read: what is looked at
// here is how changes come to an engine, which no real one shows.
type engine struct {
	commit func(ctx context.Context, group []*store.Job) error
	closed int
}

func (e *engine) Fetch(context.Context, store.Kind, []model.ID) ([]store.Record, error) {
	return nil, nil
}

func (e *engine) Revisions(context.Context, store.Kind, []model.ID) (map[model.ID]model.Revision, error) {
	return map[model.ID]model.Revision{}, nil
}

func (e *engine) Size(context.Context, store.Kind) (int, error) { return 0, nil }

func (e *engine) Newest(context.Context) (int64, error) { return 0, nil }

func (e *engine) Scan(context.Context, *store.Plan, *store.Pager) error { return nil }

func (e *engine) Commit(ctx context.Context, group []*store.Job) error { return e.commit(ctx, group) }

func (e *engine) Sole() bool { return false }

func (e *engine) Probe(context.Context) error { return nil }

func (e *engine) Beside(ctx context.Context, _ *store.Bell) { <-ctx.Done() }

func (e *engine) Close() error {
	e.closed++
	return nil
}

func touch(n int) store.Change {
	p := model.Principal{Meta: model.Meta{ID: model.ID(fmt.Sprint("prn_", n))}}
	return store.Change{Action: "test.touch", Writes: []store.Write{store.Principals.Put(p)}}
}

// TestChangesThatWaitGoTogether holds the first commit until others wait. The
// second takes them all, and tells each what became of it.
func TestChangesThatWaitGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost, full := errors.New("the disk is gone"), model.Conflict("name", "taken", "choose another")
		var sizes []int
		e := &engine{commit: func(_ context.Context, group []*store.Job) error {
			sizes = append(sizes, len(group))
			if len(group) == 1 {
				time.Sleep(time.Second) // the others come meanwhile
				group[0].Event.Seq = 1
				return nil
			}
			group[0].Err = full
			group[1].Event.Seq = 2
			return lost
		}}
		db := store.NewFront(e).Start(t.Context())
		said := map[string]int{}
		answers := make(chan string)
		for n := range 4 {
			go func() {
				event, err := db.Apply(t.Context(), touch(n))
				answers <- fmt.Sprint(event.Seq, " ", err)
			}()
			synctest.Wait()
		}
		for range 4 {
			said[<-answers]++
		}
		want := map[string]int{"1 <nil>": 1, "0 " + full.Error(): 1, "0 " + lost.Error(): 2}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{1, 3}, sizes); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestLargeChangesGoAlone: a group that has enough to write takes no more.
func TestLargeChangesGoAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		e := &engine{commit: func(_ context.Context, group []*store.Job) error {
			sizes = append(sizes, len(group))
			time.Sleep(time.Second)
			return nil
		}}
		db := store.NewFront(e).Start(t.Context())
		for n := range 3 {
			c := touch(n * 10_000)
			for i := range 1500 {
				c.Writes = append(c.Writes, touch(n*10_000+i+1).Writes...)
			}
			go func() { _, _ = db.Apply(t.Context(), c) }()
			synctest.Wait()
		}
		go func() { _, _ = db.Apply(t.Context(), touch(1)) }()
		time.Sleep(time.Minute)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]int{1, 2, 1}, sizes); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
	})
}

// TestAnswerAfterTheContext: what is taken up is carried out. The answer is
// waited for a moment, and no longer.
func TestAnswerAfterTheContext(t *testing.T) {
	for _, c := range []struct {
		name         string
		takes, waits time.Duration
		want         string
	}{
		{"in time", 1500 * time.Millisecond, 1500 * time.Millisecond, ""},
		{"late", time.Hour, 2500 * time.Millisecond, "whether it was written is not known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done := false
				e := &engine{commit: func(context.Context, []*store.Job) error {
					time.Sleep(c.takes)
					done = true
					return nil
				}}
				db := store.NewFront(e).Start(t.Context())
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				begin := time.Now()
				_, err := db.Apply(ctx, touch(1))
				if took := time.Since(begin); took != c.waits {
					t.Errorf("waited %s, want %s", took, c.waits)
				}
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if _, err := db.Apply(ctx, touch(2)); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a context that has ended: %v", err)
				}
				if err := db.Close(); err != nil || !done {
					t.Errorf("closed before the change was carried out: %v", err)
				}
			})
		})
	}
}

// TestCloseAbandons: a commit that does not come to its end is given a moment,
// and the store is closed once.
func TestCloseAbandons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{commit: func(ctx context.Context, _ []*store.Job) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		db := store.NewFront(e).Start(t.Context())
		answer := make(chan error, 1)
		go func() {
			_, err := db.Apply(t.Context(), touch(1))
			answer <- err
		}()
		synctest.Wait()
		begin := time.Now()
		for range 2 {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begin); took != 2*time.Second || e.closed != 1 {
			t.Errorf("closed %d times in %s", e.closed, took)
		}
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("the change got %v", err)
		}
	})
}

// TestClosed asks a closed store for everything, and has a feed wait for it.
func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := store.NewFront(&engine{}).Start(t.Context())
		feed := make(chan error, 1)
		go func() {
			for _, err := range db.Events(t.Context(), 0) {
				feed <- err
			}
		}()
		synctest.Wait()
		_ = db.Close()
		_, got := db.Get(t.Context(), store.Assets.Kind(), "ast_1")
		_, found := db.Find(t.Context(), store.Query{Kind: store.Assets.Kind(), Index: "by_name"})
		_, applied := db.Apply(t.Context(), touch(1))
		for what, err := range map[string]error{"get": got, "find": found, "apply": applied, "feed": <-feed} {
			if !model.Is(err, model.KindUnavailable) || !strings.Contains(err.Error(), "the store is closed") {
				t.Errorf("%s: got %v, want that the store is closed", what, err)
			}
		}
	})
}

func TestValuesThereAndBack(t *testing.T) {
	want := store.Values{nil, "Zürich", int64(1) << 60, int64(-1)}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got store.Values
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", text, diff)
	}
	for _, text := range []string{`[1.5]`, `[[1]]`, `[{}]`, `{}`, `[99999999999999999999]`} {
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is taken for %v", text, got)
		}
	}
}

func TestBinds(t *testing.T) {
	x, ok := store.Products.Schema().Index("by_domain")
	if !ok {
		t.Fatal("no index by_domain")
	}
	for name, c := range map[string]struct {
		keys store.Keys
		want bool
	}{
		"whole":   {store.Keys{"domain": {"d"}, "name": {"n"}}, true},
		"a null":  {store.Keys{"domain": {nil}, "name": {"n"}}, false},
		"missing": {store.Keys{"name": {"n"}}, false},
	} {
		if got := x.Binds(c.keys); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if x.Unique = false; x.Binds(store.Keys{"domain": {"d"}, "name": {"n"}}) {
		t.Error("an index that is not unique binds")
	}
}
