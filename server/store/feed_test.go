package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// historic is an engine with events of one size, which notes how many are asked for at once.
type historic struct {
	engine

	events, touched int
	asked           []int
}

func (h *historic) Scan(_ context.Context, p *store.Plan, page *store.Pager) error {
	h.asked = append(h.asked, p.Limit)
	from := p.Scans[0].From.(int64) //nolint:forcetypeassert // a range of numbers is what the feed asks for
	for seq := from; seq <= int64(h.events); seq++ {
		e := model.Event{Meta: model.Meta{ID: model.ID(fmt.Sprint("evt_", seq))}, Seq: seq, Touched: make([]model.Touch, h.touched)}
		doc, err := json.Marshal(e)
		if err != nil {
			return err
		}
		values := func(store.Path) []store.Value { return []store.Value{seq} }
		if more, err := page.Offer(values, func() store.Record { return store.Record{Kind: p.Schema.Kind, ID: e.ID, Doc: doc} }); err != nil || !more {
			return err
		}
	}
	return nil
}

// TestFeedReadsByWeight follows events that are heavy, as those of a harvest are,
// and light ones: of the former few are held at a time, of the latter many.
func TestFeedReadsByWeight(t *testing.T) {
	for _, c := range []struct{ events, touched, most, reads int }{
		{200, 2000, 10, 70},
		{5000, 1, 500, 25},
		{20, 30_000, 10, 15},
	} {
		h := &historic{events: c.events, touched: c.touched}
		db := store.NewFront(h).Start(t.Context())
		var last int64
		for e, err := range db.Events(t.Context(), 0) {
			if err != nil || e.Seq != last+1 {
				t.Fatalf("event %d follows %d, %v", e.Seq, last, err)
			}
			if last = e.Seq; last == int64(c.events) {
				break
			}
		}
		_ = db.Close()
		most := 0
		for _, n := range h.asked {
			most = max(most, n)
		}
		if most != c.most || len(h.asked) > c.reads {
			t.Errorf("of events that touch %d records %d are asked for at once, in %d reads", c.touched, most, len(h.asked))
		}
	}
}
