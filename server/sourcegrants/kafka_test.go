package sourcegrants_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// broker is a company whose source is franz-go's fake of a Kafka cluster, of which
// plugins/kafka holds that it gives and takes rights as a real one does.
type broker struct {
	*world

	fake  *kfake.Cluster
	admin *kadm.Client
}

func newKafka(t *testing.T) *broker {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-512", "admin", "canary-admin"),
		kfake.User("SCRAM-SHA-512", "souk", "canary-souk"), kfake.User("SCRAM-SHA-512", "giver", "canary-writer"), kfake.User("SCRAM-SHA-512", "dan", "canary-dan"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	b := &broker{world: newCompany(t, nil), fake: fake}
	b.admin = kadm.NewClient(b.as("admin", "canary-admin"))
	for _, topic := range []string{"orders", "payments"} {
		_, err := b.admin.CreateTopic(t.Context(), 1, 1, nil, topic)
		b.Must(err)
	}
	b.allow(kadm.NewACLs().Allow("User:giver").AllowHosts("*").Clusters().Operations(kadm.OpAlter, kadm.OpDescribeConfigs))
	b.allow(kadm.NewACLs().Allow("User:giver").AllowHosts("*").Topics("*").Operations(kadm.OpDescribe))
	b.role, b.launches.reads = "User:dan", "canary-souk"
	b.harvested("kafka", "orders", map[string]any{
		"brokers": fake.ListenAddrs(), "user": "souk", "namespace": "kafka://shop", "transport": "clear", "connectTimeout": "2s", "grants": map[string]any{"user": "giver"},
	})
	return b
}

func (b *broker) as(user, password string) *kgo.Client {
	b.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.fake.ListenAddrs()...), kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism()))
	b.Must(err)
	b.Cleanup(client.Close)
	return client
}

func (b *broker) allow(rules *kadm.ACLBuilder) {
	b.Helper()
	_, err := b.admin.CreateACLs(b.Context(), rules.ResourcePatternType(kadm.ACLPatternLiteral))
	b.Must(err)
}

func (b *broker) forget(rules *kadm.ACLBuilder) {
	b.Helper()
	_, err := b.admin.DeleteACLs(b.Context(), rules.ResourcePatternType(kadm.ACLPatternLiteral))
	b.Must(err)
}

// read is the rule by which dan reads.
func read(topic string) *kadm.ACLBuilder {
	return kadm.NewACLs().Allow("User:dan").AllowHosts("*").Topics(topic).Operations(kadm.OpRead)
}

// pinned keeps a fetch to the last version that names topics by their names.
type pinned struct{ *kmsg.FetchRequest }

// MaxVersion is that version.
func (pinned) MaxVersion() int16 { return 12 }

// may tells whether dan, who signs in anew, reads the topic.
func (b *broker) may(topic string) bool {
	b.Helper()
	request := kmsg.NewPtrFetchRequest()
	request.Version, request.MaxWaitMillis, request.MaxBytes = 12, 10, 1000
	one, part := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	one.Topic, part.PartitionMaxBytes = topic, 1000
	one.Partitions = append(one.Partitions, part)
	request.Topics = append(request.Topics, one)
	answer, err := b.as("dan", "canary-dan").Broker(0).RetriableRequest(b.Context(), pinned{request})
	b.Must(err)
	err = kerr.ErrorForCode(answer.(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode)
	if err != nil && !errors.Is(err, kerr.TopicAuthorizationFailed) {
		b.Fatal(err)
	}
	return err == nil
}

// rules counts those that name dan, markers too.
func (b *broker) rules() (count int) {
	b.Helper()
	found, err := b.admin.DescribeACLs(b.Context(), kadm.NewACLs().AnyResource().Allow().AllowHosts().Deny().DenyHosts().Operations().ResourcePatternType(kadm.ACLPatternAny))
	b.Must(err)
	seen := map[string]bool{}
	for _, result := range found {
		for _, r := range result.Described {
			if strings.Contains(r.Principal, "User:dan") {
				seen[strings.Join([]string{r.Principal, r.Operation.String(), r.Type.String(), r.Name}, " ")] = true
			}
		}
	}
	return len(seen)
}

// TestKafkaOnMongoDB tells the story again by what the other engine keeps.
func TestKafkaOnMongoDB(t *testing.T) {
	open = enginetest.MongoDB
	defer func() { open = enginetest.SQLite }()
	t.Run("story", TestAGrantInKafka)
}

// TestAGrantInKafka is given after the approval, drifts and is repaired by a
// decision alone, and leaves no rule when it is over.
func TestAGrantInKafka(t *testing.T) {
	b := newKafka(t)
	b.name()
	r := b.As("dan").Request(b.product)
	b.tend()
	if b.may("orders") || b.rules() > 0 {
		t.Fatal("dan reads before anybody has approved")
	}
	_, err := r.ApprovedBy("ana").Result()
	b.Must(err)
	b.tend()
	row := b.expect(model.SourceGrantApplied, "")
	if !b.may("orders") || b.may("payments") || row.Reads != "orders" || len(row.Statements) != 6 || b.rules() != 6 || !strings.HasPrefix(row.Statements[0], "kafka-acls.sh ") || row.DecisionID == "" {
		t.Errorf("%d rules, %+v", b.rules(), row)
	}
	b.later(1)
	if again := b.row(); again.Revision != row.Revision {
		t.Errorf("a check of a cluster that has it all has written: %+v", again)
	}
	b.forget(read("orders"))
	b.later(2)
	row = b.row()
	if len(row.Drift) != 1 || !strings.Contains(row.Drift[0], "--add --allow-principal 'User:dan'") || !strings.Contains(row.Drift[0], "--operation Read --topic 'orders'") || b.may("orders") {
		t.Fatalf("the drift is %q", row.Drift)
	}
	_, err = b.grants.Repair(b.As("ana"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision})
	b.Must(err)
	b.tend()
	if row = b.expect(model.SourceGrantApplied, ""); len(row.Drift) > 0 || !b.may("orders") || b.rules() != 6 {
		t.Errorf("it is not repaired: %+v", row)
	}
	b.Must(b.revokeAll())
	b.tend()
	if b.expect(model.SourceGrantRevoked, ""); b.may("orders") || b.rules() > 0 {
		t.Errorf("dan still reads, or %d rules stay", b.rules())
	}
}

// TestAnExpiredGrantInKafka is taken away by the clock, and waits for a cluster that
// is out of reach.
func TestAnExpiredGrantInKafka(t *testing.T) {
	b := newKafka(t)
	b.name()
	b.grant()
	b.tend()
	b.expect(model.SourceGrantApplied, "")
	var broken atomic.Bool
	broken.Store(true)
	b.fake.ControlKey(int16(kmsg.DescribeACLs), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.fake.KeepControl()
		if broken.Load() {
			return nil, errors.New("out of order"), true
		}
		return nil, nil, false
	})
	b.Turn(31 * 24 * time.Hour)
	b.Must(b.Access.Sweep(b.System()))
	b.tend()
	if row := b.row(); row.State != model.SourceGrantPending || row.Failure == nil || row.Given == nil || !b.may("orders") {
		t.Fatalf("what is out of reach is taken for done: %+v", row)
	}
	broken.Store(false)
	b.later(32 * 24)
	if b.expect(model.SourceGrantRevoked, ""); b.may("orders") || b.rules() > 0 {
		t.Errorf("after the end dan reads, or %d rules stay", b.rules())
	}
}

// TestTakeOverInKafka: a rule of another hand stays when the grant ends, unless it
// was taken over.
func TestTakeOverInKafka(t *testing.T) {
	b := newKafka(t)
	b.allow(read("orders"))
	b.allow(read("payments"))
	b.name()
	g := b.grant()
	b.tend()
	row := b.expect(model.SourceGrantApplied, "")
	if text := strings.Join(row.Remarks, " "); row.TakesOver || !strings.Contains(text, "by another hand") {
		t.Fatalf("got %+v", row)
	}
	b.later(1)
	if row = b.row(); len(row.Drift) > 0 {
		t.Errorf("what another hand has given drifts: %q", row.Drift)
	}
	b.revoke(g)
	if b.rules() != 2 || !b.may("orders") {
		t.Error("Souk has taken what it did not give")
	}
	g = b.grant()
	b.tend()
	row = b.onlyApplied()
	_, err := b.grants.Repair(b.As("ana"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision, TakesOver: true})
	b.Must(err)
	b.tend()
	if row = b.onlyApplied(); !row.TakesOver || len(row.Drift) > 0 {
		t.Errorf("it is not taken over: %+v", row)
	}
	b.revoke(g)
	if b.may("orders") || !b.may("payments") || b.rules() != 1 {
		t.Errorf("what was taken over stays, or more is gone: %d rules", b.rules())
	}
}

// TestWhatNobodyKnowsOfInKafka is a rule with a marker of Souk's, and goes by a
// decision alone.
func TestWhatNobodyKnowsOfInKafka(t *testing.T) {
	b := newKafka(t)
	b.name()
	b.grant()
	b.tend()
	b.allow(read("payments"))
	b.allow(kadm.NewACLs().Allow("SoukGrant:lost/User:dan").AllowHosts("*").Topics("payments").Operations(kadm.OpRead))
	b.later(1)
	strays := b.strays()
	if len(strays) != 1 || len(strays[0].Drift) != 2 || strays[0].PrincipalID != b.People["dan"].ID {
		t.Fatalf("got %+v", strays)
	}
	b.later(2)
	if again := b.strays(); len(again) != 1 || again[0].Revision != strays[0].Revision || !b.may("payments") {
		t.Errorf("nobody has decided, and something was done: %+v", again)
	}
	_, err := b.grants.Repair(b.As("ana"), sourcegrants.Repair{ID: strays[0].ID, Seen: strays[0].Revision})
	b.Must(err)
	b.tend()
	if b.may("payments") || !b.may("orders") || len(b.strays()) > 0 {
		t.Errorf("not exactly this was taken away: %+v", b.strays())
	}
}
