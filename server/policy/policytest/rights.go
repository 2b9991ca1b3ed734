package policytest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// Rights makes rules of one domain up that speak of everything that a right over
// a row can hang on: approvals, the consent of the asker's own domain, and what
// few questions tell.
func Rights(r *rand.Rand, domain model.Slug, hard bool) []model.PolicyModule {
	g := &rules{r: r, hard: hard}
	var text strings.Builder
	fmt.Fprintf(&text, "package souk.domains.%s\n\nimport data.souk.lib\nimport rego.v2\n\n", domain)
	heads := []string{
		`allow contains {"code": "c", "message": "m"}`, `allow contains {"code": "c", "message": "m"}`, `allow contains {"code": "d", "message": "m"}`,
		`deny contains {"code": "c", "message": "m"}`,
		`obligations contains {"id": "o", "type": "log"}`,
		`approvals contains lib.steward_approval(input.resource.domain)`,
		`approvals contains {"role": "product_owner", "min": 2}`,
		`consent contains {"code": "c", "message": "m"}`,
	}
	for range 2 + r.IntN(5) {
		fmt.Fprintf(&text, "%s if {\n\tlib.rank(\"\") == 1\n%s%s}\n\n", one(r, heads), about(r), g.body(1+r.IntN(2), 0))
	}
	text.WriteString(strings.Join(g.helpers, "\n"))
	return []model.PolicyModule{{Path: "domains/" + string(domain) + "/access.rego", Text: text.String()}}
}

// about narrows a rule to an action, or to what only some questions tell.
func about(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return fmt.Sprintf("\tinput.action.name == %q\n", one(r, RightActions))
	case 1:
		return "\t" + one(r, []string{
			`input.resource.unconsented > 0`, `not input.resource.unconsented`, `"x" in input.resource.findings.codes`, `not input.resource.findings`,
			`input.facts.ending.consumers > 1`, `trim_space(input.context.purpose) == "billing"`, `not lib.has_purpose(input.context)`,
		}) + "\n"
	}
	return ""
}

// RightActions are what somebody may do with a product.
var RightActions = []model.Action{
	model.ActDataRead, model.ActAccessRequest, model.ActProductUpdate, model.ActProductPublish, model.ActProductDeprecat, model.ActProductRetire,
}

// More makes of the question one that tells what few do, now and then.
func More(r *rand.Rand, q policy.Question) policy.Question {
	if r.IntN(4) == 0 {
		q.Resource.Unconsented = r.IntN(3)
	}
	if q.Action == model.ActProductPublish && r.IntN(2) == 0 {
		q.Resource.Findings = &policy.FindingsFact{Errors: 1, Codes: []string{one(r, []string{"x", "y"})}}
	}
	if q.Action == model.ActProductRetire && r.IntN(2) == 0 {
		q.Facts.Ending = &policy.EndingFact{Consumers: r.IntN(4), NoticeHours: r.IntN(1000)}
	}
	return q
}
