// Package policytest makes up policies, askers and rows, for tests that hold
// two ways to the same decision against each other. It owns no rule of the
// mesh and runs nothing.
package policytest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// Noon is the time of every made-up question.
var Noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// The words that rules and rows are made of.
var (
	people   = []model.ID{"prn_ana", "prn_bo", "prn_cy", ""}
	teams    = []string{"sales/orders", "sales/web", "marketing/ads", ""}
	domains  = []model.Slug{"sales", "marketing", "operations", ""}
	tags     = []string{"pii", "pii.name", "gold", "Revenue", "gdpr"}
	classes  = []model.Classification{model.Public, model.Internal, model.Confidential, model.Restricted, ""}
	statuses = []string{"DRAFT", "PUBLISHED", "DEPRECATED", "RETIRED", "ACTIVE"}
	sights   = []model.Visibility{model.VisibleToAll, model.VisibleToDomain, ""}
	names    = []string{"orders", "Orders", "orders_eu", "clicks", "stock"}
	products = []model.ID{"dpr_1", "dpr_2", "dpr_3", ""}
	purposes = []string{"billing", "research", "orders"}
)

func one[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func some[T any](r *rand.Rand, of []T) []T {
	var chosen []T
	for _, x := range of {
		if r.IntN(3) == 0 {
			chosen = append(chosen, x)
		}
	}
	return chosen
}

// Subject makes an asker up.
func Subject(r *rand.Rand) policy.Subject {
	s := policy.Subject{
		Type: one(r, []string{"person", "service"}), ID: one(r, people[:3]), Name: "n", Domain: one(r, domains), Teams: some(r, teams[:3]),
		StewardOf: some(r, domains[:3]), Clearance: one(r, classes), Region: one(r, []string{"eu", "us"}), Suspended: r.IntN(12) == 0,
	}
	s.Roles = some(r, []model.Role{model.RoleEmployee, model.RoleSteward})
	if r.IntN(8) == 0 {
		s.Roles = append(s.Roles, model.RoleAdmin)
	}
	return s
}

// Resource makes a row of the type up; domain "" leaves that to chance.
func Resource(r *rand.Rand, kind string, domain model.Slug) policy.Resource {
	if domain == "" {
		domain = one(r, domains)
	}
	return policy.Resource{
		Type: kind, ID: one(r, products[:3]), Name: one(r, names), Domain: domain, Owner: one(r, people), OwnerTeam: one(r, teams),
		Classification: one(r, classes), Visibility: one(r, sights), Status: one(r, statuses), Tags: some(r, tags), Product: one(r, products),
		Requester: one(r, people), Described: r.IntN(2) == 0, HasOwner: r.IntN(2) == 0, Exposed: r.IntN(2) == 0, Ports: r.IntN(4),
	}
}

// Facts makes up what the asker holds.
func Facts(r *rand.Rand) policy.Facts {
	f := policy.Facts{RolesHeld: some(r, model.ApproverRoles())}
	for i := range r.IntN(3) {
		f.Grants = append(f.Grants, policy.GrantFact{
			ID: model.ID(fmt.Sprintf("grt_%d", i)), Product: one(r, products[:3]), Purpose: one(r, purposes),
			Until: Noon.Add(time.Duration(r.IntN(5)-1) * time.Hour),
		})
	}
	return f
}

// Question makes a question up about anything that somebody may do.
func Question(r *rand.Rand) policy.Question {
	return policy.Question{
		Action: one(r, policy.Actions()), Subject: Subject(r), Resource: Resource(r, one(r, []string{"data_product", "asset", "grant", "access_request"}), ""),
		Facts: Facts(r), Context: policy.Context{Now: Noon, Purpose: one(r, purposes), Channel: "graphql"},
	}
}

// rules collects the text of one package.
type rules struct {
	r       *rand.Rand
	helpers []string
	hard    bool // something that no filter can express may come in
}

// Domain makes the rules of one domain up. Hard ones have now and then
// something in them that no filter can express.
func Domain(r *rand.Rand, domain model.Slug, hard bool) []model.PolicyModule {
	g := &rules{r: r, hard: hard}
	var text strings.Builder
	fmt.Fprintf(&text, "package souk.domains.%s\n\nimport data.souk.lib\nimport rego.v2\n\n", domain)
	entries := []string{"allow", "allow", "deny", "visible", "obligations"}
	for i := range 1 + r.IntN(5) {
		entry := one(r, entries)
		if hard && entry == "visible" {
			entry = "allow"
		}
		head := fmt.Sprintf(`{"code": "c.%d", "message": "m"}`, i)
		if entry == "obligations" {
			head = fmt.Sprintf(`{"id": "o.%d", "type": "log"}`, i)
		}
		fmt.Fprintf(&text, "%s contains %s if {\n\tlib.rank(\"\") == 1\n%s}\n\n", entry, head, g.body(1+r.IntN(3), 0))
	}
	text.WriteString(strings.Join(g.helpers, "\n"))
	return []model.PolicyModule{{Path: "domains/" + string(domain) + "/access.rego", Text: text.String()}}
}

func (g *rules) body(n, depth int) string {
	var lines strings.Builder
	for range n {
		lines.WriteString("\t" + g.condition(depth) + "\n")
	}
	return lines.String()
}

// helper adds a rule of one or two ways and gives its name.
func (g *rules) helper(depth int) string {
	name := fmt.Sprintf("_h%d", len(g.helpers))
	at := len(g.helpers)
	g.helpers = append(g.helpers, "")
	var text strings.Builder
	if g.r.IntN(3) == 0 {
		fmt.Fprintf(&text, "default %s := false\n\n", name)
	}
	for range 1 + g.r.IntN(2) {
		fmt.Fprintf(&text, "%s if {\n%s}\n\n", name, g.body(1+g.r.IntN(2), depth+1))
	}
	g.helpers[at] = text.String()
	return name
}

func (g *rules) condition(depth int) string {
	if depth < 2 {
		switch g.r.IntN(6) {
		case 0:
			return "not " + g.helper(depth)
		case 1:
			return g.helper(depth)
		}
	}
	if g.hard && g.r.IntN(8) == 0 {
		return one(g.r, []string{
			`count({t | some t in input.resource.tags; startswith(t, "pii")}) > 0`,
			`regex.match("^ord", input.resource.name)`,
			`input.resource.tags[0] == "pii"`,
			`sprintf("%s", [input.resource.name]) == "orders"`,
			`concat("/", [input.resource.domain, "web"]) == input.resource.owner_team`,
		})
	}
	return g.plain()
}

// plain is a condition that a filter can express.
func (g *rules) plain() string { return one(g.r, plainConditions)(g.r) }

// plainConditions are those without a rule of their own.
var plainConditions = []func(r *rand.Rand) string{
	func(_ *rand.Rand) string { return `input.resource.visibility == "COMPANY"` },
	func(_ *rand.Rand) string { return `input.resource.owner_team in input.subject.teams` },
	func(r *rand.Rand) string {
		return fmt.Sprintf(`lib.rank(input.resource.classification) %s %d`, one(r, []string{"<", "<=", ">", ">=", "==", "!="}), r.IntN(4))
	},
	func(_ *rand.Rand) string { return `lib.is_cleared(input.subject, input.resource.classification)` },
	func(_ *rand.Rand) string { return `lib.is_owner(input.subject, input.resource)` },
	func(r *rand.Rand) string { return fmt.Sprintf(`%q in input.resource.tags`, one(r, tags)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`not %q in input.resource.tags`, one(r, tags)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf(`input.resource.status in {%q, %q}`, one(r, statuses), one(r, statuses))
	},
	func(r *rand.Rand) string { return fmt.Sprintf(`input.resource.status != %q`, one(r, statuses)) },
	func(_ *rand.Rand) string { return `not lib.is_insider(input.subject, input.resource)` },
	func(_ *rand.Rand) string { return `lib.has_grant(input.facts, input.resource, input.context.now)` },
	func(r *rand.Rand) string { return fmt.Sprintf(`input.facts.grants[_].purpose == %q`, one(r, purposes)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf(`%q in input.facts.roles_held`, one(r, []string{"domain_steward", "product_owner"}))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf(`input.resource.ports %s %d`, one(r, []string{">", "<", ">=", "!=", "=="}), r.IntN(4))
	},
	func(r *rand.Rand) string {
		return one(r, []string{`input.resource.exposed`, `not input.resource.exposed`, `input.resource.described == true`, `input.resource.has_owner == false`})
	},
	func(_ *rand.Rand) string { return `lower(input.resource.name) == "orders"` },
	func(r *rand.Rand) string {
		return fmt.Sprintf(`count(input.resource.tags) %s %d`, one(r, []string{">", "==", "<="}), r.IntN(3))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf(`every t in input.resource.tags { t != %q }`, one(r, tags))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf(`startswith(input.resource.tags[_], %q)`, one(r, []string{"pii", "g", "R"}))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf(`(input.resource.name == %q or %q in input.resource.tags)`, one(r, names), one(r, tags))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf(`not (input.resource.name == %q and input.resource.ports > %d)`, one(r, names), r.IntN(3))
	},
	func(_ *rand.Rand) string { return `input.resource.owner == input.resource.requester` },
	func(r *rand.Rand) string { return fmt.Sprintf(`input.subject.domain == %q`, one(r, domains)) },
	func(_ *rand.Rand) string { return `lib.is_member(input.subject, input.resource.domain)` },
	func(_ *rand.Rand) string { return `input.resource.tags != []` },
	func(r *rand.Rand) string {
		return fmt.Sprintf(`{"orders": %q, "clicks": "x"}[input.resource.name] == "x"`, one(r, []string{"x", "y"}))
	},
	func(r *rand.Rand) string { return fmt.Sprintf(`input.subject.id == %q`, one(r, people)) },
	func(r *rand.Rand) string {
		return one(r, []string{`startswith(input.subject.id, "prn_b")`, `input.subject.id != input.resource.requester`, `input.subject.id in {"prn_ana", "prn_bo"}`})
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf(`object.get(input.subject, "id", "") == %q`, one(r, people))
	},
	func(_ *rand.Rand) string { return `some _ in input.facts.grants` },
	func(r *rand.Rand) string {
		return fmt.Sprintf(`%s(input.resource.name, %q)`, one(r, []string{"startswith", "endswith", "contains"}), one(r, []string{"ord", "ers", "s", "O"}))
	},
}
