package policy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
)

// given is what the templates ask for and have no default of, in two ways.
var given = map[string][]map[string]string{
	"by_team":    {{"teams": "sales/analysts"}, {"teams": "ops/one, ops/two ,hr/payroll", "up_to": "public"}, {"teams": "ops/bay", "up_to": "RESTRICTED"}},
	"by_purpose": {{"purposes": "billing"}, {"purposes": `fraud "detection", planning`}},
	"masking":    {{"fields": "email"}, {"fields": "email,phone", "with": "null"}},
	"geography":  {{"regions": "eu"}, {"regions": "eu,ch", "tag": "pii"}},
	"time_boxed": {{}, {"days": "1", "until": "2030-06-01T12:00:00+02:00"}},

	"by_classification":     {{}, {"days": "7"}},
	"public_to_all":         {{}, {"up_to": "PUBLIC"}, {"up_to": "CONFIDENTIAL"}},
	"internal_to_employees": {{}},
}

// TestTemplatesAreReadyAtOnce starts a domain from every template and wants its
// tests to pass, to reach every line, and to need no further care. Whether they
// notice each change of a condition is tried on all the templates together.
func TestTemplatesAreReadyAtOnce(t *testing.T) {
	if all := policies.Templates(); len(all) != len(given) {
		t.Fatalf("%d templates, and %d are tried", len(all), len(given))
	}
	for _, template := range policies.Templates() {
		for i, values := range given[template.Name] {
			for _, domain := range []string{"sales", "marketing", "orders"} {
				t.Run(fmt.Sprintf("%s/%d/%s", template.Name, i, domain), func(t *testing.T) {
					files, err := template.Start(domain, values)
					if err != nil {
						t.Fatal(err)
					}
					tryTemplate(t, files)
					if i == 0 && domain == "sales" {
						checkTemplate(t, files)
					}
				})
			}
		}
	}
}

func tryTemplate(t *testing.T, files map[string]string) {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		want, err := format.Source(name, []byte(text))
		if diff := cmp.Diff(string(want), text); err != nil || diff != "" {
			t.Errorf("%s is not formatted: %v\n%s", name, err, diff)
		}
	}
	report, err := policy.Test(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Tests {
		if r.Outcome != policy.Passed {
			t.Errorf("%s:%d: %s %s: %s", r.File, r.Line, r.Name, r.Outcome, r.Message)
		}
	}
	for _, f := range report.Files {
		if f.Percent < 100 {
			t.Errorf("%s: %.1f %% covered, no test reaches %v", f.File, f.Percent, f.Uncovered)
		}
	}
}

// checkTemplate wants a draft of the files about which there is nothing to say.
func checkTemplate(t *testing.T, files map[string]string) policy.Draft {
	t.Helper()
	d := policy.Draft{}
	for path, text := range files {
		d.Domain = model.Slug(strings.Split(path, "/")[1])
		d.Modules = append(d.Modules, model.PolicyModule{Path: path, Text: text})
	}
	for _, problem := range second(engine(t).Check(t.Context(), d)) {
		t.Errorf("%+v", problem)
	}
	return d
}

// proveTemplate wants the rules to be publishable as they are, and their tests
// to notice whatever is changed about them.
func proveTemplate(t *testing.T, files map[string]string) {
	t.Helper()
	tests, err := engine(t).Test(t.Context(), checkTemplate(t, files))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range slices.Concat(tests.Failures, tests.Uncovered, tests.Survivors) {
		t.Errorf("%+v", problem)
	}
	if !tests.OK() {
		t.Errorf("the tests keep the rules from being published: %+v", tests)
	}
}

func second[A, B any](_ A, b B) B { return b }

// TestTemplatesTogether puts all the templates into one domain.
func TestTemplatesTogether(t *testing.T) {
	all := map[string]string{}
	for _, template := range policies.Templates() {
		files, err := template.Start("sales", given[template.Name][0])
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(all, files)
	}
	tryTemplate(t, all)
	proveTemplate(t, all)
}

// TestTemplatesDecide asks whole decisions of some domains that began from a template.
func TestTemplatesDecide(t *testing.T) {
	begin := func(name string, values map[string]string) *policy.Engine {
		t.Helper()
		for _, template := range policies.Templates() {
			if template.Name != name {
				continue
			}
			files, err := template.Start("sales", values)
			if err != nil {
				t.Fatal(err)
			}
			d := policy.Draft{Domain: "sales"}
			for path, text := range files {
				d.Modules = append(d.Modules, model.PolicyModule{Path: path, Text: text})
			}
			e := engine(t)
			if _, err := e.Activate(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			return e
		}
		t.Fatalf("no template %s", name)
		return nil
	}
	internal := with(orders, func(r *policy.Resource) { r.Classification = model.Internal })
	if d := begin("internal_to_employees", nil).Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, internal)); !d.Allowed() {
		t.Errorf("an employee: %s %v", d.Outcome, codes(d))
	}
	masked := begin("masking", map[string]string{"fields": "email"})
	q := ask(bo, model.ActDataRead, orders)
	q.Facts.Grants = []policy.GrantFact{{ID: "grt_1", Product: orders.ID, Purpose: "x", Until: noon.AddDate(0, 0, 1)}}
	d := masked.Snapshot().Decide(t.Context(), q)
	if !d.Allowed() || !hasObligation(d, model.ObligeMask) {
		t.Errorf("a holder: %s %+v", d.Outcome, d.Obligations)
	}
	boxed := begin("time_boxed", map[string]string{"days": "7"})
	if d := boxed.Snapshot().Decide(t.Context(), ask(bo, model.ActAccessRequest, orders)); d.Outcome != model.NeedsApproval || d.TTLMax.Hours() != 7*24 {
		t.Errorf("a request: %s, at most %s", d.Outcome, d.TTLMax)
	}
	there := ask(bo, model.ActAccessRequest, with(orders, func(r *policy.Resource) { r.Tags = []string{"personal_data"} }))
	abroad := begin("geography", map[string]string{"regions": "eu"})
	if d := abroad.Snapshot().Decide(t.Context(), there); codes(d)[0] != "sales region.outside" {
		t.Errorf("from nowhere: %s %v", d.Outcome, codes(d))
	}
	there.Subject.Region = "eu"
	if d := abroad.Snapshot().Decide(t.Context(), there); d.Outcome != model.NeedsApproval {
		t.Errorf("from there: %s %v", d.Outcome, codes(d))
	}
}

func hasObligation(d model.Decision, of model.ObligationType) bool {
	for _, o := range d.Obligations {
		if o.Type == of {
			return true
		}
	}
	return false
}

// TestTemplatesRefuse names the setting that does not fit, and lets no value
// become a rule.
func TestTemplatesRefuse(t *testing.T) {
	for _, w := range []struct{ name, setting, value, want string }{
		{"by_team", "team", "x", "no such setting"},
		{"by_team", "teams", "", "has to be given"},
		{"by_team", "teams", "sales/desk,,sales/shop", "is empty"},
		{"by_team", "teams", "notateam", "sales/notateam"},
		{"by_team", "up_to", "SECRET", "none of PUBLIC"},
		{"masking", "with", "rot13", "none of null"},
		{"time_boxed", "days", "0", "no whole number"},
		{"time_boxed", "days", "soon", "no whole number"},
		{"time_boxed", "until", "31.12.2026", "neither a day"},
	} {
		for _, template := range policies.Templates() {
			if template.Name != w.name {
				continue
			}
			if _, err := template.Start("sales", map[string]string{w.setting: w.value}); err == nil || !strings.Contains(err.Error(), w.want) {
				t.Errorf("%+v: got %v", w, err)
			}
		}
	}
	evil := `x"], "y") } allow contains {"code": "all", "message": "all"} if { startswith("<<domain>>", "`
	for _, template := range policies.Templates() {
		if template.Name != "by_purpose" {
			continue
		}
		files, err := template.Start("sales", map[string]string{"purposes": evil})
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if strings.Contains(text, "\nallow contains {\"code\": \"all\"") || strings.Contains(text, ` "all"} if {`+"\n") {
				t.Errorf("%s: the value has become a rule:\n%s", name, text)
			}
		}
	}
}
