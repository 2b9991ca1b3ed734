package governance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// TestStory follows rules from the first draft into force and back out again.
func TestStory(t *testing.T) {
	onEngines(t, tellStory)
}

func tellStory(t *testing.T, c *company) {
	t.Helper()
	c.reads(c, "dan", model.Deny)
	start, err := c.Standing(c.As("dan"), "sales")
	c.Must(err)
	before := c.Last().Seq

	p := c.draft("ana", campaigns(t))
	if p.Status != model.ProposalDraft || p.AuthorID != c.People["ana"].ID || p.BaseHash != start.ServingHash || len(p.Problems) > 0 {
		t.Fatalf("got %+v", p)
	}
	if diff := cmp.Diff([]model.Slug{"marketing", "sales"}, p.Touches); diff != "" {
		t.Errorf("touched domains (-want +got):\n%s", diff)
	}
	p, err = c.Comment(c.As("bo"), p.ID, "We need this for the spring.")
	c.Must(err)
	p = c.assessed(p)
	if p.Status != model.ProposalAssessed || p.Impact == nil || p.Impact.BaseHash != start.ServingHash {
		t.Fatalf("got %s %+v", p.Status, p.Impact)
	}
	want := []model.Approval{
		{Role: "domain_steward", Domain: "marketing", Min: 1, ExcludeRequester: true},
		{Role: "domain_steward", Domain: "sales", Min: 1, ExcludeRequester: true},
		{Role: "platform_steward", Min: 2, ExcludeRequester: true}, // it opens confidential data
	}
	if diff := cmp.Diff(want, p.Approvals); diff != "" {
		t.Errorf("approvals (-want +got):\n%s", diff)
	}
	c.reads(c, "dan", model.Deny) // an assessment puts nothing in force
	p = c.approved(p)
	c.reads(c, "dan", model.Deny) // nor does approval
	p, err = c.Activate(c.As("ana"), p.ID)
	c.Must(err)
	if p.Status != model.ProposalActive {
		t.Fatalf("got %s", p.Status)
	}
	c.reads(c, "dan", model.Allow)

	back := c.rollback("cy")
	if back.Rechecked || back.Notice == "" || back.State.ActiveID != "" || back.State.ServingHash != start.ServingHash {
		t.Errorf("got %+v, want what the server was started with", back)
	}
	c.reads(c, "dan", model.Deny)
	p, err = c.Proposal(c.As("ana"), p.ID)
	c.Must(err)
	if p.Status != model.ProposalRolledBack || p.ClosedAt == nil || len(p.Comments) != 1 {
		t.Errorf("got %+v", p)
	}
	c.wantFeed(before)
}

// wantFeed looks at what the story left behind: each deed as an event with its
// decision, whose row is in the log.
func (c *company) wantFeed(before int64) {
	c.Helper()
	var got []string
	for e, err := range store.Events.All(c.Context(), c.Store, store.Query{Index: "by_seq", Where: store.Between("seq", before+1, nil)}) {
		c.Must(err)
		if e.Action == "policy.approve.refused" || strings.HasPrefix(e.Action, "data.read") {
			continue
		}
		got = append(got, e.Action)
		d, err := store.Decisions.Get(c.Context(), c.Store, e.DecisionID)
		if err != nil || string(d.Action) == "" || len(d.Input) == 0 {
			c.Errorf("%s: decision %q: %v", e.Action, e.DecisionID, err)
		}
	}
	want := []string{"policy.draft", "policy.comment", "policy.check", "policy.test", "policy.assess", "policy.approve", "policy.activate", "policy.rollback"}
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		c.Errorf("audit feed (-want +got):\n%s", diff)
	}
	seen, err := audit.New(c.Store, c.Gate, nil, nil).Events(c.As("eve"), audit.EventFilter{ActorID: c.People["ana"].ID}, model.Paging{First: 200})
	c.Must(err)
	if !slices.ContainsFunc(seen.Nodes, func(e model.Event) bool { return e.Action == "policy.draft" }) {
		c.Error("another steward of the domain does not find the draft in the audit feed")
	}
}

// TestReportsCountForTheWorkingGroup alone: what they count are decisions that
// others may not see.
func TestReportsCountForTheWorkingGroup(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	c.reads(c, "dan", model.Deny)
	byCommand := func(text, purpose, channel string) string { return strings.Replace(text, purpose, purpose+channel, 1) }
	p := c.assessed(c.draft("ana", ofSales(t,
		model.PolicyModule{Path: "domains/sales/campaign.rego", Text: byCommand(campaign, `== "campaign"`, "\n\tinput.context.channel == \"command\"")},
		model.PolicyModule{Path: "domains/sales/campaign_test.rego", Text: byCommand(campaignTest, `"purpose": purpose`, `, "channel": "command"`)},
	)))
	if p.Impact.Replayed == 0 || len(p.Impact.Flips) == 0 || len(p.Impact.ChannelRules) != 1 {
		t.Fatalf("got %+v, want something counted", p.Impact)
	}
	for person, whole := range map[string]bool{"ana": true, "bo": true, "kim": true, "dan": false} {
		seen, err := c.Proposal(c.As(person), p.ID)
		c.Must(err)
		page, err := c.Proposals(c.As(person), governance.ProposalFilter{Domain: "sales"}, model.Paging{First: 5})
		c.Must(err)
		for _, got := range []model.PolicyProposal{seen, page.Nodes[0]} {
			want := *p.Impact
			if !whole {
				want = model.PolicyImpact{Hash: want.Hash, RevisionHash: want.RevisionHash, BaseHash: want.BaseHash, At: want.At, Loosens: want.Loosens, Sensitive: want.Sensitive}
			}
			if diff := cmp.Diff(want, *got.Impact); diff != "" || len(got.Missing()) != len(p.Missing()) {
				t.Errorf("%s (-want +got):\n%s", person, diff)
			}
		}
		if _, err := c.WatchAssessment(c.As(person), p.ID); whole != (err == nil) {
			t.Errorf("%s follows the replay: got %v", person, err)
		}
	}
}

// TestProgressEndsWithTheWork counts all that a replay asks, while somebody
// watches it and for those who look later.
func TestProgressEndsWithTheWork(t *testing.T) {
	c := newCompany(t)
	c.reads(c, "dan", model.Deny)
	p := c.tested(c.draft("ana", campaigns(t)))
	_, err := c.Assess(c.As("ana"), p.ID)
	c.Must(err)
	watched := c.watch(p.ID)
	p, err = c.Proposal(c.As("ana"), p.ID)
	c.Must(err)
	whole := p.Impact.Replayed + p.Impact.Skipped + p.Impact.Grants + p.Impact.Generated
	if p.Impact.Replayed == 0 || p.Impact.Generated == 0 {
		t.Fatalf("got %+v, want both asked", p.Impact)
	}
	for when, a := range map[string]model.PolicyAssessment{"then": watched, "later": c.watch(p.ID)} {
		if a.State != model.AssessmentDone || a.Done != whole || a.Total != whole {
			t.Errorf("%s: got %+v, want %d of %d", when, a, whole, whole)
		}
	}
}

// TestAuthorNeverApproves, whatever they are steward of, and not by letting
// somebody else propose what they wrote either.
func TestAuthorNeverApproves(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.assessed(c.draft("ana", campaigns(t)))
	_, err := c.Approve(c.As("ana"), p.ID, p.Impact.Hash, "")
	servertest.WantDenied(t, err, "policy.own")
	if got := c.Last(); got.Action != "policy.approve.refused" || got.ActorID != c.People["ana"].ID {
		t.Errorf("got event %+v, want the refusal", got)
	}
	other := c.assessed(c.draft("eve", campaigns(t)))
	if other.RevisionID != p.RevisionID {
		t.Fatal("the same rules are another revision")
	}
	_, err = c.Approve(c.As("ana"), other.ID, other.Impact.Hash, "")
	if !model.Is(err, model.KindDenied) {
		t.Errorf("got %v, want a refusal: ana wrote these rules", err)
	}
	_, err = c.Approve(c.As("dan"), p.ID, p.Impact.Hash, "") // steward of nothing
	if !model.Is(err, model.KindDenied) {
		t.Errorf("dan approves: got %v", err)
	}
}

// TestStaleReport binds a vote to the report that its approver had seen.
func TestStaleReport(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.assessed(c.draft("ana", campaigns(t)))
	for _, hash := range []string{"", "sha256:0", p.Impact.RevisionHash} {
		_, err := c.Approve(c.As("eve"), p.ID, hash, "")
		servertest.WantField(t, err, model.KindConflict, "reportHash")
	}
	seen := p.Impact.Hash
	p, err := c.Approve(c.As("eve"), p.ID, seen, "")
	c.Must(err)
	c.reads(c, "dan", model.Deny) // more to replay
	p = c.assess(p)
	if p.Impact.Hash == seen {
		t.Fatal("another replay has the same hash")
	}
	if len(p.Votes) != 0 {
		t.Errorf("got votes %+v for a report that is gone", p.Votes)
	}
	_, err = c.Approve(c.As("eve"), p.ID, seen, "")
	servertest.WantField(t, err, model.KindConflict, "reportHash")
}

// TestEditingSendsBack drops everything that was found and said about other rules.
func TestEditingSendsBack(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.approved(c.assessed(c.draft("ana", campaigns(t))))
	_, err := c.UpdateDraft(c.As("eve"), governance.ProposalEdit{ID: p.ID, Title: new("Mine now")})
	servertest.WantDenied(t, err, "policy.not_author")
	stale := model.Revision(1)
	_, err = c.UpdateDraft(c.As("ana"), governance.ProposalEdit{ID: p.ID, Title: new("Campaigns, too"), ExpectedRevision: &stale})
	servertest.WantField(t, err, model.KindConflict, "expectedVersion")
	_, err = c.UpdateDraft(c.As("ana"), governance.ProposalEdit{ID: p.ID, Title: new("Spring campaigns")})
	servertest.WantField(t, err, model.KindConflict, "status") // it was voted on as it is called
	modules := ofSales(t)
	edited, err := c.UpdateDraft(c.As("ana"), governance.ProposalEdit{ID: p.ID, Modules: &modules})
	c.Must(err)
	if edited.Status != model.ProposalDraft || edited.RevisionID == p.RevisionID || edited.Impact != nil || edited.Tests != nil || len(edited.Votes)+len(edited.Approvals) > 0 {
		t.Errorf("got %+v, want a fresh draft", edited)
	}
	_, err = c.Activate(c.As("eve"), p.ID)
	servertest.WantField(t, err, model.KindConflict, "status")
	if old, err := c.Revision(c.As("ana"), p.RevisionID); err != nil || len(old.Modules) != len(modules)+2 {
		t.Errorf("the old revision: %v with %d files", err, len(old.Modules))
	}
}

// TestAnyStepMayEndRejected turns proposals down at each stage.
func TestAnyStepMayEndRejected(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	for name, take := range map[string]func(model.PolicyProposal) model.PolicyProposal{
		"draft": func(p model.PolicyProposal) model.PolicyProposal { return p }, "tested": c.tested, "assessed": c.assessed,
		"approved": func(p model.PolicyProposal) model.PolicyProposal { return c.approved(c.assessed(p)) },
	} {
		p := take(c.draft("ana", campaigns(t)))
		_, err := c.Reject(c.As("ana"), p.ID, "")
		servertest.WantDenied(t, err, "policy.own")
		_, err = c.Withdraw(c.As("eve"), p.ID, "")
		servertest.WantDenied(t, err, "policy.not_author")
		if name == "tested" {
			p, err = c.Withdraw(c.As("ana"), p.ID, "never mind")
		} else {
			p, err = c.Reject(c.As("eve"), p.ID, "not now")
		}
		c.Must(err)
		if p.Status != model.ProposalRejected || p.ClosedAt == nil {
			t.Errorf("%s: got %+v", name, p)
		}
		_, err = c.Check(c.As("ana"), p.ID)
		servertest.WantField(t, err, model.KindConflict, "status")
		_, err = c.Reject(c.As("eve"), p.ID, "")
		servertest.WantField(t, err, model.KindConflict, "status")
	}
}

// TestBrokenRulesStayDrafts with everything that is wrong with them, and can go nowhere.
func TestBrokenRulesStayDrafts(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	for name, text := range map[string]string{
		"no syntax":     "package souk.domains.sales\n\nallow contains {\n",
		"old syntax":    "package souk.domains.sales\n\nimport rego.v2\n\nallow[x] { x := 1 }\n",
		"wrong package": strings.Replace(campaign, "souk.domains.sales", "souk.domains.marketing", 1),
		"another's":     strings.Replace(campaign, "input.context.purpose", "data.souk.domains.marketing.purpose", 1),
	} {
		p := c.draft("ana", []model.PolicyModule{{Path: "domains/sales/campaign.rego", Text: text}})
		p, err := c.Check(c.As("ana"), p.ID)
		c.Must(err)
		if p.Status != model.ProposalDraft || len(p.Problems) == 0 || p.Problems[0].Severity != "error" {
			t.Errorf("%s: got %s with %+v", name, p.Status, p.Problems)
		}
		_, err = c.Test(c.As("ana"), p.ID)
		servertest.WantField(t, err, model.KindConflict, "status")
		_, err = c.Assess(c.As("ana"), p.ID)
		servertest.WantField(t, err, model.KindConflict, "status")
		_, err = c.Shadow(c.As("eve"), p.ID, true)
		servertest.WantField(t, err, model.KindConflict, "status")
	}
	c.reads(c, "ana", model.Allow)
}

// TestDraftsAreBounded refuses what belongs to others or fits nowhere.
func TestDraftsAreBounded(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	good := model.PolicyModule{Path: "domains/sales/campaign.rego", Text: campaign}
	for _, d := range []struct {
		name, field string
		n           governance.NewProposal
	}{
		{"another domain's folder", "modules[0]", governance.NewProposal{Domain: "sales", Title: "Mine", Modules: []model.PolicyModule{{Path: "domains/marketing/x.rego", Text: campaign}}}},
		{"the platform's folder", "modules[1]", governance.NewProposal{Domain: "sales", Title: "Mine", Modules: []model.PolicyModule{good, {Path: "platform/x.rego", Text: campaign}}}},
		{"a way out", "modules[0]", governance.NewProposal{Domain: "sales", Title: "Mine", Modules: []model.PolicyModule{{Path: "domains/sales/../marketing/x.rego", Text: campaign}}}},
		{"no Rego", "modules[0]", governance.NewProposal{Domain: "sales", Title: "Mine", Modules: []model.PolicyModule{{Path: "domains/sales/x.json", Text: "{}"}}}},
		{"twice", "modules[1]", governance.NewProposal{Domain: "sales", Title: "Mine", Modules: []model.PolicyModule{good, good}}},
		{"too large", "modules[0]", governance.NewProposal{Domain: "sales", Title: "Mine", Modules: []model.PolicyModule{{Path: good.Path, Text: strings.Repeat("#", 65<<10)}}}},
		{"nothing", "modules", governance.NewProposal{Domain: "sales", Title: "Mine"}},
		{"no title", "title", governance.NewProposal{Domain: "sales", Title: " ", Modules: []model.PolicyModule{good}}},
		{"no domain", "domain", governance.NewProposal{Domain: "nowhere", Title: "Mine", Modules: []model.PolicyModule{{Path: "domains/nowhere/x.rego", Text: campaign}}}},
	} {
		t.Run(d.name, func(t *testing.T) {
			_, err := c.Draft(c.As("ana"), d.n)
			servertest.WantField(t, err, model.KindInvalid, d.field)
		})
	}
	_, err := c.Draft(c.As("bo"), governance.NewProposal{Domain: "sales", Title: "Theirs", Modules: []model.PolicyModule{good}})
	servertest.WantDenied(t, err, "no.rule")
	_, err = c.Comment(c.As("dan"), c.draft("ana", campaigns(t)).ID, "No.")
	if !model.Is(err, model.KindDenied) {
		t.Errorf("dan comments: got %v", err)
	}
}
