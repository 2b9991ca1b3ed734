// Package bigquery harvests a project of Google BigQuery: datasets, tables, views
// and what these are made of. It owns what the REST API says of a table; it
// refuses to run a query, and so to read a row.
package bigquery

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/google"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Config says which project to read, and as whom.
type Config struct {
	URL string `json:"url" doc:"Address of BigQuery." format:"url" host:"true" default:"https://bigquery.googleapis.com"`
	google.Account
	RightsURL string     `json:"rightsUrl" doc:"Address of the Resource Manager, which tells what the service account may do in the project." format:"url" host:"true" default:"https://cloudresourcemanager.googleapis.com"`
	Project   string     `json:"project" doc:"Id of the project."`
	Include   []string   `json:"includeDatasets,omitempty" doc:"The datasets to harvest; all when empty."`
	Exclude   []string   `json:"excludeDatasets,omitempty" doc:"Datasets to leave out."`
	Shards    string     `json:"shards" doc:"Whether tables whose names end in a date, such as events_20261130, are one (fold, named events_*) or many (list)." enum:"fold,list" default:"fold"`
	HTTP      web.Config `json:"http,omitzero"`
}

// Plugin is the harvester of BigQuery.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "bigquery", Version: version, Doc: doc,
			Summary: "Datasets, tables, views, nested columns, keys and view lineage of Google BigQuery.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

func judge(c Config) error {
	switch {
	case strings.ContainsAny(c.Project, "/?#%\\"):
		return sdk.Config("project", "is no id of a project", "write the id, such as acme-data")
	case !slices.Contains([]string{"", "fold", "list"}, c.Shards):
		return sdk.Config("shards", "is not known", "write fold or list")
	}
	return c.HTTP.Judge()
}

type source struct {
	Config
	client *web.Client
	rights *web.Client
	ends   []func()
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	s := &source{Config: c}
	for _, one := range []struct {
		address string
		into    **web.Client
	}{{c.URL, &s.client}, {c.RightsURL, &s.rights}} {
		client, end, err := c.Clients(env, c.HTTP, one.address, "souk-bigquery/"+version, google.ReadOnly)
		if err != nil {
			_ = s.Close()
			return nil, err
		}
		*one.into, s.ends = client, append(s.ends, end)
	}
	return s, nil
}

// Close gives back the connections.
func (s *source) Close() error {
	for _, end := range s.ends {
		end()
	}
	return nil
}

// Check lists the datasets, and tries one of them.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	datasets, absent, err := s.datasets(ctx)
	if err != nil {
		return r.Tried("list_datasets", err)
	}
	for _, name := range absent {
		r.Failed("list_datasets", "there is no dataset "+name+" that the service account may see", "take it out of includeDatasets, create it, or grant the role BigQuery Metadata Viewer")
	}
	if len(absent) == 0 {
		r.OK("list_datasets")
	}
	for _, d := range datasets[:min(1, len(datasets))] {
		if _, err := s.tables(ctx, d); err != nil {
			return r.Tried("list_tables", err)
		}
		r.OK("list_tables")
	}
	return ctx.Err()
}

func (s *source) path(parts ...string) string {
	path := []string{"/bigquery/v2/projects", url.PathEscape(s.Project)}
	for _, p := range parts {
		path = append(path, url.PathEscape(p))
	}
	return strings.Join(path, "/")
}

func (s *source) pages(path, items string) web.List {
	return web.List{
		First: web.Request{Path: path, Query: url.Values{"maxResults": {"1000"}}},
		Items: []string{items}, Next: web.NextCursor("pageToken", "nextPageToken"), MayLack: true,
	}
}

// datasets lists those that are wanted, and those to be included that are not there.
func (s *source) datasets(ctx context.Context) (names, absent []string, err error) {
	var all []string
	for one, err := range web.Items[datasetAnswer](ctx, s.client, s.pages(s.path("datasets"), "datasets")) {
		if err != nil {
			return nil, nil, err
		}
		all = append(all, one.Reference.Dataset)
	}
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		if (len(s.Include) == 0 || slices.Contains(s.Include, name)) && !slices.Contains(s.Exclude, name) {
			names = append(names, name)
		}
	}
	for _, name := range s.Include {
		if !slices.Contains(all, name) {
			absent = append(absent, name)
		}
	}
	return names, absent, nil
}

// tables lists those of a dataset.
func (s *source) tables(ctx context.Context, dataset string) ([]string, error) {
	var all []string
	for one, err := range web.Items[tableAnswer](ctx, s.client, s.pages(s.path("datasets", dataset, "tables"), "tables")) {
		if err != nil {
			return nil, err
		}
		all = append(all, one.Reference.Table)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// needed are the rights by which a service account sees all of a project.
var needed = []string{"bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.list"}

// seesAll tells whether the service account has its rights on the whole project:
// BigQuery leaves out the datasets on which it has none.
func (s *source) seesAll(ctx context.Context) (bool, error) {
	request, err := web.Request{Method: http.MethodPost, Path: "/v1/projects/" + url.PathEscape(s.Project) + ":testIamPermissions", Asks: true}.JSON(map[string]any{"permissions": needed})
	if err != nil {
		return false, err
	}
	var answer struct {
		Permissions []string `json:"permissions"`
	}
	if err := s.rights.Into(ctx, request, &answer); err != nil {
		if e, ours := errors.AsType[*sdk.Error](err); ours && (e.Class == sdk.ClassDenied || web.Status(err) == http.StatusNotFound) {
			return false, nil // the API is not enabled, or may not be asked
		}
		return false, err
	}
	for _, right := range needed {
		if !slices.Contains(answer.Permissions, right) {
			return false, nil
		}
	}
	return true, nil
}
