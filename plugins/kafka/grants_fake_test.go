package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/souk-mesh/souk/plugins/kafka"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

// tried is what the suite tries: another hand lets dan read from one host.
func (g *giving) tried() *plugintest.Grants {
	afar := func() *kadm.ACLBuilder {
		return kadm.NewACLs().Allow("User:dan").AllowHosts("192.0.2.1").Topics("orders").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral)
	}
	return &plugintest.Grants{
		Grant: g.grant("g1", "orders"),
		Change: func(ctx context.Context) error {
			_, err := g.admin.CreateACLs(ctx, afar())
			return err
		},
		Undo: func(ctx context.Context) error {
			_, err := g.admin.DeleteACLs(ctx, afar())
			return err
		},
	}
}

// TestRulesOfAnotherHand stay, unless they are taken over.
func TestRulesOfAnotherHand(t *testing.T) {
	s := startCluster(t)
	g := newGiving(t, s.admin, s.config())
	g.hand(kadm.NewACLs().Allow("User:dan").AllowHosts("*").Topics("orders").Operations(kadm.OpRead, kadm.OpDescribe), kadm.ACLPatternLiteral)
	r := sdk.GrantRequest{Grant: g.grant("g1", "orders")}
	plan := g.settle("beside it", r)
	if len(plan.Statements) != 2 || !strings.Contains(plan.Statements[0], "--group 'dan.'") || !strings.Contains(strings.Join(plan.Remarks, " "), "by another hand") {
		t.Errorf("%+v", plan)
	}
	r.Revoke = true
	g.settle("its end", r)
	if got := g.reads("orders"); got != "may" {
		t.Errorf("after the end of Souk's grant: %s", got)
	}
	r.Revoke, r.Grant.TakeOver = false, true
	g.settle("taken over", r)
	r.Revoke = true
	g.settle("its end", r)
	if got := g.reads("orders"); got == "may" {
		t.Error("what was taken over stays")
	}
	var lines []string
	if err := g.granter.ListGrants(t.Context(), []string{"dan"}, func(h sdk.HeldGrant) error { lines = append(lines, h.Asset.Name); return nil }); err != nil || len(lines) > 0 {
		t.Errorf("%v is left: %v", lines, err)
	}
}

// TestListTellsRulesByTheirMarkers and what else a user has.
func TestListTellsRulesByTheirMarkers(t *testing.T) {
	s := startCluster(t)
	g := newGiving(t, s.admin, s.config())
	g.settle("one", sdk.GrantRequest{Grant: g.grant("g1", "orders")})
	g.settle("again", sdk.GrantRequest{Grant: g.grant("g2", "orders"), Others: []sdk.Grant{g.grant("g1", "orders")}})
	g.hand(prefixed(), kadm.ACLPatternPrefixed)
	var held []sdk.HeldGrant
	if err := g.granter.ListGrants(t.Context(), []string{"User:dan", "User:*"}, func(h sdk.HeldGrant) error { held = append(held, h); return nil }); err != nil {
		t.Fatal(err)
	}
	at := func(name string) sdk.NativeID { return sdk.NativeID{Namespace: "kafka://shop:9092", Name: name} }
	want := []sdk.HeldGrant{
		{Asset: at("orders"), Role: "User:dan", By: "User:giver", Ours: true, GrantID: "g1"},
		{Asset: at("orders"), Role: "User:dan", By: "User:giver", Ours: true, GrantID: "g2"},
		{Asset: at("ord*"), Role: "User:dan"},
	}
	if diff := cmp.Diff(want, held); diff != "" {
		t.Error(diff)
	}
	g.settle("the first ends", sdk.GrantRequest{Grant: g.grant("g1", "orders"), Revoke: true, Others: []sdk.Grant{g.grant("g2", "orders")}})
	if found, err := g.granter.VerifyGrant(t.Context(), g.grant("g2", "orders")); err != nil || !found.Given {
		t.Errorf("the end of one takes the other's: %+v, %v", found, err)
	}
}

// TestWhatCannotBeGivenInKafka is refused, with what to do.
func TestWhatCannotBeGivenInKafka(t *testing.T) {
	s := startCluster(t)
	g := newGiving(t, s.admin, s.config())
	refused := func(change func(*sdk.Grant), class sdk.Class, field string) {
		t.Helper()
		grant := g.grant("g1", "orders")
		change(&grant)
		_, err := g.granter.PlanGrant(t.Context(), sdk.GrantRequest{Grant: grant})
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != class || e.Field != field || e.Fix == "" {
			t.Errorf("got %v, want %s %s", err, class, field)
		}
	}
	refused(func(g *sdk.Grant) { g.Masks = []sdk.Mask{{Field: "id", With: "null"}} }, sdk.ClassConfig, "grant.masks")
	refused(func(g *sdk.Grant) { g.Filters = []sdk.RowFilter{{Field: "id", Op: "eq", Value: "1"}} }, sdk.ClassConfig, "grant.masks")
	refused(func(g *sdk.Grant) { g.Fields = []string{"id"} }, sdk.ClassConfig, "grant.fields")
	for _, role := range []string{"User:*", "*", "User:", "ANONYMOUS", "giver"} {
		refused(func(g *sdk.Grant) { g.Role = role }, sdk.ClassConfig, "grant.role")
	}
	for _, topic := range []string{"absent", "a/b 😀", "*"} {
		refused(func(g *sdk.Grant) { g.Asset.Name = topic }, sdk.ClassConfig, "grant.asset")
	}
	refused(func(g *sdk.Grant) { g.StableID = strings.Repeat("0", 32) }, sdk.ClassConfig, "grant.asset")
	if _, err := s.admin.DeleteACLs(t.Context(), kadm.NewACLs().Allow("User:giver").AllowHosts("*").Clusters().Operations(kadm.OpDescribeConfigs).ResourcePatternType(kadm.ACLPatternLiteral)); err != nil {
		t.Fatal(err)
	}
	refused(func(*sdk.Grant) {}, sdk.ClassDenied, "")
	c := s.config()
	for _, field := range []string{"", "grants.user"} {
		c.Grants = kafka.Grants{User: "stranger", Password: "canary-wrong"}
		if field != "" {
			c.Grants = kafka.Grants{}
		}
		g.granter = open(t, c).(sdk.Granter)
		class := map[string]sdk.Class{"": sdk.ClassAuth, "grants.user": sdk.ClassConfig}[field]
		refused(func(*sdk.Grant) {}, class, field)
	}
}

// TestATopicOfTheSameName is read by the rules of the one before, which are taken
// away all the same.
func TestATopicOfTheSameName(t *testing.T) {
	s := startCluster(t)
	g := newGiving(t, s.admin, s.config())
	r := sdk.GrantRequest{Grant: g.grant("g1", "orders")}
	r.Grant.StableID = harvest(t, s.config()).Named("orders").StableID
	plan := g.settle("give", r)
	if !strings.Contains(strings.Join(plan.Remarks, " "), "Rules belong to names") {
		t.Errorf("%v", plan.Remarks)
	}
	if _, err := s.admin.DeleteTopic(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.admin.CreateTopic(t.Context(), 1, 1, nil, "orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.granter.PlanGrant(t.Context(), r); err == nil {
		t.Error("another topic of the name is granted")
	}
	if found, err := g.granter.VerifyGrant(t.Context(), r.Grant); err != nil || found.Given || len(found.Readable) == 0 || g.reads("orders") != "may" {
		t.Errorf("that the new one can be read is not told: %+v, %v", found, err)
	}
	r.Revoke = true
	if g.settle("end", r); g.reads("orders") == "may" {
		t.Error("the new topic can be read after the end")
	}
}

// TestAClusterThatIsOpen to whatever no rule is about, as a broker shows it: the
// setting without its value.
func TestAClusterThatIsOpen(t *testing.T) {
	s := startCluster(t)
	g := newGiving(t, s.admin, s.config())
	s.fake.ControlKey(int16(kmsg.DescribeConfigs), func(request kmsg.Request) (kmsg.Response, error, bool) {
		s.fake.KeepControl()
		r, ok := request.(*kmsg.DescribeConfigsRequest)
		if !ok || len(r.Resources) == 0 || r.Resources[0].ResourceType != kmsg.ConfigResourceTypeBroker {
			return nil, nil, false
		}
		answer := r.ResponseKind().(*kmsg.DescribeConfigsResponse)
		broker, one := kmsg.NewDescribeConfigsResponseResource(), kmsg.NewDescribeConfigsResponseResourceConfig()
		one.Name, one.IsSensitive = "allow.everyone.if.no.acl.found", true
		broker.ResourceType, broker.ResourceName, broker.Configs = r.Resources[0].ResourceType, r.Resources[0].ResourceName, append(broker.Configs, one)
		answer.Resources = append(answer.Resources, broker)
		return answer, nil, true
	})
	c := s.config()
	c.Grants = kafka.Grants{User: "opener", Password: password} // whom the fake lets do what an open cluster lets everybody
	g.granter = open(t, c).(sdk.Granter)
	g.openToAll()
	want := slices.DeleteFunc(kept(t), func(line string) bool {
		return !strings.HasPrefix(line, "open: ") || strings.Contains(line, "reads payments")
	})
	got := slices.DeleteFunc(g.lines, func(line string) bool { return strings.Contains(line, "reads payments") }) // which the fake does not let
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-real +fake)\n%s", diff)
	}
	plan, err := g.granter.PlanGrant(t.Context(), sdk.GrantRequest{Grant: g.grant("g4", "bare")})
	if err != nil || !strings.Contains(strings.Join(plan.Remarks, " "), "shuts everybody else out of them") {
		t.Errorf("what a rule about groups does is not said: %v, %v", plan.Remarks, err)
	}
}

// TestSuperUsersAreTold where an administrator has said who they are, and so is who
// can give itself rights.
func TestSuperUsersAreTold(t *testing.T) {
	s := startCluster(t)
	g := newGiving(t, s.admin, s.config())
	c := s.config()
	c.Grants = kafka.Grants{User: "giver", Password: password, SuperUsers: []string{"User:dan"}, GroupPrefix: "-"}
	g.granter = open(t, c).(sdk.Granter)
	g.hand(kadm.NewACLs().Allow("User:dan").AllowHosts("*").Clusters().Operations(kadm.OpAll), kadm.ACLPatternLiteral)
	g.hand(kadm.NewACLs().Deny("User:*").DenyHosts("*").Topics("*").Operations(kadm.OpRead), kadm.ACLPatternLiteral)
	found, err := g.granter.VerifyGrant(t.Context(), g.grant("g1", "orders"))
	want := []sdk.Way{{Kind: sdk.BySuperuser, Through: "super.users"}, {Kind: sdk.ByOther, Through: "Alter on the cluster, by which it can give itself any right"}}
	if err != nil || len(found.Readable) == 0 || cmp.Diff(want, found.Ways) != "" {
		t.Errorf("%v %s", err, cmp.Diff(want, found.Ways))
	}
	plan, err := g.granter.PlanGrant(t.Context(), sdk.GrantRequest{Grant: g.grant("g1", "orders")})
	if err != nil || len(plan.Statements) != 4 || !strings.Contains(strings.Join(plan.Remarks, " "), "A rule denies it to User:*") {
		t.Errorf("%+v, %v", plan, err)
	}
	command := "kafka-acls.sh --bootstrap-server '" + s.brokers[0] + "' --add --allow-principal 'User:dan' --allow-host '*' --operation Read --topic 'orders' --resource-pattern-type literal"
	if plan.Statements[0] != command {
		t.Errorf("got %s, want %s", plan.Statements[0], command)
	}
}

// TestNamesWithinNames: the end of one user's grant, whose groups' prefix begins
// another's, leaves the other's rules.
func TestNamesWithinNames(t *testing.T) {
	s := startCluster(t)
	g := newGiving(t, s.admin, s.config())
	dan, more := g.grant("g1", "orders"), g.grant("g2", "orders")
	more.Role = "dan.x"
	g.settle("one", sdk.GrantRequest{Grant: dan})
	g.settle("the other", sdk.GrantRequest{Grant: more})
	g.settle("one ends", sdk.GrantRequest{Grant: dan, Revoke: true})
	if found, err := g.granter.VerifyGrant(t.Context(), more); err != nil || !found.Given || g.reads("orders") == "may" {
		t.Errorf("%+v, %v", found, err)
	}
	odd := g.grant("g3", "orders")
	odd.Role = "User:CN=it's Ana/x,OU=\"Sales\" 🙂"
	plan := g.settle("an odd name", sdk.GrantRequest{Grant: odd})
	if !strings.Contains(plan.Statements[0], `'User:CN=it'\''s Ana/x,OU="Sales" 🙂'`) {
		t.Errorf("%s", plan.Statements[0])
	}
	var ids []string
	if err := g.granter.ListGrants(t.Context(), []string{odd.Role}, func(h sdk.HeldGrant) error { ids = append(ids, h.GrantID+" "+h.Role); return nil }); err != nil || !slices.Contains(ids, "g3 "+odd.Role) {
		t.Errorf("%q, %v", ids, err)
	}
	if g.settle("its end", sdk.GrantRequest{Grant: odd, Revoke: true}); len(g.lines) != 10 {
		t.Errorf("%v", g.lines)
	}
}

// TestTenThousandRules are read at each look, since a broker sorts out nothing by
// what a rule reaches.
func TestTenThousandRules(t *testing.T) {
	s := startCluster(t)
	g := newGiving(t, s.admin, s.config())
	var users, topics []string
	for i := range 100 {
		users = append(users, fmt.Sprintf("User:u%d", i))
	}
	for i := range 50 {
		topics = append(topics, fmt.Sprintf("t%d", i))
	}
	many := kadm.NewACLs().Allow(users...).AllowHosts("*").Topics(topics...).Operations(kadm.OpRead, kadm.OpDescribe).ResourcePatternType(kadm.ACLPatternLiteral)
	if _, err := s.admin.CreateACLs(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	r := sdk.GrantRequest{Grant: g.grant("g1", "orders")}
	g.settle("give", r)
	found, err := g.granter.VerifyGrant(t.Context(), r.Grant)
	held := 0
	if err := g.granter.ListGrants(t.Context(), []string{"dan", "u1"}, func(sdk.HeldGrant) error { held++; return nil }); err != nil {
		t.Fatal(err)
	}
	if err != nil || !found.Given || held != 51 {
		t.Errorf("%+v, %v, %d listed", found, err, held)
	}
	t.Logf("10,000 rules: a plan, two applies, verify and list in %s", time.Since(start))
}
