package resolver_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

const whyQuery = `query W($id: ID!) { whyDenied(decisionId: $id) {
	decisionId outcome isFaithful reasons { code message origin }
	rules { package entry title code file line isHeld conditions { depth file line column text values { path value isMissing isRedacted } } }
	paths { kind message outcome approvals { role domain min } changes { path value isRedacted } }
} }`

// refused gives the decision that keeps Bo from the orders.
func (w *world) refused() string {
	w.Helper()
	got := w.ok("bo", `mutation($p: ID!) { checkAccess(input: {productId: $p, purpose: "attribution"}) { decision { id outcome } userErrors { message } } }`, vars{"p": w.orders.ID})
	if got.str("checkAccess.decision.outcome") != "DENY" {
		w.Fatalf("bo may read the orders: %s", got.text)
	}
	return got.str("checkAccess.decision.id")
}

// rule finds the rule with the code in an explanation, as the path to it.
func (r reply) rule(code string) string {
	r.t.Helper()
	rules, _ := r.at("whyDenied.rules").([]any)
	for i, rule := range rules {
		if rule.(map[string]any)["code"] == code {
			return "whyDenied.rules." + strconv.Itoa(i)
		}
	}
	r.t.Fatalf("no rule %s in %s", code, r.text)
	return ""
}

// compared finds a value that some condition looked at.
func (r reply) compared(path string) map[string]any {
	rules, _ := r.at("whyDenied.rules").([]any)
	for _, rule := range rules {
		for _, c := range rule.(map[string]any)["conditions"].([]any) {
			for _, v := range c.(map[string]any)["values"].([]any) {
				if v := v.(map[string]any); v["path"] == path {
					return v
				}
			}
		}
	}
	return nil
}

// TestWhyDeniedOverTheWire explains a refusal to the person, to the steward,
// and to nobody else.
func TestWhyDeniedOverTheWire(t *testing.T) {
	w := newWorld(t)
	id := w.refused()
	got := w.ok("bo", whyQuery, vars{"id": id})
	at := got.rule("read.grant")
	for path, want := range map[string]any{
		"whyDenied.decisionId": id, "whyDenied.outcome": "DENY", "whyDenied.isFaithful": true,
		at + ".package": "souk.template", at + ".entry": "allow", at + ".isHeld": false, at + ".file": "template/grant.rego",
		at + ".conditions.0.depth": 0.0, at + ".conditions.0.file": "template/grant.rego", at + ".conditions.0.column": 2.0,
		at + ".conditions.0.text":            "lib.has_grant(input.facts, input.resource, input.context.now)",
		at + ".conditions.1.depth":           1.0,
		at + ".conditions.1.file":            "lib/access.rego",
		"whyDenied.paths.0.kind":             "request_access",
		"whyDenied.paths.0.outcome":          "ALLOW",
		"whyDenied.paths.0.approvals.0.role": "domain_steward",
	} {
		if got.at(path) != want {
			t.Errorf("%s = %v, want %v", path, got.at(path), want)
		}
	}
	if line, _ := got.at(at + ".conditions.0.line").(float64); line <= got.at(at+".line").(float64) {
		t.Errorf("the condition stands on line %v, its rule on %v", line, got.at(at+".line"))
	}
	if v := got.compared("input.subject.clearance"); v["value"] != `"CONFIDENTIAL"` || v["isRedacted"] != false {
		t.Errorf("bo sees %v of the own clearance", v)
	}
	if !strings.HasPrefix(got.str("whyDenied.paths.0.message"), "Ask for access to the product.") {
		t.Errorf("got %s", got.text)
	}
	steward := w.ok("ana", whyQuery, vars{"id": id})
	for path, hidden := range map[string]bool{"input.subject.clearance": true, "input.subject.domain": false, "input.resource.classification": false} {
		if v := steward.compared(path); v == nil || v["isRedacted"] != hidden || (v["value"] == "") != hidden {
			t.Errorf("ana sees %v of %s", v, path)
		}
	}
	w.ok("cy", whyQuery, vars{"id": id})
	other, none := w.ok("dee", whyQuery, vars{"id": id}), w.ok("dee", whyQuery, vars{"id": "dec_none"})
	if other.text != none.text || other.at("whyDenied") != nil {
		t.Errorf("dee gets %s, and of an unknown one %s", other.text, none.text)
	}
	asked := w.ok("cy", `{ decisions(first: 9, filter: {action: "decision.explain"}) { nodes { outcome resourceId principal { name } } } }`, nil)
	if list := asked.at("decisions.nodes").([]any); len(list) != 4 || strings.Count(asked.text, `"DENY"`) != 1 || strings.Count(asked.text, id) != 4 {
		t.Errorf("the log has %s", asked.text)
	}
}

// TestWhyDeniedByRulesOfThePast explains by the rules that decided, after
// others have come into force.
func TestWhyDeniedByRulesOfThePast(t *testing.T) {
	w := newWorld(t)
	template := w.refused()
	own := templateOf(t, "sales")
	w.enact("sales", own)
	before := w.refused()
	renamed := slices.Clone(own)
	for i := range renamed {
		renamed[i].Text = strings.ReplaceAll(renamed[i].Text, `"read.grant"`, `"read.lease"`)
	}
	w.enact("sales", renamed)
	after := w.refused()
	for _, c := range []struct{ id, code, file, other string }{
		{template, "read.grant", "template/grant.rego", "read.lease"},
		{before, "read.grant", "domains/sales/grant.rego", "read.lease"},
		{after, "read.lease", "domains/sales/grant.rego", "read.grant"},
	} {
		got := w.ok("bo", whyQuery, vars{"id": c.id})
		if got.str(got.rule(c.code)+".file") != c.file || got.at("whyDenied.isFaithful") != true || strings.Contains(got.text, c.other) {
			t.Errorf("%s: got %s", c.file, got.text)
		}
	}
}

// enact brings a domain's rules into force the way that they go.
func (w *world) enact(domain string, modules []model.PolicyModule) {
	w.Helper()
	files := make([]any, len(modules))
	for i, m := range modules {
		files[i] = vars{"path": m.Path, "text": m.Text}
	}
	id := w.ok("ana", `mutation($in: DraftPolicyInput!) { draftPolicy(input: $in) { proposal { id } userErrors { message } } }`,
		vars{"in": vars{"domain": domain, "title": "Other rules", "modules": files}}).str("draftPolicy.proposal.id")
	w.ok("ana", `mutation($id: ID!) { checkPolicy(input: {id: $id}) { userErrors { message } } }`, vars{"id": id})
	w.ok("ana", `mutation($id: ID!) { testPolicy(input: {id: $id}) { userErrors { message } } }`, vars{"id": id})
	w.ok("ana", `mutation($id: ID!) { assessPolicy(input: {id: $id}) { userErrors { message } } }`, vars{"id": id})
	states := w.subscribe("cy", `subscription($id: ID!) { policyAssessment(proposalId: $id) { state reportHash } }`, vars{"id": id})
	hash := states[len(states)-1].str("policyAssessment.reportHash")
	w.ok("cy", `mutation($id: ID!, $h: String!) { approvePolicy(input: {id: $id, reportHash: $h}) { userErrors { message } } }`, vars{"id": id, "h": hash})
	w.ok("ana", `mutation($id: ID!) { activatePolicy(input: {id: $id}) { userErrors { message } } }`, vars{"id": id})
}

// TestWhyDeniedTooLate says that the input is gone, and who asked whom about.
func TestWhyDeniedTooLate(t *testing.T) {
	w := newWorld(t)
	now := model.Now()
	l, err := decisionlog.Open(t.Context(), decisionlog.Config{URI: "sqlite::memory:", Store: w.Store, Retention: time.Hour, Now: func() time.Time { return now }})
	w.Must(err)
	t.Cleanup(func() { w.Must(l.Close()) })
	w.logged(l)
	id := w.refused()
	w.ok("bo", whyQuery, vars{"id": id})
	now = now.Add(2 * time.Hour)
	_, err = l.Erase(t.Context())
	w.Must(err)
	late := w.ask("bo", whyQuery, vars{"id": id})
	if late.code() != "CONFLICT" || !strings.Contains(late.Errors[0].Message, "holds no input of this decision") || late.at("whyDenied") != nil {
		t.Errorf("got %s", late.text)
	}
	asked := model.DecisionRecord{
		Meta: model.Meta{ID: model.NewID(model.PrefixDecision)}, At: now, Action: model.ActDataRead, PrincipalID: w.People["bo"].ID, AskedBy: w.People["ana"].ID, Outcome: model.Deny,
	}
	w.Must(l.Append(t.Context(), asked))
	const query = `query($id: ID!) { decision(id: $id) { askedBy { name } askedById } }`
	other, own := w.ok("bo", query, vars{"id": asked.ID}), w.ok("bo", query, vars{"id": id})
	if other.str("decision.askedBy.name") != "ana" || other.str("decision.askedById") != string(asked.AskedBy) || own.at("decision.askedBy") != nil || own.at("decision.askedById") != nil {
		t.Errorf("got %s and %s", other.text, own.text)
	}
}
