package policy_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// open is a domain that allows everything; its reason's code is NAME.open.
const open = `package souk.domains.NAME

import rego.v2

allow contains {"code": "NAME.open", "message": "All are welcome."} if input.v == 1
`

func activate(tb testing.TB, e *policy.Engine, domain model.Slug, text string) string {
	tb.Helper()
	revision, err := e.Activate(tb.Context(), module(domain, text))
	if err != nil {
		tb.Fatal(err)
	}
	return revision
}

// module drafts a package of one file.
func module(domain model.Slug, text string) policy.Draft {
	return policy.Draft{Domain: domain, Modules: []model.PolicyModule{
		{Path: "domains/" + string(domain) + "/rules.rego", Text: strings.ReplaceAll(text, "NAME", string(domain))},
	}}
}

// TestActivateIsOneDomains replaces the template for one domain and for no other.
func TestActivateIsOneDomains(t *testing.T) {
	e := engine(t)
	before := e.Snapshot()
	revision := activate(t, e, "sales", open)
	if again := activate(t, e, "sales", open); again != revision {
		t.Errorf("the same modules give %s, then %s", revision, again)
	}
	if other := activate(t, e, "sales", open+"\n# A remark.\n"); other == revision {
		t.Error("other modules give the same revision")
	}
	d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, orders))
	if !d.Allowed() || codes(d)[0] != "sales sales.open" {
		t.Errorf("got %s %v", d.Outcome, codes(d))
	}
	if d := before.Decide(t.Context(), ask(bo, model.ActDataRead, orders)); d.Allowed() {
		t.Error("an old snapshot has changed")
	}
	theirs := with(orders, func(r *policy.Resource) { r.Domain = "finance" })
	if d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, theirs)); d.Allowed() {
		t.Errorf("another domain has changed: %v", codes(d))
	}
}

// TestActivateBackToTheTemplate gives the package up again.
func TestActivateBackToTheTemplate(t *testing.T) {
	e := engine(t)
	want := e.Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, orders)).Revisions
	activate(t, e, "sales", open)
	if _, err := e.Activate(t.Context(), policy.Draft{Domain: "sales"}); err != nil {
		t.Fatal(err)
	}
	d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, orders))
	if d.Allowed() || d.Revisions != want {
		t.Errorf("got %s by %+v, want the template", d.Outcome, d.Revisions)
	}
}

// TestPlatformOutranksDomains shows what a domain cannot allow, whatever it writes.
func TestPlatformOutranksDomains(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", open)
	suspended := bo
	suspended.Suspended = true
	unfinished := with(orders, func(r *policy.Resource) { r.Ports = 0 })
	restricted := with(orders, func(r *policy.Resource) { r.Classification = model.Restricted })
	for name, q := range map[string]policy.Question{
		"suspended":     ask(suspended, model.ActDataRead, orders),
		"unfinished":    ask(ana, model.ActProductPublish, unfinished),
		"no clearance":  ask(bo, model.ActDataRead, restricted),
		"own request":   ask(bo, model.ActRequestApprove, with(orders, func(r *policy.Resource) { r.Requester = bo.ID })),
		"the stewards'": ask(bo, model.ActDomainAdmin, orders),
		"the sources'":  ask(bo, model.ActSourceAdmin, orders),
	} {
		if d := e.Snapshot().Decide(t.Context(), q); d.Outcome != model.Deny || !strings.HasPrefix(codes(d)[0], "platform ") {
			t.Errorf("%s: got %s %v, want a denial of the platform's", name, d.Outcome, codes(d))
		}
	}
	if d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActAccessRequest, orders)); d.Outcome != model.NeedsApproval {
		t.Errorf("a request is %s, and the platform's approval was dropped", d.Outcome)
	}
}

// TestDomainTightens shows that a domain's denial outranks the platform's allow.
func TestDomainTightens(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", open+`
deny contains {"code": "NAME.closed", "message": "Closed today."} if input.action.name == "metadata.view"
`)
	d := e.Snapshot().Decide(t.Context(), ask(cy, model.ActMetadataView, orders))
	if d.Allowed() || codes(d)[0] != "sales sales.closed" {
		t.Errorf("got %s %v", d.Outcome, codes(d))
	}
}

// TestRulesCannotLockThemselvesIn takes rules back whose own denial, or whose
// trouble, would forbid it.
func TestRulesCannotLockThemselvesIn(t *testing.T) {
	e := engine(t)
	for name, condition := range map[string]string{"denial": "input.v == 1", "trouble": "to_number(input.subject.id) == 1"} {
		activate(t, e, "sales", open+`
deny contains {"code": "NAME.no", "message": "Never."} if `+condition+"\n")
		d := e.Snapshot().Decide(t.Context(), ask(ana, model.ActPolicyRollback, with(orders, func(r *policy.Resource) { r.Type = "policy" })))
		if !d.Allowed() {
			t.Errorf("%s: got %s %v", name, d.Outcome, codes(d))
		}
	}
}

// consenting is a domain whose people may use the data of others for one purpose.
func consenting(purpose string) string {
	return open + `
consent contains {"code": "NAME.yes", "message": "Yes."} if input.context.purpose == "` + purpose + `"
`
}

// TestConsentIsNamed names the revision that had a say, and no other.
func TestConsentIsNamed(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", open)
	theirs := activate(t, e, "marketing", consenting("billing"))
	platform := with(orders, func(r *policy.Resource) { r.Domain = "" })
	own := with(orders, func(r *policy.Resource) { r.Domain = "marketing" })
	for _, w := range []struct {
		name string
		q    policy.Question
		want string
	}{
		{"reading", ask(bo, model.ActDataRead, orders), theirs},
		{"asking for access", ask(bo, model.ActAccessRequest, orders), theirs},
		{"looking", ask(bo, model.ActMetadataView, orders), ""},
		{"their own data", ask(bo, model.ActDataRead, own), ""},
		{"nobody's data", ask(bo, model.ActDataRead, platform), ""},
		{"the platform alone", ask(bo, model.ActPolicyRead, orders), ""},
		{"a domain without consent", ask(ana, model.ActDataRead, own), ""},
		{"a domain without rules", ask(cy, model.ActDataRead, orders), ""},
		{"an action that nobody knows", ask(bo, "unheard", orders), ""},
	} {
		s := e.Snapshot()
		d := s.Decide(t.Context(), w.q)
		row := model.DecisionRecord{Action: w.q.Action, Domain: w.q.Resource.Domain, Decision: d, Input: w.q.Input()}
		if d.Revisions.Consent != w.want || !s.Made(row) {
			t.Errorf("%s: got %+v, want the consent %q", w.name, d.Revisions, w.want)
		}
		if _, ok := s.Again(t.Context(), row); !ok && w.q.Action != "unheard" {
			t.Errorf("%s: what was just decided cannot be again", w.name)
		}
	}
}

// TestOtherConsentDecidedOtherwise makes no decision again that another consent
// has made, be it one that came later or one that has gone.
func TestOtherConsentDecidedOtherwise(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", open)
	decided := func() model.DecisionRecord {
		d := record(t, e, "dec_1", ask(bo, model.ActDataRead, orders))
		d.Domain = "sales"
		return d
	}
	before := decided()
	activate(t, e, "marketing", consenting("billing"))
	under := decided()
	unnamed := under
	unnamed.Decision.Revisions.Consent = ""
	if under.Decision.Allowed() || !before.Decision.Allowed() {
		t.Fatalf("got %s and %s", before.Outcome, under.Outcome)
	}
	want := func(when string, rows map[*model.DecisionRecord]bool) {
		t.Helper()
		s := e.Snapshot()
		for row, ok := range rows {
			_, again := s.Again(t.Context(), *row)
			if made := s.Made(*row); made != ok || again != ok {
				t.Errorf("%s, %s by %+v: made %v, made again %v, want %v", when, row.Outcome, row.Decision.Revisions, made, again, ok)
			}
		}
	}
	want("under consent", map[*model.DecisionRecord]bool{&before: false, &under: true, &unnamed: false})
	activate(t, e, "marketing", consenting("audit"))
	want("under another", map[*model.DecisionRecord]bool{&before: false, &under: false, &unnamed: false})
	activate(t, e, "marketing", open)
	want("under none", map[*model.DecisionRecord]bool{&before: true, &under: false, &unnamed: false})
}

// TestConsent hears the asker's own domain, which can refuse and never allow.
func TestConsent(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", open)
	activate(t, e, "marketing", consenting("billing"))
	q := ask(bo, model.ActDataRead, orders)
	if d := e.Snapshot().Decide(t.Context(), q); d.Allowed() || codes(d)[0] != "marketing domain.no_consent" {
		t.Errorf("got %s %v", d.Outcome, codes(d))
	}
	q.Context.Purpose = "billing"
	if d := e.Snapshot().Decide(t.Context(), q); !d.Allowed() {
		t.Errorf("with consent: got %s %v", d.Outcome, codes(d))
	}
	activate(t, e, "sales", strings.Replace(open, "== 1", "== 2", 1))
	if d := e.Snapshot().Decide(t.Context(), q); d.Allowed() {
		t.Error("consent alone allowed")
	}
	if d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActMetadataView, orders)); !d.Allowed() {
		t.Errorf("looking asked for consent: %v", codes(d))
	}
}

// TestRefusedRules names the file, the line and the remedy of whatever a
// domain may not put in force, and leaves the old rules deciding.
func TestRefusedRules(t *testing.T) {
	for _, w := range []struct{ name, text, field, message, hint string }{
		{"wrong package", "package souk.domains.marketing\n\nimport rego.v2\n", "domains/sales/rules.rego:1", "package souk.domains.marketing, but its folder belongs to package souk.domains.sales", "move the file"},
		{"misspelt field", strings.Replace(open, "input.v", "input.subjct.id", 1), "domains/sales/rules.rego:5", "undefined ref: input.subjct.id", "policies/README.md"},
		{"another action's field", strings.Replace(open, "if input.v == 1", "if {\n\tinput.action.name == \"data.read\"\n\tinput.context.duration_s > 1\n}", 1), "domains/sales/rules.rego:7", "input.context.duration_s is no field of data.read", "an action that has the field"},
		{"wrong type", strings.Replace(open, "input.v == 1", "input.resource.ports == true", 1), "domains/sales/rules.rego:5", "match error", ""},
		{"old syntax", "package souk.domains.NAME\n\nimport rego.v2\n\nallow[x] { x := 1 }\n", "domains/sales/rules.rego:5", "keyword is required", "write Rego v1"},
		{"no syntax", "package souk.domains.NAME\n\nallow contains {\n", "domains/sales/rules.rego:4", "unexpected eof", "correct the syntax"},
		{"empty", "", "domains/sales/rules.rego:1", "empty", ""},
		{"unused", strings.Replace(open, "rego.v2", "rego.v2\nimport data.souk.lib", 1), "domains/sales/rules.rego:4", "unused", "remove the import"},
		{"the clock", strings.Replace(open, "input.v == 1", "time.now_ns() > 1", 1), "domains/sales/rules.rego:5", "undefined function time.now_ns", "built-in functions that policies may call"},
	} {
		t.Run(w.name, func(t *testing.T) {
			e := engine(t)
			activate(t, e, "sales", open)
			_, err := e.Activate(t.Context(), module("sales", w.text))
			wantError(t, err, w.field, w.message, w.hint)
			if d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, orders)); !d.Allowed() {
				t.Errorf("the old rules are gone: %v", codes(d))
			}
		})
	}
}

func wantError(t *testing.T, err error, field, message, hint string) {
	t.Helper()
	e, ok := err.(*model.Error) //nolint:errorlint // the kind itself is under test
	if !ok || e.Kind != model.KindInvalid {
		t.Fatalf("got %v, want an error of kind Invalid", err)
	}
	if e.Field != field || !strings.Contains(e.Message, message) || !strings.Contains(e.Hint, hint) || e.Hint == "" {
		t.Errorf("got %q: %q (%q), want %q: %q (%q)", e.Field, e.Message, e.Hint, field, message, hint)
	}
}

// TestForeignFile refuses a file that lies in another domain's folder.
func TestForeignFile(t *testing.T) {
	_, err := engine(t).Activate(t.Context(), policy.Draft{Domain: "sales", Modules: module("marketing", open).Modules})
	wantError(t, err, "domains/marketing/rules.rego", "souk.domains.marketing, but the revision is of package souk.domains.sales", "")
	_, err = engine(t).Activate(t.Context(), policy.Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: "rules.rego", Text: open}}})
	wantError(t, err, "rules.rego", "no package", "domains/NAME")
	if _, err = engine(t).Activate(t.Context(), policy.Draft{Domain: "Sales!"}); !model.Is(err, model.KindInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestFolderOfACompany reads a folder that holds one domain and nothing else.
func TestFolderOfACompany(t *testing.T) {
	files := fstest.MapFS{}
	for _, m := range module("sales", open).Modules {
		files[m.Path] = &fstest.MapFile{Data: []byte(m.Text)}
	}
	e, err := newEngine(policy.Config{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	if d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, orders)); !d.Allowed() {
		t.Errorf("got %v", codes(d))
	}
	suspended := bo
	suspended.Suspended = true
	if d := e.Snapshot().Decide(t.Context(), ask(suspended, model.ActDataRead, orders)); d.Allowed() {
		t.Error("the platform's own rules are missing")
	}
	for name, files := range map[string]fstest.MapFS{
		"nothing":       {},
		"nowhere":       {"rules.rego": &fstest.MapFile{Data: []byte(open)}},
		"bad domain":    {"domains/Sales/rules.rego": &fstest.MapFile{Data: []byte(open)}},
		"other package": {"domains/marketing/rules.rego": &fstest.MapFile{Data: []byte(strings.ReplaceAll(open, "NAME", "sales"))}},
	} {
		if _, err := newEngine(policy.Config{Files: files}); !model.Is(err, model.KindInvalid) {
			t.Errorf("%s: got %v, want an error of kind Invalid", name, err)
		}
	}
}

// TestSwapsMixNothing decides while two revisions take turns, and finds in
// every answer the reasons of the revision that the answer names.
func TestSwapsMixNothing(t *testing.T) {
	e := engine(t)
	texts := map[string]string{}
	revision := map[string]string{}
	for _, turn := range []string{"a", "b"} {
		texts[turn] = fmt.Sprintf(`package souk.domains.NAME

import rego.v2

allow contains {"code": "%[1]s", "message": "x"} if input.v == 1

obligations contains {"id": "%[1]s", "type": "watermark", "params": {"text": "%[1]s"}} if input.v == 1
`, turn)
		revision[activate(t, e, "sales", texts[turn])] = turn
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	var asked atomic.Int64
	for range 4 {
		readers.Go(func() {
			for ; ; asked.Add(1) {
				select {
				case <-stop:
					return
				default:
				}
				d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, orders))
				turn := revision[d.Revisions.Domain]
				if d.Reasons[0].Code == "engine.busy" {
					continue // a slow machine; it mixes nothing either
				}
				if !d.Allowed() || turn == "" || d.Reasons[0].Code != turn || d.Obligations[len(d.Obligations)-1].ID != turn {
					t.Errorf("mixed: %+v", d)
					return
				}
			}
		})
	}
	swaps := 300
	if testing.Short() {
		swaps = 100
	}
	for i := range swaps {
		activate(t, e, "sales", texts[[]string{"a", "b"}[i%2]])
	}
	close(stop)
	if readers.Wait(); asked.Load() < int64(swaps) {
		t.Errorf("%d questions during %d swaps are no load", asked.Load(), swaps)
	}
}
