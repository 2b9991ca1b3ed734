// Package trino harvests what one Trino cluster shows: catalogs, schemas,
// tables, views with their SQL, materialized views, columns, comments, and what
// views are made of. It owns the questions that it asks over Trino's protocol; it
// reads no row of a user's table, and runs nothing that writes.
package trino

import (
	"context"
	_ "embed"
	"net/http"
	"slices"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Config says where Trino is and how to sign in.
type Config struct {
	URL       string            `json:"url" doc:"Address of the coordinator, such as https://trino.example:8443." format:"url" host:"true"`
	User      string            `json:"user" doc:"The user, as whom the questions are asked."`
	Password  string            `json:"password,omitempty" doc:"Password of the user, where the cluster asks for one." format:"secret"`
	Token     string            `json:"token,omitempty" doc:"A JSON Web Token in place of a password." format:"secret"`
	Include   []string          `json:"includeCatalogs,omitempty" doc:"The catalogs to harvest; all when empty."`
	Exclude   []string          `json:"excludeCatalogs,omitempty" doc:"Catalogs to leave out, such as tpch."`
	Catalogs  map[string]string `json:"catalogs,omitempty" doc:"Where the tables of a catalog really are, by its name: postgres://HOST:PORT/DATABASE, mysql://HOST:PORT, hive://HOST:PORT, arn:aws:glue:REGION:ACCOUNT. They are then the assets that the source itself shows."`
	Lineage   string            `json:"lineage" doc:"How it is found out what a view is made of: explain asks Trino for the plan of the view, which needs SELECT on it; leave does not ask." enum:"explain,leave" default:"explain"`
	Namespace string            `json:"namespace,omitempty" doc:"Namespace of the assets in place of trino://HOST:PORT, where clients know the cluster by another name."`
	HTTP      web.Config        `json:"http,omitzero"`
}

// Plugin is the Trino harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "trino", Version: version, Doc: doc,
			Summary: "Catalogs, tables, views, columns and view lineage as a Trino cluster shows them.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

type source struct {
	Config
	client  *web.Client
	systems map[string]dataset.System // by catalog
}

func judge(c Config) error {
	if _, err := systemsOf(c.Catalogs); err != nil {
		return err
	}
	return c.HTTP.Judge()
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	switch {
	case c.User == "":
		return nil, sdk.Config("user", "is missing", "give the user as whom the questions are asked")
	case c.Password != "" && c.Token != "":
		return nil, sdk.Config("token", "stands beside a password", "give one of the secrets token and password")
	}
	s := &source{Config: c}
	var err error
	if s.systems, err = systemsOf(c.Catalogs); err != nil {
		return nil, err
	}
	if s.client, err = web.New(env, c.HTTP, web.Options{Address: c.URL, Agent: "souk-trino/" + version, Attach: s.attach}); err != nil {
		return nil, err
	}
	if s.Namespace == "" {
		s.Namespace = "trino://" + s.client.Host()
	}
	return s, nil
}

// attach signs a request in.
func (s *source) attach(_ context.Context, r *http.Request) error {
	r.Header.Set("X-Trino-User", s.User)
	r.Header.Set("X-Trino-Source", "souk")
	switch {
	case s.Token != "":
		r.Header.Set("Authorization", "Bearer "+s.Token)
	case s.Password != "":
		r.SetBasicAuth(s.User, s.Password)
	}
	return nil
}

// Close gives back the connections.
func (s *source) Close() error {
	s.client.Close()
	return nil
}

// Check lists the catalogs, and the tables of each.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	c := &conversation{source: s}
	catalogs, err := c.catalogs(ctx)
	if err != nil {
		return r.Tried("list_catalogs", err)
	}
	r.OK("list_catalogs")
	whole := true
	for _, name := range s.absent(catalogs) {
		whole = false
		r.Failed("list_tables", "there is no catalog "+quote(name)+" that the user may see", "take it out of includeCatalogs, or let the user see it")
	}
	for _, catalog := range catalogs {
		if _, err := c.tables(ctx, catalog); err != nil {
			whole = false
			if err := r.Tried("list_tables", err); err != nil {
				return err
			}
		}
	}
	if whole {
		r.OK("list_tables")
	}
	return nil
}

// absent are the catalogs to include that are not there.
func (s *source) absent(there []catalog) []string {
	return slices.DeleteFunc(slices.Clone(s.Include), func(name string) bool {
		return slices.ContainsFunc(there, func(c catalog) bool { return c.name == name })
	})
}
