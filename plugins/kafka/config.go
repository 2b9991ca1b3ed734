package kafka

import (
	"cmp"
	"crypto/tls"
	"net"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// Config says which cluster to read, as whom, and where its schemas are.
type Config struct {
	Brokers   []string `json:"brokers" doc:"Brokers to begin with, each HOST:PORT. The first one names the cluster." host:"true"`
	User      string   `json:"user,omitempty" doc:"The user; none where the cluster asks for none."`
	Password  string   `json:"password,omitempty" doc:"Password of the user." format:"secret"`
	Mechanism string   `json:"mechanism" doc:"How the user signs in." enum:"SCRAM-SHA-512,SCRAM-SHA-256,PLAIN" default:"SCRAM-SHA-512"`
	transport.Config
	Include        []string          `json:"includeTopics,omitempty" doc:"The topics to harvest; a * stands for any letters. All when empty."`
	Exclude        []string          `json:"excludeTopics" doc:"Topics to leave out; a * stands for any letters." default:"__*,_schemas,_confluent*"`
	Groups         string            `json:"groups" doc:"Whether consumer groups are harvested, as jobs that use topics (jobs), or not (off)." enum:"jobs,off" default:"jobs"`
	ExcludeGroups  []string          `json:"excludeGroups" doc:"Consumer groups to leave out; a * stands for any letters." default:"console-consumer-*"`
	Counts         string            `json:"counts" doc:"Whether to read how many records each topic holds (read). A topic in use is then another one at each harvest, which costs a write." enum:"off,read" default:"off"`
	Visibility     string            `json:"visibility" doc:"A broker shows a user only the topics and groups that it may describe, without a word. check asks for the user's rights, and retires nothing where it does not see all; trust takes it that it does." enum:"check,trust" default:"check"`
	Registry       Service           `json:"registry,omitzero"`
	Subjects       map[string]string `json:"subjects,omitempty" doc:"The topic of each subject that no naming strategy leads to one, such as {\"com.acme.Order\": \"orders\"}."`
	Connect        Service           `json:"connect,omitzero"`
	Namespace      string            `json:"namespace,omitempty" doc:"OpenLineage namespace in place of kafka://HOST:PORT, where clients know the cluster by another name."`
	ConnectTimeout string            `json:"connectTimeout" doc:"How long to wait for a broker." format:"duration" default:"10s"`
	HTTP           web.Config        `json:"http,omitzero"`
	Grants         Grants            `json:"grants,omitzero" doc:"With what rights are given and taken away; off without a user."`
}

// Service is a server beside the brokers, reached over HTTP.
type Service struct {
	URL      string `json:"url,omitempty" doc:"Address of the schema registry, with the path of its Confluent API where there is one (https://registry.example/apis/ccompat/v7); of the REST API of Kafka Connect. None when empty." format:"url" host:"true"`
	User     string `json:"user,omitempty" doc:"The user; none where a token is given or nobody is asked for."`
	Password string `json:"password,omitempty" doc:"Password of the user." format:"secret"`
	Token    string `json:"token,omitempty" doc:"A bearer token in place of user and password." format:"secret"`
}

// parsed is a configuration that has been checked.
type parsed struct {
	Config
	secure    *tls.Config
	namespace string
	others    []string // namespaces by further brokers
	timeout   time.Duration
}

func (c Config) parse() (*parsed, error) {
	p := &parsed{Config: c}
	var err error
	for _, step := range []func(*parsed) error{c.brokers, c.choices} {
		if err := step(p); err != nil {
			return nil, err
		}
	}
	if p.secure, err = c.TLS(""); err != nil {
		return nil, err
	}
	p.timeout, err = time.ParseDuration(cmp.Or(c.ConnectTimeout, "10s"))
	if err != nil || p.timeout < time.Millisecond {
		return nil, sdk.Config("connectTimeout", "is no positive duration", "write a duration such as 10s")
	}
	if err := c.Grants.judge(c.User); err != nil {
		return nil, err
	}
	p.Grants.GroupPrefix = cmp.Or(c.Grants.GroupPrefix, "{role}.")
	return p, c.HTTP.Judge()
}

// brokers checks the addresses. No message repeats one: it may hold a password.
func (c Config) brokers(p *parsed) error {
	const example = "write each as broker.example:9092"
	if len(c.Brokers) == 0 {
		return sdk.Config("brokers", "has none", example)
	}
	for i, b := range c.Brokers {
		host, port, err := net.SplitHostPort(strings.ToLower(b))
		if err != nil || host == "" || port == "" || strings.ContainsAny(host, "/@?, ") {
			return sdk.Config("brokers", "has one that is no HOST:PORT", example)
		}
		namespace := "kafka://" + net.JoinHostPort(host, port)
		if i == 0 {
			p.namespace = cmp.Or(c.Namespace, namespace)
		} else {
			p.others = append(p.others, namespace)
		}
	}
	return nil
}

func (c Config) choices(*parsed) error {
	for _, one := range []struct {
		field, value string
		allowed      []string
	}{
		{"mechanism", c.Mechanism, []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"}},
		{"groups", c.Groups, []string{"jobs", "off"}},
		{"counts", c.Counts, []string{"off", "read"}},
		{"visibility", c.Visibility, []string{"check", "trust"}},
	} {
		if one.value != "" && !slices.Contains(one.allowed, one.value) {
			return sdk.Config(one.field, "is not known", "write "+strings.Join(one.allowed, " or "))
		}
	}
	for _, list := range []struct {
		field    string
		patterns []string
	}{{"includeTopics", c.Include}, {"excludeTopics", c.Exclude}, {"excludeGroups", c.ExcludeGroups}} {
		if slices.ContainsFunc(list.patterns, func(p string) bool { _, err := path.Match(p, ""); return err != nil || p == "" }) {
			return sdk.Config(list.field, "has one that is no pattern", "write names, in which a * stands for any letters")
		}
	}
	if c.User == "" && c.Password != "" {
		return sdk.Config("user", "is missing beside a password", "give the user")
	}
	return nil
}

// among tells whether a name is meant by one of the patterns. A slash in the name
// of a group is a letter like another.
func among(patterns []string, name string) bool {
	flat := strings.NewReplacer("/", "\x00")
	return slices.ContainsFunc(patterns, func(p string) bool {
		met, err := path.Match(flat.Replace(p), flat.Replace(name))
		return err == nil && met
	})
}

func (c Config) wants(topic string) bool {
	return (len(c.Include) == 0 || among(c.Include, topic)) && !among(c.Exclude, topic)
}

func (p *parsed) options() []kgo.Opt {
	o := []kgo.Opt{
		kgo.SeedBrokers(p.Brokers...), kgo.ClientID("souk"), kgo.DialTimeout(p.timeout), kgo.RequestTimeoutOverhead(p.timeout),
		kgo.RetryTimeout(p.timeout), kgo.DisableClientMetrics(),
	}
	if p.secure != nil {
		o = append(o, kgo.DialTLSConfig(p.secure))
	}
	switch {
	case p.User == "":
	case p.Mechanism == "PLAIN":
		o = append(o, kgo.SASL(plain.Auth{User: p.User, Pass: p.Password}.AsMechanism()))
	case p.Mechanism == "SCRAM-SHA-256":
		o = append(o, kgo.SASL(scram.Auth{User: p.User, Pass: p.Password}.AsSha256Mechanism()))
	default:
		o = append(o, kgo.SASL(scram.Auth{User: p.User, Pass: p.Password}.AsSha512Mechanism()))
	}
	return o
}
