package policy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// The company of the demo.
var (
	ana = policy.Subject{Type: "person", ID: "prn_ana", Name: "ana@sales", Domain: "sales", StewardOf: []model.Slug{"sales"}, Roles: []model.Role{model.RoleEmployee}, Clearance: model.Confidential}
	bo  = policy.Subject{Type: "person", ID: "prn_bo", Name: "bo@marketing", Domain: "marketing", StewardOf: []model.Slug{"marketing"}, Roles: []model.Role{model.RoleEmployee}, Clearance: model.Confidential}
	cy  = policy.Subject{Type: "person", ID: "prn_cy", Name: "cy@operations", Domain: "operations", StewardOf: []model.Slug{"operations"}, Roles: []model.Role{model.RoleEmployee, model.RoleAdmin, model.RoleSteward}, Clearance: model.Restricted}

	orders = policy.Resource{
		Type: "data_product", ID: "dpr_orders", Name: "orders", Domain: "sales", Owner: "prn_ana", Classification: model.Confidential,
		Visibility: model.VisibleToAll, Status: string(model.Published), Tags: []string{"revenue"}, Product: "dpr_orders", Described: true, HasOwner: true, Ports: 1,
	}
)

func ask(s policy.Subject, a model.Action, r policy.Resource) policy.Question {
	return policy.Question{Action: a, Subject: s, Resource: r, Context: policy.Context{Now: noon, Purpose: "campaign attribution", Channel: "graphql"}}
}

func with(r policy.Resource, change func(*policy.Resource)) policy.Resource {
	change(&r)
	return r
}

func codes(d model.Decision) []string {
	var list []string
	for _, r := range d.Reasons {
		list = append(list, r.Origin+" "+r.Code)
	}
	return list
}

// TestStory follows one product of the demo through its life.
func TestStory(t *testing.T) {
	s := engine(t).Snapshot()
	request := with(orders, func(r *policy.Resource) {
		r.Type, r.ID, r.Status, r.Requester, r.Visibility = "access_request", "acr_1", string(model.RequestPending), bo.ID, ""
	})
	grant := with(request, func(r *policy.Resource) { r.Type, r.ID, r.Status = "grant", "grt_1", string(model.GrantActive) })
	draft := with(orders, func(r *policy.Resource) { r.Status = string(model.Draft) })
	held := []policy.GrantFact{{ID: "grt_1", Product: orders.ID, Purpose: "x", Until: noon.Add(time.Hour)}}
	suspended := bo
	suspended.Suspended = true
	platform := policy.Resource{Type: "audit", Name: "events"}
	steps := []struct {
		name     string
		subject  policy.Subject
		action   model.Action
		resource policy.Resource
		facts    policy.Facts
		want     model.Outcome
		reason   string
	}{
		{"steward drafts", ana, model.ActProductCreate, draft, policy.Facts{}, model.Allow, "sales product.steward"},
		{"another domain may not", bo, model.ActProductCreate, draft, policy.Facts{}, model.Deny, "engine no.rule"},
		{"drafts are hidden", bo, model.ActMetadataView, draft, policy.Facts{}, model.Deny, "platform product.draft"},
		{"steward publishes", ana, model.ActProductPublish, draft, policy.Facts{}, model.Allow, "sales product.steward"},
		{"then all may find it", bo, model.ActMetadataView, orders, policy.Facts{}, model.Allow, "platform visible.published"},
		{"and not read it", bo, model.ActDataRead, orders, policy.Facts{}, model.Deny, "engine no.rule"},
		{"bo asks", bo, model.ActAccessRequest, orders, policy.Facts{}, model.NeedsApproval, "sales request.open"},
		{"nobody else of sales sees the request", policy.Subject{Type: "person", ID: "prn_abe", Domain: "sales"}, model.ActMetadataView, request, policy.Facts{}, model.Deny, "engine no.rule"},
		{"bo sees it", bo, model.ActMetadataView, request, policy.Facts{}, model.Allow, "platform visible.own"},
		{"the steward sees it", ana, model.ActMetadataView, request, policy.Facts{}, model.Allow, "platform visible.own"},
		{"bo cannot approve", bo, model.ActRequestApprove, request, policy.Facts{RolesHeld: []model.ApproverRole{"domain_steward"}}, model.Deny, "platform request.own"},
		{"a stranger cannot approve", cy, model.ActRequestApprove, request, policy.Facts{}, model.Deny, "platform approver.no_role"},
		{"ana approves", ana, model.ActRequestApprove, request, policy.Facts{RolesHeld: []model.ApproverRole{"domain_steward", "product_owner"}}, model.Allow, "sales request.approver"},
		{"bo reads", bo, model.ActDataRead, orders, policy.Facts{Grants: held}, model.Allow, "sales read.grant"},
		{"until suspended", suspended, model.ActDataRead, orders, policy.Facts{Grants: held}, model.Deny, "platform subject.suspended"},
		{"the grant expires for the system", system(), model.ActGrantRevoke, grant, policy.Facts{}, model.Allow, "platform role.admin"},
		{"the holder gives it back", bo, model.ActGrantRevoke, grant, policy.Facts{}, model.Allow, "platform request.withdraw"},
		{"the admin sees everything", cy, model.ActMetadataView, draft, policy.Facts{}, model.Allow, "platform visible.admin"},
		{"and reads nothing", cy, model.ActDataRead, orders, policy.Facts{}, model.Deny, "engine no.rule"},
		{"the admin runs the feed", cy, model.ActAuditRead, platform, policy.Facts{}, model.Allow, "platform role.admin"},
		{"others do not", ana, model.ActAuditRead, platform, policy.Facts{}, model.Deny, "engine no.rule"},
		{"the admin makes domains", cy, model.ActDomainAdmin, policy.Resource{Type: "domain", Domain: "finance"}, policy.Facts{}, model.Allow, "platform role.admin"},
		{"others do not make domains", bo, model.ActDomainAdmin, policy.Resource{Type: "domain", Domain: "finance"}, policy.Facts{}, model.Deny, "platform admin.reserved"},
		{"nobody is nobody", policy.Subject{}, model.ActPolicyRead, platform, policy.Facts{}, model.Deny, "platform subject.unknown"},
		{"unheard action", ana, "product.destroy", orders, policy.Facts{}, model.Deny, "engine engine.unknown_action"},
	}
	for _, w := range steps {
		t.Run(w.name, func(t *testing.T) {
			q := ask(w.subject, w.action, w.resource)
			q.Facts = w.facts
			d := s.Decide(t.Context(), q)
			if d.Outcome != w.want || !slices.Contains(codes(d), w.reason) {
				t.Errorf("got %s %v, want %s %s", d.Outcome, codes(d), w.want, w.reason)
			}
			if d.Revisions.Platform == "" || (w.resource.Domain != "") != (d.Revisions.Domain != "") {
				t.Errorf("revisions %+v", d.Revisions)
			}
		})
	}
}

func system() policy.Subject {
	p := model.System()
	return policy.Subject{Type: "service", ID: p.ID, Name: p.Name, Roles: p.Roles}
}

// TestRequestCarriesItsApprovals looks at the whole answer to a request.
func TestRequestCarriesItsApprovals(t *testing.T) {
	d := engine(t).Snapshot().Decide(t.Context(), ask(bo, model.ActAccessRequest, orders))
	if d.Steps == 0 {
		t.Error("the decision cost nothing")
	}
	d.Revisions, d.Steps = model.Revisions{}, 0
	want := model.Decision{
		Outcome:     model.NeedsApproval,
		Reasons:     []model.Reason{{Code: "request.open", Message: "You may ask for this product.", Origin: "sales"}},
		Obligations: []model.Obligation{{ID: "platform.ttl", Type: model.ObligeTTLMax, Mandatory: true, Params: map[string]string{"duration_s": "15811200"}}},
		Approvals:   []model.Approval{{Role: "domain_steward", Domain: "sales", Min: 1, ExcludeRequester: true}},
		TTLMax:      183 * 24 * time.Hour,
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
}

// TestInputIsWhatTheLogKeeps proves that the logged input has every field and
// reads back as the same JSON.
func TestInputIsWhatTheLogKeeps(t *testing.T) {
	q := ask(bo, model.ActDataRead, orders)
	q.Subject.Name = "bo \"the\" \u2028 <b>"
	q.Context.Duration = 90 * time.Minute
	q.Facts = policy.Facts{Grants: []policy.GrantFact{{ID: "grt_1", Product: orders.ID, Purpose: "x", Until: noon}}, RolesHeld: []model.ApproverRole{"product_owner"}}
	var got map[string]any
	if err := json.Unmarshal(q.Input(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"v": 1.0, "action": map[string]any{"name": "data.read"},
		"subject": map[string]any{
			"type": "person", "id": "prn_bo", "name": q.Subject.Name, "domain": "marketing", "teams": []any{}, "steward_of": []any{"marketing"},
			"roles": []any{"EMPLOYEE"}, "clearance": "CONFIDENTIAL", "region": "", "suspended": false,
		},
		"resource": map[string]any{
			"type": "data_product", "id": "dpr_orders", "name": "orders", "domain": "sales", "owner": "prn_ana", "owner_team": "",
			"classification": "CONFIDENTIAL", "visibility": "COMPANY", "status": "PUBLISHED", "tags": []any{"revenue"}, "product": "dpr_orders", "requester": "",
			"described": true, "has_owner": true, "exposed": false, "ports": 1.0,
		},
		"facts": map[string]any{
			"roles_held": []any{"product_owner"},
			"grants":     []any{map[string]any{"id": "grt_1", "product": "dpr_orders", "purpose": "x", "until": "2026-05-04T12:00:00.000Z"}},
		},
		"context": map[string]any{"now": "2026-05-04T12:00:00.000Z", "purpose": "campaign attribution", "duration_s": 5400.0, "channel": "graphql"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPackages lists what is in force.
func TestPackages(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", open)
	var names []string
	for _, p := range e.Snapshot().Packages() {
		names = append(names, p.Name)
		if !strings.HasPrefix(p.Revision, "sha256:") || len(p.Files) == 0 || p.Revision != e.Snapshot().Revisions()[p.Name] {
			t.Errorf("%+v", p)
		}
	}
	if diff := cmp.Diff([]string{"souk.platform", "souk.template", "souk.domains.sales", "souk.standards"}, names); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkDecide(b *testing.B) {
	s, q := engine(b).Snapshot(), holder()
	if d := s.Decide(b.Context(), q); !d.Allowed() {
		b.Fatal(d)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(b.Context(), q)
	}
}

func BenchmarkDecideRefusal(b *testing.B) {
	s := engine(b).Snapshot()
	q := ask(bo, model.ActDataRead, orders)
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(b.Context(), q)
	}
}

func BenchmarkDecideView(b *testing.B) {
	s := engine(b).Snapshot()
	q := ask(bo, model.ActMetadataView, orders)
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(b.Context(), q)
	}
}

func BenchmarkActivate(b *testing.B) {
	e := engine(b)
	for b.Loop() {
		activate(b, e, "sales", open)
	}
}

func BenchmarkInput(b *testing.B) {
	q := ask(bo, model.ActDataRead, orders)
	b.ReportAllocs()
	for b.Loop() {
		q.Input()
	}
}
