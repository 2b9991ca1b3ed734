package glue

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

// crawlers emits the crawlers with what they look at. What they make, the tables
// say themselves.
func (h *harvest) crawlers(ctx context.Context) error {
	return list(ctx, h.source, listing[*glue.GetCrawlersOutput, types.Crawler]{
		what: "the list of crawlers", action: "glue:GetCrawlers", name: func(c types.Crawler) *string { return c.Name },
		ask: func(ctx context.Context, token *string) (*glue.GetCrawlersOutput, error) {
			return h.client.GetCrawlers(ctx, &glue.GetCrawlersInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		},
		of: func(out *glue.GetCrawlersOutput) ([]types.Crawler, *string) { return out.Crawlers, out.NextToken },
	}, func(c types.Crawler) error { return h.crawler(ctx, c) })
}

func (h *harvest) crawler(ctx context.Context, c types.Crawler) error {
	name := aws.ToString(c.Name)
	labels, err := h.tagsOf(ctx, h.work, "crawler", name)
	if err != nil {
		return err
	}
	a := &sdk.Asset{
		ID: h.work.id("crawler", name), Scope: crawlerScope, Kind: "JOB", Rank: sdk.Holder, ShortName: name, Description: aws.ToString(c.Description),
		Tags: labels, ChangedAt: latest(c.CreationTime, c.LastUpdated),
		Properties: sdk.Properties("type", "crawler", "database", aws.ToString(c.DatabaseName), "table_prefix", aws.ToString(c.TablePrefix), "role", aws.ToString(c.Role), "state", string(c.State), "created", stamp(c.CreationTime)),
	}
	if s := c.Schedule; s != nil && aws.ToString(s.ScheduleExpression) != "" {
		a.Properties["schedule"] = aws.ToString(s.ScheduleExpression)
	}
	if l := c.LastCrawl; l != nil && l.Status != "" {
		a.Runs = []sdk.JobRun{{
			ID: cmp.Or(aws.ToString(l.MessagePrefix), stamp(l.StartTime), "last"), State: cmp.Or(states[string(l.Status)], sdk.RunUnknown),
			Started: aws.ToTime(l.StartTime).UTC(), Message: aws.ToString(l.ErrorMessage),
		}}
	}
	if err := h.emit(a); err != nil || c.Targets == nil {
		return err
	}
	for _, d := range h.targets(*c.Targets) {
		if h.crawled[name][d.ID] { // the data is the table that it has made of it
			continue
		}
		if d.Kind != "" {
			if err := h.refer(d, crawlerScope); err != nil {
				return err
			}
		}
		if err := h.edge(sdk.Edge{From: d.ID, To: a.ID, Scope: crawlerScope, Kind: "USES", Method: "glue.target"}); err != nil {
			return err
		}
	}
	return nil
}

// targets are what a crawler looks at, as far as it names one thing. A path with
// a wildcard names many.
func (h *harvest) targets(t types.CrawlerTargets) []dataset.Dataset {
	var all []dataset.Dataset
	add := func(d dataset.Dataset, ok bool) {
		if ok {
			all = append(all, d)
		}
	}
	for _, s := range t.S3Targets {
		add(metastore.Place(aws.ToString(s.Path)))
	}
	for _, d := range t.DeltaTargets {
		for _, path := range d.DeltaTables {
			add(metastore.Place(path))
		}
	}
	for _, i := range t.IcebergTargets {
		for _, path := range i.Paths {
			add(metastore.Place(path))
		}
	}
	for _, u := range t.HudiTargets {
		for _, path := range u.Paths {
			add(metastore.Place(path))
		}
	}
	for _, j := range t.JdbcTargets {
		add(h.connections[aws.ToString(j.ConnectionName)].table(aws.ToString(j.Path)))
	}
	for _, m := range t.MongoDBTargets {
		add(h.connections[aws.ToString(m.ConnectionName)].table(aws.ToString(m.Path)))
	}
	for _, c := range t.CatalogTargets {
		for _, table := range c.Tables {
			add(dataset.Dataset{ID: h.data.id("table", aws.ToString(c.DatabaseName), table)}, true)
		}
	}
	return all
}
