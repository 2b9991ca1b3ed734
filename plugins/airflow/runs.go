package airflow

import (
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

func (r runs) ofDAG(a *sdk.Asset) {
	if len(r.dag) > 0 {
		r.put(a, r.dag[0].State, r.dag[0].Started, r.dag[0].Ended)
	}
}

func (r runs) ofTask(a *sdk.Asset, id string) {
	if list := r.tasks[id]; len(list) > 0 {
		r.put(a, list[0].State, list[0].Started, list[0].Ended)
	}
}

func (r runs) put(a *sdk.Asset, state string, started, ended *time.Time) {
	a.Properties["lastState"] = state
	if started != nil && ended != nil {
		a.Properties["lastDuration"] = ended.Sub(*started).Round(time.Millisecond).String()
	}
}
