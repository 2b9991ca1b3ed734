package sourcegrants

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/store"
)

// labour does the work that is due, source by source.
func (s *Service) labour(ctx context.Context) error {
	var trouble error
	for g, err := range store.SourceGrantings.All(ctx, s.store, store.Query{Index: "by_source", Limit: store.MaxPage}) {
		if err != nil {
			return errors.Join(trouble, err)
		}
		if s.now().Before(g.HeldUntil) && g.HeldBy != s.name {
			continue
		}
		trouble = errors.Join(trouble, s.tendSource(ctx, g))
	}
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
	for _, row := range due {
		if !h.keep(ctx) {
			return nil
		}
		if err := h.work(ctx, row); err != nil {
			return err
		}
	}
	if check && h.keep(ctx) {
		if err := h.check(ctx); err != nil {
			return err
		}
	}
	return h.release(ctx)
}

// due are the rows of the source whose time has come.
func (s *Service) due(ctx context.Context, source model.ID) (rows []model.SourceGrant, err error) {
	for _, state := range []model.SourceGrantState{model.SourceGrantPending, model.SourceGrantFailed} {
		where := store.And(store.Eq("state", string(state)), store.Between("due", time.UnixMilli(0), s.now().Add(time.Millisecond)), store.Eq("source", string(source)))
		for row, err := range store.SourceGrants.All(ctx, s.store, store.Query{Index: "by_state", Where: where, Limit: store.MaxPage}) {
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	// What is taken away comes first: a name may be needed for what is given.
	slices.SortStableFunc(rows, func(a, b model.SourceGrant) int { return taking(b) - taking(a) })
	return rows, nil
}

func taking(g model.SourceGrant) int {
	if g.Wanted == nil {
		return 1
	}
	return 0
}

// holding is a source that this server works on.
type holding struct {
	service *Service
	row     model.SourceGranting
	source  model.Source
	until   time.Time // by this server's clock
}

// keep holds the source for as long as the next right may take, or tells that
// another server has it.
func (h *holding) keep(ctx context.Context) bool {
	if h.service.now().Add(holdFor / 2).Before(h.until) {
		return true
	}
	row := h.row
	row.HeldBy, row.HeldUntil = h.service.name, h.service.now().Add(holdFor)
	return h.write(ctx, row, "source_granting.hold")
}

func (h *holding) release(ctx context.Context) error {
	if h.until.IsZero() {
		return nil
	}
	row := h.row
	row.HeldBy, row.HeldUntil = "", time.Time{}
	h.write(ctx, row, "source_granting.release")
	return nil
}

func (h *holding) write(ctx context.Context, row model.SourceGranting, action string) bool {
	kept, err := store.SourceGrantings.Apply(ctx, h.service.store, store.Change{
		Actor: model.System().ID, Action: action, Subject: row.ID, Writes: []store.Write{store.SourceGrantings.Put(row)},
	})
	if err != nil {
		if !model.LostRace(err) {
			h.service.log.WarnContext(ctx, "a source could not be held", slog.Any("error", err))
		}
		return false
	}
	h.row, h.until = kept, kept.HeldUntil
	return true
}

// work takes away what the source shall not have any more, or gives what it
// shall have. That it may be there is written down before it is given, and
// forgotten after it is taken away: a crash in between leaves work, and no right
// that nobody knows of.
func (h *holding) work(ctx context.Context, row model.SourceGrant) error {
	if row.Given != nil && !row.Given.Same(row.Wanted) {
		return h.take(ctx, row)
	}
	if row.Wanted == nil {
		return nil
	}
	if row.Given == nil {
		given, err := h.note(ctx, row, "source_grant.begin", func(g *model.SourceGrant) { g.Given = row.Wanted })
		if err != nil {
			return ignoreRace(err)
		}
		row = given
	}
	done, failed := h.do(ctx, row, row.Given, false)
	_, err := h.note(ctx, row, "source_grant.apply", func(g *model.SourceGrant) {
		g.Statements, g.Remarks, g.Reads = done.Statements, done.Remarks, done.Reads.Name
		h.end(g, failed)
	})
	return ignoreRace(err)
}

func (h *holding) take(ctx context.Context, row model.SourceGrant) error {
	done, failed := h.do(ctx, row, row.Given, true)
	_, err := h.note(ctx, row, "source_grant.revoke", func(g *model.SourceGrant) {
		g.Statements, g.Remarks = done.Statements, done.Remarks
		if failed == nil {
			g.Given, g.Reads = nil, ""
		}
		h.end(g, failed)
	})
	return ignoreRace(err)
}

// ignoreRace leaves a row that somebody else has written to the next round.
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
	if failed.Class == sdk.ClassUnavailable || failed.Class == sdk.ClassThrottled || failed.Fault == host.FaultHost {
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
func (h *holding) do(ctx context.Context, row model.SourceGrant, right *model.SourceRight, revoke bool) (plan sdk.GrantPlan, failed *host.Failure) {
	r := sdk.GrantRequest{Grant: grantOf(row.ID, right), Revoke: revoke}
	err := h.call(ctx, func(ctx context.Context, p *host.Process, a host.Access) (err error) {
		if r.Others, err = h.others(ctx, row, right); err != nil {
			return err
		}
		for range 3 { // somebody may change the source between plan and apply
			if plan, err = p.PlanGrant(ctx, a, r); err != nil {
				return err
			}
			outcome, err := p.ApplyGrant(ctx, a, r, plan)
			if err != nil || outcome != sdk.GrantChanged {
				return errors.Join(err, h.verify(ctx, p, a, r, &plan))
			}
		}
		return &host.Failure{Class: sdk.ClassUnavailable, Fault: host.FaultSource, Code: "changed", Message: "the source changes while the right is given", Fix: "it is tried again"}
	})
	return plan, failureOf(err)
}

// verify adds what the role can read beyond what Souk gives it: after a right is
// gone, or beside one. Nobody but who gave it can take that away.
func (h *holding) verify(ctx context.Context, p *host.Process, a host.Access, r sdk.GrantRequest, plan *sdk.GrantPlan) error {
	found, err := p.VerifyGrant(ctx, a, r.Grant)
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

// call launches the source's plugin.
func (h *holding) call(ctx context.Context, do func(context.Context, *host.Process, host.Access) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return h.service.plugins.Use(ctx, h.source, h.service.log, func(ctx context.Context, p *host.Process, secrets map[string]string) error {
		return do(ctx, p, host.Access{Config: h.source.Config, Secrets: secrets})
	})
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
	q := store.Query{
		Index: "by_asset", Limit: store.MaxPage,
		Where: store.And(store.Eq("source", string(row.SourceID)), store.Eq("asset", string(row.AssetID)), store.Eq("principal", string(row.PrincipalID))),
	}
	for other, err := range store.SourceGrants.All(ctx, h.service.store, q) {
		if err != nil {
			return nil, err
		}
		g := other.Given
		if other.ID != row.ID && g != nil && g.Role == right.Role && g.Name == right.Name && g.Namespace == right.Namespace {
			others = append(others, grantOf(other.ID, g))
		}
	}
	return others, nil
}

// check looks whether the source still has what it was given.
func (h *holding) check(ctx context.Context) error {
	q := store.Query{Index: "by_source", Where: store.Eq("source", string(h.source.ID)), Limit: store.MaxPage}
	for row, err := range store.SourceGrants.All(ctx, h.service.store, q) {
		if err != nil {
			return err
		}
		if row.State != model.SourceGrantApplied || !row.Wanted.Same(row.Given) {
			continue
		}
		if !h.keep(ctx) {
			return nil
		}
		if err := h.compare(ctx, row); err != nil {
			return err
		}
	}
	row, now := h.row, h.service.now()
	row.CheckedAt = &now
	h.write(ctx, row, "source_granting.check")
	return nil
}

// compare notes what would have to be done for the source to have the right
// again. A source that does not answer has told nothing.
func (h *holding) compare(ctx context.Context, row model.SourceGrant) error {
	var plan sdk.GrantPlan
	err := h.call(ctx, func(ctx context.Context, p *host.Process, a host.Access) (err error) {
		r := sdk.GrantRequest{Grant: grantOf(row.ID, row.Given)}
		if r.Others, err = h.others(ctx, row, row.Given); err == nil {
			plan, err = p.PlanGrant(ctx, a, r)
		}
		return err
	})
	if failureOf(err) != nil || slices.Equal(plan.Statements, row.Drift) {
		return nil //nolint:nilerr // it is compared again in a while
	}
	_, err = h.note(ctx, row, "source_grant.drift", func(g *model.SourceGrant) { g.Drift = plan.Statements })
	return ignoreRace(err)
}
