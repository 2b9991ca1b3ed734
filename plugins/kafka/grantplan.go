package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/sdk"
)

// state is what a grant is planned on. It is the precondition, whole.
type state struct {
	Topic     string
	ID        string // of the topic, "" where there is none
	Principal string
	Prefix    string // of consumer groups, "" for none
	Asks      bool   // whether the cluster asks for rights at all
	Open      bool   // whether it may let everybody do what no rule is about
	Rules     []rule // of the principal, of all, and markers: on the topic, the groups and the cluster
	Ruled     bool   // whether any rule is about the topic
	Fields    []string
}

// planner makes the plan of one request on one state.
type planner struct {
	granting.Plan

	w         *writer
	r         sdk.GrantRequest
	st        *state
	add, drop []rule
}

func (w *writer) plan(ctx context.Context, r sdk.GrantRequest) (planner, error) {
	p := planner{w: w, r: r}
	if len(r.Grant.Masks)+len(r.Grant.Filters) > 0 {
		return p, sdk.Config("grant.masks", "cannot be kept: Kafka gives whole records or none, and knows neither columns nor rows",
			"let the reader have a topic that is made for it, or read through a door that masks")
	}
	var err error
	if p.st, err = w.state(ctx, r.Grant); err != nil {
		return p, err
	}
	if r.Revoke {
		p.takeAway()
	} else if err = p.give(ctx); err != nil {
		return p, err
	}
	for _, one := range p.add {
		p.Do("%s", one.command(w.Brokers, "--add"))
	}
	for _, one := range p.drop {
		p.Do("%s", one.command(w.Brokers, "--remove"))
	}
	p.GrantPlan, err = p.Stand(fmt.Sprintf("%#v", *p.st))
	return p, err
}

// principalOf reads the role: User:NAME, or the name alone.
func principalOf(role string) (string, error) {
	name, _ := strings.CutPrefix(role, "User:")
	if name == "" || name == "*" || name == "ANONYMOUS" {
		return "", sdk.Config("grant.role", "stands for everybody", "name one user, as User:NAME or by the name alone")
	}
	return "User:" + name, nil
}

// state reads it. A topic that is not there leaves its part empty.
func (w *writer) state(ctx context.Context, g sdk.Grant) (*state, error) {
	st := &state{Topic: g.Asset.Name}
	var err error
	if st.Principal, err = principalOf(g.Role); err != nil {
		return nil, err
	}
	if prefix := w.Grants.GroupPrefix; prefix != "-" {
		st.Prefix = strings.ReplaceAll(prefix, "{role}", strings.TrimPrefix(st.Principal, "User:"))
	}
	if st.ID, err = w.topicID(ctx, st.Topic); err != nil {
		return nil, err
	}
	rules, err := w.rules(ctx)
	if err != nil {
		return nil, err
	}
	st.Asks = rules != nil
	for _, r := range rules {
		given, _, isMarker := r.unmarked()
		st.Ruled = st.Ruled || r.about(st.Topic) && !isMarker
		mine := r.of(st.Principal) || isMarker && given.Principal == st.Principal
		if mine && (r.about(st.Topic) || r.alters() || r.Type == kmsg.ACLResourceTypeGroup && r.Name == st.Prefix) {
			st.Rules = append(st.Rules, r)
		}
	}
	slices.SortFunc(st.Rules, byRule)
	if !st.Asks {
		return st, nil
	}
	st.Open, err = w.openToAll(ctx)
	return st, err
}

// topicID is the cluster's id of the topic.
func (w *writer) topicID(ctx context.Context, name string) (string, error) {
	found, err := kadm.NewClient(w.client).ListTopicsWithInternal(ctx, name)
	if err != nil {
		return "", err
	}
	one := found[name]
	switch {
	case errors.Is(one.Err, kerr.UnknownTopicOrPartition), errors.Is(one.Err, kerr.InvalidTopicException):
		return "", nil
	case one.Err != nil && !errors.Is(one.Err, kerr.LeaderNotAvailable):
		return "", one.Err
	case one.IsInternal:
		return "", sdk.Config("grant.asset", "is the cluster's own topic", "grant what was harvested")
	}
	return hex.EncodeToString(one.ID[:]), nil
}

// openToAll tells whether a broker sets allow.everyone.if.no.acl.found. It does not
// show to what, so that what is not false is taken for true.
func (w *writer) openToAll(ctx context.Context) (bool, error) {
	const setting = "allow.everyone.if.no.acl.found"
	admin := kadm.NewClient(w.client)
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		return false, err
	}
	found, err := admin.DescribeBrokerConfigs(ctx, brokers.NodeIDs()...)
	if err != nil {
		return false, err
	}
	open := false
	for _, broker := range found {
		if broker.Err != nil {
			return false, broker.Err
		}
		for _, c := range broker.Configs {
			open = open || c.Key == setting && (c.Value == nil || !strings.EqualFold(*c.Value, "false"))
		}
	}
	return open, nil
}

// wanted are the rules that the grant is.
func (st *state) wanted() []rule {
	topic := rule{kmsg.ACLResourceTypeTopic, st.Topic, kmsg.ACLResourcePatternTypeLiteral, st.Principal, "*", kmsg.ACLOperationRead, kmsg.ACLPermissionTypeAllow}
	describe := topic
	describe.Operation = kmsg.ACLOperationDescribe
	all := []rule{topic, describe}
	if st.Prefix != "" {
		group := topic
		group.Type, group.Name, group.Pattern = kmsg.ACLResourceTypeGroup, st.Prefix, kmsg.ACLResourcePatternTypePrefixed
		all = append(all, group)
	}
	return all
}

// possible refuses what cannot be given, or would take from others.
func (p *planner) possible(ctx context.Context) error {
	g, st := p.r.Grant, p.st
	switch {
	case !st.Asks:
		return sdk.Config("grants", "cannot be given: the cluster asks nobody for rights, and everybody reads", "set authorizer.class.name on the brokers")
	case st.Principal == "User:"+p.w.Grants.User:
		return sdk.Config("grant.role", "is the user that gives rights", "let an administrator name another one")
	case st.ID == "":
		return sdk.Config("grant.asset", fmt.Sprintf("there is no such topic: %.200q", st.Topic), "harvest the source, and grant what it has")
	case g.StableID != "" && g.StableID != st.ID:
		return sdk.Config("grant.asset", fmt.Sprintf("is another topic by now, which has taken the name: %.200q", st.Topic), "harvest the source, and grant anew")
	case st.Open && !st.Ruled:
		return sdk.Config("grant.asset", "has no rule yet, and the brokers set allow.everyone.if.no.acl.found: the first rule would shut out everybody else who reads or writes it",
			"add the rules of those who shall go on with kafka-acls.sh, or take the setting away, then try again")
	}
	return p.whole(ctx)
}

// whole refuses some fields of a topic.
func (p *planner) whole(ctx context.Context) error {
	g := p.r.Grant
	if len(g.Fields) == 0 {
		return nil
	}
	all, err := p.w.fieldsOf(ctx, p.st.Topic)
	if err != nil {
		return err
	}
	for _, field := range all {
		if !slices.Contains(g.Fields, field) {
			return sdk.Config("grant.fields", fmt.Sprintf("leave out %.80q: Kafka gives whole records or none", field), "grant all fields of the topic, or let the reader have a topic that is made for it")
		}
	}
	return nil
}

// give gives what is missing, each rule with its marker.
func (p *planner) give(ctx context.Context) error {
	if err := p.possible(ctx); err != nil {
		return err
	}
	p.Reads = sdk.NativeID{Namespace: p.w.namespace, Name: p.st.Topic}
	p.say()
	foreign := false
	for _, r := range p.st.wanted() {
		has, marked, mine := slices.Contains(p.st.Rules, r), p.st.marked(r), slices.Contains(p.st.Rules, r.marked(p.r.Grant.ID))
		if has && !marked && !p.r.Grant.TakeOver {
			foreign = true
			continue
		}
		if !has {
			p.add = append(p.add, r)
		}
		if !mine {
			p.add = append(p.add, r.marked(p.r.Grant.ID))
		}
	}
	if foreign {
		p.Remark("A rule of this is there already by another hand. It stays when this grant ends, unless the grant takes it over.")
	}
	return nil
}

// marked tells whether some grant has given the rule.
func (st *state) marked(wanted rule) bool {
	return slices.ContainsFunc(st.Rules, func(r rule) bool {
		given, _, ok := r.unmarked()
		return ok && given == wanted
	})
}

// say tells people what to expect.
func (p *planner) say() {
	p.Remark("%s reads whole records of the topic from any host, also fields that come later.", p.st.Principal)
	if p.st.Prefix != "" {
		p.Remark("It may use consumer groups whose names begin with %q, which no other user's name should make.", p.st.Prefix)
	}
	if p.st.Prefix != "" && p.st.Open {
		p.Remark("The brokers set allow.everyone.if.no.acl.found: the rule about groups that begin with %q shuts everybody else out of them.", p.st.Prefix)
	}
	p.Remark("Rules belong to names: a topic that takes this one's name is read by them, too. The cluster does not say whether there is such a user.")
	for _, r := range p.st.Rules {
		if r.about(p.st.Topic) && r.forbids(p.st.Principal) {
			p.Remark("A rule denies it to %s on %s: while that stands, this grant lets it read nothing.", r.Principal, r.Name)
		}
	}
	if len(p.w.Grants.SuperUsers) == 0 {
		p.Remark("No broker shows its super.users, who read without a rule: name them in grants.superUsers, for Souk to tell.")
	}
}

// takeAway takes the grant's markers, and each rule whose last marker goes. What
// other grants of the role need stays, as they have markers of their own.
func (p *planner) takeAway() {
	for _, r := range p.st.wanted() {
		mark := r.marked(p.r.Grant.ID)
		if !slices.Contains(p.st.Rules, mark) {
			continue
		}
		if slices.Contains(p.st.Rules, r) && !p.needed(r) {
			p.drop = append(p.drop, r)
		}
		p.drop = append(p.drop, mark)
	}
}

func (p *planner) needed(wanted rule) bool {
	return slices.ContainsFunc(p.st.Rules, func(r rule) bool {
		given, grant, ok := r.unmarked()
		return ok && given == wanted && grant != p.r.Grant.ID
	})
}
