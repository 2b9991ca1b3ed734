package plugintest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/internal/secret"
)

var (
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	versionPattern = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+`)
	secretPattern  = regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key|private_?key|credential)`)
)

// describe looks at what the plugin says of itself, here and over the pipe.
func (s *suite) describe() {
	info := s.plugin.Info()
	if !namePattern.MatchString(info.Name) {
		s.problem("the name %q is not of small letters, digits and dashes", info.Name)
	}
	if !versionPattern.MatchString(info.Version) {
		s.problem("the version %q is no semantic version", info.Version)
	}
	if info.Summary == "" || info.Doc == "" {
		s.problem("the summary or the page for operators is missing")
	}
	for _, kind := range info.Emits {
		if !slices.Contains([]string{"asset", "edge", "quality"}, kind) {
			s.problem("it says that it emits %q, which is no kind of record", kind)
		}
	}
	err := s.openThere(s.ctx, func(ctx context.Context, p *host.Process) error {
		there, err := p.Describe(ctx)
		if err != nil {
			return err
		}
		here := host.Description{Info: info, Schema: s.plugin.Schema(), SecretFields: s.plugin.SecretFields()}
		if diff := cmp.Diff(here, there); diff != "" {
			s.problem("it describes itself otherwise over the pipe:\n%s", diff)
		}
		return nil
	})
	if err != nil {
		s.problem("it cannot be asked what it is: %s", describeError(err))
	}
}

// schema wants every field explained, and every secret marked.
func (s *suite) schema() {
	var document any
	if err := json.Unmarshal(s.plugin.Schema(), &document); err != nil {
		s.problem("the schema is no JSON: %v", err)
		return
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", document); err != nil {
		s.problem("the schema is no JSON Schema: %v", err)
	} else if _, err := c.Compile("config.json"); err != nil {
		s.problem("the schema is no JSON Schema: %v", err)
	}
	s.fieldsOf(document, "")
}

func (s *suite) fieldsOf(document any, prefix string) {
	object, _ := document.(map[string]any)
	fields, _ := object["properties"].(map[string]any)
	for name, value := range fields {
		field, _ := value.(map[string]any)
		path := prefix + name
		if text, _ := field["description"].(string); text == "" && field["properties"] == nil {
			s.problem("the field %s has no doc", path)
		}
		if marked, _ := field["x-secret"].(bool); !marked && field["type"] == "string" && secretPattern.MatchString(name) {
			s.problem(`the field %s looks like a secret and is not marked with format:"secret"`, path)
		}
		s.fieldsOf(field, path+".")
		s.fieldsOf(field["items"], path+".")
	}
}

// check wants all capabilities of the fixture's source, here and over the pipe.
func (s *suite) check() {
	here := &sdk.Report{}
	err := s.openHere(s.ctx, s.fixture.Config, s.fixture.Secrets, func(source sdk.Source) error {
		return source.Check(s.ctx, here)
	})
	if err != nil {
		s.problem("the check ends badly: %s", describeError(err))
		return
	}
	if len(here.Capabilities) == 0 {
		s.problem("the check reports no capability")
	}
	for _, c := range here.Capabilities {
		s.say("a capability", c.Name, c.Reason, c.Fix)
		if !c.OK {
			s.problem("the fixture's source lacks %s: %s; %s", c.Name, c.Reason, c.Fix)
		}
	}
	var there []sdk.Capability
	err = s.openThere(s.ctx, func(ctx context.Context, p *host.Process) error {
		if err := p.Judge(ctx, s.fixture.Config); err != nil {
			s.problem("the configuration is refused before it is kept: %s", describeError(err))
		}
		return p.Check(ctx, s.fixture.Config, s.fixture.Secrets, func(c sdk.Capability) { there = append(there, c) })
	})
	if err != nil {
		s.problem("the check ends badly over the pipe: %s", describeError(err))
	} else if diff := cmp.Diff(here.Capabilities, there); diff != "" {
		s.problem("the check says something else over the pipe:\n%s", diff)
	}
}

// badConfigs wants each refused with its class, its field and a remedy.
func (s *suite) badConfigs() {
	if len(s.fixture.BadConfigs) == 0 {
		s.problem("the fixture has no BadConfigs")
	}
	for _, bad := range s.fixture.BadConfigs {
		err := s.openHere(s.ctx, bad.Config, bad.Secrets, func(source sdk.Source) error {
			return source.Harvest(s.ctx, sdk.Request{}, inProcess{newHarvest(s.ctx)})
		})
		e, ok := errors.AsType[*sdk.Error](err)
		switch {
		case err == nil:
			s.problem("%s: the harvest goes well", bad.Name)
			continue
		case !ok:
			s.problem("%s: the error does not say whose fault it is: %v", bad.Name, err)
			continue
		}
		s.refusal(bad, "in process", e.Class, e.Field, e.Message, e.Fix)
		if e, ok := errors.AsType[*sdk.Error](s.plugin.Judge(bad.Config, slog.New(slog.DiscardHandler))); ok {
			s.refusal(bad, "before it is kept", e.Class, e.Field, e.Message, e.Fix)
		}
		s.refusedThere(bad)
		s.refusedByCheck(bad)
	}
}

func (s *suite) refusal(bad BadConfig, where string, class sdk.Class, field, message, fix string) {
	s.say("the refusal of "+bad.Name, message, fix)
	if class != bad.Class || field != bad.Field {
		s.problem("%s: %s the error is of %s for the field %q, and should be of %s for %q: %s", bad.Name, where, class, field, bad.Class, bad.Field, message)
	}
	if message == "" || fix == "" {
		s.problem("%s: %s the error has no message or no remedy: %q %q", bad.Name, where, message, fix)
	}
}

func (s *suite) refusedThere(bad BadConfig) {
	err := s.openThere(s.ctx, func(ctx context.Context, p *host.Process) error {
		_, err := p.Harvest(ctx, host.Request{Config: bad.Config, Secrets: bad.Secrets}, overPipe{newHarvest(ctx)})
		return err
	})
	f, ok := errors.AsType[*host.Failure](err)
	if !ok {
		s.problem("%s: over the pipe the harvest goes well: %v", bad.Name, err)
		return
	}
	s.refusal(bad, "over the pipe", f.Class, f.Field, f.Message, f.Fix)
}

// refusedByCheck wants the check to find what the harvest will stumble over.
func (s *suite) refusedByCheck(bad BadConfig) {
	report := &sdk.Report{}
	err := s.openHere(s.ctx, bad.Config, bad.Secrets, func(source sdk.Source) error { return source.Check(s.ctx, report) })
	failed := slices.IndexFunc(report.Capabilities, func(c sdk.Capability) bool { return !c.OK })
	if err == nil && failed < 0 {
		s.problem("%s: the check finds nothing wrong", bad.Name)
	}
	for _, c := range report.Capabilities {
		s.say("a capability of "+bad.Name, c.Name, c.Reason, c.Fix)
		if !c.OK && (c.Reason == "" || c.Fix == "") {
			s.problem("%s: the missing capability %s has no reason or no remedy", bad.Name, c.Name)
		}
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
	if !slices.Contains(s.plugin.Info().Emits, kind) {
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
	if *update {
		if err := os.WriteFile(s.fixture.Golden, []byte(got), 0o644); err != nil {
			s.problem("the golden file cannot be written: %v", err)
		}
		return
	}
	want, err := os.ReadFile(s.fixture.Golden)
	if err != nil {
		s.problem("the golden file cannot be read; run the test with -update: %v", err)
		return
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
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
	second := newHarvest(s.ctx)
	if err := s.harvestHere(second, nil); err != nil {
		s.problem("the second harvest ends badly: %s", describeError(err))
	} else if diff := cmp.Diff(first.lines(), second.lines()); diff != "" {
		s.problem("two harvests of the same source differ:\n%s", diff)
	}
}

// pipe wants a harvest by a process of its own to find the same.
func (s *suite) pipe() {
	here := s.cleanHarvest()
	if here == nil {
		return
	}
	there := newHarvest(s.ctx)
	if err := s.harvestThere(there, nil); err != nil {
		s.problem("the harvest ends badly over the pipe: %s", describeError(err))
	} else if diff := cmp.Diff(here.lines(), there.lines()); diff != "" {
		s.problem("the harvest finds something else over the pipe:\n%s", diff)
	}
	for _, key := range there.doubled {
		s.problem("over the pipe comes twice: %s", key)
	}
}

// A cancelled harvest ends within this time.
const patience = 2 * time.Second

// cancel wants a harvest to end soon after its context, before and amid records.
func (s *suite) cancel() {
	before := runtime.NumGoroutine()
	for _, amid := range []bool{false, true} {
		what := map[bool]string{false: "a harvest cancelled before it begins", true: "a harvest cancelled at its first record"}[amid]
		s.within(patience, what, func() {
			if h, cancel := s.cancelling(amid); s.harvestHere(h, nil) == nil {
				cancel()
				s.problem("%s ends as if nothing had happened", what)
			}
		})
	}
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.problem("a cancelled harvest leaves goroutines: %d before, %d after", before, runtime.NumGoroutine())
			break
		}
	}
	s.within(patience+time.Second, "a harvest cancelled over the pipe", func() {
		h, cancel := s.cancelling(true)
		defer cancel()
		err := s.harvestThere(h, nil)
		if f, ok := errors.AsType[*host.Failure](err); !ok || f.Code != "cancelled" {
			s.problem("a harvest cancelled over the pipe ends with %v", err)
		}
	})
}

func (s *suite) cancelling(amid bool) (*harvest, context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.ctx)
	h := newHarvest(ctx)
	if !amid {
		cancel()
	}
	h.onRecord = func() error {
		cancel()
		return ctx.Err()
	}
	return h, cancel
}

var errKilled = errors.New("killed by plugintest")

// kill interrupts harvests at records at random, in process and by killing the
// process, takes each up again at its last checkpoint, and wants both parts
// together to be what an undisturbed harvest finds.
func (s *suite) kill() {
	clean := s.cleanHarvest()
	if clean == nil {
		return
	}
	kills := s.fixture.Kills
	if kills == 0 {
		kills = 5
	}
	for range kills {
		at := 1 + rand.IntN(len(clean.order))
		s.interrupted(clean, at, "in process", s.harvestHere)
		s.interrupted(clean, at, "over the pipe", s.harvestThere)
	}
}

func (s *suite) interrupted(clean *harvest, at int, where string, run func(*harvest, []byte) error) {
	first := newHarvest(s.ctx)
	first.onRecord = func() error {
		if len(first.order) >= at {
			return errKilled
		}
		return nil
	}
	if err := run(first, nil); !errors.Is(err, errKilled) {
		s.problem("%s, interrupted at record %d, it ends with %v", where, at, err)
		return
	}
	second := newHarvest(s.ctx)
	if err := run(second, first.checkpoint); err != nil {
		s.problem("%s, taken up again after record %d, it ends with %s", where, at, describeError(err))
		return
	}
	both := first.kept
	maps.Copy(both, second.records)
	if diff := cmp.Diff(clean.records, both); diff != "" {
		s.problem("%s, interrupted at record %d and taken up again, it does not find what a clean harvest does:\n%s", where, at, diff)
	}
}

// secrets looks for the fixture's secrets in everything that came out.
func (s *suite) secrets() {
	if len(s.plugin.SecretFields()) > 0 && len(s.fixture.Secrets) == 0 {
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
