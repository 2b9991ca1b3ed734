package policy_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
)

// retention is a domain's standard beside the company's.
const retention = `package souk.domains.sales.standards

import rego.v2

findings contains {
	"code": "sales.retention", "severity": "error", "field": "tags",
	"message": "The product does not say how long it is kept.", "remedy": "Add a tag such as keep_1y.",
} if {
	input.type == "data_product"
	not _kept
}

_kept if {
	some tag in input.product.tags
	startswith(tag, "keep_")
}
`

func standards(t *testing.T, text string) *policy.Engine {
	t.Helper()
	e, err := newEngine(policy.Config{Files: fstest.MapFS{"domains/sales/standards/rules.rego": {Data: []byte(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// good is a product that meets the company's standards.
func good() policy.Metadata {
	table := policy.AssetSummary{ID: "ast_1", Name: "orders", Status: model.AssetActive, Description: "Orders.", FieldCount: 1, FieldsDescribed: 1, Quality: policy.QualityMetadata{Age: -1}}
	return policy.Metadata{Type: policy.TypeProduct, Product: &policy.ProductMetadata{
		ID: "dpr_orders", Name: "orders", Domain: "sales", DisplayName: "Orders", Description: "Every order of the shop, hourly.", BusinessContext: "For billing.",
		Owner: "ana", OwnerTeam: "sales/shop", Classification: model.Internal, Status: model.Draft, Tags: []string{"keep_1y"},
		Ports: []policy.PortMetadata{{Name: "rows", Direction: model.OutputPort, Description: "All of them.", Assets: []policy.AssetSummary{table}}},
	}}
}

func findings(t *testing.T, e *policy.Engine, domain model.Slug, m policy.Metadata) []string {
	t.Helper()
	found, err := e.Snapshot().Findings(t.Context(), domain, m)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range found {
		if f.SubjectID != "dpr_orders" || f.Message == "" || f.Remedy == "" {
			t.Errorf("%+v", f)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s", f.Severity, f.Standard, f.Code, f.Field))
	}
	return lines
}

// TestDomainsAddStandards asks the company's standards and the domain's, and
// the domain's about nobody else's products.
func TestDomainsAddStandards(t *testing.T) {
	e := standards(t, retention)
	if got := findings(t, e, "sales", good()); got != nil {
		t.Errorf("a good product: %v", got)
	}
	poor := good()
	poor.Product.Description, poor.Product.OwnerTeam, poor.Product.Tags = "", "", []string{}
	company := []string{"error souk.standards description.missing description", "warning souk.standards owner.team ownerTeamId"}
	want := []string{company[0], "error souk.domains.sales.standards sales.retention tags", company[1]}
	if diff := cmp.Diff(want, findings(t, e, "sales", poor)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(company, findings(t, e, "finance", poor)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(company, findings(t, engine(t), "sales", poor)); diff != "" {
		t.Error(diff)
	}
}

// TestBrokenStandardsAreFindings keeps what cannot be checked from looking good.
func TestBrokenStandardsAreFindings(t *testing.T) {
	rule := func(body string) string {
		return "package souk.domains.sales.standards\n\nimport rego.v2\n\n" + body + "\n"
	}
	for name, text := range map[string]string{
		"trouble":    rule(`findings contains f if f := {"code": "x", "severity": "error", "message": "x", "remedy": format_int(to_number(input.type), 10)}`),
		"no remedy":  rule(`findings contains {"code": "x", "severity": "error", "message": "x"} if input.type != ""`),
		"a severity": rule(`findings contains {"code": "x", "severity": "fatal", "message": "x", "remedy": "x"} if input.type != ""`),
		"a text":     rule(`findings contains "bad" if input.type != ""`),
		"too many": rule(`findings contains {"code": "x", "severity": "error", "message": sprintf("%d %d", [i, j]), "remedy": "x"} if {
	some i in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
	some j in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
}`),
	} {
		t.Run(name, func(t *testing.T) {
			e := standards(t, text)
			for range 7 { // more often than the guard bears
				want := []string{"error souk.domains.sales.standards standards.unchecked "}
				if diff := cmp.Diff(want, findings(t, e, "sales", good())); diff != "" {
					t.Fatal(diff)
				}
			}
			if d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActAccessRequest, orders)); d.Outcome != model.NeedsApproval {
				t.Errorf("decisions of the domain suffer: %s %v", d.Outcome, codes(d))
			}
		})
	}
}

// TestStandardsAreConfined holds standards to the walls of other packages.
func TestStandardsAreConfined(t *testing.T) {
	for _, w := range []struct{ name, old, replaced, message string }{
		{"misspelt field", "input.product.tags", "input.product.tag", "undefined ref"},
		{"an asset's fields", "some tag in input.product.tags", "some tag in input.product.ports[_].assets[_].fields", "undefined ref"},
		{"decision input", "input.type", "input.subject.id", "undefined ref"},
		{"the clock", `startswith(tag, "keep_")`, `time.now_ns() > 1`, "undefined function time.now_ns"},
		{"other package", "package souk.domains.sales.standards", "package souk.standards", "belongs to package souk.domains.sales.standards"},
		{"the company's rules", "not _kept", "not data.souk.standards.findings[_]", "may use only itself"},
		{"the domain's rules", "not _kept", "not data.souk.domains.sales.allow[_]", "may use only itself"},
		{"no set", "findings contains {", "findings := {", "must be a set"},
	} {
		t.Run(w.name, func(t *testing.T) {
			text := strings.Replace(retention, w.old, w.replaced, 1)
			_, err := newEngine(policy.Config{Files: fstest.MapFS{"domains/sales/standards/rules.rego": {Data: []byte(text)}}})
			if !model.Is(err, model.KindInvalid) || !strings.Contains(err.Error(), w.message) || !strings.HasPrefix(err.Error(), "domains/sales/standards/rules.rego:") {
				t.Errorf("got %v, want %q", err, w.message)
			}
		})
	}
}

// TestStandardsOfACompany replaces what Souk ships.
func TestStandardsOfACompany(t *testing.T) {
	text := strings.NewReplacer("souk.domains.sales.standards", "souk.standards", "sales.retention", "retention").Replace(retention)
	e, err := newEngine(policy.Config{Files: fstest.MapFS{"standards/rules.rego": {Data: []byte(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	poor := good()
	poor.Product.Tags, poor.Product.Description = []string{}, ""
	if diff := cmp.Diff([]string{"error souk.standards retention tags"}, findings(t, e, "sales", poor)); diff != "" {
		t.Error(diff)
	}
}

// TestStandardsRideWithTheRules proposes both together, and gives both up together.
func TestStandardsRideWithTheRules(t *testing.T) {
	e := standards(t, strings.ReplaceAll(retention, "sales.retention", "sales.first"))
	poor := good()
	poor.Product.Tags = []string{}
	want := func(what string, code ...string) {
		t.Helper()
		var lines []string
		for _, c := range code {
			lines = append(lines, "error souk.domains.sales.standards "+c+" tags")
		}
		if diff := cmp.Diff(lines, findings(t, e, "sales", poor)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	want("what the server was started with", "sales.first")
	d := module("sales", open)
	bare, err := e.Activate(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	want("a draft without standards")
	d.Modules = append(d.Modules, model.PolicyModule{Path: "domains/sales/standards/rules.rego", Text: retention})
	both, err := e.Activate(t.Context(), d)
	if err != nil || both == bare {
		t.Errorf("the revision does not tell the standards apart: %v", err)
	}
	want("a draft with standards", "sales.retention")
	if got := e.Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, orders)); got.Revisions.Domain != both {
		t.Errorf("decided by %s", got.Revisions.Domain)
	}
	d.Modules[1].Text = strings.Replace(retention, "input.type", "input.tipe", 1)
	if _, err := e.Activate(t.Context(), d); !model.Is(err, model.KindInvalid) {
		t.Errorf("got %v", err)
	}
	d.Modules = d.Modules[1:]
	if _, err := e.Activate(t.Context(), d); !model.Is(err, model.KindInvalid) || !strings.Contains(err.Error(), "no rules") {
		t.Errorf("standards alone: got %v", err)
	}
	want("what was refused", "sales.retention")
	if _, err := e.Activate(t.Context(), policy.Draft{Domain: "sales"}); err != nil {
		t.Fatal(err)
	}
	want("nothing", "sales.first")
}

// TestRegionAndFindingsAreInput lets rules see both.
func TestRegionAndFindingsAreInput(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", `package souk.domains.NAME

import rego.v2

allow contains {"code": "region", "message": "x"} if input.subject.region == "eu"

deny contains {"code": sprintf("found.%s", [code]), "message": "x"} if some code in input.resource.findings.codes
`)
	there := bo
	there.Region = "eu"
	if d := e.Snapshot().Decide(t.Context(), ask(there, model.ActDataRead, orders)); !d.Allowed() {
		t.Errorf("got %v", codes(d))
	}
	if d := e.Snapshot().Decide(t.Context(), ask(bo, model.ActDataRead, orders)); d.Allowed() {
		t.Error("a region is guessed")
	}
	found := with(orders, func(r *policy.Resource) {
		r.Findings = &policy.FindingsFact{Errors: 2, Codes: []string{"contract.retired"}}
	})
	d := e.Snapshot().Decide(t.Context(), ask(there, model.ActDataRead, found))
	if diff := cmp.Diff([]string{"sales found.contract.retired"}, codes(d)); diff != "" {
		t.Error(diff)
	}
	if d := e.Snapshot().Decide(t.Context(), ask(ana, model.ActProductPublish, found)); codes(d)[0] != "platform publish.standards" {
		t.Errorf("got %v", codes(d))
	}
}

// TestShippedStandardsAreProven wants the tests of the company's standards to
// notice whatever is changed about them.
func TestShippedStandardsAreProven(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds to try every change")
	}
	d := policy.Draft{}
	for _, folder := range []string{"platform", "standards"} {
		files, err := fs.Glob(policies.Files, folder+"/*.rego")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := fs.ReadFile(policies.Files, file)
			if err != nil {
				t.Fatal(err)
			}
			d.Modules = append(d.Modules, model.PolicyModule{Path: file, Text: string(text)})
		}
	}
	tests, err := engine(t).Test(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range slices.Concat(tests.Failures, tests.Uncovered, tests.Survivors) {
		if strings.HasPrefix(p.File, "standards/") {
			t.Errorf("%s:%d: %s", p.File, p.Line, p.Message)
		}
	}
	if !tests.OK() {
		t.Errorf("%d tests passed, and the shipped rules could not be published: %+v", tests.Passed, tests.Uncovered)
	}
}

func BenchmarkFindings(b *testing.B) {
	s := engine(b).Snapshot()
	m := good()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Findings(b.Context(), "sales", m); err != nil {
			b.Fatal(err)
		}
	}
}
