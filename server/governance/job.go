package governance

import (
	"context"
	"log/slog"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/watch"
)

// jobs are the assessments under way on this server, and the last ones that
// ended, so that whoever asks a moment later still hears how.
type jobs struct {
	mu      sync.Mutex
	all     map[model.ID]*job
	working sync.WaitGroup
	log     *slog.Logger
}

// job is one assessment.
type job struct {
	*watch.Value[model.PolicyAssessment]
	cancel context.CancelFunc
}

// begin makes room for an assessment; one that runs already is an error of
// kind Conflict. Whoever is given the job calls working.Done at its end.
func (js *jobs) begin(id model.ID, cancel context.CancelFunc) (*job, error) {
	js.mu.Lock()
	defer js.mu.Unlock()
	if j := js.all[id]; j != nil && !j.Over() {
		return nil, model.Conflict("id", "the proposal is being assessed already", "wait for its end, or cancel it")
	}
	j := &job{watch.New(model.PolicyAssessment{ProposalID: id, State: model.AssessmentRunning}), cancel}
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
	if j == nil || j.Over() {
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
	j.Change(func(a *model.PolicyAssessment) {
		switch {
		case err == nil:
			a.State = model.AssessmentDone
		case ctx.Err() != nil:
			a.State, a.Message = model.AssessmentCancelled, "the assessment was cancelled"
		default:
			a.State, a.Message = model.AssessmentFailed, told(err)
			js.log.ErrorContext(ctx, "an assessment of a policy proposal failed", "proposal", id, "error", err)
		}
	})
	j.Close()
	js.mu.Lock()
	defer js.mu.Unlock()
	if err == nil && js.all[id] == j {
		delete(js.all, id)
	}
}

func (j *job) progress(done, total int) {
	j.Change(func(a *model.PolicyAssessment) { a.Done, a.Total = done, total })
}

// finish notes the report that the assessment has made.
func (j *job) finish(hash string) {
	j.Change(func(a *model.PolicyAssessment) { a.Done, a.ReportHash = a.Total, hash })
}
