package superset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/fit"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// failing is how many datasets in a row may be answered by an error before it is
// Superset that is out of order.
const failing = 5

// dataset is a table of a database, or a statement.
type dataset struct {
	owned
	ID          int64    `json:"id"`
	UUID        string   `json:"uuid"`
	Name        string   `json:"table_name"`
	Changed     string   `json:"changed_on_utc"` // in a listing alone
	SQL         string   `json:"sql"`
	Catalog     string   `json:"catalog"`
	Schema      string   `json:"schema"`
	Description string   `json:"description"`
	Extra       string   `json:"extra"` // JSON
	Time        string   `json:"main_dttm_col"`
	Database    database `json:"database"`
	Columns     []column `json:"columns"`
	Metrics     []metric `json:"metrics"`
}

func (d dataset) number() int64 { return d.ID }

type column struct {
	Name        string `json:"column_name"`
	Label       string `json:"verbose_name"`
	Type        string `json:"type"`
	Description string `json:"description"`
	Expression  string `json:"expression"`
	Extra       string `json:"extra"`
}

type metric struct {
	UUID        string `json:"uuid"`
	Name        string `json:"metric_name"`
	Label       string `json:"verbose_name"`
	Description string `json:"description"`
	Expression  string `json:"expression"`
	Warning     string `json:"warning_text"`
	Extra       string `json:"extra"`
}

// details are the columns that a dataset is asked for. The rest of them makes
// Superset connect to the database, which may be slow or gone.
func details() url.Values {
	return url.Values{"q": {"(columns:!(" + strings.Join([]string{
		"id,uuid,table_name,sql,catalog,schema,description,extra,main_dttm_col,database.id,database.database_name,database.backend", people,
		"columns.column_name,columns.verbose_name,columns.type,columns.description,columns.expression,columns.extra",
		"metrics.uuid,metrics.metric_name,metrics.verbose_name,metrics.description,metrics.expression,metrics.warning_text,metrics.extra",
	}, ",") + "))"}}
}

func (h *harvest) readDatasets(ctx context.Context) error {
	return part(ctx, h, datasetScope, datasetList, func(d dataset) error {
		var answer struct {
			Result dataset `json:"result"`
		}
		err := h.client.Into(ctx, web.Request{Path: fmt.Sprintf("/api/v1/dataset/%d", d.ID), Query: details()}, &answer)
		if err != nil {
			return h.undescribed(d, err)
		}
		h.failures = 0
		found := answer.Result
		found.ID, found.Changed = d.ID, d.Changed
		return h.dataset(found)
	}, h.resolve)
}

// undescribed notes a dataset that is there and cannot be read.
func (h *harvest) undescribed(d dataset, err error) error {
	e, ours := errors.AsType[*sdk.Error](err)
	status := web.Status(err)
	switch {
	case status == http.StatusNotFound: // it has gone since it was listed
		return nil
	case !ours || status != http.StatusForbidden && status != http.StatusInternalServerError:
		return err
	}
	if h.failures++; h.failures >= failing {
		return err
	}
	return h.out.Note(sdk.Note{
		Level: sdk.ErrorLevel, Code: "superset.undescribed", Title: "A dataset is listed, and Superset does not give it. What is known of it stays.",
		Sample: d.Name + ": " + e.Message, Scope: datasetScope, Asset: h.id(datasetScope, d.ID),
	})
}

// dataset emits a dataset with its metrics, and what it is made of.
func (h *harvest) dataset(d dataset) error {
	a := h.describe(d)
	native, known := h.at[d.Database.ID].table(d.Catalog, d.Schema, d.Name)
	isTable := known && a.Definition == ""
	taken := isTable && h.held[native] // another dataset has the name of the table already
	if isTable && !taken {
		h.held[native] = true
		a.Aliases = []sdk.Alias{{Scheme: "openlineage", Namespace: native.Namespace, Name: native.Name}}
	}
	if left := fit.Columns(a); left > 0 {
		if err := h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "superset.many_columns", Title: "A dataset has more columns than a record can hold: the first ones are shown.", Sample: d.Name + ": " + strconv.Itoa(left)}); err != nil {
			return err
		}
	}
	if err := h.emit(a); err != nil {
		return err
	}
	if taken {
		if err := h.edge("DERIVES", "superset.table", datasetScope, native, a.ID, 1); err != nil {
			return err
		}
	}
	if err := h.origins(d, a); err != nil {
		return err
	}
	return h.metrics(d, a)
}

// describe is the dataset without the table that it may be.
func (h *harvest) describe(d dataset) *sdk.Asset {
	a := &sdk.Asset{
		ID: h.id(datasetScope, d.ID), Scope: datasetScope, Kind: "TABLE", Rank: sdk.Reference, ShortName: d.Name, StableID: stable(datasetScope, d.UUID),
		Description: d.Description, Owners: owners(d.owned), ChangedAt: moment(d.Changed), Fields: fields(d.Columns),
		Properties: sdk.Properties("database", d.Database.Name, "catalog", d.Catalog, "schema", d.Schema, "time_column", d.Time),
	}
	if d.Database.ID != 0 {
		parent := h.id(databaseScope, d.Database.ID)
		a.Parent = &parent
	}
	extra(d.Extra, a.Properties)
	if strings.TrimSpace(d.SQL) != "" {
		a.Kind, a.Rank, a.Definition, a.DefinitionLanguage = "VIEW", sdk.Holder, d.SQL, "sql"
	}
	return a
}

func fields(columns []column) []sdk.Field {
	var out []sdk.Field
	for _, c := range columns {
		if c.Name == "" {
			continue
		}
		f := sdk.Field{Name: c.Name, Position: len(out) + 1, NativeType: c.Type, Nullable: true, Description: c.Description, Meta: sdk.Properties("label", c.Label, "expression", c.Expression)}
		extra(c.Extra, f.Meta)
		out = append(out, f)
	}
	return out
}

// extra reads what Superset keeps beside a thing as JSON: who certified it, and a
// warning.
func extra(text string, into map[string]string) {
	var e struct {
		Certification struct {
			By      string `json:"certified_by"`
			Details string `json:"details"`
		} `json:"certification"`
		Warning string `json:"warning_markdown"`
	}
	if text == "" || json.Unmarshal([]byte(text), &e) != nil {
		return
	}
	maps.Copy(into, sdk.Properties("certified_by", e.Certification.By, "certification", e.Certification.Details, "warning", e.Warning))
}

// metric is the name of a metric, which is one within its dataset.
func (h *harvest) metric(dataset int64, name string) sdk.NativeID {
	of := h.id(datasetScope, dataset)
	return sdk.NativeID{Namespace: of.Namespace, Name: of.Name + "/metric/" + name}
}

// metrics emits what is counted of a dataset.
func (h *harvest) metrics(d dataset, of *sdk.Asset) error {
	h.counted[d.ID] = []string{}
	for _, m := range d.Metrics {
		if m.Name == "" || slices.Contains(h.counted[d.ID], m.Name) {
			continue
		}
		h.counted[d.ID] = append(h.counted[d.ID], m.Name)
		a := &sdk.Asset{
			ID: h.metric(d.ID, m.Name), Scope: datasetScope, Kind: "METRIC", Rank: sdk.Holder, ShortName: m.Name,
			StableID: stable("metrics", m.UUID), Description: m.Description, Definition: m.Expression, DefinitionLanguage: "sql",
			Properties: sdk.Properties("label", m.Label, "warning", m.Warning),
		}
		extra(m.Extra, a.Properties)
		if err := h.emit(a); err != nil {
			return err
		}
		if err := h.edge("DERIVES", "superset.metric", datasetScope, of.ID, a.ID, 1); err != nil {
			return err
		}
	}
	return nil
}
