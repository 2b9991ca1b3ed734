package glue

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

// jobs emits the jobs with their runs, and what they read and write.
func (h *harvest) jobs(ctx context.Context) error {
	return list(ctx, h.source, listing[*glue.GetJobsOutput, types.Job]{
		what: "the list of jobs", action: "glue:GetJobs", name: func(j types.Job) *string { return j.Name },
		ask: func(ctx context.Context, token *string) (*glue.GetJobsOutput, error) {
			return h.client.GetJobs(ctx, &glue.GetJobsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		},
		of: func(out *glue.GetJobsOutput) ([]types.Job, *string) { return out.Jobs, out.NextToken },
	}, func(j types.Job) error { return h.job(ctx, j) })
}

func (h *harvest) job(ctx context.Context, j types.Job) error {
	name := aws.ToString(j.Name)
	runs, err := h.runsOf(ctx, name)
	if err != nil {
		return err
	}
	labels, err := h.tagsOf(ctx, h.work, "job", name)
	if err != nil {
		return err
	}
	a := &sdk.Asset{
		ID: h.work.id("job", name), Scope: jobScope, Kind: "JOB", Rank: sdk.Holder, ShortName: name, Description: aws.ToString(j.Description),
		Tags: labels, ChangedAt: latest(j.CreatedOn, j.LastModifiedOn), Properties: jobFacts(j), Runs: jobRuns(runs),
	}
	if err := h.emit(a); err != nil {
		return err
	}
	if c := j.Connections; c != nil {
		for _, used := range c.Connections {
			if err := h.edge(sdk.Edge{From: h.work.id("connection", used), To: a.ID, Scope: jobScope, Kind: "USES", Method: "glue.connection"}); err != nil {
				return err
			}
		}
	}
	if err := h.visual(a.ID, j.CodeGenConfigurationNodes); err != nil {
		return err
	}
	given := []map[string]string{j.DefaultArguments, j.NonOverridableArguments}
	for _, r := range runs {
		given = append(given, r.Arguments)
	}
	return h.arguments(a.ID, given)
}

// jobFacts are what a job is and runs on. Arguments may hold secrets: their
// names alone are shown, but for some of Glue's own.
func jobFacts(j types.Job) map[string]string {
	all := sdk.Properties(
		"type", "job", "glue_version", aws.ToString(j.GlueVersion), "role", aws.ToString(j.Role), "worker_type", string(j.WorkerType), "mode", string(j.JobMode),
		"execution_class", string(j.ExecutionClass), "created", stamp(j.CreatedOn),
	)
	if c := j.Command; c != nil {
		maps.Copy(all, sdk.Properties("engine", aws.ToString(c.Name), "script", aws.ToString(c.ScriptLocation), "python", aws.ToString(c.PythonVersion), "runtime", aws.ToString(c.Runtime)))
	}
	if n := aws.ToInt32(j.NumberOfWorkers); n > 0 {
		all["workers"] = strconv.Itoa(int(n))
	}
	if n := aws.ToInt32(j.Timeout); n > 0 {
		all["timeout_minutes"] = strconv.Itoa(int(n))
	}
	if s := j.SourceControlDetails; s != nil {
		maps.Copy(all, sdk.Properties("repository", strings.Trim(aws.ToString(s.Owner)+"/"+aws.ToString(s.Repository), "/"), "branch", aws.ToString(s.Branch), "commit", aws.ToString(s.LastCommitId)))
	}
	for _, known := range []string{"--job-language", "--class", "--datalake-formats", "--job-bookmark-option"} {
		maps.Copy(all, sdk.Properties(strings.TrimPrefix(known, "--"), j.DefaultArguments[known]))
	}
	arguments := slices.Collect(maps.Keys(j.DefaultArguments))
	slices.Sort(arguments)
	if text := strings.Join(arguments, " "); len(text) <= metastore.LongWord {
		maps.Copy(all, sdk.Properties("arguments", text))
	}
	return all
}

// runsOf reads the last runs of a job, the newest first. Where that is
// forbidden, jobs are complete without them.
func (h *harvest) runsOf(ctx context.Context, job string) ([]types.JobRun, error) {
	if h.config.Runs == 0 || h.noRuns {
		return nil, nil
	}
	most := int32(min(h.config.Runs, maxRuns)) //nolint:gosec // up to 25
	out, err := h.client.GetJobRuns(ctx, &glue.GetJobRunsInput{JobName: &job, MaxResults: &most})
	if err != nil {
		err = h.explain(err, "reading the runs of "+job, "glue:GetJobRuns")
		switch classOf(err) {
		case sdk.ClassConfig: // the job is gone meanwhile
			return nil, nil
		case sdk.ClassDenied:
			h.noRuns = true
			return nil, h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "glue.no_runs", Title: "The runs of jobs may not be read, and are left out.", Sample: err.Error()})
		default:
			return nil, err
		}
	}
	runs := out.JobRuns
	slices.SortStableFunc(runs, func(a, b types.JobRun) int { return aws.ToTime(b.StartedOn).Compare(aws.ToTime(a.StartedOn)) })
	return runs[:min(len(runs), int(most))], nil
}

// states are Glue's words for how far a run has come.
var states = map[string]sdk.RunState{
	"STARTING": sdk.RunRunning, "RUNNING": sdk.RunRunning, "STOPPING": sdk.RunRunning, "WAITING": sdk.RunRunning,
	"SUCCEEDED": sdk.RunSucceeded, "COMPLETED": sdk.RunSucceeded, "FAILED": sdk.RunFailed, "ERROR": sdk.RunFailed, "TIMEOUT": sdk.RunFailed, "EXPIRED": sdk.RunFailed,
	"STOPPED": sdk.RunCancelled, "CANCELLED": sdk.RunCancelled,
}

func jobRuns(runs []types.JobRun) []sdk.JobRun {
	var out []sdk.JobRun
	for _, r := range runs {
		state := string(r.JobRunState)
		message := cmp.Or(aws.ToString(r.ErrorMessage), aws.ToString(r.StateDetail))
		if message == "" && (state == "TIMEOUT" || state == "EXPIRED") {
			message = strings.ToLower(state)
		}
		one := sdk.JobRun{ID: aws.ToString(r.Id), State: cmp.Or(states[state], sdk.RunUnknown), Message: message, Started: aws.ToTime(r.StartedOn).UTC()}
		if one.State != sdk.RunRunning {
			one.Ended = aws.ToTime(r.CompletedOn).UTC()
		}
		out = append(out, one)
	}
	return out
}

// reads and writes emit what a job does with a thing.
func (h *harvest) reads(job, id sdk.NativeID, method string, confidence float64) error {
	return h.edge(sdk.Edge{From: id, To: job, Scope: jobScope, Kind: "USES", Method: method, Confidence: confidence})
}

func (h *harvest) writes(job, id sdk.NativeID, method string, confidence float64) error {
	return h.edge(sdk.Edge{From: job, To: id, Scope: jobScope, Kind: "DERIVES", Method: method, Confidence: confidence})
}

// elsewhere names what another system holds, so that an edge may lead to it.
func (h *harvest) elsewhere(d dataset.Dataset, ok bool) ([]sdk.NativeID, error) {
	if !ok {
		return nil, nil
	}
	return []sdk.NativeID{d.ID}, h.refer(d, jobScope)
}
