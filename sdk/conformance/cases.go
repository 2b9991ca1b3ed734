package conformance

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/internal/secret"
)

// check wants all capabilities of the fixture's source, the same every way.
func (s *suite) check() {
	var reference []string
	for i, w := range s.ways {
		capabilities := s.checked(w)
		switch {
		case i == 0:
			reference = capabilities
		case difference(reference, capabilities) != "":
			s.problem("the check says something else %s:\n%s", w.where(), difference(reference, capabilities))
		}
		if err := w.judge(s.ctx, s.fixture.Config); err != nil {
			s.problem("%s the configuration is refused before it is kept: %s", w.where(), describeError(err))
		}
	}
}

func (s *suite) checked(w way) (lines []string) {
	err := w.check(s.ctx, s.good(), func(c sdk.Capability) {
		s.say("a capability", c.Name, c.Reason, c.Fix)
		lines = append(lines, encode(c))
		if !c.OK {
			s.problem("the fixture's source lacks %s: %s; %s", c.Name, c.Reason, c.Fix)
		}
	})
	if err != nil {
		s.problem("the check ends badly %s: %s", w.where(), describeError(err))
	} else if len(lines) == 0 {
		s.problem("the check reports no capability %s", w.where())
	}
	return lines
}

// badConfigs wants each refused with its class, its field and a remedy.
func (s *suite) badConfigs() {
	if len(s.fixture.BadConfigs) == 0 {
		s.problem("the fixture has no BadConfigs")
	}
	for _, bad := range s.fixture.BadConfigs {
		for _, w := range s.ways {
			s.refusedByHarvest(w, bad)
			s.refusedByCheck(w, bad)
		}
		s.judgedBefore(bad)
	}
}

// inOrder is how often a text is judged inside the test's own process: what is
// judged in the order of a map comes out another way one time in two.
const inOrder = 8

func (s *suite) judgedBefore(bad BadConfig) {
	times := 1 // each is a process
	if len(s.ways) > 1 {
		times = inOrder
	}
	for range times {
		found := len(s.problems)
		if r, ok := refusalOf(s.ways[0].judge(s.ctx, bad.Config)); ok {
			s.refusal(bad, "before it is kept", r)
		}
		if len(s.problems) > found {
			return
		}
	}
}

func (s *suite) refusedByHarvest(w way, bad BadConfig) {
	begun := time.Now()
	_, err := w.harvest(newHarvest(s.ctx), input{config: bad.Config, secrets: bad.Secrets})
	r, ok := refusalOf(err)
	switch {
	case err == nil:
		s.problem("%s: the harvest goes well %s", bad.Name, w.where())
	case !ok:
		s.problem("%s: the error does not say whose fault it is: %v", bad.Name, err)
	default:
		s.refusal(bad, w.where(), r)
	}
	if took := time.Since(begun); took > refusalPatience {
		s.problem("%s: it is refused after %s %s, and %s is the limit", bad.Name, took.Round(time.Second), w.where(), refusalPatience)
	}
}

// A host that is not there is refused within this time. It is more than twice
// what an author is told, since a machine may be busy.
const refusalPatience = 25 * time.Second

func (s *suite) refusal(bad BadConfig, where string, r refusal) {
	s.say("the refusal of "+bad.Name, r.message, r.fix)
	if r.class != bad.Class || r.field != bad.Field {
		s.problem("%s: %s the error is of %s for the field %q, and should be of %s for %q: %s", bad.Name, where, r.class, r.field, bad.Class, bad.Field, r.message)
	}
	if r.message == "" || r.fix == "" {
		s.problem("%s: %s the error has no message or no remedy: %q %q", bad.Name, where, r.message, r.fix)
	}
}

// refusedByCheck wants the check to find what the harvest will stumble over.
func (s *suite) refusedByCheck(w way, bad BadConfig) {
	failed := false
	err := w.check(s.ctx, input{config: bad.Config, secrets: bad.Secrets}, func(c sdk.Capability) {
		s.say("a capability of "+bad.Name, c.Name, c.Reason, c.Fix)
		if c.OK {
			return
		}
		failed = true
		if c.Reason == "" || c.Fix == "" {
			s.problem("%s: the missing capability %s has no reason or no remedy", bad.Name, c.Name)
		}
	})
	if err == nil && !failed {
		s.problem("%s: the check finds nothing wrong %s", bad.Name, w.where())
	}
}

// records looks at the records themselves.
func (s *suite) records() {
	h := s.cleanHarvest()
	if h == nil {
		return
	}
	for _, key := range h.doubled {
		s.problem("it emits twice: %s", key)
	}
	for _, scope := range h.late {
		s.problem("it calls the scope %s done after an error was noted for it", scope)
	}
	if len(h.scopes) == 0 {
		s.problem("no scope of the fixture is done, so nothing would ever be retired")
	}
	for _, r := range h.order {
		s.record(r, h)
	}
}

func (s *suite) record(r sdk.Record, h *harvest) {
	kind, scope := "asset", ""
	switch r := r.(type) {
	case *sdk.Asset:
		scope = r.Scope
		for i, f := range r.Fields {
			if f.Position != i+1 {
				s.problem("%s: the field %s has the position %d and stands at %d", keyOf(r), f.Name, f.Position, i+1)
			}
		}
	case *sdk.Edge:
		kind, scope = "edge", r.Scope
	case *sdk.Quality:
		kind, scope = "quality", r.Scope
	}
	if d := s.description(); d != nil && !slices.Contains(d.Info.Emits, kind) {
		s.problem("%s: it does not say that it emits any %s", keyOf(r), kind)
	}
	noted := func(n sdk.Note) bool { return n.Level == sdk.ErrorLevel && n.Scope == scope }
	if !slices.Contains(h.scopes, scope) && !slices.ContainsFunc(h.notes, noted) {
		s.problem("%s: its scope %q is neither done nor noted as incomplete", keyOf(r), scope)
	}
}

// golden compares with the file, whatever the order and the times.
func (s *suite) golden() {
	h := s.cleanHarvest()
	if h == nil {
		return
	}
	if s.fixture.Golden == "" {
		s.problem("the fixture names no Golden file")
		return
	}
	got := s.goldenText(h)
	if s.fixture.Update {
		if err := os.WriteFile(s.fixture.Golden, []byte(got), 0o600); err != nil {
			s.problem("the golden file cannot be written: %v", err)
		}
		return
	}
	want, err := os.ReadFile(s.fixture.Golden)
	if err != nil {
		s.problem("the golden file cannot be read; run the suite with -update (souk plugin test --update): %v", err)
		return
	}
	if diff := difference(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		s.problem("the records are not those of %s; look at the difference, and run the test with -update if it is right:\n%s", s.fixture.Golden, diff)
	}
}

// timePattern finds the times of a record.
var timePattern = regexp.MustCompile(`"(at|changedAt|started|ended|from|to)":"\d{4}-\d\d-\d\dT[^"]*"`)

func (s *suite) goldenText(h *harvest) string {
	text := strings.Join(h.lines(), "\n") + "\n"
	for old, stand := range s.fixture.Replace {
		text = strings.ReplaceAll(text, old, stand)
	}
	lines := strings.SplitAfter(timePattern.ReplaceAllString(text, `"$1":"TIME"`), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// determinism wants a second harvest to find the same.
func (s *suite) determinism() {
	first := s.cleanHarvest()
	if first == nil {
		return
	}
	s.same(s.ways[0], first, "the second harvest")
}

// pipe wants a harvest by a process of its own to find the same.
func (s *suite) pipe() {
	if len(s.ways) == 1 {
		s.skip("a program is reached over the pipe alone")
		return
	}
	if here := s.cleanHarvest(); here != nil {
		s.same(s.pipeline(), here, "the harvest over the pipe")
	}
}

func (s *suite) same(w way, first *harvest, what string) {
	second := newHarvest(s.ctx)
	if _, err := w.harvest(second, s.good()); err != nil {
		s.problem("%s ends badly: %s", what, describeError(err))
	} else if diff := difference(first.lines(), second.lines()); diff != "" {
		s.problem("%s finds something else:\n%s", what, diff)
	}
	for _, key := range second.doubled {
		s.problem("in %s comes twice: %s", what, key)
	}
}

const (
	// A cancelled harvest ends within this time. It is more than twice what an
	// author is told, since a machine may be busy.
	patience = 5 * time.Second
	// lingering is how long its goroutines may live on.
	lingering = 2 * time.Second
)

// cancel wants a harvest to end soon after its context, before and amid records.
func (s *suite) cancel() {
	before := runtime.NumGoroutine()
	for _, w := range s.ways {
		_, there := w.(*outside)
		for _, amid := range []bool{false, true} {
			if what := " a harvest cancelled " + map[bool]string{false: "before it begins", true: "at its first record"}[amid]; !there || amid {
				s.cancelled(w, w.where()+what, amid)
			}
		}
	}
	for end := time.Now().Add(lingering); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.problem("a cancelled harvest leaves goroutines: %d before, %d after", before, runtime.NumGoroutine())
			break
		}
	}
}

func (s *suite) cancelled(w way, what string, amid bool) {
	h, cancel, since := s.cancelling(amid)
	defer cancel()
	_, err := w.harvest(h, s.good())
	if took := time.Since(*since); took > patience {
		s.problem("%s takes %s to end, and %s is the limit", what, took.Round(time.Second), patience)
	}
	f, failed := errors.AsType[*host.Failure](err)
	switch {
	case err == nil:
		s.problem("%s ends as if nothing had happened", what)
	case failed && f.Code != "cancelled":
		s.problem("%s ends with %s", what, describeError(err))
	}
}

// cancelling gives a harvest that is cancelled, and since when: now, or at its
// first record, so that the start of a process does not count.
func (s *suite) cancelling(amid bool) (h *harvest, cancel context.CancelFunc, since *time.Time) {
	ctx, cancel := context.WithCancel(s.ctx)
	h, begun := newHarvest(ctx), time.Now()
	if !amid {
		cancel()
	}
	h.onRecord = func() error {
		if ctx.Err() == nil {
			begun = time.Now()
		}
		cancel()
		return ctx.Err()
	}
	return h, cancel, &begun
}

var errKilled = errors.New("killed by the suite")

// kill interrupts harvests at records at random, in process and by killing the
// process, takes each up again at its last checkpoint, and wants both parts
// together to be what an undisturbed harvest finds.
func (s *suite) kill() {
	clean := s.cleanHarvest()
	if clean == nil {
		return
	}
	for range s.fixture.Kills {
		at := 1 + rand.IntN(len(clean.order)) //nolint:gosec // where a test interrupts is no secret
		for _, w := range s.ways {
			s.interrupted(clean, at, w, s.good())
		}
	}
}

func (s *suite) interrupted(clean *harvest, at int, w way, in input) {
	first := newHarvest(s.ctx)
	first.onRecord = func() error {
		if len(first.order) >= at {
			return errKilled
		}
		return nil
	}
	if _, err := w.harvest(first, in); !errors.Is(err, errKilled) {
		s.problem("%s, interrupted at record %d, it ends with %v", w.where(), at, err)
		return
	}
	again := in
	again.checkpoint = first.checkpoint
	second := newHarvest(s.ctx)
	if _, err := w.harvest(second, again); err != nil {
		s.problem("%s, taken up again after record %d, it ends with %s", w.where(), at, describeError(err))
		return
	}
	for _, key := range second.doubled {
		s.problem("%s, taken up again after record %d, it emits twice: %s", w.where(), at, key)
	}
	both := maps.Clone(first.kept)
	maps.Copy(both, second.records)
	if diff := difference(linesOf(clean.records), linesOf(both)); diff != "" {
		s.problem("%s, interrupted at record %d and taken up again, it does not find what a clean harvest does:\n%s", w.where(), at, diff)
	}
}

// secrets looks for the fixture's secrets in everything that came out.
func (s *suite) secrets() {
	if d := s.description(); d != nil && len(d.SecretFields) > 0 && len(s.fixture.Secrets) == 0 {
		s.problem("the plugin takes secrets and the fixture gives none")
	}
	for path, value := range s.fixture.Secrets {
		if len(value) < 8 {
			s.problem("the secret %s is too short to be looked for: give at least 8 characters", path)
		}
	}
	if h := s.cleanHarvest(); h != nil {
		s.say("a record", slices.Concat(h.lines())...)
		s.say("a checkpoint", stateText(h.checkpoint))
	}
	set := s.secretSet()
	for _, one := range s.said {
		if struck := set.Strike(one.text); struck != one.text {
			s.problem("a secret stands in %s: %s", one.where, around(struck))
		}
	}
}

// around shows where a secret stood.
func around(struck string) string {
	i := strings.Index(struck, secret.Mark)
	return struck[max(0, i-60):min(len(struck), i+60)]
}
