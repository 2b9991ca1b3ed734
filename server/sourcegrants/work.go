package sourcegrants

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/store"
)

// labour does the work that is due, in some sources at once.
func (s *Service) labour(ctx context.Context) error {
	var mu sync.Mutex
	var trouble error
	var all sync.WaitGroup
	room := make(chan struct{}, together)
	for g, err := range store.SourceGrantings.All(ctx, s.store, store.Query{Index: "by_source", Limit: store.MaxPage}) {
		if err != nil {
			trouble = err
			break
		}
		if now := s.now(); now.Before(g.HeldUntil) && g.HeldBy != s.name || now.Before(g.RestUntil) {
			continue
		}
		room <- struct{}{}
		all.Go(func() {
			err := s.tendSource(ctx, g)
			mu.Lock()
			trouble = errors.Join(trouble, err)
			mu.Unlock()
			<-room
		})
	}
	all.Wait()
	return trouble
}

// tendSource does what is due in one source, one thing after the other. Only the
// server that holds the source works there, so that no two plan on each other's work.
func (s *Service) tendSource(ctx context.Context, g model.SourceGranting) error {
	due, err := s.due(ctx, g.SourceID)
	check := g.CheckedAt == nil || s.now().Sub(*g.CheckedAt) >= checkEach
	if err != nil || len(due) == 0 && !check {
		return err
	}
	source, err := store.Sources.Get(ctx, s.store, g.SourceID)
	if err != nil {
		return err
	}
	h := &holding{service: s, row: g, source: source}
	if !h.keep(ctx) {
		return nil
	}
	err = h.workOn(ctx, due)
	if check && err == nil && !h.missed && h.keep(ctx) {
		err = h.check(ctx)
	}
	h.release(ctx, check && err == nil && !h.missed)
	if len(due) == mostAtOnce && !h.missed && err == nil {
		s.news.wake() // there may be more, and by then something else to do first
	}
	return err
}

// due are rows of the source whose time has come: those to take away first, since
// a name may be needed for what is given, and those who read wait for nobody.
func (s *Service) due(ctx context.Context, source model.ID) (rows []model.SourceGrant, err error) {
	for _, wants := range []store.Filter{store.Not(store.Exists("wants")), store.Exists("wants")} {
		for _, state := range []model.SourceGrantState{model.SourceGrantPending, model.SourceGrantFailed} {
			q := store.Query{
				Index: "by_state", Limit: mostAtOnce, Budget: wide,
				Where: store.And(store.Eq("state", string(state)), store.Between("due", time.UnixMilli(0), s.now().Add(time.Millisecond)), store.Eq("source", string(source)), wants),
			}
			page, err := store.SourceGrants.Find(ctx, s.store, q)
			if err != nil {
				return nil, err
			}
			rows = append(rows, page.Nodes...)
		}
	}
	return rows[:min(len(rows), mostAtOnce)], nil
}

// workOn brings the source what the rows say. Where its plugin cannot be launched,
// or the source is out of reach, the first of them tells so: to write it on each
// would be a line in the feed for each, again and again.
func (h *holding) workOn(ctx context.Context, rows []model.SourceGrant) error {
	failed, err := h.each(ctx, &rows, h.work)
	if err != nil || failed == nil {
		return err
	}
	row, action := rows[0], "source_grant.apply"
	if row.Given != nil && !row.Given.Same(row.Wanted) {
		action = "source_grant.revoke"
	}
	_, err = h.note(ctx, row, action, func(g *model.SourceGrant) { h.end(g, failed) })
	return ignoreRace(err)
}

// work takes away what the source shall not have any more, or gives what it
// shall have. That it may be there is written down before it is given, and
// forgotten after it is taken away: a crash in between leaves work, and no right
// that nobody knows of.
func (h *holding) work(ctx context.Context, v visit, row model.SourceGrant) (*host.Failure, error) {
	if row.Given != nil && !row.Given.Same(row.Wanted) {
		return h.take(ctx, v, row)
	}
	if row.Wanted == nil {
		return nil, nil //nolint:nilnil // there is nothing to do
	}
	if row.Given == nil {
		given, err := h.note(ctx, row, "source_grant.begin", func(g *model.SourceGrant) { g.Given = row.Wanted })
		if err != nil {
			return nil, ignoreRace(err)
		}
		row = given
	}
	done, failed := h.do(ctx, v, row, row.Given, false)
	_, err := h.note(ctx, row, "source_grant.apply", func(g *model.SourceGrant) {
		g.Statements, g.Remarks, g.Reads = done.Statements, done.Remarks, done.Reads.Name
		h.end(g, failed)
	})
	return failed, ignoreRace(err)
}

func (h *holding) take(ctx context.Context, v visit, row model.SourceGrant) (*host.Failure, error) {
	done, failed := h.do(ctx, v, row, row.Given, true)
	kept, err := h.note(ctx, row, "source_grant.revoke", func(g *model.SourceGrant) {
		g.Statements, g.Remarks = done.Statements, done.Remarks
		if failed == nil {
			g.Given, g.Reads, g.TakesOver = nil, "", false
		}
		h.end(g, failed)
	})
	if err != nil || failed != nil || kept.Wanted == nil {
		return failed, ignoreRace(err)
	}
	return h.work(ctx, v, kept)
}

// ignoreRace leaves what somebody else has written to the next round.
func ignoreRace(err error) error {
	if model.LostRace(err) {
		return nil
	}
	return err
}

// end says how the try came out. What may be over in a while stays pending.
func (h *holding) end(g *model.SourceGrant, failed *host.Failure) {
	now := h.service.now()
	g.Drift, g.DueAt = nil, time.Time{}
	if failed == nil {
		g.Tries, g.Failure = 0, nil
		switch {
		case g.Wanted.Same(g.Given) && g.Wanted != nil:
			g.State = model.SourceGrantApplied
		case g.Wanted == nil && g.Given == nil:
			g.State = model.SourceGrantRevoked
		default:
			g.State, g.DueAt = model.SourceGrantPending, now
		}
		return
	}
	waits := []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	g.State, g.DueAt = model.SourceGrantFailed, now.Add(waits[len(waits)-1])
	if failed.Class != sdk.ClassAuth && outOfReach(failed) {
		g.State, g.DueAt = model.SourceGrantPending, now.Add(max(waits[min(g.Tries, len(waits)-1)], failed.RetryAfter))
	}
	g.Tries++
	g.Failure = &model.Failure{Fault: model.Fault(strings.ToUpper(failed.Fault)), Code: failed.Code, Message: failed.Error(), Fix: failed.Fix}
}

// note changes a row. When somebody else has written it meanwhile, what they
// want stays, and the change is made on that.
func (h *holding) note(ctx context.Context, row model.SourceGrant, action string, change func(*model.SourceGrant)) (model.SourceGrant, error) {
	for tries := 0; ; tries++ {
		changed := row
		change(&changed)
		kept, err := store.SourceGrants.Apply(ctx, h.service.store, store.Change{
			Actor: model.System().ID, Action: action, Subject: row.ID, Reason: strings.Join(changed.Statements, "; "), Decision: row.DecisionID,
			Writes: []store.Write{store.SourceGrants.Put(changed)},
		})
		if !model.LostRace(err) || tries == 3 || action == "source_grant.begin" {
			return kept, err
		}
		if row, err = store.SourceGrants.Get(ctx, h.service.store, row.ID); err != nil {
			return row, err
		}
	}
}

// do plans and applies one right in the source.
func (h *holding) do(ctx context.Context, v visit, row model.SourceGrant, right *model.SourceRight, revoke bool) (plan sdk.GrantPlan, failed *host.Failure) {
	r := sdk.GrantRequest{Grant: grantOf(row, right), Revoke: revoke}
	var err error
	if r.Others, err = h.others(ctx, row, right); err != nil {
		return plan, failureOf(err)
	}
	for range 3 { // somebody may change the source between plan and apply
		if plan, err = v.process.PlanGrant(ctx, v.access, r); err != nil {
			return plan, failureOf(err)
		}
		outcome, err := v.process.ApplyGrant(ctx, v.access, r, plan)
		if err != nil || outcome != sdk.GrantChanged {
			return plan, failureOf(errors.Join(err, h.verify(ctx, v, r, &plan)))
		}
	}
	return plan, &host.Failure{Class: sdk.ClassUnavailable, Fault: host.FaultSource, Code: "changed", Message: "the source changes while the right is given", Fix: "it is tried again"}
}

// verify adds what the role can read beyond what Souk gives it: after a right is
// gone, or beside one. Nobody but who gave it can take that away.
func (h *holding) verify(ctx context.Context, v visit, r sdk.GrantRequest, plan *sdk.GrantPlan) error {
	found, err := v.process.VerifyGrant(ctx, v.access, r.Grant)
	if err != nil {
		return err
	}
	more := slices.DeleteFunc(found.Readable, reachedBy(r))
	if len(more) == 0 {
		return nil
	}
	var by []string
	for _, w := range found.Ways {
		if !w.Ours {
			by = append(by, strings.TrimSpace(string(w.Kind)+" "+w.Through))
		}
	}
	plan.Remarks = append(plan.Remarks, "The role can read more than Souk gives it: "+strings.Join(more, ", ")+", by "+strings.Join(by, ", ")+".")
	return nil
}

// reachedBy tells which fields of the asset itself the role has by Souk once the
// request is done. A grant that is read through a view gives none.
func reachedBy(r sdk.GrantRequest) func(field string) bool {
	live := slices.Clone(r.Others)
	if !r.Revoke {
		live = append(live, r.Grant)
	}
	return func(field string) bool {
		return slices.ContainsFunc(live, func(g sdk.Grant) bool {
			return len(g.Masks)+len(g.Filters) == 0 && (len(g.Fields) == 0 || slices.Contains(g.Fields, field))
		})
	}
}

// failureOf makes a failure of every error; one that is none of the host's is ours.
func failureOf(err error) *host.Failure {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*host.Failure](err); ok {
		return f
	}
	return &host.Failure{Class: sdk.ClassUnavailable, Fault: host.FaultHost, Code: "internal", Message: "the work could not be done: " + err.Error(), Fix: "look into the server's log"}
}

// others are the rights on the same asset that the role has by other grants.
func (h *holding) others(ctx context.Context, row model.SourceGrant, right *model.SourceRight) (others []sdk.Grant, err error) {
	of := []store.Filter{store.Eq("source", string(row.SourceID)), store.Eq("held", right.Role)}
	if !row.Stray() { // else its asset was found by its name alone
		of = append(of, store.Eq("asset", string(row.AssetID)))
	}
	for other, err := range store.SourceGrants.All(ctx, h.service.store, store.Query{Index: "by_held", Where: store.And(of...), Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		g := other.Given
		if other.ID != row.ID && !other.Stray() && g.Role == right.Role && g.Name == right.Name && g.Namespace == right.Namespace {
			others = append(others, grantOf(other, g))
		}
	}
	return others, nil
}
