// Package glue harvests AWS Glue: the databases and tables of the Data Catalog,
// and the jobs, crawlers, triggers, workflows and connections beside it. It owns
// what Glue says of them. It refuses to read scripts, partitions or data, the
// arguments of jobs but for where they lead, and of a connection all but where it
// leads.
package glue

import (
	"context"
	_ "embed"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"

	access "github.com/souk-mesh/souk/plugins/internal/aws"
	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Config says which catalog to read, and as whom.
type Config struct {
	access.Access
	CatalogID string `json:"catalogId,omitempty" doc:"Id of the catalog: that of the account that the credentials are of when empty, or the id of another account, or ACCOUNT:CATALOG for one that is held in another."`
	Account   string `json:"account,omitempty" doc:"Id of the account that the jobs are of, where it is neither that of the catalog nor that of roleArn."`
	metastore.Choice
	Jobs string `json:"jobs" doc:"Whether jobs, crawlers, triggers, workflows and connections are read beside the catalog: read, or skip." enum:"read,skip" default:"read"`
	Runs int    `json:"runs" doc:"How many of the last runs of a job are read, up to 25; 0 for none. It takes a request for each job." default:"10"`
	Tags string `json:"tags" doc:"Whether the tags of databases, jobs, crawlers, triggers, workflows and connections are read: read, or skip. It takes a request for each of them." enum:"read,skip" default:"read"`
}

// Plugin is the harvester of AWS Glue.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "glue", Version: "1.0.0", Doc: doc,
			Summary: "Databases, tables, views, jobs with runs, crawlers, triggers, workflows and their lineage of AWS Glue.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

const maxRuns = 25

func judge(c Config) error {
	if err := c.Judge(); err != nil {
		return err
	}
	if c.Runs < 0 || c.Runs > maxRuns {
		return sdk.Config("runs", "is no number from 0 to 25", "write how many of the last runs of a job are read")
	}
	return c.JudgeNames()
}

type source struct {
	config Config
	client *glue.Client
	shut   func()
}

func open(_ context.Context, c Config, _ sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	settings, err := c.Settings()
	if err != nil {
		return nil, err
	}
	return &source{config: c, client: glue.NewFromConfig(settings), shut: func() { access.Shut(settings) }}, nil
}

// Close gives back the connections.
func (s *source) Close() error {
	s.shut()
	return nil
}

// catalog is the catalog as a request names it; nil for the account's own.
func (s *source) catalog() *string {
	if s.config.CatalogID == "" {
		return nil
	}
	return &s.config.CatalogID
}

// Check lists the databases, and asks for one of each other thing that a harvest
// reads.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	h := s.newHarvest(nil)
	databases, err := h.databases(ctx)
	if err == nil {
		err = h.whose(databases)
	}
	if err != nil {
		return report(r, "list databases", err)
	}
	r.OK("list databases")
	one := aws.Int32(1)
	if len(databases) > 0 {
		_, err = s.client.GetTables(ctx, &glue.GetTablesInput{CatalogId: s.catalog(), DatabaseName: databases[0].Name, MaxResults: one})
		if err := report(r, "list tables", s.explain(err, "the list of tables", "glue:GetTables")); err != nil {
			return err
		}
	}
	if s.config.Jobs == "skip" {
		return nil
	}
	for _, part := range []struct {
		what, action string
		ask          func() error
	}{
		{"list jobs", "glue:GetJobs", func() error { _, err := s.client.GetJobs(ctx, &glue.GetJobsInput{MaxResults: one}); return err }},
		{"list crawlers", "glue:GetCrawlers", func() error {
			_, err := s.client.GetCrawlers(ctx, &glue.GetCrawlersInput{MaxResults: one})
			return err
		}},
		{"list triggers", "glue:GetTriggers", func() error {
			_, err := s.client.GetTriggers(ctx, &glue.GetTriggersInput{MaxResults: one})
			return err
		}},
		{"list workflows", "glue:ListWorkflows", func() error {
			_, err := s.client.ListWorkflows(ctx, &glue.ListWorkflowsInput{MaxResults: one})
			return err
		}},
		{"list connections", "glue:GetConnections", func() error {
			_, err := s.client.GetConnections(ctx, &glue.GetConnectionsInput{CatalogId: s.catalog(), HidePassword: true, MaxResults: one})
			return err
		}},
	} {
		if err := report(r, part.what, s.explain(part.ask(), "to "+part.what, part.action)); err != nil {
			return err
		}
	}
	return nil
}

// report reports a capability. Only an error that is nobody's turn comes back.
func report(r *sdk.Report, what string, err error) error {
	e, ours := asError(err)
	switch {
	case err == nil:
		r.OK(what)
	case ours:
		r.Failed(what, e.Error(), e.Fix)
	default:
		return err
	}
	return nil
}

// explain says of an error of the service what to do.
func (s *source) explain(err error, what, action string) error {
	if err == nil {
		return nil
	}
	switch access.Code(err) {
	case "EntityNotFoundException":
		return &sdk.Error{
			Class: sdk.ClassConfig, Code: "glue.not_found", Field: "catalogId", Err: err,
			Message: "leads to no catalog that has what was asked for (" + what + ")", Fix: "write the id of an account whose catalog is shared with this one, or leave it empty",
		}
	case "GlueEncryptionException":
		return &sdk.Error{
			Class: sdk.ClassDenied, Code: "glue.encrypted", Err: err, Message: what + " is denied: the catalog is encrypted and its key is not given",
			Fix: "allow it in a policy: " + access.Allow("kms:Decrypt", "the ARN of the catalog's key"),
		}
	}
	return s.config.Explain(err, what, access.Allow(action, "*")+"; where Lake Formation guards the catalog, grant DESCRIBE there")
}
