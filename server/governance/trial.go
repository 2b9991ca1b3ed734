package governance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// How often what a trial has counted is written down, how many kinds of
// difference a server holds until then, and how many samples of each are kept.
const (
	keepEach    = 5 * time.Second
	maxCounts   = 2000
	maxSamples  = 10
	maxAttempts = 5
)

// trials counts the differences that were seen and are not written yet.
type trials struct {
	mu     sync.Mutex
	counts map[model.ID]model.PolicyDifference
}

// Shadow has the rules of a proposal evaluated beside those in force, or no
// longer. They decide nothing: where they would have decided otherwise is
// counted. There is one trial a domain, and whoever may put its rules in force
// may try them, without the votes that this would take.
func (s *Service) Shadow(ctx context.Context, id model.ID, on bool) (model.PolicyStanding, error) {
	var none model.PolicyStanding
	in := s.gate.Session()
	p, res, err := s.see(ctx, in, id)
	if err != nil {
		return none, err
	}
	answer, err := s.askToActivate(ctx, in, p, res)
	if err != nil {
		return none, err
	}
	if answer.Outcome == model.Deny {
		return none, in.Refuse(ctx, model.ActPolicyActivate, res, answer)
	}
	state, _, err := s.inForce(ctx, p.Domain)
	if err != nil {
		return none, err
	}
	was := state
	event, err := switchTrial(&state, p, on)
	if err != nil {
		return none, err
	}
	_, err = s.store.Apply(ctx, in.Change(ctx, event, p.ID, "", answer, store.PolicyStates.Put(state)))
	if model.LostRace(err) {
		err = s.overtaken(ctx, was, nil)
	}
	if err != nil {
		return none, err
	}
	return s.standing(ctx, in, p.Domain)
}

// switchTrial switches the trial and gives the word of the audit feed for it.
func switchTrial(state *model.PolicyState, p model.PolicyProposal, on bool) (string, error) {
	if !on {
		if state.ShadowOf != p.ID {
			return "", model.Conflict("proposalId", "the proposal is not on trial", "")
		}
		state.ShadowID, state.ShadowOf = "", ""
		return "policy.trial.end", nil
	}
	if !p.Open() || p.Status == model.ProposalDraft {
		return "", model.Conflict("status", "the proposal is "+string(p.Status)+" and cannot be tried", "check it first; what does not compile cannot be tried, and what is over need not be")
	}
	if state.ShadowID == p.RevisionID && state.ShadowOf == p.ID {
		return "", model.Conflict("proposalId", "the proposal is on trial already", "")
	}
	state.ShadowID, state.ShadowOf = p.RevisionID, p.ID
	return "policy.trial.begin", nil
}

// endTrial gives the write that takes a proposal off its trial, if it is on one.
func (s *Service) endTrial(ctx context.Context, p model.PolicyProposal) ([]store.Write, error) {
	state, err := s.stateOf(ctx, p.Domain)
	if err != nil || state.ShadowOf != p.ID {
		return nil, err
	}
	state.ShadowID, state.ShadowOf = "", ""
	return []store.Write{store.PolicyStates.Put(state)}, nil
}

// try begins or ends the trial that a state names. One that cannot begin harms
// nobody and is only logged.
func (s *Service) try(ctx context.Context, state model.PolicyState) {
	d := policy.Draft{Domain: state.Domain}
	if state.ShadowID != "" {
		r, err := store.PolicyRevisions.Get(ctx, s.store, state.ShadowID)
		if err != nil {
			s.log.ErrorContext(ctx, "rules on trial did not load", "domain", state.Domain, "revision", state.ShadowID, "error", err)
		}
		d.Modules = r.Modules
	}
	count := func(q policy.Question, active, trial model.Decision) { s.count(state.ShadowOf, q, active, trial) }
	if err := s.engine.Shadow(context.WithoutCancel(ctx), d, count); err != nil {
		s.log.ErrorContext(ctx, "rules cannot be tried", "domain", state.Domain, "revision", state.ShadowID, "error", err)
	}
}

// count notes one difference. The next decision waits behind it, so it writes
// nothing down.
func (s *Service) count(proposal model.ID, q policy.Question, active, trial model.Decision) {
	at := model.Instant(q.Context.Now)
	d := model.PolicyDifference{
		ProposalID: proposal, Domain: q.Resource.Domain, Action: q.Action, Classification: q.Resource.Classification,
		Team: string(q.Subject.Domain), Active: active.Outcome, Trial: trial.Outcome, Codes: codes(trial), Count: 1, FirstAt: at, LastAt: at,
	}
	if len(q.Subject.Teams) > 0 {
		d.Team = q.Subject.Teams[0]
	}
	if q.Resource.ID != "" {
		d.Samples = []model.ID{q.Resource.ID}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q %q", proposal, d.Action, d.Classification, d.Team, d.Active, d.Trial, d.Codes))
	d.ID = model.ID(string(model.PrefixDiffers) + "_" + hex.EncodeToString(sum[:13]))
	s.trials.add(d)
}

func codes(d model.Decision) []string {
	var list []string
	for _, r := range d.Reasons {
		if !slices.Contains(list, r.Code) && len(list) < maxSamples {
			list = append(list, r.Code)
		}
	}
	return list
}

// add joins a count to those of its kind. When there are too many kinds, new
// ones are let go until the next writing.
func (t *trials) add(d model.PolicyDifference) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.counts[d.ID]
	if !ok && len(t.counts) >= maxCounts {
		return
	}
	t.counts[d.ID] = join(known, d)
}

// join adds up two counts of one kind of difference; the first may be empty.
func join(a, b model.PolicyDifference) model.PolicyDifference {
	if a.ID == "" {
		return b
	}
	a.Count += b.Count
	if b.FirstAt.Before(a.FirstAt) {
		a.FirstAt = b.FirstAt
	}
	if b.LastAt.After(a.LastAt) {
		a.LastAt = b.LastAt
	}
	a.Samples = slices.Clone(a.Samples)
	for _, id := range b.Samples {
		if len(a.Samples) < maxSamples && !slices.Contains(a.Samples, id) {
			a.Samples = append(a.Samples, id)
		}
	}
	return a
}

// keepCounts writes down what was counted, now and then and at the end.
func (s *Service) keepCounts(ctx context.Context) {
	tick := time.NewTicker(keepEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.flush(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			s.flush(ctx)
		}
	}
}

// flush writes the counts down. Another server may count the same: whoever
// loses the race adds to what the other wrote.
func (s *Service) flush(ctx context.Context) {
	s.trials.mu.Lock()
	counts := s.trials.counts
	s.trials.counts = map[model.ID]model.PolicyDifference{}
	s.trials.mu.Unlock()
	if len(counts) == 0 {
		return
	}
	var err error
	for range maxAttempts {
		if err = s.write(ctx, counts); !model.LostRace(err) {
			break
		}
	}
	if err == nil {
		return
	}
	s.log.ErrorContext(ctx, "what a trial counted was not written; it is tried again", "error", err)
	for _, d := range counts {
		s.trials.add(d)
	}
}

func (s *Service) write(ctx context.Context, counts map[model.ID]model.PolicyDifference) error {
	ctx = model.WithPrincipal(ctx, model.System())
	ids := make([]model.ID, 0, len(counts))
	for id := range counts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for part := range slices.Chunk(ids, maxInOne) {
		known, err := store.PolicyDifferences.GetMany(ctx, s.store, part...)
		if err != nil {
			return err
		}
		sums := map[model.ID]model.PolicyDifference{}
		for _, d := range known {
			sums[d.ID] = d
		}
		var writes []store.Write
		for _, id := range part {
			writes = append(writes, store.PolicyDifferences.Put(join(sums[id], counts[id])))
		}
		if _, err := s.store.Apply(ctx, s.gate.Change(ctx, "policy.trial.count", counts[part[0]].ProposalID, "", writes...)); err != nil {
			return err
		}
		for _, id := range part {
			delete(counts, id)
		}
	}
	return nil
}

// maxInOne is how many counts go into one change.
const maxInOne = 100

// Differences lists what a proposal on trial would have decided otherwise, to
// whoever may discuss it.
func (s *Service) Differences(ctx context.Context, id model.ID, paging model.Paging) (model.Page[model.PolicyDifference], error) {
	in := s.gate.Session()
	p, res, err := s.see(ctx, in, id)
	if err != nil {
		return model.Page[model.PolicyDifference]{}, err
	}
	if _, _, err := s.require(ctx, in, model.ActPolicyComment, p, res); err != nil {
		return model.Page[model.PolicyDifference]{}, err
	}
	s.flush(ctx)
	q := store.Query{Index: "by_proposal", Where: store.Eq("proposal", string(id)), Desc: true}
	return gate.ListFor(ctx, in, model.ActPolicyComment, store.PolicyDifferences, q, paging, func(_ context.Context, rows []model.PolicyDifference) ([]policy.Resource, error) {
		resources := make([]policy.Resource, len(rows))
		for i := range rows {
			resources[i] = res
		}
		return resources, nil
	})
}
