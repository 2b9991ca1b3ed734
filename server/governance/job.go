package governance

import (
	"context"
	"log/slog"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
)

// jobs are the assessments under way on this server, and the last ones that
// ended, so that whoever asks a moment later still hears how.
type jobs struct {
	mu      sync.Mutex
	all     map[model.ID]*job
	working sync.WaitGroup
}

// job is one assessment.
type job struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	now      model.PolicyAssessment
	watchers map[chan model.PolicyAssessment]bool
}

// begin makes room for an assessment; one that runs already is an error of
// kind Conflict. Whoever is given the job calls working.Done at its end.
func (js *jobs) begin(id model.ID, cancel context.CancelFunc) (*job, error) {
	js.mu.Lock()
	defer js.mu.Unlock()
	if j := js.all[id]; j != nil && !j.over() {
		return nil, model.Conflict("id", "the proposal is being assessed already", "wait for its end, or cancel it")
	}
	j := &job{
		cancel: cancel, done: make(chan struct{}), watchers: map[chan model.PolicyAssessment]bool{},
		now: model.PolicyAssessment{ProposalID: id, State: model.AssessmentRunning},
	}
	js.all[id] = j
	js.working.Add(1)
	return j, nil
}

func (js *jobs) of(id model.ID) *job {
	js.mu.Lock()
	defer js.mu.Unlock()
	return js.all[id]
}

// cancel reports whether there was something to cancel.
func (js *jobs) cancel(id model.ID) bool {
	j := js.of(id)
	if j == nil || j.over() {
		return false
	}
	j.cancel()
	return true
}

func (js *jobs) cancelAll() {
	js.mu.Lock()
	defer js.mu.Unlock()
	for _, j := range js.all {
		j.cancel()
	}
}

// end tells everybody who watches how it came out. A job that went well need
// not be remembered: its report stands on the proposal.
func (js *jobs) end(ctx context.Context, id model.ID, j *job, err error) {
	j.change(func(a *model.PolicyAssessment) {
		switch {
		case err == nil:
			a.State = model.AssessmentDone
		case ctx.Err() != nil:
			a.State, a.Message = model.AssessmentCancelled, "the assessment was cancelled"
		default:
			a.State, a.Message = model.AssessmentFailed, told(err)
			slog.ErrorContext(ctx, "an assessment of a policy proposal failed", "proposal", id, "error", err)
		}
	})
	j.close()
	js.mu.Lock()
	defer js.mu.Unlock()
	if err == nil && js.all[id] == j {
		delete(js.all, id)
	}
}

func (j *job) over() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

func (j *job) state() model.PolicyAssessment {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now
}

func (j *job) progress(done, total int) {
	j.change(func(a *model.PolicyAssessment) { a.Done, a.Total = done, total })
}

// finish notes the report that the assessment has made.
func (j *job) finish(hash string) {
	j.change(func(a *model.PolicyAssessment) { a.Done, a.ReportHash = a.Total, hash })
}

func (j *job) change(how func(*model.PolicyAssessment)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	how(&j.now)
	for states := range j.watchers {
		offer(states, j.now)
	}
}

// offer puts the state into the channel in place of one that nobody has read.
// There is one sender at a time.
func offer(states chan model.PolicyAssessment, a model.PolicyAssessment) {
	select {
	case <-states:
	default:
	}
	states <- a // there is room: nobody else sends
}

func (j *job) watch(ctx context.Context) <-chan model.PolicyAssessment {
	states := make(chan model.PolicyAssessment, 1)
	j.mu.Lock()
	defer j.mu.Unlock()
	states <- j.now
	if j.over() {
		close(states)
		return states
	}
	j.watchers[states] = true
	context.AfterFunc(ctx, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.dismiss(states)
	})
	return states
}

// dismiss closes the channel of one who watches, once.
func (j *job) dismiss(states chan model.PolicyAssessment) {
	if j.watchers[states] {
		delete(j.watchers, states)
		close(states)
	}
}

func (j *job) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for states := range j.watchers {
		j.dismiss(states)
	}
	close(j.done)
}
