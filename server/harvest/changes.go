package harvest

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/harvest/increment"
	"github.com/souk-mesh/souk/server/harvest/translate"
	"github.com/souk-mesh/souk/server/store"
)

// planned writes into the run whether it reads everything. One that is taken over
// from a server that is gone reads everything if the one before did. What is wrong
// with the plugin is told when the run tries to launch it.
func (s *Service) planned(ctx context.Context, source model.Source, how start, run *model.Run) error {
	p, err := s.plugins.find(ctx, source.Plugin)
	if err != nil || how.full || !increment.Changes(p.info, begunAs(source, how.preview), s.now()) {
		return nil //nolint:nilerr // as said
	}
	if how.trigger == triggerTakeover {
		before, err := store.Runs.Get(ctx, s.store, source.LastRunID)
		if err != nil || !before.Changes {
			return err
		}
	}
	run.Changes, run.ChangesSince = true, source.WatermarkAt
	return nil
}

// begunAs is the source as a run finds it: a preview begins anew.
func begunAs(source model.Source, preview bool) model.Source {
	if preview {
		source.Checkpoint = nil
	}
	return source
}

// plan is what an attempt asks of its plugin.
type plan struct {
	offered   bool   // the plugin can tell what has changed, and so gives a watermark
	changes   bool   // it is asked for nothing else
	ground    string // of the watermark that comes of it
	watermark []byte
}

// plan looks again at what the run began with: the source may have been set up
// anew since, or an earlier attempt has found its watermark expired. A run that
// reads everything goes on doing so. A checkpoint of a run of the other kind is
// no place to go on from.
func (x *execution) plan(source *model.Source) plan {
	run := x.row.Now()
	p := plan{}
	if found, err := x.service.plugins.find(x.ctx, source.Plugin); err == nil {
		p.offered, p.ground = found.info.OffersChanges, increment.Ground(found.info, *source)
		p.changes = run.Changes && len(source.Watermark) > 0 && source.WatermarkOn == p.ground
	}
	if p.changes {
		p.watermark = source.Watermark
	} else if run.Changes {
		x.inFull()
	}
	if source.CheckpointOfChanges != p.changes {
		source.Checkpoint = nil
	}
	return p
}

// inFull has the run read everything from now on.
func (x *execution) inFull() {
	x.row.Change(func(r *model.Run) { r.Changes, r.ChangesSince = false, nil })
}

// expired reports an attempt whose plugin cannot go on from the watermark, and
// has the next read everything: once, since that one has no watermark.
func (x *execution) expired(err error) bool {
	f, ok := errors.AsType[*host.Failure](err)
	if !ok || f.Code != host.CodeExpired || !x.row.Now().Changes || x.ctx.Err() != nil {
		return false
	}
	x.inFull()
	x.row.Change(func(r *model.Run) {
		r.Notes = notes(r.Notes).add(model.RunNote{
			Level: "info", Code: "watermark_expired", Count: 1, Samples: []string{f.Message},
			Title: "The source could not tell what has changed since the last run, so that everything was read.",
		})
	})
	return true
}

var _ host.Follower = (*collector)(nil)

// ScopeKept implements host.Follower: what has come is kept, and the rest stands.
func (c *collector) ScopeKept(scope string) error {
	if err := c.flush(c.run.ctx, nil); err != nil {
		return err
	}
	c.stays = append(c.stays, scope)
	return nil
}

// Gone implements host.Follower. Nothing is retired before the run has come to its end.
func (c *collector) Gone(scope string, asset sdk.NativeID) error {
	c.gone[scope] = append(c.gone[scope], translate.Ref(asset))
	return nil
}

// retireGone takes back what the source has said is gone in the scopes that stay.
// What is said of another scope is owed: the next run has to hear it again.
func (c *collector) retireGone(ctx context.Context) error {
	for _, scope := range slices.Sorted(maps.Keys(c.gone)) {
		switch {
		case slices.Contains(c.done, scope): // it was listed, so that what is gone is not there
			continue
		case !slices.Contains(c.stays, scope):
			c.owes = true
			continue
		}
		var e ending
		if err := repeat(ctx, func() error { return c.retireScope(ctx, scope, c.named, &e) }); err != nil {
			return err
		}
	}
	return nil
}

// named finds what the source has said is gone. What it has shown in the same run
// stays, by whatever name: a thing that was renamed has both.
func (c *collector) named(ctx context.Context, scope string) (vanished, error) {
	var l vanished
	ids, err := c.run.service.catalog.Shown(ctx, c.source, scope, c.gone[scope])
	if err != nil {
		return l, err
	}
	l.kept = model.RunNote{
		Level: "warn", Code: "gone_but_shown", Title: "The source says that assets are gone which it has shown in the same run: they stay.",
	}
	for id, name := range ids {
		if c.shown(id) {
			l.kept.Count++
			l.kept.Samples = append(l.kept.Samples, name)
			delete(ids, id)
		}
	}
	slices.Sort(l.kept.Samples)
	if l.gone, err = c.run.service.catalog.RetireNamed(ctx, c.source, scope, ids); err != nil {
		return l, err
	}
	l.flows, err = c.run.service.lineage.WithdrawFrom(ctx, c.source.ID, scope, slices.Sorted(maps.Keys(ids)))
	return l, err
}

// keepScopes has the source remember the scopes that are new. What it has not
// listed it was not asked for.
func (c *collector) keepScopes() {
	if c.source.Scopes != nil {
		c.run.standing = unique(c.source.Scopes, slices.Collect(maps.Keys(c.scopes)), c.done)
	}
}

// ended is what the source remembers of the attempt.
func (c *collector) ended(p plan, watermark []byte) *increment.Ended {
	return &increment.Ended{
		Changes: p.changes, Resumed: c.resumed, Owes: c.owes, Began: c.run.row.Now().StartedAt, Watermark: watermark, Ground: p.ground,
	}
}

// vanished is what is gone from a scope.
type vanished struct {
	gone  catalog.RetireResult
	flows []model.ID    // edges
	kept  model.RunNote // of what was said to be gone and stays
}
