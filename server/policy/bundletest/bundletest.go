// Package bundletest makes questions at random, and rules that answer them in
// every way there is, for tests that compare two ways of deciding.
package bundletest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// Drafts are the packages of three domains. Sales adds duties and approvals of
// all types to what the template does, marketing wants to consent, and the
// answers of broken cannot be carried out. All other domains live by the template.
func Drafts() []policy.Draft {
	return []policy.Draft{draft("sales", sales), draft("marketing", marketing), draft("broken", broken)}
}

func draft(domain model.Slug, text string) policy.Draft {
	return policy.Draft{Domain: domain, Modules: []model.PolicyModule{{Path: "domains/" + string(domain) + "/rules.rego", Text: text}}}
}

const sales = `package souk.domains.sales

import data.souk.lib
import rego.v2

allow contains {"code": "sales.open", "message": "Sales is open."} if input.action.name in {"data.read", "access.request", "app.ship", "product.publish"}

allow contains {"code": "sales.again", "message": "Twice."} if input.action.name == "data.read"

deny contains {"code": "sales.intern", "message": "Not for services."} if {
	input.subject.type == "service"
	input.action.name != "metadata.view"
}

deny contains {"code": "sales.tag", "message": "Tagged."} if "secret" in input.resource.tags

visible contains {"code": "sales.seen", "message": "The company may look."} if input.resource.visibility == "COMPANY"

visible contains {"code": "sales.open", "message": "Sales is open."} if input.subject.domain == "sales"

obligations contains {"id": "sales.mask", "type": "mask", "params": {"field": "email", "with": kind}} if some kind in _masks

_masks contains "partial" if input.resource.ports > 0

_masks contains "hash" if input.resource.described

_masks contains "null" if input.resource.exposed

obligations contains {"id": "sales.rows", "type": "row_filter", "mandatory": false, "params": {"field": "region", "op": "eq", "value": input.subject.domain}} if input.subject.domain != ""

obligations contains {"id": "sales.ttl", "type": "ttl_max", "params": {"duration_s": 3600 * n}} if {
	input.action.name == "access.request"
	some n in [24, 12]
	input.resource.ports < n
}

obligations contains {"id": "sales.log", "type": "log", "mandatory": false, "params": {"note": "seen"}}

obligations contains {"id": "sales.mark", "type": "watermark", "params": {"text": text}} if some text in input.subject.teams

approvals contains lib.steward_approval("sales") if not input.resource.described

approvals contains {"role": "domain_steward", "domain": "sales", "min": 2, "exclude_requester": false} if input.resource.exposed

approvals contains {"role": "product_owner"} if input.resource.has_owner
`

const marketing = `package souk.domains.marketing

import rego.v2

allow contains {"code": "marketing.app", "message": "Applications may."} if startswith(input.action.name, "app.")

allow contains {"code": "marketing.grant", "message": "Granted."} if count(input.facts.grants) > 0

visible contains {"code": "marketing.seen", "message": "Published."} if input.resource.status == "PUBLISHED"

consent contains {"code": "marketing.yes", "message": "Our people may."} if input.subject.type == "person"
`

const broken = `package souk.domains.broken

import rego.v2

allow contains {"code": "broken.allow", "message": "Come in."}

deny contains {"code": "", "message": "No code."} if input.resource.ports == 1

visible contains {"code": "broken.seen", "message": "Shown."} if input.resource.exposed

deny contains {"code": "broken.deny", "message": "Closed."} if input.resource.ports == 4

obligations contains {"id": "x", "type": "tickle"} if input.resource.ports == 2

obligations contains {"id": "x", "type": "mask", "params": {"field": "f", "with": "paint"}} if input.resource.described

approvals contains {"role": "king"} if input.resource.ports == 3
`

var (
	subjects  = []string{"prn_ana", "prn_bo", "prn_cy", ""}
	domains   = []model.Slug{"sales", "sales", "marketing", "broken", "finance", ""}
	teams     = []string{"sales/orders", "marketing/ads", "finance/books"}
	resources = []string{"data_product", "asset", "domain", "team", "source", "access_request", "grant", "principal", "token", "decision", "policy", "event"}
	classes   = []model.Classification{"", model.Public, model.Internal, model.Confidential, model.Restricted, "COSMIC"}
	statuses  = []string{"DRAFT", "PUBLISHED", "DEPRECATED", "RETIRED", "PENDING", "ACTIVE", ""}
	purposes  = []string{"", " ", "billing"}
)

// actions lists what questions may be about, with many about looking, reading
// and asking, where visible, grants and approvals count most.
func actions() []model.Action {
	list := append(policy.Actions(), "app.ship", "app.x", "unheard")
	for range len(list) / 6 {
		list = append(list, model.ActMetadataView, model.ActDataRead, model.ActAccessRequest)
	}
	return list
}

// Now is the time of every question. It lies ahead, so that grants which end
// about then are still kept when a server packs its bundle.
var Now = time.Now().UTC().Truncate(time.Millisecond).Add(time.Hour)

// Holdings makes the grants of a company: live ones, those of yesterday and of
// tomorrow, and those that end or begin at the very moment. Who holds them,
// on what and why is random.
func Holdings(r *rand.Rand) []policy.Holding {
	var held []policy.Holding
	moments := []time.Duration{-24 * time.Hour, -time.Millisecond, 0, time.Millisecond, 24 * time.Hour}
	for _, from := range moments {
		for _, until := range moments {
			held = append(held, policy.Holding{Holder: model.ID(one(r, subjects[:3])), From: Now.Add(from), GrantFact: policy.GrantFact{
				ID: model.ID(fmt.Sprintf("grt_%02d", len(held))), Product: one(r, []model.ID{"dpr_orders", "dpr_orders", "dpr_other"}),
				Purpose: one(r, purposes), Until: Now.Add(until),
			}})
		}
	}
	return held
}

// Case is a question as Souk decides it, and as an engine outside is asked it.
type Case struct {
	Question policy.Question
	Input    json.RawMessage
	Found    any // the facts that the engine has to find by itself; nil when it is told them
}

// WithFacts is the case of a question that tells its facts.
func WithFacts(q policy.Question) Case { return Case{Question: q, Input: q.Input()} }

// WithoutFacts is the case of the question without facts, as a sidecar's caller puts
// it. Souk decides it with the facts that it would look up.
func WithoutFacts(q policy.Question, held []policy.Holding) Case {
	q.Facts = policy.Facts{RolesHeld: rolesHeld(q)}
	for _, h := range held {
		if h.Holder == q.Subject.ID && (h.Product == q.Resource.ID || h.Product == q.Resource.Product) && !Now.Before(h.From) && Now.Before(h.Until) {
			q.Facts.Grants = append(q.Facts.Grants, h.GrantFact)
		}
	}
	var input map[string]any
	_ = json.Unmarshal(q.Input(), &input) // our own JSON
	c := Case{Question: q, Found: input["facts"]}
	delete(input, "facts")
	c.Input, _ = json.Marshal(input)
	return c
}

func rolesHeld(q policy.Question) (held []model.ApproverRole) {
	if q.Resource.Domain != "" && slices.Contains(q.Subject.StewardOf, q.Resource.Domain) {
		held = append(held, model.ApproverDomainSteward)
	}
	if q.Resource.Owner != "" && q.Resource.Owner == q.Subject.ID {
		held = append(held, model.ApproverProductOwner)
	}
	if slices.Contains(q.Subject.Roles, model.RoleSteward) {
		held = append(held, model.ApproverPlatformSteward)
	}
	return held
}

// Cases makes n cases at random, every second one of them untold.
func Cases(r *rand.Rand, n int, held []policy.Holding) []Case {
	cases, list := make([]Case, n), actions()
	for i := range cases {
		q := question(r, list)
		if cases[i] = WithFacts(q); i%2 == 0 {
			cases[i] = WithoutFacts(q, held)
		}
	}
	return cases
}

// question makes a question that any of the rules may be about.
func question(r *rand.Rand, among []model.Action) policy.Question {
	q := policy.Question{
		Action:   one(r, among),
		Subject:  subject(r),
		Resource: resource(r),
		Facts:    policy.Facts{RolesHeld: some(r, model.ApproverRoles())},
		Context:  policy.Context{Now: Now, Purpose: one(r, purposes), Duration: time.Duration(r.IntN(400)) * 24 * time.Hour, Channel: "sidecar"},
	}
	if flip(r) {
		until := Now.Add(time.Duration(r.IntN(3)-1) * time.Millisecond)
		q.Facts.Grants = []policy.GrantFact{{ID: "grt_1", Product: one(r, []model.ID{q.Resource.Product, "dpr_other"}), Purpose: "billing", Until: until}}
	}
	if flip(r) {
		q.Properties.Action = map[string]any{"soft": flip(r), "weight": 1.5, "note": fmt.Sprint("é ", r.IntN(9))}
	}
	return q
}

func subject(r *rand.Rand) policy.Subject {
	return policy.Subject{
		Type: one(r, []string{"person", "person", "service"}), ID: model.ID(one(r, subjects)), Name: one(r, []string{"ana", "bo \"x\"", "zoë"}),
		Domain: one(r, domains), Teams: some(r, teams), StewardOf: some(r, domains[1:5]),
		Roles: some(r, model.Roles()), Clearance: one(r, classes), Suspended: r.IntN(10) == 0,
	}
}

func resource(r *rand.Rand) policy.Resource {
	return policy.Resource{
		Type: one(r, resources), ID: "dpr_orders", Name: "orders", Domain: one(r, domains), Owner: model.ID(one(r, subjects)), OwnerTeam: one(r, append(teams, "")),
		Classification: one(r, classes), Visibility: one(r, []model.Visibility{model.VisibleToAll, model.VisibleToDomain, ""}), Status: one(r, statuses),
		Tags: some(r, []string{"revenue", "secret"}), Product: one(r, []model.ID{"dpr_orders", ""}), Requester: model.ID(one(r, subjects)),
		Described: flip(r), HasOwner: flip(r), Exposed: flip(r), Ports: r.IntN(5),
	}
}

func one[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func some[T any](r *rand.Rand, list []T) []T {
	var picked []T
	for _, x := range list {
		if r.IntN(3) == 0 {
			picked = append(picked, x)
		}
	}
	return picked
}

func flip(r *rand.Rand) bool { return r.IntN(2) == 0 }
