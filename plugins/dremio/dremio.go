// Package dremio harvests the catalog of Dremio Software and Dremio Cloud: the
// tables and views of its sources and spaces, with fields, wiki, tags and
// lineage. It owns what the catalog's API says; it refuses to run queries, and
// leaves the homes of people alone.
package dremio

import (
	"context"
	_ "embed"
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Config says where Dremio is and how to sign in.
type Config struct {
	URL       string     `json:"url" doc:"Address of Dremio, such as https://dremio.example:9047, or https://api.dremio.cloud." format:"url" host:"true"`
	Project   string     `json:"project,omitempty" doc:"Id of the project, for Dremio Cloud alone."`
	User      string     `json:"user,omitempty" doc:"The user; none where a token is given."`
	Password  string     `json:"password,omitempty" doc:"Password of the user." format:"secret"`
	Token     string     `json:"token,omitempty" doc:"A personal access token in place of user and password." format:"secret"`
	Details   bool       `json:"details" doc:"Whether wiki, tags and lineage are read, which takes three requests more for each table and view." default:"true"`
	Namespace string     `json:"namespace,omitempty" doc:"Namespace of the assets; dremio://HOST:PORT when empty."`
	HTTP      web.Config `json:"http,omitzero"`
}

// Plugin is the Dremio harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "dremio", Version: version, Doc: doc,
			Summary: "Tables, views, wikis, tags and lineage of Dremio's catalog.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

type source struct {
	Config
	open   *web.Client // without credentials, for a token
	client *web.Client
	path   string // before every path of the catalog
}

func judge(c Config) error {
	if strings.ContainsAny(c.Project, "/?#%") {
		return sdk.Config("project", "is no id of a project", "write the id that stands in the project's settings")
	}
	return c.HTTP.Judge()
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	switch {
	case c.Token == "" && c.Project != "":
		return nil, sdk.Config("token", "is missing", "give a personal access token as the secret token; Dremio Cloud takes no password")
	case c.Token == "" && c.User == "":
		return nil, sdk.Config("user", "is missing", "give user and the secret password, or the secret token")
	case c.Token == "" && c.Password == "":
		return nil, sdk.Config("password", "is missing", "give the secret password")
	}
	s := &source{Config: c, path: "/api/v3/catalog"}
	if c.Project != "" {
		s.path = "/v0/projects/" + url.PathEscape(c.Project) + "/catalog"
	}
	options := web.Options{Address: c.URL, Agent: "souk-dremio/" + version}
	var err error
	if s.open, err = web.New(env, c.HTTP, options); err != nil {
		return nil, err
	}
	tokens := web.NewTokens(env.Now, s.login().Get)
	options.Attach = func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+c.Token)
		return nil
	}
	if c.Token == "" {
		options.Renew = tokens.Renew
		options.Attach = func(ctx context.Context, r *http.Request) error {
			err := tokens.Attach(ctx, r)
			// A token for a password is announced by a word of Dremio's own.
			r.Header.Set("Authorization", "_dremio"+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			return err
		}
	}
	if s.client, err = web.New(env, c.HTTP, options); err != nil {
		return nil, err
	}
	if s.Namespace == "" {
		s.Namespace = "dremio://" + s.client.Host()
	}
	return s, nil
}

// Close gives back the connections.
func (s *source) Close() error {
	s.open.Close()
	s.client.Close()
	return nil
}

// login exchanges the password for a token.
func (s *source) login() web.Login {
	return web.Login{
		Server: s.open, Path: "/apiv2/login", Body: map[string]string{"userName": s.User, "password": s.Password}, Field: "token",
		None: sdk.Auth("Dremio gives no token for the user and the password", "give a personal access token in place of them, if people sign in elsewhere"),
	}
}

// Check lists the sources and spaces.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	_, err := s.roots(ctx)
	return r.Tried("list_catalog", err)
}
