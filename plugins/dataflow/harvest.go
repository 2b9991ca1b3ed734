package dataflow

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	names "github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// scope is everything: Dataflow has one listing over all regions.
const scope = "jobs"

// maxRuns is how many runs of a job are kept.
const maxRuns = 25

// harvest is one run.
type harvest struct {
	*source
	out     sdk.Sink
	emitted map[sdk.NativeID]bool
	edges   map[[2]sdk.NativeID]bool
	broken  bool
}

// Harvest lists the jobs, takes those of one name and region for runs of one,
// and reads the newest one whole.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	h := &harvest{source: s, out: out, emitted: map[sdk.NativeID]bool{}, edges: map[[2]sdk.NativeID]bool{}}
	all, err := h.list(ctx)
	if err != nil {
		return err
	}
	for i, runs := range all {
		if err := out.Progress(int64(i), int64(len(all)), runs[0].Name); err != nil {
			return err
		}
		if err := h.job(ctx, runs); err != nil {
			return err
		}
	}
	if h.broken {
		return nil
	}
	return out.ScopeDone(scope)
}

// list gives the jobs by their name and region, each with its runs, the newest
// first.
func (h *harvest) list(ctx context.Context) ([][]job, error) {
	next := web.NextCursor("pageToken", "nextPageToken")
	failed := map[string]bool{}
	l := web.List{
		First: web.Request{Path: "/v1b3/projects/" + url.PathEscape(h.Project) + "/jobs:aggregated", Query: url.Values{"pageSize": {"500"}, "filter": {"ALL"}}},
		Items: []string{"jobs"}, MayLack: true,
		Next: func(p web.Page) (web.Request, bool, error) {
			places, _ := p.Rest["failedLocation"].([]any)
			for _, place := range places {
				object, _ := place.(map[string]any)
				name, _ := object["name"].(string)
				failed[name] = true
			}
			if p.Rest == nil {
				return web.Request{}, false, sdk.Unavailable("the answer of Dataflow is empty", "run again", nil)
			}
			return next(p)
		},
	}
	byName := map[string][]job{}
	since := h.now().AddDate(0, 0, -h.Days)
	for j, err := range web.Items[job](ctx, h.client, l) {
		if err != nil {
			return nil, err
		}
		if j.Name == "" || h.Days > 0 && j.over() && j.Created.Before(since) {
			continue
		}
		key := j.Location + "\x00" + j.Name
		byName[key] = append(byName[key], j)
	}
	return sorted(byName), h.fail(failed)
}

func sorted(byName map[string][]job) [][]job {
	var all [][]job
	for _, runs := range byName {
		slices.SortFunc(runs, func(a, b job) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID)) })
		all = append(all, runs)
	}
	slices.SortFunc(all, func(a, b []job) int {
		return cmp.Or(cmp.Compare(a[0].Location, b[0].Location), cmp.Compare(a[0].Name, b[0].Name))
	})
	return all
}

// fail notes the regions that did not answer: their jobs are there.
func (h *harvest) fail(regions map[string]bool) error {
	for region := range regions {
		h.broken = true
		if err := h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "dataflow.region", Title: "A region does not answer, and its jobs are not shown.", Sample: region, Scope: scope}); err != nil {
			return err
		}
	}
	return nil
}

// job emits what the jobs of one name stand for.
func (h *harvest) job(ctx context.Context, runs []job) error {
	newest := runs[0]
	path := "/v1b3/projects/" + url.PathEscape(h.Project) + "/locations/" + url.PathEscape(newest.Location) + "/jobs/" + url.PathEscape(newest.ID)
	var whole job
	switch err := h.client.Into(ctx, web.Request{Path: path, Query: url.Values{"view": {"JOB_VIEW_ALL"}}}, &whole); web.Status(err) {
	case http.StatusNotFound, http.StatusForbidden:
		id := h.id(newest)
		return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "dataflow.unread", Title: "A job is listed and cannot be read.", Sample: id.Name, Scope: scope, Asset: id})
	default:
		if err != nil {
			return err
		}
	}
	a := h.asset(newest, whole)
	a.Runs = ended(runs)
	if err := h.out.Emit(a); err != nil {
		return err
	}
	return h.lineage(a.ID, whole)
}

func (h *harvest) id(j job) sdk.NativeID {
	return sdk.NativeID{Namespace: "dataflow://" + h.Project, Name: sdk.JoinName(j.Location, j.Name)}
}

func (h *harvest) asset(newest, whole job) *sdk.Asset {
	a := &sdk.Asset{
		ID: h.id(newest), Scope: scope, Kind: "JOB", Rank: sdk.Holder, ShortName: newest.Name,
		Properties: map[string]string{"type": strings.ToLower(strings.TrimPrefix(newest.Type, "JOB_TYPE_")), "location": newest.Location},
	}
	if sdkName := strings.TrimSpace(whole.Metadata.SDK.Name + " " + whole.Metadata.SDK.Version); sdkName != "" {
		a.Properties["sdk"] = sdkName
	}
	for name, value := range whole.Labels {
		a.Tags = append(a.Tags, strings.TrimSuffix(name+":"+value, ":"))
	}
	slices.Sort(a.Tags)
	return a
}

// states are Dataflow's words for how far a job has come.
var states = map[string]sdk.RunState{
	"JOB_STATE_DONE": sdk.RunSucceeded, "JOB_STATE_DRAINED": sdk.RunSucceeded, "JOB_STATE_UPDATED": sdk.RunSucceeded, "JOB_STATE_RESOURCE_CLEANING_UP": sdk.RunSucceeded, "JOB_STATE_FAILED": sdk.RunFailed, "JOB_STATE_CANCELLED": sdk.RunCancelled,
	"JOB_STATE_RUNNING": sdk.RunRunning, "JOB_STATE_PENDING": sdk.RunRunning, "JOB_STATE_QUEUED": sdk.RunRunning, "JOB_STATE_DRAINING": sdk.RunRunning, "JOB_STATE_CANCELLING": sdk.RunRunning,
	"JOB_STATE_PAUSING": sdk.RunRunning, "JOB_STATE_PAUSED": sdk.RunRunning, // what is stopped has not begun, or has ended: Google says both
}

// ended gives the last runs of a job.
func ended(runs []job) []sdk.JobRun {
	var out []sdk.JobRun
	for _, r := range runs[:min(len(runs), maxRuns)] {
		one := sdk.JobRun{ID: r.ID, State: cmp.Or(states[r.State], sdk.RunUnknown), Started: r.Started}
		if r.over() {
			one.Ended = r.StateTime
		}
		out = append(out, one)
	}
	return out
}

// lineage emits what the job reads and writes as its steps say, and what else
// it touches, of which the direction is a guess.
func (h *harvest) lineage(id sdk.NativeID, j job) error {
	known := map[sdk.NativeID]bool{}
	for _, t := range j.Pipeline.Transforms {
		d, ok := t.end(h.Project)
		if !ok || t.Kind != "READ_KIND" && t.Kind != "WRITE_KIND" {
			continue
		}
		known[d.ID] = true
		e := sdk.Edge{From: d.ID, To: id, Kind: "USES", Method: "dataflow.step", Confidence: 1}
		if t.Kind == "WRITE_KIND" {
			e.From, e.To, e.Kind = id, d.ID, "DERIVES"
		}
		if err := h.edge(d, e); err != nil {
			return err
		}
	}
	for _, d := range j.Metadata.touched(h.Project) {
		if known[d.ID] {
			continue
		}
		if err := h.edge(d, sdk.Edge{From: d.ID, To: id, Kind: "USES", Method: "dataflow.metadata", Confidence: 0.5}); err != nil {
			return err
		}
	}
	return nil
}

// edge emits a dataset, which another system holds, and the edge to it.
func (h *harvest) edge(d names.Dataset, e sdk.Edge) error {
	if !h.emitted[d.ID] {
		h.emitted[d.ID] = true
		a := &sdk.Asset{ID: d.ID, Scope: scope, Kind: d.Kind, Rank: sdk.Reference, Reference: true, ShortName: d.Short()}
		if err := h.out.Emit(a); err != nil {
			return err
		}
	}
	key := [2]sdk.NativeID{e.From, e.To}
	if h.edges[key] {
		return nil
	}
	h.edges[key] = true
	e.Scope = scope
	return h.out.Emit(&e)
}
