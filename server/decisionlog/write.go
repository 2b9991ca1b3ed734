package decisionlog

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/groupcommit"
	"github.com/souk-mesh/souk/server/tracing"
)

// How rows share a commit: see groupcommit. Rows that somebody waits for go as
// soon as the writer is free, those that nobody waits for within the delay.
const (
	noteDelay    = 2 * time.Millisecond
	groupRows    = 500
	queueLength  = 4096 // jobs that wait; whoever brings more waits too
	commitTries  = 50
	retryPause   = 5 * time.Millisecond
	commitBudget = time.Minute
)

// job is work for the writer: rows, the cursor that moves with them, or
// something that must not run beside a commit. The writer puts the rows into the
// form that the log keeps, so that whoever does not wait for the disk does not
// wait for that either.
type job struct {
	rows   []model.DecisionRecord
	step   *chain.Step
	alone  func(context.Context) error
	err    error
	shared int // rows of the commit that it was part of
}

func (l *Log) newWriter() *groupcommit.Writer[*job] {
	return groupcommit.New(groupcommit.Config[*job]{
		Commit: l.settle, Most: groupRows, Queue: queueLength, Delay: noteDelay,
		Size:  func(j *job) int { return len(j.rows) },
		Alone: func(j *job) bool { return j.alone != nil },
	})
}

// Append logs a decision that the store does not keep, and returns when it is
// durable. An id that is in the log already is an error of kind Conflict.
func (l *Log) Append(ctx context.Context, d model.DecisionRecord) error {
	return l.do(ctx, &job{rows: []model.DecisionRecord{d}})
}

// Promise logs the decisions of a change that is about to be made, and returns
// when they are durable: what cannot be logged must not happen. Those that the
// log has already, of a change that is tried again, are no error. A change that
// fails then leaves rows that no event names: it was decided, and did not happen.
func (l *Log) Promise(ctx context.Context, decisions ...model.DecisionRecord) error {
	ids := make([]string, len(decisions))
	for i, d := range decisions {
		ids[i] = string(d.ID)
	}
	for len(decisions) > 0 {
		err := l.do(ctx, &job{rows: decisions})
		switch {
		case err == nil:
			return nil
		case !model.HasCode(err, model.CodeExists):
			return cmp.Or(l.Trouble(), err)
		}
		known, err := l.keeper.Known(ctx, ids)
		if err != nil {
			return err
		}
		decisions = slices.DeleteFunc(slices.Clone(decisions), func(d model.DecisionRecord) bool { return known[string(d.ID)] })
	}
	return nil
}

// Note logs decisions, in one commit, without waiting for the disk. It waits
// only while too many wait already. While the log is in trouble it gives that
// instead.
func (l *Log) Note(ctx context.Context, rows ...model.DecisionRecord) error {
	if err := l.Trouble(); err != nil {
		return err
	}
	if l.config.ReadOnly {
		return errReadOnly()
	}
	return inLogsWords(l.writer.Send(ctx, &job{rows: rows}))
}

// do brings a job to the writer and gives its answer.
func (l *Log) do(ctx context.Context, j *job) error {
	if l.config.ReadOnly {
		return errReadOnly()
	}
	ctx, span := tracing.Start(ctx, "decision log")
	err := l.writer.Do(ctx, j)
	if err == nil {
		err = j.err
		span.Together(j.shared)
	}
	span.Rows(len(j.rows)).End(err)
	return inLogsWords(err)
}

func errReadOnly() error {
	return &model.Error{Kind: model.KindInternal, Message: "the decision log was opened for reading"}
}

// inLogsWords puts the end of the writer in the words of the log.
func inLogsWords(err error) error {
	if errors.Is(err, groupcommit.ErrClosed) {
		return errClosed()
	}
	return err
}

// settle carries a group out. One whose id is taken, or whose place in the feed
// is past, must not take the others down, so then each job gets a commit of its
// own.
func (l *Log) settle(_ context.Context, group []*job) {
	ctx, cancel := context.WithTimeout(context.Background(), commitBudget)
	defer cancel()
	if group[0].alone != nil {
		group[0].err = group[0].alone(ctx)
		return
	}
	err := l.commit(ctx, group)
	note(&l.unwritten, err)
	alone := errors.Is(err, chain.ErrTaken) || errors.Is(err, chain.ErrPassed)
	if alone && len(group) > 1 {
		for _, j := range group {
			l.settle(ctx, []*job{j})
		}
		return
	}
	if err != nil && !alone {
		l.config.Log.Error("decisions are not logged", "rows", len(group), "error", err)
	}
	rows := 0
	for _, j := range group {
		rows += len(j.rows)
	}
	for _, j := range group {
		j.err, j.shared = refusal(err), rows
	}
}

func refusal(err error) error {
	switch {
	case errors.Is(err, chain.ErrTaken):
		return model.Exists("id", "a decision with this id is in the log already", "log each decision once")
	case errors.Is(err, chain.ErrMoved):
		return &model.Error{Kind: model.KindUnavailable, Message: "the decision log is too busy", Hint: "try again", Err: err}
	}
	return err
}

// commit links the rows to the head and writes them, again while other
// processes are faster.
func (l *Log) commit(ctx context.Context, group []*job) error {
	var entries []chain.Entry
	var step *chain.Step
	for _, j := range group {
		for _, d := range j.rows {
			entries = append(entries, l.entry(d))
		}
		if j.step != nil {
			step = j.step
		}
	}
	return l.retry(ctx, func(ctx context.Context) error {
		b := l.batch(entries, step)
		if err := l.keeper.Commit(ctx, b); err != nil {
			return err
		}
		l.head = b.After
		l.written.Store(b.After.Seq)
		return nil
	})
}

// retry does the work until it is not overtaken, each time from the head as it
// is then.
func (l *Log) retry(ctx context.Context, work func(context.Context) error) error {
	for try := 1; ; try++ {
		err := work(ctx)
		if !errors.Is(err, chain.ErrMoved) || try == commitTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(2 * retryPause)): //nolint:gosec // it spreads waits, and is no secret
		}
		segments, failed := l.keeper.Segments(ctx)
		if failed != nil {
			return failed
		}
		if len(segments) > 0 {
			l.head = segments[len(segments)-1]
		}
		if err := l.own(l.head); err != nil {
			return err
		}
	}
}

// batch is the next commit: the entries after the head, in this month's
// segment, and the mark of the day before when the day is a new one.
func (l *Log) batch(entries []chain.Entry, step *chain.Step) chain.Batch {
	now := l.config.Now()
	b := chain.Batch{Before: l.head, After: l.head, Cursor: step}
	if month := now.UTC().Format("2006-01"); month > l.head.Name { // a clock set back stays in the segment
		b.After = chain.Segment{Name: month, First: l.head.Seq + 1, Base: l.head.Hash, Seq: l.head.Seq, Hash: l.head.Hash, Erased: l.head.Seq}
		if l.head.Name != "" {
			closed := l.head
			closed.Closed = true
			closed.Sign(l.sign)
			b.Previous = &closed
		}
	}
	if day := l.head.At.UTC().Format(time.DateOnly); l.head.Seq > 0 && now.UTC().Format(time.DateOnly) > day {
		b.Mark = &chain.Mark{Day: day, Segment: l.head.Name, Seq: l.head.Seq, Hash: l.head.Hash, At: l.head.At}
		b.Mark.Sign(l.sign)
	}
	b.Rows = b.After.Link(entries, now)
	b.After.Sign(l.sign)
	return b
}
