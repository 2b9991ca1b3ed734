package harvest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
)

// The fail-safe: more than this, by number and by share, is not held for gone
// without a person's word, and neither is a whole scope.
const (
	suspiciousCount   = 20
	suspiciousPercent = 25
)

// retire takes back what the source had shown and shows no longer, scope by
// scope. It runs once the plugin has ended well, and it holds only those scopes
// that were listed completely; a run that went on from a checkpoint has not
// seen what the interrupted one saw, so it retires nothing and leaves that to
// the next run, which begins anew.
func (c *collector) retire(ctx context.Context) error {
	if c.resumed {
		c.remark(model.RunNote{
			Level: "info", Code: "resumed", Count: 1,
			Title: "The run went on from the checkpoint of an interrupted one, so nothing was retired; the next run looks for what is gone.",
		})
		return nil
	}
	slices.Sort(c.done)
	for _, scope := range slices.Compact(c.done) {
		var e ending
		if err := repeat(ctx, func() error { return c.retireScope(ctx, scope, c.absent, &e) }); err != nil {
			return err
		}
	}
	if c.changes {
		c.keepScopes()
		return c.retireGone(ctx)
	}
	return c.lookForUnlisted(ctx)
}

// ending is what the first try found of a scope's end. A try that follows a
// lost race finds less where that one got half way, and is not judged again.
type ending struct {
	judged bool
	gone   catalog.RetireResult
}

// absent finds what the source has not shown in a scope that it has listed.
func (c *collector) absent(ctx context.Context, scope string) (l vanished, err error) {
	seen := c.scope(scope)
	if err := c.keepKnown(ctx, scope, seen); err != nil {
		return l, err
	}
	if l.gone, err = c.run.service.catalog.Retire(ctx, c.source, scope, seen.nouns); err != nil {
		return l, fmt.Errorf("retire assets of scope %s: %w", scope, err)
	}
	flows, err := c.run.service.lineage.Withdraw(ctx, c.source.ID, scope, seen.edges)
	if err != nil {
		return l, fmt.Errorf("withdraw lineage of scope %s: %w", scope, err)
	}
	l.flows = flows.EdgeIDs
	return l, nil
}

// retireScope writes the end of what is found to be gone from one scope.
func (c *collector) retireScope(ctx context.Context, scope string, find func(context.Context, string) (vanished, error), e *ending) error {
	l, err := find(ctx, scope)
	if err != nil {
		return err
	}
	gone := l.gone
	if l.kept.Count > 0 && !e.judged {
		c.remark(l.kept)
	}
	switch {
	case e.judged || !suspicious(gone):
	case c.source.AllowRetireAll:
		c.remark(c.lifted(scope, gone))
	default:
		c.remark(blocked(scope, gone))
		c.owes = true
		return nil
	}
	if !e.judged || gone.Retired > e.gone.Retired {
		e.judged, e.gone = true, gone
	}
	return c.takeBack(ctx, scope, vanished{gone: gone, flows: l.flows}, e.gone)
}

// keepKnown counts what is known of assets that could not be described, their
// tests and the edges that lead to them, as seen.
func (c *collector) keepKnown(ctx context.Context, scope string, seen *seenInScope) error {
	if len(seen.kept) == 0 {
		return nil
	}
	q := store.Query{Where: store.Eq("scope", store.ScopeKey(c.source.ID, scope)), Limit: store.MaxPage, Index: "by_scope"}
	for e, err := range store.Edges.All(ctx, c.run.service.store, q) {
		if err != nil {
			return fmt.Errorf("read lineage of scope %s: %w", scope, err)
		}
		if seen.kept[e.ToID] {
			seen.edges[e.ID] = true
		}
	}
	for rule, err := range store.QualityRules.All(ctx, c.run.service.store, q) {
		if err != nil {
			return fmt.Errorf("read tests of scope %s: %w", scope, err)
		}
		if seen.kept[rule.AssetID] {
			seen.nouns[rule.ID] = true
		}
	}
	return nil
}

// chunk is how many records one change of a retirement writes at most.
const chunk = 500

// parts gives what the retirement writes, in changes of a bounded size, each of
// which is read when it is its turn. What fits into one change is one. The assets go
// last: as long as they are shown, a run that breaks off here is followed by one
// that finds their edges and tests again.
func (s *Service) parts(ctx context.Context, source model.ID, scope string, l vanished) iter.Seq2[[]store.Write, error] {
	return func(yield func([]store.Write, error) bool) {
		var part []store.Write
		flows := s.lineage.TakeBack(ctx, source, scope, l.flows)
		for _, some := range append([]iter.Seq2[[]store.Write, error]{flows}, s.catalog.TakeBack(ctx, source, scope, l.gone)...) {
			for writes, err := range some {
				if err != nil {
					yield(nil, err)
					return
				}
				if len(part)+len(writes) > chunk {
					if !yield(part, nil) {
						return
					}
					part = nil
				}
				part = append(part, writes...)
			}
		}
		if len(part) > 0 {
			yield(part, nil)
		}
	}
}

// takeBack writes in changes of a bounded size; the last one counts them all,
// and notes which assets were meant.
func (c *collector) takeBack(ctx context.Context, scope string, l vanished, gone catalog.RetireResult) error {
	st := step{action: "run.retire", reason: fmt.Sprintf("run %s: %s of scope %s", c.run.id, model.Counted(gone.Retired, "asset"), clip(scope, maxSample))}
	for writes, err := range c.run.service.parts(ctx, c.source.ID, scope, l) {
		if err != nil {
			return err
		}
		if st.writes != nil {
			if c.run.preview {
				break // none is written, and one step tells of them
			}
			if err := c.run.write(ctx, st); err != nil {
				return err
			}
		}
		st.writes = writes
	}
	if st.writes == nil {
		return nil
	}
	st.run = func(r *model.Run) {
		r.Counts.Retired += gone.Retired
		for _, n := range c.goneNotes(gone) {
			r.Notes = notes(r.Notes).add(n)
		}
	}
	return c.run.write(ctx, st)
}

// goneNotes names what was taken back: nothing goes without a word.
func (c *collector) goneNotes(gone catalog.RetireResult) []model.RunNote {
	if c.run.preview {
		return wouldRetire(gone)
	}
	var list []model.RunNote
	if len(gone.Gone) > 0 {
		list = append(list, model.RunNote{
			Level: "info", Code: "retired", Count: len(gone.Gone), Samples: gone.Gone,
			Title: "Assets that the source shows no longer were retired. One that is shown again comes back as the same asset.",
		})
	}
	if len(gone.Named) > 0 {
		list = append(list, model.RunNote{
			Level: "warn", Code: "gone_but_named", Count: len(gone.Named), Samples: gone.Named,
			Title: "Assets are gone that another source still names: they are UNRESOLVED until it stops, or until they are back.",
		})
	}
	return list
}

// suspicious reports an end that looks like a lost right rather than a deletion.
func suspicious(gone catalog.RetireResult) bool {
	all := gone.Withdrawn > 0 && gone.Withdrawn == gone.Known
	many := gone.Withdrawn > suspiciousCount && gone.Withdrawn*100 > gone.Known*suspiciousPercent
	return all || many
}

// lifted notes what the fail-safe would have held back, and who lifted it.
func (c *collector) lifted(scope string, gone catalog.RetireResult) model.RunNote {
	who := string(c.source.RetireAllBy)
	if p, err := store.Principals.Get(c.run.ctx, c.run.service.store, c.source.RetireAllBy); err == nil {
		who = p.Name
	}
	return model.RunNote{
		Level: "warn", Code: "retire_all_used", Count: 1,
		Title:   strings.TrimSuffix("More than the fail-safe lets pass was taken for gone: "+cmp.Or(who, "somebody")+" had allowed it for this run: "+c.source.RetireAllWhy, ": "),
		Samples: []string{extent(scope, gone)},
	}
}

func extent(scope string, gone catalog.RetireResult) string {
	return fmt.Sprintf("%s: %d of %s", clip(scope, 200), gone.Withdrawn, model.Counted(gone.Known, "asset"))
}

func blocked(scope string, gone catalog.RetireResult) model.RunNote {
	return model.RunNote{
		Level: "warn", Code: "retire_blocked", Count: 1,
		Title:   "So much of a scope is gone that nothing of it was retired: see that the source still shows everything to the harvester; if it is really gone, set allowRetireAll on the source and run it again.",
		Samples: []string{extent(scope, gone)},
	}
}
