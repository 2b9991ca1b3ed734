package harvest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/harvest/increment"
	"github.com/souk-mesh/souk/server/harvest/journal"
	"github.com/souk-mesh/souk/server/harvest/memory"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/tracing"
	"github.com/souk-mesh/souk/server/watch"
)

// execution is one run at work in this process.
//
// Every write of a run carries the run's own row, at the revision that this
// process wrote last. When another server has ended the run, the row has
// another revision, the write fails as a whole, and the run stops: nothing of
// a run is kept after its end.
type execution struct {
	service  *Service
	id       model.ID
	trigger  string
	preview  bool     // it writes nothing but its own row
	decision model.ID // the answer that let the run begin
	request  string
	log      *slog.Logger
	ctx      context.Context //nolint:containedctx // of the run, which outlives the call that began it
	end      context.CancelCauseFunc
	span     tracing.Span

	writing sync.Mutex // held for the length of one write
	source  model.Source
	written time.Time        // when the row was written last
	lifted  bool             // the latest attempt could retire without the fail-safe
	reached *increment.Ended // how far the attempt has read that came to its end

	journal  journal.Of
	standing []string // the scopes that the source shall remember; nil leaves them

	row *watch.Value[model.Run] // the run as readers see it
}

// newExecution makes the execution of a run that somebody has just begun. It is
// the server's work and outlives their call; what it asks, it asks by their door,
// and it is a part of their trace.
func newExecution(begun context.Context, s *Service, source model.Source, run model.Run, decision model.ID) *execution {
	ctx, end := context.WithCancelCause(model.WithChannel(model.WithPrincipal(tracing.Beyond(begun), model.System()), model.ChannelFrom(begun)))
	ctx, span := s.trace.Begin(ctx, "harvest run")
	return &execution{
		service: s, id: run.ID, trigger: run.Trigger, preview: run.Preview, source: source, row: watch.New(run), decision: decision, request: model.RequestIDFrom(begun), ctx: ctx, end: end, span: span.Run(run, source.Name),
		log:     s.log.With(slog.String("source", string(source.Name)), slog.String("run", string(run.ID))),
		written: time.Now(), journal: journal.Of{Store: s.store, Source: source.ID, Run: run.ID, By: run.ID},
	}
}

// work runs the source to its end, whatever that is.
func (x *execution) work() {
	stop := make(chan struct{})
	var beat sync.WaitGroup
	beat.Go(func() { x.beat(stop) })
	err := x.attempts()
	close(stop)
	beat.Wait()
	cause := context.Cause(x.ctx)
	x.end(nil)
	defer func() { x.span.RunStatus(x.row.Now().Status).End(nil) }()
	switch {
	case errors.Is(cause, errLost):
		x.adopt()
	case err == nil:
		x.finish(through(x.row.Now()), nil)
	case errors.Is(cause, errCancelled):
		x.finish(model.RunCancelled, nil)
	case cause != nil:
		x.finish(model.RunFailed, x.service.failureOf(x.ctx, cause))
	default:
		x.finish(model.RunFailed, x.service.failureOf(x.ctx, err))
	}
}

// through is the status of a run that came to its end.
func through(run model.Run) model.RunStatus {
	if slices.ContainsFunc(run.Notes, func(n model.RunNote) bool { return n.Level == string(sdk.ErrorLevel) }) {
		return model.RunPartial
	}
	return model.RunSucceeded
}

// beat says from time to time that the run lives, and finds out whether
// another server has ended it.
func (x *execution) beat(stop <-chan struct{}) {
	t := time.NewTicker(refreshEach)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-x.ctx.Done():
			return
		case <-t.C:
			x.refresh()
		}
	}
}

func (x *execution) refresh() {
	err := x.write(x.ctx, step{action: "run.refresh", atLeastEach: refreshEach / 2})
	if err != nil && x.ctx.Err() == nil {
		x.log.WarnContext(x.ctx, "the run could not be refreshed", slog.Any("error", err))
	}
}

// attempts runs the plugin. Only the schedule tries again what may be over in
// a while: whoever waits for a run wants to hear of the trouble at once.
func (x *execution) attempts() error {
	for try := 0; ; try++ {
		err := x.inSlot(x.attempt)
		if x.expired(err) {
			err = x.inSlot(x.attempt)
		}
		f, again := passing(err)
		if !again || !unattended(x.trigger) || try == len(x.service.backoff) {
			return err
		}
		wait := min(max(x.service.backoff[try], f.RetryAfter), time.Hour)
		x.row.Change(func(r *model.Run) {
			r.Notes = notes(r.Notes).add(model.RunNote{
				Level: "warn", Code: "retried", Title: "The run was tried again after a while.", Count: 1,
				Samples: []string{fmt.Sprintf("after %s: %s", wait, f.Message)},
			})
		})
		if err := x.wait(wait); err != nil {
			return err
		}
	}
}

func (x *execution) wait(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-x.ctx.Done():
		return context.Cause(x.ctx)
	}
}

// inSlot waits for one of the slots that bound how many plugins work at once.
func (x *execution) inSlot(do func() error) error {
	select {
	case x.service.slots <- struct{}{}:
		defer func() { <-x.service.slots }()
		return do()
	case <-x.ctx.Done():
		return context.Cause(x.ctx)
	}
}

// attempt launches the plugin once and keeps what it finds. After the plugin
// has ended well nothing stops the run any more: what is gone is retired scope
// by scope, and the run ends.
func (x *execution) attempt() error {
	x.writing.Lock()
	source := begunAs(x.source, x.preview)
	p := x.plan(&source)
	x.lifted = source.AllowRetireAll && len(source.Checkpoint) == 0
	x.writing.Unlock()
	remembered, err := memory.Load(x.ctx, x.service.store, source.ID)
	if err != nil {
		return err
	}
	if len(source.Checkpoint) > 0 {
		if err := x.journal.CarryOn(x.ctx, source.CheckpointRun); err != nil {
			return err
		}
	}
	c := newCollector(x, source, remembered, p)
	x.row.Change(func(r *model.Run) { forget(r, c.resumed) })
	var ran *host.Process
	var told host.Result
	err = x.service.Use(x.ctx, source, x.log, func(ctx context.Context, process *host.Process, secrets map[string]string) (err error) {
		ran = process
		told, err = process.Harvest(ctx, host.Request{
			RunID: string(x.id), Config: source.Config, Secrets: secrets, Checkpoint: source.Checkpoint, Changes: p.offered, Watermark: p.watermark,
		}, c)
		return err
	})
	x.used(ran, err)
	if err != nil {
		return err
	}
	if err := c.end(x.ctx); err != nil {
		return err
	}
	err = c.retire(context.WithoutCancel(x.ctx))
	x.reached = c.ended(p, told.Watermark)
	return err
}

// used keeps what the plugin took of the machine, and tells it to whom a limit
// has ended it.
func (x *execution) used(p *host.Process, err error) {
	if p == nil {
		return
	}
	u := p.Usage()
	x.row.Change(func(r *model.Run) {
		if u.CPU > 0 {
			seconds := u.CPU.Seconds()
			if r.CPUSeconds != nil {
				seconds += *r.CPUSeconds // of the tries before
			}
			r.CPUSeconds = &seconds
		}
		if peak := int64(min(u.MaxRSS, math.MaxInt64)); peak > 0 && (r.PeakMemoryBytes == nil || peak > *r.PeakMemoryBytes) {
			r.PeakMemoryBytes = &peak
		}
	})
	if f, ok := errors.AsType[*host.Failure](err); ok && (f.Code == "memory_limit" || f.Code == "cpu_limit") {
		f.Message += fmt.Sprintf(" (it took %.1f s of processor time, and up to %d MiB)", u.CPU.Seconds(), u.MaxRSS>>20)
	}
}

// forget takes back the counts of an earlier try that is made from the beginning.
func forget(r *model.Run, resumed bool) {
	if !resumed {
		c := r.Counts
		r.Counts = model.RunCounts{Created: c.Created, Updated: c.Updated, Retired: c.Retired}
		r.Scopes = nil
	}
}

// step is one write of a run.
type step struct {
	action string
	reason string
	writes []store.Write
	run    func(*model.Run)    // applied to the row, and to what readers see once it is written; may be nil
	source func(*model.Source) // likewise; nil leaves the source alone

	atLeastEach time.Duration // a step without writes is left out when the row was written within this time
}

// write makes the step, with the run's row. A conflict comes back after the
// rows have been read again; when the run has been ended elsewhere it is errLost.
func (x *execution) write(ctx context.Context, st step) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.preview {
		st.writes, st.source = nil, nil
	}
	if st.writes == nil && st.source == nil && time.Since(x.written) < st.atLeastEach {
		if st.run != nil {
			x.row.Change(st.run)
		}
		return nil
	}
	run, source := x.row.Now(), x.source
	writes := slices.Clone(st.writes)
	if st.source != nil {
		st.source(&source)
		writes = append(writes, store.Sources.Put(source))
	}
	if st.run != nil {
		st.run(&run)
	}
	noted, err := x.journal.Note(ctx, st.writes)
	if err != nil {
		return err
	}
	writes = append(append(writes, noted...), store.Runs.Put(run))
	_, err = x.service.store.Apply(ctx, store.Change{
		Actor: run.StartedBy, Action: st.action, Subject: source.ID, Reason: st.reason,
		Decision: x.decision, Request: x.request, Writes: writes,
	})
	if err != nil {
		return x.refused(ctx, err)
	}
	x.journal.Kept()
	x.written = time.Now()
	if st.source != nil {
		source.Revision++
		x.source = source
	}
	x.row.Change(func(r *model.Run) {
		if st.run != nil {
			st.run(r)
		}
		r.Revision++
		r.UpdatedAt = x.service.now()
	})
	return nil
}

// refused reads the rows again after a lost race, so that the step can be
// made once more.
func (x *execution) refused(ctx context.Context, err error) error {
	if !model.LostRace(err) {
		return err
	}
	run, again := store.Runs.Get(ctx, x.service.store, x.id)
	if again != nil {
		return again
	}
	if run.Status != model.RunRunning {
		x.end(errLost)
		return errLost
	}
	source, again := store.Sources.Get(ctx, x.service.store, x.source.ID)
	if again != nil {
		return again
	}
	x.source = source
	x.row.Change(func(r *model.Run) { r.Revision = run.Revision })
	return err
}

// finish writes how the run ended. When even that fails the row stays as it is,
// grows stale, and is given up by the upkeep.
func (x *execution) finish(status model.RunStatus, failure *model.Failure) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), 30*time.Second)
	defer cancel()
	ended := x.service.now()
	opened := false // the circuit, by this run; known once the source has been brought up to date
	st := step{action: "run.end", reason: fmt.Sprintf("run %s, %s", x.id, status)}
	st.source = func(s *model.Source) {
		opened = settle(s, x.row.Now(), status, failure, x.lifted)
		if x.reached != nil && status.Through() && !x.preview {
			x.reached.Owes = x.reached.Owes || status != model.RunSucceeded
			x.reached.Keep(s)
		}
		if x.standing != nil {
			s.Scopes = x.standing
		}
	}
	st.run = func(r *model.Run) {
		r.Status, r.EndedAt, r.Failure = status, &ended, failure
		if opened {
			r.Notes = notes(r.Notes).add(circuitNote)
		}
	}
	end := func() error { return x.write(ctx, st) }
	switch err := repeat(ctx, end); {
	case errors.Is(err, errLost):
		x.adopt()
	case err != nil:
		x.log.ErrorContext(ctx, "the end of the run could not be written", slog.Any("error", err))
		x.row.Change(st.run)
	}
	if status.Through() && !x.preview {
		if err := journal.Drop(ctx, x.service.store, x.source.ID, x.journal.Run); err != nil {
			x.log.WarnContext(ctx, "what earlier runs wrote over could not be dropped", slog.Any("error", err))
		}
	}
	x.service.ended(x.row.Now())
	if failure != nil {
		x.log.WarnContext(ctx, "the run has failed", slog.String("fault", string(failure.Fault)), slog.String("code", failure.Code), slog.Bool("schedule_paused", opened))
	}
}

// circuitNote stands on the run that paused the schedule.
var circuitNote = model.RunNote{
	Level: "warn", Code: "circuit_open", Count: 1,
	Title: "The schedule is paused after " + model.Counted(circuit, "failed run") + " in a row: mend the cause, then run the source by hand or resume its schedule.",
}

// settle brings the source up to date with the end of a run, and reports
// whether that paused its schedule.
func settle(s *model.Source, run model.Run, status model.RunStatus, failure *model.Failure, lifted bool) bool {
	if run.Preview {
		return false
	}
	switch status {
	case model.RunSucceeded, model.RunPartial:
		if s.FailedRuns >= circuit {
			s.Paused = false // it was paused by its failures, and they are over
		}
		s.Checkpoint, s.CheckpointRun, s.CheckpointOfChanges, s.FailedRuns = nil, "", false, 0
		if lifted { // it was for one run, which has used it
			s.AllowRetireAll, s.RetireAllBy, s.RetireAllWhy = false, "", ""
		}
	case model.RunFailed:
		ours := failure.Fault == model.FaultHost
		s.Interrupted = failure.Code == codeInterrupted && takenOver(run)
		if s.CheckpointRun != run.ID && !ours && failure.Fault != model.FaultSource {
			// A run that came no further than the one before it may have been
			// led astray by the checkpoint: the next one begins anew.
			s.Checkpoint, s.CheckpointRun, s.CheckpointOfChanges = nil, "", false
		}
		if ours {
			return false
		}
		s.FailedRuns++
		if s.FailedRuns >= circuit && s.Schedule != "" && !s.Paused {
			s.Paused = true
			return true
		}
	case model.RunRunning, model.RunCancelled:
	}
	return false
}

// adopt shows the end that another server wrote.
func (x *execution) adopt() {
	run, err := store.Runs.Get(context.WithoutCancel(x.ctx), x.service.store, x.id)
	if err != nil {
		x.log.ErrorContext(x.ctx, "the end of the run could not be read", slog.Any("error", err))
		return
	}
	x.row.Change(func(r *model.Run) { *r = run })
}
