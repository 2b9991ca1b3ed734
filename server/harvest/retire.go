package harvest

import (
	"context"
	"fmt"
	"slices"

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
		c.run.change(func(r *model.Run) {
			r.Notes = notes(r.Notes).add(model.RunNote{
				Level: "info", Code: "resumed", Count: 1,
				Title: "The run went on from the checkpoint of an interrupted one, so nothing was retired; the next run looks for what is gone.",
			})
		})
		return nil
	}
	slices.Sort(c.done)
	for _, scope := range slices.Compact(c.done) {
		var e ending
		if err := repeat(ctx, func() error { return c.retireScope(ctx, scope, &e) }); err != nil {
			return err
		}
	}
	return nil
}

// ending is what the first try found of a scope's end. A try that follows a
// lost race finds less where that one got half way, and is not judged again.
type ending struct {
	judged  bool
	retired int
}

// retireScope writes the end of what is gone from one scope.
func (c *collector) retireScope(ctx context.Context, scope string, e *ending) error {
	seen := c.scope(scope)
	gone, err := c.run.service.catalog.Retire(ctx, c.source, scope, seen.nouns)
	if err != nil {
		return fmt.Errorf("retire assets of scope %s: %w", scope, err)
	}
	if !e.judged && suspicious(gone) && !c.source.AllowRetireAll {
		c.run.change(func(r *model.Run) { r.Notes = notes(r.Notes).add(blocked(scope, gone)) })
		return nil
	}
	flows, err := c.run.service.lineage.Withdraw(ctx, c.source.ID, scope, seen.edges)
	if err != nil {
		return fmt.Errorf("withdraw lineage of scope %s: %w", scope, err)
	}
	e.judged, e.retired = true, max(e.retired, gone.Retired)
	return c.takeBack(ctx, scope, slices.Concat(gone.Writes, flows.Writes), e.retired)
}

// chunk is how many records one change of a retirement writes at most.
const chunk = 1000

// takeBack writes in changes of a bounded size; the last one counts them all.
func (c *collector) takeBack(ctx context.Context, scope string, writes []store.Write, retired int) error {
	parts := slices.Collect(slices.Chunk(writes, chunk))
	for i, part := range parts {
		st := step{action: "run.retire", reason: fmt.Sprintf("run %s: %d assets of scope %s", c.run.id, retired, clip(scope, maxSample)), writes: part}
		if i == len(parts)-1 {
			st.run = func(r *model.Run) { r.Counts.Retired += retired }
		}
		if err := c.run.write(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

// suspicious reports an end that looks like a lost right rather than a deletion.
func suspicious(gone catalog.RetireResult) bool {
	all := gone.Withdrawn > 0 && gone.Withdrawn == gone.Known
	many := gone.Withdrawn > suspiciousCount && gone.Withdrawn*100 > gone.Known*suspiciousPercent
	return all || many
}

func blocked(scope string, gone catalog.RetireResult) model.RunNote {
	return model.RunNote{
		Level: "warn", Code: "retire_blocked", Count: 1,
		Title:   "So much of a scope is gone that nothing of it was retired: see that the source still shows everything to the harvester; if it is really gone, set allowRetireAll on the source and run it again.",
		Samples: []string{fmt.Sprintf("%s: %d of %d assets", clip(scope, 200), gone.Withdrawn, gone.Known)},
	}
}
