// Package atlas harvests Apache Atlas and Microsoft Purview, whose data map
// speaks Atlas' language: datasets with their columns, classifications, terms,
// owners and lineage. It owns that language; it refuses to write, and to take a
// catalogue's word for what it does not show whole.
package atlas

import (
	"context"
	_ "embed"
	"errors"
	"net/http"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Config says where Atlas is and how to sign in.
type Config struct {
	URL       string            `json:"url" doc:"Address of Atlas, such as https://atlas.example:21443; the path before /api where there is one." format:"url" host:"true"`
	User      string            `json:"user" doc:"The user."`
	Password  string            `json:"password" doc:"Password of the user." format:"secret"`
	Namespace string            `json:"namespace,omitempty" doc:"Namespace of what has no address of its own; atlas://HOST:PORT when empty."`
	Clusters  map[string]string `json:"clusters,omitempty" doc:"Namespace of the tables of a Hive cluster, by the name behind the @ of their names, such as cl1: hive://metastore.example:9083."`
	HTTP      web.Config        `json:"http,omitzero"`
}

// Plugin is the harvester of Apache Atlas.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "atlas", Version: version, Doc: doc,
			Summary: "Datasets, columns, classifications, terms and lineage of Apache Atlas.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: func(c Config) error { return c.HTTP.Judge() },
	}
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	client, err := web.New(env, c.HTTP, web.Options{
		Address: c.URL, Agent: "souk-atlas/" + version,
		Attach: func(_ context.Context, r *http.Request) error {
			r.SetBasicAuth(c.User, c.Password)
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	s := &source{client: client, catalogue: &atlas{client}, path: "/api/atlas/v2", namespace: c.Namespace, clusters: c.Clusters, close: client.Close}
	if s.namespace == "" {
		s.namespace = "atlas://" + client.Host()
	}
	return s, nil
}

// catalogue is in what the two differ: how their entities are listed.
type catalogue interface {
	// list hands on the guids of all entities, by the scope in which they are
	// listed. A scope whose error is noted is not done.
	list(ctx context.Context, types *types, found func(scope, guid, kind string) error) (scopes []string, err error)
}

// source is one catalogue.
type source struct {
	client    *web.Client
	catalogue catalogue
	path      string // of Atlas' API
	version   string // of the API, as a parameter; none at Atlas
	namespace string
	clusters  map[string]string
	close     func()
}

// Close gives back the connections.
func (s *source) Close() error {
	s.close()
	return nil
}

// Check reads the types, and the first entities.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	known, err := s.types(ctx)
	if err := r.Tried("read_types", err); err != nil || known == nil {
		return err
	}
	enough := errors.New("one is enough")
	_, err = s.catalogue.list(ctx, known, func(_, guid, _ string) error {
		if _, err := s.bulk(ctx, []string{guid}); err != nil {
			return err
		}
		return enough
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return r.Tried("read_entities", err)
}
