// Package superset harvests Apache Superset: databases, datasets with columns and
// metrics, charts, dashboards, and what is made of what. It owns what the REST API
// says of them. It refuses to run a query, and keeps of the address of a database
// where it is and nothing else.
package superset

import (
	"context"
	_ "embed"
	"net/http"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Config says where Superset is and how to sign in.
type Config struct {
	URL       string            `json:"url" doc:"Address of Superset, such as https://superset.example." format:"url" host:"true"`
	User      string            `json:"user" doc:"The user that reads."`
	Password  string            `json:"password" doc:"Password of the user." format:"secret"`
	Provider  string            `json:"provider" doc:"Who knows the user: Superset itself (db), or a directory (ldap)." enum:"db,ldap" default:"db"`
	Databases map[string]string `json:"databases,omitempty" doc:"Where the databases are, by their name in Superset, such as postgres://db.example:5432/shop. One that is not named here is asked of Superset, which tells it to those alone who may change it."`
	Namespace string            `json:"namespace,omitempty" doc:"Namespace of the assets; superset://HOST:PORT when empty."`
	HTTP      web.Config        `json:"http,omitzero"`
}

// Plugin is the Superset harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "superset", Version: version, Doc: doc,
			Summary: "Databases, datasets, metrics, charts, dashboards and their lineage of Apache Superset.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

type source struct {
	Config
	open   *web.Client // without credentials
	client *web.Client
	places map[string]at // by the name of a database
}

func judge(c Config) error {
	if _, err := placesOf(c.Databases); err != nil {
		return err
	}
	return c.HTTP.Judge()
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	if c.User == "" {
		return nil, sdk.Config("user", "is missing", "give the user that reads")
	}
	if c.Password == "" {
		return nil, sdk.Config("password", "is missing", "give the secret password of the user")
	}
	s := &source{Config: c}
	s.places, _ = placesOf(c.Databases)
	options := web.Options{Address: c.URL, Agent: "souk-superset/" + version}
	var err error
	if s.open, err = web.New(env, c.HTTP, options); err != nil {
		return nil, err
	}
	tokens := web.NewTokens(env.Now, (&session{source: s}).get)
	options.Attach, options.Renew = tokens.Attach, tokens.Renew
	options.Expired = func(status int, _ string) bool { return status == http.StatusUnprocessableEntity }
	if s.client, err = web.New(env, c.HTTP, options); err != nil {
		return nil, err
	}
	if s.Namespace == "" {
		s.Namespace = "superset://" + s.client.Host()
	}
	return s, nil
}

// Close gives back the connections.
func (s *source) Close() error {
	s.open.Close()
	s.client.Close()
	return nil
}

// Check lists a little of everything that a harvest reads.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	for _, l := range []listing{databaseList, datasetList, chartList, dashboardList} {
		var answer struct{ Count int }
		if err := r.Tried("list_"+l.resource+"s", s.client.Into(ctx, l.page(0, 1), &answer)); err != nil {
			return err
		}
	}
	return nil
}
