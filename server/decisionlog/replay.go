package decisionlog

import (
	"context"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// Decider makes a logged decision again. It reports false where it cannot,
// because the policies that had decided are not at hand.
type Decider func(context.Context, model.DecisionRecord) (model.Decision, bool)

// Difference is a decision that comes out otherwise on the same policies.
type Difference struct {
	Seq    int64         `json:"seq"`
	ID     model.ID      `json:"id"`
	Action model.Action  `json:"action"`
	Logged model.Outcome `json:"logged"`
	Now    model.Outcome `json:"now"`
}

// ReplayReport is how a replay went.
type ReplayReport struct {
	Same        int64        `json:"same"`
	Skipped     int64        `json:"skipped"`  // other revisions had decided
	Erased      int64        `json:"erased"`   // without an input: erased, or a row about a list
	Troubled    int64        `json:"troubled"` // the engine was in trouble then, which nothing repeats
	Found       int64        `json:"found"`    // how many differences there are
	Differences []Difference `json:"differences,omitempty"`
}

// OK reports that every decision that could be made again came out the same.
func (r ReplayReport) OK() bool { return r.Found == 0 }

// Replay makes the decisions of the log again, the oldest first. On the same
// policies a decision depends on nothing but its input, so each must come out
// as it did: also when a new engine compiles them.
func (l *Log) Replay(ctx context.Context, f Filter, decide Decider, progress func(done, total int64)) (ReplayReport, error) {
	var report ReplayReport
	segments, err := l.keeper.Segments(ctx)
	if err != nil {
		return report, err
	}
	var total, done int64
	for _, s := range segments {
		total += max(0, s.Rows())
	}
	for d, err := range l.Oldest(ctx, f) {
		if err != nil {
			return report, err
		}
		report.add(ctx, d, decide)
		if done++; progress != nil && done%64 == 0 {
			progress(done, max(done, total))
		}
	}
	if progress != nil {
		progress(done, done)
	}
	return report, nil
}

func (r *ReplayReport) add(ctx context.Context, d model.DecisionRecord, decide Decider) {
	if len(d.Input) == 0 {
		r.Erased++
		return
	}
	for _, reason := range d.Decision.Reasons {
		if strings.HasPrefix(reason.Code, "engine.") && reason.Origin == "engine" {
			r.Troubled++
			return
		}
	}
	now, ok := decide(ctx, d)
	switch {
	case !ok:
		r.Skipped++
	case now.Outcome == d.Outcome:
		r.Same++
	default:
		r.Found++
		if len(r.Differences) < maxProblems {
			r.Differences = append(r.Differences, Difference{Seq: d.Seq, ID: d.ID, Action: d.Action, Logged: d.Outcome, Now: now.Outcome})
		}
	}
}
