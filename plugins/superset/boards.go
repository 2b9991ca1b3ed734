package superset

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// tag is a word that people gave, or that Superset keeps for itself.
type tag struct {
	Name string          `json:"name"`
	Type json.RawMessage `json:"type"`
}

// words are those of people.
func words(tags []tag) []string {
	var out []string
	for _, t := range tags {
		kind := strings.ToLower(strings.Trim(string(t.Type), `"`))
		if t.Name != "" && slices.Contains([]string{"1", "custom", "tagtype.custom", "null", ""}, kind) {
			out = append(out, t.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// certified is who says that a thing is good.
type certified struct {
	By      string `json:"certified_by"`
	Details string `json:"certification_details"`
}

// chart is a picture of a dataset.
type chart struct {
	owned
	certified
	ID          int64                `json:"id"`
	UUID        string               `json:"uuid"`
	Name        string               `json:"slice_name"`
	Description string               `json:"description"`
	Form        string               `json:"viz_type"`
	Source      int64                `json:"datasource_id"`
	SourceKind  string               `json:"datasource_type"`
	URL         string               `json:"url"`
	Changed     string               `json:"changed_on_utc"`
	Tags        []tag                `json:"tags"`
	Dashboards  []struct{ ID int64 } `json:"dashboards"`
}

func (c chart) number() int64 { return c.ID }

// dashboard is a page of charts.
type dashboard struct {
	owned
	certified
	ID          int64  `json:"id"`
	UUID        string `json:"uuid"`
	Name        string `json:"dashboard_title"`
	Description string `json:"description"`
	Slug        string `json:"slug"`
	URL         string `json:"url"`
	Status      string `json:"status"`
	Changed     string `json:"changed_on_utc"`
	Tags        []tag  `json:"tags"`
}

func (d dashboard) number() int64 { return d.ID }

func (h *harvest) readCharts(ctx context.Context) error {
	return part(ctx, h, chartScope, chartList, func(c chart) error {
		a := &sdk.Asset{
			ID: h.id(chartScope, c.ID), Scope: chartScope, Kind: "CHART", Rank: sdk.Holder, ShortName: c.Name, StableID: stable(chartScope, c.UUID),
			Description: c.Description, Owners: owners(c.owned), Tags: words(c.Tags), ChangedAt: moment(c.Changed),
			Properties: sdk.Properties("visualization", c.Form, "url", c.URL, "certified_by", c.By, "certification", c.Details),
		}
		if err := h.emit(a); err != nil {
			return err
		}
		if c.Source != 0 && c.SourceKind == "table" {
			if err := h.edge("USES", "superset.chart", chartScope, h.id(datasetScope, c.Source), a.ID, 1); err != nil {
				return err
			}
		}
		slices.SortFunc(c.Dashboards, func(a, b struct{ ID int64 }) int { return int(a.ID - b.ID) })
		for _, d := range slices.Compact(c.Dashboards) {
			if h.boards != nil && !h.boards[d.ID] {
				continue // a draft of somebody else
			}
			if err := h.edge("USES", "superset.dashboard", chartScope, a.ID, h.id(dashboardScope, d.ID), 1); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *harvest) readDashboards(ctx context.Context) error {
	shown := map[int64]bool{}
	return part(ctx, h, dashboardScope, dashboardList, func(d dashboard) error {
		shown[d.ID] = true
		return h.emit(&sdk.Asset{
			ID: h.id(dashboardScope, d.ID), Scope: dashboardScope, Kind: "DASHBOARD", Rank: sdk.Holder, ShortName: d.Name, StableID: stable(dashboardScope, d.UUID),
			Description: d.Description, Owners: owners(d.owned), Tags: words(d.Tags), ChangedAt: moment(d.Changed),
			Properties: sdk.Properties("slug", d.Slug, "url", d.URL, "status", d.Status, "certified_by", d.By, "certification", d.Details),
		})
	}, func() error {
		h.boards = shown
		return nil
	})
}
