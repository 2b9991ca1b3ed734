// Package kafka harvests a Kafka cluster: topics with their configuration, the
// schemas that a registry keeps for them, the consumer groups that read them and
// the connectors that move them. It owns which schema belongs to which topic. It
// refuses to read a record, and joins no group. With a credential of its own it gives
// users the right to read topics, and takes it away.
package kafka

import (
	"context"
	_ "embed"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Plugin is the harvester of Kafka.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "kafka", Version: version, Doc: doc,
			Summary: "Topics, schemas, consumer groups and connectors of a Kafka cluster.",
			Emits:   []string{"asset", "edge"}, Offers: []string{sdk.OffersGrants},
		},
		Open: open,
		Judge: func(c Config) error {
			_, err := c.parse()
			return err
		},
	}
}

type source struct {
	*parsed
	client   *kgo.Client
	admin    *kadm.Client
	registry *web.Client // nil where there is none
	connect  *web.Client
}

// open connects to nothing yet.
func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	p, err := c.parse()
	if err != nil {
		return nil, err
	}
	s := &source{parsed: p}
	if s.registry, err = p.service(env, "registry", c.Registry); err != nil {
		return nil, err
	}
	if s.connect, err = p.service(env, "connect", c.Connect); err != nil {
		return nil, err
	}
	if s.client, err = kgo.NewClient(p.options()...); err != nil {
		return nil, sdk.Config("brokers", "are not understood", "write each as broker.example:9092")
	}
	s.admin = kadm.NewClient(s.client)
	return s, nil
}

// service gives the client for a server beside the brokers, or nil for none.
func (p *parsed) service(env sdk.Env, field string, s Service) (*web.Client, error) {
	if s.URL == "" {
		if s.User != "" || s.Password != "" || s.Token != "" {
			return nil, sdk.Config(field+".url", "is missing", "give the address, or take user, password and token out")
		}
		return nil, nil //nolint:nilnil // none is an answer here
	}
	return web.New(env, p.HTTP, web.Options{
		Address: s.URL, Field: field + ".url", Agent: "souk-kafka/" + version,
		Attach: web.Credentials{User: s.User, Password: s.Password, Token: s.Token}.Attach,
	})
}

// Close gives back the connections.
func (s *source) Close() error {
	s.client.Close()
	for _, c := range []*web.Client{s.registry, s.connect} {
		if c != nil {
			c.Close()
		}
	}
	return nil
}

// Check tries what a harvest does.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	topics, err := s.topics(ctx)
	if err != nil {
		return r.Tried("connect", err)
	}
	r.OK("connect")
	for _, step := range []struct {
		capability string
		try        func(context.Context) error
		wanted     bool
	}{
		{"see_everything", s.seesAll, s.Visibility != "trust"},
		{"read_configs", func(ctx context.Context) error { return s.configs(ctx, topics[:min(1, len(topics))]) }, true},
		{"list_groups", func(ctx context.Context) error { _, err := s.groups(ctx); return err }, s.Groups != "off"},
		{"list_subjects", func(ctx context.Context) error { _, err := s.subjects(ctx); return err }, s.registry != nil},
		{"list_connectors", func(ctx context.Context) error { _, err := s.connectors(ctx); return err }, s.connect != nil},
		{"grants", s.checkGrants, s.Grants.User != ""},
	} {
		if !step.wanted {
			continue
		}
		if err := step.try(ctx); err != nil {
			if err := r.Tried(step.capability, err); err != nil {
				return err
			}
			continue
		}
		r.OK(step.capability)
	}
	return ctx.Err()
}
