package bigquery

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

const namespace = "bigquery"

// harvest is one run.
type harvest struct {
	*source
	out    sdk.Sink
	whole  bool // the service account sees the whole project
	broken map[string]bool
	scopes []string // those of datasets that were read
	views  []view
	fields map[sdk.NativeID][]string // of the tables, with their paths
	held   int                       // of all tables
}

// Harvest emits the project under one scope where all of it is seen and wanted,
// and else each dataset under its own.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	names, absent, err := s.datasets(ctx)
	if err != nil {
		return err
	}
	h := &harvest{source: s, out: out, broken: map[string]bool{}, fields: map[sdk.NativeID][]string{}}
	if len(s.Include)+len(s.Exclude) == 0 {
		if h.whole, err = s.seesAll(ctx); err != nil {
			return err
		}
	}
	for _, name := range absent {
		if err := h.fail(name, "bigquery.no_dataset", "A dataset to include does not exist, or the service account may not see it: correct its name, take it out of includeDatasets, or grant the role BigQuery Metadata Viewer."); err != nil {
			return err
		}
	}
	for i, name := range names {
		if err := h.dataset(ctx, name); err != nil {
			return err
		}
		if err := out.Progress(int64(i+1), int64(len(names)), "datasets"); err != nil {
			return err
		}
	}
	return h.finish()
}

// finish emits what views are made of, whose SQL may name tables of any dataset,
// and then the scopes that were read whole.
func (h *harvest) finish() error {
	for _, v := range h.views {
		if err := h.viewEdges(v); err != nil {
			return err
		}
	}
	if h.whole {
		h.scopes = []string{projectScope}
	}
	for _, scope := range h.scopes {
		if h.broken[scope] {
			continue
		}
		if err := h.out.ScopeDone(scope); err != nil {
			return err
		}
	}
	return nil
}

const projectScope = "project"

func (h *harvest) scope(dataset string) string {
	if h.whole {
		return projectScope
	}
	return "dataset:" + dataset
}

func (h *harvest) fail(dataset, code, title string) error {
	h.broken[h.scope(dataset)] = true
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: code, Title: title, Sample: dataset, Scope: h.scope(dataset)})
}

func id(project string, parts ...string) sdk.NativeID {
	return sdk.NativeID{Namespace: namespace, Name: sdk.JoinName(append([]string{project}, parts...)...)}
}

// lost tells an error that is about one thing alone: it may not be read, or is gone.
func lost(err error) (denied, gone bool) {
	e, ours := errors.AsType[*sdk.Error](err)
	return ours && e.Class == sdk.ClassDenied, web.Status(err) == http.StatusNotFound
}

func (h *harvest) dataset(ctx context.Context, name string) error {
	var d datasetAnswer
	err := h.client.Into(ctx, web.Request{Path: h.path("datasets", name)}, &d)
	var tables []string
	if err == nil {
		tables, err = h.tables(ctx, name)
	}
	switch denied, gone := lost(err); {
	case denied:
		return h.fail(name, "bigquery.no_right", "A dataset or its list of tables may not be read: grant the role BigQuery Metadata Viewer. What is known of it stays.")
	case gone:
		return nil
	case err != nil:
		return err
	}
	a := &sdk.Asset{
		ID: id(h.Project, name), Scope: h.scope(name), Kind: "SCHEMA", Rank: sdk.Holder, ShortName: name,
		Description: text(d.Description), Tags: tagsOf(d.Labels), Properties: map[string]string{},
	}
	for key, value := range map[string]string{"location": d.Location, "friendly_name": d.FriendlyName, "default_table_expiration_ms": d.Expires} {
		if value != "" {
			a.Properties[key] = text(value)
		}
	}
	if err := h.out.Emit(a); err != nil {
		return err
	}
	for _, t := range h.fold(tables) {
		if err := h.table(ctx, name, t); err != nil {
			return err
		}
	}
	h.scopes = append(h.scopes, h.scope(name))
	return nil
}

// family is one table, or several whose names differ by a date.
type family struct {
	name   string // as it is shown
	newest string // the table that is described
	count  int
}

var dated = regexp.MustCompile(`^(.+_)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$`)

// shown is the name of a table with a star for its date.
func (h *harvest) shown(table string) string {
	if m := dated.FindStringSubmatch(table); m != nil && h.Shards != "list" {
		return m[1] + "*"
	}
	return table
}

// fold puts shards together; the tables come in order, and so the last one of a
// family is its newest.
func (h *harvest) fold(tables []string) (families []family) {
	at := map[string]int{}
	for _, t := range tables {
		name := h.shown(t)
		i, has := at[name]
		if !has {
			i = len(families)
			at[name], families = i, append(families, family{name: name})
		}
		families[i].newest, families[i].count = t, families[i].count+1
	}
	return families
}

func (h *harvest) table(ctx context.Context, dataset string, f family) error {
	var t tableAnswer
	err := h.client.Into(ctx, web.Request{Path: h.path("datasets", dataset, "tables", f.newest)}, &t)
	switch denied, gone := lost(err); {
	case denied:
		return h.out.Note(sdk.Note{
			Level: sdk.ErrorLevel, Code: "bigquery.unread", Scope: h.scope(dataset), Asset: id(h.Project, dataset, f.name), Sample: dataset + "." + f.newest,
			Title: "A table may not be read: grant the role BigQuery Metadata Viewer. What is known of it stays.",
		})
	case gone:
		return nil
	case err != nil:
		return err
	}
	a, cut := h.asset(dataset, f, t)
	if cut {
		if err := h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "bigquery.many_fields", Title: "A table has more than 5,000 columns; the first ones are kept.", Sample: a.ID.Name}); err != nil {
			return err
		}
	}
	if err := h.out.Emit(a); err != nil {
		return err
	}
	h.remember(a, t)
	return h.edges(a, t)
}

// edges emits what a table is made of, but for views.
func (h *harvest) edges(a *sdk.Asset, t tableAnswer) error {
	var sent []sdk.NativeID
	emit := func(from sdk.NativeID, method string) error {
		if from == a.ID || slices.Contains(sent, from) {
			return nil
		}
		sent = append(sent, from)
		return h.out.Emit(&sdk.Edge{From: from, To: a.ID, Scope: a.Scope, Kind: "DERIVES", Method: method, Confidence: 1})
	}
	for _, base := range []*baseAnswer{t.Snapshot, t.Clone} {
		if base != nil {
			if err := emit(h.tableID(base.Base), "bigquery.base_table"); err != nil {
				return err
			}
		}
	}
	if t.External != nil {
		for _, uri := range t.External.URIs {
			if from, ok := dataset.FromPattern(uri); ok {
				if err := emit(from.ID, "bigquery.source_uri"); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// named is the table of a path in SQL. The project may be left out, and may have
// a domain in it.
func (h *harvest) named(parts []string) sdk.NativeID {
	r := tableReference{Project: h.Project, Dataset: parts[len(parts)-2], Table: parts[len(parts)-1]}
	if len(parts) > 2 {
		r.Project = strings.Join(parts[:len(parts)-2], ".")
	}
	return h.tableID(r)
}

func (h *harvest) tableID(r tableReference) sdk.NativeID {
	return id(r.Project, r.Dataset, h.shown(r.Table))
}
