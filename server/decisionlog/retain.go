package decisionlog

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/store"
)

const (
	eraseRows  = 20_000         // inputs that one transaction erases
	outboxKeep = 24 * time.Hour // how long the store keeps what the log has copied
)

// Erase lets go of the inputs whose time is over, and counts the rows that it
// passed. The rows stay, with the hash of what was erased.
func (l *Log) Erase(ctx context.Context) (int64, error) {
	segments, err := l.keeper.Segments(ctx)
	if err != nil {
		return 0, err
	}
	cutoff := l.config.Now().Add(-l.config.Retention).UnixMilli()
	var passed int64
	for _, s := range segments {
		if s.Erased >= s.Seq {
			continue
		}
		young, err := l.keeper.Rows(ctx, chain.Query{Segment: s.Name, After: s.Erased, Filter: chain.Filter{From: cutoff}, Limit: 1})
		if err != nil {
			return passed, err
		}
		through := s.Seq
		if len(young) > 0 {
			through = young[0].Seq - 1
		}
		for from := s.Erased; from < through; from = min(from+eraseRows, through) {
			to := min(from+eraseRows, through)
			if err := l.do(ctx, &job{alone: func(ctx context.Context) error { return l.erase(ctx, s.Name, to) }}); err != nil {
				return passed, err
			}
			passed += to - from
		}
	}
	return passed, nil
}

// erase runs in the writer, because it signs the segment's head anew.
func (l *Log) erase(ctx context.Context, segment string, through int64) error {
	return l.retry(ctx, func(ctx context.Context) error {
		segments, err := l.keeper.Segments(ctx)
		if err != nil {
			return err
		}
		for _, before := range segments {
			if before.Name != segment || before.Erased >= through {
				continue
			}
			if err := l.own(before); err != nil {
				return err
			}
			after := before
			after.Erased = through
			after.Sign(l.sign)
			if err := l.keeper.Settle(ctx, before, after); err != nil {
				return err
			}
			if segment == l.head.Name {
				l.head = after
			}
		}
		return nil
	})
}

// Prune takes out of the store what the log has copied a day ago or longer.
func (l *Log) Prune(ctx context.Context) (int64, error) {
	if l.config.Store == nil || l.config.ReadOnly {
		return 0, nil
	}
	if err := l.CatchUp(ctx); err != nil {
		return 0, err
	}
	old := store.Query{Index: "by_time", Where: store.Between("at", nil, l.config.Now().Add(-outboxKeep).UnixMilli()), Limit: feedPage}
	var pruned int64
	for {
		page, err := store.Decisions.Find(ctx, l.config.Store, old)
		if err != nil || len(page.Nodes) == 0 {
			return pruned, err
		}
		writes, err := l.copied(ctx, page.Nodes)
		if err != nil || len(writes) == 0 {
			return pruned, err
		}
		c := store.Change{Actor: model.System().ID, Action: "decision.archive", Reason: "the decision log has them", Writes: writes}
		if _, err := l.config.Store.Apply(ctx, c); err != nil {
			if model.LostRace(err) { // another process prunes too
				return pruned, nil
			}
			return pruned, err
		}
		pruned += int64(len(writes))
	}
}

// copied makes deletions of those that the log has.
func (l *Log) copied(ctx context.Context, decisions []model.DecisionRecord) ([]store.Write, error) {
	ids := make([]string, len(decisions))
	for i, d := range decisions {
		ids[i] = string(d.ID)
	}
	known, err := l.keeper.Known(ctx, ids)
	var writes []store.Write
	for _, d := range decisions {
		if known[string(d.ID)] {
			writes = append(writes, store.Decisions.Delete(d))
		}
	}
	return writes, err
}
