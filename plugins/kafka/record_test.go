//go:build record

package kafka_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/plugins/kafka"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// TestRecord harvests a real cluster and a real registry, which testdata/record
// starts, and keeps what it found. What the fakes are otherwise about is tried on
// them, too.
func TestRecord(t *testing.T) {
	broker, registry, secret := os.Getenv("SOUK_RECORD_KAFKA"), os.Getenv("SOUK_RECORD_REGISTRY"), os.Getenv("SOUK_RECORD_PASSWORD")
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.SASL(plain.Auth{User: "admin", Pass: secret}.AsMechanism()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	fillTopics(t, admin)
	registrar, err := sr.NewClient(sr.URLs(registry))
	if err != nil {
		t.Fatal(err)
	}
	fillRegistry(t, registrar)
	everything := kadm.NewACLs().Allow("User:souk").AllowHosts("*").Topics("*").Groups("*").Operations(kadm.OpDescribe)
	configs := kadm.NewACLs().Allow("User:souk").AllowHosts("*").Topics("*").Operations(kadm.OpDescribeConfigs)
	cluster := kadm.NewACLs().Allow("User:souk").AllowHosts("*").Clusters().Operations(kadm.OpDescribe)
	some := kadm.NewACLs().Allow("User:few").AllowHosts("*").Topics("orders").Operations(kadm.OpDescribe)
	for _, rule := range []*kadm.ACLBuilder{everything, configs, cluster, some} {
		if _, err := admin.CreateACLs(t.Context(), rule); err != nil {
			t.Fatal(err)
		}
	}
	c := kafka.Config{
		Brokers: []string{broker}, User: "souk", Password: secret, Config: transport.Config{Transport: "clear"}, Namespace: "kafka://shop:9092",
		Exclude: []string{"__*", "_schemas"}, ExcludeGroups: []string{"console-consumer-*"}, Counts: "read",
		Registry: kafka.Service{URL: registry}, HTTP: web.Config{Transport: "clear", PerSecond: 1000},
	}
	time.Sleep(time.Second) // for the rules to reach the broker
	var r sdk.Report
	if err := open(t, c).Check(t.Context(), &r); err != nil || len(r.Capabilities) == 0 {
		t.Fatal(err)
	}
	for _, one := range r.Capabilities {
		if !one.OK {
			t.Errorf("%s: %s", one.Name, one.Reason)
		}
	}
	keep(t, admin, harvest(t, c))
	refusals(t, c)
	recordGrants(t, admin, c)
}

// recordGrants goes the way of a grant, and keeps what happened. With the rules on
// all topics gone, the cluster lets everybody do what no rule is about.
func recordGrants(t *testing.T, admin *kadm.Client, c kafka.Config) {
	t.Helper()
	patience = time.Second
	g := newGiving(t, admin, c)
	g.story()
	lines := append([]string{"# Apache Kafka 4.1.1 with StandardAuthorizer, rights given by the plugin on " + time.Now().UTC().Format("2006-01-02")}, g.lines...)
	g.lines = nil
	g.settings()
	g.openToAll()
	lines = append(lines, g.lines...)
	if err := os.WriteFile("testdata/grants.txt", []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// refusals tries what the broker answers to those whom it does not know, and to
// those who may see a part.
func refusals(t *testing.T, c kafka.Config) {
	t.Helper()
	class := func(c kafka.Config) sdk.Class {
		_, err := tryHarvest(t, c)
		e, _ := errors.AsType[*sdk.Error](err)
		if e == nil {
			return ""
		}
		return e.Class
	}
	wrong, other, nobody := c, c, c
	wrong.Password = "another"
	other.Mechanism = "PLAIN"
	nobody.User, nobody.Password = "", ""
	if a, b, n := class(wrong), class(other), class(nobody); a != sdk.ClassAuth || b != sdk.ClassAuth || n != sdk.ClassUnavailable {
		t.Errorf("a wrong password is %q, a user of another mechanism is %q, nobody is %q", a, b, n)
	}
	few := c
	few.User = "few"
	m := harvest(t, few)
	if len(m.Done) != 0 || len(m.Noted("kafka.blind")) != 2 || m.Named("orders") == nil || m.Named("customers") != nil {
		t.Errorf("who may see one topic: done %v, %v", m.Done, m.Notes)
	}
}

// keep writes what was found, with its origin.
func keep(t *testing.T, admin *kadm.Client, m *memory.Sink) {
	t.Helper()
	lines := append([]string{"# Apache Kafka 4.1.1 and Apicurio Registry 2.6.13.Final (its Confluent API), harvested on " + time.Now().UTC().Format("2006-01-02")}, linesOf(t, admin, m)...)
	if err := os.WriteFile("testdata/real.jsonl", []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// settings says what the broker shows of two of its settings.
func (g *giving) settings() {
	g.t.Helper()
	brokers, err := g.admin.ListBrokers(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	found, err := g.admin.DescribeBrokerConfigs(g.t.Context(), brokers.NodeIDs()...)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, c := range found[0].Configs {
		if c.Key == "allow.everyone.if.no.acl.found" || c.Key == "super.users" {
			g.say("settings: %s shown %t sensitive %t", c.Key, c.Value != nil, c.Sensitive)
		}
	}
}
