package policy_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
)

// TestShippedPolicies runs the Rego tests of the policies that Souk ships and
// holds them to the coverage that it asks of domains.
func TestShippedPolicies(t *testing.T) {
	report, err := policy.Test(t.Context(), policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Tests {
		if r.Outcome != policy.Passed {
			t.Errorf("%s:%d: %s %s: %s\n%s", r.File, r.Line, r.Name, r.Outcome, r.Message, r.Output)
		}
	}
	for _, f := range report.Files {
		if f.Percent < 90 {
			t.Errorf("%s: %.1f %% covered, no test reaches %v", f.File, f.Percent, f.Uncovered)
		}
	}
	if len(report.Tests) < 50 || len(report.Files) < 10 {
		t.Errorf("%d tests over %d files: something was not found", len(report.Tests), len(report.Files))
	}
	t.Logf("%d tests, %.1f %% covered", len(report.Tests), report.Coverage)
}

// TestShippedPoliciesAreFormatted compares the files with what opa fmt makes of them.
func TestShippedPoliciesAreFormatted(t *testing.T) {
	err := fs.WalkDir(policies.Files, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policies.Files, file)
		if err != nil {
			return err
		}
		want, err := format.Source(file, text)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(string(want), string(text)); diff != "" {
			t.Errorf("%s:\n%s", file, diff)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if len(strings.ReplaceAll(line, "\t", "    ")) > 120 {
				t.Errorf("%s:%d is longer than 120 columns", file, i+1)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReport runs tests that pass, fail, break, wait and print, over rules
// that they reach in part.
func TestReport(t *testing.T) {
	files := fstest.MapFS{
		"domains/sales/rules.rego": {Data: []byte(strings.ReplaceAll(open, "NAME", "sales") + `
deny contains {"code": "sales.never", "message": "Never."} if {
	input.v == 2
	input.resource.ports > 100
}
`)},
		"domains/sales/rules_test.rego": {Data: []byte(`package souk.domains.sales_test

import data.souk.domains.sales
import rego.v2

test_open if count(sales.allow) == 1 with input as {"v": 1}

test_closed if {
	count(sales.deny) == 0 with input as {"v": 1}
	count(sales.allow) == 5 with input as {"v": 1}
}

test_broken if to_number("x") == 1

todo_test_later if false

test_prints if print("hello", 1)
`)},
	}
	report, err := policy.Test(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Name    string
		Line    int
		Outcome policy.TestOutcome
		Message string
		Output  string
	}
	var got []line
	for _, r := range report.Tests {
		if r.Package != "souk.domains.sales_test" || r.File != "domains/sales/rules_test.rego" {
			t.Errorf("%+v", r)
		}
		got = append(got, line{r.Name, r.Line, r.Outcome, r.Message, r.Output})
	}
	want := []line{
		{"test_open", 6, policy.Passed, "", ""},
		{"test_closed", 8, policy.Failed, `line 10 does not hold: count(sales.allow) == 5 with input as {"v": 1}`, ""},
		{"test_broken", 13, policy.Errored, `domains/sales/rules_test.rego:13: to_number: strconv.ParseFloat: parsing "x": invalid syntax`, ""},
		{"todo_test_later", 15, policy.Skipped, "", ""},
		{"test_prints", 17, policy.Passed, "", "hello 1\n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantFiles := []policy.FileCoverage{{File: "domains/sales/rules.rego", Percent: 25, Covered: 1, Lines: 4, Uncovered: []policy.LineRange{{From: 7, To: 9}}}}
	if diff := cmp.Diff(wantFiles, report.Files); diff != "" {
		t.Error(diff)
	}
}

// TestReportRefuses tells of rules that the server would not load, before any test runs.
func TestReportRefuses(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"a rule that reaches out": {"domains/sales/rules.rego": {Data: []byte("package souk.domains.sales\n\nimport rego.v2\n\nx := data.souk.domains.marketing.x\n")}},
		"a test that reaches out": {"domains/sales/rules_test.rego": {Data: []byte("package souk.domains.sales_test\n\nimport rego.v2\n\ntest_x if data.souk.domains.marketing.x\n")}},
		"nothing at all":          {},
	} {
		if _, err := policy.Test(t.Context(), files); !model.Is(err, model.KindInvalid) {
			t.Errorf("%s: got %v, want an error of kind Invalid", name, err)
		}
	}
}
