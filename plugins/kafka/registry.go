package kafka

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk/web"
)

// schema is one version of a subject, as the registry answers. A registry leaves
// the type out where it is Avro.
type schema struct {
	Subject    string      `json:"subject"`
	Version    int         `json:"version"`
	ID         int         `json:"id"`
	Type       string      `json:"schemaType"`
	Text       string      `json:"schema"`
	References []reference `json:"references"`
}

// reference is another schema that one imports under a name of its own.
type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// subjects lists the subjects of the registry.
func (s *source) subjects(ctx context.Context) ([]string, error) {
	var all []string
	if err := s.registry.Into(ctx, web.Request{Path: "/subjects"}, &all); err != nil {
		return nil, err
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (s *source) schema(ctx context.Context, subject, version string) (*schema, error) {
	var found schema
	err := s.registry.Into(ctx, web.Request{Path: "/subjects/" + url.PathEscape(subject) + "/versions/" + version}, &found)
	return &found, err
}

// role is what a subject describes of a topic.
type role string

const (
	ofKey   role = "key"
	ofValue role = "value"
	ofEvent role = "event" // one of several kinds of value
)

// place is where a subject belongs.
type place struct {
	topic string
	role  role
}

// placeOf finds the topic of a subject by the strategies by which serializers
// name subjects: TOPIC-key and TOPIC-value, or TOPIC-RECORD, where the record's
// name tells whether the topic is that one. By the third, the record's name
// alone, only the setting subjects leads to a topic.
func (s *source) placeOf(subject string, topics map[string]*topic) []place {
	if t := s.Subjects[subject]; t != "" {
		if topics[t] == nil {
			return nil
		}
		return []place{{t, ofEvent}}
	}
	if stem, ok := strings.CutSuffix(subject, "-key"); ok && topics[stem] != nil {
		return []place{{stem, ofKey}}
	}
	if stem, ok := strings.CutSuffix(subject, "-value"); ok && topics[stem] != nil {
		return []place{{stem, ofValue}}
	}
	var places []place
	for end := len(subject) - 1; end > 0; end-- {
		if subject[end] == '-' && topics[subject[:end]] != nil {
			places = append(places, place{subject[:end], ofEvent})
		}
	}
	return places
}

// bound is a schema of a topic with what it says.
type bound struct {
	*schema
	role    role
	content *content
	problem string // why its fields are unknown
}

// schemas reads the latest schemas of the topics, by topic. What a registry
// refuses to show is an error: fields that are not shown are not gone.
func (s *source) schemas(ctx context.Context, topics []*topic) (byTopic map[string][]bound, strangers []string, err error) {
	byTopic = map[string][]bound{}
	if s.registry == nil {
		return byTopic, nil, nil
	}
	subjects, err := s.subjects(ctx)
	if err != nil {
		return nil, nil, err
	}
	names := map[string]*topic{}
	for _, t := range topics {
		names[t.name] = t
	}
	l := &library{source: s, known: map[string]*schema{}}
	for _, subject := range subjects {
		places := s.placeOf(subject, names)
		if len(places) == 0 {
			strangers = append(strangers, subject)
			continue
		}
		b, err := l.latest(ctx, subject)
		if err != nil {
			return nil, nil, err
		}
		if p, ok := b.choose(places, s.Subjects[subject] != ""); ok {
			b.role = p.role
			byTopic[p.topic] = append(byTopic[p.topic], b)
		} else {
			strangers = append(strangers, subject)
		}
	}
	used := map[string]bool{}
	for _, referred := range l.known {
		used[referred.Subject] = true
	}
	return byTopic, slices.DeleteFunc(strangers, func(subject string) bool { return used[subject] }), nil
}

// choose takes the place that the name of the record agrees with.
func (b bound) choose(places []place, told bool) (place, bool) {
	for _, p := range places {
		if told || p.role != ofEvent || b.content != nil && b.Subject == p.topic+"-"+b.content.name {
			return p, true
		}
	}
	return place{}, false
}

// library reads schemas with those that they refer to, each once.
type library struct {
	*source
	known map[string]*schema
}

func (l *library) latest(ctx context.Context, subject string) (bound, error) {
	found, err := l.schema(ctx, subject, "latest")
	if err != nil {
		return bound{}, err
	}
	found.Subject = subject
	imports := map[string]string{}
	if err := l.collect(ctx, found.References, imports, 0); err != nil {
		return bound{}, err
	}
	b := bound{schema: found}
	if b.content, err = contentOf(found.Type, found.Text, imports); err != nil {
		b.content, b.problem = nil, err.Error()
	}
	return b, nil
}

const maxReferences = 1000

// collect reads what is referred to, with what that refers to, by the names under
// which it is imported.
func (l *library) collect(ctx context.Context, references []reference, into map[string]string, depth int) error {
	for _, r := range references {
		if _, has := into[r.Name]; has || depth > maxDepth || len(into) > maxReferences {
			continue
		}
		key := fmt.Sprintf("%d %s", r.Version, r.Subject)
		found := l.known[key]
		if found == nil {
			var err error
			if found, err = l.schema(ctx, r.Subject, strconv.Itoa(r.Version)); err != nil {
				return err
			}
			found.Subject = r.Subject
			l.known[key] = found
		}
		into[r.Name] = found.Text
		if err := l.collect(ctx, found.References, into, depth+1); err != nil {
			return err
		}
	}
	return nil
}
