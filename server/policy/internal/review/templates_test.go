package review

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// TestEachTemplateIsProvenAlone wants of each template, without the others, the
// tests that a draft has to have.
func TestEachTemplateIsProvenAlone(t *testing.T) {
	files, err := sandbox.ReadTree(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	core, err := decide.Build(t.Context(), files, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	needed := map[string]map[string]string{
		"by_team": {"teams": "sales/analysts"}, "by_purpose": {"purposes": "billing"}, "masking": {"fields": "email"}, "geography": {"regions": "eu"},
	}
	for _, template := range policies.Templates() {
		t.Run(template.Name, func(t *testing.T) {
			texts, err := template.Start("sales", needed[template.Name])
			if err != nil {
				t.Fatal(err)
			}
			d := sandbox.Draft{Domain: "sales"}
			for path, text := range texts {
				d.Modules = append(d.Modules, model.PolicyModule{Path: path, Text: text})
			}
			var tests model.PolicyTests
			for _, s := range packagesOf(d) {
				p := proof{Source: s, lib: core.Library(), report: &tests}
				if err := p.run(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if !tests.OK() || tests.Passed == 0 {
				t.Errorf("got %+v, want nothing lacking", tests)
			}
		})
	}
}
