package policy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

func explain(tb testing.TB, e *policy.Engine, q policy.Question) model.Explanation {
	tb.Helper()
	x, err := e.Explain(tb.Context(), record(tb, e, "dec_1", q), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// told writes the rules of an explanation down, a line for each condition.
func told(x model.Explanation) string {
	var b strings.Builder
	for _, r := range x.Rules {
		fmt.Fprintf(&b, "%s %s %s %v\n", r.Package, r.Entry, r.Code, r.Held)
		if r.Failed != nil {
			tell(&b, *r.Failed, "  ")
		}
	}
	return b.String()
}

func tell(b *strings.Builder, c model.FailedCondition, indent string) {
	fmt.Fprintf(b, "%s%s:%d:%d %s", indent, c.File, c.Line, c.Column, c.Text)
	for _, v := range c.Values {
		fmt.Fprintf(b, " [%s %s]", v.Path, v.Value)
	}
	b.WriteByte('\n')
	for _, inner := range c.Because {
		tell(b, inner, indent+"  ")
	}
}

const explained = `package souk.domains.sales

import data.souk.lib
import rego.v2

# METADATA
# title: Web reads
allow contains {"code": "read.web", "message": "m"} if {
	input.action.name == "data.read"
	_trusted(input.subject)
	input.context.purpose in {"audit", "billing"}
}

allow contains {"code": "read.tag", "message": "m"} if {
	input.action.name in {"data.read", "metadata.view"}
	some tag in input.resource.tags
	startswith(tag, "open")
}

deny contains {"code": "read.night", "message": "m"} if {
	input.action.name == "data.read"
	not lib.is_cleared(input.subject, input.resource.classification)
}

deny contains {"code": "view.never", "message": "m"} if {
	input.action.name == "metadata.view"
	input.resource.ports > 100
}

_trusted(s) if "sales/web" in s.teams

_trusted(who) if lib.is_steward(who, input.resource.domain)
`

// TestExplain shows of each rule for the action the first condition that was
// not met, where it stands, what it compared, and why a helper said no.
func TestExplain(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", explained)
	x := explain(t, e, ask(bo, model.ActDataRead, orders))
	_, own, _ := strings.Cut(told(x), "souk.domains.sales deny")
	want := ` read.night false
  domains/sales/rules.rego:22:2 not lib.is_cleared(input.subject, input.resource.classification) [input.resource.classification "CONFIDENTIAL"] [input.subject.clearance "CONFIDENTIAL"]
souk.domains.sales allow read.web false
  domains/sales/rules.rego:10:2 _trusted(input.subject)
    domains/sales/rules.rego:30:16 "sales/web" in s.teams [input.subject.teams []]
    domains/sales/rules.rego:32:18 lib.is_steward(who, input.resource.domain) [input.resource.domain "sales"]
      lib/subject.rego:25:2 domain in subject.steward_of [input.resource.domain "sales"] [input.subject.steward_of ["marketing"]]
souk.domains.sales allow read.tag false
  domains/sales/rules.rego:17:2 startswith(tag, "open")
`
	if diff := cmp.Diff(want, own); diff != "" {
		t.Error(diff)
	}
	if x.Outcome != model.Deny || !x.Faithful || x.DecisionID != "dec_1" || x.Reasons[0].Code != "no.rule" {
		t.Errorf("got %+v", x)
	}
	if i := slices.IndexFunc(x.Rules, func(r model.RuleTrace) bool { return r.Code == "read.web" }); x.Rules[i].Title != "Web reads" {
		t.Errorf("got %+v", x.Rules[i])
	}
	for range 5 {
		if diff := cmp.Diff(x, explain(t, e, ask(bo, model.ActDataRead, orders))); diff != "" {
			t.Errorf("another time: %s", diff)
		}
	}
}

// TestExplainHeld names the rules that decided.
func TestExplainHeld(t *testing.T) {
	suspended := bo
	suspended.Suspended = true
	x := explain(t, engine(t), ask(suspended, model.ActDataRead, orders))
	if !strings.Contains(told(x), "souk.platform deny subject.suspended true\n") || !strings.Contains(told(x), "souk.template allow read.grant false\n") {
		t.Error(told(x))
	}
	if strings.Contains(told(x), "publish.") || strings.Contains(told(x), "role.admin") {
		t.Errorf("rules about other actions are in it:\n%s", told(x))
	}
}

// TestExplainThePast uses the rules that decided, not those in force: from
// their modules, or as far as they are still known.
func TestExplainThePast(t *testing.T) {
	e := engine(t)
	q := ask(bo, model.ActDataRead, orders)
	template := record(t, e, "dec_1", q)
	activate(t, e, "sales", closing)
	closed := record(t, e, "dec_2", q)
	activate(t, e, "sales", open)
	for _, w := range []struct {
		name     string
		record   model.DecisionRecord
		modules  []model.PolicyModule
		code     string
		faithful bool
	}{
		{"without its modules", closed, nil, "sales.open", false},
		{"with its modules", closed, module("sales", closing).Modules, "read.member", true},
		{"known by now", closed, nil, "read.member", true},
		{"the template", template, nil, "read.grant", true},
		{"with other modules", template, module("sales", open).Modules, "read.grant", true},
	} {
		x, err := e.Explain(t.Context(), w.record, w.modules)
		if err != nil {
			t.Fatal(err)
		}
		if x.Faithful != w.faithful || !strings.Contains(told(x), " allow "+w.code+" ") {
			t.Errorf("%s: faithful %v\n%s", w.name, x.Faithful, told(x))
		}
	}
	gone := closed
	gone.Input = nil
	if _, err := e.Explain(t.Context(), gone, nil); !model.Is(err, model.KindConflict) {
		t.Errorf("got %v", err)
	}
	gone.Input = []byte(`{"v": 1}`)
	if _, err := e.Explain(t.Context(), gone, nil); !model.Is(err, model.KindInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestExplainPastConsent hears the asker's domain as it was heard then.
func TestExplainPastConsent(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", open)
	q := ask(bo, model.ActDataRead, orders)
	before := record(t, e, "dec_1", q)
	activate(t, e, "marketing", consenting("billing"))
	under := record(t, e, "dec_2", q)
	unnamed := under
	unnamed.Decision.Revisions.Consent = ""
	activate(t, e, "marketing", consenting("campaign attribution"))
	const line = "souk.domains.marketing consent "
	for _, w := range []struct {
		name     string
		record   model.DecisionRecord
		modules  []model.PolicyModule
		outcome  model.Outcome
		heard    string
		faithful bool
	}{
		{"without its modules", under, nil, model.Allow, line + "marketing.yes true\n", false},
		{"with its modules", under, module("marketing", consenting("billing")).Modules, model.Deny, line + "marketing.yes false\n", true},
		{"known by now", under, nil, model.Deny, line + "marketing.yes false\n", true},
		{"before there was any", before, nil, model.Allow, "", true},
		{"a row that names none", unnamed, nil, model.Allow, line + "marketing.yes true\n", false},
	} {
		x, err := e.Explain(t.Context(), w.record, w.modules)
		if err != nil {
			t.Fatal(err)
		}
		if x.Faithful != w.faithful || x.Outcome != w.outcome || !strings.Contains(told(x), w.heard) || (w.heard == "") == strings.Contains(told(x), line) {
			t.Errorf("%s: %s, faithful %v\n%s", w.name, x.Outcome, x.Faithful, told(x))
		}
	}
}

// TestPaths finds what somebody can do, the easiest first, and nothing that
// would not help.
func TestPaths(t *testing.T) {
	suspended, low := bo, bo
	suspended.Suspended, low.Clearance = true, model.Internal
	silent := ask(bo, model.ActDataRead, orders)
	silent.Context.Purpose = ""
	draft := with(orders, func(r *policy.Resource) { r.Status, r.Described, r.Ports = string(model.Draft), false, 0 })
	mine := with(orders, func(r *policy.Resource) { r.Type, r.Requester = "access_request", bo.ID })
	teams := with(orders, func(r *policy.Resource) { r.Owner, r.OwnerTeam = "", "sales/web" })
	for _, w := range []struct {
		name string
		q    policy.Question
		want []string
	}{
		{"access", ask(bo, model.ActDataRead, orders), []string{"request_access ALLOW 1", "join_domain ALLOW 0", "hold_role ALLOW 0", "hold_role ALLOW 0"}},
		{"the owner's team", ask(bo, model.ActDataRead, teams), []string{"request_access ALLOW 1", "join_team ALLOW 0", "join_domain ALLOW 0", "hold_role ALLOW 0", "hold_role ALLOW 0"}},
		{"allowed", ask(ana, model.ActDataRead, orders), nil},
		{"votes", ask(bo, model.ActAccessRequest, orders), []string{"await_approval ALLOW 1"}},
		{"a purpose and access", silent, []string{"state_purpose+request_access ALLOW 1", "state_purpose+join_domain ALLOW 0", "state_purpose+hold_role ALLOW 0"}},
		{"a purpose alone", holding(silent), []string{"state_purpose ALLOW 0"}},
		{"clearance", holding(ask(low, model.ActDataRead, orders)), []string{"raise_clearance ALLOW 0"}},
		{"suspension", holding(ask(suspended, model.ActDataRead, orders)), []string{"lift_suspension ALLOW 0"}},
		{"retired", ask(ana, model.ActDataRead, with(orders, func(r *policy.Resource) { r.Status = string(model.Retired) })), nil},
		{"an incomplete product", ask(ana, model.ActProductPublish, draft), []string{"complete_product ALLOW 0"}},
		{"a draft", ask(bo, model.ActMetadataView, draft), []string{"join_domain ALLOW 0", "hold_role ALLOW 0", "hold_role ALLOW 0", "hold_role ALLOW 0", "publish_product ALLOW 0"}},
		{"the own request", ask(bo, model.ActRequestApprove, mine), nil},
		{"another's request", ask(ana, model.ActRequestApprove, mine), []string{"hold_role ALLOW 0"}},
	} {
		t.Run(w.name, func(t *testing.T) {
			x := explain(t, engine(t), w.q)
			var got []string
			for _, p := range x.Paths {
				got = append(got, fmt.Sprintf("%s %s %d", p.Kind, p.Outcome, len(p.Approvals)))
				if p.Message == "" || (len(p.Changes) == 0) != (p.Kind == "await_approval") {
					t.Errorf("%+v", p)
				}
			}
			if diff := cmp.Diff(w.want, got); diff != "" {
				t.Errorf("%s\n%+v", diff, x.Paths)
			}
		})
	}
}

// TestPathsOfADomain finds the purposes and the teams that its rules name.
func TestPathsOfADomain(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", explained)
	x := explain(t, e, ask(bo, model.ActDataRead, orders))
	var got []string
	for _, p := range x.Paths {
		got = append(got, p.Kind+": "+p.Message)
	}
	want := []string{`state_purpose+join_team: State the purpose "audit", if it is yours. Join the team sales/web.`}
	if diff := cmp.Diff(want, got[:min(len(got), 1)]); diff != "" {
		t.Errorf("%s\n%v", diff, got)
	}
}

func asText(t *testing.T, x model.Explanation) string {
	t.Helper()
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRedacted hides values wherever they stand, and nothing else.
func TestRedacted(t *testing.T) {
	x := explain(t, engine(t), ask(bo, model.ActDataRead, with(orders, func(r *policy.Resource) { r.Owner, r.OwnerTeam = "prn_secret", "sales/hidden" })))
	if !strings.Contains(asText(t, x), "prn_secret") {
		t.Fatal("there is nothing to hide")
	}
	hidden := x.Redacted(func(path string) bool { return strings.HasPrefix(path, "input.resource.owner") })
	if text := asText(t, hidden); strings.Contains(text, "prn_secret") || strings.Contains(text, "sales/hidden") || !strings.Contains(text, "CONFIDENTIAL") {
		t.Error(text)
	}
	if len(hidden.Rules) != len(x.Rules) || len(hidden.Paths) != len(x.Paths) || !strings.Contains(asText(t, x), "prn_secret") {
		t.Error("more was hidden than was to be")
	}
}

// BenchmarkExplain measures both levels of an explanation together; a decision
// that is allowed has no second.
func BenchmarkExplain(b *testing.B) {
	e := engine(b)
	silent := ask(bo, model.ActDataRead, orders)
	silent.Context.Purpose = ""
	for name, q := range map[string]policy.Question{"rules": ask(ana, model.ActDataRead, orders), "paths": silent} {
		b.Run(name, func(b *testing.B) {
			r := record(b, e, "dec_1", q)
			for b.Loop() {
				if _, err := e.Explain(b.Context(), r, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
