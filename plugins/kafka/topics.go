package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/souk-mesh/souk/sdk"
)

// topic is one topic, as the brokers show it.
type topic struct {
	name       string
	id         string
	partitions int
	replicas   int
	configs    map[string]string // nil where they may not be read
	records    *int64
}

// topics lists those that are wanted, in order.
func (s *source) topics(ctx context.Context) ([]*topic, error) {
	found, err := s.admin.ListTopics(ctx)
	if err != nil {
		return nil, s.explain(err)
	}
	var all []*topic
	for _, d := range found.Sorted() {
		if !s.wants(d.Topic) || d.IsInternal {
			continue
		}
		if d.Err != nil && !errors.Is(d.Err, kerr.LeaderNotAvailable) {
			return nil, s.explain(d.Err)
		}
		t := &topic{name: d.Topic, partitions: len(d.Partitions), replicas: d.Partitions.NumReplicas()}
		if d.ID != (kadm.TopicID{}) {
			t.id = hex.EncodeToString(d.ID[:])
		}
		all = append(all, t)
	}
	return all, nil
}

// configKeys are those that say something of the data.
var configKeys = []string{"cleanup.policy", "retention.ms", "retention.bytes", "min.insync.replicas", "max.message.bytes", "compression.type", "message.timestamp.type"}

// configs reads the configuration of topics, by hundreds. Who may not read that
// of one gets an error of sdk.ClassDenied, and what may be read is filled in.
func (s *source) configs(ctx context.Context, topics []*topic) error {
	byName := map[string]*topic{}
	for _, t := range topics {
		byName[t.name] = t
	}
	var refused error
	for some := range slices.Chunk(topics, 500) {
		var names []string
		for _, t := range some {
			names = append(names, t.name)
		}
		answers, err := s.admin.DescribeTopicConfigs(ctx, names...)
		if err != nil {
			return s.explain(err)
		}
		for _, a := range answers {
			switch {
			case errors.Is(a.Err, kerr.TopicAuthorizationFailed), errors.Is(a.Err, kerr.UnknownTopicOrPartition):
				refused = s.explain(kerr.TopicAuthorizationFailed)
			case a.Err != nil:
				return s.explain(a.Err)
			default:
				byName[a.Name].take(a.Configs)
			}
		}
	}
	return refused
}

func (t *topic) take(configs []kadm.Config) {
	t.configs = map[string]string{}
	for _, c := range configs {
		if slices.Contains(configKeys, c.Key) && c.Value != nil && !c.Sensitive {
			t.configs[strings.ReplaceAll(c.Key, ".", "_")] = *c.Value
		}
	}
}

// count reads how many records the topics hold, as far as their offsets tell.
func (s *source) count(ctx context.Context, topics []*topic) error {
	for some := range slices.Chunk(topics, 500) {
		var names []string
		for _, t := range some {
			names = append(names, t.name)
		}
		first, err := s.admin.ListStartOffsets(ctx, names...)
		if err != nil {
			return s.explain(err)
		}
		last, err := s.admin.ListEndOffsets(ctx, names...)
		if err != nil {
			return s.explain(err)
		}
		for _, t := range some {
			t.records = between(first[t.name], last[t.name])
		}
	}
	return nil
}

// between is nil where a partition does not answer.
func between(first, last map[int32]kadm.ListedOffset) *int64 {
	var sum int64
	for n, end := range last {
		begin, ok := first[n]
		if !ok || begin.Err != nil || end.Err != nil {
			return nil
		}
		sum += max(0, end.Offset-begin.Offset)
	}
	return &sum
}

// seesAll is nil where the user is shown every topic and group: the cluster asks
// for no rights, or a rule lets the user describe all. A broker leaves out what
// the user may not describe.
func (s *source) seesAll(ctx context.Context) error {
	me := "User:" + s.User
	if s.User == "" {
		me = "User:ANONYMOUS"
	}
	found, err := s.admin.DescribeACLs(ctx, kadm.NewACLs().AnyResource().Allow().AllowHosts().Deny().DenyHosts().Operations().ResourcePatternType(kadm.ACLPatternAny))
	for _, one := range found {
		err = errors.Join(err, one.Err)
	}
	switch {
	case errors.Is(err, kerr.SecurityDisabled):
		return nil
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return s.blind("may not read the rights of the cluster")
	case err != nil:
		return s.explain(err)
	}
	sees := map[kmsg.ACLResourceType]bool{}
	for _, result := range found {
		for _, rule := range result.Described {
			switch {
			case rule.Principal != me && rule.Principal != "User:*":
			case rule.Permission == kmsg.ACLPermissionTypeDeny:
				if rule.Operation == kadm.OpDescribe || rule.Operation == kadm.OpAll {
					return s.blind("is denied to describe something by a rule")
				}
			case rule.Name == "*" && rule.Pattern == kadm.ACLPatternLiteral && rule.Host == "*" && describes(rule.Operation):
				sees[rule.Type] = true
			}
		}
	}
	if sees[kmsg.ACLResourceTypeTopic] && (sees[kmsg.ACLResourceTypeGroup] || s.Groups == "off") {
		return nil
	}
	return s.blind("may not describe all of them")
}

// describes tells the operations that include that of describing.
func describes(o kadm.ACLOperation) bool {
	return slices.Contains([]kadm.ACLOperation{kadm.OpAll, kadm.OpRead, kadm.OpWrite, kadm.OpDelete, kadm.OpAlter, kadm.OpDescribe}, o)
}

func (s *source) blind(why string) error {
	return sdk.Denied("the user may not be shown all topics and groups: it "+why,
		"set visibility to trust if you know that it sees all: a super user has no rules, and wants trust; or run the commands on the plugin's page, though not where brokers set allow.everyone.if.no.acl.found, since there they shut everybody else out")
}
