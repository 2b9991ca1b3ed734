// Package dataflow harvests Google Cloud Dataflow: its jobs with their runs, and
// the tables, files and topics that they read and write. It owns what Dataflow
// tells of a job; it refuses to read data, logs or the metrics of workers.
package dataflow

import (
	"context"
	_ "embed"
	"net/url"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/google"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Config says which project to read, and as whom.
type Config struct {
	URL string `json:"url" doc:"Address of Dataflow." format:"url" host:"true" default:"https://dataflow.googleapis.com"`
	google.Account
	Project string     `json:"project" doc:"Id of the project."`
	Days    int        `json:"days" doc:"How many days back jobs are taken that no longer run; 0 for all that Dataflow keeps." default:"0"`
	HTTP    web.Config `json:"http,omitzero"`
}

// Plugin is the harvester of Google Cloud Dataflow.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "dataflow", Version: version, Doc: doc,
			Summary: "Jobs, runs and lineage of Google Cloud Dataflow.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

func judge(c Config) error {
	switch {
	case strings.ContainsAny(c.Project, "/?#%\\"):
		return sdk.Config("project", "is no id of a project", "write the id, such as acme-data")
	case c.Days < 0:
		return sdk.Config("days", "is below 0", "write how many days back jobs are taken, or 0 for all")
	}
	return c.HTTP.Judge()
}

type source struct {
	Config
	client *web.Client
	end    func()
	now    func() time.Time
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	client, end, err := c.Clients(env, c.HTTP, c.URL, "souk-dataflow/"+version, google.ReadOnly)
	if err != nil {
		return nil, err
	}
	return &source{Config: c, client: client, end: end, now: env.Now}, nil
}

// Close gives back the connections.
func (s *source) Close() error {
	s.end()
	return nil
}

// Check asks for one job.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	request := web.Request{Path: "/v1b3/projects/" + url.PathEscape(s.Project) + "/jobs:aggregated", Query: url.Values{"pageSize": {"1"}}}
	var answer map[string]any
	return r.Tried("list_jobs", s.client.Into(ctx, request, &answer))
}
