package kafka

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/document"
	"github.com/souk-mesh/souk/sdk"
)

// The scopes: what is listed, and so retires, together.
const (
	topicScope     = "topics"
	groupScope     = "groups"
	connectorScope = "connectors"
)

// harvest is one run.
type harvest struct {
	*source
	out    sdk.Sink
	broken map[string]bool
}

// Harvest emits the topics, then who reads and who moves them.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	h := &harvest{source: s, out: out, broken: map[string]bool{}}
	topics, err := s.topics(ctx)
	if err != nil {
		return err
	}
	if err := h.sight(ctx); err != nil {
		return err
	}
	steps := []func(context.Context, []*topic) error{h.emitTopics}
	if s.Groups != "off" {
		steps = append(steps, h.emitGroups)
	}
	if s.connect != nil {
		steps = append(steps, h.emitConnectors)
	}
	for _, step := range steps {
		if err := step(ctx, topics); err != nil {
			return err
		}
	}
	return nil
}

// sight notes where the user may not see all: then nothing that is not shown is
// taken for gone.
func (h *harvest) sight(ctx context.Context) error {
	if h.Visibility == "trust" {
		return nil
	}
	err := h.seesAll(ctx)
	e, ours := errors.AsType[*sdk.Error](err)
	if err == nil || !ours || e.Class != sdk.ClassDenied {
		return err
	}
	scopes := []string{topicScope}
	if h.Groups != "off" {
		scopes = append(scopes, groupScope)
	}
	for _, scope := range scopes {
		if err := h.fail(scope, "kafka.blind", "The user may not be shown everything: run the commands on the plugin's page, or set visibility to trust. Nothing that is not shown is taken for gone.", e.Message); err != nil {
			return err
		}
	}
	return nil
}

// fail notes that a scope is not whole.
func (h *harvest) fail(scope, code, title, sample string) error {
	h.broken[scope] = true
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: code, Title: title, Sample: sample, Scope: scope})
}

func (h *harvest) done(scope string) error {
	if h.broken[scope] {
		return nil
	}
	return h.out.ScopeDone(scope)
}

func (h *harvest) id(name string) sdk.NativeID {
	return sdk.NativeID{Namespace: h.namespace, Name: text(name)}
}

// text is UTF-8, whatever a client has sent.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// aliases are the names by further brokers.
func (h *harvest) aliases(name string) []sdk.Alias {
	var all []sdk.Alias
	for _, other := range h.others {
		all = append(all, sdk.Alias{Scheme: "openlineage", Namespace: other, Name: text(name)})
	}
	return all
}

func (h *harvest) emitTopics(ctx context.Context, topics []*topic) error {
	byTopic, strangers, err := h.schemas(ctx, topics)
	if err != nil {
		return err
	}
	if err := h.details(ctx, topics); err != nil {
		return err
	}
	for _, subject := range strangers {
		err := h.out.Note(sdk.Note{
			Level: sdk.InfoLevel, Code: "kafka.subject_of_no_topic", Sample: text(subject),
			Title: "A subject of the registry belongs to no topic that is harvested; where its name alone does not tell, the setting subjects does.",
		})
		if err != nil {
			return err
		}
	}
	for i, t := range topics {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := h.emitTopic(t, byTopic[t.name]); err != nil {
			return err
		}
		if err := h.out.Progress(int64(i+1), int64(len(topics)), "topics"); err != nil {
			return err
		}
	}
	return h.done(topicScope)
}

// details reads what a topic is without as well.
func (h *harvest) details(ctx context.Context, topics []*topic) error {
	err := h.configs(ctx, topics)
	if e, ours := errors.AsType[*sdk.Error](err); ours && e.Class == sdk.ClassDenied {
		err = h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "kafka.no_configs", Title: "The configuration of a topic may not be read: grant DescribeConfigs on it. It is harvested without."})
	}
	if err != nil || h.Counts != "read" {
		return err
	}
	return h.count(ctx, topics)
}

func (h *harvest) emitTopic(t *topic, schemas []bound) error {
	a := &sdk.Asset{
		ID: h.id(t.name), Scope: topicScope, Kind: "TOPIC", Rank: sdk.Holder, ShortName: t.name, StableID: t.id,
		Aliases: h.aliases(t.name), Rows: t.records, Properties: map[string]string{
			"partitions": strconv.Itoa(t.partitions), "replicas": strconv.Itoa(t.replicas),
		},
	}
	for key, value := range t.configs {
		a.Properties[key] = text(value)
	}
	var fields []*document.Field
	for _, b := range schemas {
		if b.problem != "" {
			if err := h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "kafka.unread_schema", Title: "A schema cannot be read: the fields of its topic are unknown.", Sample: b.Subject + ": " + b.problem}); err != nil {
				return err
			}
		}
		fields = append(fields, describe(a, b, len(schemas))...)
	}
	var cut bool
	if a.Fields, cut = document.Flatten(fields); cut {
		if err := h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "kafka.many_fields", Title: "A topic has more than 5,000 fields; the first ones are kept.", Sample: t.name}); err != nil {
			return err
		}
	}
	return h.out.Emit(a)
}

func (h *harvest) emitGroups(ctx context.Context, _ []*topic) error {
	groups, err := h.groups(ctx)
	if err != nil {
		return err
	}
	for _, g := range groups {
		job := h.id("consumer-groups/" + g.name)
		if err := h.out.Emit(&sdk.Asset{ID: job, Scope: groupScope, Kind: "JOB", Rank: sdk.Holder, ShortName: text(g.name), Aliases: h.aliases("consumer-groups/" + g.name), Properties: map[string]string{"job": "consumer group"}}); err != nil {
			return err
		}
		for _, t := range g.topics {
			if err := h.edge(h.id(t), job, groupScope, "USES", "kafka.consumer_group"); err != nil {
				return err
			}
		}
	}
	return h.done(groupScope)
}

func (h *harvest) edge(from, to sdk.NativeID, scope, kind, method string) error {
	return h.out.Emit(&sdk.Edge{From: from, To: to, Scope: scope, Kind: kind, Method: method, Confidence: 1})
}

func (h *harvest) emitConnectors(ctx context.Context, _ []*topic) error {
	all, err := h.connectors(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		job := h.id("connectors/" + c.name)
		a := &sdk.Asset{ID: job, Scope: connectorScope, Kind: "JOB", Rank: sdk.Holder, ShortName: text(c.name), Aliases: h.aliases("connectors/" + c.name), Properties: map[string]string{"job": "connector"}}
		for key, value := range map[string]string{"connector": c.kind, "class": c.class, "state": c.state} {
			if value != "" {
				a.Properties[key] = text(value)
			}
		}
		if err := h.out.Emit(a); err != nil {
			return err
		}
		for _, t := range c.topics {
			from, to, kind := h.id(t), job, "USES"
			if c.kind == "source" {
				from, to, kind = job, h.id(t), "DERIVES"
			}
			if err := h.edge(from, to, connectorScope, kind, "kafka.connect"); err != nil {
				return err
			}
		}
	}
	return h.done(connectorScope)
}
