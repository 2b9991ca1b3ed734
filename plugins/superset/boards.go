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
	Params      string               `json:"params"` // JSON
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
			if err := h.shows(c, a.ID); err != nil {
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

// counts are the settings of a chart that hold metrics: one, or a list of them. A
// text is the name of a metric of its dataset; one that the chart makes up is an object.
var counts = []string{"metric", "metrics", "metric_2", "metrics_b", "percent_metrics", "secondary_metric", "timeseries_limit_metric", "timeseries_limit_metric_b", "series_limit_metric", "x", "y", "size"}

// shows emits which metrics of its dataset a chart shows. A metric that its dataset
// has no more is left out; where the dataset could not be read, the chart is believed.
func (h *harvest) shows(c chart, id sdk.NativeID) error {
	var settings map[string]json.RawMessage
	_ = json.Unmarshal([]byte(c.Params), &settings) // what is no object holds no metrics
	there, known := h.counted[c.Source]
	var sent []string
	for _, key := range counts {
		for _, name := range metricsIn(settings[key]) {
			unsure := !known && (key == "x" || key == "y" || key == "size") // names of columns, in some charts
			if name == "" || slices.Contains(sent, name) || known && !slices.Contains(there, name) || unsure {
				continue
			}
			sent = append(sent, name)
			if err := h.edge("USES", "superset.chart_metric", chartScope, h.metric(c.Source, name), id, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// metricsIn gives the texts of a setting.
func metricsIn(setting json.RawMessage) (names []string) {
	var one string
	if json.Unmarshal(setting, &one) == nil {
		return []string{one}
	}
	var list []json.RawMessage
	_ = json.Unmarshal(setting, &list)
	for _, item := range list {
		if one = ""; json.Unmarshal(item, &one) == nil {
			names = append(names, one)
		}
	}
	return names
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
