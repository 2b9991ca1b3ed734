package harvest

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest/increment"
	"github.com/souk-mesh/souk/server/harvest/journal"
	"github.com/souk-mesh/souk/server/store"
)

// Undone is what became of undoing a run.
type Undone struct {
	Run      model.Run
	Restored int // records that stand again as before the run
	Left     int // those that somebody has written since
}

// Undo puts back what a run has changed, record by record, where nobody has
// written it since: assets, their names, lineage and quality rules. What the run
// has made is retired. Only the latest run of a source that changed anything can
// be undone. What the source shows comes back with its next run.
func (s *Service) Undo(ctx context.Context, runID model.ID) (Undone, error) {
	in := s.gate.Session()
	run, source, err := s.runAndSource(ctx, in, runID)
	if err != nil {
		return Undone{}, err
	}
	answer, err := s.mayAdminister(ctx, in, source)
	if err != nil {
		return Undone{}, err
	}
	under, err := s.undoable(ctx, run, source)
	if err != nil {
		return Undone{}, err
	}
	recorded := false
	apply := func(reason string, writes []store.Write) error {
		change := in.Change(ctx, "run.undo", source.ID, reason, answer, writes...)
		if recorded {
			change.Writes = writes // the decision stands already, with the first of the changes
		}
		_, err := s.store.Apply(ctx, change)
		recorded = recorded || err == nil
		return err
	}
	paused, err := s.rest(ctx, source.ID, apply)
	if err != nil {
		return Undone{}, err
	}
	first, err := store.Runs.Get(ctx, s.store, under) // or a run carried on after it
	if err != nil && !model.Is(err, model.KindNotFound) {
		return Undone{}, err
	}
	u := journal.Undoing{Store: s.store, Source: source.ID, Run: under, Begun: first.StartedAt, At: s.now(), Apply: apply}
	if err := u.Do(ctx); err != nil {
		return Undone{}, err
	}
	err = repeat(ctx, func() error {
		if run, err = store.Runs.Get(ctx, s.store, runID); err != nil {
			return err
		}
		run.UndoneAt = &u.At
		for _, n := range undoneNotes(u, paused) {
			run.Notes = notes(run.Notes).add(n)
		}
		put := store.Runs.Put(run)
		if err := apply("run "+string(runID)+" is undone", []store.Write{put}); err != nil {
			return err
		}
		run, err = store.Runs.Written(put)
		return err
	})
	return Undone{Run: run, Restored: u.Restored, Left: u.Left}, err
}

// rest pauses the schedule of a source whose run is undone, before anything is put
// back: otherwise the next run would show the same again. That one reads everything,
// since what is put back need not have changed in the source. It reports whether there
// was a schedule to pause.
func (s *Service) rest(ctx context.Context, id model.ID, apply func(string, []store.Write) error) (paused bool, err error) {
	err = repeat(ctx, func() error {
		source, err := store.Sources.Get(ctx, s.store, id)
		if err != nil {
			return err
		}
		paused = source.Schedule != "" && !source.Paused
		if !paused && len(source.Watermark) == 0 {
			return nil
		}
		reason := "the next run reads everything"
		if increment.Forget(&source); paused {
			source.Paused, reason = true, "the schedule is paused"
		}
		return apply(reason, []store.Write{store.Sources.Put(source)})
	})
	return paused, err
}

// undoable reports why the run cannot be undone, and gives under which run its journal stands.
func (s *Service) undoable(ctx context.Context, run model.Run, source model.Source) (model.ID, error) {
	switch {
	case run.UndoneAt != nil:
		return "", model.Conflict("id", "the run has been undone already", "what it left was written since by somebody else")
	case run.Status == model.RunRunning:
		return "", model.Conflict("id", "the run is under way", "cancel it first, with cancelHarvest")
	case run.Preview:
		return "", model.Conflict("id", "the run was a preview, and changed nothing", "name a run that was none")
	}
	if err := inUse(source); err != nil {
		return "", err
	}
	if err := s.free(ctx, source); err != nil {
		return "", err
	}
	latest, under, err := journal.Latest(ctx, s.store, source.ID)
	if err == nil && latest != run.ID {
		err = model.Conflict("id", "the run has changed nothing, or a later one has changed something since", "only the latest run of a source that changed anything can be undone")
	}
	return under, err
}

func undoneNotes(u journal.Undoing, paused bool) []model.RunNote {
	list := []model.RunNote{{
		Level: "info", Code: "undone", Count: u.Restored,
		Title: "The run was undone: what it had changed and nobody has written since stands as before, and what it had made is retired.",
	}}
	if paused {
		list = append(list, model.RunNote{
			Level: "info", Code: "undo_paused", Count: 1,
			Title: "The schedule of the source is paused, since its next run shows the same again: mend the cause, then resume the schedule.",
		})
	}
	if u.Left > 0 {
		list = append(list, model.RunNote{
			Level: "warn", Code: "undo_left", Count: u.Left, Samples: u.Names,
			Title: "Somebody has written this since the run, so that it was left as it is.",
		})
	}
	return list
}
