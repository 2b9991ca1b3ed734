package resolver_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store"
)

// refusal is somebody doing what they may not.
type refusal struct {
	who   string
	input func(w *world) vars
	want  string // FORBIDDEN, or NOT_FOUND for what they may not even know of
	why   string // the reason's code, when it is ours to say
}

// refusals has one for every mutation there is.
var refusals = map[string]refusal{
	"createPrincipal": {who: "bo", want: "FORBIDDEN", input: func(*world) vars { return vars{"kind": "PERSON", "name": "eve@sales"} }},
	"updatePrincipal": {who: "bo", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.People["ana"].ID, "isSuspended": true} }},
	"issueToken": {who: "bo", want: "FORBIDDEN", input: func(w *world) vars {
		return vars{"principalId": w.People["ana"].ID, "name": "theft", "lifetime": "P1D"}
	}},
	"inviteToSignIn": {who: "bo", want: "FORBIDDEN", input: func(w *world) vars { return vars{"principalId": w.People["cy"].ID} }},
	"revokeToken": {who: "bo", want: "NOT_FOUND", input: func(w *world) vars {
		page, err := w.Identity.Tokens(w.System(), w.People["ana"].ID, model.Paging{First: 1})
		w.Must(err)
		return vars{"id": page.Nodes[0].ID}
	}},
	"createDomain": {who: "bo", want: "FORBIDDEN", why: "admin.reserved", input: func(*world) vars { return vars{"name": "piracy"} }},
	"updateDomain": {who: "bo", want: "FORBIDDEN", why: "admin.reserved", input: func(w *world) vars {
		return vars{"id": w.Domains["sales"].ID, "description": "mine"}
	}},
	"createTeam": {who: "bo", want: "FORBIDDEN", why: "admin.reserved", input: func(w *world) vars {
		return vars{"name": "pirates", "domainId": w.Domains["sales"].ID}
	}},
	"updateTeam":   {who: "bo", want: "FORBIDDEN", why: "admin.reserved", input: func(w *world) vars { return vars{"id": w.team(), "displayName": "Mine"} }},
	"renameRecord": {who: "bo", want: "FORBIDDEN", why: "admin.reserved", input: func(w *world) vars { return vars{"id": w.team(), "name": "mine"} }},
	"removeRecord": {who: "bo", want: "FORBIDDEN", why: "admin.reserved", input: func(w *world) vars { return vars{"id": w.team()} }},
	"restoreRecord": {who: "bo", want: "NOT_FOUND", input: func(w *world) vars {
		removed, err := w.Mesh.Remove(w.As("ana"), w.team(), "")
		w.Must(err)
		return vars{"id": removed.RecordID}
	}},
	"moveDataProduct": {who: "bo", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.orders.ID, "domainId": w.Domains["marketing"].ID} }},
	"createDataProduct": {who: "bo", want: "FORBIDDEN", input: func(w *world) vars {
		return vars{"name": "loot", "domainId": w.Domains["sales"].ID}
	}},
	"updateDataProduct":    {who: "bo", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.orders.ID, "description": "mine"} }},
	"publishDataProduct":   {who: "bo", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.draft.ID} }},
	"deprecateDataProduct": {who: "bo", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.orders.ID} }},
	"approveChange":        {who: "bo", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.change()} }},
	"rejectChange":         {who: "bo", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.change()} }},
	"withdrawChange":       {who: "bo", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.change()} }},
	"askForConsent":        {who: "bo", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.orders.ID} }},
	"revokeConsent":        {who: "bo", want: "BAD_USER_INPUT", input: func(w *world) vars { return vars{"id": w.orders.ID} }},
	"retireDataProduct":    {who: "bo", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.orders.ID} }},
	"checkAccess":          {who: "bo", want: "DENY", input: func(w *world) vars { return vars{"productId": w.orders.ID, "purpose": "curiosity"} }},
	"requestAccess": {who: "dee", want: "FORBIDDEN", why: "subject.clearance", input: func(w *world) vars {
		return vars{"productId": w.orders.ID, "purpose": "curiosity", "duration": "P1D"}
	}},
	"approveAccessRequest": {who: "bo", want: "FORBIDDEN", why: "request.own", input: func(w *world) vars { return vars{"id": w.request("bo")} }},
	"rejectAccessRequest":  {who: "bo", want: "FORBIDDEN", why: "approver.no_role", input: func(w *world) vars { return vars{"id": w.request("bo")} }},
	"cancelAccessRequest":  {who: "ana", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.request("bo")} }},
	"revokeGrant":          {who: "dee", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.granted("bo")} }},
	"createSource": {who: "bo", want: "FORBIDDEN", why: "admin.reserved", input: func(w *world) vars {
		return vars{"name": "spy", "domainId": w.Domains["sales"].ID, "plugin": "sqlite", "config": vars{"path": "shop.db"}}
	}},
	"removeSource":  {who: "bo", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.source.ID} }},
	"restoreSource": {who: "bo", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.source.ID} }},
	"assignNamespace": {who: "ana", want: "FORBIDDEN", input: func(w *world) vars {
		return vars{"namespace": "postgres://db.acme.example:5432", "domainId": w.Domains["sales"].ID}
	}},
	"releaseNamespace": {who: "ana", want: "NOT_FOUND", input: func(*world) vars { return vars{"id": model.NewID(model.PrefixNamespace)} }},
	"updateSource":     {who: "bo", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.source.ID, "isPaused": true} }},
	"checkSource":      {who: "bo", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.source.ID} }},
	"checkSourceConfig": {who: "dee", want: "FORBIDDEN", input: func(*world) vars {
		return vars{"plugin": "sqlite", "config": vars{"path": "shop.db"}}
	}},
	"startHarvest": {who: "bo", want: "NOT_FOUND", input: func(w *world) vars { return vars{"sourceId": w.source.ID} }},
	"cancelHarvest": {who: "bo", want: "NOT_FOUND", input: func(w *world) vars {
		run, err := w.services.Harvest.Start(w.As("ana"), w.source.ID, "manual")
		w.Must(err)
		_, err = w.services.Harvest.Wait(w.As("ana"), run.ID)
		w.Must(err)
		return vars{"id": run.ID}
	}},
	"setSourceRole": {who: "bo", want: "NOT_FOUND", input: func(w *world) vars {
		return vars{"sourceId": w.source.ID, "principalId": w.People["bo"].ID, "role": "bo"}
	}},
	"removeSourceRole": {who: "bo", want: "NOT_FOUND", input: func(w *world) vars {
		r, err := w.services.InSources.SetRole(w.As("ana"), sourcegrants.NewRole{SourceID: w.source.ID, PrincipalID: w.People["bo"].ID, Role: "bo"})
		w.Must(err)
		return vars{"id": r.ID}
	}},
	"repairSourceGrant": {who: "dee", want: "NOT_FOUND", input: func(w *world) vars {
		row := model.SourceGrant{
			Meta: model.Meta{ID: model.NewID(model.PrefixInSource)}, GrantID: w.granted("bo"), SourceID: w.source.ID, State: model.SourceGrantFailed, Wanted: &model.SourceRight{Role: "bo"},
		}
		w.Put(store.SourceGrants.Put(row))
		return vars{"id": row.ID, "expectedVersion": 1}
	}},
	"undoHarvest": {who: "bo", want: "NOT_FOUND", input: func(w *world) vars {
		run, err := w.services.Harvest.Start(w.As("ana"), w.source.ID, "manual")
		w.Must(err)
		_, err = w.services.Harvest.Wait(w.As("ana"), run.ID)
		w.Must(err)
		return vars{"id": run.ID}
	}},
	"draftPolicy": {who: "bo", want: "FORBIDDEN", input: func(*world) vars {
		return vars{"domain": "sales", "title": "Mine", "modules": []any{vars{"path": "domains/sales/x.rego", "text": "package souk.domains.sales"}}}
	}},
	"updatePolicyDraft":      {who: "cy", want: "FORBIDDEN", why: "policy.not_author", input: func(w *world) vars { return vars{"id": w.proposal(), "title": "Mine"} }},
	"checkPolicy":            {who: "cy", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.proposal()} }},
	"testPolicy":             {who: "cy", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.proposal()} }},
	"assessPolicy":           {who: "cy", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.proposal()} }},
	"cancelPolicyAssessment": {who: "cy", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.proposal()} }},
	"commentOnPolicy":        {who: "dee", want: "NOT_FOUND", input: func(w *world) vars { return vars{"id": w.proposal(), "text": "No."} }},
	"approvePolicy":          {who: "ana", want: "FORBIDDEN", why: "policy.own", input: func(w *world) vars { return vars{"id": w.proposal(), "reportHash": "x"} }},
	"rejectPolicy":           {who: "ana", want: "FORBIDDEN", why: "policy.own", input: func(w *world) vars { return vars{"id": w.proposal()} }},
	"withdrawPolicy":         {who: "cy", want: "FORBIDDEN", why: "policy.not_author", input: func(w *world) vars { return vars{"id": w.proposal()} }},
	"activatePolicy":         {who: "cy", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.proposal()} }},
	"rollbackPolicy":         {who: "bo", want: "FORBIDDEN", input: func(*world) vars { return vars{"domain": "sales"} }},
	"shadowPolicy":           {who: "cy", want: "FORBIDDEN", input: func(w *world) vars { return vars{"id": w.proposal(), "isOn": true} }},
}

// team makes a team of Sales.
func (w *world) team() model.ID {
	w.Helper()
	t, err := w.Mesh.CreateTeam(w.As("ana"), mesh.NewTeam{Name: "pirates", DomainID: w.Domains["sales"].ID})
	w.Must(err)
	return t.ID
}

// request makes a pending access request for the orders.
func (w *world) request(who string) model.ID {
	w.Helper()
	r, err := w.Access.Request(w.As(who), access.NewRequest{ProductID: w.orders.ID, Purpose: "attribution", Duration: 24 * time.Hour})
	w.Must(err)
	return r.ID
}

// proposal is a draft of Ana's for the package of Sales.
func (w *world) proposal() model.ID {
	w.Helper()
	p, err := w.services.Governance.Draft(w.As("ana"), governance.NewProposal{
		Domain: "sales", Title: "Closed",
		Modules: []model.PolicyModule{{Path: "domains/sales/closed.rego", Text: "package souk.domains.sales\n\nimport rego.v2\n"}},
	})
	w.Must(err)
	return p.ID
}

// granted makes a live grant for the orders.
func (w *world) granted(who string) model.ID {
	w.Helper()
	r, err := w.Access.Approve(w.As("ana"), w.request(who), "")
	w.Must(err)
	if r.GrantID == "" {
		w.Fatalf("no grant came of %+v", r)
	}
	return r.GrantID
}

// document writes a mutation with everything that tells of a refusal.
func document(name string) string {
	title := strings.ToUpper(name[:1]) + name[1:]
	extra := ""
	if name == "checkAccess" {
		extra = "decision { id outcome reasons { code message origin } }"
	}
	return fmt.Sprintf("mutation M($input: %sInput!) { %s(input: $input) { %s userErrors { code message hint path } } }", title, name, extra)
}

// TestSomebodyIsRefused fails for a mutation that has no refusal in the table.
func TestSomebodyIsRefused(t *testing.T) {
	for _, f := range graph.NewExecutableSchema(graph.Config{}).Schema().Mutation.Fields {
		t.Run(f.Name, func(t *testing.T) {
			r, ok := refusals[f.Name]
			if !ok {
				t.Fatal("nobody is refused this mutation: add a line to the table")
			}
			w := newWorld(t)
			input := r.input(w)
			got := w.ask(r.who, document(f.Name), vars{"input": input})
			w.namesAbsent(f.Name, input)
			if f.Name == "checkAccess" {
				if got.str("checkAccess.decision.outcome") != "DENY" {
					t.Errorf("got %s", got.text)
				}
				return
			}
			if got.code() != r.want {
				t.Fatalf("code %q, want %s: %s", got.code(), r.want, got.text)
			}
			if r.want == "FORBIDDEN" {
				checkForbidden(t, got, r.why)
			}
		})
	}
}

// namesAbsent puts an id of nothing into each field of the input that holds one,
// and wants the answer to name that field.
func (w *world) namesAbsent(mutation string, input vars) {
	w.Helper()
	for field, value := range input {
		id, ok := value.(model.ID)
		if !ok {
			continue
		}
		absent := maps.Clone(input)
		absent[field] = model.NewID(id.Prefix())
		got := w.ask("cy", document(mutation), vars{"input": absent})
		if field != "id" && got.code() == "FORBIDDEN" { // the right to what the id names is asked for first
			continue
		}
		if diff := cmp.Diff([]any{"input", field}, got.at(mutation+".userErrors.0.path")); diff != "" {
			w.Errorf("%s of nothing (-want +got):\n%s%s", field, diff, got.text)
		}
	}
}

// checkForbidden looks at what a refusal tells: the reasons, and where to look it up.
func checkForbidden(t *testing.T, got reply, why string) {
	t.Helper()
	x := got.Errors[0].Extensions
	if id, _ := x["decisionId"].(string); !strings.HasPrefix(id, "dec_") {
		t.Errorf("no decisionId in %s", got.text)
	}
	if id, _ := x["requestId"].(string); id == "" {
		t.Errorf("no requestId in %s", got.text)
	}
	reasons, _ := x["reasons"].([]any)
	codes := []string{}
	for _, r := range reasons {
		reason, _ := r.(map[string]any)
		codes = append(codes, fmt.Sprint(reason["code"]))
		if reason["message"] == "" || reason["origin"] == "" {
			t.Errorf("a reason without words in %s", got.text)
		}
	}
	if len(codes) == 0 || why != "" && !slices.Contains(codes, why) {
		t.Errorf("reasons %v, want %s", codes, why)
	}
	if _, ok := x["approvals"].([]any); !ok {
		t.Errorf("no list of approvals in %s", got.text)
	}
}

// change opens the orders further than one steward may.
func (w *world) change() model.ID {
	w.Helper()
	public := model.Public
	_, err := w.Mesh.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: w.orders.ID, Classification: &public})
	w.Must(err)
	c, err := w.Mesh.Pending(w.As("ana"), w.orders.ID)
	w.Must(err)
	return c.ID
}
