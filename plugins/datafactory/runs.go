package datafactory

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// run is one run of a pipeline.
type run struct {
	ID       string     `json:"runId"`
	Pipeline string     `json:"pipelineName"`
	Status   string     `json:"status"`
	Started  *time.Time `json:"runStart"`
	Ended    *time.Time `json:"runEnd"`
	Message  string     `json:"message"`
}

// maxRuns is how many runs of a pipeline are kept.
const maxRuns = 25

type runFilter struct {
	After  time.Time `json:"lastUpdatedAfter"`
	Before time.Time `json:"lastUpdatedBefore"`
	Token  string    `json:"continuationToken,omitempty"`
	Order  []order   `json:"orderBy"`
}

type order struct {
	By    string `json:"orderBy"`
	Order string `json:"order"`
}

// runs reads the runs of the last days, the newest first, by pipeline.
func (h *harvest) runs(ctx context.Context) (map[string][]run, error) {
	if h.Days == 0 {
		return nil, nil //nolint:nilnil // no runs are asked for
	}
	now := h.now()
	filter := runFilter{After: now.AddDate(0, 0, -h.Days), Before: now.Add(time.Hour), Order: []order{{"RunStart", "DESC"}}}
	ask := func(token string) (web.Request, error) {
		filter.Token = token
		r := web.Request{Method: http.MethodPost, Path: h.factory + "/queryPipelineRuns", Query: url.Values{"api-version": {apiVersion}}, Asks: true}
		return r.JSON(filter)
	}
	first, err := ask("")
	if err != nil {
		return nil, err
	}
	all := map[string][]run{}
	pages := web.List{First: first, Items: []string{"value"}, Next: func(p web.Page) (web.Request, bool, error) {
		token, _ := p.Rest["continuationToken"].(string)
		if token == "" {
			return web.Request{}, false, nil
		}
		next, err := ask(token)
		return next, true, err
	}}
	for r, err := range web.Items[run](ctx, h.client, pages) {
		if err != nil {
			return nil, err
		}
		if key := strings.ToLower(r.Pipeline); len(all[key]) < maxRuns {
			all[key] = append(all[key], r)
		}
	}
	return all, nil
}

// states are Azure's words for how a run ended.
var states = map[string]sdk.RunState{
	"Queued": sdk.RunRunning, "InProgress": sdk.RunRunning, "Canceling": sdk.RunRunning, "Succeeded": sdk.RunSucceeded, "Failed": sdk.RunFailed, "Cancelled": sdk.RunCancelled,
}

// ended gives the runs of a pipeline.
func ended(runs []run) []sdk.JobRun {
	var out []sdk.JobRun
	for _, r := range runs {
		one := sdk.JobRun{ID: r.ID, State: cmp.Or(states[r.Status], sdk.RunUnknown), Message: r.Message}
		if r.Started != nil {
			one.Started = *r.Started
		}
		if r.Ended != nil {
			one.Ended = *r.Ended
		}
		out = append(out, one)
	}
	return out
}
