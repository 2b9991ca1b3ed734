package impact

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/usage"
)

// someone asks all the questions that are made up.
const someone = "prn_made_up"

// maxMadeUp bounds them.
const maxMadeUp = 5000

// madeUp makes questions up from the words of both revisions. First come those
// that the clauses by which the draft may open more describe; then, for each
// kind of asker and each action that the rules name, an ordinary question, and
// that question with one field at each value that a rule compares it with.
func madeUp(active, draft *sandbox.Unit, opening []clause, domain model.Slug) iter.Seq2[question.Question, error] {
	w := usage.NewWording()
	w.Read(active)
	w.Read(draft)
	w.Close()
	return func(yield func(question.Question, error) bool) {
		n := 0
		ask := func(q question.Question) bool {
			n++
			return n <= maxMadeUp && yield(q, nil)
		}
		for _, p := range personas(cmp.Or(domain, question.AnyDomain)) {
			for _, c := range opening {
				for q := range c.described(p) {
					if !ask(q) {
						return
					}
				}
			}
		}
		for _, p := range personas(cmp.Or(domain, question.AnyDomain)) {
			for _, action := range slices.Sorted(maps.Keys(w.Actions)) {
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
func personas(domain model.Slug) []question.Question {
	ask := func(name string, change func(*question.Question)) question.Question {
		q := question.Ordinary(domain)
		q.Subject.ID, q.Subject.Name = someone, name
		change(&q)
		return q
	}
	return []question.Question{
		ask("outsider", func(*question.Question) {}),
		ask("member", func(q *question.Question) { q.Subject.Domain = domain }),
		ask("steward", func(q *question.Question) {
			q.Subject.Domain, q.Subject.StewardOf, q.Facts.RolesHeld = domain, []model.Slug{domain}, []model.ApproverRole{model.ApproverDomainSteward}
		}),
		ask("owner", func(q *question.Question) {
			q.Resource.Owner, q.Facts.RolesHeld = someone, []model.ApproverRole{model.ApproverProductOwner}
		}),
		ask("holder of a grant", func(q *question.Question) {
			q.Facts.Grants = []question.GrantFact{{ID: "grt_made_up", Product: q.Resource.Product, Purpose: q.Context.Purpose, Until: q.Context.Now.Add(time.Hour)}}
		}),
		ask("administrator", func(q *question.Question) {
			q.Subject.Roles, q.Facts.RolesHeld = []model.Role{model.RoleEmployee, model.RoleAdmin, model.RoleSteward}, []model.ApproverRole{model.ApproverPlatformSteward}
		}),
		ask("service", func(q *question.Question) { q.Subject.Type = "service" }),
	}
}

// variants gives the question of the persona, and then one for each value of
// each field.
func variants(w *usage.Wording, persona question.Question, action model.Action) iter.Seq[question.Question] {
	persona.Action = action
	return func(yield func(question.Question) bool) {
		if !yield(persona) {
			return
		}
		for _, field := range slices.Sorted(maps.Keys(w.Fields)) {
			for _, value := range slices.Sorted(maps.Keys(w.Fields[field])) {
				q := persona
				if question.Set(&q, field, value) && !yield(q) {
					return
				}
			}
		}
	}
}
