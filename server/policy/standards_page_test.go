package policy

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/review"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../policies/README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// snippet is a block of Rego with the file that it would be.
var snippet = regexp.MustCompile("(?ms)^```rego ?(?:file=(\\S+))?\n(.*?)^```")

// TestPageSnippets puts the blocks of the authors' page together to one
// domain, runs its tests, and puts it in force.
func TestPageSnippets(t *testing.T) {
	files, d := fstest.MapFS{}, sandbox.Draft{Domain: "sales"}
	for _, found := range snippet.FindAllStringSubmatch(page(t), -1) {
		name, text := found[1], found[2]
		if name == "" {
			t.Errorf("a block does not say which file it would be: %.60s", text)
			continue
		}
		if want, err := format.Source(name, []byte(text)); err != nil || cmp.Diff(string(want), text) != "" {
			t.Errorf("%s is not formatted: %v\n%s", name, err, cmp.Diff(string(want), text))
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
		d.Modules = append(d.Modules, model.PolicyModule{Path: name, Text: text})
	}
	report, err := review.Test(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Tests {
		if r.Outcome != review.Passed {
			t.Errorf("%s:%d: %s %s: %s", r.File, r.Line, r.Name, r.Outcome, r.Message)
		}
	}
	if len(files) < 4 || len(report.Tests) < 2 {
		t.Errorf("%d files, %d tests: something was not found", len(files), len(report.Tests))
	}
	e, err := New(Config{Files: policies.Files})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Activate(t.Context(), d); err != nil {
		t.Error(err)
	}
}

// TestPageFields compares the tables of fields with the schemas that rules are
// compiled against.
func TestPageFields(t *testing.T) {
	_, standards, _ := strings.Cut(page(t), "\n## Standards")
	decisions, _, _ := strings.Cut(page(t), "\n## Standards")
	summary := map[string]string{"input.product.ports[].assets[]": "asset"}
	for name, c := range map[string]struct {
		text string
		set  *ast.SchemaSet
		skip map[string]string
	}{"decisions": {decisions, question.InputSchema(), nil}, "standards": {standards, question.MetadataSchema(), summary}} {
		want := map[string]string{}
		flatten("input", c.set.Get(ast.SchemaRootRef), c.skip, want)
		if diff := cmp.Diff(want, rows(c.text)); diff != "" {
			t.Errorf("%s: the schema (-) and the page (+): %s", name, diff)
		}
	}
}

// flatten lists the fields of a schema with the page's words for their types.
func flatten(path string, schema any, skip, into map[string]string) {
	s := schema.(map[string]any)
	if word, ok := skip[path]; ok {
		into[path] = word
		return
	}
	properties, _ := s["properties"].(map[string]any)
	switch s["type"] {
	case "object":
		if properties == nil {
			into[path] = "object"
		}
		for name, of := range properties {
			flatten(path+"."+name, of, skip, into)
		}
	case "array":
		items := s["items"].(map[string]any)
		if items["type"] == "string" {
			into[path] = "texts"
			return
		}
		flatten(path+"[]", items, skip, into)
	default:
		into[path] = map[string]string{"string": "text", "integer": "number", "boolean": "boolean"}[s["type"].(string)]
	}
}

var row = regexp.MustCompile("(?m)^\\| `(input\\.[^`]+)` \\| (\\w+) \\| .+ \\|$")

func rows(text string) map[string]string {
	found := map[string]string{}
	for _, r := range row.FindAllStringSubmatch(text, -1) {
		found[r[1]] = r[2]
	}
	return found
}

// TestPageNames holds the page to the rules, actions, obligations, templates
// and limits that there are.
func TestPageNames(t *testing.T) {
	text := page(t)
	var names []string
	for _, e := range sandbox.Entries {
		names = append(names, "| `"+e+"` |")
	}
	for a := range maps.Keys(question.RightsByAction) {
		names = append(names, "`"+string(a)+"`")
	}
	for o, d := range verdict.Duties {
		names = append(names, "| `"+string(o)+"` |")
		for _, p := range append(slices.Clone(d.Needs), d.May...) {
			names = append(names, "`"+p+"`")
		}
	}
	for _, role := range model.ApproverRoles() {
		names = append(names, "`"+string(role)+"`")
	}
	for _, template := range policies.Templates() {
		names = append(names, "| `"+template.Name+"` |")
	}
	names = append(names, "64 KiB each, 20 of rules", "200 rules a file", "100,000 steps, one second, 24 MiB", "100 findings")
	for _, name := range names {
		if !strings.Contains(text, name) {
			t.Errorf("the page does not speak of %s", name)
		}
	}
	if sandbox.MaxModuleSize != 64<<10 || sandbox.MaxModules != 20 || sandbox.MaxRules != 200 || sandbox.MaxSteps != 100_000 || sandbox.MaxMemory != 24<<20 || sandbox.MaxFindings != 100 || sandbox.MaxNesting != 3 || sandbox.MaxLoops != 3 {
		t.Error("a limit has changed: change the page as well")
	}
}
