package store

import (
	"context"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
)

// Version implements Store. Where nobody else writes, the cache counts the changes
// that pass by. Where others do, the number of the newest event is read each time,
// and the tables that the events since the last look name have another version:
// what is kept under one is never older than the moment at which somebody asks,
// however far the feed may be behind.
func (f *Front) Version(ctx context.Context, kinds ...Kind) (int64, bool, error) {
	if err := f.admit(ctx); err != nil {
		return 0, false, err
	}
	if f.cache != nil {
		version, ok := f.cache.version(kinds)
		return version, ok, nil
	}
	head, err := f.engine.Newest(ctx)
	if err != nil {
		return 0, false, err
	}
	return f.versions.upTo(ctx, f, head, kinds)
}

// version is the sum of the tables' own, which only grow. It is false while one of
// them is being written, and for a table that is not counted.
func (c *cache) version(kinds []Kind) (sum int64, ok bool) {
	for _, kind := range kinds {
		v := c.versions[kind]
		if v == nil {
			return 0, false
		}
		version := v.Load()
		if version%2 != 0 {
			return 0, false
		}
		sum += version
	}
	return sum, true
}

// versions counts the changes that events tell of, by table.
type versions struct {
	mu    sync.Mutex
	begun bool
	at    int64 // the newest event that is counted
	of    map[Kind]int64
	all   int64 // more events than were worth looking at
}

// upTo gives the version of the tables once the events up to the head are counted.
// It is false where they cannot all be seen, so that none is passed over.
func (v *versions) upTo(ctx context.Context, s Store, head int64, kinds []Kind) (sum int64, ok bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if ok, err = v.count(ctx, s, head); err != nil || !ok {
		return 0, false, err
	}
	sum = v.all
	for _, kind := range kinds {
		sum += v.of[kind]
	}
	return sum, true, nil
}

// count looks at the events up to the head, unless another has done so meanwhile.
func (v *versions) count(ctx context.Context, s Store, head int64) (whole bool, err error) {
	if !v.begun {
		v.begun, v.at, v.of = true, head, map[Kind]int64{}
	}
	if head <= v.at {
		return true, nil
	}
	page, err := Events.Find(ctx, s, Query{Index: "by_seq", Where: Between("seq", v.at+1, head+1), Limit: feedPage})
	if err != nil {
		return false, err
	}
	switch seen := len(page.Nodes); {
	case page.More:
		v.all++
	case seen == 0 || page.Nodes[seen-1].Seq != head:
		return false, nil
	}
	for kind := range touchedBy(page.Nodes) {
		v.of[kind]++
	}
	v.at = head
	return true, nil
}

func touchedBy(events []model.Event) map[Kind]bool {
	kinds := map[Kind]bool{}
	for _, e := range events {
		for _, t := range e.Touched {
			kinds[Kind(t.Kind)] = true
		}
	}
	return kinds
}
