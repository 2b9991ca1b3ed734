package conformance

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

const (
	fewAssets  = 1_000
	manyAssets = 20_000

	// signOfLife is how long a harvest of many assets may send nothing.
	signOfLife = 15 * time.Second

	// defaultGrowth is how much more processor time an asset may cost where there
	// are many: what grows with the square costs twenty times more.
	defaultGrowth = 2

	// leastCost is a cost of an asset below which nothing is compared: it lies
	// within what a machine that is busy with other things adds.
	leastCost = 30 * time.Microsecond

	// startNoise is the part of a start's cost, as its reciprocal, by which one
	// start differs from another: what is below it is no cost of the assets.
	startNoise = 5
)

// scale wants an asset of a large source to cost what one of a small does, the
// memory to stay under its cap, and a sign of life all the while.
func (s *suite) scale() {
	hook := s.fixture.Scale
	if hook == nil {
		s.skip("the fixture has no Scale, which makes sources of any size")
		return
	}
	base := s.startCost()
	few, many := cmp.Or(hook.Few, fewAssets), cmp.Or(hook.Many, manyAssets)
	if hook.Most > 0 {
		many = min(many, hook.Most)
	}
	small, _, ok := s.cost(few, base)
	if !ok {
		return
	}
	large, peak, ok := s.cost(many, base)
	if ok {
		s.measured = fmt.Sprintf("of %d assets one costs %s of processor time, and of %d %s, with at most %d MiB", few, small, many, large, peak>>20)
	}
	least := max(leastCost, base/startNoise/time.Duration(few))
	if growth := cmp.Or(hook.Growth, defaultGrowth); ok && large > time.Duration(growth)*max(small, least) {
		s.problem("an asset costs %s of processor time where there are %d, and %s where there are %d: more than %d times as much", large, many, small, few, growth)
	}
}

// startCost is what a process costs that finds nothing.
func (s *suite) startCost() time.Duration {
	usage, err := s.pipeline().launch(host.Limits{}, func(p *host.Process) error {
		_, err := p.Describe(s.ctx)
		return err
	})
	if err != nil {
		s.problem("it cannot be asked what it is: %s", describeError(err))
	}
	return usage.CPU
}

// cost is the processor time of one asset of n, and the most memory of them all.
func (s *suite) cost(n int, base time.Duration) (each time.Duration, peak uint64, ok bool) {
	config, secrets, err := s.fixture.Scale.Config(s.ctx, n)
	if err != nil {
		s.problem("the fixture cannot make a source of %d assets: %v", n, err)
		return 0, 0, false
	}
	c := &counter{}
	in := input{config: config, secrets: secrets, limits: host.Limits{Idle: signOfLife}}
	usage, err := s.pipeline().count(s.ctx, c, in)
	if err != nil {
		s.problem("the harvest of %d assets ends badly: %s", n, describeError(err))
		return 0, 0, false
	}
	if c.assets < n {
		s.problem("of a source of %d assets it finds %d", n, c.assets)
		return 0, 0, false
	}
	return max(usage.CPU-base, 0) / time.Duration(n), usage.MaxRSS, true
}

// slowSink wants a harvest whose host is slow to wait for it, and not to pile up
// what it finds.
func (s *suite) slowSink() {
	in := s.good()
	if hook := s.fixture.Scale; hook != nil {
		config, secrets, err := hook.Config(s.ctx, cmp.Or(hook.Few, fewAssets))
		if err != nil {
			s.problem("the fixture cannot make a source for it: %v", err)
			return
		}
		in = input{config: config, secrets: secrets}
	}
	begun := time.Now()
	c := &counter{onBatch: func() {
		if time.Since(begun) < slowFor {
			time.Sleep(slowFor / 10)
		}
	}}
	if _, err := s.pipeline().count(s.ctx, c, in); err != nil {
		s.problem("a harvest whose host takes its time ends badly: %s", describeError(err))
	}
}

// slowFor is how long the host of a slow sink takes its time.
const slowFor = 3 * time.Second

// limits wants an object with more fields than a record may have to be told of,
// and not to end the harvest.
func (s *suite) limits() {
	if s.fixture.Wide == nil {
		s.skip("the fixture has no Wide, a source with an object of more than 5,000 fields")
		return
	}
	h := newHarvest(s.ctx)
	if _, err := s.pipeline().harvest(h, input{config: s.fixture.Wide, secrets: s.fixture.Secrets}); err != nil {
		s.problem("an object of more than 5,000 fields ends the harvest: %s", describeError(err))
		return
	}
	most := 0
	for _, r := range h.order {
		if a, ok := r.(*sdk.Asset); ok {
			most = max(most, len(a.Fields))
		}
	}
	if most < harvestv1.MaxFields && len(h.notes) == 0 {
		s.problem("an object of more than 5,000 fields comes with %d, and no note says so", most)
	}
}

// The most lines that a harvest may log: some, and one for each of its records.
const fewLines = 100

// logs wants a harvest to be quiet, and to speak through its logger alone.
func (s *suite) logs() {
	clean := s.cleanHarvest()
	if clean == nil {
		return
	}
	w := s.pipeline()
	h := newHarvest(s.ctx)
	if _, err := w.harvest(h, s.good()); err != nil {
		s.problem("the harvest ends badly: %s", describeError(err))
		return
	}
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	if most := fewLines + len(clean.order); len(lines) > most {
		s.problem("a harvest of %d records logs %d lines, and %d is the limit", len(clean.order), len(lines), most)
	}
	for _, line := range lines {
		if strings.Contains(line, "plugin output") || strings.Contains(line, "standard output") {
			s.problem("it writes past its logger: %s", cut(line))
			return
		}
	}
}

// counter is a handler that keeps nothing.
type counter struct {
	assets  int
	onBatch func()
}

// Records counts.
func (c *counter) Records(records []sdk.Record) error {
	for _, r := range records {
		if _, ok := r.(*sdk.Asset); ok {
			c.assets++
		}
	}
	if c.onBatch != nil {
		c.onBatch()
	}
	return nil
}

// Checkpoint is not kept.
func (*counter) Checkpoint([]byte) error { return nil }

// ScopeDone is not kept.
func (*counter) ScopeDone(string) error { return nil }

// Progress is not kept.
func (*counter) Progress(int64, int64, string) {}

// Note is not kept.
func (*counter) Note(sdk.Note) {}
