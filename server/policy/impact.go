package policy

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// Evidence is what a draft is tried on.
type Evidence struct {
	Decisions   iter.Seq2[model.DecisionRecord, error] // logged ones, each with its input
	Total       int                                    // how many, for the progress
	Grants      iter.Seq2[Question, error]             // each live grant as its holder's data.read; Facts holds the grant
	TotalGrants int                                    // how many, for the progress
}

const (
	maxSamples  = 10
	replayBatch = 256              // questions between two reports of the progress
	maxBroken   = 20 * time.Second // that a draft may spend on questions that break it
)

// assess says what the draft would have decided otherwise: of the logged
// decisions, of the live grants, and of questions made up from the words of
// the rules, since a log holds only what people have tried. Progress is told
// now and then, from the calling goroutine: its total counts all three, and is
// reached when the work is done. The context ends the replay.
func assess(ctx context.Context, e *engine, d Draft, evidence Evidence, progress func(done, total int)) (model.PolicyImpact, error) {
	u, err := e.compile(ctx, d)
	if err != nil {
		return model.PolicyImpact{}, err
	}
	base := e.Snapshot().onTrial()
	r := &replay{domain: d.Domain, base: base, trial: base.with(d.Domain, u), flips: map[flipKey]*model.PolicyFlip{}}
	r.impact = model.PolicyImpact{At: model.Now(), BaseHash: base.of(d.Domain).revision, RevisionHash: r.trial.of(d.Domain).revision}
	begin := time.Now()
	active, draft := base.of(d.Domain).unit, r.trial.of(d.Domain).unit
	wider, loosenings := widened(active, draft, base.Platform().unit)
	r.impact.Loosenings, r.impact.RowSteps = loosenings, rowSteps(ctx, r.trial, d.Domain)
	invented := madeUp(active, draft, wider.opening, d.Domain)
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
	base, trial *Snapshot
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
func (r *replay) questions(ctx context.Context, all iter.Seq2[Question, error], one func(context.Context, Question) outcome) error {
	if all == nil {
		return nil
	}
	return batches(all, func(batch []Question) error {
		for i, o := range atOnce(batch, func(q Question) outcome { return one(ctx, q) }) {
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
	l, err := readLogged(record.Input)
	if err != nil {
		return outcome{skipped: true}
	}
	if !r.concerns(l) {
		return outcome{}
	}
	if r.blind(l.about.Resource.Domain, record.Masked) {
		return outcome{skipped: true}
	}
	before := record.Decision
	if fails(before) || !r.base.decided(l.about, before) {
		before = r.base.decideLogged(ctx, l)
	}
	o := r.compare(before, func() model.Decision { return r.trial.decideLogged(ctx, l) })
	o.action, o.classification, o.team = l.about.Action, model.Classification(textAt(l.input, "resource", "classification")), l.team(record.Masked)
	o.sample = record.ID
	return o
}

// concerns reports whether the draft has a say in the question at all.
func (r *replay) concerns(l logged) bool {
	if r.domain == "" {
		return true
	}
	return !l.right.alone && (l.about.Resource.Domain == r.domain || (l.right.consent && l.about.Subject.Domain == r.domain))
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
		return slices.ContainsFunc(masked, func(m string) bool { return within(m, path) || within(path, m) })
	})
}

// within reports that the one path of the input is the other, or a part of it.
func within(path, whole string) bool {
	rest, ok := strings.CutPrefix(path, whole)
	return whole == "" || (ok && (rest == "" || rest[0] == '.'))
}

// team is whom a change concerns: the asker's first team, or their domain.
func (l logged) team(masked []string) string {
	if slices.Contains(masked, "subject.teams") {
		return string(l.about.Subject.Domain)
	}
	return cmp.Or(firstText(valueAt(l.input, "subject", "teams")), string(l.about.Subject.Domain))
}

// grant asks whether a live grant still opens its product.
func (r *replay) grant(ctx context.Context, q Question) outcome {
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

func teamOf(q Question) string {
	if len(q.Subject.Teams) > 0 {
		return q.Subject.Teams[0]
	}
	return string(q.Subject.Domain)
}

// generated asks both a question that nobody has asked.
func (r *replay) generated(ctx context.Context, q Question) outcome {
	o := r.compare(r.base.Decide(ctx, q), func() model.Decision { return r.trial.Decide(ctx, q) })
	o.action, o.classification, o.team = q.Action, q.Resource.Classification, "made up: "+q.Subject.Name
	return o
}

func (r *replay) compare(before model.Decision, decide func() model.Decision) outcome {
	begin := time.Now()
	after := decide()
	o := outcome{flipKey: flipKey{change: changeOf(before, after)}}
	if fails(after) {
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
		if f.Change == denyToAllow || f.Change == loosened {
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
