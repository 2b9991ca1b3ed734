package policy_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// record decides a question now and gives what the log keeps of it.
func record(tb testing.TB, e *policy.Engine, id string, q policy.Question) model.DecisionRecord {
	tb.Helper()
	d := e.Snapshot().Decide(tb.Context(), q)
	d.ID = model.ID(id)
	return model.DecisionRecord{Meta: model.Meta{ID: d.ID}, Action: q.Action, Outcome: d.Outcome, Decision: d, Input: q.Input()}
}

func each[T any](items ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func assess(tb testing.TB, e *policy.Engine, d policy.Draft, records []model.DecisionRecord, grants ...policy.Question) model.PolicyImpact {
	tb.Helper()
	impact, err := e.Assess(tb.Context(), d, policy.Evidence{Decisions: each(records...), Total: len(records), Grants: each(grants...)}, func(int, int) {})
	if err != nil {
		tb.Fatal(err)
	}
	return impact
}

// logged leaves out what was made up.
func logged(i model.PolicyImpact) []model.PolicyFlip {
	return slices.DeleteFunc(slices.Clone(i.Flips), func(f model.PolicyFlip) bool { return strings.HasPrefix(f.Team, "made up: ") })
}

var (
	granted  = []policy.GrantFact{{ID: "grt_1", Product: orders.ID, Purpose: "x", Until: noon.AddDate(0, 1, 0)}}
	internal = with(orders, func(r *policy.Resource) { r.Classification = model.Internal })
)

func holding(q policy.Question) policy.Question {
	q.Facts.Grants = granted
	return q
}

// closing is a domain that gives data to its members and to nobody else.
const closing = `package souk.domains.sales

import data.souk.lib
import rego.v2

allow contains {"code": "read.member", "message": "m"} if {
	input.action.name == "data.read"
	lib.is_member(input.subject, input.resource.domain)
}
`

// TestAssess counts what changes, names samples and the grants that die.
func TestAssess(t *testing.T) {
	e := engine(t)
	web := bo
	web.Teams = []string{"marketing/web", "marketing/ads"}
	records := []model.DecisionRecord{
		record(t, e, "dec_1", ask(ana, model.ActDataRead, orders)),
		record(t, e, "dec_2", holding(ask(bo, model.ActDataRead, orders))),
		record(t, e, "dec_3", holding(ask(bo, model.ActDataRead, orders))),
		record(t, e, "dec_4", holding(ask(web, model.ActDataRead, internal))),
		record(t, e, "dec_5", ask(bo, model.ActAccessRequest, orders)),
		record(t, e, "dec_6", ask(bo, model.ActDataRead, with(orders, func(r *policy.Resource) { r.Domain = "finance" }))),
	}
	impact := assess(t, e, module("sales", closing), records, holding(ask(bo, model.ActDataRead, orders)), ask(ana, model.ActDataRead, orders))
	want := []model.PolicyFlip{
		{Change: "allow_to_deny", Action: model.ActAccessRequest, Classification: model.Confidential, Team: "marketing", Count: 1, Samples: []model.ID{"dec_5"}},
		{Change: "allow_to_deny", Action: model.ActDataRead, Classification: model.Confidential, Team: "marketing", Count: 3, Samples: []model.ID{"dec_2", "dec_3", "grt_1"}},
		{Change: "allow_to_deny", Action: model.ActDataRead, Classification: model.Internal, Team: "marketing/web", Count: 1, Samples: []model.ID{"dec_4"}},
	}
	if diff := cmp.Diff(want, logged(impact)); diff != "" {
		t.Error(diff)
	}
	if impact.Replayed != 6 || impact.Grants != 2 || impact.Generated < 100 || impact.Skipped != 0 || impact.Loosens || impact.Sensitive {
		t.Errorf("got %+v", impact)
	}
	if diff := cmp.Diff([]model.ID{"grt_1"}, impact.DyingGrants); diff != "" {
		t.Error(diff)
	}
	if active, err := e.Activate(t.Context(), module("sales", closing)); err != nil || impact.RevisionHash != active || impact.BaseHash == active {
		t.Errorf("the report is about %s and %s, in force is %s, %v", impact.RevisionHash, impact.BaseHash, active, err)
	}
	if again := assess(t, e, module("sales", closing), records); len(logged(again)) != 0 {
		t.Errorf("what is in force changes %+v; the log's decisions are those of other rules", again.Flips)
	}
}

// TestAssessLoosens finds what a draft gives away that nobody has asked for.
func TestAssessLoosens(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", closing)
	for _, w := range []struct {
		name, add          string
		loosens, sensitive bool
		want               string
	}{
		{"a team reads internal data", rule("allow", "read.web", `input.action.name == "data.read"`, `"finance/web" in input.subject.teams`, `input.resource.classification == "INTERNAL"`), true, false, "deny_to_allow data.read INTERNAL made up: outsider"},
		{"a team reads all data", rule("allow", "read.web", `input.action.name == "data.read"`, `"finance/web" in input.subject.teams`), true, false, "deny_to_allow data.read INTERNAL made up: outsider"},
		{"for a purpose", rule("allow", "read.p", `input.action.name == "data.read"`, `input.context.purpose == "audit"`, `input.resource.classification == "CONFIDENTIAL"`), true, true, "deny_to_allow data.read CONFIDENTIAL made up: outsider"},
		{"confidential data", rule("allow", "read.c", `input.action.name == "data.read"`, `input.resource.classification == "CONFIDENTIAL"`), true, true, "deny_to_allow data.read CONFIDENTIAL made up: outsider"},
		{"services", rule("deny", "read.s", `input.action.name == "data.read"`, `input.subject.type == "service"`), false, false, ""},
		{"a member who is a service", rule("deny", "read.m", `input.action.name == "data.read"`, `input.subject.domain == "sales"`), false, false, "allow_to_deny data.read INTERNAL made up: member"},
		{"a mask", "obligations contains {\"id\": \"m\", \"type\": \"mask\", \"params\": {\"field\": \"x\", \"with\": \"hash\"}} if input.action.name == \"data.read\"\n", false, false, "tightened data.read INTERNAL made up: member"},
		{"it breaks", rule("deny", "x", `input.action.name == "data.read"`, `to_number(input.subject.id) == 1`), false, false, "error data.read INTERNAL made up: outsider"},
	} {
		t.Run(w.name, func(t *testing.T) {
			impact := assess(t, e, module("sales", closing+"\n"+w.add), nil)
			var got []string
			for _, f := range impact.Flips {
				got = append(got, strings.Join([]string{f.Change, string(f.Action), string(f.Classification), f.Team}, " "))
			}
			if impact.Loosens != w.loosens || impact.Sensitive != w.sensitive || (w.want != "" && !slices.Contains(got, w.want)) {
				t.Errorf("loosens %v, sensitive %v: %v", impact.Loosens, impact.Sensitive, got)
			}
		})
	}
}

// TestAssessHash signs the facts: the same give the same, in any order of the
// work, and others give another.
func TestAssessHash(t *testing.T) {
	e := engine(t)
	var records []model.DecisionRecord
	for range 600 {
		records = append(records, record(t, e, string(model.NewID(model.PrefixDecision)), holding(ask(bo, model.ActDataRead, orders))))
	}
	first, second := assess(t, e, module("sales", closing), records), assess(t, e, module("sales", closing), records)
	ignored := cmpopts.IgnoreFields(model.PolicyImpact{}, "At", "Duration")
	if diff := cmp.Diff(first, second, ignored); diff != "" || !strings.HasPrefix(first.Hash, "sha256:") {
		t.Errorf("%s %s", first.Hash, diff)
	}
	if f := logged(first); len(f) != 1 || f[0].Count != 600 || len(f[0].Samples) != 10 {
		t.Errorf("got %+v", f)
	}
	if third := assess(t, e, module("sales", closing), records[1:]); third.Hash == first.Hash {
		t.Error("other facts have the same hash")
	}
}

// TestAssessProgress counts the log, the grants and what is made up in one
// total, whatever the log and the grants were thought to be, and reaches it at
// the end and not before.
func TestAssessProgress(t *testing.T) {
	e := engine(t)
	records := slices.Repeat([]model.DecisionRecord{record(t, e, "dec_1", ask(ana, model.ActDataRead, orders))}, 600)
	grants := slices.Repeat([]policy.Question{holding(ask(bo, model.ActDataRead, orders))}, 300)
	for name, guess := range map[string]struct{ decisions, grants int }{"right": {600, 300}, "too few": {10, 20}, "too many": {1000, 700}} {
		t.Run(name, func(t *testing.T) {
			evidence := policy.Evidence{Decisions: each(records...), Total: guess.decisions, Grants: each(grants...), TotalGrants: guess.grants}
			var dones, totals []int
			impact, err := e.Assess(t.Context(), module("sales", closing), evidence, func(done, total int) {
				dones, totals = append(dones, done), append(totals, total)
			})
			if err != nil || impact.Generated < 100 {
				t.Fatalf("got %+v, %v", impact, err)
			}
			whole := impact.Replayed + impact.Grants + impact.Generated
			if first := guess.decisions + guess.grants + impact.Generated; dones[0] != 0 || totals[0] != first {
				t.Errorf("it begins at %d of %d, want 0 of %d", dones[0], totals[0], first)
			}
			for i, done := range dones {
				if (done == totals[i]) != (done == whole) || !slices.IsSorted(dones) {
					t.Errorf("told %v of %v, want %d at the end alone", dones, totals, whole)
				}
			}
			if last := dones[len(dones)-1]; last != whole {
				t.Errorf("it ends at %d, want %d", last, whole)
			}
		})
	}
}

// TestAssessSkips what these policies cannot be asked again, and ends with the context, with a log that breaks, and with a
// draft that does not compile.
func TestAssessSkips(t *testing.T) {
	e := engine(t)
	good := record(t, e, "dec_1", ask(ana, model.ActDataRead, orders))
	old := good
	old.Input = []byte(strings.Replace(string(good.Input), `"v":1`, `"v":0`, 1))
	records := slices.Repeat([]model.DecisionRecord{good, old}, 300)
	impact, err := e.Assess(t.Context(), module("sales", closing), policy.Evidence{Decisions: each(records...), Total: 600}, func(int, int) {})
	if err != nil || impact.Replayed != 300 || impact.Skipped != 300 {
		t.Errorf("got %+v, %v", impact, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = e.Assess(ctx, module("sales", closing), policy.Evidence{Decisions: each(records...), Total: 600}, func(int, int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("went on: %v", err)
	}
	broken := errors.New("the log broke")
	torn := func(yield func(model.DecisionRecord, error) bool) { yield(model.DecisionRecord{}, broken) }
	if _, err := e.Assess(t.Context(), module("sales", closing), policy.Evidence{Decisions: torn}, func(int, int) {}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := e.Assess(t.Context(), module("sales", "package x"), policy.Evidence{}, func(int, int) {}); !model.Is(err, model.KindInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestAssessMasked replays a record in which something is masked that neither
// the rules in force nor the draft read, and skips it when one of them does.
func TestAssessMasked(t *testing.T) {
	e := engine(t)
	q := holding(ask(bo, model.ActDataRead, internal))
	q.Subject.Teams = []string{"marketing/web"}
	d := record(t, e, "dec_1", q)
	q.Subject.Name, q.Subject.Teams = "masked:1", []string{"masked:2"}
	d.Input, d.Masked = q.Input(), []string{"subject.name"}
	impact := assess(t, e, module("sales", closing), []model.DecisionRecord{d})
	if flips := logged(impact); impact.Replayed != 1 || len(flips) != 1 || flips[0].Team != "masked:2" {
		t.Errorf("got %+v, %+v", impact, flips)
	}
	named := closing + "\n" + rule("allow", "read.bo", `input.action.name == "data.read"`, `input.subject.name == "bo@marketing"`)
	if impact := assess(t, e, module("sales", named), []model.DecisionRecord{d}); impact.Replayed != 0 || impact.Skipped != 1 {
		t.Errorf("the draft saw a masked name: %+v", impact)
	}
	d.Masked = []string{"subject.teams"}
	if impact := assess(t, e, module("sales", closing), []model.DecisionRecord{d}); impact.Skipped != 1 {
		t.Errorf("the platform saw masked teams: %+v", impact)
	}
}

// TestAssessMaskedTeam counts a change for the asker's domain when nobody may
// know their team.
func TestAssessMaskedTeam(t *testing.T) {
	e := bare(t)
	activate(t, e, "sales", open)
	q := ask(bo, model.ActDataRead, internal)
	q.Subject.Teams = []string{"masked:2"}
	d := record(t, e, "dec_1", q)
	d.Masked = []string{"subject.teams"}
	impact := assess(t, e, module("sales", strings.Replace(open, "== 1", "== 2", 1)), []model.DecisionRecord{d})
	if flips := logged(impact); len(flips) != 1 || flips[0].Team != "marketing" {
		t.Errorf("got %+v", flips)
	}
}

// TestAssessConsent takes from the log what the consent in force has answered,
// and asks again where another has, or where the row does not say which.
func TestAssessConsent(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", open)
	activate(t, e, "marketing", consenting("billing"))
	q := ask(bo, model.ActDataRead, orders)
	q.Context.Purpose = "billing"
	old := record(t, e, "dec_old", q)
	activate(t, e, "marketing", consenting("audit"))
	now := record(t, e, "dec_now", q)
	claimed := now // a row is believed when it names what is in force: nothing else was asked
	claimed.Decision.Outcome, claimed.Decision.Reasons = model.Allow, nil
	unnamed := claimed
	unnamed.Decision.Revisions.Consent = ""
	for name, w := range map[string]struct {
		row   model.DecisionRecord
		flips int
	}{"of an older consent": {old, 0}, "of the consent in force": {now, 0}, "believed": {claimed, 1}, "of a consent that is not named": {unnamed, 0}} {
		impact := assess(t, e, module("sales", open+"\n# Another text.\n"), []model.DecisionRecord{w.row})
		if flips := logged(impact); impact.Replayed != 1 || len(flips) != w.flips {
			t.Errorf("%s: got %+v, want %d changes", name, flips, w.flips)
		}
	}
}

// BenchmarkReplay replays logged decisions on one core: decode, decide, compare.
func BenchmarkReplay(b *testing.B) {
	e := engine(b)
	activate(b, e, "sales", closing)
	var records []model.DecisionRecord
	for i := range 2000 {
		s := []policy.Subject{ana, bo, cy}[i%3]
		records = append(records, record(b, e, "dec_1", holding(ask(s, []model.Action{model.ActDataRead, model.ActAccessRequest}[i%2], orders))))
	}
	d := module("sales", closing+"\n"+rule("deny", "x", `input.action.name == "data.read"`, `input.resource.status == "RETIRED"`))
	n := 0
	b.ResetTimer()
	for b.Loop() {
		impact, err := e.Assess(b.Context(), d, policy.Evidence{Decisions: each(records...), Total: len(records)}, func(int, int) {})
		if err != nil {
			b.Fatal(err)
		}
		n += impact.Replayed + 2*impact.Generated
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "decisions/s")
}
