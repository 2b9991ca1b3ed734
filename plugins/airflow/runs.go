package airflow

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// runs are the last runs of a DAG, the newest first, and what its tasks did in
// the newest one.
type runs struct {
	dag   []runAnswer
	tasks map[string][]instanceAnswer
}

// runsOf reads the last runs. Where that is forbidden, the DAGs are complete
// without them.
func (h *harvest) runsOf(ctx context.Context, d dagAnswer) (runs, error) {
	r := runs{tasks: map[string][]instanceAnswer{}}
	if h.config.Runs == 0 || h.noRuns {
		return r, nil
	}
	path := h.api.path + "/dags/" + url.PathEscape(d.ID) + "/dagRuns"
	var answer struct {
		Runs []runAnswer `json:"dag_runs"`
	}
	query := url.Values{"limit": {strconv.Itoa(h.config.Runs)}, "order_by": {h.api.lately}}
	if err := h.client.Into(ctx, web.Request{Path: path, Query: query}, &answer); err != nil {
		return r, h.withoutRuns(err)
	}
	if r.dag = answer.Runs; len(r.dag) == 0 {
		return r, nil
	}
	list := pages(path+"/"+url.PathEscape(r.dag[0].ID)+"/taskInstances", "task_instances", nil)
	for i, err := range web.Items[instanceAnswer](ctx, h.client, list) {
		if err != nil {
			return r, h.withoutRuns(err)
		}
		if len(r.tasks[i.Task]) < maxRuns {
			r.tasks[i.Task] = append(r.tasks[i.Task], i)
		}
	}
	return r, nil
}

// withoutRuns goes on without runs where they may not be read, or where one has
// gone since it was listed.
func (h *harvest) withoutRuns(err error) error {
	switch web.Status(err) {
	case 404:
		return nil
	case 403:
		h.noRuns = true
		return h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "airflow.no_runs", Title: "The runs of DAGs may not be read, and are left out.", Sample: err.Error()})
	}
	return err
}

// states are Airflow's words for how far a run or a task has come.
var states = map[string]sdk.RunState{
	"success": sdk.RunSucceeded, "failed": sdk.RunFailed, "upstream_failed": sdk.RunFailed, "skipped": sdk.RunSkipped, "removed": sdk.RunCancelled,
	"queued": sdk.RunRunning, "running": sdk.RunRunning, "scheduled": sdk.RunRunning, "deferred": sdk.RunRunning, "restarting": sdk.RunRunning, "up_for_retry": sdk.RunRunning, "up_for_reschedule": sdk.RunRunning,
}

// ofDAG gives the runs of the DAG.
func (r runs) ofDAG() []sdk.JobRun {
	var out []sdk.JobRun
	for _, one := range r.dag {
		out = append(out, jobRun(one.ID, one.State, one.Started, one.Ended, ""))
	}
	return out
}

// ofTask gives what a task did in the last run of its DAG: once, or once for
// each item that it was mapped over.
func (r runs) ofTask(id string) []sdk.JobRun {
	var out []sdk.JobRun
	for _, one := range r.tasks[id] {
		run := r.dag[0].ID
		if one.MapIndex >= 0 {
			run += "/" + strconv.Itoa(one.MapIndex)
		}
		message := ""
		if one.State == "upstream_failed" {
			message = "a task before it failed"
		}
		out = append(out, jobRun(run, one.State, one.Started, one.Ended, message))
	}
	return out
}

func jobRun(id, state string, started, ended *time.Time, message string) sdk.JobRun {
	r := sdk.JobRun{ID: id, State: cmp.Or(states[state], sdk.RunUnknown), Message: message}
	if started != nil {
		r.Started = started.UTC()
	}
	if ended != nil {
		r.Ended = ended.UTC()
	}
	return r
}
