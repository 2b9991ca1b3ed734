package harvest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/store"
)

// lookForUnlisted tells of the scopes in which the source has shown something
// and which it lists no longer: a project was renamed, a schema is left out of
// the configuration. Whether what stood there is gone, nobody knows: it is not
// retired, and it does not stay as if it had been seen. It is marked, the run
// says so each time, the standards find it, and a person decides: with
// allowRetireAll the next run takes it for gone.
func (c *collector) lookForUnlisted(ctx context.Context) error {
	if c.resumed || slices.Contains(c.broken, "") {
		return nil // this run cannot tell
	}
	before, err := c.scopesBefore(ctx)
	if err != nil {
		return err
	}
	listed := unique(slices.Collect(maps.Keys(c.scopes)), c.done, c.broken)
	standing := listed
	for _, scope := range unique(before) {
		if slices.Contains(listed, scope) {
			continue
		}
		var left bool
		if err := repeat(ctx, func() error { left, err = c.unlisted(ctx, scope); return err }); err != nil {
			return err
		}
		if left {
			standing = append(standing, scope)
		}
	}
	c.run.standing = unique(standing)
	return nil
}

func unique(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
}

// scopesBefore lists the scopes that earlier runs have listed. A source that was
// harvested by an older program does not remember them, and its runs do.
func (c *collector) scopesBefore(ctx context.Context) ([]string, error) {
	if c.source.Scopes != nil {
		return c.source.Scopes, nil
	}
	var scopes []string
	runs, err := store.Runs.Find(ctx, c.run.service.store, store.Query{Index: "by_source", Where: store.Eq("source", string(c.source.ID)), Desc: true})
	for _, r := range runs.Nodes {
		scopes = append(scopes, r.Scopes...)
	}
	return scopes, err
}

// unlisted deals with one such scope, and reports whether anything is left there.
func (c *collector) unlisted(ctx context.Context, scope string) (left bool, err error) {
	gone, err := c.run.service.catalog.Retire(ctx, c.source, scope, nil)
	if err != nil {
		return true, fmt.Errorf("look into scope %s: %w", scope, err)
	}
	flows, err := c.run.service.lineage.Withdraw(ctx, c.source.ID, scope, nil)
	switch {
	case err != nil:
		return true, fmt.Errorf("look into the lineage of scope %s: %w", scope, err)
	case gone.Known+gone.Rules+flows.Known == 0:
		return false, nil
	case c.source.AllowRetireAll:
		return false, c.takeBack(ctx, scope, vanished{gone: gone, flows: flows.EdgeIDs}, gone)
	}
	writes, err := c.run.service.catalog.Unlist(ctx, c.source, scope)
	if err != nil {
		return true, err
	}
	for part := range slices.Chunk(writes, chunk) {
		if err := c.run.write(ctx, step{action: "run.unlist", reason: fmt.Sprintf("run %s: scope %s is not listed", c.run.id, clip(scope, maxSample)), writes: part}); err != nil {
			return true, err
		}
	}
	c.remark(unlistedNote(scope, gone, flows))
	return true, nil
}

func unlistedNote(scope string, gone catalog.RetireResult, flows lineage.WithdrawResult) model.RunNote {
	return model.RunNote{
		Level: "warn", Code: "scope_not_listed", Count: 1,
		Title:   "A part of the source that was listed before is listed no longer, so nobody knows whether what stood there is gone. If it was left out by mistake (a name in the configuration in another case, a renamed project), put it back; if it is gone, set allowRetireAll on the source and run it again.",
		Samples: []string{fmt.Sprintf("%s: %s, %s, %s", clip(scope, 200), model.Counted(gone.Known, "asset"), model.Counted(flows.Known, "flow"), model.Counted(gone.Rules, "quality rule"))},
	}
}

func (c *collector) remark(n model.RunNote) {
	c.run.row.Change(func(r *model.Run) { r.Notes = notes(r.Notes).add(n) })
}
