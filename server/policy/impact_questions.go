package policy

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// someone asks all the questions that are made up.
const someone = "prn_made_up"

// maxMadeUp bounds them.
const maxMadeUp = 5000

// madeUp makes questions up from the words of both revisions. First come those
// that the clauses by which the draft may open more describe; then, for each
// kind of asker and each action that the rules name, an ordinary question, and
// that question with one field at each value that a rule compares it with.
func madeUp(active, draft *unit, opening []clause, domain model.Slug) iter.Seq2[Question, error] {
	w := newWording()
	w.read(active)
	w.read(draft)
	w.close()
	return func(yield func(Question, error) bool) {
		n := 0
		ask := func(q Question) bool {
			n++
			return n <= maxMadeUp && yield(q, nil)
		}
		for _, p := range personas(cmp.Or(domain, anyDomain)) {
			for _, c := range opening {
				for q := range c.described(p) {
					if !ask(q) {
						return
					}
				}
			}
		}
		for _, p := range personas(cmp.Or(domain, anyDomain)) {
			for _, action := range slices.Sorted(maps.Keys(w.actions)) {
				for q := range variants(w, p, action) {
					if !ask(q) {
						return
					}
				}
			}
		}
	}
}

// personas are the kinds of people that rules tell apart.
func personas(domain model.Slug) []Question {
	ask := func(name string, change func(*Question)) Question {
		q := ordinary(domain)
		q.Subject.ID, q.Subject.Name = someone, name
		change(&q)
		return q
	}
	return []Question{
		ask("outsider", func(*Question) {}),
		ask("member", func(q *Question) { q.Subject.Domain = domain }),
		ask("steward", func(q *Question) {
			q.Subject.Domain, q.Subject.StewardOf, q.Facts.RolesHeld = domain, []model.Slug{domain}, []string{"domain_steward"}
		}),
		ask("owner", func(q *Question) { q.Resource.Owner, q.Facts.RolesHeld = someone, []string{"product_owner"} }),
		ask("holder of a grant", func(q *Question) {
			q.Facts.Grants = []GrantFact{{ID: "grt_made_up", Product: q.Resource.Product, Purpose: q.Context.Purpose, Until: q.Context.Now.Add(time.Hour)}}
		}),
		ask("administrator", func(q *Question) {
			q.Subject.Roles, q.Facts.RolesHeld = []model.Role{model.RoleEmployee, model.RoleAdmin, model.RoleSteward}, []string{"platform_steward"}
		}),
		ask("service", func(q *Question) { q.Subject.Type = "service" }),
	}
}

// wording is what the rules compare with what.
type wording struct {
	fields  map[string]map[string]bool // values by field, such as resource.status
	actions map[model.Action]bool
}

func newWording() *wording {
	return &wording{fields: map[string]map[string]bool{}, actions: map[model.Action]bool{}}
}

// read collects the words of a package.
func (w *wording) read(u *unit) {
	trees := u.parsed()
	for _, file := range sortedFiles(trees) {
		for _, r := range trees[file].Rules {
			name := r.Head.Ref()[0].Value.String()
			if slices.Contains(entries, name) && len(actionsOf(r)) == 0 {
				for _, a := range Actions() {
					w.actions[a] = true
				}
			}
			for _, a := range actionsOf(r) {
				w.actions[a] = true
			}
		}
		ast.NewGenericVisitor(func(n any) bool { w.look(n); return false }).Walk(trees[file])
		ast.WalkTerms(trees[file], func(t *ast.Term) bool { w.quantities(t); return false })
	}
}

// look notes a call that sets a field beside constants.
func (w *wording) look(n any) {
	var call []*ast.Term
	switch n := n.(type) {
	case *ast.Expr:
		if n.IsCall() {
			call = n.Terms.([]*ast.Term)
		}
	case *ast.Term:
		if c, ok := n.Value.(ast.Call); ok {
			call = c
		}
	}
	if len(call) < 3 {
		return
	}
	for i, t := range call[1:] {
		field := fieldOf(t)
		if field == "" {
			continue
		}
		for j, other := range call[1:] {
			if i != j {
				w.note(field, other)
			}
		}
	}
}

func (w *wording) note(field string, t *ast.Term) {
	for _, l := range literals(t) {
		w.add(field, string(l.Value.(ast.String)))
	}
	w.add(field, around(t.Value)...)
}

func (w *wording) add(field string, values ...string) {
	if len(values) > 0 && w.fields[field] == nil {
		w.fields[field] = map[string]bool{}
	}
	for _, v := range values {
		w.fields[field][v] = true
	}
}

// quantities notes every time and every number that the rules name, wherever
// they stand: a rule may get at the clock, or at how long somebody wants the
// data, by a constant, a helper or a calculation.
func (w *wording) quantities(t *ast.Term) {
	near := around(t.Value)
	switch _, text := t.Value.(ast.String); {
	case text:
		w.add("context.now", near...)
	case len(near) > 0:
		w.add("context.duration_s", near...)
		w.add("resource.ports", near...)
		w.add("context.now", instants(t.Value.(ast.Number))...)
	}
}

// partOf tells of each field of the input which part it is of, as far as only
// one part has a field of the name.
var partOf = uniqueFields()

func uniqueFields() map[string]string {
	parts := map[string]string{}
	for _, part := range []string{"subject", "resource", "context"} {
		for name := range inputShape.members[part].members {
			if _, twice := parts[name]; twice {
				parts[name] = ""
				continue
			}
			parts[name] = part
		}
	}
	return parts
}

// fieldOf names the field that a reference reads, or gives "". What a helper
// calls resource or subject is taken for that part of the input, and so is
// what has a field that only one part has.
func fieldOf(t *ast.Term) string {
	ref, ok := t.Value.(ast.Ref)
	if !ok || len(ref) < 2 {
		return ""
	}
	words := wordsOf(ref)
	if len(words) > 0 && words[0] == "input" {
		words = words[1:]
	}
	if len(words) < 2 {
		return ""
	}
	if !slices.Contains([]string{"subject", "resource", "context", "properties"}, words[0]) {
		if words[0] = partOf[words[1]]; words[0] == "" {
			return ""
		}
	}
	return strings.Join(words, ".")
}

// close adds the words of the closed lists, which rules of the library compare with.
func (w *wording) close() {
	for field, words := range map[string][]string{
		"resource.classification": append(closed["input.resource.classification"], ""),
		"resource.visibility":     closed["input.resource.visibility"],
		"resource.status":         spelled(model.Draft, model.Published, model.Deprecated, model.Retired),
		"subject.clearance":       append(closed["input.subject.clearance"], ""),
		"context.purpose":         {""},
	} {
		w.add(field, words...)
	}
}

// variants gives the question of the persona, and then one for each value of
// each field.
func variants(w *wording, persona Question, action model.Action) iter.Seq[Question] {
	persona.Action = action
	return func(yield func(Question) bool) {
		if !yield(persona) {
			return
		}
		for _, field := range slices.Sorted(maps.Keys(w.fields)) {
			for _, value := range slices.Sorted(maps.Keys(w.fields[field])) {
				q := persona
				if set(&q, field, value) && !yield(q) {
					return
				}
			}
		}
	}
}

// set puts a word into a field of the question, or reports that it cannot.
func set(q *Question, field, value string) bool {
	part, name, _ := strings.Cut(field, ".")
	switch part {
	case "subject":
		return setSubject(&q.Subject, name, value)
	case "resource":
		return setResource(&q.Resource, name, value)
	case "context":
		return setContext(&q.Context, name, value)
	}
	return setProperty(&q.Properties, name, value)
}

func setSubject(s *Subject, name, value string) bool {
	switch name {
	case "type":
		s.Type = value
	case "domain":
		s.Domain = model.Slug(value)
	case "teams":
		s.Teams = []string{value}
	case "steward_of":
		s.StewardOf = append(slices.Clone(s.StewardOf), model.Slug(value))
	case "roles":
		s.Roles = append(slices.Clone(s.Roles), model.Role(value))
	case "clearance":
		s.Clearance = model.Classification(value)
	case "region":
		s.Region = value
	default:
		return false
	}
	return true
}

func setResource(r *Resource, name, value string) bool {
	switch name {
	case "type":
		r.Type = value
	case "name":
		r.Name = value
	case "owner_team":
		r.OwnerTeam = value
	case "classification":
		r.Classification = model.Classification(value)
	case "visibility":
		r.Visibility = model.Visibility(value)
	case "status":
		r.Status = value
	case "tags":
		r.Tags = []string{value}
	case "ports":
		r.Ports, _ = strconv.Atoi(value)
	default:
		return false
	}
	return true
}

func setContext(c *Context, name, value string) bool {
	switch name {
	case "purpose":
		c.Purpose = value
	case "channel":
		c.Channel = value
	case "duration_s":
		n, _ := strconv.Atoi(value)
		c.Duration = time.Duration(n) * time.Second
	case "now":
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return false
		}
		c.Now = at
	default:
		return false
	}
	return true
}

// setProperty sets what another door says, such as subject.office.
func setProperty(p *Properties, field, value string) bool {
	part, name, ok := strings.Cut(field, ".")
	if !ok || strings.Contains(name, ".") {
		return false
	}
	one := map[string]any{name: value}
	switch part {
	case "subject":
		p.Subject = one
	case "action":
		p.Action = one
	case "resource":
		p.Resource = one
	case "context":
		p.Context = one
	default:
		return false
	}
	return true
}
