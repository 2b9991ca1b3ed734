package storetest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var concurrentCases = []testCase{
	{"concurrent/no update is lost", lostUpdates},
	{"concurrent/one name, one winner", oneWinner},
	{"concurrent/readers see whole changes", wholeChanges},
	{"concurrent/whoever has heard of a change sees it", heardAndSeen},
}

const writers = 8

// together runs do in many goroutines and waits for all.
func together(n int, do func(worker int)) {
	var all sync.WaitGroup
	for w := range n {
		all.Go(func() { do(w) })
	}
	all.Wait()
}

// lostUpdates lets everybody count on one record, and again after a conflict.
func lostUpdates(t *testing.T, s store.Store) {
	t.Helper()
	const each = 15
	apply(t, s, create(asset, "ast_shared", nil))
	together(writers, func(w int) {
		for i := 0; i < each; {
			records, err := s.Get(t.Context(), asset, "ast_shared")
			if err != nil || len(records) != 1 {
				t.Errorf("get: %d records, %v", len(records), err)
				return
			}
			own := create(asset, fmt.Sprintf("ast_%d_%d", w, i), nil)
			_, err = s.Apply(t.Context(), change(update(asset, "ast_shared", records[0].Revision, nil), own))
			switch {
			case err == nil:
				i++
			case !model.Is(err, model.KindConflict):
				t.Errorf("apply: %v", err)
				return
			}
		}
	})
	wantRevision(t, s, asset, "ast_shared", 1+writers*each)
	if got := walk(t, s, store.Query{Kind: asset, Index: "by_name", Limit: 50}); len(got) != 1+writers*each {
		t.Errorf("%d records, want %d", len(got), 1+writers*each)
	}
	for i, seq := range feed(t, s, 0, 1+writers*each) {
		if seq != int64(i+1) {
			t.Fatalf("event %d has number %d", i+1, seq)
		}
	}
}

func oneWinner(t *testing.T, s store.Store) {
	t.Helper()
	for round := range 10 {
		var won atomic.Int32
		together(writers, func(w int) {
			_, err := s.Apply(t.Context(), change(create(principal, fmt.Sprintf("prn_%d_%d", round, w), keys("name", strconv.Itoa(round)))))
			switch {
			case err == nil:
				won.Add(1)
			case !model.Is(err, model.KindConflict):
				t.Errorf("apply: %v", err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("round %d has %d winners", round, won.Load())
		}
	}
	if seq := lastSeq(t, s); seq != 10 {
		t.Errorf("%d events, want 10", seq)
	}
}

// wholeChanges writes two records together, and reads them together meanwhile.
func wholeChanges(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", nil), create(asset, "ast_2", nil))
	stop := make(chan struct{})
	var reading sync.WaitGroup
	for range 3 {
		reading.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				page, err := s.Find(t.Context(), store.Query{Kind: asset, Index: "by_name"})
				if err != nil || len(page.Records) != 2 || page.Records[0].Revision != page.Records[1].Revision {
					t.Errorf("half a change: %v, %v", page.Records, err)
					return
				}
			}
		})
	}
	for i := range model.Revision(60) {
		apply(t, s, update(asset, "ast_1", i+1, nil), update(asset, "ast_2", i+1, nil))
	}
	close(stop)
	reading.Wait()
}

// heardAndSeen reads a record by its id and by its index again and again. Once
// a change is answered, or its event has come, no read gives what was before it.
func heardAndSeen(t *testing.T, s store.Store) {
	t.Helper()
	const changes = 80
	apply(t, s, create(principal, "prn_1", keys("name", "one")))
	var applied atomic.Int64
	applied.Store(1)
	var reading sync.WaitGroup
	for range 3 {
		reading.Go(func() {
			for least := int64(1); least < changes && !t.Failed(); {
				least = applied.Load()
				wantLeast(t, s, least)
			}
		})
	}
	reading.Go(func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for e, err := range s.Events(ctx, 0) {
			if err != nil {
				t.Error(err)
				return
			}
			if wantLeast(t, s, e.Seq); e.Seq == changes {
				return
			}
		}
		t.Error("the feed does not come to the last change")
	})
	for i := int64(1); i < changes; i++ {
		apply(t, s, update(principal, "prn_1", model.Revision(i), keys("name", "one")))
		applied.Store(i + 1)
	}
	reading.Wait()
}

// wantLeast wants both ways to the record to give this revision or a later one.
func wantLeast(t *testing.T, s store.Store, revision int64) {
	t.Helper()
	records, err := s.Get(t.Context(), principal, "prn_1")
	if err != nil || len(records) != 1 || int64(records[0].Revision) < revision {
		t.Errorf("by its id: %v, %v, want revision %d", records, err, revision)
	}
	page, err := s.Find(t.Context(), store.Query{Kind: principal, Index: "by_name", Where: store.Eq("name", "one")})
	if err != nil || len(page.Records) != 1 || int64(page.Records[0].Revision) < revision {
		t.Errorf("by its name: %v, %v, want revision %d", page.Records, err, revision)
	}
}
