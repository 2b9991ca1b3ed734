package sourcegrants

import (
	"context"
	"log/slog"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/store"
)

// holding is a source that this server works on. That it does is a note of the
// servers' own: nobody reads it in the audit feed.
type holding struct {
	service *Service
	row     model.SourceGranting
	source  model.Source
	until   time.Time // by this server's clock
	missed  bool      // the source was out of reach
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

// rests is how long a source that was out of reach is left alone, all of it.
func rests() []time.Duration { return []time.Duration{5 * time.Second, 30 * time.Second, time.Minute} }

func (h *holding) release(ctx context.Context, checked bool) {
	if h.until.IsZero() {
		return
	}
	row := h.row
	row.HeldBy, row.HeldUntil = "", time.Time{}
	if row.RestUntil = (time.Time{}); h.missed {
		row.RestUntil = h.service.now().Add(rests()[min(row.Misses, len(rests())-1)])
		row.Misses++
	} else {
		row.Misses = 0
	}
	if checked {
		now := h.service.now()
		row.CheckedAt = &now
	}
	h.write(ctx, row, "source_granting.release")
}

func (h *holding) write(ctx context.Context, row model.SourceGranting, action string) bool {
	put := store.SourceGrantings.Put(row)
	_, err := h.service.store.Apply(ctx, store.Change{Actor: model.System().ID, Action: action, Subject: row.ID, Quiet: true, Writes: []store.Write{put}})
	if err == nil {
		row, err = store.SourceGrantings.Written(put)
	}
	if err != nil {
		if !model.LostRace(err) {
			h.service.log.WarnContext(ctx, "a source could not be held", slog.Any("error", err))
		}
		return false
	}
	h.row, h.until = row, row.HeldUntil
	return true
}

// visit is the source's plugin, launched.
type visit struct {
	process *host.Process
	access  host.Access
}

// call launches the source's plugin for as many calls as there are.
func (h *holding) call(ctx context.Context, do func(context.Context, visit) error) error {
	return h.service.plugins.Use(ctx, h.source, h.service.log, func(ctx context.Context, p *host.Process, secrets map[string]string) error {
		return do(ctx, visit{p, host.Access{Config: h.source.Config, Secrets: secrets}})
	})
}

// step is something done with the plugin for one row: why the source did not do
// it, and what went wrong here.
type step func(context.Context, visit, model.SourceGrant) (*host.Failure, error)

// each does the step for one row after the other, with one launch as long as the
// plugin answers, if only to refuse. One that has failed is launched anew for the
// next row; where it cannot be launched at all that is the failure, of the rows
// that are left. It ends early where the source is out of reach, which the others
// need not try, too, and where another server has taken it.
func (h *holding) each(ctx context.Context, rows *[]model.SourceGrant, do step) (*host.Failure, error) {
	for len(*rows) > 0 {
		var end ending
		begun := false
		err := h.call(ctx, func(ctx context.Context, v visit) error {
			begun = true
			end = h.run(ctx, v, rows, do)
			return nil
		})
		switch {
		case !begun:
			failed := failureOf(err)
			h.missed = h.missed || outOfReach(failed)
			return failed, nil
		case end.trouble != nil || end.lost || end.failed != nil && outOfReach(end.failed):
			return nil, end.trouble
		}
	}
	return nil, nil //nolint:nilnil // all went well
}

// ending is how a run over some rows came out.
type ending struct {
	failed  *host.Failure // the last one
	trouble error         // here
	lost    bool          // another server has the source
}

// run does the step for the rows until the plugin fails, and leaves those that it
// has not come to.
func (h *holding) run(ctx context.Context, v visit, rows *[]model.SourceGrant, do step) (end ending) {
	for len(*rows) > 0 && end.trouble == nil && (end.failed == nil || answered(end.failed)) {
		if end.lost = !h.keep(ctx); end.lost {
			return end
		}
		end.failed, end.trouble = h.one(ctx, v, (*rows)[0], do)
		h.missed = h.missed || end.failed != nil && outOfReach(end.failed)
		*rows = (*rows)[1:]
	}
	return end
}

func (h *holding) one(ctx context.Context, v visit, row model.SourceGrant, do step) (*host.Failure, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return do(ctx, v, row)
}

// answered tells of a failure that the source said no, of which the next call
// knows nothing.
func answered(f *host.Failure) bool { return f.Class == sdk.ClassConfig || f.Class == sdk.ClassDenied }

// outOfReach tells that the next call would fail as well, and that it may be over
// in a while.
func outOfReach(f *host.Failure) bool {
	return f.Class == sdk.ClassUnavailable || f.Class == sdk.ClassThrottled || f.Class == sdk.ClassAuth || f.Fault == host.FaultHost
}
