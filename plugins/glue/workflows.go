package glue

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/sdk"
)

// most workflows that the service describes, or lists, at once.
const workflowsAtOnce = 25

// workflows emits the workflows with their last run.
func (h *harvest) workflows(ctx context.Context) error {
	var all []string
	err := list(ctx, h.source, listing[*glue.ListWorkflowsOutput, string]{
		what: "the list of workflows", action: "glue:ListWorkflows", name: func(n string) *string { return &n },
		ask: func(ctx context.Context, token *string) (*glue.ListWorkflowsOutput, error) {
			return h.client.ListWorkflows(ctx, &glue.ListWorkflowsInput{MaxResults: aws.Int32(workflowsAtOnce), NextToken: token})
		},
		of: func(out *glue.ListWorkflowsOutput) ([]string, *string) { return out.Workflows, out.NextToken },
	}, func(name string) error {
		all = append(all, name)
		return nil
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(all, workflowsAtOnce) {
		out, err := h.client.BatchGetWorkflows(ctx, &glue.BatchGetWorkflowsInput{Names: some, IncludeGraph: aws.Bool(false)})
		if err != nil {
			return h.explain(err, "reading workflows", "glue:BatchGetWorkflows")
		}
		if len(out.Workflows)+len(out.MissingWorkflows) < len(some) {
			return sdk.Unavailable("the answer about workflows does not hold all that were asked for", "try again later", nil)
		}
		for _, w := range out.Workflows {
			if err := h.workflow(ctx, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *harvest) workflow(ctx context.Context, w types.Workflow) error {
	name := aws.ToString(w.Name)
	labels, err := h.tagsOf(ctx, h.work, "workflow", name)
	if err != nil {
		return err
	}
	a := &sdk.Asset{
		ID: h.work.id("workflow", name), Scope: workflowScope, Kind: "JOB", Rank: sdk.Holder, ShortName: name, Description: aws.ToString(w.Description),
		Tags: labels, ChangedAt: latest(w.CreatedOn, w.LastModifiedOn), Properties: sdk.Properties("type", "workflow", "created", stamp(w.CreatedOn)),
	}
	if r := w.LastRun; r != nil && h.config.Runs > 0 {
		run := sdk.JobRun{ID: aws.ToString(r.WorkflowRunId), State: cmp.Or(outcome(r), sdk.RunUnknown), Started: aws.ToTime(r.StartedOn).UTC(), Message: aws.ToString(r.ErrorMessage)}
		if run.State != sdk.RunRunning {
			run.Ended = aws.ToTime(r.CompletedOn).UTC()
		}
		a.Runs = []sdk.JobRun{run}
	}
	return h.emit(a)
}

// outcome is how a run of a workflow ended. It is completed, too, when some of
// its jobs have failed.
func outcome(r *types.WorkflowRun) sdk.RunState {
	s := r.Statistics
	if r.Status == types.WorkflowRunStatusCompleted && s != nil && s.FailedActions+s.TimeoutActions+s.ErroredActions > 0 {
		return sdk.RunFailed
	}
	return states[string(r.Status)]
}
