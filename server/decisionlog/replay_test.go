package decisionlog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/servertest"
)

// questions are of many kinds, and come out in all three ways.
func questions() []policy.Question {
	var all []policy.Question
	for i, action := range []model.Action{model.ActMetadataView, model.ActDataRead, model.ActAccessRequest, model.ActProductUpdate, model.ActAuditRead, model.ActIdentity} {
		for j, domain := range []model.Slug{"sales", "legal", ""} {
			for _, c := range []model.Classification{model.Public, model.Internal, model.Restricted} {
				q := policy.Question{
					Action:   action,
					Subject:  policy.Subject{Type: "person", ID: "prn_ana", Name: "ana", Domain: "sales", Teams: []string{"sales/growth"}, Clearance: model.Confidential},
					Resource: policy.Resource{Type: "data_product", ID: "dpr_x", Domain: domain, Classification: c, Visibility: model.VisibleToAll, Status: string(model.Published), Product: "dpr_x"},
					Context:  policy.Context{Now: model.Now(), Purpose: "attribution", Channel: "graphql"},
				}
				if (i+j)%2 == 0 {
					q.Subject.StewardOf, q.Subject.Roles = []model.Slug{"legal"}, []model.Role{model.RoleSteward}
				}
				all = append(all, q)
			}
		}
	}
	return all
}

func TestReplayComesOutTheSame(t *testing.T) {
	s := servertest.Shipped(t).Snapshot()
	l := open(t, decisionlog.Config{URI: "sqlite::memory:"})
	outcomes := map[model.Outcome]int64{}
	var all int64
	log := func(q policy.Question, d model.Decision) {
		t.Helper()
		d.ID = model.NewID(model.PrefixDecision)
		all++
		err := l.Append(t.Context(), model.DecisionRecord{
			Meta: model.Meta{ID: d.ID}, At: q.Context.Now, Action: q.Action, PrincipalID: q.Subject.ID, ResourceID: q.Resource.ID,
			Domain: q.Resource.Domain, Outcome: d.Outcome, Decision: d, Input: q.Input(),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range questions() {
		d := s.Decide(t.Context(), q)
		outcomes[d.Outcome]++
		log(q, d)
	}
	if len(outcomes) < 2 {
		t.Fatalf("every question came out alike: %v", outcomes)
	}
	told := int64(0)
	report, err := l.Replay(t.Context(), decisionlog.Filter{}, s.Again, func(done, _ int64) { told = done })
	if err != nil || !report.OK() || report.Same != all || told != all {
		t.Fatalf("got %+v, %v, told of %d, want %d the same", report, err, told, all)
	}

	q := questions()[0]
	wrong := s.Decide(t.Context(), q)
	wrong.Outcome = map[bool]model.Outcome{true: model.Deny, false: model.Allow}[wrong.Allowed()]
	log(q, wrong)
	other := wrong
	other.Revisions.Platform = "another"
	log(q, other)
	troubled := wrong
	troubled.Reasons = []model.Reason{{Code: "engine.deadline", Origin: "engine"}}
	log(q, troubled)
	list := model.DecisionRecord{Meta: model.Meta{ID: "dec_list"}, At: model.Now(), Action: model.ActMetadataView, Outcome: model.Allow, List: &model.DecisionList{}}
	if err := l.Append(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	report, err = l.Replay(t.Context(), decisionlog.Filter{}, s.Again, nil)
	want := decisionlog.ReplayReport{Same: all - 3, Skipped: 1, Troubled: 1, Erased: 1, Found: 1, Differences: report.Differences}
	if diff := cmp.Diff(want, report); err != nil || diff != "" || len(report.Differences) != 1 || report.Differences[0].Seq != all-2 {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A draft is tried on what the log remembers.
func TestRecent(t *testing.T) {
	c := newClock()
	l := open(t, decisionlog.Config{URI: "sqlite::memory:", Now: c.now})
	fill(t, l, 30, c.now())
	since := c.now()
	for name, want := range map[string]struct {
		domain model.Slug
		most   int
		n      int
	}{"all": {"", 100, 31}, "a domain's": {"legal", 100, 15}, "at most": {"legal", 4, 4}, "nobody's": {"hr", 4, 0}} {
		n, err := l.Count(t.Context(), want.domain, since, want.most)
		if err != nil || n != want.n {
			t.Errorf("%s: counted %d, %v, want %d", name, n, err, want.n)
		}
		got, last := 0, int64(1<<62)
		for d, err := range l.Recent(t.Context(), want.domain, since, want.most) {
			if got++; err != nil || d.Seq >= last || (want.domain != "" && d.Domain != want.domain) {
				t.Errorf("%s: got %v, %v", name, d, err)
			}
			last = d.Seq
		}
		if got != want.n {
			t.Errorf("%s: got %d, want %d", name, got, want.n)
		}
	}
}
