package harvest

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/harvest/owner"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// codeUnderWay marks the conflict of a second run of one source.
const codeUnderWay = "run_in_progress"

// start is how a run begins.
type start struct {
	trigger string
	preview bool // it changes nothing
	full    bool // it reads everything, whatever the source remembers
}

// Start begins a run of the source and returns at once. A source has one run at
// a time, whatever server it is asked of: the run and the source's word for its
// latest run are one change, made on the revision that showed no run under way.
func (s *Service) Start(ctx context.Context, sourceID model.ID, trigger string) (model.Run, error) {
	return s.StartAs(ctx, sourceID, trigger, How{})
}

// How is what somebody wants of a run.
type How struct {
	Preview bool // it changes nothing: it counts what a run would create, change and retire, and names some of it in its notes
	Full    bool // it reads everything, also where the plugin could tell what has changed
}

// StartAs is Start with a wish. A preview takes the place of a run, so that the
// two never mix.
func (s *Service) StartAs(ctx context.Context, sourceID model.ID, trigger string, how How) (model.Run, error) {
	if !slices.Contains([]string{triggerManual, triggerSchedule, triggerCommand}, trigger) {
		return model.Run{}, model.Invalid("trigger", "is unknown", "write manual, schedule or command")
	}
	return s.start(ctx, sourceID, start{trigger: trigger, preview: how.Preview, full: how.Full})
}

// Preview begins a run that changes nothing.
func (s *Service) Preview(ctx context.Context, sourceID model.ID) (model.Run, error) {
	return s.StartAs(ctx, sourceID, triggerManual, How{Preview: true})
}

func (s *Service) start(ctx context.Context, sourceID model.ID, how start) (model.Run, error) {
	in := s.gate.Session()
	source, answer, err := s.administered(ctx, in, sourceID)
	if err != nil {
		return model.Run{}, err
	}
	if err := s.hasDomain(ctx, in, source); err != nil {
		return model.Run{}, err
	}
	var run model.Run
	err = repeat(ctx, func() error {
		if source, err = store.Sources.Get(ctx, s.store, sourceID); err != nil {
			return err
		}
		run, err = s.begin(ctx, in, source, how, answer)
		return err
	})
	return run, err
}

// begin writes the run and sets it to work.
func (s *Service) begin(ctx context.Context, in *gate.Session, source model.Source, how start, answer gate.Answer) (model.Run, error) {
	if err := inUse(source); err != nil {
		return model.Run{}, err
	}
	if err := s.free(ctx, source); err != nil {
		return model.Run{}, err
	}
	now := s.now()
	run := model.Run{
		Meta: model.Meta{ID: model.NewID(model.PrefixRun), CreatedAt: now, UpdatedAt: now}, SourceID: source.ID,
		Status: model.RunRunning, Trigger: how.trigger, Preview: how.preview, StartedAt: now, Owner: owner.Of(os.Getpid()),
	}
	if asker, err := model.PrincipalFrom(ctx); err == nil {
		run.StartedBy = asker.ID
	}
	if !s.enter() {
		return model.Run{}, &model.Error{Kind: model.KindUnavailable, Message: "the server is stopping", Hint: "start the run again when it is back"}
	}
	if err := s.planned(ctx, source, how, &run); err != nil {
		s.work.Done()
		return model.Run{}, err
	}
	if how.full && !how.preview {
		source.Checkpoint, source.CheckpointRun, source.CheckpointOfChanges = nil, "", false
	}
	source.LastRunID, source.Interrupted = run.ID, false
	reason, writes := s.account(ctx, in, source)
	writes = append(writes, store.Runs.Put(run), store.Sources.Put(source))
	change := in.Change(ctx, "run.start", source.ID, strings.TrimSuffix("run "+string(run.ID)+", "+how.words()+", "+reason, ", "), answer, writes...)
	if _, err := s.store.Apply(ctx, change); err != nil {
		s.work.Done()
		return model.Run{}, err
	}
	run.Revision++
	source.Revision++
	s.launch(newExecution(ctx, s, source, run, answer.ID))
	return run, nil
}

// words says for the audit how the run begins.
func (s start) words() string {
	words := s.trigger
	if s.preview {
		words = "preview"
	}
	if s.full {
		words += " in full"
	}
	return words
}

// account gives the words for the audit and the decisions that let the run use
// what it uses. What it may not use is told when it tries, as the run's failure.
func (s *Service) account(ctx context.Context, in *gate.Session, source model.Source) (string, []store.Write) {
	p, err := s.plugins.find(ctx, source.Plugin)
	if err != nil {
		return "", nil
	}
	vouched, err := s.permit(ctx, in, p, source)
	if err != nil {
		return "", nil
	}
	return s.uses(p, source), vouched
}

// enter announces work, unless the service is closed.
func (s *Service) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Add(1)
	}
	return !s.closed
}

// launch sets the run to work. The work has been announced.
func (s *Service) launch(x *execution) {
	s.mu.Lock()
	s.active[x.id] = x
	if s.closed {
		x.end(errClosed)
	}
	s.mu.Unlock()
	go func() {
		defer s.work.Done()
		x.work()
		s.mu.Lock()
		delete(s.active, x.id)
		s.mu.Unlock()
		x.row.Close()
	}()
}

// free reports a run of the source that is under way. One whose server is gone
// is ended first.
func (s *Service) free(ctx context.Context, source model.Source) error {
	if source.LastRunID == "" {
		return nil
	}
	run, err := store.Runs.Get(ctx, s.store, source.LastRunID)
	switch {
	case model.Is(err, model.KindNotFound):
		return nil
	case err != nil:
		return err
	case run.Status != model.RunRunning:
		return nil
	case s.dead(run):
		return s.giveUp(ctx, run)
	}
	return &model.Error{
		Kind: model.KindConflict, Code: codeUnderWay, Field: "sourceId",
		Message: "a run of this source is under way: " + string(run.ID), Hint: "wait for its end, or cancel it",
	}
}

func (s *Service) executionOf(id model.ID) *execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[id]
}

// Cancel ends a run: its plugin is killed, what it found so far stays, and
// nothing is retired. A run whose plugin has ended already is past that point
// and comes back as it then ends.
func (s *Service) Cancel(ctx context.Context, runID model.ID) (model.Run, error) {
	in := s.gate.Session()
	run, source, err := s.runAndSource(ctx, in, runID)
	if err != nil {
		return model.Run{}, err
	}
	answer, err := s.mayAdminister(ctx, in, source)
	if err != nil {
		return model.Run{}, err
	}
	switch run.Status {
	case model.RunCancelled:
		return run, nil
	case model.RunRunning:
	case model.RunSucceeded, model.RunPartial, model.RunFailed:
		return run, model.Conflict("status", "the run is already "+string(run.Status), "start another one if its result is not what you want")
	}
	x := s.executionOf(runID)
	if x == nil {
		return s.cancelElsewhere(ctx, in, runID, answer)
	}
	if _, err := s.store.Apply(ctx, in.Change(ctx, "run.cancel", source.ID, "run "+string(runID), answer)); err != nil {
		return model.Run{}, err
	}
	x.end(errCancelled)
	select {
	case <-x.row.Done():
		return x.row.Now(), nil
	case <-ctx.Done():
		return model.Run{}, ctx.Err()
	}
}

// cancelElsewhere ends a run of another server by its row alone: that server
// finds it at its next write, which fails, and kills the plugin.
func (s *Service) cancelElsewhere(ctx context.Context, in *gate.Session, runID model.ID, answer gate.Answer) (model.Run, error) {
	var run model.Run
	err := repeat(ctx, func() (err error) {
		if run, err = store.Runs.Get(ctx, s.store, runID); err != nil || run.Status != model.RunRunning {
			return err
		}
		ended := s.now()
		run.Status, run.EndedAt = model.RunCancelled, &ended
		put := store.Runs.Put(run)
		if _, err := s.store.Apply(ctx, in.Change(ctx, "run.cancel", run.SourceID, "run "+string(runID), answer, put)); err != nil {
			return err
		}
		run, err = store.Runs.Written(put)
		return err
	})
	if err != nil {
		return model.Run{}, err
	}
	return run, nil
}

func (s *Service) runAndSource(ctx context.Context, in *gate.Session, runID model.ID) (model.Run, model.Source, error) {
	run, err := store.Runs.Get(ctx, s.store, runID)
	if err != nil {
		return model.Run{}, model.Source{}, err
	}
	source, err := store.Sources.Get(ctx, s.store, run.SourceID)
	if err == nil {
		err = s.visible(ctx, in, source)
	}
	if model.Is(err, model.KindNotFound) {
		err = model.NotFound("harvest run", runID)
	}
	return run, source, err
}

// HarvestRun returns one run; one of a source that the viewer may not see is
// not found.
func (s *Service) HarvestRun(ctx context.Context, runID model.ID) (model.Run, error) {
	run, _, err := s.runAndSource(ctx, s.gate.Session(), runID)
	if err != nil {
		return model.Run{}, err
	}
	return run, nil
}

// RunsByID returns those of the runs that exist and that the viewer may see, in
// the order of the ids.
func (s *Service) RunsByID(ctx context.Context, ids ...model.ID) ([]model.Run, error) {
	runs, err := store.Runs.GetMany(ctx, s.store, ids...)
	if err != nil {
		return nil, err
	}
	return keepVisible(ctx, s.gate.Session(), runs, s.describeRuns)
}

// RunFilter narrows a list of runs; what is empty does not.
type RunFilter struct {
	SourceID model.ID
	Status   model.RunStatus
}

// Runs lists runs, the latest first.
func (s *Service) Runs(ctx context.Context, f RunFilter, p model.Paging) (model.Page[model.Run], error) {
	q := store.Query{Index: "by_started", Desc: true}.Narrowed(
		store.Condition{Index: "by_status", Path: "status", Value: string(f.Status)},
		store.Condition{Index: "by_source", Path: "source", Value: string(f.SourceID)})
	return gate.List(ctx, s.gate, store.Runs, q, p, s.describeRuns)
}

// describeRuns tells the policies about runs: a run is seen by whoever sees its source.
func (s *Service) describeRuns(ctx context.Context, runs []model.Run) ([]policy.Resource, error) {
	var ids []model.ID
	for _, run := range runs {
		if !slices.Contains(ids, run.SourceID) {
			ids = append(ids, run.SourceID)
		}
	}
	sources, err := store.Sources.GetMany(ctx, s.store, ids...)
	if err != nil {
		return nil, err
	}
	described := map[model.ID]policy.Resource{}
	for _, source := range sources {
		if described[source.ID], err = s.gate.Source(ctx, source); err != nil {
			return nil, err
		}
	}
	resources := make([]policy.Resource, len(runs))
	for i, run := range runs {
		resources[i] = described[run.SourceID]
	}
	return resources, nil
}
