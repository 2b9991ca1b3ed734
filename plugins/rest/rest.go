// Package rest harvests a system that answers in JSON over HTTP, as a mapping
// says that its operator writes: what is asked, how it pages, and how an answer
// becomes assets. It owns the mapping's language, and refuses to be a program:
// there are no conditions, no arithmetic and no requests but those that read.
package rest

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Config says where the system is, how to sign in and what to ask.
type Config struct {
	URL     string `json:"url" doc:"Address under which all that is asked lies, such as https://api.example." format:"url" host:"true"`
	Mapping string `json:"mapping" doc:"What is asked and how answers become assets, in YAML or JSON; the page of the plugin describes it."`

	Auth         string   `json:"auth" doc:"How to sign in: none; basic (user and password); bearer (a token); header (a key in a header of its own); client (OAuth 2 client credentials); refresh (an OAuth 2 refresh token)." enum:"none,basic,bearer,header,client,refresh" default:"none"`
	User         string   `json:"user,omitempty" doc:"The user, for basic."`
	Header       string   `json:"header,omitempty" doc:"Name of the header that takes the key, for header."`
	Credential   string   `json:"credential,omitempty" doc:"The password, the token or the key, for basic, bearer and header." format:"secret"`
	OAuthURL     string   `json:"oauthUrl,omitempty" doc:"Address that gives tokens, for client and refresh." format:"url" host:"true"`
	ClientID     string   `json:"clientId,omitempty" doc:"Id of the client, for client and refresh."`
	ClientSecret string   `json:"clientSecret,omitempty" doc:"Secret of the client, for client and refresh." format:"secret"`
	ClientIn     string   `json:"clientIn" doc:"Where the token server wants id and secret of the client." enum:"header,body" default:"header"`
	RefreshToken string   `json:"refreshToken,omitempty" doc:"The refresh token, for refresh." format:"secret"`
	Scopes       []string `json:"scopes,omitempty" doc:"Scopes to ask a token for."`

	MaxTime string     `json:"maxTime" doc:"How long one run may take." format:"duration" default:"50m"`
	HTTP    web.Config `json:"http,omitzero"`
}

// Plugin is the declarative REST harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "rest", Version: version, Doc: doc,
			Summary: "Any system with a JSON API, by a mapping that you write.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

type source struct {
	mapping   *mapping
	namespace string
	client    *web.Client
	tokens    *web.Client // nil without OAuth
	maxTime   time.Duration
	now       func() time.Time
	rotated   bool
}

func judge(c Config) error {
	_, err := parse(c.Mapping)
	if err != nil {
		return err
	}
	if _, err := c.limit(); err != nil {
		return err
	}
	return errors.Join(c.judgeAuth(), c.HTTP.Judge())
}

func (c Config) limit() (time.Duration, error) {
	d, err := time.ParseDuration(c.MaxTime)
	if c.MaxTime == "" {
		d, err = 50*time.Minute, nil
	}
	if err != nil || d <= 0 {
		return 0, sdk.Config("maxTime", "is no duration above 0", "write a duration such as 50m")
	}
	return d, nil
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	m, err := parse(c.Mapping)
	if err != nil {
		return nil, err
	}
	s := &source{mapping: m, now: env.Now}
	if s.maxTime, err = c.limit(); err != nil {
		return nil, err
	}
	attach, renew, err := s.signIn(c, env)
	if err != nil {
		return nil, err
	}
	s.client, err = web.New(env, c.HTTP, web.Options{Address: c.URL, Agent: "souk-rest/" + version, Attach: attach, Renew: renew})
	if err != nil {
		return nil, err
	}
	if s.namespace = m.Namespace; s.namespace == "" {
		s.namespace = "rest://" + s.client.Host()
	}
	return s, nil
}

// Close gives back the connections.
func (s *source) Close() error {
	s.client.Close()
	if s.tokens != nil {
		s.tokens.Close()
	}
	return nil
}

// Check asks for the first item of each list.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	for _, l := range s.mapping.Lists {
		if err := r.Tried("list "+l.Name, s.first(ctx, l)); err != nil {
			return err
		}
	}
	return nil
}

// Harvest goes through the lists in their order. One that may not be read is
// noted, and the others go on; the run fails when there is none that may.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	limited, cancel := context.WithTimeout(ctx, s.maxTime)
	defer cancel()
	err := s.all(limited, out)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if limited.Err() != nil {
		return sdk.Unavailable("the run took longer than "+s.maxTime.String(), "raise maxTime or http.requestsPerSecond, or ask for less in the mapping", err)
	}
	return err
}

func (s *source) all(ctx context.Context, out sdk.Sink) error {
	h := newHarvest(s, out)
	var refused error
	read := 0
	for _, l := range s.mapping.Lists {
		err := h.list(ctx, l)
		if err != nil && !partly(err) {
			return err
		}
		if err == nil {
			read++
			continue
		}
		refused = err
		if err := h.unread(l, err); err != nil {
			return err
		}
	}
	if read == 0 {
		return refused
	}
	return h.end()
}

// partly reports whether the error is of one list alone, so that the next may
// be read.
func partly(err error) bool {
	e, ours := errors.AsType[*sdk.Error](err)
	return ours && (e.Class == sdk.ClassDenied || e.Code == codeUnmapped || web.Status(err) == http.StatusNotFound)
}
