package kafka_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/souk-mesh/souk/plugins/kafka"
	"github.com/souk-mesh/souk/sdk"
)

// giving is a cluster in which rights are given to dan, a real one or the fake.
type giving struct {
	t       *testing.T
	admin   *kadm.Client
	options []kgo.Opt // of dan
	granter sdk.Granter
	lines   []string // what happened
}

// newGiving makes the user of the page, and signs dan in.
func newGiving(t *testing.T, admin *kadm.Client, c kafka.Config) *giving {
	t.Helper()
	for _, b := range []*kadm.ACLBuilder{
		kadm.NewACLs().Allow("User:giver").AllowHosts("*").Clusters().Operations(kadm.OpAlter, kadm.OpDescribeConfigs),
		kadm.NewACLs().Allow("User:giver").AllowHosts("*").Topics("*").Operations(kadm.OpDescribe),
	} {
		if _, err := admin.CreateACLs(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(patience)
	c.Grants = kafka.Grants{User: "giver", Password: c.Password}
	secure, err := c.TLS("")
	if err != nil {
		t.Fatal(err)
	}
	o := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...), kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()), kgo.RetryTimeout(5 * time.Second), kgo.RecordDeliveryTimeout(10 * time.Second),
		kgo.SASL(scram.Auth{User: "dan", Pass: c.Password}.AsSha512Mechanism()),
	}
	if secure != nil {
		o = append(o, kgo.DialTLSConfig(secure))
	}
	return &giving{t: t, admin: admin, options: o, granter: open(t, c).(sdk.Granter)}
}

// dan signs in anew, and has seen nothing yet.
func (g *giving) dan() *kgo.Client {
	g.t.Helper()
	client, err := kgo.NewClient(g.options...)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(client.Close)
	return client
}

// patience is how long a real cluster is given after a change; the fake needs none.
var patience time.Duration

func (g *giving) say(format string, args ...any) {
	g.lines = append(g.lines, fmt.Sprintf(format, args...))
}

func (g *giving) grant(id, topic string) sdk.Grant {
	return sdk.Grant{ID: id, Asset: sdk.NativeID{Namespace: "kafka://shop:9092", Name: topic}, Role: "dan"}
}

// code is the broker's name of an error.
func code(err error) string {
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		return e.Message
	}
	if err != nil {
		return err.Error()
	}
	return "may"
}

// tries says what dan may do.
func (g *giving) tries(when string) {
	g.t.Helper()
	for _, topic := range []string{"orders", "customers"} {
		g.say("%s: reads %s: %s", when, topic, g.reads(topic))
	}
	for _, group := range []string{"dan.app", "other"} {
		offsets := kadm.Offsets{}
		offsets.AddOffset("orders", 0, 0, -1)
		err := kadm.NewClient(g.dan()).CommitAllOffsets(g.t.Context(), group, offsets)
		g.say("%s: commits as group %s: %s", when, group, code(err))
	}
	err := g.dan().ProduceSync(g.t.Context(), &kgo.Record{Topic: "orders", Value: []byte("x")}).FirstErr()
	g.say("%s: writes orders: %s", when, code(err))
}

// reads asks for records as a consumer without a group does.
func (g *giving) reads(topic string) string {
	g.t.Helper()
	dan := g.dan()
	offsets, err := kadm.NewClient(dan).ListStartOffsets(g.t.Context(), topic)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return code(err)
	}
	request := kmsg.NewPtrFetchRequest()
	request.Version, request.MaxWaitMillis = 12, 10
	one, part := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	one.Topic, part.PartitionMaxBytes = topic, 1000
	one.Partitions = append(one.Partitions, part)
	request.Topics, request.MaxBytes = append(request.Topics, one), 1000
	answer, err := dan.Broker(g.leader(topic)).RetriableRequest(g.t.Context(), pinned{request})
	if err != nil {
		return code(err)
	}
	f := answer.(*kmsg.FetchResponse)
	if len(f.Topics) == 0 {
		return code(kerr.ErrorForCode(f.ErrorCode))
	}
	return code(kerr.ErrorForCode(f.Topics[0].Partitions[0].ErrorCode))
}

// pinned keeps a fetch to the last version that names topics by their names.
type pinned struct{ *kmsg.FetchRequest }

// MaxVersion is that version.
func (pinned) MaxVersion() int16 { return 12 }

func (g *giving) leader(topic string) int {
	g.t.Helper()
	found, err := g.admin.ListTopics(g.t.Context(), topic)
	if err != nil {
		g.t.Fatal(err)
	}
	return int(found[topic].Partitions[0].Leader)
}

// rules says what rules there are of dan and of Souk.
func (g *giving) rules(when string) {
	g.t.Helper()
	found, err := g.admin.DescribeACLs(g.t.Context(), kadm.NewACLs().AnyResource().Allow().AllowHosts().Deny().DenyHosts().Operations().ResourcePatternType(kadm.ACLPatternAny))
	if err != nil {
		g.t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, result := range found {
		for _, r := range result.Described {
			if strings.Contains(r.Principal, "User:dan") || r.Principal == "User:*" {
				seen[fmt.Sprintf("%s: rule %s %s %s %s %s %s %s", when, r.Permission, r.Principal, r.Host, r.Operation, r.Type, r.Pattern, r.Name)] = true
			}
		}
	}
	var lines []string
	for line := range seen {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	g.lines = append(g.lines, lines...)
}

// settle plans and applies, twice.
func (g *giving) settle(when string, r sdk.GrantRequest) sdk.GrantPlan {
	g.t.Helper()
	plan, err := g.granter.PlanGrant(g.t.Context(), r)
	if err != nil {
		g.t.Fatalf("%s: %v", when, err)
	}
	for range 2 {
		outcome, err := g.granter.ApplyGrant(g.t.Context(), r, plan)
		if err != nil {
			g.t.Fatalf("%s: %v", when, err)
		}
		g.say("%s: %s", when, outcome)
	}
	return plan
}

// verify says what dan can read.
func (g *giving) verify(when string, grant sdk.Grant) {
	g.t.Helper()
	found, err := g.granter.VerifyGrant(g.t.Context(), grant)
	if err != nil {
		g.t.Fatalf("%s: %v", when, err)
	}
	text, err := json.Marshal(found)
	if err != nil {
		g.t.Fatal(err)
	}
	g.say("%s: verify %s", when, text)
}

func prefixed() *kadm.ACLBuilder {
	return kadm.NewACLs().Allow("User:dan").AllowHosts("*").Topics("ord").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternPrefixed)
}

func (g *giving) hand(b *kadm.ACLBuilder, pattern kadm.ACLPattern) (undo func()) {
	g.t.Helper()
	if _, err := g.admin.CreateACLs(g.t.Context(), b.ResourcePatternType(pattern)); err != nil {
		g.t.Fatal(err)
	}
	time.Sleep(patience)
	return func() {
		if _, err := g.admin.DeleteACLs(g.t.Context(), b); err != nil {
			g.t.Fatal(err)
		}
		time.Sleep(patience)
	}
}

// story is the whole way of a grant, with what other hands do meanwhile.
func (g *giving) story() {
	g.t.Helper()
	orders, customers := g.grant("g1", "orders"), g.grant("g2", "customers")
	g.tries("before")
	g.settle("give", sdk.GrantRequest{Grant: orders})
	g.rules("given")
	g.tries("given")
	g.verify("given", orders)
	g.settle("give another topic", sdk.GrantRequest{Grant: customers})
	g.settle("take the first", sdk.GrantRequest{Grant: orders, Revoke: true})
	g.rules("one is left")
	g.tries("one is left")
	g.verify("one is left", orders)
	undo := g.hand(prefixed(), kadm.ACLPatternPrefixed)
	g.verify("a prefix", orders)
	g.say("a prefix: reads orders: %s", g.reads("orders"))
	undo()
	undo = g.hand(kadm.NewACLs().Allow("User:*").AllowHosts("*").Topics("*").Operations(kadm.OpAll), kadm.ACLPatternLiteral)
	g.verify("everybody", orders)
	g.say("everybody: reads orders: %s", g.reads("orders"))
	deny := g.hand(kadm.NewACLs().Deny("User:dan").DenyHosts("*").Topics("orders").Operations(kadm.OpRead), kadm.ACLPatternLiteral)
	g.verify("denied", orders)
	g.say("denied: reads orders: %s", g.reads("orders"))
	deny()
	undo()
	undo = g.hand(kadm.NewACLs().Allow("User:dan").AllowHosts("192.0.2.1").Topics("orders").Operations(kadm.OpRead), kadm.ACLPatternLiteral)
	g.verify("from afar", orders)
	g.say("from afar: reads orders: %s", g.reads("orders"))
	undo()
	g.settle("take the second", sdk.GrantRequest{Grant: customers, Revoke: true})
	g.rules("over")
	g.tries("over")
}

// openToAll tries a topic that no rule is about, where the cluster lets everybody
// read it: the first rule would shut all others out.
func (g *giving) openToAll() {
	g.t.Helper()
	if _, err := g.admin.DeleteACLs(g.t.Context(), kadm.NewACLs().Allow().AllowHosts().Topics("*").Operations().ResourcePatternType(kadm.ACLPatternLiteral)); err != nil {
		g.t.Fatal(err)
	}
	if _, err := g.admin.CreateACLs(g.t.Context(), kadm.NewACLs().Allow("User:giver").AllowHosts("*").Topics("clicks", "bare").Operations(kadm.OpDescribe)); err != nil {
		g.t.Fatal(err)
	}
	time.Sleep(patience)
	g.say("open: reads payments, of which there is no rule: %s", g.reads("payments"))
	g.say("open: reads bare, of which there is one of somebody else: %s", g.reads("bare"))
	g.verify("open", g.grant("g3", "payments"))
	g.verify("open", g.grant("g3", "bare"))
	_, err := g.granter.PlanGrant(g.t.Context(), sdk.GrantRequest{Grant: g.grant("g3", "payments")})
	g.say("open: %v", err)
	g.settle("open: bare", sdk.GrantRequest{Grant: g.grant("g3", "bare")})
	g.settle("open: bare", sdk.GrantRequest{Grant: g.grant("g3", "bare"), Revoke: true})
}

// TestGrantsAsTheReal gives what a real cluster gave, which testdata/record kept.
func TestGrantsAsTheReal(t *testing.T) {
	s := startCluster(t)
	g := newGiving(t, s.admin, s.config())
	g.story()
	want := slices.DeleteFunc(kept(t), func(line string) bool {
		return strings.HasPrefix(line, "settings: ") || strings.HasPrefix(line, "open: ")
	})
	if diff := cmp.Diff(want, g.lines); diff != "" {
		t.Errorf("(-real +fake)\n%s", diff)
	}
}

// kept is what happened on the real cluster.
func kept(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/grants.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
}
