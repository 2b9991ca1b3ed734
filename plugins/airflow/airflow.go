// Package airflow harvests Apache Airflow 2 and 3 over its REST API: DAGs and
// their tasks as jobs, and the datasets (assets) that they read and write. It owns what
// Airflow says of them; it refuses to read connections, variables, logs or the
// values that tasks hand on.
package airflow

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Config says where Airflow is and how to sign in.
type Config struct {
	URL       string     `json:"url" doc:"Address of Airflow's web server, such as https://airflow.example; the path before /api where there is one." format:"url" host:"true"`
	User      string     `json:"user,omitempty" doc:"The user; none where a token is given."`
	Password  string     `json:"password,omitempty" doc:"Password of the user." format:"secret"`
	Token     string     `json:"token,omitempty" doc:"A token in place of user and password, as hosted Airflows give it." format:"secret"`
	API       string     `json:"api" doc:"Which API to speak: v1 (Airflow 2), v2 (Airflow 3), or auto." enum:"auto,v1,v2" default:"auto"`
	Namespace string     `json:"namespace,omitempty" doc:"Namespace of the jobs: the one under which Airflow's OpenLineage provider reports them, where it does; airflow://HOST:PORT when empty."`
	Runs      int        `json:"runs" doc:"How many of the last runs of a DAG are read, up to 25; 0 for none." default:"10"`
	HTTP      web.Config `json:"http,omitzero"`
}

// Plugin is the Airflow harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "airflow", Version: version, Doc: doc,
			Summary: "DAGs, tasks, datasets and their lineage of Apache Airflow 2 and 3.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

const maxRuns = 25

func judge(c Config) error {
	if c.Runs < 0 || c.Runs > maxRuns {
		return sdk.Config("runs", "is no number from 0 to 25", "write how many of the last runs of a DAG are read")
	}
	return c.HTTP.Judge()
}

// source is one Airflow.
type source struct {
	config    Config
	namespace string
	open      *web.Client // without credentials: for the version, and for a token
	client    *web.Client
	tokens    *web.Tokens

	mu  sync.Mutex
	api *api // nil until it is known
}

// api is one of the two APIs, and what each calls things.
type api struct {
	path      string // before every other
	datasets  string
	lately    string // the order of runs, the last one first
	all       string // the parameter that also lists what is no longer there, with its value
	inactive  string
	getsToken bool // a password is exchanged for a token
}

var apis = map[string]api{
	"v1": {path: "/api/v1", datasets: "datasets", lately: "-execution_date", all: "only_active", inactive: "false"},
	"v2": {path: "/api/v2", datasets: "assets", lately: "-run_after", all: "exclude_stale", inactive: "false", getsToken: true},
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	switch {
	case c.Token == "" && c.User == "":
		return nil, sdk.Config("user", "is missing", "give user and the secret password, or the secret token")
	case c.Token == "" && c.Password == "":
		return nil, sdk.Config("password", "is missing", "give the secret password")
	}
	s := &source{config: c}
	var err error
	options := web.Options{Address: c.URL, Agent: "souk-airflow/" + version, Expired: noToken}
	if s.open, err = web.New(env, c.HTTP, options); err != nil {
		return nil, err
	}
	s.tokens = web.NewTokens(env.Now, s.login().Get)
	options.Attach = s.attach
	if c.Token == "" {
		options.Renew = s.renew
	}
	if s.client, err = web.New(env, c.HTTP, options); err != nil {
		return nil, err
	}
	if s.namespace = c.Namespace; s.namespace == "" {
		s.namespace = "airflow://" + s.client.Host()
	}
	return s, nil
}

// noToken tells how Airflow 3 refuses a token: with 401 when it has expired, and
// with 403 when it is none, as after a restart with another key.
func noToken(status int, words string) bool {
	return status == http.StatusForbidden && strings.Contains(words, "JWT")
}

// Close gives back the connections.
func (s *source) Close() error {
	s.open.Close()
	s.client.Close()
	return nil
}

// speaks finds out which API there is. Airflow tells its version without
// credentials.
func (s *source) speaks(ctx context.Context) (api, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.api != nil {
		return *s.api, nil
	}
	known, chosen := apis[s.config.API]
	if !chosen {
		var err error
		if known, err = s.find(ctx); err != nil {
			return known, err
		}
	}
	s.api = &known
	return known, nil
}

func (s *source) find(ctx context.Context) (api, error) {
	var last error
	for _, name := range []string{"v2", "v1"} {
		var answer struct {
			Version string `json:"version"`
		}
		err := s.open.Into(ctx, web.Request{Path: apis[name].path + "/version"}, &answer)
		if err == nil && answer.Version != "" {
			return apis[name], nil
		}
		if e, ours := errors.AsType[*sdk.Error](err); err != nil && (!ours || e.Class != sdk.ClassConfig && e.Class != sdk.ClassInternal) {
			return api{}, err
		}
		last = err
	}
	return api{}, &sdk.Error{
		Class: sdk.ClassConfig, Code: "airflow.unknown", Field: "url", Message: "does not lead to the REST API of Airflow 2 or 3", Err: last,
		Fix: "give the address of the web server with the path before /api; what stands before it must let /api/v1 or /api/v2 through",
	}
}

// attach sends the credentials as the API wants them.
func (s *source) attach(ctx context.Context, r *http.Request) error {
	if s.config.Token != "" {
		r.Header.Set("Authorization", "Bearer "+s.config.Token)
		return nil
	}
	a, err := s.speaks(ctx)
	if err != nil {
		return err
	}
	if a.getsToken {
		return s.tokens.Attach(ctx, r)
	}
	r.SetBasicAuth(s.config.User, s.config.Password)
	return nil
}

func (s *source) renew(ctx context.Context) error {
	if a, err := s.speaks(ctx); err != nil || !a.getsToken {
		return err
	}
	return s.tokens.Renew(ctx)
}

// login exchanges the password for a token.
func (s *source) login() web.Login {
	return web.Login{
		Server: s.open, Path: "/auth/token", Body: map[string]string{"username": s.config.User, "password": s.config.Password}, Field: "access_token",
		None: sdk.Auth("Airflow gives no token for the user and the password", "give a token in place of them, if its way to sign in has none"),
	}
}

// Check asks for one of each thing that a harvest reads.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	a, err := s.speaks(ctx)
	if err != nil {
		return r.Tried("connect", err)
	}
	r.OK("connect")
	for _, part := range []struct{ name, path string }{{"list_dags", "/dags?limit=1"}, {"list_" + a.datasets, "/" + a.datasets + "?limit=1"}} {
		var answer map[string]any
		if err := r.Tried(part.name, s.who(a, s.client.Into(ctx, web.Request{Path: a.path + part.path}, &answer))); err != nil {
			return err
		}
	}
	return nil
}

// who tells what a refusal to list DAGs means: Airflow 2 takes whoever gives a
// wrong password for a stranger, and answers 403 as it does where a right is missing.
func (s *source) who(a api, err error) error {
	if a.getsToken || web.Status(err) != http.StatusForbidden {
		return err
	}
	e := sdk.Auth("Airflow 2 refuses the user or the password, or the user has no right to read", "give user and password anew, and the user the role Viewer; auth_backends under [api] has to name airflow.api.auth.backend.basic_auth")
	e.Err = err
	return e
}
