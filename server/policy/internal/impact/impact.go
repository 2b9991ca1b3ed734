// Package impact says what a draft would decide otherwise. It owns the replay of
// logged decisions and live grants, the questions that are made up from the
// words of the rules, and the comparison of two packages by their text.
//
// It refuses the benefit of the doubt: whatever the text does not prove to be
// narrower counts as loosening.
package impact

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// Evidence is what a draft is tried on.
type Evidence struct {
	Decisions   iter.Seq2[model.DecisionRecord, error] // logged ones, each with its input
	Total       int                                    // how many, for the progress
	Grants      iter.Seq2[question.Question, error]    // each live grant as its holder's data.read; Facts holds the grant
	TotalGrants int                                    // how many, for the progress
}

const (
	maxSamples  = 10
	replayBatch = 256              // questions between two reports of the progress
	maxBroken   = 20 * time.Second // that a draft may spend on questions that break it
)

// Assess says what the draft would have decided otherwise: of the logged
// decisions, of the live grants, and of questions made up from the words of
// the rules, since a log holds only what people have tried. Progress is told
// now and then, from the calling goroutine: its total counts all three, and is
// reached when the work is done. The context ends the replay.
func Assess(ctx context.Context, e *decide.Engine, d sandbox.Draft, evidence Evidence, progress func(done, total int)) (model.PolicyImpact, error) {
	u, err := e.Compile(ctx, d)
	if err != nil {
		return model.PolicyImpact{}, err
	}
	base := e.Snapshot().OnTrial()
	r := &replay{domain: d.Domain, base: base, trial: base.With(d.Domain, u), flips: map[flipKey]*model.PolicyFlip{}}
	r.impact = model.PolicyImpact{At: model.Now(), BaseHash: base.Of(d.Domain).Revision, RevisionHash: r.trial.Of(d.Domain).Revision}
	begin := time.Now()
	active, draft := base.Of(d.Domain).Unit, r.trial.Of(d.Domain).Unit
	compared, loosenings := widened(active, draft, base.Platform().Unit)
	r.impact.Loosenings, r.impact.RowSteps, r.impact.ChannelRules = loosenings, rowSteps(ctx, r.trial, d.Domain), channelReaders(draft)
	invented := madeUp(active, draft, compared.opening, d.Domain)
	r.pace = pace{tell: progress, parts: []int{evidence.Total, evidence.TotalGrants, length(invented)}}
	r.pace.step(0)
	for _, part := range []func() error{
		func() error { return r.decisions(ctx, evidence.Decisions) },
		func() error { return r.questions(ctx, evidence.Grants, r.grant) },
		func() error { return r.questions(ctx, invented, r.generated) },
	} {
		if err := part(); err != nil {
			return model.PolicyImpact{}, err
		}
		r.pace.next()
	}
	r.impact.Duration = time.Since(begin)
	return r.report()
}

// replay compares the rules in force with a draft.
type replay struct {
	domain      model.Slug
	base, trial *decide.Snapshot
	impact      model.PolicyImpact
	flips       map[flipKey]*model.PolicyFlip
	broken      time.Duration
	breaks      int
	pace        pace
	read        sync.Map // by domain: the paths that the rules in force or the draft read
}

// flipKey is what makes changes one kind.
type flipKey struct {
	change         string
	action         model.Action
	classification model.Classification
	team           string
}

// outcome is what became of one question.
type outcome struct {
	flipKey
	sample  model.ID
	skipped bool
	dying   []model.ID
	took    time.Duration // of the draft, when the question broke it
}

// decisions replays the log, batch by batch.
func (r *replay) decisions(ctx context.Context, all iter.Seq2[model.DecisionRecord, error]) error {
	if all == nil {
		return nil
	}
	return batches(all, func(batch []model.DecisionRecord) error {
		for _, o := range atOnce(batch, func(d model.DecisionRecord) outcome { return r.decision(ctx, d) }) {
			if o.skipped {
				r.impact.Skipped++
				continue
			}
			r.impact.Replayed++
			r.count(o)
		}
		r.pace.step(len(batch))
		return r.goOn(ctx)
	})
}

// questions asks both about questions that are no logged ones.
func (r *replay) questions(ctx context.Context, all iter.Seq2[question.Question, error], one func(context.Context, question.Question) outcome) error {
	if all == nil {
		return nil
	}
	return batches(all, func(batch []question.Question) error {
		for i, o := range atOnce(batch, func(q question.Question) outcome { return one(ctx, q) }) {
			if batch[i].Subject.ID == someone {
				r.impact.Generated++
			} else {
				r.impact.Grants++
			}
			r.impact.DyingGrants = append(r.impact.DyingGrants, o.dying...)
			r.count(o)
		}
		r.pace.step(len(batch))
		return r.goOn(ctx)
	})
}

// goOn ends a replay that nobody waits for, and one of a draft that breaks
// again and again: each time costs up to the whole deadline.
func (r *replay) goOn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("assess the draft: %w", err)
	}
	if r.broken > maxBroken {
		return model.Invalid("policies", fmt.Sprintf("the rules broke on %s before they were replayed to the end", model.Counted(r.breaks, "question")), "look for a rule that takes too many steps")
	}
	return nil
}

// batches gives the items in groups, in their order.
func batches[T any](all iter.Seq2[T, error], one func([]T) error) error {
	batch := make([]T, 0, replayBatch)
	for item, err := range all {
		if err != nil {
			return err
		}
		if batch = append(batch, item); len(batch) < replayBatch {
			continue
		}
		if err := one(batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return one(batch)
}

// atOnce works on the items side by side, leaving a part of the machine to
// those who wait for decisions, and keeps the results in order.
func atOnce[T any](items []T, one func(T) outcome) []outcome {
	results := make([]outcome, len(items))
	workers := max(1, runtime.GOMAXPROCS(0)/2)
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for i := w; i < len(items); i += workers {
				results[i] = one(items[i])
			}
		})
	}
	work.Wait()
	return results
}

// decision decides one logged question once more. What the log says the rules
// in force have answered is taken from there.
func (r *replay) decision(ctx context.Context, record model.DecisionRecord) outcome {
	l, err := question.ReadLogged(record.Input)
	if err != nil {
		return outcome{skipped: true}
	}
	if !r.concerns(l) {
		return outcome{}
	}
	if r.blind(l.About.Resource.Domain, record.Masked) {
		return outcome{skipped: true}
	}
	before := record.Decision
	if verdict.Failed(before) || !r.base.Decided(l.About, before) {
		before = r.base.DecideAgain(ctx, l)
	}
	o := r.compare(before, func() model.Decision { return r.trial.DecideAgain(ctx, l) })
	o.action, o.classification, o.team = l.About.Action, model.Classification(question.TextAt(l.Input, "resource", "classification")), l.Team(record.Masked)
	o.sample = record.ID
	return o
}

// concerns reports whether the draft has a say in the question at all.
func (r *replay) concerns(l question.Logged) bool {
	if r.domain == "" {
		return true
	}
	return !l.Right.Alone && (l.About.Resource.Domain == r.domain || (l.Right.Consent && l.About.Subject.Domain == r.domain))
}

// blind reports a record in which something is masked that one of the two
// reads: what they would say of it, nobody has asked.
func (r *replay) blind(domain model.Slug, masked []string) bool {
	if len(masked) == 0 {
		return false
	}
	read, ok := r.read.Load(domain)
	if !ok {
		read, _ = r.read.LoadOrStore(domain, append(r.base.Reads(domain), r.trial.Reads(domain)...))
	}
	return slices.ContainsFunc(read.([]string), func(path string) bool {
		return slices.ContainsFunc(masked, func(m string) bool { return question.Within(m, path) || question.Within(path, m) })
	})
}

// grant asks whether a live grant still opens its product.
func (r *replay) grant(ctx context.Context, q question.Question) outcome {
	before := r.base.Decide(ctx, q)
	var after model.Decision
	o := r.compare(before, func() model.Decision { after = r.trial.Decide(ctx, q); return after })
	o.action, o.classification, o.team = q.Action, q.Resource.Classification, teamOf(q)
	for _, g := range q.Facts.Grants {
		if g.Product != q.Resource.Product {
			continue
		}
		o.sample = g.ID
		if before.Allowed() && !after.Allowed() {
			o.dying = append(o.dying, g.ID)
		}
	}
	return o
}

func teamOf(q question.Question) string {
	if len(q.Subject.Teams) > 0 {
		return q.Subject.Teams[0]
	}
	return string(q.Subject.Domain)
}

// generated asks both a question that nobody has asked.
func (r *replay) generated(ctx context.Context, q question.Question) outcome {
	o := r.compare(r.base.Decide(ctx, q), func() model.Decision { return r.trial.Decide(ctx, q) })
	o.action, o.classification, o.team = q.Action, q.Resource.Classification, "made up: "+q.Subject.Name
	return o
}

func (r *replay) compare(before model.Decision, decide func() model.Decision) outcome {
	begin := time.Now()
	after := decide()
	o := outcome{flipKey: flipKey{change: verdict.ChangeOf(before, after)}}
	if verdict.Failed(after) {
		o.took = time.Since(begin)
	}
	return o
}

// count adds what became of a question to the report.
func (r *replay) count(o outcome) {
	if o.took > 0 {
		r.broken, r.breaks = r.broken+o.took, r.breaks+1
	}
	if o.change == "" {
		return
	}
	flip, ok := r.flips[o.flipKey]
	if !ok {
		flip = &model.PolicyFlip{Change: o.change, Action: o.action, Classification: o.classification, Team: o.team}
		r.flips[o.flipKey] = flip
	}
	if flip.Count++; o.sample != "" && len(flip.Samples) < maxSamples {
		flip.Samples = append(flip.Samples, o.sample)
	}
}

// report puts the changes in order and signs them, so that the same facts give
// the same hash.
func (r *replay) report() (model.PolicyImpact, error) {
	r.impact.Loosens = len(r.impact.Loosenings) > 0
	for _, f := range r.flips {
		if f.Change == verdict.DenyToAllow || f.Change == verdict.Loosened {
			r.impact.Loosens = true
			r.impact.Sensitive = r.impact.Sensitive || f.Classification == model.Confidential || f.Classification == model.Restricted
		}
		slices.Sort(f.Samples)
		r.impact.Flips = append(r.impact.Flips, *f)
	}
	slices.SortFunc(r.impact.Flips, func(a, b model.PolicyFlip) int {
		return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Classification, b.Classification), cmp.Compare(a.Team, b.Team))
	})
	slices.Sort(r.impact.DyingGrants)
	r.impact.DyingGrants = slices.Compact(r.impact.DyingGrants)
	hash, err := reportHash(r.impact)
	r.impact.Hash = hash
	return r.impact, err
}

// reportHash signs a report: everything in it but when it was made and how
// long that took.
func reportHash(i model.PolicyImpact) (string, error) {
	i.Hash, i.At, i.Duration = "", time.Time{}, 0
	text, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("write the report: %w", err)
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
