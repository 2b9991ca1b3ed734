package kafka

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/souk-mesh/souk/plugins/internal/document"
	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/sdk"
)

// ListGrants tells the right to read of each marker that has its rule, and what
// else lets the roles read.
func (s *source) ListGrants(ctx context.Context, roles []string, emit func(sdk.HeldGrant) error) error {
	return s.within(func(w *writer) error {
		asked := map[string]string{}
		for _, role := range roles {
			if principal, err := principalOf(role); err == nil { // what stands for everybody has nothing: its plan says so
				asked[principal] = role
			}
		}
		rules, err := w.rules(ctx)
		if err != nil {
			return err
		}
		slices.SortFunc(rules, byRule)
		for _, h := range w.held(rules, asked) {
			if err := emit(h); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *writer) held(rules []rule, asked map[string]string) (all []sdk.HeldGrant) {
	ours := map[rule]bool{}
	for _, r := range rules {
		given, grant, ok := r.unmarked()
		if !ok || !slices.Contains(rules, given) {
			continue
		}
		if ours[given] = true; given.Type == kmsg.ACLResourceTypeTopic && given.reads() {
			all = append(all, sdk.HeldGrant{Asset: w.topicName(given), Role: cmp.Or(asked[given.Principal], given.Principal), By: "User:" + w.Grants.User, Ours: true, GrantID: grant})
		}
	}
	for _, r := range rules {
		role, wanted := asked[r.Principal]
		if wanted && !ours[r] && r.Type == kmsg.ACLResourceTypeTopic && r.Permission == kmsg.ACLPermissionTypeAllow && r.reads() {
			all = append(all, sdk.HeldGrant{Asset: w.topicName(r), Role: role})
		}
	}
	return all
}

// topicName is the topic, or the pattern with a star at its end.
func (w *writer) topicName(r rule) sdk.NativeID {
	name := r.Name
	if r.Pattern == kmsg.ACLResourcePatternTypePrefixed {
		name += "*"
	}
	return sdk.NativeID{Namespace: w.namespace, Name: name}
}

// VerifyGrant asks the cluster for the rules that count, and tells what it keeps to itself.
func (s *source) VerifyGrant(ctx context.Context, g sdk.Grant) (found sdk.Effective, err error) {
	err = s.within(func(w *writer) error {
		st, err := w.state(ctx, g)
		if err != nil {
			return err
		}
		p := &planner{w: w, r: sdk.GrantRequest{Grant: g}, st: st}
		found.Given = len(g.Masks)+len(g.Filters) == 0 && p.give(ctx) == nil && len(p.add) == 0
		if st.ID == "" {
			return nil
		}
		if found.Ways = w.ways(st); len(found.Ways) == 0 {
			return nil
		}
		if found.Readable, err = w.fieldsOf(ctx, st.Topic); len(found.Readable) == 0 {
			found.Readable = g.Fields
		}
		if len(found.Readable) == 0 {
			found.Readable = []string{valueField}
		}
		return err
	})
	return found, err
}

// ways are by what the principal can read the topic. A rule that denies it counts
// before all others, but not for a super user.
func (w *writer) ways(st *state) (ways []sdk.Way) {
	add := func(kind sdk.WayKind, through string, ours bool) {
		ways = granting.AddWay(ways, sdk.Way{Kind: kind, Through: through, Ours: ours})
	}
	if slices.Contains(w.Grants.SuperUsers, st.Principal) {
		add(sdk.BySuperuser, "super.users", false)
	}
	for _, r := range st.Rules {
		if r.alters() && r.may(st.Principal) {
			add(sdk.ByOther, "Alter on the cluster, by which it can give itself any right", false)
		}
	}
	switch {
	case !st.Asks:
		add(sdk.ByPublic, "no authorizer", false)
	case slices.ContainsFunc(st.Rules, func(r rule) bool { return r.about(st.Topic) && r.forbids(st.Principal) }):
		return ways
	case st.Open && !st.Ruled:
		add(sdk.ByPublic, "allow.everyone.if.no.acl.found", false)
	}
	for _, r := range st.Rules {
		if !r.about(st.Topic) || !r.may(st.Principal) || !r.reads() {
			continue
		}
		kind := sdk.ByGrant
		if r.Principal != st.Principal {
			kind = sdk.ByPublic
		}
		add(kind, r.through(st.Topic), st.marked(r))
	}
	return ways
}

// through tells a rule that is not about this topic from any host.
func (r rule) through(topic string) string {
	var parts []string
	switch {
	case r.Pattern == kmsg.ACLResourcePatternTypePrefixed:
		parts = append(parts, "topics that begin with "+r.Name)
	case r.Name != topic:
		parts = append(parts, "all topics")
	}
	if r.Host != "*" {
		parts = append(parts, "from the host "+r.Host)
	}
	return strings.Join(parts, " ")
}

// fieldsOf are the fields of a topic, as far as a registry knows them.
func (s *source) fieldsOf(ctx context.Context, name string) (names []string, err error) {
	if s.registry == nil {
		return nil, nil
	}
	byTopic, _, err := s.schemas(ctx, []*topic{{name: name}})
	if err != nil {
		return nil, err
	}
	bounds := byTopic[name]
	a := &sdk.Asset{Properties: map[string]string{}}
	var fields []*document.Field
	for _, b := range bounds {
		fields = append(fields, describe(a, b, len(bounds))...)
	}
	flat, _ := document.Flatten(fields)
	for _, f := range flat {
		names = append(names, f.Name)
	}
	return names, nil
}
