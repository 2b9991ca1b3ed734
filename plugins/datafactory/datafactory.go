// Package datafactory harvests Azure Data Factory: pipelines and their
// activities as jobs, the datasets that they read and write, and how the last
// runs ended. It owns what Azure Resource Manager says of a factory; it refuses to read
// secrets, and takes of a connection only where it leads.
package datafactory

import (
	"context"
	_ "embed"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/entra"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const (
	version    = "1.0.0"
	apiVersion = "2018-06-01"
	// namespace is that of everything in Azure, whose names are ids of resources.
	namespace = "azure://management.azure.com"
)

// Config says which subscription to read, and as whom.
type Config struct {
	URL          string   `json:"url" doc:"Address of Azure Resource Manager." format:"url" host:"true" default:"https://management.azure.com"`
	Subscription string   `json:"subscription" doc:"Id of the subscription."`
	Factories    []string `json:"factories,omitempty" doc:"Names of the factories to harvest; all of the subscription when empty."`
	Days         int      `json:"days" doc:"How many days back runs are read, up to 45; 0 for none." default:"7"`
	entra.Config
	HTTP web.Config `json:"http,omitzero"`
}

// Plugin is the harvester of Azure Data Factory.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "datafactory", Version: version, Doc: doc,
			Summary: "Pipelines, activities, datasets, lineage and runs of Azure Data Factory.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

const maxDays = 45 // as long as Azure keeps runs

func judge(c Config) error {
	switch {
	case strings.ContainsAny(c.Subscription, "/?#%\\"):
		return sdk.Config("subscription", "is no id of a subscription", "write the id, such as 00000000-0000-0000-0000-000000000000")
	case c.Days < 0 || c.Days > maxDays:
		return sdk.Config("days", "is no number from 0 to 45", "write how many days back runs are read")
	}
	return errors.Join(c.Judge(), c.HTTP.Judge())
}

type source struct {
	Config
	client *web.Client
	login  *web.Client
	now    func() time.Time
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	agent := "souk-datafactory/" + version
	tokens, login, err := c.SignIn(env, c.HTTP, "https://management.azure.com", agent)
	if err != nil {
		return nil, err
	}
	client, err := web.New(env, c.HTTP, web.Options{Address: c.URL, Agent: agent, Attach: tokens.Attach, Renew: tokens.Renew})
	if err != nil {
		return nil, err
	}
	return &source{Config: c, client: client, login: login, now: env.Now}, nil
}

// Close gives back the connections.
func (s *source) Close() error {
	s.client.Close()
	s.login.Close()
	return nil
}

// list is a listing of Resource Manager.
func list(path string) web.List {
	return web.List{First: web.Request{Path: path, Query: url.Values{"api-version": {apiVersion}}}, Items: []string{"value"}, Next: web.NextLink("nextLink")}
}

// resource is what every resource of Azure has.
type resource[P any] struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Tags       map[string]string `json:"tags"`
	Properties P                 `json:"properties"`
}

// factories lists the factories, those that the configuration names alone if it
// names some.
func (s *source) factories(ctx context.Context) ([]resource[struct{}], error) {
	var all []resource[struct{}]
	path := "/subscriptions/" + url.PathEscape(s.Subscription) + "/providers/Microsoft.DataFactory/factories"
	for f, err := range web.Items[resource[struct{}]](ctx, s.client, list(path)) {
		if err != nil {
			return nil, err
		}
		if len(s.Factories) == 0 || slices.ContainsFunc(s.Factories, func(n string) bool { return strings.EqualFold(n, f.Name) }) {
			all = append(all, f)
		}
	}
	for _, name := range s.Factories {
		if !slices.ContainsFunc(all, func(f resource[struct{}]) bool { return strings.EqualFold(name, f.Name) }) {
			return nil, sdk.Config("factories", "names a factory that is not there, or may not be seen: "+name, "name the factories of the subscription, and give the application the role Reader on them")
		}
	}
	return all, nil
}

// Check lists the factories, and the pipelines of the first one.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	found, err := s.factories(ctx)
	if err := r.Tried("list_factories", err); err != nil || len(found) == 0 {
		return err
	}
	var answer map[string]any
	err = s.client.Into(ctx, web.Request{Path: found[0].ID + "/pipelines", Query: url.Values{"api-version": {apiVersion}}}, &answer)
	return r.Tried("list_pipelines", err)
}
