package glue

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/sdk"
)

// triggers emits what starts jobs and crawlers, and after which others.
func (h *harvest) triggers(ctx context.Context) error {
	return list(ctx, h.source, listing[*glue.GetTriggersOutput, types.Trigger]{
		what: "the list of triggers", action: "glue:GetTriggers", name: func(t types.Trigger) *string { return t.Name },
		ask: func(ctx context.Context, token *string) (*glue.GetTriggersOutput, error) {
			return h.client.GetTriggers(ctx, &glue.GetTriggersInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		},
		of: func(out *glue.GetTriggersOutput) ([]types.Trigger, *string) { return out.Triggers, out.NextToken },
	}, func(t types.Trigger) error { return h.trigger(ctx, t) })
}

func (h *harvest) trigger(ctx context.Context, t types.Trigger) error {
	name, workflow := aws.ToString(t.Name), aws.ToString(t.WorkflowName)
	labels, err := h.tagsOf(ctx, h.work, "trigger", name)
	if err != nil {
		return err
	}
	a := &sdk.Asset{
		ID: h.work.id("trigger", name), Scope: triggerScope, Kind: "OTHER", Rank: sdk.Holder, ShortName: name, Description: aws.ToString(t.Description), Tags: labels,
		Properties: sdk.Properties("type", "trigger", "starts", string(t.Type), "schedule", aws.ToString(t.Schedule), "state", string(t.State), "workflow", workflow),
	}
	var before, after []sdk.NativeID
	if p := t.Predicate; p != nil {
		if p.Logical != "" {
			a.Properties["when"] = string(p.Logical)
		}
		for _, c := range p.Conditions {
			before = h.started(before, c.JobName, c.CrawlerName)
		}
	}
	if err := h.emit(a); err != nil {
		return err
	}
	for _, action := range t.Actions {
		after = h.started(after, action.JobName, action.CrawlerName)
		if action.JobName != nil {
			if err := h.arguments(h.work.id("job", *action.JobName), []map[string]string{action.Arguments}); err != nil {
				return err
			}
		}
	}
	return h.connect(a.ID, workflow, before, after)
}

// started adds a job or a crawler.
func (h *harvest) started(to []sdk.NativeID, job, crawler *string) []sdk.NativeID {
	if aws.ToString(job) != "" {
		to = append(to, h.work.id("job", *job))
	}
	if aws.ToString(crawler) != "" {
		to = append(to, h.work.id("crawler", *crawler))
	}
	return to
}

// connect emits the edges of a trigger: what has to end before it, what it
// starts, and the workflow that all of them are parts of.
func (h *harvest) connect(trigger sdk.NativeID, workflow string, before, after []sdk.NativeID) error {
	use := func(from, to sdk.NativeID, method string) error {
		return h.edge(sdk.Edge{From: from, To: to, Scope: triggerScope, Kind: "USES", Method: method})
	}
	for _, id := range before {
		if err := use(id, trigger, "glue.predicate"); err != nil {
			return err
		}
	}
	for _, id := range after {
		if err := use(trigger, id, "glue.action"); err != nil {
			return err
		}
	}
	if workflow == "" {
		return nil
	}
	for _, id := range slices.Concat(before, after, []sdk.NativeID{trigger}) {
		if err := use(id, h.work.id("workflow", workflow), "glue.workflow"); err != nil {
			return err
		}
	}
	return nil
}
