package kafka

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk/web"
)

// connector is one connector of Kafka Connect. Of its configuration only the
// class is kept: the rest holds passwords.
type connector struct {
	name   string
	kind   string // source or sink
	class  string
	state  string
	topics []string
}

type connectorAnswer struct {
	Info struct {
		Type   string            `json:"type"`
		Config map[string]string `json:"config"`
	} `json:"info"`
	Status struct {
		Connector struct {
			State string `json:"state"`
		} `json:"connector"`
	} `json:"status"`
}

// connectors lists the connectors with the topics that each has used.
func (s *source) connectors(ctx context.Context) ([]connector, error) {
	var answers map[string]connectorAnswer
	request := web.Request{Path: "/connectors", Query: url.Values{"expand": {"info", "status"}}}
	if err := s.connect.Into(ctx, request, &answers); err != nil {
		return nil, err
	}
	var all []connector
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		a := answers[name]
		c := connector{name: name, kind: a.Info.Type, class: a.Info.Config["connector.class"], state: a.Status.Connector.State}
		var used map[string]struct {
			Topics []string `json:"topics"`
		}
		err := s.connect.Into(ctx, web.Request{Path: "/connectors/" + url.PathEscape(name) + "/topics"}, &used)
		switch status := web.Status(err); {
		case err == nil:
			c.topics = used[name].Topics
		case status == http.StatusNotFound || status == http.StatusForbidden: // an old version, or topic.tracking.enable is off
			c.topics = configured(a)
		default:
			return nil, err
		}
		c.topics = slices.DeleteFunc(c.topics, func(t string) bool { return t == "" || !s.wants(t) })
		slices.Sort(c.topics)
		all = append(all, c)
	}
	return all, nil
}

// configured are the topics that a sink is told to read, where it tells them one
// by one.
func configured(a connectorAnswer) (topics []string) {
	for t := range strings.SplitSeq(a.Info.Config["topics"], ",") {
		topics = append(topics, strings.TrimSpace(t))
	}
	return topics
}
