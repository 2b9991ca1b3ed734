package review

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// draftLikeTemplate is the template as a domain's own package.
func draftLikeTemplate(tb testing.TB, domain model.Slug) sandbox.Draft {
	tb.Helper()
	t := sandbox.Tree{}
	if err := t.Read(policies.Files); err != nil {
		tb.Fatal(err)
	}
	d := sandbox.Draft{Domain: domain}
	for file, text := range t["souk.template"].Modules {
		d.Modules = append(d.Modules, model.PolicyModule{
			Path: strings.Replace(file, sandbox.FolderTemplate, "domains/"+string(domain), 1),
			Text: strings.NewReplacer("souk.template", "souk.domains."+string(domain), "template.", string(domain)+".").Replace(text),
		})
	}
	return d
}

func BenchmarkMutants(b *testing.B) {
	files, err := sandbox.ReadTree(policies.Files)
	if err != nil {
		b.Fatal(err)
	}
	core, err := decide.Build(b.Context(), files, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	e := NewDesk(core, nil)
	s, err := draftLikeTemplate(b, "sales").Source()
	if err != nil {
		b.Fatal(err)
	}
	su, err := suiteOf(s, e.Library())
	if err != nil {
		b.Fatal(err)
	}
	n := len(su.mutants())
	begin := time.Now()
	for b.Loop() {
		for _, p := range e.survivors(context.Background(), s) {
			b.Log(p.File, p.Line, p.Message)
		}
	}
	b.ReportMetric(float64(time.Since(begin).Milliseconds())/float64(n*b.N), "ms/mutant")
	b.ReportMetric(float64(n), "mutants")
}
