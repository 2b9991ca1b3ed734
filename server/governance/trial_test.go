package governance_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// TestTrial evaluates a draft beside the rules in force: it decides nothing,
// and where it would have decided otherwise is counted.
func TestTrial(t *testing.T) {
	inTurn(t)
	onEngines(t, onTrial)
}

func onTrial(t *testing.T, c *company) {
	t.Helper()
	p, err := c.Check(c.As("ana"), c.draft("ana", campaigns(t)).ID)
	c.Must(err)
	_, err = c.Shadow(c.As("bo"), p.ID, true)
	servertest.WantDenied(t, err, "no.rule")
	_, err = c.Shadow(c.As("ana"), p.ID, false)
	servertest.WantField(t, err, model.KindConflict, "proposalId")
	state, err := c.Shadow(c.As("ana"), p.ID, true)
	c.Must(err)
	if state.ShadowID != p.RevisionID || state.ShadowOf != p.ID || state.ActiveID != "" {
		t.Errorf("got %+v", state)
	}
	_, err = c.Shadow(c.As("eve"), p.ID, true)
	servertest.WantField(t, err, model.KindConflict, "proposalId")
	for range 3 {
		c.reads(c, "dan", model.Deny)
	}
	c.reads(c, "ana", model.Allow) // and both agree
	got := c.counted("bo", p.ID, 3)
	if len(got) != 1 {
		t.Fatalf("got %+v, want one kind of difference", got)
	}
	want := model.PolicyDifference{
		ProposalID: p.ID, Domain: "sales", Action: model.ActDataRead, Classification: model.Confidential, Team: "marketing",
		Active: model.Deny, Trial: model.Allow, Codes: []string{"read.campaign"}, Count: 3, Samples: []model.ID{c.orders.ID},
	}
	d := got[0]
	d.Meta, d.FirstAt, d.LastAt = model.Meta{}, want.FirstAt, want.LastAt
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	if _, err := c.Differences(c.As("dan"), p.ID, model.Paging{First: 10}); !model.Is(err, model.KindDenied) {
		t.Errorf("dan reads the differences: got %v", err)
	}
	c.reads(c, "dan", model.Deny)
	if again := c.counted("ana", p.ID, 4); len(again) != 1 || again[0].Count != 4 {
		t.Errorf("got %+v, want one more", again)
	}
	state, err = c.Shadow(c.As("eve"), p.ID, false)
	c.Must(err)
	if state.ShadowID != "" {
		t.Errorf("got %+v", state)
	}
	c.reads(c, "dan", model.Deny)
	if after := c.differences("ana", p.ID); after[0].Count != 4 {
		t.Errorf("counted on after the end: %+v", after)
	}
}

// counted waits for a trial, which runs behind the decisions, to have seen so
// many differences.
func (c *company) counted(person string, id model.ID, want int) []model.PolicyDifference {
	c.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		got, seen := c.differences(person, id), 0
		for _, d := range got {
			seen += d.Count
		}
		if seen >= want || time.Now().After(end) {
			return got
		}
	}
}

func (c *company) differences(person string, id model.ID) []model.PolicyDifference {
	c.Helper()
	page, err := c.Differences(c.As(person), id, model.Paging{First: 10})
	c.Must(err)
	return page.Nodes
}

// TestTrialEndsWithItsProposal leaves none behind that nobody wants any more.
func TestTrialEndsWithItsProposal(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	for name, end := range map[string]func(model.PolicyProposal) error{
		"rejected":  func(p model.PolicyProposal) error { _, err := c.Reject(c.As("eve"), p.ID, ""); return err },
		"activated": func(p model.PolicyProposal) error { _, err := c.Activate(c.As("eve"), c.approved(p).ID); return err },
	} {
		p := c.assessed(c.draft("ana", campaigns(t)))
		_, err := c.Shadow(c.As("ana"), p.ID, true)
		c.Must(err)
		c.Must(end(p))
		if state, err := c.Standing(c.As("ana"), "sales"); err != nil || state.ShadowID != "" || state.ShadowOf != "" {
			t.Errorf("%s: got %+v, %v", name, state, err)
		}
	}
}

// triesOn begins the service anew, with this log of the past.
func (c *company) triesOn(log *slowLog) {
	c.server = serve(c, c.Engine, c.Access, governance.Config{Store: c.Store, Gate: c.Gate, History: log})
}

// TestAssessmentIsCancelled ends the replay and leaves the proposal as it was,
// with a trace of who began it.
func TestAssessmentIsCancelled(t *testing.T) {
	c := newCompany(t)
	p := c.tested(c.draft("ana", campaigns(t)))
	_, err := c.CancelAssessment(c.As("ana"), p.ID)
	servertest.WantField(t, err, model.KindConflict, "id")
	if none := c.watch(p.ID); none.State != model.AssessmentNone {
		t.Errorf("got %+v before there was one", none)
	}
	slow := newSlowLog()
	c.triesOn(slow)
	_, err = c.Assess(c.As("ana"), p.ID)
	c.Must(err)
	<-slow.begun
	_, err = c.Assess(c.As("eve"), p.ID)
	servertest.WantField(t, err, model.KindConflict, "id")
	_, err = c.CancelAssessment(c.As("bo"), p.ID)
	servertest.WantDenied(t, err, "no.rule")
	ended, err := c.CancelAssessment(c.As("eve"), p.ID)
	c.Must(err)
	if ended.State != model.AssessmentCancelled {
		t.Errorf("got %+v", ended)
	}
	if last := c.watch(p.ID); last.State != model.AssessmentCancelled || last.Message == "" {
		t.Errorf("got %+v", last)
	}
	c.Close() // waits for the trace
	if e := c.Last(); e.Action != "policy.assess.failed" || e.SubjectID != p.ID || e.ActorID != c.People["ana"].ID || e.DecisionID == "" {
		t.Errorf("got event %+v", e)
	}
	if now, err := c.Proposal(c.As("ana"), p.ID); err != nil || now.Status != model.ProposalTested || now.Impact != nil {
		t.Errorf("got %s, %v", now.Status, err)
	}
}

// TestDraftChangesWhileAssessed throws the report on the old rules away.
func TestDraftChangesWhileAssessed(t *testing.T) {
	c := newCompany(t)
	p := c.approved(c.assessed(c.draft("ana", campaigns(t))))
	slow := newSlowLog()
	c.triesOn(slow)
	_, err := c.Assess(c.As("ana"), p.ID)
	c.Must(err)
	<-slow.begun
	p, err = store.PolicyProposals.Get(t.Context(), c.Store, p.ID)
	c.Must(err)
	p.RevisionID, p.Status = "pol_other", model.ProposalTested
	_, err = c.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.PolicyProposals.Put(p)}})
	c.Must(err)
	close(slow.free)
	if last := c.watch(p.ID); last.State != model.AssessmentFailed || last.Message == "" {
		t.Errorf("got %+v, want a failure that says why", last)
	}
}

// TestCommentsDoNotRace keeps all of several at once.
func TestCommentsDoNotRace(t *testing.T) {
	c := newCompany(t)
	p := c.draft("ana", campaigns(t))
	var all sync.WaitGroup
	for _, person := range []string{"ana", "eve", "bo"} {
		all.Go(func() {
			if _, err := c.Comment(c.As(person), p.ID, "I am "+person); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if p, err := c.Proposal(c.As("ana"), p.ID); err != nil || len(p.Comments) != 3 {
		t.Errorf("got %d comments, %v", len(p.Comments), err)
	}
}

// slowLog is a log of decisions whose reading waits to be let go.
type slowLog struct {
	begun, free chan struct{}
	once        sync.Once
}

func newSlowLog() *slowLog { return &slowLog{begun: make(chan struct{}), free: make(chan struct{})} }

func (l *slowLog) Count(context.Context, model.Slug, time.Time, int) (int, error) { return 1, nil }

func (l *slowLog) Recent(ctx context.Context, _ model.Slug, _ time.Time, _ int) iter.Seq2[model.DecisionRecord, error] {
	return func(yield func(model.DecisionRecord, error) bool) {
		l.once.Do(func() { close(l.begun) })
		select {
		case <-l.free:
		case <-ctx.Done():
			yield(model.DecisionRecord{}, ctx.Err())
		}
	}
}
