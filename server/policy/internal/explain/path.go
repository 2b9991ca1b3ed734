package explain

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/usage"
)

// maxTries bounds the questions that the search for a path may ask.
const maxTries = 30

// The ways in which somebody can come to be allowed.
const (
	pathApproval  = "await_approval"
	pathPurpose   = "state_purpose"
	pathAccess    = "request_access"
	pathTeam      = "join_team"
	pathDomain    = "join_domain"
	pathClearance = "raise_clearance"
	pathRole      = "hold_role"
	pathPublish   = "publish_product"
	pathComplete  = "complete_product"
	pathUnlock    = "lift_suspension"
)

// step is one thing that a person can do, as changes of the input.
type step struct {
	kind    string
	message string
	set     []change
	shown   []change // what to tell of it, where that is something else
}

// change puts a value at a path of the input.
type change struct {
	path  string // resource.status
	value ast.Value
}

// search looks for the steps that lead to an allow.
type search struct {
	policies *decide.Snapshot
	asked    question.Logged
	left     int
	found    []model.LegalPath
}

// paths tries what a person can do: each thing alone, and where none is
// enough, two together. It asks thirty questions at most.
func paths(ctx context.Context, s *decide.Snapshot, l question.Logged, d model.Decision) []model.LegalPath {
	switch d.Outcome {
	case model.Allow:
		return nil
	case model.NeedsApproval:
		return []model.LegalPath{{Kind: pathApproval, Message: "Wait for the approval of " + approversOf(d.Approvals) + ".", Outcome: model.Allow, Approvals: d.Approvals}}
	case model.Deny:
	}
	f := search{policies: s, asked: l, left: maxTries}
	steps := stepsFor(s, l)
	for _, one := range steps {
		f.try(ctx, one)
	}
	if len(f.found) > 0 {
		return f.found
	}
	for i, one := range steps {
		for _, other := range steps[i+1:] {
			if one.kind != other.kind {
				f.try(ctx, one, other)
			}
		}
	}
	return f.found
}

// try asks the question with the steps taken. Of two steps of one kind that
// both lead there, the first is kept: it is the smaller.
func (f *search) try(ctx context.Context, steps ...step) {
	kinds, messages := make([]string, len(steps)), make([]string, len(steps))
	for i, s := range steps {
		kinds[i], messages[i] = s.kind, s.message
	}
	kind := strings.Join(kinds, "+")
	once := func(p model.LegalPath) bool { return p.Kind == kind && kind != pathRole }
	cost := 1
	if slices.Contains(kinds, pathAccess) {
		cost = 2 // whether it can be asked for is a question of its own
	}
	if f.left < cost || slices.ContainsFunc(f.found, once) {
		return
	}
	f.left -= cost
	then := after(f.asked, steps...)
	d := f.policies.DecideAgain(ctx, then)
	if d.Outcome == model.Deny {
		return
	}
	path := model.LegalPath{Kind: kind, Outcome: d.Outcome, Approvals: d.Approvals}
	for _, s := range steps {
		told := s.set
		if s.shown != nil {
			told = s.shown
		}
		for _, c := range told {
			path.Changes = append(path.Changes, model.ComparedValue{Path: "input." + c.path, Value: shortened(string(question.AppendJSON(nil, c.value)))})
		}
	}
	if slices.Contains(kinds, pathAccess) {
		request, ok := f.request(ctx, steps)
		if !ok {
			return
		}
		path.Approvals = request.Approvals
	}
	if len(path.Approvals) > 0 {
		messages = append(messages, "It takes the approval of "+approversOf(path.Approvals)+".")
	}
	path.Message = strings.Join(messages, " ")
	f.found = append(f.found, path)
}

// request reports whether access can be asked for at all, and what that takes.
func (f *search) request(ctx context.Context, others []step) (model.Decision, bool) {
	others = slices.DeleteFunc(slices.Clone(others), func(s step) bool { return s.kind == pathAccess })
	l := after(f.asked, append(others, step{set: []change{
		{"action.name", ast.String(model.ActAccessRequest)},
		{"context.duration_s", ast.Number("86400")},
		{"context.purpose", ast.String(cmp.Or(strings.TrimSpace(question.TextAt(f.asked.Input, "context", "purpose")), anyPurpose))},
	}})...)
	d := f.policies.DecideAgain(ctx, l)
	return d, d.Outcome != model.Deny
}

// after gives the question with the steps taken.
func after(l question.Logged, steps ...step) question.Logged {
	for _, s := range steps {
		for _, c := range s.set {
			l.Input = replaced(l.Input, c.value, strings.Split(c.path, ".")...)
		}
	}
	changed, err := question.LoggedOf(l.Input)
	if err != nil {
		return l // the steps change neither the version nor to an unknown action
	}
	return changed
}

// replaced gives a copy of the object with another value at the path.
func replaced(v, value ast.Value, path ...string) ast.Value {
	if len(path) == 0 {
		return value
	}
	key := ast.InternedTerm(path[0])
	copied := ast.NewObject()
	if o, ok := v.(ast.Object); ok {
		o.Foreach(func(k, t *ast.Term) {
			if !k.Equal(key) {
				copied.Insert(k, t)
			}
		})
	}
	copied.Insert(key, ast.NewTerm(replaced(question.ValueAt(v, path[0]), value, path[1:]...)))
	return copied
}

// with gives a list of texts with one more.
func with(list ast.Value, word string) ast.Value {
	a, _ := list.(*ast.Array)
	if a == nil {
		a = ast.NewArray()
	}
	return a.Append(ast.StringTerm(word))
}

func holds(list ast.Value, word string) bool {
	a, _ := list.(*ast.Array)
	return a != nil && a.Until(func(t *ast.Term) bool { return t.Value.Compare(ast.String(word)) == 0 })
}

// approversOf lists who has to approve.
func approversOf(approvals []model.Approval) string {
	list := make([]string, len(approvals))
	for i, a := range approvals {
		list[i] = fmt.Sprintf("%d %s", a.Min, strings.ReplaceAll(string(a.Role), "_", " "))
		if a.Domain != "" {
			list[i] += " of " + string(a.Domain)
		}
	}
	return strings.Join(list, " and ")
}

// anyPurpose stands for whatever the person would write.
const anyPurpose = "a stated purpose"

// stepsFor lists what can be done about the question, the easiest first.
func stepsFor(s *decide.Snapshot, l question.Logged) []step {
	w := usage.NewWording()
	w.Read(s.Platform().Unit)
	if l.About.Resource.Domain != "" && !l.Right.Alone {
		w.Read(s.Of(l.About.Resource.Domain).Unit)
	}
	words := func(field string) []string { return slices.Sorted(maps.Keys(w.Fields[field])) }
	return slices.Concat(
		purposes(l, words("context.purpose")), access(l), completions(l), teams(l, words("subject.teams")), homes(l), clearances(l), roles(l), publication(l), suspension(l),
	)
}

func purposes(l question.Logged, words []string) []step {
	stated := strings.TrimSpace(question.TextAt(l.Input, "context", "purpose"))
	var list []step
	if stated == "" {
		list = append(list, step{kind: pathPurpose, message: "State a purpose.", set: []change{{"context.purpose", ast.String(anyPurpose)}}})
	}
	for _, word := range words[:min(len(words), 4)] {
		if word != "" && word != stated {
			list = append(list, step{kind: pathPurpose, message: fmt.Sprintf("State the purpose %q, if it is yours.", word), set: []change{{"context.purpose", ast.String(word)}}})
		}
	}
	return list
}

// access adds the grant that a request could come to.
func access(l question.Logged) []step {
	product := question.TextAt(l.Input, "resource", "product")
	if product == "" || (l.About.Action != model.ActDataRead && l.About.Action != model.ActMetadataView) {
		return nil
	}
	now, err := time.Parse(time.RFC3339, question.TextAt(l.Input, "context", "now"))
	if err != nil {
		return nil
	}
	grant := question.GrantFact{
		ID: "grt_new", Product: model.ID(product), Until: now.Add(24 * time.Hour),
		Purpose: cmp.Or(question.TextAt(l.Input, "context", "purpose"), anyPurpose),
	}
	grants, _ := question.ValueAt(l.Input, "facts", "grants").(*ast.Array)
	if grants == nil {
		grants = ast.NewArray()
	}
	return []step{{kind: pathAccess, message: "Ask for access to the product.", set: []change{{"facts.grants", grants.Append(grant.Term())}}}}
}

func completions(l question.Logged) []step {
	if l.About.Action != model.ActProductPublish {
		return nil
	}
	var list []step
	lacks := func(field string) bool { return question.ValueAt(l.Input, "resource", field) == ast.Boolean(false) }
	if lacks("described") {
		list = append(list, step{kind: pathComplete, message: "Describe the product.", set: []change{{"resource.described", ast.Boolean(true)}}})
	}
	if lacks("has_owner") {
		list = append(list, step{kind: pathComplete, message: "Give the product an owner.", set: []change{{"resource.has_owner", ast.Boolean(true)}}})
	}
	if v := question.ValueAt(l.Input, "resource", "ports"); v == ast.Number("0") {
		list = append(list, step{kind: pathComplete, message: "Give the product an output port with an asset.", set: []change{{"resource.ports", ast.Number("1")}}})
	}
	if n := question.ValueAt(l.Input, "resource", "findings", "errors"); n != nil && n != ast.Number("0") {
		list = append(list, step{kind: pathComplete, message: "Mend what the standards find.", set: []change{
			{"resource.findings.errors", ast.Number("0")}, {"resource.findings.codes", ast.NewArray()},
		}})
	}
	if len(list) < 2 {
		return list
	}
	all := step{kind: pathComplete}
	var messages []string
	for _, s := range list {
		messages, all.set = append(messages, s.message), append(all.set, s.set...)
	}
	all.message = strings.Join(messages, " ")
	return append(list, all)
}

func teams(l question.Logged, words []string) []step {
	held := question.ValueAt(l.Input, "subject", "teams")
	var list []step
	if owner := question.TextAt(l.Input, "resource", "owner_team"); owner != "" && !holds(held, owner) {
		list = append(list, step{ // its name is the product's to tell
			kind: pathTeam, message: "Join the team that owns the product.",
			set: []change{{"subject.teams", with(held, owner)}}, shown: []change{{"resource.owner_team", ast.String(owner)}},
		})
	}
	for _, team := range words[:min(len(words), 3)] {
		if team != "" && !holds(held, team) {
			list = append(list, step{kind: pathTeam, message: fmt.Sprintf("Join the team %s.", team), set: []change{{"subject.teams", with(held, team)}}})
		}
	}
	return list
}

func homes(l question.Logged) []step {
	domain := l.About.Resource.Domain
	if domain == "" || l.About.Subject.Domain == domain {
		return nil
	}
	return []step{{kind: pathDomain, message: fmt.Sprintf("Become a member of the domain %s.", domain), set: []change{{"subject.domain", ast.String(domain)}}}}
}

// clearances goes up from the one that is held.
func clearances(l question.Logged) []step {
	levels := []model.Classification{model.Public, model.Internal, model.Confidential, model.Restricted}
	held := cmp.Or(model.Classification(question.TextAt(l.Input, "subject", "clearance")), model.Internal)
	var list []step
	for _, level := range levels[slices.Index(levels, held)+1:] {
		list = append(list, step{kind: pathClearance, message: fmt.Sprintf("Have your clearance raised to %s.", level), set: []change{{"subject.clearance", ast.String(level)}}})
	}
	return list
}

// roles are given by others, so they come late.
func roles(l question.Logged) []step {
	held, facts := question.ValueAt(l.Input, "subject", "roles"), question.ValueAt(l.Input, "facts", "roles_held")
	domain := l.About.Resource.Domain
	var list []step
	if id := question.TextAt(l.Input, "subject", "id"); question.TextAt(l.Input, "resource", "owner") != id && question.TextAt(l.Input, "resource", "product") != "" {
		list = append(list, step{kind: pathRole, message: "Become the owner of the product.", set: []change{{"resource.owner", ast.String(id)}, {"facts.roles_held", with(facts, string(model.ApproverProductOwner))}}})
	}
	if stewards := question.ValueAt(l.Input, "subject", "steward_of"); domain != "" && !holds(stewards, string(domain)) {
		list = append(list, step{kind: pathRole, message: fmt.Sprintf("Become a steward of the domain %s.", domain), set: []change{
			{"subject.steward_of", with(stewards, string(domain))}, {"facts.roles_held", with(facts, string(model.ApproverDomainSteward))},
		}})
	}
	if !holds(held, string(model.RoleSteward)) {
		list = append(list, step{kind: pathRole, message: "Become a platform steward.", set: []change{{"subject.roles", with(held, string(model.RoleSteward))}, {"facts.roles_held", with(facts, string(model.ApproverPlatformSteward))}}})
	}
	if !holds(held, string(model.RoleAdmin)) {
		list = append(list, step{kind: pathRole, message: "Become an administrator.", set: []change{{"subject.roles", with(held, string(model.RoleAdmin))}}})
	}
	return list
}

func publication(l question.Logged) []step {
	if question.TextAt(l.Input, "resource", "type") != "data_product" || question.TextAt(l.Input, "resource", "status") != string(model.Draft) || l.About.Action == model.ActProductPublish {
		return nil
	}
	return []step{{kind: pathPublish, message: "Wait until the product is published.", set: []change{{"resource.status", ast.String(model.Published)}}}}
}

func suspension(l question.Logged) []step {
	if question.ValueAt(l.Input, "subject", "suspended") != ast.Boolean(true) {
		return nil
	}
	return []step{{kind: pathUnlock, message: "Have an administrator lift the suspension.", set: []change{{"subject.suspended", ast.Boolean(false)}}}}
}
