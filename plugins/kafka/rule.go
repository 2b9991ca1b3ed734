package kafka

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rule is one entry of the cluster's access control lists. It has no giver, no time
// and no text of its own: two hands that write the same have written one.
type rule struct {
	Type       kmsg.ACLResourceType
	Name       string
	Pattern    kmsg.ACLResourcePatternType
	Principal  string
	Host       string
	Operation  kmsg.ACLOperation
	Permission kmsg.ACLPermissionType
}

// marker begins the principal of a rule that lets nobody do anything, since no
// client is of that kind. It stands beside each rule that Souk has given, for each
// grant that it was given for, and is how Souk knows its own from the rest.
const marker = "SoukGrant:"

// marked is the rule's marker for a grant.
func (r rule) marked(grant string) rule {
	r.Principal = marker + grant + "/" + r.Principal
	return r
}

// unmarked gives the rule that a marker stands beside, and its grant.
func (r rule) unmarked() (given rule, grant string, ok bool) {
	text, ok := strings.CutPrefix(r.Principal, marker)
	if !ok {
		return rule{}, "", false
	}
	grant, r.Principal, ok = strings.Cut(text, "/")
	return r, grant, ok && r.Principal != ""
}

func byRule(a, b rule) int {
	return cmp.Or(cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Pattern, b.Pattern),
		cmp.Compare(a.Host, b.Host), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Permission, b.Permission))
}

// rules are all of the cluster; nil where it asks for none.
func (w *writer) rules(ctx context.Context) ([]rule, error) {
	request := kmsg.NewPtrDescribeACLsRequest()
	request.ResourceType, request.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	request.Operation, request.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	answer, err := request.RequestWith(ctx, w.client)
	if err == nil {
		err = kerr.ErrorForCode(answer.ErrorCode)
	}
	if errors.Is(err, kerr.SecurityDisabled) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := []rule{}
	for _, resource := range answer.Resources {
		for _, one := range resource.ACLs {
			all = append(all, rule{resource.ResourceType, resource.ResourceName, resource.ResourcePatternType, one.Principal, one.Host, one.Operation, one.PermissionType})
		}
	}
	return all, nil
}

// about tells whether the rule is about the topic, also by a pattern.
func (r rule) about(topic string) bool {
	switch {
	case r.Type != kmsg.ACLResourceTypeTopic:
		return false
	case r.Pattern == kmsg.ACLResourcePatternTypePrefixed:
		return strings.HasPrefix(topic, r.Name)
	}
	return r.Name == topic || r.Name == "*"
}

// of tells whether the rule is about the principal, also as one of all.
func (r rule) of(principal string) bool { return r.Principal == principal || r.Principal == "User:*" }

func (r rule) may(principal string) bool {
	return r.Permission == kmsg.ACLPermissionTypeAllow && r.of(principal)
}

func (r rule) reads() bool {
	return r.Operation == kmsg.ACLOperationRead || r.Operation == kmsg.ACLOperationAll
}

// forbids tells whether the rule keeps the principal from reading wherever it comes from.
func (r rule) forbids(principal string) bool {
	return r.Permission == kmsg.ACLPermissionTypeDeny && r.of(principal) && r.reads() && r.Host == "*"
}

// alters tells whether the rule lets change rules.
func (r rule) alters() bool {
	return r.Type == kmsg.ACLResourceTypeCluster && (r.Operation == kmsg.ACLOperationAlter || r.Operation == kmsg.ACLOperationAll)
}

// command is what kafka-acls.sh would be told.
func (r rule) command(brokers []string, action string) string {
	kind := map[kmsg.ACLResourceType]string{kmsg.ACLResourceTypeTopic: "--topic", kmsg.ACLResourceTypeGroup: "--group"}[r.Type]
	pattern := "literal"
	if r.Pattern == kmsg.ACLResourcePatternTypePrefixed {
		pattern = "prefixed"
	}
	words := []string{"kafka-acls.sh", "--bootstrap-server", shell(strings.Join(brokers, ",")), action}
	if action == "--remove" {
		words = append(words, "--force")
	}
	words = append(words, "--allow-principal", shell(r.Principal), "--allow-host", shell(r.Host), "--operation", operation(r.Operation), kind, shell(r.Name), "--resource-pattern-type", pattern)
	return strings.Join(words, " ")
}

// operation is the word for one of the two that are given.
func operation(o kmsg.ACLOperation) string {
	if o == kmsg.ACLOperationRead {
		return "Read"
	}
	return "Describe"
}

// shell is the text as one word of a shell.
func shell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
