package resolver_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
)

const memberRules = `package souk.domains.sales

import rego.v2

allow contains {"code": "read.member", "message": "You belong to the domain."} if {
	input.action.name == "data.read"
	input.subject.domain == "sales"
}
`

const memberTests = `package souk.domains.sales_test

import data.souk.domains.sales
import rego.v2

_ask(domain) := {"action": {"name": "data.read"}, "subject": {"domain": domain}}

test_members_read if count(sales.allow) == 1 with input as _ask("sales")

test_others_do_not if count(sales.allow) == 0 with input as _ask("marketing")
`

// TestPolicyOverTheWire drafts, checks, discusses and withdraws rules as a
// client would, and reads everything back.
func TestPolicyOverTheWire(t *testing.T) {
	w := newWorld(t)
	files := []any{vars{"path": "domains/sales/rules.rego", "text": memberRules}, vars{"path": "domains/sales/rules_test.rego", "text": memberTests}}
	id := w.ok("ana", `mutation($in: DraftPolicyInput!) { draftPolicy(input: $in) { proposal { id } userErrors { message } } }`,
		vars{"in": vars{"domain": "sales", "title": "Members read", "modules": files}}).str("draftPolicy.proposal.id")
	w.ok("ana", `mutation($id: ID!) { checkPolicy(input: {id: $id}) { proposal { status problems { file line message } } userErrors { message } } }`, vars{"id": id})
	w.ok("cy", `mutation($id: ID!) { commentOnPolicy(input: {id: $id, text: "Fine."}) { proposal { comments { author { name } text at } } userErrors { message } } }`, vars{"id": id})
	got := w.ok("cy", `query($id: ID!) {
		policyProposal(id: $id) {
			id version domain title status touches author { name } revision { id hash engine domain modules { path text } author { name } } baseHash
			problems { code } tests { isOk } impact { hash } approvals { role } missingApprovals { role } votes { role } comments { author { name } text }
			viewerCan { edit comment approve activate }
		}
		node(id: $id) { id }
		policyProposals(filter: {domain: "sales"}, first: 5) { nodes { id } pageInfo { hasNextPage } }
		policyState(domain: "sales") { version domain active { id } previous { id } onTrial { id } proposal { id } pastIds activatedAt activatedBy { name } servingHash problem quarantinedUntil }
		nowhere: policyState(domain: "nowhere") { version }
	}`, vars{"id": id})
	for path, want := range map[string]string{
		"policyProposal.status": "CHECKED", "policyProposal.author.name": "ana", "policyProposal.revision.modules.0.path": "domains/sales/rules.rego",
		"policyProposal.comments.0.author.name": "cy", "policyProposal.viewerCan.edit": "DENY", "policyProposal.viewerCan.approve": "ALLOW",
		"policyProposals.nodes.0.id": id, "node.id": id,
	} {
		if got.str(path) != want {
			t.Errorf("%s is %q, want %q: %s", path, got.str(path), want, got.text)
		}
	}
	if hash := got.str("policyState.servingHash"); hash == "" || hash != got.str("policyProposal.baseHash") || got.at("nowhere") != nil {
		t.Errorf("got %s", got.text)
	}
	for _, stranger := range []string{"dee", "bo"} { // the draft touches Sales alone
		hidden := w.ok(stranger, `query($id: ID!) { policyProposal(id: $id) { title } node(id: $id) { id } policyProposals(first: 5) { nodes { id } } }`, vars{"id": id})
		if hidden.at("policyProposal") != nil || hidden.at("node") != nil || len(hidden.at("policyProposals.nodes").([]any)) != 0 {
			t.Errorf("%s reads a draft: %s", stranger, hidden.text)
		}
	}
	ended := w.ok("ana", `mutation($id: ID!) { withdrawPolicy(input: {id: $id, reason: "never mind"}) { proposal { status closedAt } userErrors { message } } }`, vars{"id": id})
	if ended.str("withdrawPolicy.proposal.status") != "REJECTED" {
		t.Errorf("got %s", ended.text)
	}
}

// TestPolicyInForceOverTheWire goes the whole way: tests, the replay with its
// progress, the votes, and back again.
func TestPolicyInForceOverTheWire(t *testing.T) {
	w := newWorld(t)
	draft := w.testedDraft()
	tested := w.ok("ana", `mutation($id: ID!) { testPolicy(input: {id: $id}) { proposal { status tests { isOk passed failed covered failures { message } uncovered { message } survivors { message } } } userErrors { message } } }`, vars{"id": draft})
	if tested.str("testPolicy.proposal.status") != "TESTED" {
		t.Fatalf("got %s", tested.text)
	}
	begun := w.ok("ana", `mutation($id: ID!) { assessPolicy(input: {id: $id}) { assessment { proposalId state done total } userErrors { message } } }`, vars{"id": draft})
	if begun.str("assessPolicy.assessment.state") == "" {
		t.Errorf("got %s", begun.text)
	}
	states := w.subscribe("cy", `subscription($id: ID!) { policyAssessment(proposalId: $id) { proposalId state done total reportHash message } }`, vars{"id": draft})
	last := states[len(states)-1]
	hash := last.str("policyAssessment.reportHash")
	if last.str("policyAssessment.state") != "DONE" || !strings.HasPrefix(hash, "sha256:") {
		t.Fatalf("got %s", last.text)
	}
	// Ana is the only steward of Sales and wrote it herself, so Cy stands in.
	voted := w.ok("cy", `mutation($id: ID!, $h: String!) { approvePolicy(input: {id: $id, reportHash: $h}) { proposal { status votes { approver { name } role reportHash isApproval } missingApprovals { role min } } userErrors { message } } }`, vars{"id": draft, "h": hash})
	if voted.str("approvePolicy.proposal.status") != "APPROVED" || voted.str("approvePolicy.proposal.votes.0.reportHash") != hash {
		t.Fatalf("got %s", voted.text)
	}
	active := w.ok("ana", `mutation($id: ID!) { activatePolicy(input: {id: $id}) { proposal { status revision { hash } } userErrors { message } } }`, vars{"id": draft})
	state := w.ok("ana", `{ policyState(domain: "sales") { servingHash active { hash } proposal { id } activatedBy { name } } }`, nil)
	if h := active.str("activatePolicy.proposal.revision.hash"); h != state.str("policyState.servingHash") || state.str("policyState.activatedBy.name") != "ana" {
		t.Errorf("got %s and %s", active.text, state.text)
	}
	back := w.ok("cy", `mutation { rollbackPolicy(input: {domain: "sales", returnsToStart: true, reason: "practice"}) { state { active { id } servingHash } wasRechecked notice userErrors { message } } }`, nil)
	if back.at("rollbackPolicy.state.active") != nil || back.at("rollbackPolicy.wasRechecked") != false || back.str("rollbackPolicy.notice") == "" {
		t.Errorf("got %s", back.text)
	}
}

// templateOf is the template as a domain would take it over.
func templateOf(tb testing.TB, domain string) []model.PolicyModule {
	tb.Helper()
	files, err := fs.Glob(policies.Files, "template/*.rego")
	if err != nil {
		tb.Fatal(err)
	}
	var modules []model.PolicyModule
	for _, f := range files {
		text, err := fs.ReadFile(policies.Files, f)
		if err != nil {
			tb.Fatal(err)
		}
		moved := strings.NewReplacer(
			"package souk.template", "package souk.domains."+domain, "data.souk.template", "data.souk.domains."+domain, "template.", domain+".",
		).Replace(string(text))
		modules = append(modules, model.PolicyModule{Path: "domains/" + domain + "/" + strings.TrimPrefix(f, "template/"), Text: moved})
	}
	return modules
}
